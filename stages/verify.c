/*
 * staged -> verified: compares the staged tables with the source's evidence and with the ledger. It
 * needs no source. Running it again compares again, and what it finds then is what holds.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/reconcile.h"
#include "stages/report.h"
#include "stages/stages.h"
#include "verify/compare.h"
#include "verify/statement.h"

enum {
    BATCH_ENTRIES = 400 * 1000, /* evidence of so many rows is in memory at once (I9) */
};

/* One table under comparison: evidence of the source, and the question to the target. */
typedef struct Case {
    ProbeRequest evidence;
    ProbeResult source;
    uint64_t *also;
} Case;

static void case_release(Case *item)
{
    probe_result_release(&item->source);
    free(item->also);
}

static size_t count_different(const Verdicts *verdicts)
{
    size_t different = 0;

    for (size_t i = 0; i < verdicts->count; i++)
        different += !verdicts->items[i].equal;
    return different;
}

/* " --table NAME" where it can be typed as it stands: no pattern, nothing for the shell to see. */
static char *table_option(const Verdicts *verdicts, const char *name)
{
    size_t different = verdicts != NULL ? count_different(verdicts) : 1;
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";

    if (different != 1 || name == NULL || name[strspn(name, plain)] != '\0' || name[0] == '\0')
        return xstrdup("");
    return xasprintf(" --table %s", name);
}

static Status load_case(Migration *migration, const Table *table, VerifyLevel level, Case *ret,
                        ProbeRequest *ret_request, Error *err)
{
    Status status =
        journal_load_evidence(migration->journal, table->id, &ret->evidence, &ret->source, err);

    TRY(status);
    if (status == STATUS_DONE || ret->evidence.level < level) {
        AUTO_FREE_MEMORY char *name = table_display_name(table);
        AUTO_FREE_MEMORY char *option = table_option(NULL, name);

        (void)error_set(err, STATUS_INVALID, "there is no evidence of the source for table %s",
                        name);
        error_hint(err, "Run `stopover stage %s --again%s`.", migration->name, option);
        return STATUS_INVALID;
    }
    *ret_request = (ProbeRequest){
        .table = table,
        .staged = true,
        .level = level,
        .seed = ret->evidence.seed,
        .modulus = ret->evidence.modulus,
    };
    ret->also = risk_hashes(&ret->source, &ret_request->also_count);
    ret_request->also = ret->also;
    return STATUS_OK;
}

static void judge(const Plan *plan, const Table *table, VerifyLevel level, const Case *item,
                  const ProbeResult *target, Verdict *verdict)
{
    Digest ledger = {0};
    uint64_t bytes = 0;

    plan_table_totals(plan, table->id, &ledger, &bytes);
    verdict->table_id = table->id;
    verdict->table = table_display_name(table);
    compare_table(level, &item->evidence, &item->source, &ledger, target, verdict);
}

/* A table of another structure, or one that is gone, may not even be readable: that it differs is
 * known without its rows. */
static bool structure_differs(const Findings *schema, const Table *table)
{
    AUTO_FREE_MEMORY char *name = table_display_name(table);

    for (size_t i = 0; i < schema->count; i++) {
        const Finding *finding = &schema->items[i];

        if (finding->severity == FINDING_REFUSAL && finding->object != NULL &&
            strcmp(finding->object, name) == 0)
            return true;
    }
    return false;
}

static void judge_unread(const Table *table, VerifyLevel level, Verdict *verdict)
{
    verdict->table_id = table->id;
    verdict->table = table_display_name(table);
    verdict->level = level;
    verdict->equal = false;
    verdict->detail = xstrdup("its rows were not compared");
}

/* Tables first..first+count-1 of the catalog. */
static Status compare_batch(Migration *migration, const Plan *plan, VerifyLevel level,
                            const Findings *schema, size_t first, size_t count, Progress *progress,
                            Verdicts *verdicts, Error *err)
{
    AUTO_FREE_MEMORY Case *cases = xcalloc(count + 1, sizeof(*cases));
    AUTO_FREE_MEMORY ProbeRequest *requests = xcalloc(count + 1, sizeof(*requests));
    AUTO_FREE_MEMORY ProbeResult *results = xcalloc(count + 1, sizeof(*results));
    Status status = STATUS_OK;

    for (size_t i = 0; i < count && status >= 0; i++) {
        const Table *table = &plan->catalog.tables[first + i];

        if (!structure_differs(schema, table))
            status = load_case(migration, table, level, &cases[i], &requests[i], err);
    }
    if (status >= 0)
        status = run_probe_target(migration->target, &migration->run, requests, count, results,
                                  progress, err);
    for (size_t i = 0; i < count && status >= 0; i++) {
        const Table *table = &plan->catalog.tables[first + i];

        if (requests[i].table != NULL)
            judge(plan, table, level, &cases[i], &results[i], verdicts_add(verdicts));
        else
            judge_unread(table, level, verdicts_add(verdicts));
    }
    for (size_t i = 0; i < count; i++) {
        case_release(&cases[i]);
        probe_result_release(&results[i]);
    }
    return status;
}

/* What was copied, by the ledger: estimates of the source may be far off. */
static Digest copied_rows(const Plan *plan, const Table *table)
{
    Digest digest = {0};
    uint64_t bytes = 0;

    plan_table_totals(plan, table->id, &digest, &bytes);
    return digest;
}

static uint64_t expected_entries(const Plan *plan, const Table *table, VerifyLevel level)
{
    uint64_t rows = level < VERIFY_SAMPLE ? 0 : copied_rows(plan, table).rows;

    return rows / sample_modulus(rows) + 1;
}

static Progress *begin_progress(const Plan *plan)
{
    uint64_t bytes = 0;
    uint64_t rows = 0;

    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        bytes +=
            plan->catalog.tables[i].byte_estimate; /* each table adds as much when it is done */
        rows += copied_rows(plan, &plan->catalog.tables[i]).rows;
    }
    return progress_start("verify", bytes, rows, 0, 0);
}

static Status compare_rows(Migration *migration, const Plan *plan, VerifyLevel level,
                           const Findings *schema, Verdicts *verdicts, Error *err)
{
    const Catalog *catalog = &plan->catalog;
    Progress *progress = migration->quiet ? NULL : begin_progress(plan);
    Status status = STATUS_OK;

    for (size_t first = 0; first < catalog->table_count && status >= 0;) {
        uint64_t entries = 0;
        size_t count = 0;

        while (first + count < catalog->table_count && (count == 0 || entries < BATCH_ENTRIES))
            entries += expected_entries(plan, &catalog->tables[first + count++], level);
        status =
            compare_batch(migration, plan, level, schema, first, count, progress, verdicts, err);
        first += count;
    }
    progress_stop(&progress);
    return status;
}

/* Of rows, that is: structure is judged by itself. */
static void judge_unverified(const Plan *plan, Verdicts *verdicts)
{
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        Verdict *verdict = verdicts_add(verdicts);

        verdict->table_id = plan->catalog.tables[i].id;
        verdict->table = table_display_name(&plan->catalog.tables[i]);
        verdict->level = VERIFY_NONE;
        verdict->equal = true;
    }
}

typedef struct SchemaContext {
    const Plan *plan;
    Findings *findings;
} SchemaContext;

static Status schema_step(Migration *migration, void *context, Error *err)
{
    SchemaContext *schema = context;

    findings_release(schema->findings);
    *schema->findings = (Findings){0};
    return stager_check_schema(migration->target->stager, &migration->identity, schema->plan,
                               schema->findings, err);
}

static Status fail_verification(Migration *migration, const char *statement, const char *option,
                                Error *err)
{
    if (journal_record(migration->journal)->phase != PHASE_VERIFICATION_FAILED)
        TRY(journal_set_phase(migration->journal, PHASE_VERIFICATION_FAILED, statement, err));
    else
        TRY(journal_add_event(migration->journal, "verify", NULL, statement, err));
    (void)error_kind(err, ERROR_DIFFERENT, "verification found differences: %s", statement);
    error_hint(err,
               "Nothing was promoted. Run `stopover stage %s --again%s` to copy again, then "
               "`stopover run %s`.",
               migration->name, option, migration->name);
    return STATUS_INVALID;
}

static void add_difference(Verdict *verdict, const char *what)
{
    char *before = verdict->detail;

    verdict->equal = false;
    verdict->detail =
        xasprintf("%s%s%s", before != NULL ? before : "", before != NULL ? "; " : "", what);
    free(before);
}

/* What the ledger does not have did not arrive, whatever is compared. The verdicts are in the order
 * of the catalog. */
static void judge_completeness(const Plan *plan, Verdicts *verdicts)
{
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        size_t count = 0;
        size_t missing = 0;
        const Chunk *chunks = plan_table_chunks(plan, plan->catalog.tables[i].id, &count);

        for (size_t j = 0; j < count; j++)
            missing += !chunks[j].done;
        if (missing == 0)
            continue;

        AUTO_FREE_MEMORY char *what =
            xasprintf("the copy is not complete: %zu of %zu chunks are missing", missing, count);

        add_difference(&verdicts->items[i], what);
    }
}

static Verdict *verdict_on(Verdicts *verdicts, const char *object, VerifyLevel level)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (strcmp(verdicts->items[i].table, object) == 0)
            return &verdicts->items[i];
    }

    Verdict *verdict = verdicts_add(verdicts); /* of what is no table: without an id */

    verdict->table = xstrdup(object);
    verdict->level = level;
    verdict->equal = true;
    return verdict;
}

/* A difference in the structure of a table counts as one of the table, at every level. What else
 * differs stands behind the tables. */
static void judge_structure(const Findings *schema, VerifyLevel level, Verdicts *verdicts)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Finding *finding = &schema->items[i];
        const char *object = finding->object != NULL ? finding->object : "the staging";

        if (finding->severity == FINDING_REFUSAL)
            add_difference(verdict_on(verdicts, object, level), finding->message);
    }
}

static void warn_of_differences(const Verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        if (!verdicts->items[i].equal)
            log_warn("%s%s: %s", verdicts->items[i].table_id != 0 ? "table " : "",
                     verdicts->items[i].table, verdicts->items[i].detail);
    }
}

/* Where copying a table again keeps its structure, single tables are not the remedy. */
static bool needs_all(const Migration *migration, const Findings *schema)
{
    return migration->target->stager->ops->keeps_structure &&
           findings_count(schema, FINDING_REFUSAL) > 0;
}

static Status conclude(Migration *migration, const Verdicts *verdicts, const Findings *schema,
                       VerifyLevel level, Error *err)
{
    Journal *journal = migration->journal;
    AUTO_TEXT Text statement = {0};

    verification_statement(verdicts, level, migration->schema_only, &statement);
    TRY(journal_save_verdicts(journal, verdicts, err));
    if (count_different(verdicts) > 0) {
        const char *table = NULL;

        for (size_t i = 0; i < verdicts->count && table == NULL; i++)
            table = verdicts->items[i].equal ? NULL : verdicts->items[i].table;

        AUTO_FREE_MEMORY char *option = table_option(verdicts, table);

        return fail_verification(migration, text_string(&statement),
                                 needs_all(migration, schema) ? "" : option, err);
    }
    if (journal_record(journal)->phase == PHASE_VERIFICATION_FAILED)
        TRY(journal_set_phase(journal, PHASE_STAGED, "compared again", err));
    if (journal_record(journal)->phase == PHASE_STAGED)
        TRY(journal_set_phase(journal, PHASE_VERIFIED, text_string(&statement), err));
    log_info("verified: %s", text_string(&statement));
    return STATUS_OK;
}

Status stage_verify(Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_PLAN Plan plan = {0};
    AUTO_FINDINGS Findings schema = {0};
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    SchemaContext context = {&plan, &schema};

    log_context("verify", NULL);
    TRY(migration_settle(migration, err));
    if (record->phase == PHASE_PROMOTED) {
        log_info("verify: nothing to do: migration \"%s\" is promoted", migration->name);
        return STATUS_OK;
    }
    if (record->phase != PHASE_STAGED && record->phase != PHASE_VERIFIED &&
        record->phase != PHASE_VERIFICATION_FAILED)
        return refuse_phase(record, "verify", "staged",
                            record->phase == PHASE_PREPARED ? "stage" : "run", err);
    TRY(journal_load_plan(migration->journal, &plan, err));
    TRY(reconcile_ledger(migration, &plan, err));
    TRY(migration_retry(migration, schema_step, &context, err));
    if (record->level > VERIFY_NONE && !migration->schema_only)
        TRY(compare_rows(migration, &plan, record->level, &schema, &verdicts, err));
    else
        judge_unverified(&plan, &verdicts);
    judge_completeness(&plan, &verdicts);
    judge_structure(&schema, record->level, &verdicts);
    warn_of_differences(&verdicts);
    return conclude(migration, &verdicts, &schema, record->level, err);
}
