/*
 * Why something waits, told to people: workers that meet the same obstacle, each again and again,
 * are one warning now and then. One for all retries of a migration; any thread. Like Progress it
 * speaks for itself, and NULL is quiet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct Notice Notice;

Notice *notice_new(void);
void notice_free(Notice *notice);
DEFINE_AUTO_FREE(Notice, notice_free);

/* Warns that `why` is waited out for at most left_ms more, unless something was told just before. */
void notice_wait(Notice *notice, const Error *why, uint64_t left_ms);

/* The arithmetic, with the clock as an argument: may something be told now? It then counts as told. */
bool notice_is_due(Notice *notice, uint64_t now_ns);
