/* wallclock: the two clocks, with offsets that only tests set. */
#include "base/wallclock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t wall_offset, mono_offset;

static int64_t read_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t wall_ms(void) { return read_us(CLOCK_REALTIME) / 1000 + wall_offset; }
int64_t mono_us(void) { return read_us(CLOCK_MONOTONIC) + mono_offset * 1000; }
int64_t mono_ms(void) { return mono_us() / 1000; }

void wallclock_set_offset(int64_t wall_offset_ms, int64_t mono_offset_ms) {
  wall_offset = wall_offset_ms;
  mono_offset = mono_offset_ms;
}
