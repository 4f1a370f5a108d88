/* bench: what every benchmark program shares: a clock, medians, the machine's steadiness, and lines of results. A result is one line, parted by tabs, in
 * the file that BENCH_RESULTS names; the table, the bars and the exit status are made of these lines by tests/bench/run. One thread. */
#ifndef MAKMAL_BENCH_H
#define MAKMAL_BENCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct kube; struct kube_config; struct check_pool; struct err;

int64_t now_us(void);

/* Durations of one thing, in µs. */
struct times { int64_t *us; size_t count, room; };
void times_add(struct times *times, int64_t us);
double times_at(struct times *times, double part);         /* 0.5 the median, 0.99 …; sorts; 0 when there is none */
void times_free(struct times *times);

/* A figure with a bar: its ratio is at most / at least the bar. detail tells the times behind it. */
void result_at_most(const char *name, double ratio, double bar, const char *detail_fmt, ...) __attribute__((format(printf, 4, 5)));
void result_at_least(const char *name, double ratio, double bar, const char *detail_fmt, ...) __attribute__((format(printf, 4, 5)));
/* Told, never held against anybody. */
void result_told(const char *name, const char *value, const char *detail_fmt, ...) __attribute__((format(printf, 3, 4)));
/* A benchmark that could not be run is a figure that was not reached. */
void result_broken(const char *name, const char *why_fmt, ...) __attribute__((format(printf, 2, 3)));

/* A fixed loop of arithmetic, in µs of wall clock: how much of a processor this machine gives us just now. */
int64_t spin_us(void);

/* Where the benchmark is, on standard error. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die_err(const char *what, const struct err *err);

/* A kubeconfig to a port on the cluster. *config lives in the arena. */
void open_kube(struct check_pool *pool, struct arena *arena, const char *path, struct kube_config *config, struct kube *out);
/* Runs a program to its end, its output thrown away, what it says on standard error in the file `errors` (NULL: ours); dies when it fails. Gives the
 * wall clock, and the CPU (out_cpu_us may be NULL), in µs. */
int64_t run_program(char *const *argv, const char *errors, int64_t *out_cpu_us);
#endif
