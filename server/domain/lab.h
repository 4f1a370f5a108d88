/* lab: decodes one lab folder: trees and texts in, a read-only struct lab out. Says every mistake it meets; a lab with
 * one is not opened. What needs more than the lab itself (texts, images, cases) is lint's. In the order of the functions here. */
#ifndef MAKMAL_DOMAIN_LAB_H
#define MAKMAL_DOMAIN_LAB_H
#include "domain/folder.h"
#define LAB_FOLDERS "steps setup starter solution"
/* lab.yaml, files, parameters, examples, version, hints of lab.yaml. */
bool lab_decode(struct format *format, const struct folder *folder, const char *course, const char *module, struct lab *out);
/* declared: what check_list gave: list of {id, points, on, needs, step, visible, show}. Needs lab_steps' ids. */
bool lab_checks(struct format *format, const struct folder *folder, const struct tree *declared, struct lab *lab);
/* steps/NN-name.<lang>.md: titles and HTML. */
bool lab_steps(struct format *format, const struct folder *folder, const struct words *words, struct lab *lab);
/* words.yaml over `below` (library and page): titles, findings, ladders of hints. Needs lab_checks. The words live in the format's arena. */
bool lab_words(struct format *format, const struct folder *folder, const struct words *below, struct lab *lab);
#endif
