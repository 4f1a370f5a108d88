/* lint_objects: the objects of setup/ and solution/, parameters at their examples: images that the embedded cluster serves, names that the learner is told,
 * no namespace of their own. */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "domain/lint_inside.h"

#define LIST_MAX (64u * 1024u)

/* --- images ---------------------------------------------------------------------------------------------------------------------------------------------------- */

bool lint_images_read(struct arena *arena, const char *path, struct lint_images *out, struct err *err) {
  char *text;
  size_t length;
  if (!file_read(arena, path, LIST_MAX, &text, &length, err)) return false;
  out->count = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char name[256], image[128], tags[1024];
    if (line[0] == '#' || sscanf(line, "%255s %127s %1023s", name, image, tags) != 3) continue;
    if (out->count == sizeof out->row / sizeof *out->row) break;
    out->row[out->count].name = arena_str(arena, name);
    out->row[out->count++].tags = arena_printf(arena, "^(%s)$", tags);
  }
  return true;
}

/* nginx -> docker.io/library/nginx, latest. Digests cannot be known beforehand: false. */
static bool split_image(const char *reference, char name[512], char tag[160]) {
  if (strchr(reference, '@') || strlen(reference) > 300) return false;
  const char *slash = strchr(reference, '/'), *last = strrchr(reference, '/'), *colon = strrchr(reference, ':');
  if (colon && last && colon < last) colon = NULL;
  size_t n = colon ? (size_t)(colon - reference) : strlen(reference), first = slash ? (size_t)(slash - reference) : 0;
  bool host = slash && (memchr(reference, '.', first) || memchr(reference, ':', first) || (first == 9 && !memcmp(reference, "localhost", 9)));
  if (host && first == 9 && !memcmp(reference, "docker.io", 9) && slash == last) {       /* docker.io/nginx is docker.io/library/nginx */
    reference += 10;
    n -= 10;
    host = false;
    slash = NULL;
  }
  snprintf(name, 512, "%s%.*s", host ? "" : slash ? "docker.io/" : "docker.io/library/", (int)n, reference);
  snprintf(tag, 160, "%.150s", colon ? colon + 1 : "latest");
  return true;
}

bool lint_image_known(const struct lint_images *images, const char *reference) {
  char name[512], tag[160];
  if (!split_image(reference, name, tag)) return false;
  for (size_t i = 0; i < images->count; i++) {
    regex_t pattern;
    if (strcmp(images->row[i].name, name) || regcomp(&pattern, images->row[i].tags, REG_EXTENDED | REG_NOSUB)) continue;
    bool matches = regexec(&pattern, tag, 0, NULL, 0) == 0;
    regfree(&pattern);
    if (matches) return true;
  }
  return false;
}

static void images_below(struct format *format, const char *file, const struct tree *node, const struct lint_images *images) {
  if (node->key && !strcmp(node->key, "image") && node->type == TREE_STRING) {
    if (!lint_image_known(images, node->text)) format_say(format, file, node->at.line, "lint.image-unknown", "image", node->text, NULL);
    return;
  }
  TREE_EACH(child, node) images_below(format, file, child, images);
}

/* --- names ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static const char *kind_of(const struct tree *object) { return tree_text_or(object, "kind", ""); }
static const char *name_of(const struct tree *object) { return tree_text_or(tree_get(object, "metadata"), "name", ""); }

static bool in_setup(const struct lab_bench *bench, const struct tree *object) {
  size_t count;
  const struct folder_file *files = folder_part(&bench->folder, "setup/", &count);
  for (size_t i = 0; i < count; i++)
    for (size_t d = 0; d < files[i].doc_count; d++)
      if (!strcmp(kind_of(files[i].docs[d]), kind_of(object)) && !strcmp(name_of(files[i].docs[d]), name_of(object))) return true;
  return false;
}

/* Whether a text under one of the prefixes holds the name, parameters at their examples. */
static bool told(struct format *format, const struct lab_bench *bench, const char *prefix, const char *name) {
  size_t count;
  const struct folder_file *files = folder_part(&bench->folder, prefix, &count);
  for (size_t i = 0; i < count; i++)
    if (strstr(lab_fill(format->arena, files[i].bytes, files[i].length, bench->lab.examples, NULL), name)) return true;
  return false;
}

static void one_object(struct format *format, const struct lab_bench *bench, const struct folder_file *file, const struct tree *object, bool solution, const struct lint_images *images) {
  if (!object || object->type != TREE_MAP) return;
  const char *name = name_of(object);
  const struct tree *namespace = tree_get(tree_get(object, "metadata"), "namespace");
  if (namespace) format_say(format, file->path, namespace->at.line, "lint.object-namespace", "name", name, NULL);
  if (images) images_below(format, file->path, object, images);
  if (solution && *name && !in_setup(bench, object) && !told(format, bench, "starter/", name) && !told(format, bench, "steps/", name))
    format_say(format, file->path, object->at.line, "lint.name-untold", "name", name, "kind", kind_of(object), NULL);
}

void lint_objects(struct format *format, const struct lab_bench *bench, const struct lint_images *images) {
  for (size_t i = 0; i < bench->folder.count; i++) {
    const struct folder_file *file = &bench->folder.files[i];
    bool solution = !strncmp(file->name, "solution/", 9);
    if (!solution && strncmp(file->name, "setup/", 6)) continue;
    for (size_t d = 0; d < file->doc_count; d++) one_object(format, bench, file, file->docs[d], solution, images);
  }
}
