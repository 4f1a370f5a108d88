/* course: decodes course.yaml and one module folder (module.yaml, quiz.yaml, page.en.md, page.ms.md, figures/): trees and texts in, read-only structs
 * out, the page rendered in both languages. Says every mistake it meets. */
#ifndef MAKMAL_DOMAIN_COURSE_H
#define MAKMAL_DOMAIN_COURSE_H
#include "domain/folder.h"
#define MODULE_FOLDERS "figures"
struct course_plan { struct course course; const char **modules; size_t module_count; const char **was; size_t was_count; bool complete; const char **slides; size_t slide_count; };
/* course.yaml. The modules themselves are filled by who reads their folders. */
bool course_decode(struct format *format, const struct folder *folder, struct course_plan *out);

struct module_lab { const char *id; const char **was; size_t was_count; };
struct module_plan { struct module module; struct module_lab *labs; size_t lab_count; const char **was; size_t was_count; const char **covers; size_t cover_count; };
/* module.yaml and quiz.yaml. */
bool module_decode(struct format *format, const struct folder *folder, const char *course, struct module_plan *out);
/* The page, once the labs are known: plan->module.labs are those that can be opened. False when a language has no page; other mistakes are said, and the rest is shown. */
bool module_page(struct format *format, const struct folder *folder, const struct words *words, struct module_plan *plan);
#endif
