/*
 * Staging becomes live. One transaction (swap_run.c) with its marker, in which lies the way back.
 *
 *  P1  The staging is complete: every chunk and task of the plan is in the ledger, under the fence.
 *  P2  The way back is stored with the marker, so whoever finds the marker can go it.
 *  P3  What was set aside is recorded in the same transaction (L3), else finish() could not tell it
 *      from what others put there.
 *  P4  What takes long and needs no exclusive lock comes after it, and is written down in the marker
 *      until it is done: complete().
 */
#include "engine/connect/postgres/promote.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/created.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/remaining.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/swap_run.h"

/* ---- planning ---- */

static Status is_staged(PgConnection *connection, const RunIdentity *identity, bool *ret,
                        Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    bool exists = false;

    *ret = false;
    TRY(pg_control_exists(connection, &exists, err));
    if (!exists)
        return STATUS_OK;
    sql_fill(&sql,
             "select exists (select from stopover.object o join pg_catalog.pg_namespace n"
             " on n.oid = o.object_oid where o.run = :run and o.attempt = :attempt"
             " and o.class_oid = 'pg_catalog.pg_namespace'::pg_catalog.regclass"
             " and o.role = 'staging')",
             identity, NULL, 0);
    TRY(pg_query(connection, text_string(&sql), &rows, err));
    *ret = pg_is_true(rows, 0, 0);
    return STATUS_OK;
}

static void write_promotion(const Swap *swap, const char *fingerprint, PromotionPlan *ret)
{
    AUTO_SWAP Swap back = {0};

    for (size_t i = 0; i < swap->count; i++) {
        if (swap->steps[i].words != NULL)
            text_list_add(&ret->steps, swap->steps[i].words);
    }
    swap_reverse(swap, &back);
    ret->forward = swap_write(swap);
    ret->inverse = swap_write(&back);
    memcpy(ret->fingerprint, fingerprint, sizeof(ret->fingerprint));
}

Status pg_plan_promotion(Stager *stager, const RunIdentity *identity, const Plan *plan,
                         PromotionPlan *ret, Findings *findings, Error *err)
{
    AUTO_SWAP Swap swap = {0};
    PgConnection *connection = NULL;
    char fingerprint[65] = "";
    bool staged = false;

    TRY(pg_target_control(pg_target_of_stager(stager), &connection, err));
    TRY(is_staged(connection, identity, &staged, err));
    TRY(swap_plan(connection, identity, plan, staged, &swap, fingerprint, findings, err));
    write_promotion(&swap, fingerprint, ret);
    ret->replaces_nothing = swap.retired_locks.count == 0;
    return STATUS_OK;
}

/* ---- complete? (P1) ---- */

typedef struct Counted {
    const Plan *plan;
    const RunIdentity *identity;
    size_t chunks;
    size_t tasks;
} Counted;

static Status refuse_incomplete(const Counted *counted, Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "the staging of migration \"%s\" is not complete",
                   counted->identity->migration);

    error_hint(err,
               "Run `stopover stage %s --again` to copy what is missing, then `stopover run %s`.",
               counted->identity->migration, counted->identity->migration);
    return status;
}

static Status count_chunk(void *context, uint32_t table_id, uint32_t number,
                          const ChunkResult *result, Error *err)
{
    Counted *counted = context;
    const Chunk *chunk = plan_chunk(counted->plan, table_id, number);

    counted->chunks++;
    if (chunk == NULL || (chunk->done && !digest_equal(&chunk->digest, &result->digest)))
        return refuse_incomplete(counted, err);
    return STATUS_OK;
}

/* Tasks that follow the data may have come and gone with an older snapshot. */
static Status count_task(void *context, uint32_t task_id, Error *err)
{
    Counted *counted = context;

    (void)err;
    counted->tasks += plan_task(counted->plan, task_id) != NULL;
    return STATUS_OK;
}

static Status check_complete(const SwapRun *run, Error *err)
{
    Counted counted = {.plan = run->plan, .identity = run->identity};
    const LedgerSink sink = {.context = &counted, .chunk = count_chunk, .task = count_task};

    TRY(pg_ledger_read(run->connection, run->identity, &sink, err));
    if (counted.chunks != run->plan->chunk_count || counted.tasks != run->plan->task_count)
        return refuse_incomplete(&counted, err);
    return STATUS_OK;
}

/* ---- the parts of the transaction ---- */

static Status begin(SwapRun *run, Error *err)
{
    const PromotionPlan *promotion = run->context;
    Outcome outcome = OUTCOME_NONE;
    Status status = outcome_mark(run->connection, run->identity, OUTCOME_PROMOTED, err);

    TRY(status);
    TRY(outcome_read(run->connection, run->identity, &outcome, err));
    if (outcome != OUTCOME_PROMOTED)
        return outcome_refuse(run->identity, "promote", outcome, err);
    if (status == STATUS_DONE)
        return status;
    TRY(check_complete(run, err));
    return remaining_store(run->connection, run->identity, OUTCOME_PROMOTED, promotion->inverse,
                           &run->swap->validate, err);
}

/* The fingerprint is among the swap's own checks. */
static Status check(SwapRun *run, Error *err)
{
    (void)run;
    (void)err;
    return STATUS_OK;
}

/* P3 */
static Status record(SwapRun *run, Error *err)
{
    return created_record_kept(run->connection, run->identity, NAME_RETIRED, err);
}

Status pg_promote(Stager *stager, const RunIdentity *identity, const Plan *plan,
                  const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                  Error *err)
{
    AUTO_SWAP Swap swap = {0};
    AUTO_SWAP Swap back = {0};
    SwapRun run = {
        .target = pg_target_of_stager(stager),
        .identity = identity,
        .plan = plan,
        .swap = &swap,
        .policy = policy,
        .begin = begin,
        .check = check,
        .record = record,
        .context = promotion,
        .begin_point = "postgres.promote_begin",
        .locked_point = "postgres.promote_lock",
        .commit_point = "postgres.promote_commit",
    };

    TRY(swap_read(promotion->forward, &swap, err));
    TRY(swap_read(promotion->inverse, &back, err)); /* it will be needed: is it whole? */

    Status status = swap_run(&run, err);

    if (status == STATUS_OK)
        swap_run_tell(&run, notes);
    return status < 0 ? status : STATUS_OK;
}
