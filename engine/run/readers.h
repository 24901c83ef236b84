/*
 * The readers of a run, one per worker. The source belongs to the driver thread, so the driver
 * opens them all before it starts a worker.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/flow/source.h"

typedef struct Readers Readers;

/* What is transient is retried. */
Status readers_open(Source *source, unsigned count, uint64_t retry_for_ms, Readers **ret,
                    Error *err);
void readers_free(Readers *readers);
DEFINE_AUTO_FREE(Readers, readers_free);

Reader *readers_at(const Readers *readers, unsigned worker); /* borrowed */
