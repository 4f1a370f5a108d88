/* makmal-check: the checker process. One job at a time over stdin and stdout; everything it is given is hostile, and so may it be itself after a run.
 * It has no files, no network, no secrets; the server kills it when its time is over. Ends with 0 when the pipe is closed, 3 when the wall cannot be built. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check_wire.h"
#include "check/worker/job.h"
#include "check/worker/lockdown.h"

static bool say_ready(unsigned walls) {
  struct arena *arena = arena_new(0);
  struct tree *head = tree_new(arena, TREE_MAP), *list = tree_new(arena, TREE_LIST);
  tree_put_text(arena, head, "t", "ready");
  for (unsigned wall = 1; lockdown_wall_name(wall); wall <<= 1) if (walls & wall) tree_push(list, tree_string(arena, lockdown_wall_name(wall)));
  tree_put(arena, head, "walls", list);
  bool sent = wire_send(STDOUT_FILENO, head, NULL, 0, 0) == WIRE_OK;
  arena_free(arena);
  return sent;
}

int main(void) {
  unsigned walls;
  const char *why;
  signal(SIGPIPE, SIG_IGN);
  setlocale(LC_ALL, "C");
  if (!secret_init()) return 3;
  if (!lockdown(&walls, &why)) {
    fprintf(stderr, "makmal-check: no wall: %s\n", why);
    return 3;
  }
  if (!say_ready(walls)) return 0;
  struct wire_reader in;
  wire_reader_init(&in, STDIN_FILENO);
  for (;;) {
    struct arena *arena = arena_new(0);
    struct wire_frame frame;
    bool go_on = wire_receive(&in, arena, 0, &frame) == WIRE_OK && job_do(arena, &in, STDOUT_FILENO, &frame);
    arena_free(arena);
    if (!go_on) break;
  }
  wire_reader_release(&in);
  return 0;
}
