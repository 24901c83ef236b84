/*
 * The one place that repeats. Back-off doubles from 50 ms to 5 s with jitter until the time is
 * spent; then the last error stays, with STATUS_FAILED and kind ERROR_WAITING (exit 3).
 *
 *     Retry retry;
 *     retry_begin(&retry, options->retry_for_ms);
 *     do {
 *         status = attempt(..., err);
 *     } while (retry_again(&retry, &status, err));
 *
 * A wait of more than a second is told through the notice, when one is set.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/notice.h"

typedef struct Retry {
    uint64_t started_ns; /* of the first failure; 0 before it */
    uint64_t for_ms;
    uint64_t delay_ms;
    unsigned attempts;
    /* To be set after retry_begin() where they are wanted; borrowed. */
    Notice *notice;             /* tells why it waits, or NULL */
    const atomic_bool *is_over; /* true: others have failed for good, so this one gives up, too */
} Retry;

void retry_begin(Retry *retry, uint64_t for_ms);

/*
 * True when *status is STATUS_RETRY, time is left and no stop is wanted; it has slept then. Else
 * false: *status is the outcome: unchanged, STATUS_STOPPED when a stop came while waiting, or
 * STATUS_FAILED with "(gave up after N attempts in M s)" added to the message.
 */
bool retry_again(Retry *retry, Status *status, Error *err);
