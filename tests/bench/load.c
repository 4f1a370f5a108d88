/* bench_load: hand-ins over HTTP as a class would send them, and open streams. `hand-in` sends at a fixed rate to the real server and to the one without
 * a store, in turns: each request has its time beforehand and is late from that time on, whatever became of those before it (no coordinated omission).
 * Every learner has a page open: its stream tells when the verdict is stored. Then so many clients, each handing in anew as soon as its verdict is told.
 * `hold` opens so many streams and reads the server's memory. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "wire.h"

#define AT_ONCE 32                     /* streams being opened */
#define ANSWER_US 15000000             /* longest wait for what is still out */
#define PEOPLE_MAX 5000
#define ID 26

struct person { char *cookie, *csrf, *attempt, *body; };
/* One learner at one server: what is out. */
struct turn { int64_t due_us; bool asked, answered, told, streaming; char id[ID + 1], told_id[ID + 1]; unsigned presses; };
struct side {
  const char *name;
  int port;
  struct turn *turns;
  size_t streams, out, sent, refused, lost;
  struct times answers, verdicts;
  bool closed_loop;
  size_t left, done, next;             /* closed loop: still to send, ended, whose turn it is */
};
struct load {
  struct wires *wires;
  struct person *people; size_t count;
  struct side side[2]; int sides;
  size_t failed_streams, graded, listing;
  int64_t begun_us;                    /* tells this run's presses from those of another on the same database */
};

/* --- people ------------------------------------------------------------------------------------------------------------------------------------------ */

static void read_people(struct load *load, const char *path, size_t most) {
  FILE *in = fopen(path, "r");
  char *line = NULL;
  size_t room = 0;
  if (!in) die("%s cannot be read", path);
  load->people = calloc(most, sizeof *load->people);
  while (load->count < most && getline(&line, &room, in) > 0) {
    char *rest = line;
    struct person *person = &load->people[load->count++];
    char **parts[] = {&person->cookie, &person->csrf, &person->attempt, &person->body};
    for (int i = 0; i < 4; i++) {
      char *part = strsep(&rest, "\t\n");
      if (!part || !*part) die("%s, line %zu: four parts are wanted", path, load->count);
      *parts[i] = strdup(part);
    }
  }
  free(line);
  fclose(in);
}

static struct side *side_of(struct load *load, int port) { return load->side[0].port == port ? &load->side[0] : &load->side[1]; }

static void post(struct load *load, struct side *side, size_t who, int64_t due_us) {
  const struct person *person = &load->people[who];
  struct turn *turn = &side->turns[who];
  char *request = NULL;
  turn->due_us = due_us;
  turn->asked = true;
  turn->answered = turn->told = false;
  turn->id[0] = turn->told_id[0] = 0;
  int n = asprintf(&request, "POST /api/v1/attempts/%s/submissions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\nCookie: makmal=%s\r\nX-Makmal-Token: %s\r\n"
                   "Content-Type: application/json\r\nIdempotency-Key: press-%" PRId64 "-%zu-%u\r\nContent-Length: %zu\r\n\r\n%s",
                   person->attempt, side->port, side->port, person->cookie, person->csrf, load->begun_us, who, ++turn->presses, strlen(person->body), person->body);
  if (n < 0) abort();
  side->out++;
  side->sent++;
  wires_send(load->wires, side->port, who, request, (size_t)n);
  free(request);
}

static void open_stream(struct load *load, struct side *side, size_t who) {
  const struct person *person = &load->people[who];
  char *request = NULL;
  int n = asprintf(&request, "GET /api/v1/live?topics=attempt:%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: makmal=%s\r\nX-Makmal-Token: %s\r\nAccept: text/event-stream\r\n\r\n",
                   person->attempt, side->port, person->cookie, person->csrf);
  if (n < 0) abort();
  wires_stream(load->wires, side->port, who, request, (size_t)n);
  free(request);
}

/* --- what comes back ------------------------------------------------------------------------------------------------------------------------------------ */

static void next_one(struct load *load, struct side *side);

static void maybe_over(struct load *load, struct side *side, size_t who) {
  struct turn *turn = &side->turns[who];
  if (!turn->answered || !turn->told) return;
  if (strcmp(turn->id, turn->told_id) != 0) die("a verdict of %s was told where %s was handed in", turn->told_id, turn->id);
  turn->asked = false;
  side->out--;
  side->done++;
  if (side->closed_loop) next_one(load, side);
}

static void copy_id(char out[ID + 1], const char *json, const char *before) {
  const char *at = strstr(json, before);
  snprintf(out, ID + 1, "%.26s", at ? at + strlen(before) : "");
}

static void on_answer(void *ctx, int port, size_t who, int status, const char *body, size_t length) {
  struct load *load = ctx;
  struct side *side = side_of(load, port);
  struct turn *turn = &side->turns[who];
  (void)length;
  if (load->listing) {
    load->listing--;
    for (const char *at = body; status == 200 && (at = strstr(at, "\"state\":\"graded\"")) != NULL; at++) load->graded++;
    return;
  }
  if (status != 202) {
    if (!side->refused && !side->lost) say("%s: %d %.300s", side->name, status, body);
    if (status) side->refused++;
    else side->lost++;
    turn->asked = false;
    side->out--;
    if (side->closed_loop) next_one(load, side);
    return;
  }
  times_add(&side->answers, now_us() - turn->due_us);
  turn->answered = true;
  copy_id(turn->id, body, "\"id\":\"");
  maybe_over(load, side, who);
}

static void on_event(void *ctx, int port, size_t who, const char *name, const char *data) {
  struct load *load = ctx;
  struct side *side = side_of(load, port);
  struct turn *turn = &side->turns[who];
  if (!strcmp(name, "hello")) {
    turn->streaming = true;
    side->streams++;
  }
  if (strcmp(name, "verdict") || !turn->asked || turn->told || strstr(data, "\"submission_state\":\"grading\"")) return;
  if (!strstr(data, "\"submission_state\":\"graded\"")) die("a hand-in was not graded: %.300s", data);
  times_add(&side->verdicts, now_us() - turn->due_us);
  turn->told = true;
  copy_id(turn->told_id, data, "\"submission\":\"");
  maybe_over(load, side, who);
}

static void on_stream_end(void *ctx, int port, size_t who, int status) {
  struct load *load = ctx;
  struct side *side = side_of(load, port);
  (void)status;
  if (side->turns[who].streaming) side->streams--;
  side->turns[who].streaming = false;
  load->failed_streams++;
}

/* --- runs ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void open_streams(struct load *load, struct side *side, size_t count) {
  size_t begun = 0;
  int64_t until = now_us() + 60000000;
  load->failed_streams = 0;
  while (side->streams < count) {
    while (begun < count && begun - side->streams < AT_ONCE) open_stream(load, side, begun++);
    wires_turn(load->wires, until);
    if (load->failed_streams) die("%s: streams end", side->name);
    if (now_us() >= until) die("%s: %zu of %zu streams opened", side->name, side->streams, count);
  }
}

static void settle(struct load *load, struct side *side) {
  for (int64_t until = now_us() + ANSWER_US; side->out && now_us() < until;) wires_turn(load->wires, until);
  if (!side->out) return;
  side->lost += side->out;
  say("%s: %zu hand-ins without answer or verdict", side->name, side->out);
  for (size_t i = 0; i < load->count; i++) side->turns[i].asked = false;
  side->out = 0;
}

static void run_rate(struct load *load, struct side *side, double rate, double seconds) {
  size_t count = (size_t)(rate * seconds);
  int64_t begun = now_us() + 10000;
  for (size_t i = 0; i < count; i++) {
    int64_t due = begun + (int64_t)((double)i * 1e6 / rate);
    while (now_us() < due) wires_turn(load->wires, due);
    size_t tries = 0;
    while (side->turns[side->next].asked && tries++ < load->count) side->next = (side->next + 1) % load->count;
    post(load, side, side->next, due);
    side->next = (side->next + 1) % load->count;
  }
  settle(load, side);
}

static void next_one(struct load *load, struct side *side) {
  if (!side->left) return;
  side->left--;
  while (side->turns[side->next].asked) side->next = (side->next + 1) % load->count;
  size_t who = side->next;
  side->next = (side->next + 1) % load->count;
  post(load, side, who, now_us());
}

/* Verdicts a second. */
static double run_clients(struct load *load, struct side *side, size_t clients, size_t count) {
  size_t before = side->done;
  side->left = count;
  side->closed_loop = true;
  int64_t begun = now_us();
  for (size_t i = 0; i < clients; i++) next_one(load, side);
  for (int64_t until = begun + 120000000; (side->left || side->out) && now_us() < until;) wires_turn(load->wires, until);
  int64_t took = now_us() - begun;
  side->closed_loop = false;
  settle(load, side);
  return (double)(side->done - before) * 1e6 / (double)took;
}

/* Verdicts that are rows: what the API lists as graded, for all learners. */
static size_t count_rows(struct load *load, struct side *side) {
  load->graded = 0;
  for (size_t i = 0; i < load->count; i++) {
    char *request = NULL;
    int n = asprintf(&request, "GET /api/v1/attempts/%s/submissions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: makmal=%s\r\n\r\n", load->people[i].attempt, side->port, load->people[i].cookie);
    if (n < 0) abort();
    load->listing++;
    wires_send(load->wires, side->port, i, request, (size_t)n);
    free(request);
    for (int64_t until = now_us() + ANSWER_US; load->listing >= 16 && now_us() < until;) wires_turn(load->wires, until);
  }
  for (int64_t until = now_us() + ANSWER_US; load->listing && now_us() < until;) wires_turn(load->wires, until);
  return load->graded;
}

static void tell_side(struct load *load, const char *what, struct times *real, struct times *bare, double rate) {
  char name[80], value[64];
  (void)load;
  snprintf(name, sizeof name, "hand in at %.0f/s: %s", rate, what);
  snprintf(value, sizeof value, "p50 %.1f, p99 %.1f ms", times_at(real, 0.5) / 1000, times_at(real, 0.99) / 1000);
  result_told(name, value, "worst %.1f; without a store p50 %.1f, p99 %.1f ms, worst %.1f; %zu and %zu", times_at(real, 1) / 1000, times_at(bare, 0.5) / 1000, times_at(bare, 0.99) / 1000,
              times_at(bare, 1) / 1000, real->count, bare->count);
}

static void hand_in(struct load *load, double rate, double seconds, int segments, size_t clients, size_t each) {
  struct side *real = &load->side[0], *bare = &load->side[1];
  struct times real_rate = {0}, bare_rate = {0};
  for (int i = 0; i < 2; i++) {
    say("%s: %zu pages open their streams", load->side[i].name, load->count);
    open_streams(load, &load->side[i], load->count);
  }
  run_rate(load, real, rate, 1);                                      /* warm: bytecode, connections, caches */
  run_rate(load, bare, rate, 1);
  for (int i = 0; i < 2; i++) times_free(&load->side[i].answers), times_free(&load->side[i].verdicts);
  say("%.0f hand-ins a second for %.0f s each, in %d turns", rate, seconds, segments);
  for (int i = 0; i < segments; i++) {
    run_rate(load, i & 1 ? bare : real, rate, seconds / segments);
    run_rate(load, i & 1 ? real : bare, rate, seconds / segments);
  }
  tell_side(load, "the 202", &real->answers, &bare->answers, rate);
  tell_side(load, "verdict stored and told", &real->verdicts, &bare->verdicts, rate);
  say("%zu clients, %zu hand-ins in a turn", clients, each);
  for (int i = 0; i < 3; i++) {
    for (int turn = 0; turn < 2; turn++) {
      struct side *side = turn == (i & 1) ? real : bare;
      double per_second = run_clients(load, side, clients, each);
      times_add(side == real ? &real_rate : &bare_rate, (int64_t)(per_second * 1000));
    }
  }
  size_t rows = count_rows(load, real);
  for (int i = 0; i < 2; i++)
    if (load->side[i].refused || load->side[i].lost)
      result_broken("hand in", "%s: of %zu hand-ins %zu were refused, %zu got no answer or verdict", load->side[i].name, load->side[i].sent, load->side[i].refused, load->side[i].lost);
  double mine = times_at(&real_rate, 0.5) / 1000, theirs = times_at(&bare_rate, 0.5) / 1000;
  char name[80];
  snprintf(name, sizeof name, "hand in, %zu clients: durable / without a store", clients);
  result_at_least(name, mine / theirs, 0.7, "%.0f and %.0f verdicts a second, stored and told; 3 turns of %zu each", mine, theirs, each);
  if (rows == real->done) result_told("hand in: verdicts told that are rows", "all", "%zu of %zu", rows, real->done);
  else result_broken("hand in: verdicts told that are rows", "%zu rows, %zu told", rows, real->done);
}

static double proc_kib(long pid, const char *file, const char *name) {
  char path[64], line[256];
  double kib = -1;
  snprintf(path, sizeof path, "/proc/%ld/%s", pid, file);
  FILE *in = fopen(path, "r");
  if (!in) die("%s cannot be read", path);
  while (fgets(line, sizeof line, in)) if (!strncmp(line, name, strlen(name))) kib = atof(line + strlen(name));
  fclose(in);
  return kib;
}

static void hold(struct load *load, size_t streams, double seconds, long pid, double bar) {
  struct side *side = &load->side[0];
  double before = proc_kib(pid, "status", "VmRSS:");
  open_streams(load, side, streams);
  say("%zu streams are open, held for %.0f s", side->streams, seconds);
  for (int64_t until = now_us() + (int64_t)(seconds * 1e6); now_us() < until;) wires_turn(load->wires, until);
  if (side->streams != streams) {
    result_broken("memory with streams", "only %zu of %zu streams stayed open", side->streams, streams);
    return;
  }
  double rss = proc_kib(pid, "status", "VmRSS:"), pss = proc_kib(pid, "smaps_rollup", "Pss:"), own = proc_kib(pid, "smaps_rollup", "Anonymous:"), threads = proc_kib(pid, "status", "Threads:");
  char name[64];
  snprintf(name, sizeof name, "memory of the server, %zu streams, MiB", streams);
  result_at_most(name, rss / 1024, bar, "RSS; PSS %.1f, of its own %.1f MiB; %.1f MiB before the streams; %.0f threads", pss / 1024, own / 1024, before / 1024, threads);
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", 1, 0, 'p'}, {"storeless", 1, 0, 'b'}, {"people", 1, 0, 'f'}, {"rate", 1, 0, 'r'}, {"seconds", 1, 0, 's'}, {"clients", 1, 0, 'c'},
                                          {"each", 1, 0, 'e'}, {"streams", 1, 0, 'n'}, {"pid", 1, 0, 'P'}, {"bar", 1, 0, 'B'}, {"turns", 1, 0, 't'}, {0}};
  struct load *load = calloc(1, sizeof *load);
  const char *file = NULL, *what = argc > 1 ? argv[1] : "";
  double rate = 100, seconds = 30, bar = 40;
  size_t clients = 32, each = 1000, streams = 300;
  int turns = 3;
  long pid = 0;
  if (!load) return 3;
  if (!strcmp(what, "spin")) {
    printf("%" PRId64 "\n", spin_us());
    return 0;
  }
  for (int c; (c = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1;) switch (c) {
      case 'p': load->side[0].port = atoi(optarg); break;
      case 'b': load->side[1].port = atoi(optarg); break;
      case 'f': file = optarg; break;
      case 'r': rate = atof(optarg); break;
      case 's': seconds = atof(optarg); break;
      case 'c': clients = (size_t)atoi(optarg); break;
      case 'e': each = (size_t)atoi(optarg); break;
      case 'n': streams = (size_t)atoi(optarg); break;
      case 'P': pid = atol(optarg); break;
      case 'B': bar = atof(optarg); break;
      case 't': turns = atoi(optarg); break;
      default: return 2;
    }
  bool hands = !strcmp(what, "hand-in"), holds = !strcmp(what, "hold");
  if (!file || !load->side[0].port || (hands && !load->side[1].port) || (holds && !pid) || (!hands && !holds))
    die("usage: bench_load hand-in --port N --storeless N --people FILE [--rate N] [--seconds N] [--turns N] [--clients N] [--each N]\n"
        "       bench_load hold --port N --people FILE --pid N [--streams N] [--seconds N] [--bar MIB]\n       bench_load spin");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  read_people(load, file, holds ? streams : PEOPLE_MAX);
  for (int i = 0; i < 2; i++) load->side[i].turns = calloc(load->count, sizeof *load->side[i].turns);
  load->side[0].name = "makmal";
  load->side[1].name = "without a store";
  load->begun_us = now_us();
  load->wires = wires_new(&(struct wires_told){load, on_answer, on_event, on_stream_end});
  if (hands) hand_in(load, rate, seconds, turns, clients, each);
  else hold(load, streams, seconds, pid, bar);
  wires_free(load->wires);
  return 0;
}
