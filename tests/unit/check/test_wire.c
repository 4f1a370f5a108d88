/* check_wire: what is sent arrives byte for byte; what is no frame, or no tree, is refused. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check_wire.h"

static struct tree *head_of(struct arena *arena, const char *json) {
  struct tree *head;
  assert_true(tree_parse(arena, json, strlen(json), 0, &head, NULL));
  return head;
}

static void a_frame_arrives_whole_however_it_is_cut(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct buf bytes;
  buf_init(&bytes, 1 << 20);
  assert_true(wire_encode(&bytes, head_of(arena, "{\"t\":\"x\",\"n\":1}"), "a\0b\xFF", 4));
  for (size_t length = 0; length < bytes.len; length++) {
    struct wire_frame frame;
    size_t need;
    assert_int_equal(wire_decode(arena, bytes.data, length, &need, &frame), WIRE_TIME);
    assert_int_equal(need, length < 8 ? 8 : bytes.len);
  }
  struct wire_frame frame;
  size_t need;
  assert_int_equal(wire_decode(arena, bytes.data, bytes.len, &need, &frame), WIRE_OK);
  assert_string_equal(frame.kind, "x");
  assert_int_equal(frame.blob_length, 4);
  assert_memory_equal(frame.blob, "a\0b\xFF", 4);
  buf_release(&bytes);
  arena_free(arena);
}

static void frames_follow_each_other_through_a_pipe(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  int fd[2];
  assert_int_equal(pipe(fd), 0);
  fcntl(fd[0], F_SETFL, O_NONBLOCK);
  struct wire_reader reader;
  wire_reader_init(&reader, fd[0]);
  struct wire_frame frame;
  assert_int_equal(wire_receive(&reader, arena, mono_ms() + 20, &frame), WIRE_TIME);
  for (int i = 0; i < 3; i++) {
    struct tree *head = head_of(arena, "{\"t\":\"x\"}");
    tree_put_int(arena, head, "n", i);
    assert_int_equal(wire_send(fd[1], head, "blob", 4, 0), WIRE_OK);
  }
  assert_int_equal(write(fd[1], "\x02\0", 2), 2);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(wire_receive(&reader, arena, mono_ms() + 1000, &frame), WIRE_OK);
    assert_int_equal(tree_int(frame.head, "n", -1), i);
  }
  assert_int_equal(wire_receive(&reader, arena, mono_ms() + 20, &frame), WIRE_TIME);
  close(fd[1]);
  assert_int_equal(wire_receive(&reader, arena, mono_ms() + 1000, &frame), WIRE_CLOSED);
  wire_reader_release(&reader);
  close(fd[0]);
  arena_free(arena);
}

static void a_side_that_does_not_read_costs_no_more_than_the_time_given(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  int fd[2];
  assert_int_equal(pipe(fd), 0);
  fcntl(fd[1], F_SETFL, O_NONBLOCK);
  char *blob = arena_alloc(arena, 1 << 20);
  int64_t from = mono_ms();
  assert_int_equal(wire_send(fd[1], head_of(arena, "{\"t\":\"x\"}"), blob, 1 << 20, mono_ms() + 50), WIRE_TIME);
  assert_true(mono_ms() - from < 1000);
  close(fd[0]);
  close(fd[1]);
  arena_free(arena);
}

static void caps_hold_on_the_sending_side_too(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct buf bytes;
  buf_init(&bytes, 64 << 20);
  struct tree *head = head_of(arena, "{\"t\":\"x\"}");
  assert_false(wire_encode(&bytes, head, "", WIRE_BLOB_MAX + 1));
  char *large = arena_alloc(arena, WIRE_HEADER_MAX + 1);
  memset(large, 'x', WIRE_HEADER_MAX);
  tree_put_text(arena, head, "y", large);
  assert_false(wire_encode(&bytes, head, "", 0));
  buf_release(&bytes);
  arena_free(arena);
}

static struct tree *random_tree(struct arena *arena, int depth) {
  struct tree *tree = tree_new(arena, (enum tree_type)(rand() % (depth > 0 ? 6 : 4)));
  char text[40];
  if (rand() % 2) tree->at = (struct tree_at){1 + rand() % 20, 1 + rand() % 5, 1 + rand() % 100000, 1 + rand() % 500, 0, 1 + rand() % 500};
  if (tree->at.line) tree->at.end_line = tree->at.line + rand() % 5;
  tree->quoted = rand() % 2;
  if (rand() % 4 == 0) tree->tag = "!at-least";
  switch (tree->type) {
    case TREE_NULL: break;
    case TREE_BOOL: tree->flag = rand() % 2; break;
    case TREE_NUMBER: snprintf(text, sizeof text, "%d", rand() - rand()); tree->text = arena_str(arena, text); break;
    case TREE_STRING: snprintf(text, sizeof text, "é%d", rand()); tree->text = arena_str(arena, text); break;
    default:
      for (int i = rand() % 5; i > 0; i--) {
        struct tree *child = random_tree(arena, depth - 1);
        snprintf(text, sizeof text, "k%d", i);
        child->key_at = (struct tree_at){1, 1, 7, 1, 7, 3};
        if (tree->type == TREE_MAP) tree_put(arena, tree, text, child);
        else tree_push(tree, child);
      }
  }
  if (tree->text) tree->length = strlen(tree->text);
  if (tree->text && rand() % 2) tree->raw = rand() % 2 ? tree->text : "010";
  return tree;
}

static bool same_place(const struct tree_at *a, const struct tree_at *b) { return !memcmp(a, b, sizeof *a); }
static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static void assert_same(const struct tree *a, const struct tree *b, bool in_map) {
  assert_int_equal(a->type, b->type);
  assert_int_equal(a->flag, b->flag);
  assert_int_equal(a->quoted, b->quoted);
  assert_true(same_text(a->text, b->text) && same_text(a->raw, b->raw) && same_text(a->tag, b->tag) && same_text(a->key, b->key));
  assert_true(same_place(&a->at, &b->at) && (!in_map || same_place(&a->key_at, &b->key_at)));
  assert_int_equal(a->count, b->count);
  for (const struct tree *x = a->child, *y = b->child; x; x = x->next, y = y->next) assert_same(x, y, true);
}

static void a_tree_comes_back_with_all_that_json_would_lose(void **state) {
  (void)state;
  srand(7);
  for (int i = 0; i < 300; i++) {
    struct arena *arena = arena_new(0);
    struct tree *tree = random_tree(arena, 5), *back;
    struct buf bytes;
    buf_init(&bytes, 1 << 24);
    wire_pack(&bytes, tree);
    assert_true(wire_unpack(arena, bytes.data, bytes.len, &back));
    assert_same(tree, back, false);
    struct tree *cut;
    for (size_t length = 0; length < bytes.len; length += 1 + bytes.len / 50) assert_false(wire_unpack(arena, bytes.data, length, &cut));
    buf_release(&bytes);
    arena_free(arena);
  }
}

static void a_tree_from_a_hostile_worker_is_refused(void **state) {
  (void)state;
  static const struct { const char *sentence, *bytes; size_t length; } rows[] = {
    {"nothing", "", 0}, {"a type that is none", "\x07\0", 2}, {"flags that are none", "\0\x70", 2}, {"a list that promises more than there is", "\x04\0\x7F", 3},
    {"a length beyond the end", "\x03\0\x7Fx", 4}, {"a number without end", "\x03\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 13}, {"NUL in a text", "\x03\0\x01\0", 4},
    {"bad UTF-8", "\x03\0\x01\xFF", 4}, {"a number that is none", "\x02\0\x02" "1x", 5}, {"a number with a leading zero", "\x02\0\x02" "01", 5}, {"bytes left over", "\0\0\0", 3},
    {"a map's child without a key", "\x05\0\x01\0\0", 5}, {"a list's child with a key", "\x04\0\x01\x40\0\x01k", 7},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree *tree;
    if (wire_unpack(arena, rows[i].bytes, rows[i].length, &tree)) fail_msg("%s: was taken", rows[i].sentence);
    arena_free(arena);
  }
  struct arena *arena = arena_new(0);
  struct buf deep, wide;
  struct tree *tree;
  buf_init(&deep, 1 << 20);
  for (int i = 0; i < 1000; i++) buf_add(&deep, "\x04\0\x01", 3);
  buf_add(&deep, "\0\0", 2);
  assert_false(wire_unpack(arena, deep.data, deep.len, &tree));
  buf_init(&wide, 4 << 20);
  buf_add(&wide, "\x04\0\xC0\x84\x3D", 5);                     /* a million nothings */
  for (int i = 0; i < 1000000; i++) buf_add(&wide, "\0\0", 2);
  assert_false(wire_unpack(arena, wide.data, wide.len, &tree));
  buf_release(&deep);
  buf_release(&wide);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_frame_arrives_whole_however_it_is_cut), cmocka_unit_test(frames_follow_each_other_through_a_pipe),
    cmocka_unit_test(a_side_that_does_not_read_costs_no_more_than_the_time_given), cmocka_unit_test(caps_hold_on_the_sending_side_too),
    cmocka_unit_test(a_tree_comes_back_with_all_that_json_would_lose), cmocka_unit_test(a_tree_from_a_hostile_worker_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
