/* metrics: atomics in fixed tables, so counting costs no lock; the text is made when it is asked for. */
#include "web/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "web/house.h"
#include "web/stream.h"

#define STATUSES 6                       /* 1xx … 5xx by the hundred */
static const int bound_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
#define BOUNDS ((int)(sizeof bound_ms / sizeof *bound_ms))
static const char *const class_name[METRICS_CLASSES] = {"page", "api", "asset", "stream", "health", "refused"};

struct metrics {
  int64_t begun_ms;
  atomic_ulong answers[METRICS_CLASSES][STATUSES];
  atomic_ulong bucket[METRICS_CLASSES][sizeof bound_ms / sizeof *bound_ms + 1];
  atomic_ulong us[METRICS_CLASSES];
};

struct metrics *metrics_open(void) {
  struct metrics *metrics = calloc(1, sizeof *metrics);
  if (!metrics) abort();
  metrics->begun_ms = mono_ms();
  return metrics;
}

void metrics_close(struct metrics *metrics) { free(metrics); }

void metrics_count(struct metrics *metrics, enum metrics_class kind, int status, int64_t us) {
  if (!metrics) return;
  int hundred = status / 100;
  atomic_fetch_add_explicit(&metrics->answers[kind][hundred >= 1 && hundred < STATUSES ? hundred : 5], 1, memory_order_relaxed);
  if (kind == METRICS_STREAM) return;
  int slot = 0;
  while (slot < BOUNDS && us > (int64_t)bound_ms[slot] * 1000) slot++;
  atomic_fetch_add_explicit(&metrics->bucket[kind][slot], 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&metrics->us[kind], (unsigned long)us, memory_order_relaxed);
}

static void head(struct buf *out, const char *name, const char *type, const char *help) {
  buf_printf(out, "# HELP makmal_%s %s\n# TYPE makmal_%s %s\n", name, help, name, type);
}
void metrics_one(struct buf *out, const char *name, const char *type, const char *help, double value) {
  head(out, name, type, help);
  buf_printf(out, "makmal_%s %.15g\n", name, value);
}

/* Resident bytes and threads of this process, from /proc/self/status. */
static void process(struct buf *out) {
  FILE *file = fopen("/proc/self/status", "re");
  char line[256];
  long kib, threads;
  while (file && fgets(line, sizeof line, file)) {
    if (sscanf(line, "VmRSS: %ld kB", &kib) == 1) metrics_one(out, "process_resident_bytes", "gauge", "Memory of this process that is resident.", (double)kib * 1024);
    if (sscanf(line, "Threads: %ld", &threads) == 1) metrics_one(out, "process_threads", "gauge", "Threads of this process.", (double)threads);
  }
  if (file) fclose(file);
}

void metrics_write(struct house *house, struct buf *out) {
  struct metrics *metrics = house->metrics;
  head(out, "requests_total", "counter", "Answers by class of route and status.");
  for (int kind = 0; kind < METRICS_CLASSES; kind++)
    for (int status = 1; status < STATUSES; status++)
      buf_printf(out, "makmal_requests_total{class=\"%s\",status=\"%dxx\"} %lu\n", class_name[kind], status, atomic_load(&metrics->answers[kind][status]));
  head(out, "request_seconds", "histogram", "Time from a complete head to the end of the answer.");
  for (int kind = 0; kind < METRICS_CLASSES; kind++) {
    if (kind == METRICS_STREAM) continue;
    unsigned long sum = 0;
    for (int slot = 0; slot <= BOUNDS; slot++) {
      sum += atomic_load(&metrics->bucket[kind][slot]);
      if (slot < BOUNDS) buf_printf(out, "makmal_request_seconds_bucket{class=\"%s\",le=\"%g\"} %lu\n", class_name[kind], bound_ms[slot] / 1000.0, sum);
    }
    buf_printf(out, "makmal_request_seconds_bucket{class=\"%s\",le=\"+Inf\"} %lu\n", class_name[kind], sum);
    buf_printf(out, "makmal_request_seconds_sum{class=\"%s\"} %.6f\n", class_name[kind], (double)atomic_load(&metrics->us[kind]) / 1e6);
    buf_printf(out, "makmal_request_seconds_count{class=\"%s\"} %lu\n", class_name[kind], sum);
  }
  metrics_one(out, "uptime_seconds", "gauge", "Time since this server started.", (double)(mono_ms() - metrics->begun_ms) / 1000);
  process(out);
  if (house->streams) {
    metrics_one(out, "streams", "gauge", "Open live streams.", streams_open_now(house->streams));
    metrics_one(out, "stream_seats", "gauge", "Live streams there is room for.", streams_seats(house->streams));
  }
  if (house->live) {
    struct live_stats live;
    live_stats(house->live, &live);
    metrics_one(out, "live_published_total", "counter", "Events published.", (double)live.published);
    metrics_one(out, "live_delivered_total", "counter", "Events written to streams.", (double)live.delivered);
    metrics_one(out, "live_resets_total", "counter", "Topics told anew because a reader was too far behind.", (double)live.resets);
    metrics_one(out, "watch_age_seconds", "gauge", "Time since the cluster's watch last said something; -1: never.", live_heard_age_ms(house->live) < 0 ? -1 : (double)live_heard_age_ms(house->live) / 1000);
  }
  if (house->more_metrics) house->more_metrics(house, out);
}
