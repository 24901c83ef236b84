#include "stages/reconcile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"

/* ---- the ledger decides ---- */

typedef struct LedgerView {
    Plan *plan;
    bool *chunk_found; /* by position in plan->chunks */
    bool *task_found;  /* by position in plan->tasks */
} LedgerView;

static Status see_chunk(void *context, uint32_t table_id, uint32_t number,
                        const ChunkResult *result, Error *err)
{
    LedgerView *view = context;
    Chunk *chunk = plan_chunk(view->plan, table_id, number);

    if (chunk == NULL) {
        (void)error_set(err, STATUS_FATAL,
                        "the target's ledger holds chunk %u of table %u, which is not in the plan",
                        number, table_id);
        error_hint(err, "The journal and the target do not belong together; nothing was changed.");
        return STATUS_FATAL;
    }
    view->chunk_found[chunk - view->plan->chunks] = true;
    chunk->bytes = result->bytes;
    chunk->digest = result->digest;
    return STATUS_OK;
}

static Status see_task(void *context, uint32_t task_id, Error *err)
{
    LedgerView *view = context;
    const Task *task = plan_task(view->plan, task_id);

    if (task == NULL)
        return error_set(err, STATUS_FATAL,
                         "the target's ledger holds task %u, which is not in the plan", task_id);
    view->task_found[task - view->plan->tasks] = true;
    return STATUS_OK;
}

static Status read_ledger_step(Migration *migration, void *context, Error *err)
{
    LedgerView *view = context;
    LedgerSink sink = {.context = view, .chunk = see_chunk, .task = see_task};

    memset(view->chunk_found, 0, view->plan->chunk_count);
    memset(view->task_found, 0, view->plan->task_count);
    return target_read_ledger(migration->target, &migration->identity, &sink, err);
}

typedef struct Changes {
    uint64_t adopted;
    uint64_t lost;
} Changes;

static void apply(bool found, bool *done, Changes *changes)
{
    changes->adopted += found && !*done;
    changes->lost += !found && *done;
    *done = found;
}

static Changes apply_ledger(Plan *plan, const LedgerView *view)
{
    Changes changes = {0};

    for (size_t i = 0; i < plan->chunk_count; i++) {
        apply(view->chunk_found[i], &plan->chunks[i].done, &changes);
        if (!plan->chunks[i].done) {
            plan->chunks[i].bytes = 0;
            plan->chunks[i].digest = (Digest){0};
        }
    }
    for (size_t i = 0; i < plan->task_count; i++)
        apply(view->task_found[i], &plan->tasks[i].done, &changes);
    return changes;
}

static Status follow_ledger(Migration *migration, Plan *plan, Changes *ret, Error *err)
{
    AUTO_FREE_MEMORY bool *chunks = xcalloc(plan->chunk_count + 1, sizeof(bool));
    AUTO_FREE_MEMORY bool *tasks = xcalloc(plan->task_count + 1, sizeof(bool));
    LedgerView view = {.plan = plan, .chunk_found = chunks, .task_found = tasks};

    TRY(migration_retry(migration, read_ledger_step, &view, err));
    *ret = apply_ledger(plan, &view);
    return STATUS_OK;
}

Status reconcile_ledger(Migration *migration, Plan *plan, Error *err)
{
    Changes changes = {0};
    char steps[40];

    TRY(follow_ledger(migration, plan, &changes, err));
    format_things(changes.adopted, "step", steps, sizeof(steps));
    if (changes.adopted > 0)
        log_info("the target already holds %s of the work that %s not recorded here yet", steps,
                 changes.adopted == 1 ? "was" : "were");
    format_things(changes.lost, "step", steps, sizeof(steps));
    if (changes.lost > 0)
        log_warn("the target has lost %s of the work that %s recorded here", steps,
                 changes.lost == 1 ? "was" : "were");
    if (changes.adopted + changes.lost == 0)
        return STATUS_OK;
    return journal_save_done(migration->journal, plan, NULL, err);
}

/* ---- emptying a table ---- */

typedef struct ResetContext {
    const Plan *plan;
    const Table *table;
} ResetContext;

static Status reset_step(Migration *migration, void *context, Error *err)
{
    const ResetContext *reset = context;
    AUTO_FREE(writer_free) Writer *writer = NULL;

    TRY(target_open_writer(migration->target, &migration->identity, &writer, err));
    return writer_reset_table(writer, reset->plan, reset->table, err);
}

Status reconcile_reset(Migration *migration, Plan *plan, const Table *table, Error *err)
{
    ResetContext context = {plan, table};
    size_t count = 0;
    Chunk *chunks = plan_table_chunks(plan, table->id, &count);

    TRY(migration_retry(migration, reset_step, &context, err));
    for (size_t i = 0; i < count; i++) {
        chunks[i].done = false;
        chunks[i].bytes = 0;
        chunks[i].digest = (Digest){0};
    }
    for (size_t i = 0; i < plan->task_count; i++) {
        if (plan->tasks[i].table_id == table->id)
            plan->tasks[i].done = false;
    }
    return STATUS_OK;
}

/* ---- what goes with the data ---- */

static bool task_follows_data(const Task *task)
{
    return task->task_class == TASK_SEQUENCE || task->task_class == TASK_STATISTICS;
}

static Status forget_tasks_step(Migration *migration, void *context, Error *err)
{
    Plan *plan = context;
    AUTO_FREE(writer_free) Writer *writer = NULL;

    TRY(target_open_writer(migration->target, &migration->identity, &writer, err));
    for (size_t i = 0; i < plan->task_count; i++) {
        if (!plan->tasks[i].done || !task_follows_data(&plan->tasks[i]))
            continue;
        TRY(writer_forget_task(writer, &plan->tasks[i], err));
        plan->tasks[i].done = false;
    }
    return STATUS_OK;
}

Status reconcile_after_resets(Migration *migration, Plan *plan, Error *err)
{
    Changes ignored = {0};

    TRY(migration_retry(migration, forget_tasks_step, plan, err));
    return follow_ledger(migration, plan, &ignored, err);
}

/* ---- a new snapshot ---- */

static bool table_is_copied(const Plan *plan, const Table *table)
{
    size_t count = 0;
    const Chunk *chunks = plan_table_chunks(plan, table->id, &count);

    for (size_t i = 0; i < count; i++) {
        if (!chunks[i].done)
            return false;
    }
    return true;
}

static bool table_has_rows(const Plan *plan, const Table *table)
{
    size_t count = 0;
    const Chunk *chunks = plan_table_chunks(plan, table->id, &count);

    for (size_t i = 0; i < count; i++) {
        if (chunks[i].done)
            return true;
    }
    return false;
}

static Status reset_changed_tables(Migration *migration, Plan *plan, const bool *same, Error *err)
{
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        const Table *table = &plan->catalog.tables[i];
        AUTO_FREE_MEMORY char *name = table_display_name(table);

        if (!table_has_rows(plan, table))
            continue;
        if (same[i]) {
            log_info("table %s: what was copied is unchanged in the source", name);
            continue;
        }
        log_warn("table %s changed in the source: it is emptied and copied again", name);
        TRY(journal_add_event(migration->journal, "reset", name,
                              "changed in the source since the last snapshot", err));
        TRY(reconcile_reset(migration, plan, table, err));
    }
    return STATUS_OK;
}

/* The statements of the new catalog take the place of the old ones; structure is the same, so tasks
 * pair up by id. A sequence or statistic that came or went changes their number: then every task of
 * that kind is new. */
static Status replan_tasks(Migration *migration, Plan *plan, Catalog *now, Error *err)
{
    AUTO_PLAN Plan fresh = {.catalog = *now};

    *now = (Catalog){0};
    TRY(stager_plan(migration->target->stager, &migration->identity, &fresh, err));
    for (size_t i = 0; i < fresh.task_count; i++) {
        Task *task = &fresh.tasks[i];
        const Task *old = plan_task(plan, task->id);

        task->done = old != NULL && old->done && !task_follows_data(task) &&
                     old->task_class == task->task_class && strcmp(old->name, task->name) == 0;
    }

    Plan old = *plan;

    *plan = fresh;
    plan->chunks = old.chunks;
    plan->chunk_count = old.chunk_count;
    plan->chunk_capacity = old.chunk_capacity;
    fresh = old;
    fresh.chunks = NULL;
    fresh.chunk_count = 0;
    return STATUS_OK;
}

/* Estimates were refined when the chunks were planned: they stay. */
static void keep_estimates(const Plan *plan, Catalog *now)
{
    for (size_t i = 0; i < now->table_count; i++) {
        now->tables[i].row_estimate = plan->catalog.tables[i].row_estimate;
        now->tables[i].byte_estimate = plan->catalog.tables[i].byte_estimate;
    }
}

Status compare_with_source(Migration *migration, const Plan *plan, bool *ret_same, Error *err)
{
    Progress *progress = NULL;
    uint64_t bytes = 0;
    uint64_t rows = 0;
    Status status = STATUS_OK;

    for (size_t i = 0; i < plan->chunk_count; i++) {
        bytes += plan->chunks[i].done ? plan->chunks[i].bytes : 0;
        rows += plan->chunks[i].done ? plan->chunks[i].digest.rows : 0;
    }
    if (!migration->quiet)
        progress = progress_start("compare", bytes, rows, 0, 0);
    status = run_digest_again(plan, migration->source, &migration->run, progress, ret_same, err);
    progress_stop(&progress);
    return status;
}

static Status compare_copied(Migration *migration, const Plan *plan, bool *ret_same, Error *err)
{
    if (plan->chunk_count == 0) /* structure only */
        return STATUS_OK;
    log_info("the source was written to since its snapshot: comparing what was copied with what it "
             "holds now");
    return compare_with_source(migration, plan, ret_same, err);
}

Status reconcile_snapshot(Migration *migration, Plan *plan, Catalog *now, const Snapshot *snapshot,
                          Error *err)
{
    size_t tables = plan->catalog.table_count;
    AUTO_FREE_MEMORY bool *same = xcalloc(tables + 1, sizeof(bool));
    AUTO_FREE_MEMORY bool *drop_evidence = xcalloc(tables + 1, sizeof(bool));

    assert(now->table_count == tables);
    TRY(compare_copied(migration, plan, same, err));
    for (size_t i = 0; i < tables; i++)
        drop_evidence[i] = !same[i] || !table_is_copied(plan, &plan->catalog.tables[i]);
    TRY(reset_changed_tables(migration, plan, same, err));
    TRY(reconcile_after_resets(migration, plan, err));
    keep_estimates(plan, now);
    TRY(replan_tasks(migration, plan, now, err));
    TRY(fault_before("stage.renew", err));
    TRY(journal_save_done(migration->journal, plan, drop_evidence, err));
    return journal_save_plan(migration->journal, plan, snapshot->token, snapshot->taken_us, err);
}
