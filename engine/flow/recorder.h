/*
 * Recorder: where a run writes down what has become durable (invariant I2: after its effect). The
 * journal implements it; unit tests use a list. Called by the driver thread only.
 */
#pragma once

#include "engine/base/error.h"
#include "engine/flow/plan.h"
#include "engine/flow/prober.h"

typedef struct Recorder Recorder;

typedef struct RecorderOps {
    /* begin/end group records in one durable write; nothing counts before end() returned. */
    Status (*begin)(Recorder *recorder, Error *err);
    Status (*end)(Recorder *recorder, Error *err);
    Status (*chunk_done)(Recorder *recorder, const Chunk *chunk, Error *err);
    Status (*task_done)(Recorder *recorder, const Task *task, Error *err);
    Status (*evidence)(Recorder *recorder, const ProbeRequest *request, const ProbeResult *result,
                       Error *err);
} RecorderOps;

struct Recorder {
    const RecorderOps *ops;
};

static inline Status recorder_begin(Recorder *recorder, Error *err)
{
    return recorder->ops->begin(recorder, err);
}

static inline Status recorder_end(Recorder *recorder, Error *err)
{
    return recorder->ops->end(recorder, err);
}

static inline Status recorder_chunk_done(Recorder *recorder, const Chunk *chunk, Error *err)
{
    return recorder->ops->chunk_done(recorder, chunk, err);
}

static inline Status recorder_task_done(Recorder *recorder, const Task *task, Error *err)
{
    return recorder->ops->task_done(recorder, task, err);
}

static inline Status recorder_evidence(Recorder *recorder, const ProbeRequest *request,
                                       const ProbeResult *result, Error *err)
{
    return recorder->ops->evidence(recorder, request, result, err);
}
