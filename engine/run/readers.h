/*
 * The readers of a run, one per worker. The source belongs to the driver thread, so the driver
 * opens them all before it starts a worker.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/flow/source.h"
#include "engine/run/run.h"

typedef struct Readers Readers;

/* options->jobs of them. What is transient is retried. */
Status readers_open(Source *source, const RunOptions *options, Readers **ret, Error *err);
void readers_free(Readers *readers);
DEFINE_AUTO_FREE(Readers, readers_free);

Reader *readers_at(const Readers *readers, unsigned worker); /* borrowed */
