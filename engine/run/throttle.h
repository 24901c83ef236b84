/*
 * Throttle: holds all workers together to max_rate bytes a second. A token bucket that starts empty
 * and saves up at most one second; who takes more than it holds waits until the debt is paid. After
 * a wish to stop nobody waits any more, so that work under way ends soon. Rate 0: no limit.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"

typedef struct Throttle Throttle;

Throttle *throttle_new(uint64_t bytes_per_second);
void throttle_free(Throttle *throttle);
DEFINE_AUTO_FREE(Throttle, throttle_free);

/* Accounts for bytes just moved and sleeps as long as the rate asks for. Thread-safe; NULL throttle
 * is no limit. */
void throttle_take(Throttle *throttle, uint64_t bytes);

/* The arithmetic, with the clock as an argument: accounts, and says how long to sleep. */
uint64_t throttle_reserve_ns(Throttle *throttle, uint64_t bytes, uint64_t now_ns);
