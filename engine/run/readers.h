/*
 * The readers of a run, one per worker. The source belongs to the driver thread, so the driver
 * opens them all before it starts a worker.
 */
#pragma once

#include "engine/base/cleanup.h"
#include "engine/flow/source.h"

typedef struct Readers Readers;

Status readers_open(Source *source, unsigned count, Readers **ret, Error *err);
void readers_free(Readers *readers);
DEFINE_AUTO_FREE(Readers, readers_free);

Reader *readers_at(const Readers *readers, unsigned worker); /* borrowed */
