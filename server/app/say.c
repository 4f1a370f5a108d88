/* say: reads the words of the page, finds the sentence, prints it. No state. */
#include "app/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "base/words.h"

#define WORDS_MAX (1 << 20)

/* A damaged catalogue only costs its sentences: the error that is being told matters more. */
static void read_words(struct arena *arena, struct words *words, const char *folder) {
  char **names = NULL, *path, *text;
  size_t count = 0, length;
  struct tree *pairs;
  if (!file_list(arena, folder, false, true, &names, &count, NULL)) return;
  for (size_t i = 0; i < count; i++) {
    const char *dot = strrchr(names[i], '.');
    if (dot && !strcmp(dot, ".json") && file_join(arena, folder, names[i], &path, NULL) && file_read(arena, path, WORDS_MAX, &text, &length, NULL) &&
        tree_parse(arena, text, length, 0, &pairs, NULL))
      (void)words_add_pairs(words, pairs, NULL);
  }
}

int say_err(const char *who, const struct err *err) {
  const char *folder = getenv("MAKMAL_WORDS");
  struct arena *arena = arena_new(0);
  struct words *words = words_new();
  read_words(arena, words, folder && *folder ? folder : MAKMAL_SOURCE_DIR "/web/words");
  const char *sentence = words_err(arena, words, LANG_EN, err);
  if (strcmp(sentence, err->key) != 0) fprintf(stderr, "%s: %s\n", who, sentence);
  else fprintf(stderr, "%s: %s (%s)\n", who, err->key, err->detail);
  words_free(words);
  arena_free(arena);
  return err_code_exit(err->code);
}
