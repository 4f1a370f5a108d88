/* smoke: a main for fuzz targets where libFuzzer is not at hand: runs the corpus, then mutates it for a while. Deterministic but for how far it gets.
 *   fuzz_<parser> [--seconds N] [--seed N] FOLDER|FILE…
 * A crash leaves the input in crash-<parser>.bin beside it; give that file as the argument to see it again. Slow inputs (over a second) are failures too. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUTS_MAX 4096
#define SIZE_MAX_ (256 * 1024)

static struct { uint8_t *bytes; size_t size; } input[INPUTS_MAX];
static size_t inputs;
static uint8_t now[SIZE_MAX_];
static size_t now_size;
static const char *program;
static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static size_t below(size_t n) { return n ? (size_t)(next() % n) : 0; }

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void keep_crash(void) {
  const char *slash = strrchr(program, '/');
  char path[200];
  snprintf(path, sizeof path, "crash-%s.bin", slash ? slash + 1 : program);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd >= 0 && write(fd, now, now_size) == (ssize_t)now_size) fprintf(stderr, "\ninput kept in %s (%zu bytes)\n", path, now_size);
  if (fd >= 0) close(fd);
}

#ifndef __SANITIZE_ADDRESS__
static void on_crash(int sig) {
  keep_crash();
  signal(sig, SIG_DFL);
  raise(sig);
}
#endif

/* The sanitizers call this before they end the process. */
void __asan_on_error(void);
void __asan_on_error(void) { keep_crash(); }

static void load(const char *path) {
  struct stat st;
  if (stat(path, &st)) return;
  if (S_ISDIR(st.st_mode)) {
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, alphasort);
    for (int i = 0; i < n; i++) {
      char below_it[1000];
      snprintf(below_it, sizeof below_it, "%s/%s", path, entry[i]->d_name);
      if (entry[i]->d_name[0] != '.') load(below_it);
      free(entry[i]);
    }
    if (n >= 0) free(entry);
    return;
  }
  FILE *file = fopen(path, "rb");
  if (!file || inputs == INPUTS_MAX) return;
  input[inputs].bytes = malloc(SIZE_MAX_);
  input[inputs].size = fread(input[inputs].bytes, 1, SIZE_MAX_, file);
  inputs++;
  fclose(file);
}

/* A few changes: bytes flipped, pieces repeated, cut, swapped, taken from another input, and signs that mean something to these parsers. */
static void mutate(void) {
  static const char *const sign[] = {"{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "\"", "'", "&a ", "*a", "<<: ", "!t ", "|\n ", ">-\n", "---\n", "...\n", "%", "#", "\t", "\\u", "\\", "\0", "\xEF\xBB\xBF", "\xFF",
                                     "0x", "1e9", "~", "yes", ",", "?", "@", "\r\n", "{}", "[]", "null", "\xE2\x80\xA8"};
  for (size_t times = 1 + below(6); times > 0; times--) {
    size_t at = below(now_size + 1), length;
    switch (below(8)) {
      case 0: if (now_size) now[below(now_size)] ^= (uint8_t)(1u << below(8)); break;
      case 1: if (now_size) now[below(now_size)] = (uint8_t)next(); break;
      case 2:                                                   /* cut */
        length = below(now_size - at < 64 ? now_size - at + 1 : 64);
        memmove(now + at, now + at + length, now_size - at - length);
        now_size -= length;
        break;
      case 3:                                                   /* repeat a piece */
        length = below(now_size - at < 48 ? now_size - at + 1 : 48);
        for (size_t n = 1 + below(below(20) ? 3 : 400); n > 0 && now_size + length <= SIZE_MAX_; n--) {
          memmove(now + at + length, now + at, now_size - at);
          now_size += length;
        }
        break;
      case 4: {                                                 /* a piece of another */
        size_t other = below(inputs), from = below(input[other].size + 1);
        length = below(input[other].size - from < 200 ? input[other].size - from + 1 : 200);
        if (now_size + length > SIZE_MAX_) break;
        memmove(now + at + length, now + at, now_size - at);
        memcpy(now + at, input[other].bytes + from, length);
        now_size += length;
        break;
      }
      default: {
        size_t which = below(sizeof sign / sizeof *sign);
        length = which == 24 ? 1 : strlen(sign[which]);
        if (now_size + length > SIZE_MAX_) break;
        memmove(now + at + length, now + at, now_size - at);
        memcpy(now + at, sign[which], length);
        now_size += length;
      }
    }
  }
}

static void run_one(void) {
  double from = cpu_seconds();
  LLVMFuzzerTestOneInput(now, now_size);
  if (cpu_seconds() - from < 1) return;
  fprintf(stderr, "one input took %.1f s\n", cpu_seconds() - from);
  keep_crash();
  exit(1);
}

int main(int argc, char **argv) {
  double limit = 0;
  program = argv[0];
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--seconds") && i + 1 < argc) limit = atof(argv[++i]);
    else if (!strcmp(argv[i], "--seed") && i + 1 < argc) state ^= strtoull(argv[++i], NULL, 10) * 0x9E3779B97F4A7C15u;
    else load(argv[i]);
  }
  if (!inputs) {
    fprintf(stderr, "%s: no input\n", program);
    return 2;
  }
#ifndef __SANITIZE_ADDRESS__
  signal(SIGSEGV, on_crash);
  signal(SIGABRT, on_crash);
  signal(SIGBUS, on_crash);
  signal(SIGFPE, on_crash);
#endif
  for (size_t i = 0; i < inputs; i++) {
    memcpy(now, input[i].bytes, now_size = input[i].size);
    run_one();
  }
  unsigned long runs = 0;
  for (double until = seconds() + limit; seconds() < until; runs++) {
    size_t which = below(inputs);
    memcpy(now, input[which].bytes, now_size = input[which].size);
    mutate();
    run_one();
    if (runs % 64 == 63 && now_size && now_size < 4096) {      /* a changed one takes another's place now and then, so that changes add up; the first half stays */
      size_t place = inputs / 2 + below(inputs - inputs / 2);
      if (inputs > 3) memcpy(input[place].bytes, now, input[place].size = now_size);
    }
  }
  printf("%zu inputs, %lu mutations\n", inputs, runs);
  for (size_t i = 0; i < inputs; i++) free(input[i].bytes);
  return 0;
}
