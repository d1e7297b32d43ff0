/* clock.h: time, in one place. */
#ifndef GODWIT_BASE_CLOCK_H
#define GODWIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970 UTC. */
int64_t clock_now_us(void);
/* Nanoseconds of a clock that never jumps. */
uint64_t clock_monotonic_ns(void);
/* CPU time of the whole process, nanoseconds. */
uint64_t clock_cpu_ns(void);
/* Sleeps; ends early on a signal. */
void clock_sleep_ns(uint64_t duration_ns);
/* "2026-01-31T12:00:00Z" into a buffer of CLOCK_TEXT_SIZE. */
#define CLOCK_TEXT_SIZE 32
void clock_format_utc(int64_t time_us, char *buffer);

#endif
