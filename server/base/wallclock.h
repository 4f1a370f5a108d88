/* wallclock: now and elapsed. wall = whole UTC milliseconds, for rows and screens; mono = monotonic milliseconds, for every duration. Tests may set both. */
#ifndef MAKMAL_BASE_WALLCLOCK_H
#define MAKMAL_BASE_WALLCLOCK_H
#include <stdint.h>
int64_t wall_ms(void);
int64_t mono_ms(void);
int64_t mono_us(void);
void wallclock_set_offset(int64_t wall_offset_ms, int64_t mono_offset_ms);   /* tests only */
#endif
