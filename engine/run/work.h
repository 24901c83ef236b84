/*
 * What a worker of the copy does with one piece of work: a chunk, a task, or a probe of the source.
 * Everything is retried here; what it returns is final.
 */
#pragma once

#include "engine/run/copy.h"
#include "engine/run/pool.h"
#include "engine/run/readers.h"
#include "engine/run/schedule.h"

/* An item of the pool. The driver fills work and request; a worker fills evidence, and the results
 * in work.chunk. */
typedef struct WorkItem {
    Work work;
    const ProbeRequest *request; /* WORK_PROBE; borrowed */
    ProbeResult evidence;        /* WORK_PROBE; the driver releases it */
    bool is_used;                /* by the driver alone */
} WorkItem;

/* The pool's shared state, constant while workers run, but for what the driver takes away. */
typedef struct WorkShared {
    CopyContext copy;
    const Readers *readers; /* one per worker; NULL when nothing is left to read */
} WorkShared;

extern const PoolOps work_ops; /* over WorkShared and WorkItem */
