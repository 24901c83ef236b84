#include "tests/support/list_connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

static Status begin_group(Recorder *base, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;

    TRY(fault_before("list.record", err));
    assert_false(recorder->is_open);
    recorder->is_open = true;
    memset(recorder->new_chunks, 0, recorder->plan->chunk_count);
    memset(recorder->new_tasks, 0, recorder->plan->task_count);
    memset(recorder->new_evidence, 0, recorder->plan->catalog.table_count);
    return STATUS_OK;
}

static Status end_group(Recorder *base, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    const Plan *plan = recorder->plan;

    TRY(fault_before("list.record_end", err));
    assert_true(recorder->is_open);
    recorder->is_open = false;
    recorder->groups++;
    for (size_t i = 0; i < plan->chunk_count; i++)
        recorder->chunks[i] = recorder->chunks[i] || recorder->new_chunks[i];
    for (size_t i = 0; i < plan->task_count; i++)
        recorder->tasks[i] = recorder->tasks[i] || recorder->new_tasks[i];
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        recorder->evidence[i] = recorder->evidence[i] || recorder->new_evidence[i];
    return fault_after("list.record_end", err);
}

/* I2: only what is in the ledger is recorded. */
static Status record_chunk(Recorder *base, const Chunk *chunk, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    const ChunkResult *result = NULL;

    (void)err;
    (void)pthread_mutex_lock(&recorder->target->lock);
    result = list_find_chunk(recorder->target, chunk->table_id, chunk->number);
    assert_non_null(result);
    assert_true(digest_equal(&result->digest, &chunk->digest));
    assert_int_equal(result->bytes, chunk->bytes);
    (void)pthread_mutex_unlock(&recorder->target->lock);
    assert_true(recorder->is_open && !chunk->done);
    recorder->new_chunks[chunk - recorder->plan->chunks] = true;
    recorder->records++;
    return STATUS_OK;
}

static Status record_task(Recorder *base, const Task *task, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;

    (void)err;
    (void)pthread_mutex_lock(&recorder->target->lock);
    assert_true(recorder->target->tasks[task->id]);
    (void)pthread_mutex_unlock(&recorder->target->lock);
    assert_true(recorder->is_open && !task->done);
    recorder->new_tasks[task - recorder->plan->tasks] = true;
    recorder->records++;
    return STATUS_OK;
}

static Status record_evidence(Recorder *base, const ProbeRequest *request,
                              const ProbeResult *result, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    size_t at = request->table->id - 1;

    (void)err;
    assert_true(recorder->is_open && !recorder->evidence[at]);
    assert_int_equal(result->entry_count, 1);
    assert_int_equal(result->entries[0].key_hash, request->table->id);
    recorder->new_evidence[at] = true;
    recorder->moduli[at] = request->modulus;
    recorder->records++;
    return STATUS_OK;
}

static const RecorderOps recorder_ops = {.begin = begin_group,
                                         .end = end_group,
                                         .chunk_done = record_chunk,
                                         .task_done = record_task,
                                         .evidence = record_evidence};

void list_recorder_init(ListRecorder *recorder, Plan *plan, ListTarget *target)
{
    *recorder = (ListRecorder){.base.ops = &recorder_ops, .plan = plan, .target = target};
    recorder->chunks = xcalloc(plan->chunk_count + 1, sizeof(bool));
    recorder->tasks = xcalloc(plan->task_count + 1, sizeof(bool));
    recorder->evidence = xcalloc(plan->catalog.table_count + 1, sizeof(bool));
    recorder->new_chunks = xcalloc(plan->chunk_count + 1, 1);
    recorder->new_tasks = xcalloc(plan->task_count + 1, 1);
    recorder->new_evidence = xcalloc(plan->catalog.table_count + 1, 1);
}

void list_recorder_release(ListRecorder *recorder)
{
    free(recorder->chunks);
    free(recorder->tasks);
    free(recorder->evidence);
    free(recorder->new_chunks);
    free(recorder->new_tasks);
    free(recorder->new_evidence);
    *recorder = (ListRecorder){0};
}
