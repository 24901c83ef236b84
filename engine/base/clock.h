/*
 * Time: wall clock in microseconds since 1970 UTC for records, monotonic nanoseconds for intervals.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void);
uint64_t clock_monotonic_ns(void);

/* "2026-11-20T14:31:05Z"; ret has room for at least 32 bytes. */
void clock_format(int64_t wall_us, char *ret, size_t size);

/* "20261120T143105Z", for names. */
void clock_format_compact(int64_t wall_us, char *ret, size_t size);

/* Sleeps; returns early when a stop is requested (engine/base/stop.h). */
void clock_sleep_ms(uint64_t milliseconds);
