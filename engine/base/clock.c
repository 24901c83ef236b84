#include "engine/base/clock.h"

#include <stdbool.h>
#include <time.h>

#include "engine/base/stop.h"

/* A signal wakes only the thread that got it; the others look this often (20 ms). */
#define STOP_LATENCY_NS 20000000L

int64_t clock_wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static bool split_wall(int64_t wall_us, struct tm *ret)
{
    time_t seconds = (time_t)(wall_us / 1000000);

    if (wall_us % 1000000 < 0)
        seconds--;
    return gmtime_r(&seconds, ret) != NULL;
}

void clock_format(int64_t wall_us, char *ret, size_t size)
{
    struct tm utc;

    if (!split_wall(wall_us, &utc) || strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        ret[0] = '\0';
}

void clock_format_compact(int64_t wall_us, char *ret, size_t size)
{
    struct tm utc;

    if (!split_wall(wall_us, &utc) || strftime(ret, size, "%Y%m%dT%H%M%SZ", &utc) == 0)
        ret[0] = '\0';
}

void clock_sleep_ms(uint64_t milliseconds)
{
    uint64_t until_ns = 0;
    uint64_t now_ns = clock_monotonic_ns();

    if (__builtin_mul_overflow(milliseconds, 1000000U, &until_ns) ||
        __builtin_add_overflow(until_ns, now_ns, &until_ns))
        until_ns = UINT64_MAX;
    for (; now_ns < until_ns && !stop_requested(); now_ns = clock_monotonic_ns()) {
        uint64_t left_ns = until_ns - now_ns;
        long slice_ns = left_ns < STOP_LATENCY_NS ? (long)left_ns : STOP_LATENCY_NS;

        (void)nanosleep(&(struct timespec){.tv_nsec = slice_ns}, NULL); /* cut short: look again */
    }
}
