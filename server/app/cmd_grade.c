/* cmd_grade: see the header. What one hand-in comes to is grade_item's; here are options, the list of hand-ins, where rows go, progress and the end. */
#include "app/cmd_grade.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/bulk.h"
#include "app/course_room.h"
#include "app/grade_item.h"
#include "app/hand_in.h"
#include "app/report.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "base/words.h"
#include "domain/catalog.h"
#include "kube/kube.h"

#define JOBS_MAX 64
#define LINE_EVERY_MS 5000                /* progress where there is no terminal */
#define BAR_EVERY_MS 100
#define BAR_WIDTH 24

static const char help[] =
  "usage: makmal grade LAB PATH... [options]\n"
  "       makmal grade LAB --roster FOLDER... [options]\n"
  "       makmal grade LAB --namespace NAME --kubeconfig FILE [PATH] [options]\n\n"
  "Grades hand-ins against a lab's checks, without a server. Each PATH is one hand-in: a manifest;\n"
  "a folder whose *.yaml, *.yml and *.json are its files; a zip, tar or tar.gz of such a folder;\n"
  "or - for standard input. With --roster each PATH is a folder of a class, and each sub-folder,\n"
  "archive or manifest in it is the hand-in of one learner.\n\n"
  "Parameters of the lab, the first that is there:\n"
  "  --params FILE        from a YAML file (name: value), for every hand-in\n"
  "  --seed TEXT          drawn from this text, for every hand-in\n"
  "  params.yaml          in the hand-in's own folder (never in an archive); who fills that folder chooses them\n"
  "  its name             with --roster: drawn from the sub-folder's or file's name without its ending\n"
  "  the examples         of the lab; a line says so\n\n"
  "  --roster             the paths are folders of a class\n"
  "  --format FORMAT      how it is told (below); text when unsaid\n"
  "  --output FILE        there instead of standard output; an older file stays until the new one is whole\n"
  "  --lang LANGUAGE      en (default) or ms, for every sentence\n"
  "  --jobs N             hand-ins side by side (the number of cores)\n"
  "  --quiet              nothing on standard error but what is wrong\n"
  "  --namespace NAME     look at this namespace too; nothing is written, not even on trial\n"
  "  --kubeconfig FILE    its cluster; KUBECONFIG is not looked at\n"
  "  --ingress ADDRESS    where its Ingress controller is reached, host or host:port; unsaid, what asks for a\n"
  "                       page by its host is unobserved\n"
  "  --labs FOLDER        the course (MAKMAL_LABS)\n"
  "  --library FOLDER     the check library (MAKMAL_LIBRARY)\n"
  "  --help\n\n"
  "Formats:\n"
  "  text                 for people: each hand-in with its points, each check with what is wrong, where and why\n"
  "  json                 one object a line: path, name, lab, lab_hash, params, params_from, result, state, points,\n"
  "                       max, reading, checks with their findings, left_out; error: key and message\n"
  "  junit                a test suite for each hand-in, a test case for each check; our fault is an error, what\n"
  "                       cannot be judged is skipped\n"
  "  tap                  TAP 14: a subtest for each hand-in, findings as YAML below\n"
  "  sarif                SARIF 2.1.0: each finding with file, line and column, sentences in both languages\n"
  "  csv                  a gradebook: name, path, result, points, max, check.<id> for each check, params_from, note;\n"
  "                       what a spreadsheet would take for a formula is defused\n"
  "  gradescope           the results.json of its autograder, for one hand-in\n\n"
  "`result` is passed, failed, refused (it could not be read) or error (no score). Points are exact fractions (7/2)\n"
  "in text, json and tap, decimals in csv, junit and gradescope.\n\n"
  "A class, and a single file out of a pipe:\n"
  "  class/aina/web.yaml  a sub-folder of files for each learner; its name is the learner's\n"
  "  class/ben.zip        or an archive\n"
  "  class/chong.yaml     or one manifest\n"
  "  makmal grade LAB --roster class --format csv --output grades.csv\n"
  "  kubectl create deployment web --image=nginx --dry-run=client -o yaml | makmal grade LAB -\n\n"
  "Rows come in the order given, a roster's by name. A broken hand-in (too large, no manifest, no YAML, a\n"
  "damaged archive) is a row without points, and says why; the others are graded all the same. A check that\n"
  "cannot be judged here is `unobserved` and leaves both sums: without --namespace whatever looks at a live\n"
  "namespace, and everywhere what needs a write on trial (a strict dry run) or the state in which an attempt began.\n\n"
  "Limits: 20 files and 256 KiB a hand-in; 1,000 entries and 16 MiB an archive, 64 MiB unpacked, 200 times its size.\n"
  "Links in folders and archives are not followed, hidden files are passed over.\n\n"
  "exit status: 0 everything passed\n"
  "             1 something did not, or was broken\n"
  "             2 wrong use; also when a PATH is not there or its parameters are not (the others are graded)\n"
  "             3 our own fault, also of a single hand-in, which then has no score (the others are graded)\n"
  "             130 or 143 interrupted or ended: what was graded by then is written, and the output is whole\n";

struct grader {
  struct course_room room;
  struct grade_job job;
  struct report report;
  const struct hand_in *hand_in; size_t count;      /* NULL: the namespace alone */
  const char *output; char temporary[4096];
  bool quiet, bar, shown, written;
  int64_t began_ms, told_ms;
  size_t passed, failed, broken, errors;
  int status;
};

static volatile sig_atomic_t stop_signal;
static void stop_now(int number) { stop_signal = number; }

static int wrong_use(const char *fmt, const char *what) {
  fprintf(stderr, "makmal grade: ");
  fprintf(stderr, fmt, what);
  fprintf(stderr, "; see makmal grade --help\n");
  return 2;
}

/* --- progress ------------------------------------------------------------------------------------------------------------------------- */

static void wipe_bar(struct grader *grader) {
  if (grader->shown) fputs("\r\033[K", stderr);
  grader->shown = false;
}

static void draw_bar(struct grader *grader, size_t finished) {
  int filled = (int)(finished * BAR_WIDTH / grader->count);
  fprintf(stderr, "\r\033[K[");
  for (int i = 0; i < BAR_WIDTH; i++) fputc(i < filled ? '#' : '.', stderr);
  fprintf(stderr, "] %zu/%zu", finished, grader->count);
  fflush(stderr);
  grader->shown = true;
}

static char *number(struct arena *arena, size_t n) { return arena_printf(arena, "%zu", n); }

static void tick(void *ctx, size_t finished) {
  struct grader *grader = ctx;
  int64_t now = mono_ms();
  if (grader->quiet || grader->count < 2 || now - grader->told_ms < (grader->bar ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
  grader->told_ms = now;
  if (grader->bar) {
    draw_bar(grader, finished);
    return;
  }
  struct arena *arena = arena_new(0);
  fprintf(stderr, "makmal: %s\n", report_say(arena, &grader->report, "grade.progress", "done", number(arena, finished), "count", number(arena, grader->count), NULL));
  arena_free(arena);
}

static void sum_up(struct grader *grader) {
  if (grader->count < 2 && !stop_signal) return;
  struct arena *arena = arena_new(0);
  const struct report *report = &grader->report;
  if (stop_signal) fprintf(stderr, "makmal: %s\n", report_say(arena, report, "grade.stopped", "done", number(arena, report->done), "count", number(arena, grader->count), NULL));
  if (!grader->quiet)
    fprintf(stderr, "makmal: %s\n", report_say(arena, report, "grade.summary", "done", number(arena, report->done), "passed", number(arena, grader->passed), "failed", number(arena, grader->failed),
                                               "broken", number(arena, grader->broken), "errors", number(arena, grader->errors),
                                               "seconds", arena_printf(arena, "%.1f", (double)(mono_ms() - grader->began_ms) / 1000), NULL));
  arena_free(arena);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------------ */

static void *work(void *ctx, size_t number_of) {
  struct grader *grader = ctx;
  return grade_item(&grader->job, grader->hand_in ? &grader->hand_in[number_of] : NULL);
}

static void dropped(void *ctx, void *result) {
  (void)ctx;
  grade_item_free(result);
}

static bool done(void *ctx, size_t number_of, void *result) {
  (void)number_of;
  struct grader *grader = ctx;
  struct graded_item *item = result;
  const char *came_to = report_result(&item->row);
  wipe_bar(grader);
  if (!item->row.points) {
    bool named = strstr(item->row.message, item->row.path) != NULL;
    fprintf(stderr, "makmal: %s%s%s\n", named ? "" : item->row.path, named ? "" : ": ", item->row.message);
  }
  grader->report.format->row(&grader->report, item->arena, &item->row);
  bool ok = !ferror(grader->report.to) && (!isatty(fileno(grader->report.to)) || fflush(grader->report.to) == 0);
  grader->report.done += ok;
  *(!strcmp(came_to, "passed") ? &grader->passed : !strcmp(came_to, "failed") ? &grader->failed : !strcmp(came_to, "refused") ? &grader->broken : &grader->errors) += 1;
  if (item->status > grader->status) grader->status = item->status;
  grade_item_free(item);
  return ok;
}

/* --- where the rows go ----------------------------------------------------------------------------------------------------------------- */

static bool output_open(struct grader *grader, struct err *err) {
  struct stat about;
  const char *path = grader->output;
  grader->report.to = stdout;
  if (!path || !strcmp(path, "-")) return true;
  if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {                /* a pipe, a terminal: written as it comes */
    grader->report.to = fopen(path, "we");
  } else if ((size_t)snprintf(grader->temporary, sizeof grader->temporary, "%s.%d.tmp", path, (int)getpid()) < sizeof grader->temporary) {
    grader->report.to = fopen(grader->temporary, "wxe");
  } else {
    grader->report.to = NULL;
    errno = ENAMETOOLONG;
  }
  if (grader->report.to) return true;
  grader->temporary[0] = 0;
  err_set(err, ERR_UNAVAILABLE, "file.unwritable", "%s: %s", path, strerror(errno));
  return err_param(err, "file", "%s", path);
}

/* false: not all of it could be written; EPIPE when nobody reads any more. */
static bool output_close(struct grader *grader, struct err *err) {
  FILE *to = grader->report.to;
  bool ok = !ferror(to);
  ok = fflush(to) == 0 && ok;
  int why = errno;
  if (to != stdout) {
    ok = (!grader->temporary[0] || fsync(fileno(to)) == 0) && ok;
    ok = fclose(to) == 0 && ok;
    if (grader->temporary[0] && ok && rename(grader->temporary, grader->output) != 0) {
      why = errno;
      ok = false;
    }
    if (grader->temporary[0] && !ok) unlink(grader->temporary);
  }
  if (ok) return true;
  if (to == stdout && why == EPIPE) {
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);                       /* as any program ends whose reader has gone: without a word */
  }
  err_set(err, ERR_UNAVAILABLE, "file.unwritable", "%s", strerror(why));
  return err_param(err, "file", "%s", grader->output ? grader->output : "standard output");
}

/* --- the list -------------------------------------------------------------------------------------------------------------------------- */

static bool list_roster(struct grader *grader, struct arena *arena, char **folders, int count, struct err *err) {
  struct hand_in *all = NULL;
  size_t total = 0;
  for (int i = 0; i < count; i++) {
    struct hand_in *some;
    size_t n;
    if (!hand_in_roster(arena, folders[i], &some, &n, err)) return false;
    if (!n) {
      err_set(err, ERR_INVALID, "roster.empty", "%s", folders[i]);
      return err_param(err, "file", "%s", folders[i]);
    }
    struct hand_in *grown = arena_alloc(arena, (total + n) * sizeof *grown);
    if (total) memcpy(grown, all, total * sizeof *grown);
    memcpy(grown + total, some, n * sizeof *grown);
    all = grown;
    total += n;
  }
  grader->hand_in = all;
  grader->count = total;
  return true;
}

static bool list_paths(struct grader *grader, struct arena *arena, char **paths, int count, struct err *err) {
  struct hand_in *all = arena_alloc(arena, (size_t)(count + 1) * sizeof *all);
  for (int i = 0; i < count; i++) {
    all[i] = (struct hand_in){.path = paths[i], .name = strcmp(paths[i], "-") ? hand_in_name(arena, paths[i]) : "stdin"};
    /* read before signals are caught: who types it ends with Ctrl-C, as everywhere */
    if (!strcmp(paths[i], "-") && !hand_in_take_stdin(arena, &all[i], err)) return false;
  }
  if (count) grader->hand_in = all;
  grader->count = count ? (size_t)count : 1;
  return true;
}

/* --seed, --params: one set of parameters for all. */
static bool common_params(struct grader *grader, struct arena *arena, const char *seed, const char *file, struct err *err) {
  struct tree *params = NULL;
  char *text;
  size_t length;
  if (seed) {
    grader->job.params = grade_item_seeded(&grader->job, arena, seed);
    grader->job.params_from = "--seed";
  } else if (file) {
    if (!file_read(arena, file, HAND_IN_PARAMS_MAX, &text, &length, err) || !grade_item_params(&grader->job, arena, file, text, length, &params, err)) return false;
    grader->job.params = params;
    grader->job.params_from = "--params";
  } else if (!grader->job.roster && grader->job.lab->param_count && !grader->quiet) {
    fprintf(stderr, "makmal: neither --seed nor --params: the lab's example values are used\n");
  }
  return true;
}

/* The namespace must be there: lists of one that is not are empty, and would be graded as such. Who may not ask that is believed. */
static bool namespace_is_there(const struct grader *grader, struct arena *arena, struct err *err) {
  struct kube_request get = {.method = "GET", .path = kube_path(arena, kube_kind("Namespace"), NULL, grader->job.namespace), .retry = true};
  struct tree *body = NULL;
  return kube_call(grader->job.kube, arena, &get, &body, err) || err->code == ERR_DENIED;
}

static bool has_live_checks(const struct lab *lab) {
  for (size_t i = 0; i < lab->check_count; i++) if (lab->checks[i].on != CHECK_SCOPE_FILES) return true;
  return false;
}

static bool open_namespace(struct grader *grader, struct arena *arena, const char *kubeconfig, struct kube *kube, struct err *err) {
  struct kube_config config;
  if (!has_live_checks(grader->job.lab)) {
    err_set(err, ERR_INVALID, "grade.no-live", "%s", grader->job.lab->id);
    return err_param(err, "lab", "%s", grader->job.lab->id);
  }
  if (!course_room_cluster(&grader->room, arena, kubeconfig, &config, kube, err)) return false;
  grader->job.kube = kube;
  return namespace_is_there(grader, arena, err);
}

/* --- the run --------------------------------------------------------------------------------------------------------------------------- */

/* What was asked for cannot be begun at all. */
static int cannot_begin(const struct grader *grader, const struct err *err) {
  struct arena *arena = arena_new(0);
  const char *text = words_err(arena, grader->job.lab->words, grader->job.lang, err);
  fprintf(stderr, "makmal: %s\n", strcmp(text, err->key) ? text : arena_printf(arena, "%s (%s)", err->key, err->detail));
  arena_free(arena);
  return err_code_exit(err->code);
}

static int run(struct grader *grader, struct arena *arena, int jobs, struct err *err) {
  struct report *report = &grader->report;
  struct sigaction catch = {.sa_handler = stop_now, .sa_flags = SA_RESTART | SA_RESETHAND}, before[2];      /* the second one ends at once */
  if (!output_open(grader, err)) return cannot_begin(grader, err);
  report->lab = grader->job.lab;
  report->words = grader->job.lab->words;
  report->lang = grader->job.lang;
  report->count = grader->count;
  grader->bar = isatty(STDERR_FILENO);
  grader->began_ms = grader->told_ms = mono_ms();
  stop_signal = 0;
  sigaction(SIGINT, &catch, &before[0]);
  sigaction(SIGTERM, &catch, &before[1]);
  if (report->format->begin) report->format->begin(report, arena);
  bulk_run(&(struct bulk){.count = grader->count, .threads = jobs, .work = work, .done = done, .dropped = dropped, .tick = tick, .stop = &stop_signal, .ctx = grader});
  wipe_bar(grader);
  report->stopped = report->done < report->count;
  if (report->format->end) report->format->end(report, arena);
  sigaction(SIGINT, &before[0], NULL);
  sigaction(SIGTERM, &before[1], NULL);
  if (!output_close(grader, err)) return cannot_begin(grader, err);
  sum_up(grader);
  return report->stopped && stop_signal ? 128 + stop_signal : grader->status;
}

int cmd_grade(int argc, char **argv) {
  enum { ROSTER = 1000, OUTPUT, JOBS, QUIET, NAMESPACE, KUBECONFIG, INGRESS };
  static const struct option options[] = {{"seed", 1, 0, 's'}, {"params", 1, 0, 'p'}, {"format", 1, 0, 'f'}, {"lang", 1, 0, 'l'}, {"labs", 1, 0, 'L'}, {"library", 1, 0, 'B'},
                                          {"roster", 0, 0, ROSTER}, {"output", 1, 0, OUTPUT}, {"jobs", 1, 0, JOBS}, {"quiet", 0, 0, QUIET}, {"namespace", 1, 0, NAMESPACE},
                                          {"kubeconfig", 1, 0, KUBECONFIG}, {"ingress", 1, 0, INGRESS}, {"help", 0, 0, 'h'}, {0}};
  struct grader grader = {.job = {.lang = LANG_EN}, .report = {.format = &report_text}};
  const char *seed = NULL, *params = NULL, *kubeconfig = NULL;
  struct kube_front front;
  long cores = sysconf(_SC_NPROCESSORS_ONLN), jobs = cores > 0 ? cores : 1;
  char *rest = NULL;
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
      case 's': seed = optarg; break;
      case 'p': params = optarg; break;
      case 'f':
        if (!(grader.report.format = report_format(optarg))) return wrong_use("--format is " REPORT_FORMATS ", not '%s'", optarg);
        break;
      case 'l':
        if (!lang_parse(optarg, &grader.job.lang)) return wrong_use("--lang is en or ms, not '%s'", optarg);
        break;
      case 'L': grader.room.labs = optarg; break;
      case 'B': grader.room.library = optarg; break;
      case ROSTER: grader.job.roster = true; break;
      case OUTPUT: grader.output = optarg; break;
      case QUIET: grader.quiet = true; break;
      case NAMESPACE: grader.job.namespace = optarg; break;
      case KUBECONFIG: kubeconfig = optarg; break;
      case INGRESS:
        if (!kube_front_at(optarg, NULL, &front)) return wrong_use("--ingress is a host or host:port, not '%s'", optarg);
        grader.job.front = &front;
        break;
      case JOBS:
        jobs = strtol(optarg, &rest, 10);
        if (!*optarg || *rest || jobs < 1 || jobs > JOBS_MAX) return wrong_use("--jobs is a number from 1 to 64, not '%s'", optarg);
        break;
      case 'h': fputs(help, stdout); return 0;
      default: return wrong_use("no option is called '%s', or it wants a value", argv[optind - 1]);
    }
  int paths = argc - optind - 1, standard = 0;
  for (int i = optind + 1; i < argc; i++) standard += !strcmp(argv[i], "-");
  if (paths < 0 || (!paths && !grader.job.namespace)) return wrong_use("%s", "a lab and at least one path are wanted");
  if (seed && params) return wrong_use("%s", "--seed and --params exclude each other");
  if (!grader.job.namespace != !kubeconfig) return wrong_use("%s", "--namespace and --kubeconfig go together");
  if (grader.job.front && !kubeconfig) return wrong_use("%s", "--ingress goes with --kubeconfig");
  if (grader.job.namespace && (paths > 1 || grader.job.roster)) return wrong_use("%s", "a namespace belongs to one hand-in");
  if (standard > 1 || (standard && grader.job.roster)) return wrong_use("%s", "standard input is one hand-in, once");
  if (jobs > JOBS_MAX) jobs = JOBS_MAX;
  grader.room.workers = (int)jobs;
  log_init(LOG_ERROR_, NULL);             /* what matters here stands in the rows; mistakes in other labs are lint's */
  struct err err = {0};
  if (!course_room_open(&grader.room, &err)) return course_room_fail(NULL, &err);
  const struct edition *edition = catalog_acquire(grader.room.catalog);
  struct arena *arena = arena_new(0);
  struct kube kube = {0};
  int status;
  grader.job.pool = grader.room.pool;
  grader.job.edition = edition;
  if (!(grader.job.lab = edition_lab(edition, argv[optind]))) {
    status = wrong_use("no lab is called '%s' (a lab with a mistake is left out: makmal lint names it)", argv[optind]);
  } else if (!(grader.job.roster ? list_roster(&grader, arena, argv + optind + 1, paths, &err) : list_paths(&grader, arena, argv + optind + 1, paths, &err)) ||
             !common_params(&grader, arena, seed, params, &err) || (kubeconfig && !open_namespace(&grader, arena, kubeconfig, &kube, &err))) {
    status = cannot_begin(&grader, &err);
  } else if (grader.report.format->single && grader.count > 1) {
    status = wrong_use("--format %s is for one hand-in", grader.report.format->name);
  } else {
    status = run(&grader, arena, (int)jobs, &err);
  }
  if (grader.job.kube) kube_close(&kube);
  arena_free(arena);
  catalog_release(edition);
  course_room_close(&grader.room);
  return status;
}
