/* clock.c: see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t clock_now_us(void)
{
    return (int64_t)(read_clock(CLOCK_REALTIME) / 1000);
}

uint64_t clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void clock_sleep_ns(uint64_t duration_ns)
{
    const struct timespec pause = {.tv_sec = (time_t)(duration_ns / 1000000000U),
                                   .tv_nsec = (long)(duration_ns % 1000000000U)};
    (void)nanosleep(&pause, NULL);
}

void clock_format_utc(int64_t time_us, char *buffer)
{
    const time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(buffer, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        (void)snprintf(buffer, CLOCK_TEXT_SIZE, "-");
}
