/* reader: what was handed in, or a file of a lab, as trees with places. A file means here what it means to `kubectl apply -f`, but what kubectl
 * answers with a riddle, or takes in silence, is refused with its own key and place. Input is hostile: everything is counted while it is read.
 * One reader for one job; all of it lives in the arena. reader.c: files, text, documents; reader_yaml.c, reader_json.c: one document to a tree;
 * reader_object.c: documents to Kubernetes objects. */
#ifndef MAKMAL_CHECK_WORKER_READER_H
#define MAKMAL_CHECK_WORKER_READER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/tree.h"

struct arena;

#define READER_DEPTH_MAX 64
#define READER_OBJECTS_MAX 200
#define READER_ALIASES_MAX 100            /* anchors and aliases together, in one document */
#define READER_FINDINGS_MAX 100           /* more are counted, not kept */

enum reader_kind {
  READER_HAND_IN,       /* Kubernetes objects of a person: no tags of ours, no ${name} */
  READER_OBJECTS,       /* Kubernetes objects of a lab: ${name} is filled in, !text is known */
  READER_DOCUMENTS,     /* any documents of a lab: every !tag is kept */
};

struct reader {
  struct arena *arena;
  enum reader_kind kind;
  const struct tree *params;              /* map or NULL: ${name} is replaced after parsing */
  const char *namespace;                  /* not NULL: an object that names another is refused */
  struct tree *docs, *reading;            /* lists: {file, doc, value}; findings */
  bool refused;
  /* the rest is the reader's own */
  const char **file; int files;           /* names, in the order handed in; tree_at.file counts from 1 */
  int documents, events, nodes, objects, findings;
  size_t bytes;
};
void reader_init(struct reader *reader, struct arena *arena, enum reader_kind kind, const struct tree *params, const char *namespace);
void reader_file(struct reader *reader, const char *name, const char *bytes, size_t length);
void reader_end(struct reader *reader);   /* says files.empty where nothing at all was handed in; once, after the last file */
const char *reader_file_name(const struct reader *reader, int file);

/* --- between the reader's own files --------------------------------------------------------------------------------------- */
/* Adds a finding and gives its params to be filled in. level "refuse" also sets refused. at NULL: no place. node: "value", "key" or "parent". */
struct tree *reader_note(struct reader *reader, const char *level, const char *key, const char *path, const struct tree_at *at, const char *node);
/* A text as a parameter, cut to what a sentence can hold. */
void reader_param(struct reader *reader, struct tree *params, const char *name, const char *text);
struct reader_chunk { const char *text; size_t length; int file, doc, line; };        /* line: of its first byte, from 1 */
/* false: refused, said so. *out NULL: nothing in it. */
bool reader_yaml(struct reader *reader, const struct reader_chunk *chunk, struct tree **out);
/* As far as it is JSON: several values in a row. READER_NOT_JSON: syntax that YAML may know; nothing was noted. */
enum reader_json { READER_JSON_OK, READER_JSON_REFUSED, READER_NOT_JSON };
enum reader_json reader_json(struct reader *reader, const struct reader_chunk *chunk, bool must, struct tree **out_list);
void reader_object(struct reader *reader, struct tree *doc, int file, int number);
/* ${name} in a text: the whole text is one name and `typed`: the parameter itself; else text with its parts filled in. NULL: nothing to fill. */
struct tree *reader_fill(struct reader *reader, const char *text, bool typed);
#endif
