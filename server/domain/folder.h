/* folder: one folder of labs/ in memory: its files, and those read as YAML by a checker. Nothing of it is judged here beyond what cannot be read. */
#ifndef MAKMAL_DOMAIN_FOLDER_H
#define MAKMAL_DOMAIN_FOLDER_H
#include "domain/format.h"
#define FOLDER_FILE_MAX (256u * 1024u)
#define FOLDER_FILES_MAX 400

struct folder_file {
  const char *name;                  /* "steps/10-mend.en.md" */
  const char *path;                  /* as a person reads it: the folder's path before it */
  const char *bytes; size_t length;
  const struct tree **docs; size_t doc_count;      /* after folder_yaml */
  bool refused;                      /* the reader refused it, and said why */
};
struct folder { const char *path, *id; struct folder_file *files; size_t count; };

/* Reads the files of a folder and of the sub-folders named in `below` (space-separated). What cannot be read is said. Hidden files and those that end in ~ are passed over. */
bool folder_load(struct format *format, const char *path, const char *below, struct folder *out);
const struct folder_file *folder_find(const struct folder *folder, const char *name);
/* The files of one sub-folder ("setup/"), in the order of their names. Returned as they lie in the folder: *out_first and a count. */
const struct folder_file *folder_part(const struct folder *folder, const char *prefix, size_t *out_count);
/* Reads as YAML every file whose name begins with one of the space-separated prefixes. objects, params: as in check_read_job. What the reader remarks
 * becomes a problem; false only when the checker itself fails (err). */
bool folder_yaml(struct format *format, struct check_pool *pool, struct folder *folder, const char *prefixes, bool objects, const struct tree *params, struct err *err);
/* The one document of a file, or NULL: when the file is missing and `needed` that is said, more than one document too. */
const struct tree *folder_doc(struct format *format, const struct folder *folder, const char *name, bool needed);
#endif
