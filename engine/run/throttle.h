/*
 * Throttle: holds all workers together to max_rate bytes a second (a token bucket of one second).
 * Dispatch waits; work under way is never aborted. Rate 0: no limit.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct Throttle Throttle;

Throttle *throttle_new(uint64_t bytes_per_second);
void throttle_free(Throttle *throttle);
DEFINE_AUTO_FREE(Throttle, throttle_free);

/* Accounts for bytes just moved and sleeps as long as the rate asks for. Thread-safe. Returns
 * STATUS_STOPPED when a forced end is wanted while waiting; NULL throttle is no limit. */
Status throttle_take(Throttle *throttle, uint64_t bytes, Error *err);
