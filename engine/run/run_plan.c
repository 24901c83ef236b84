/*
 * Planning chunks in parallel: each table is planned into a plan of its own, so that workers share
 * nothing; the driver joins them in table order.
 */
#include "engine/run/run.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/run/batch.h"
#include "engine/run/readers.h"

typedef struct Planning {
    Plan *plan;
    Plan *parts; /* one per table: chunks only */
    Readers *readers;
    uint64_t chunk_bytes;
    size_t next_table;
} Planning;

static Status open_reader(void *shared, unsigned worker, void **ret_state, Error *err)
{
    const Planning *planning = shared;

    (void)err; /* opened by the driver */
    *ret_state = readers_at(planning->readers, worker);
    return STATUS_OK;
}

static void leave_reader(void *shared, void *state)
{
    (void)shared;
    (void)state; /* the driver closes it */
}

static void *next_table(void *shared)
{
    Planning *planning = shared;

    if (planning->next_table == planning->plan->catalog.table_count)
        return NULL;
    return &planning->plan->catalog.tables[planning->next_table++];
}

static Status plan_table(void *shared, void *state, void *item, Error *err)
{
    const Planning *planning = shared;
    Table *table = item;
    Plan *part = &planning->parts[table->id - 1];
    Status status = STATUS_OK;

    plan_release(part); /* of an attempt before */
    status = reader_plan(state, table, planning->chunk_bytes, part, err);
    if (status >= 0 && part->chunk_count == 0)
        status = error_set(err, STATUS_INVALID, "the source planned no chunk");
    if (status < 0) {
        AUTO_FREE_MEMORY char *name = table_display_name(table);

        error_prefix(err, "table \"%s\"", name);
    }
    return status;
}

/* Moves the chunks of a part to the plan. */
static void join_part(Plan *plan, Plan *part, uint32_t table_id)
{
    for (size_t i = 0; i < part->chunk_count; i++) {
        assert(part->chunks[i].table_id == table_id);
        *plan_add_chunk(plan) = part->chunks[i];
    }
    part->chunk_count = 0; /* what they own belongs to the plan now */
}

static Status plan_tables(Planning *planning, const RunOptions *options, Error *err)
{
    size_t table_count = planning->plan->catalog.table_count;
    Batch batch = {.ops = {.open = open_reader, .work = plan_table, .close = leave_reader},
                   .shared = planning,
                   .jobs = options->jobs,
                   .retry_for_ms = options->retry_for_ms,
                   .notice = options->notice,
                   .next = next_table};
    Status status = batch_run(&batch, err);

    for (size_t i = 0; i < table_count; i++) {
        if (status >= 0)
            join_part(planning->plan, &planning->parts[i], (uint32_t)i + 1);
        plan_release(&planning->parts[i]);
    }
    return status;
}

Status run_plan_chunks(Plan *plan, Source *source, const RunOptions *options, uint64_t chunk_bytes,
                       Error *err)
{
    AUTO_FREE(readers_free) Readers *readers = NULL;
    AUTO_FREE_MEMORY Plan *parts = xcalloc(plan->catalog.table_count + 1, sizeof(*parts));
    Planning planning = {.plan = plan, .parts = parts, .chunk_bytes = chunk_bytes};

    assert(plan->chunk_count == 0); /* chunks are ordered by table */
    TRY(readers_open(source, options, &readers, err));
    planning.readers = readers;
    return plan_tables(&planning, options, err);
}
