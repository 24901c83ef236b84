/*
 * The driver of the copy.
 *
 *     schedule -> start -> workers -> outcomes -> record -> schedule_done -> next
 *
 *  R1  An outcome is recorded before the schedule hears of it: what depends on a piece of work
 *      starts after that is in the journal. (The ledger has it already: I1, I2.)
 *  R2  Outcomes that are there together are recorded in one group: one durable write for many
 *      small tables.
 *  R3  After the first failure or a wish to stop nothing new starts and nothing is tried again;
 *      what is under way ends and is recorded, unless recording itself failed: then the journal is
 *      not touched again. The ledger has what the journal misses.
 *  R4  Plan, schedule, recorder and progress are touched by the driver alone; a chunk's results by
 *      its worker until its outcome is fetched.
 *  R5  Readers and the source's snapshot live from the start until nothing is left to read; after
 *      that no worker touches a reader.
 */
#include "engine/run/run.h"

#include <assert.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/run/expectation.h"
#include "engine/run/verdict.h"
#include "engine/run/work.h"

enum {
    LOOK_AGAIN_MS = 200, /* how often progress is shown and a wish to stop is looked for */
};

typedef struct CopyRun {
    const RunInput *input;
    Schedule *schedule;
    WorkShared *shared;
    Pool *pool;
    WorkItem *items; /* one per worker */
    PoolOutcome *outcomes;
    unsigned jobs;
    CopyCounters counters;
    Expectation expected;
    uint64_t shown_bytes;
    uint64_t shown_rows;
    bool cannot_record;
    Readers *readers; /* NULL once the source is let go */
    bool is_read;
    Verdict verdict;
} CopyRun;

/* Counters may fall, when an attempt failed; progress only rises. */
static uint64_t grown(atomic_uint_fast64_t *counter, uint64_t *shown)
{
    uint64_t now = atomic_load(counter);
    uint64_t more = now > *shown ? now - *shown : 0;

    *shown += more;
    return more;
}

static void show_progress(CopyRun *run)
{
    uint64_t bytes = grown(&run->counters.bytes, &run->shown_bytes);
    uint64_t rows = grown(&run->counters.rows, &run->shown_rows);

    if (run->expected.planned > 0)
        progress_expect(run->input->progress, expectation_bytes(&run->expected));
    progress_add(run->input->progress, bytes, rows);
}

static void note_work(const CopyRun *run, const Work *work)
{
    if (run->input->progress == NULL)
        return;
    if (work->kind == WORK_TASK && work->task->name != NULL) {
        progress_note(run->input->progress, work->task->name);
    } else if (work->table != NULL) {
        AUTO_FREE_MEMORY char *name = table_display_name(work->table);

        progress_note(run->input->progress, name);
    }
}

static WorkItem *free_item(const CopyRun *run)
{
    for (unsigned i = 0; i < run->jobs; i++)
        if (!run->items[i].is_used)
            return &run->items[i];
    assert(false); /* as many as the pool takes */
    return NULL;
}

/* What its done chunks say of a table, where they say something else than the estimate. */
static bool is_estimate_off(const Plan *plan, const Table *table, uint64_t *ret_rows)
{
    size_t count = 0;
    size_t done = 0;
    const Chunk *chunks = plan_table_chunks(plan, table->id, &count);
    Digest digest = {0};
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        done += chunks[i].done;
    if (done == 0)
        return false;
    plan_table_totals(plan, table->id, &digest, &bytes);
    *ret_rows = (uint64_t)((double)digest.rows * (double)count / (double)done);
    return *ret_rows / 2 > table->row_estimate || *ret_rows < table->row_estimate / 2;
}

static const ProbeRequest *request_for(const CopyRun *run, const Table *table)
{
    ProbeRequest *request = &run->input->evidence[table->id - 1];
    uint64_t rows = 0;

    if (run->input->sample_modulus != NULL && is_estimate_off(run->input->plan, table, &rows))
        request->modulus = run->input->sample_modulus(rows);
    return request;
}

static void start_ready(CopyRun *run)
{
    Work work;

    while (run->verdict.status >= 0 && !stop_requested() && pool_idle(run->pool) > 0 &&
           schedule_next(run->schedule, &work)) {
        WorkItem *item = free_item(run);

        *item = (WorkItem){.work = work, .is_used = true};
        if (work.kind == WORK_PROBE)
            item->request = request_for(run, work.table);
        note_work(run, &work);
        pool_submit(run->pool, item);
    }
}

/* Waits a little for one, and takes what else is there. */
static unsigned fetch_outcomes(CopyRun *run)
{
    unsigned count = 0;

    while (count < run->jobs &&
           pool_wait(run->pool, count == 0 ? LOOK_AGAIN_MS : 0, &run->outcomes[count]) == STATUS_OK)
        count++;
    return count;
}

static Status record_item(const CopyRun *run, const WorkItem *item, Error *err)
{
    Recorder *recorder = run->input->recorder;

    switch (item->work.kind) {
    case WORK_CHUNK:
        return recorder_chunk_done(recorder, item->work.chunk, err);
    case WORK_TASK:
        return recorder_task_done(recorder, item->work.task, err);
    case WORK_PROBE:
        return recorder_evidence(recorder, item->request, &item->evidence, err);
    }
    return error_set(err, STATUS_FATAL, "unknown kind of work %d", (int)item->work.kind);
}

static Status record_group(const CopyRun *run, unsigned count, Error *err)
{
    TRY(fault_before("run.record", err));
    TRY(recorder_begin(run->input->recorder, err));
    for (unsigned i = 0; i < count; i++)
        if (run->outcomes[i].status >= 0)
            TRY(record_item(run, run->outcomes[i].item, err));
    TRY(recorder_end(run->input->recorder, err));
    return fault_after("run.record", err);
}

/* The schedule hears of it only when it is recorded (R1). */
static void settle_item(CopyRun *run, WorkItem *item, bool is_recorded)
{
    if (is_recorded) {
        schedule_done(run->schedule, &item->work);
        if (item->work.kind == WORK_CHUNK)
            expectation_learn(&run->expected, item->work.chunk);
        if (item->work.kind == WORK_PROBE)
            run->input->evidence[item->work.table->id - 1].table = NULL;
    } else {
        schedule_again(run->schedule, &item->work);
    }
    probe_result_release(&item->evidence);
    item->is_used = false;
}

static void settle_outcomes(CopyRun *run, unsigned count)
{
    unsigned good_count = 0;
    bool is_recorded = false;
    Error error = {0};

    for (unsigned i = 0; i < count; i++) {
        good_count += run->outcomes[i].status >= 0;
        verdict_note(&run->verdict, run->outcomes[i].status, &run->outcomes[i].error);
    }
    if (good_count > 0 && !run->cannot_record) {
        Status status = record_group(run, count, &error);

        is_recorded = status >= 0;
        run->cannot_record = !is_recorded; /* R3 */
        verdict_note(&run->verdict, status, &error);
    }
    for (unsigned i = 0; i < count; i++)
        settle_item(run, run->outcomes[i].item, is_recorded && run->outcomes[i].status >= 0);
}

/* Nothing is under way and nothing failed: is it complete, stopped, or stuck? */
static Status conclude(const CopyRun *run, Error *err)
{
    const Task *task = NULL;

    if (schedule_finished(run->schedule))
        return STATUS_OK;
    TRY(stop_check(err));
    task = schedule_stuck(run->schedule);
    return error_set(err, STATUS_INVALID, "the plan cannot be completed: %s waits for itself",
                     task != NULL && task->name != NULL ? task->name : "a task");
}

/* R5 */
static Status let_source_go(CopyRun *run, Error *err)
{
    Source *source = run->input->source;

    if (run->is_read || schedule_has_reads(run->schedule))
        return STATUS_OK;
    if (source != NULL && !source_is_held(source))
        return error_set(err, STATUS_FAILED, "it did not live until all was read");
    run->is_read = true;
    run->shared->readers = NULL;
    readers_free(TAKE(run->readers));
    if (source != NULL)
        source_release(source);
    if (run->input->ret_is_read != NULL)
        *run->input->ret_is_read = true;
    return STATUS_OK;
}

/* After a failure the snapshot is the caller's again: whether it lives says something, then. */
static void let_source_go_in_time(CopyRun *run)
{
    Error error = {0};

    if (run->verdict.status >= 0)
        verdict_note(&run->verdict, let_source_go(run, &error), &error);
}

static Status drive(CopyRun *run, Error *err)
{
    for (;;) {
        let_source_go_in_time(run);
        start_ready(run);
        if (pool_busy(run->pool) == 0)
            break;
        settle_outcomes(run, fetch_outcomes(run));
        if (run->verdict.status < 0)
            atomic_store(&run->shared->copy.is_over, true); /* R3 */
        show_progress(run);
    }
    TRY(verdict_give(&run->verdict, err));
    return conclude(run, err);
}

static Status drive_with_pool(CopyRun *run, Error *err)
{
    AUTO_FREE(pool_free) Pool *pool = NULL;

    TRY(pool_start(&work_ops, run->shared, run->jobs, &pool, err));
    run->pool = pool;
    return drive(run, err);
}

/* One reader per worker, and the writers; all are closed when the workers have ended. */
static Status drive_with_connections(CopyRun *run, Error *err)
{
    const RunOptions *options = &run->input->options;
    AUTO_FREE(writers_free) Writers *writers = NULL;
    AUTO_FREE(throttle_free) Throttle *throttle = NULL;
    WorkShared shared = {.copy.counters = &run->counters,
                         .copy.retry_for_ms = options->retry_for_ms,
                         .copy.notice = options->notice};

    if (schedule_has_reads(run->schedule))
        TRY(readers_open(run->input->source, options, &run->readers, err));
    writers = writers_new(run->input->target, run->input->identity, run->jobs);
    throttle = throttle_new(options->max_rate);
    shared.readers = run->readers;
    shared.copy.writers = writers;
    shared.copy.reads_ahead = run->input->target->ops->max_writers > 0;
    shared.copy.throttle = throttle;
    run->shared = &shared;

    Status status = drive_with_pool(run, err);

    run->shared = NULL;
    return status;
}

static bool *wanted_probes(const RunInput *input)
{
    size_t count = input->plan->catalog.table_count;
    bool *wanted = NULL;

    if (input->evidence == NULL)
        return NULL;
    wanted = xcalloc(count + 1, sizeof(*wanted));
    for (size_t i = 0; i < count; i++)
        wanted[i] = input->evidence[i].table != NULL;
    return wanted;
}

Status run_copy(const RunInput *input, Error *err)
{
    AUTO_FREE_MEMORY bool *probe_wanted = wanted_probes(input);
    AUTO_FREE(schedule_free) Schedule *schedule = schedule_new(input->plan, probe_wanted);
    AUTO_FREE_MEMORY WorkItem *items = xcalloc(input->options.jobs, sizeof(*items));
    AUTO_FREE_MEMORY PoolOutcome *outcomes = xcalloc(input->options.jobs, sizeof(*outcomes));
    CopyRun run = {.input = input,
                   .schedule = schedule,
                   .items = items,
                   .outcomes = outcomes,
                   .expected = expectation_of(input->plan),
                   .jobs = input->options.jobs};
    Status status = STATUS_OK;

    assert(input->options.jobs > 0);
    schedule_set_workers(schedule, input->options.jobs);
    if (!schedule_finished(schedule))
        status = drive_with_connections(&run, err);
    else if (input->ret_is_read != NULL)
        *input->ret_is_read = true;
    readers_free(run.readers);
    return status;
}
