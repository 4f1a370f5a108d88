/* say: an error as one sentence on standard error, for commands that have no catalogue open (yet). */
#ifndef MAKMAL_APP_SAY_H
#define MAKMAL_APP_SAY_H
struct err;
/* "<who>: <sentence>", in English, from web/words (MAKMAL_WORDS, else beside the sources); the key and its detail where there is no sentence.
 * Returns the exit status of the error's code. */
int say_err(const char *who, const struct err *err);
#endif
