/* bench_seed: people for the load generator, written through the domain while no server runs: one workshop, so many learners who joined it, for each an
 * attempt in state `wanted` (no cluster is needed for checks of files). One line per person goes into the file of --out:
 * cookie, token, attempt, and the body of a hand-in (the lab's solution with this person's own parameters), parted by tabs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "bench.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/live.h"
#include "domain/people.h"
#include "store/db.h"

struct house { struct course_room room; struct db *db; struct live *live; struct people *people; struct cluster *cluster; struct attempts *attempts; char install[9]; unsigned char secret[32]; };

static void open_house(struct house *house, const char *home, struct arena *arena) {
  struct err err = {0};
  if (!course_room_open(&house->room, &err)) die_err("course", &err);
  if (!people_install(home, house->install, house->secret, &err)) die_err("home", &err);
  if (!db_open(arena_printf(arena, "%s/makmal.db", home), &house->db, &err)) die_err("database", &err);
  house->live = live_open();
  if (!people_open(house->db, house->live, &house->people, &err)) die_err("people", &err);
  struct cluster_spec none = {.pool = house->room.pool, .live = house->live, .install = house->install};
  if (!cluster_open(&none, &house->cluster, &err)) die_err("cluster", &err);
  struct attempts_needs needs = {.db = house->db, .live = house->live, .catalog = house->room.catalog, .cluster = house->cluster, .pool = house->room.pool,
                                 .install = house->install, .secret = house->secret, .secret_length = sizeof house->secret};
  if (!attempts_open(&needs, &house->attempts, &err)) die_err("attempts", &err);
}

static void close_house(struct house *house) {
  attempts_close(house->attempts);
  cluster_close(house->cluster);
  people_close(house->people);
  live_close(house->live);
  db_close(house->db);
  course_room_close(&house->room);
}

/* The lab's solution with the person's parameters, as the page would send it. */
static void write_body(struct arena *arena, const struct lab *lab, const struct tree *params, struct buf *out) {
  buf_str(out, "{\"files\":[");
  for (size_t i = 0; i < lab->solution_count; i++) {
    size_t length;
    const char *text = lab_fill(arena, lab->solution[i].bytes, lab->solution[i].length, params, &length);
    buf_str(out, i ? ",{\"name\":" : "{\"name\":");
    buf_json(out, lab->solution[i].name);
    buf_str(out, ",\"text\":");
    buf_json_n(out, text, length);
    buf_char(out, '}');
  }
  buf_str(out, "]}");
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"home", 1, 0, 'h'}, {"people", 1, 0, 'p'}, {"lab", 1, 0, 'l'}, {"out", 1, 0, 'o'}, {0}};
  const char *home = NULL, *lab_id = "mend-ports", *path = NULL;
  int count = 1200;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
      case 'h': home = optarg; break;
      case 'p': count = atoi(optarg); break;
      case 'l': lab_id = optarg; break;
      case 'o': path = optarg; break;
      default: return 2;
    }
  if (!home || !path || count < 1) die("usage: bench_seed --home FOLDER --out FILE [--people N] [--lab LAB]");
  struct house house = {.room = {.workers = 1}};
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct login admin, login;
  char key[32], workshop[ID_SIZE], code[16];
  open_house(&house, home, arena);
  const struct edition *edition = catalog_acquire(house.room.catalog);
  const struct lab *lab = edition_lab(edition, lab_id);
  if (!lab) die("lab %s is not in the catalogue", lab_id);
  if (!people_setup_key(house.people, key, &err) || !people_setup(house.people, key, "Bench", "seven green umbrellas", "127.0.0.1", LANG_EN, &admin, &err)) die_err("administrator", &err);
  if (!people_workshop(house.people, &admin.viewer, "Bench", 12, workshop, code, &err)) die_err("workshop", &err);
  FILE *out = fopen(path, "w");
  if (!out) die("%s cannot be written", path);
  for (int i = 0; i < count; i++) {
    struct arena *each = arena_new(0);
    struct attempt attempt;
    struct buf body;
    char name[32], address[32];
    snprintf(name, sizeof name, "Learner %d", i + 1);
    snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250 + 1);      /* joining is throttled by address, as in a class of many */
    if (!people_join(house.people, code, name, address, LANG_EN, &login, key, &err)) die_err("join", &err);
    if (!attempt_start(house.attempts, &login.viewer, lab_id, each, &attempt, &err)) die_err("attempt", &err);
    buf_init(&body, 1024 * 1024);
    write_body(each, lab, attempt.params, &body);
    fprintf(out, "%s\t%s\t%s\t%s\n", login.cookie, login.csrf, attempt.id, body.data);
    buf_release(&body);
    arena_free(each);
  }
  fclose(out);
  catalog_release(edition);
  close_house(&house);
  arena_free(arena);
  return 0;
}
