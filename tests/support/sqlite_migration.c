#include "tests/support/sqlite_migration.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/sqlite.h"

void expect_status_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

void expect_refused(Status status, const Error *err, const char *words)
{
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(err->kind, ERROR_REFUSED);
    if (strstr(err->message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err->message, words);
}

void expect_refusal(const Findings *findings, const char *object, const char *words)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        if (finding->severity == FINDING_REFUSAL && finding->object != NULL &&
            strcmp(finding->object, object) == 0 && strstr(finding->message, words) != NULL)
            return;
    }
    for (size_t i = 0; i < findings->count; i++)
        print_message("%s: %s: %s\n", severity_name(findings->items[i].severity),
                      findings->items[i].object, findings->items[i].message);
    fail_msg("nothing refuses \"%s\" because \"%s\"", object, words);
}

static Uri *parse_path(const char *path)
{
    Error err = {0};
    Uri *uri = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("sqlite:%s", path);

    expect_status_ok(uri_parse(text, &uri, &err), &err);
    return uri;
}

void trial_open(Trial *trial, const char *from, const char *to, uint32_t attempt)
{
    Error err = {0};
    AUTO_FREE(uri_free) Uri *source = parse_path(from);
    AUTO_FREE(uri_free) Uri *target = parse_path(to);

    *trial = (Trial){.identity = {.migration = "trial",
                                  .run = "0123456789abcdef0123456789abcdef",
                                  .attempt = attempt}};
    name_id(trial->identity.run, attempt, trial->identity.id);
    expect_status_ok(sqlite_open_source(source, &trial->source, &err), &err);
    expect_status_ok(sqlite_open_target(target, &trial->target, &err), &err);
}

void trial_close(Trial *trial)
{
    writer_free(TAKE(trial->writer));
    reader_free(TAKE(trial->reader));
    if (trial->held)
        source_release(trial->source);
    source_free(TAKE(trial->source));
    target_free(TAKE(trial->target));
    plan_release(&trial->plan);
    promotion_plan_release(&trial->promotion);
    findings_release(&trial->findings);
    *trial = (Trial){0};
}

void trial_plan(Trial *trial)
{
    Error err = {0};
    Snapshot snapshot = {0};
    static const Selection all = {0};
    Plan *plan = &trial->plan;
    Stager *stager = trial->target->stager;

    expect_status_ok(source_hold(trial->source, NULL, 1, &snapshot, &err), &err);
    snapshot_release(&snapshot);
    trial->held = true;
    expect_status_ok(source_describe(trial->source, &all, &plan->catalog, &trial->findings, &err),
                     &err);
    expect_status_ok(
        stager_preflight(stager, &trial->identity, &plan->catalog, &trial->findings, &err), &err);
    expect_status_ok(findings_refuse(&trial->findings, &err), &err);
    expect_status_ok(stager_plan(stager, &trial->identity, plan, &err), &err);
    expect_status_ok(source_open_reader(trial->source, &trial->reader, &err), &err);
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        expect_status_ok(reader_plan(trial->reader, &plan->catalog.tables[i], 4096, plan, &err),
                         &err);
    expect_status_ok(stager_plan_promotion(stager, &trial->identity, plan, &trial->promotion,
                                           &trial->findings, &err),
                     &err);
    expect_status_ok(findings_refuse(&trial->findings, &err), &err);
}

void trial_claim(Trial *trial)
{
    Error err = {0};

    target_configure(trial->target, &trial->plan.catalog);
    expect_status_ok(target_claim(trial->target, &trial->identity, &err), &err);
    expect_status_ok(target_open_writer(trial->target, &trial->identity, &trial->writer, &err),
                     &err);
}

static const Table *task_table(const Trial *trial, const Task *task)
{
    return task->table_id != 0 ? catalog_table(&trial->plan.catalog, task->table_id) : NULL;
}

void trial_task(Trial *trial, const Task *task)
{
    Error err = {0};

    expect_status_ok(writer_run_task(trial->writer, task, task_table(trial, task), &err), &err);
}

void trial_copy(Trial *trial, const Chunk *chunk)
{
    Error err = {0};
    const Table *table = catalog_table(&trial->plan.catalog, chunk->table_id);
    Reader *reader = trial->reader;
    ChunkResult result = {0};
    Block block = {0};
    Status status = STATUS_OK;

    expect_status_ok(reader_begin(reader, table, chunk, &err), &err);
    expect_status_ok(writer_begin(trial->writer, table, chunk, &err), &err);
    while ((status = reader_read(reader, &block, &err)) == STATUS_OK) {
        expect_status_ok(digest_add_block(&result.digest, table->format, &block, &err), &err);
        result.bytes += block.size;
        expect_status_ok(writer_write(trial->writer, &block, &err), &err);
    }
    expect_status_ok(status, &err);
    reader_end(reader);
    expect_status_ok(writer_commit(trial->writer, &result, &err), &err);
}

static void run_tasks(Trial *trial, bool creating)
{
    for (size_t i = 0; i < trial->plan.task_count; i++) {
        if ((trial->plan.tasks[i].task_class == TASK_CREATE) == creating)
            trial_task(trial, &trial->plan.tasks[i]);
    }
}

void trial_stage(Trial *trial)
{
    run_tasks(trial, true);
    for (size_t i = 0; i < trial->plan.chunk_count; i++)
        trial_copy(trial, &trial->plan.chunks[i]);
    run_tasks(trial, false);
}

void trial_promote(Trial *trial)
{
    Error err = {0};
    Stager *stager = trial->target->stager;
    PromotionPlan fresh = {0};

    writer_free(TAKE(trial->writer));
    expect_status_ok(
        stager_check_schema(stager, &trial->identity, &trial->plan, &trial->findings, &err), &err);
    expect_status_ok(stager_plan_promotion(stager, &trial->identity, &trial->plan, &fresh,
                                           &trial->findings, &err),
                     &err);
    expect_status_ok(findings_refuse(&trial->findings, &err), &err);
    promotion_plan_release(&trial->promotion);
    trial->promotion = fresh;
    expect_status_ok(
        stager_promote(stager, &trial->identity, &trial->plan, &trial->promotion, NULL, NULL, &err),
        &err);
}

void trial_run(Trial *trial, const char *from, const char *to, uint32_t attempt)
{
    trial_open(trial, from, to, attempt);
    trial_plan(trial);
    trial_claim(trial);
    trial_stage(trial);
    trial_promote(trial);
}

Outcome trial_outcome(Trial *trial)
{
    Error err = {0};
    Outcome outcome = OUTCOME_NONE;

    expect_status_ok(stager_outcome(trial->target->stager, &trial->identity, &outcome, &err), &err);
    return outcome;
}

/* ---- what a file holds ---- */

typedef struct Dump {
    sqlite3 *handle;
    TextList lines;
} Dump;

static void add_lines(Dump *dump, const char *label, const char *sql)
{
    sqlite3_stmt *query = NULL;

    if (sqlite3_prepare_v2(dump->handle, sql, -1, &query, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(dump->handle));
    while (sqlite3_step(query) == SQLITE_ROW) {
        AUTO_TEXT Text line = {0};

        text_append(&line, label);
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            const char *value = (const char *)sqlite3_column_text(query, i);

            text_append_format(&line, "|%s", value != NULL ? value : "NULL");
        }
        text_list_add(&dump->lines, text_string(&line));
    }
    assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
}

/* select quote("a"), quote("b")... from "t": with the rowid, where there is one. */
static void add_table(Dump *dump, const char *name)
{
    sqlite3_stmt *columns = NULL;
    AUTO_TEXT Text sql = {0};

    assert_int_equal(sqlite3_prepare_v2(dump->handle, "select name from pragma_table_xinfo(?1)", -1,
                                        &columns, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(columns, 1, name, -1, SQLITE_STATIC), SQLITE_OK);
    text_append(&sql, "select 0");
    while (sqlite3_step(columns) == SQLITE_ROW) {
        text_append(&sql, ", typeof(s.");
        quote_identifier(&sql, (const char *)sqlite3_column_text(columns, 0));
        text_append(&sql, ") || quote(s.");
        quote_identifier(&sql, (const char *)sqlite3_column_text(columns, 0));
        text_append(&sql, ")");
    }
    assert_int_equal(sqlite3_finalize(columns), SQLITE_OK);
    text_append(&sql, " from ");
    quote_identifier(&sql, name);
    text_append(&sql, " s");
    add_lines(dump, name, text_string(&sql));
}

static int order_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *dump_database(const char *path)
{
    Dump dump = {0};
    AUTO_TEXT Text text = {0};
    sqlite3_stmt *tables = NULL;

    assert_int_equal(sqlite3_open_v2(path, &dump.handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    add_lines(&dump, "schema", "select type, name, tbl_name, sql from sqlite_schema");
    add_lines(&dump, "user_version", "pragma user_version");
    add_lines(&dump, "application_id", "pragma application_id");
    add_lines(&dump, "encoding", "pragma encoding");
    assert_int_equal(sqlite3_prepare_v2(dump.handle,
                                        "select name from sqlite_schema where type = 'table'", -1,
                                        &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW)
        add_table(&dump, (const char *)sqlite3_column_text(tables, 0));
    assert_int_equal(sqlite3_finalize(tables), SQLITE_OK);
    assert_int_equal(sqlite3_close(dump.handle), SQLITE_OK);
    qsort(dump.lines.items, dump.lines.count, sizeof(char *), order_lines);
    for (size_t i = 0; i < dump.lines.count; i++)
        text_append_format(&text, "%s\n", dump.lines.items[i]);
    text_list_release(&dump.lines);
    return text_take(&text);
}

/* Says where they part: two dumps in full are not readable. */
void expect_dump(const char *path, const char *dump)
{
    AUTO_FREE_MEMORY char *now = dump_database(path);
    size_t at = 0;

    while (now[at] != '\0' && now[at] == dump[at])
        at++;
    if (now[at] == dump[at])
        return;
    while (at > 0 && now[at - 1] != '\n')
        at--;
    fail_msg("%s differs:\n%.*s\ninstead of\n%.*s", path, 300, now + at, 300, dump + at);
}

void expect_same_database(const char *a, const char *b)
{
    AUTO_FREE_MEMORY char *dump = dump_database(b);

    expect_dump(a, dump);
}

void expect_integrity(const char *path)
{
    Dump dump = {0};

    assert_int_equal(sqlite3_open_v2(path, &dump.handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    add_lines(&dump, "", "pragma integrity_check");
    add_lines(&dump, "", "pragma foreign_key_check");
    assert_int_equal(sqlite3_close(dump.handle), SQLITE_OK);
    assert_int_equal(dump.lines.count, 1);
    assert_string_equal(dump.lines.items[0], "|ok");
    text_list_release(&dump.lines);
}
