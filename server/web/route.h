/* route: the table of what can be asked. Rows stand in plain arrays in the api_*.c and page.c; route.c lists the arrays. `need` 0 means nobody, so a
 * forgotten role refuses. Reply and body fields are told by field tables; API.md and web/src/lib/api.ts are generated from the rows. */
#ifndef MAKMAL_WEB_ROUTE_H
#define MAKMAL_WEB_ROUTE_H
#include "web/http.h"
enum need { NEED_NOBODY = 0, NEED_ANYONE, NEED_LEARNER, NEED_INSTRUCTOR, NEED_ADMIN };
enum route_flag { BODY_JSON = 1, BODY_FILES = 2 /* 1 MiB */, BODY_FORM = 4, BODY_SMALL = 8 /* 4 KiB: login, join */, NO_ORIGIN_TOKEN = 16 /* login, join, setup: own Origin and the body's key suffice */,
                  PAGE = 32 /* answers HTML; errors too */, STREAM = 64 };
/* field: one line of a body or reply. type: "text", "int", "bool", "id", "files", "list", "map"; a trailing ? = may be absent. */
struct field { const char *name, *type, *about; };
struct route {
  enum method method; const char *path; enum need need; unsigned flags;
  const struct field *in, *out;         /* end with {0}; NULL: none */
  bool (*handler)(struct req *req, struct reply *out, struct err *err);
  const char *about;
};
/* A handler answers true with *out filled, or false with *err: the gate words it. Bodies are bound before: unknown fields, wrong types and missing fields
 * never reach a handler (field "files" is left to req_files). What a handler needs beside: web/http.h, req_*. */

/* The arrays that exist, each ending with {0}; the list ends with NULL. */
const struct route *const *route_tables(void);
/* The row for method and path; HEAD finds GET's. "{id}" takes one part of the path (letters, digits, "-", "_", ".", 1 to 64), "{file*}" the rest.
 * NULL: no row; *out_allowed tells the methods that the path has (0: no such path). Texts in the arena. */
const struct route *route_match(enum method method, const char *path, const char *param[4], struct arena *arena, unsigned *out_allowed);
/* Binds a JSON body to the field table `in` (NULL: no fields): INVALID "body.unknown", "body.missing", "body.type" with param field, and the tree_parse keys. */
bool route_bind(struct arena *arena, const struct field *in, const char *json, size_t length, struct tree **out, struct err *err);
const char *method_name(enum method method);
#endif
