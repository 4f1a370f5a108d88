/* cmd_replay: see the header. Looks into the database of a server, whether that runs or not, and asks no cluster. */
#include "app/cmd_replay.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/replay.h"
#include "store/db.h"
#include "store/store_regrade.h"

static const char help[] =
  "usage: makmal replay ID... [options]\n"
  "       makmal replay --lab LAB | --workshop ID [options]\n\n"
  "Grades what was handed in once more, out of the evidence that was kept then, with the labs as\n"
  "they are now, and prints what differs. No cluster is asked and nothing is written; the server\n"
  "may be running. ID is a submission's or a verdict's. To carry a change out, use the server's\n"
  "page /regrades.\n\n"
  "  --lab LAB           all hand-ins of a lab\n"
  "  --workshop ID       those of a workshop; with --lab, of the lab in that workshop\n"
  "  --check CHECK       this check alone; the others keep what they had\n"
  "  --script-from DIR   checks.lua from this folder instead of the lab's own (one lab alone)\n"
  "  --home FOLDER       where the database lies (MAKMAL_HOME, else /var/lib/makmal)\n"
  "  --labs FOLDER       the course (MAKMAL_LABS)\n"
  "  --library FOLDER    the check library (MAKMAL_LIBRARY)\n"
  "  --help\n\n"
  "Lines: = the same to the byte, * another verdict with equal points, + more, - fewer,\n"
  "? nothing could be graded anew.\n\n"
  "exit status: 0 nothing differs, 1 something does or could not be graded anew, 2 wrong use,\n"
  "3 our own fault\n";

struct job {
  struct course_room room;
  const char *home, *lab, *workshop, *check, *script_from;
  struct db *db;
  const struct edition *edition;
  struct arena *arena;
  struct lab changed; bool has_changed;
  int same, differ, kept;
};

static int wrong_use(const char *fmt, const char *what) {
  fprintf(stderr, "makmal replay: ");
  fprintf(stderr, fmt, what);
  fprintf(stderr, "; see makmal replay --help\n");
  return 2;
}

static const struct tree *check_of(const struct tree *body, const char *id) {
  TREE_EACH(check, tree_get(body, "checks")) if (!strcmp(tree_text_or(check, "id", ""), id)) return check;
  return NULL;
}

/* Outcome and finding keys: "partial 3/2 of 3: service.port-lost". */
static void say_check(const char *mark, const struct tree *check) {
  const char *gap = ": ";
  if (!check) {
    printf("      %s not there\n", mark);
    return;
  }
  printf("      %s %s %s of %s", mark, tree_text_or(check, "outcome", ""), tree_text_or(check, "earned", "0"), tree_text_or(check, "max", "0"));
  const char *error = tree_text(tree_get(check, "error"), "key");
  if (error) printf(" (%s)", error);
  TREE_EACH(finding, tree_get(check, "findings")) {
    printf("%s%s", gap, tree_text_or(finding, "key", ""));
    gap = ", ";
  }
  printf("\n");
}

static void say_differences(const struct tree *old, const struct tree *new) {
  TREE_EACH(check, tree_get(new, "checks")) {
    const struct tree *before = check_of(old, tree_text_or(check, "id", ""));
    if (before && tree_equal(before, check)) continue;
    printf("    %s\n", tree_text_or(check, "id", ""));
    say_check("was", before);
    say_check("is ", check);
  }
  TREE_EACH(check, tree_get(old, "checks")) if (!check_of(new, tree_text_or(check, "id", ""))) printf("    %s is no check any more\n", tree_text_or(check, "id", ""));
}

static double worth(const char *text) {
  double top = 0, bottom = 1;
  if (text && sscanf(text, "%lf/%lf", &top, &bottom) < 1) return 0;
  return top / bottom;
}

static bool load_script(struct job *job, const struct lab *lab, struct err *err) {
  char *text;
  size_t length;
  if (!job->script_from || job->has_changed) return true;
  const char *path = arena_printf(job->arena, "%s/checks.lua", job->script_from);
  return job->has_changed = file_read(job->arena, path, 1024 * 1024, &text, &length, err) && replay_script(job->room.pool, job->arena, job->edition, lab, text, length, &job->changed, err);
}

/* One hand-in: its line, and below it each check that differs. */
static bool replay_one(struct job *job, const char *submission, const char *verdict, struct err *err) {
  struct arena *arena = arena_new(0);
  struct replay out;
  struct replay_ask ask = {.submission = submission, .verdict = verdict, .only = job->check, .lab = job->has_changed ? &job->changed : NULL};
  bool ok = replay_submission(job->room.pool, job->db, arena, job->edition, &ask, &out, err);
  if (ok && out.kept) {
    job->kept++;
    printf("? %s %s: %s%s%s\n", submission, out.row.lab, out.kept, out.failed ? ", " : "", out.failed ? out.failed : "");
  } else if (ok && out.same) {
    job->same++;
    printf("= %s %s: %s of %s\n", submission, out.row.lab, out.old.earned, out.old.max);
  } else if (ok) {
    const struct tree *body = tree_get(out.verdict, "body");
    const char *earned = tree_text_or(body, "earned", "0");
    double more = worth(earned) - worth(out.old.earned);
    job->differ++;
    printf("%c %s %s: %s of %s -> %s of %s\n", more > 0 ? '+' : more < 0 ? '-' : '*', submission, out.row.lab, out.old.earned, out.old.max, earned, tree_text_or(body, "max", "0"));
    say_differences(out.old_body, body);
  }
  arena_free(arena);
  return ok;
}

/* A submission's id or a verdict's. */
static bool named(struct job *job, const char *id, char submission[ID_SIZE], bool *out_verdict, char lab[64], struct err *err) {
  struct db_read *read = NULL;
  struct submission_row row;
  struct verdict_row verdict;
  *out_verdict = false;
  if (!db_read_begin(job->db, &read, err)) return false;
  bool ok = store_submission_get(read, id, &row, err);
  if (!ok && err->code == ERR_NOT_FOUND && store_verdict_get(read, id, &verdict, NULL)) {
    *out_verdict = true;
    ok = store_submission_get(read, verdict.submission, &row, err);
  }
  db_read_end(read);
  if (!ok) return false;
  memcpy(submission, row.id, ID_SIZE);
  snprintf(lab, 64, "%s", row.lab);
  return true;
}

static bool with_script(struct job *job, const char *lab_id, struct err *err) {
  const struct lab *lab = edition_lab(job->edition, lab_id);
  if (!job->script_from) return true;
  if (!lab) return err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %s", lab_id);
  if (job->has_changed && strcmp(job->changed.id, lab->id) != 0) return err_set(err, ERR_INVALID, "replay.one-lab", "%s and %s", job->changed.id, lab->id);
  return load_script(job, lab, err);
}

static bool run_ids(struct job *job, char **ids, int count, struct err *err) {
  for (int i = 0; i < count; i++) {
    char submission[ID_SIZE], lab[64];
    bool verdict;
    if (!named(job, ids[i], submission, &verdict, lab, err) || !with_script(job, lab, err) || !replay_one(job, submission, verdict ? ids[i] : NULL, err)) return false;
  }
  return true;
}

static bool run_scope(struct job *job, struct err *err) {
  struct regrade_scope scope = {.lab = job->lab, .workshop = job->workshop};
  struct regrade_item *items = NULL;
  struct db_read *read = NULL;
  size_t count = 0;
  bool ok = db_read_begin(job->db, &read, err) && store_regrade_select(read, &scope, 1000000, job->arena, &items, &count, err);
  db_read_end(read);
  for (size_t i = 0; ok && i < count; i++) ok = with_script(job, items[i].lab, err) && replay_one(job, items[i].submission, NULL, err);
  return ok;
}

static int run(struct job *job, char **ids, int count) {
  struct err err = {0};
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/makmal.db", job->home) >= sizeof path) return wrong_use("%s", "--home is too long");
  if (!course_room_open(&job->room, &err)) return course_room_fail(NULL, &err);
  job->arena = arena_new(0);
  job->edition = catalog_acquire(job->room.catalog);
  bool ok = db_look(path, &job->db, &err) && (count ? run_ids(job, ids, count, &err) : run_scope(job, &err));
  if (ok) printf("%d the same, %d differ, %d not graded anew\n", job->same, job->differ, job->kept);
  int status = ok ? (job->differ || job->kept) : course_room_fail(&job->room, &err);
  db_close(job->db);
  catalog_release(job->edition);
  course_room_close(&job->room);
  arena_free(job->arena);
  return status;
}

int cmd_replay(int argc, char **argv) {
  static const struct option options[] = {{"lab", 1, 0, 'l'}, {"workshop", 1, 0, 'w'}, {"check", 1, 0, 'c'}, {"script-from", 1, 0, 's'}, {"home", 1, 0, 'd'},
                                          {"labs", 1, 0, 'L'}, {"library", 1, 0, 'B'}, {"help", 0, 0, 'h'}, {0}};
  const char *home = getenv("MAKMAL_HOME");
  struct job job = {.home = home && *home ? home : "/var/lib/makmal"};
  opterr = 0;
  optind = 0;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
      case 'l': job.lab = optarg; break;
      case 'w': job.workshop = optarg; break;
      case 'c': job.check = optarg; break;
      case 's': job.script_from = optarg; break;
      case 'd': job.home = optarg; break;
      case 'L': job.room.labs = optarg; break;
      case 'B': job.room.library = optarg; break;
      case 'h': fputs(help, stdout); return 0;
      default: return wrong_use("no option is called '%s', or it wants a value", argv[optind - 1]);
    }
  int count = argc - optind;
  bool scope = job.lab || job.workshop;
  if (!count && !scope) return wrong_use("%s", "name what is replayed: an id, --lab or --workshop");
  if (count && scope) return wrong_use("%s", "an id, or --lab and --workshop, but not both");
  for (int i = 0; i < count; i++) if (!id_valid(argv[optind + i])) return wrong_use("'%s' is no id", argv[optind + i]);
  log_init(LOG_ERROR_, NULL);                  /* labs with mistakes are lint's to tell */
  return run(&job, argv + optind, count);
}
