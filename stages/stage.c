/*
 * prepared -> staged: pins a snapshot of the source, plans once, reconciles with the ledger, and
 * copies what is missing together with the evidence that verify needs. Any interruption is resumed
 * by calling it again; a snapshot that is lost on the way (a connection died) is resumed right here,
 * with a new one, as another process would do it.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/retry.h"
#include "engine/run/expectation.h"
#include "stages/adopt.h"
#include "stages/reconcile.h"
#include "stages/report.h"
#include "stages/stages.h"
#include "verify/compare.h"

/* ---- the snapshot ---- */

static Status hold_step(Migration *migration, void *context, Error *err)
{
    return source_hold(migration->source, &migration->selection, migration->run.jobs, context, err);
}

static Status describe_step(Migration *migration, void *context, Error *err)
{
    Catalog *catalog = context;
    AUTO_FINDINGS Findings findings = {0};

    catalog_release(catalog);
    *catalog = (Catalog){0};
    TRY(source_describe(migration->source, &migration->selection, catalog, &findings, err));
    TRY(stage_adopt(migration, catalog, &findings, err));
    return findings_refuse(&findings, err);
}

/* ---- the plan ---- */

static const char *structure_owner(const Migration *migration)
{
    return migration->selection.data_only ? "source or of the target's tables" : "source";
}

static Status plan_afresh(Migration *migration, Plan *plan, const Snapshot *snapshot, Error *err)
{
    char tables[40];
    char chunks[40];
    char tasks[40];
    Stager *stager = migration->target->stager;
    uint64_t chunk_bytes = migration->chunk_bytes > 0 ? migration->chunk_bytes
                                                      : migration->target->ops->default_chunk_bytes;
    const char *looked_at = journal_record(migration->journal)->catalog_fingerprint;

    if (looked_at == NULL || strcmp(looked_at, plan->catalog.fingerprint) != 0) {
        migration->looked = false;
        (void)error_set(err, STATUS_RETRY, "the structure of the %s changed while it was looked at",
                        structure_owner(migration));
        error_hint(err, "Run the same command again.");
        return STATUS_RETRY;
    }
    TRY(stager_plan(stager, &migration->identity, plan, err));
    if (!migration->schema_only)
        TRY(run_plan_chunks(plan, migration->source, &migration->run, chunk_bytes, err));
    TRY(fault_before("stage.plan", err));
    TRY(journal_save_plan(migration->journal, plan, snapshot->token, snapshot->taken_us, err));
    format_things(plan->catalog.table_count, "table", tables, sizeof(tables));
    format_things(plan->chunk_count, "chunk", chunks, sizeof(chunks));
    format_things(plan->task_count, "task", tasks, sizeof(tasks));
    log_info("planned: %s in %s, %s", tables, chunks, tasks);
    return STATUS_OK;
}

static Status refuse_changed_schema(const Migration *migration, const Catalog *planned,
                                    const Catalog *now, Error *err)
{
    const char *first = "a view, a trigger or an index";
    AUTO_FREE_MEMORY char *name = NULL;

    for (size_t i = 0; i < planned->table_count && name == NULL; i++) {
        const Table *table = &planned->tables[i];
        const Table *other = catalog_find_table(now, table->schema, table->name);

        if (other == NULL || strcmp(other->fingerprint, table->fingerprint) != 0) {
            AUTO_FREE_MEMORY char *display = table_display_name(table);

            name = xasprintf("table %s", display);
        }
    }
    (void)error_kind(err, ERROR_REFUSED, "the structure of the %s changed since copying began: %s",
                     structure_owner(migration), name != NULL ? name : first);
    error_hint(err, "Run `stopover rollback %s` and then `stopover run %s` to begin again.",
               migration->name, migration->name);
    return STATUS_INVALID;
}

static size_t count_done(const Plan *plan)
{
    size_t done = 0;

    for (size_t i = 0; i < plan->chunk_count; i++)
        done += plan->chunks[i].done;
    for (size_t i = 0; i < plan->task_count; i++)
        done += plan->tasks[i].done;
    return done;
}

/* The plan as recorded, or a new one; then what the target's ledger says of it. Consumes now. */
static Status get_plan(Migration *migration, Plan *plan, Catalog *now, const Snapshot *snapshot,
                       Error *err)
{
    if (!journal_has_plan(migration->journal)) {
        plan->catalog = *now;
        *now = (Catalog){0};
        return plan_afresh(migration, plan, snapshot, err);
    }
    TRY(journal_load_plan(migration->journal, plan, err));
    if (strcmp(plan->catalog.fingerprint, now->fingerprint) != 0)
        return refuse_changed_schema(migration, &plan->catalog, now, err);
    TRY(reconcile_ledger(migration, plan, err));

    const char *recorded = journal_record(migration->journal)->snapshot_token;

    if (recorded == NULL || strcmp(recorded, snapshot->token) != 0)
        return reconcile_snapshot(migration, plan, now, snapshot, err);
    if (count_done(plan) > 0)
        log_info("the source was not written to since its snapshot: what was copied stays");
    return STATUS_OK;
}

/* ---- evidence ---- */

static Status want_evidence(Migration *migration, const Plan *plan, ProbeRequest *requests,
                            Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    if (record->level == VERIFY_NONE || migration->schema_only)
        return STATUS_OK;
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        const Table *table = &plan->catalog.tables[i];
        ProbeRequest recorded = {0};
        ProbeResult result = {0};
        Status status =
            journal_load_evidence(migration->journal, table->id, &recorded, &result, err);

        probe_result_release(&result);
        TRY(status);
        if (status == STATUS_OK && recorded.level >= record->level)
            continue;
        requests[i] = (ProbeRequest){
            .table = table,
            .level = record->level,
            .seed = record->seed,
            .modulus = sample_modulus(table->row_estimate),
            .pick_risk = record->level >= VERIFY_SAMPLE,
        };
        requests[i].chunks = plan_table_chunks(plan, table->id, &requests[i].chunk_count);
    }
    return STATUS_OK;
}

/* ---- the copy ---- */

static Progress *begin_progress(const Migration *migration, const Plan *plan)
{
    Expectation expected = expectation_of(plan);
    uint64_t total_rows = 0;
    uint64_t done_rows = 0;

    if (migration->quiet)
        return NULL;
    if (migration->schema_only)
        return progress_start("build", 0, 0, 0, 0);
    for (size_t i = 0; i < plan->chunk_count; i++) {
        done_rows += plan->chunks[i].digest.rows;
    }
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        total_rows += plan->catalog.tables[i].row_estimate;
    return progress_start("copy", expectation_bytes(&expected), total_rows, expected.moved,
                          done_rows);
}

/* Rows that were good enough for the source need not be for the tables that the target has. */
static void hint_at_constraint(const Migration *migration, Error *err)
{
    static const char integrity_constraint_violation[] = "23";

    if (migration->selection.data_only && err->hint[0] == '\0' &&
        strncmp(err->sqlstate, integrity_constraint_violation, 2) == 0)
        error_hint(err,
                   "Mend the rows in the source and run the same command again, or change the "
                   "table in the target, run `stopover rollback %s`, and begin again.",
                   migration->name);
}

static Status copy(Migration *migration, Plan *plan, Source *source, bool *ret_is_read, Error *err)
{
    AUTO_FREE_MEMORY ProbeRequest *evidence =
        xcalloc(plan->catalog.table_count + 1, sizeof(*evidence));

    TRY(want_evidence(migration, plan, evidence, err));

    RunInput input = {
        .plan = plan,
        .source = source,
        .target = migration->target,
        .identity = &migration->identity,
        .recorder = journal_recorder(migration->journal),
        .progress = begin_progress(migration, plan),
        .options = migration->run,
        .evidence = evidence,
        .sample_modulus = sample_modulus,
        .ret_is_read = ret_is_read,
    };
    Status status = run_copy(&input, err);

    progress_stop(&input.progress);
    if (status < 0)
        hint_at_constraint(migration, err);
    return status;
}

static Status record_staged(Migration *migration, const Plan *plan, Error *err)
{
    uint64_t rows = 0;
    uint64_t bytes = 0;
    char table_text[40];
    char row_text[40];
    char byte_text[32];
    AUTO_TEXT Text message = {0};

    for (size_t i = 0; i < plan->chunk_count; i++) {
        rows += plan->chunks[i].digest.rows;
        bytes += plan->chunks[i].bytes;
    }
    format_things(plan->catalog.table_count, "table", table_text, sizeof(table_text));
    format_things(rows, "row", row_text, sizeof(row_text));
    format_bytes(bytes, byte_text, sizeof(byte_text));
    if (migration->schema_only)
        text_append_format(&message, "%s, structure only, no rows", table_text);
    else
        text_append_format(&message, "%s, %s, %s", table_text, row_text, byte_text);
    TRY(journal_set_phase(migration->journal, PHASE_STAGED, text_string(&message), err));
    log_info("staged: %s", text_string(&message));
    return STATUS_OK;
}

/* The time of one snapshot. */
typedef struct Hold {
    Snapshot snapshot;
    bool is_read;  /* all of it that was wanted: it has done its work, and may go */
    bool is_lost;  /* it ended because the snapshot was lost */
    bool has_done; /* work was done in it */
} Hold;

/*
 * When the snapshot is gone, that is the cause of whatever failed, and nothing that was read since
 * counts as complete, either: STATUS_RETRY, for another snapshot. What says that repeating is
 * useless, or that somebody wants to stop, holds as it is.
 */
static Status blame_snapshot(const Migration *migration, Status status, Hold *hold, Error *err)
{
    if (hold->is_read || hold->is_lost || status == STATUS_STOPPED || status == STATUS_INVALID ||
        status == STATUS_FATAL || source_is_held(migration->source))
        return status;
    hold->is_lost = true;
    if (status >= 0)
        return error_set(err, STATUS_RETRY, "the snapshot of the source was lost");
    error_prefix(err, "the snapshot of the source was lost");
    return STATUS_RETRY;
}

static Status copy_held(Migration *migration, Plan *plan, Hold *hold, Error *err)
{
    size_t before = count_done(plan);
    Status status = copy(migration, plan, migration->source, &hold->is_read, err);

    hold->has_done = count_done(plan) > before;
    TRY(blame_snapshot(migration, status, hold, err));
    return record_staged(migration, plan, err);
}

static Status stage_held(Migration *migration, Hold *hold, Error *err)
{
    AUTO_CATALOG Catalog now = {0};
    AUTO_PLAN Plan plan = {0};

    if (!seen_take_unchanged(migration, hold->snapshot.token, &now))
        TRY(migration_retry(migration, describe_step, &now, err));
    target_configure(migration->target, &now);
    TRY(migration_claim(migration, err));
    TRY(get_plan(migration, &plan, &now, &hold->snapshot, err));
    memory_trim();
    return copy_held(migration, &plan, hold, err);
}

static Status stage_with_snapshot(Migration *migration, Hold *hold, Error *err)
{
    Status status = STATUS_OK;

    *hold = (Hold){0};
    TRY(migration_retry(migration, hold_step, &hold->snapshot, err));
    status = stage_held(migration, hold, err);
    if (status < 0)
        status = blame_snapshot(migration, status, hold, err);
    source_release(migration->source);
    snapshot_release(&hold->snapshot);
    return status;
}

/* The time to retry counts from the last snapshot in which anything was done. */
static Status stage_with_snapshots(Migration *migration, Error *err)
{
    Retry retry;
    Status status = STATUS_OK;
    Hold hold = {0};

    retry_begin(&retry, migration->run.retry_for_ms);
    do {
        status = stage_with_snapshot(migration, &hold, err);
        if (!hold.is_lost)
            return status;
        log_warn("%s; what was copied is compared with a new one", err->message);
        TRY(journal_add_event(migration->journal, "note", NULL, err->message, err));
        if (hold.has_done)
            retry_begin(&retry, migration->run.retry_for_ms);
    } while (retry_again(&retry, &status, err));
    return status;
}

/* Is all read that this plan wants of the source? Then it is of one snapshot, and needs no other. */
static Status is_plan_read(Migration *migration, const Plan *plan, bool *ret, Error *err)
{
    AUTO_FREE_MEMORY ProbeRequest *evidence =
        xcalloc(plan->catalog.table_count + 1, sizeof(*evidence));
    size_t left = 0;

    TRY(want_evidence(migration, plan, evidence, err));
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        left += evidence[i].table != NULL;
    for (size_t i = 0; i < plan->chunk_count; i++)
        left += !plan->chunks[i].done;
    *ret = left == 0;
    return STATUS_OK;
}

/*
 * An interrupted stage of which only indexes and the like are missing goes on without the source,
 * whatever was written to it since. STATUS_DONE when that is not so.
 */
static Status stage_without_source(Migration *migration, Error *err)
{
    AUTO_PLAN Plan plan = {0};
    bool is_read = false;

    if (!journal_has_plan(migration->journal) || migration->schema_only)
        return STATUS_DONE;
    TRY(journal_load_plan(migration->journal, &plan, err));
    TRY(is_plan_read(migration, &plan, &is_read, err)); /* so far as it is recorded here */
    if (!is_read)
        return STATUS_DONE;
    target_configure(migration->target, &plan.catalog);
    TRY(migration_claim(migration, err));
    TRY(reconcile_ledger(migration, &plan, err));
    TRY(is_plan_read(migration, &plan, &is_read, err));
    if (!is_read)
        return STATUS_DONE;
    log_info("all rows of the snapshot are copied: the source is not read again");
    TRY(copy(migration, &plan, NULL, &is_read, err));
    return record_staged(migration, &plan, err);
}

/* What could refuse the promotion is asked again before hours of copying, and before anything is
 * held. */
static Status look_before_copying(Migration *migration, Error *err)
{
    size_t tables = 0;

    if (migration->looked || journal_has_plan(migration->journal))
        return STATUS_OK;
    TRY(stage_look(migration, &tables, err));
    memory_trim();
    return STATUS_OK;
}

Status stage_stage(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);

    log_context("stage", NULL);
    TRY(migration_settle(migration, err));
    if (record->phase == PHASE_INITIAL || record->phase == PHASE_ROLLED_BACK)
        return refuse_phase(record, "stage", "prepared",
                            record->phase == PHASE_INITIAL ? "prepare" : "run", err);
    if (record->phase != PHASE_PREPARED) {
        log_info("stage: nothing to do: migration \"%s\" is %s", migration->name,
                 phase_name(record->phase));
        return STATUS_OK;
    }
    TRY(look_before_copying(migration, err));

    Status status = stage_without_source(migration, err);

    return status == STATUS_DONE ? stage_with_snapshots(migration, err) : status;
}
