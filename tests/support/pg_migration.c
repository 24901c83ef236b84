#include "tests/support/pg_migration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/postgres.h"
#include "engine/run/run.h"

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s) %s", err->message, err->sqlstate, err->hint);
}

static Uri *parse(PgMigration *migration, const char *database)
{
    Error err = {0};
    Uri *uri = NULL;

    expect_ok(uri_parse(pg_cluster_uri(migration->cluster, database), &uri, &err), &err);
    return uri;
}

static void close_ends(PgMigration *migration)
{
    if (migration->is_held)
        source_release(migration->source);
    migration->is_held = false;
    source_free(TAKE(migration->source));
    target_free(TAKE(migration->target));
}

void pg_migration_reopen(PgMigration *migration)
{
    AUTO_FREE(uri_free) Uri *from = parse(migration, migration->from);
    AUTO_FREE(uri_free) Uri *to = parse(migration, migration->to);
    Error err = {0};

    close_ends(migration);
    expect_ok(postgres_open_source(from, &migration->source, &err), &err);
    expect_ok(postgres_open_target(to, &migration->target, &err), &err);
}

static void make_database(PgMigration *migration, const char *name, const char *sql)
{
    AUTO_FREE_MEMORY char *create = xasprintf("create database %s", name);

    pg_cluster_run(migration->cluster, NULL, create);
    if (sql != NULL)
        pg_cluster_run(migration->cluster, name, sql);
}

void pg_migration_open(PgMigration *migration, PgCluster *cluster, const char *source_sql,
                       const char *target_sql)
{
    static unsigned number;

    *migration = (PgMigration){.cluster = cluster};
    migration->identity = (RunIdentity){
        .migration = "trial", .run = "0123456789abcdef0123456789abcdef", .attempt = 1};
    name_id(migration->identity.run, 1, migration->identity.id);
    (void)snprintf(migration->from, sizeof(migration->from), "from_%u", ++number);
    (void)snprintf(migration->to, sizeof(migration->to), "to_%u", number);
    make_database(migration, migration->from, source_sql);
    make_database(migration, migration->to, target_sql);
    pg_migration_reopen(migration);
}

void pg_migration_close(PgMigration *migration)
{
    close_ends(migration);
    plan_release(&migration->plan);
    findings_release(&migration->findings);
    selection_release(&migration->selection);
    *migration = (PgMigration){0};
}

void pg_migration_describe(PgMigration *migration)
{
    Error err = {0};
    Snapshot snapshot = {0};

    expect_ok(source_hold(migration->source, &migration->selection, 2, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    migration->is_held = true;
    plan_release(&migration->plan);
    migration->plan = (Plan){0};
    expect_ok(source_describe(migration->source, &migration->selection, &migration->plan.catalog,
                              &migration->findings, &err),
              &err);
}

void pg_migration_preflight(PgMigration *migration)
{
    Error err = {0};

    expect_ok(stager_preflight(migration->target->stager, &migration->identity,
                               &migration->plan.catalog, &migration->findings, &err),
              &err);
}

void pg_migration_plan(PgMigration *migration)
{
    Error err = {0};
    RunOptions options = {.jobs = 2};

    pg_migration_describe(migration);
    pg_migration_preflight(migration);
    expect_ok(findings_refuse(&migration->findings, &err), &err);
    expect_ok(stager_plan(migration->target->stager, &migration->identity, &migration->plan, &err),
              &err);
    expect_ok(run_plan_chunks(&migration->plan, migration->source, &options, 65536, &err), &err);
}

void pg_migration_claim(PgMigration *migration)
{
    Error err = {0};

    expect_ok(target_claim(migration->target, &migration->identity, &err), &err);
}

/* ---- a recorder that only listens ---- */

static Status listen(Recorder *recorder, Error *err)
{
    (void)recorder;
    (void)err;
    return STATUS_OK;
}

static Status listen_chunk(Recorder *recorder, const Chunk *chunk, Error *err)
{
    (void)chunk;
    return listen(recorder, err);
}

static Status listen_task(Recorder *recorder, const Task *task, Error *err)
{
    (void)task;
    return listen(recorder, err);
}

static Status listen_evidence(Recorder *recorder, const ProbeRequest *request,
                              const ProbeResult *result, Error *err)
{
    (void)request;
    (void)result;
    return listen(recorder, err);
}

static const RecorderOps listener_ops = {
    .begin = listen,
    .end = listen,
    .chunk_done = listen_chunk,
    .task_done = listen_task,
    .evidence = listen_evidence,
};

void pg_migration_copy(PgMigration *migration)
{
    Error err = {0};
    Recorder listener = {.ops = &listener_ops};
    RunInput input = {
        .plan = &migration->plan,
        .source = migration->source,
        .target = migration->target,
        .identity = &migration->identity,
        .recorder = &listener,
        .options = {.jobs = 2},
    };

    expect_ok(run_copy(&input, &err), &err);
}

void pg_migration_stage(PgMigration *migration)
{
    pg_migration_plan(migration);
    pg_migration_claim(migration);
    pg_migration_copy(migration);
}

void pg_migration_check(PgMigration *migration)
{
    Error err = {0};

    findings_release(&migration->findings);
    migration->findings = (Findings){0};
    expect_ok(stager_check_schema(migration->target->stager, &migration->identity, &migration->plan,
                                  &migration->findings, &err),
              &err);
}

Outcome pg_migration_outcome(PgMigration *migration)
{
    Error err = {0};
    Outcome outcome = OUTCOME_NONE;

    expect_ok(stager_outcome(migration->target->stager, &migration->identity, &outcome, &err),
              &err);
    return outcome;
}

void pg_migration_drop(PgMigration *migration)
{
    Error err = {0};

    expect_ok(stager_drop_staging(migration->target->stager, &migration->identity, NULL,
                                  &migration->findings, &err),
              &err);
}

/* ---- asking ---- */

static char *with_staging(const PgMigration *migration, const char *sql)
{
    AUTO_TEXT Text text = {0};

    for (const char *c = sql; *c != '\0'; c++) {
        if (*c == '~')
            text_append_format(&text, "_staging_%s", migration->identity.id);
        else
            text_append_bytes(&text, c, 1);
    }
    return text_take(&text);
}

void pg_migration_source_sql(PgMigration *migration, const char *sql)
{
    pg_cluster_run(migration->cluster, migration->from, sql);
}

void pg_migration_target_sql(PgMigration *migration, const char *sql)
{
    pg_cluster_run(migration->cluster, migration->to, sql);
}

void pg_migration_staging_sql(PgMigration *migration, const char *sql)
{
    AUTO_FREE_MEMORY char *text = with_staging(migration, sql);

    pg_cluster_run(migration->cluster, migration->to, text);
}

char *pg_migration_ask(PgMigration *migration, const char *sql)
{
    AUTO_FREE_MEMORY char *text = with_staging(migration, sql);

    return pg_cluster_ask(migration->cluster, migration->to, text);
}

void pg_migration_expect(PgMigration *migration, const char *sql, const char *answer)
{
    AUTO_FREE_MEMORY char *found = pg_migration_ask(migration, sql);

    if (found == NULL || strcmp(found, answer) != 0)
        fail_msg("%s\n  is %s, not %s", sql, found == NULL ? "null" : found, answer);
}

const Finding *pg_migration_finding(const PgMigration *migration, Severity severity,
                                    const char *object, const char *words)
{
    for (size_t i = 0; i < migration->findings.count; i++) {
        const Finding *finding = &migration->findings.items[i];

        if (finding->severity != severity || strstr(finding->message, words) == NULL)
            continue;
        if (object == NULL || (finding->object != NULL && strcmp(finding->object, object) == 0))
            return finding;
    }
    return NULL;
}

void pg_migration_expect_refusal(const PgMigration *migration, const char *object,
                                 const char *words)
{
    if (pg_migration_finding(migration, FINDING_REFUSAL, object, words) != NULL)
        return;
    for (size_t i = 0; i < migration->findings.count; i++)
        print_message("%s: %s: %s\n", severity_name(migration->findings.items[i].severity),
                      migration->findings.items[i].object, migration->findings.items[i].message);
    fail_msg("nothing refuses %s because \"%s\"", object == NULL ? "anything" : object, words);
}
