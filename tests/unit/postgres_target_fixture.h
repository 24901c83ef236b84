/*
 * A PostgreSQL target in a database of its own, with a plan made by hand: for the tests of the target
 * side. The staging tables get their rows as COPY text.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/postgres.h"
#include "engine/connect/postgres/target.h"
#include "engine/flow/target.h"
#include "tests/support/pg_cluster.h"

#define RUN "0123456789abcdef0123456789abcdef"

#define expect_ok(call)                                                                            \
    do {                                                                                           \
        Status got_ = (call);                                                                      \
        if (got_ < 0)                                                                              \
            fail_msg("%s: %d: %s (%s) %s", #call, got_, err.message, err.sqlstate, err.hint);      \
    } while (0)

#define expect_failure(call, expected_kind, words)                                                 \
    do {                                                                                           \
        Status got_ = (call);                                                                      \
        if (got_ >= 0)                                                                             \
            fail_msg("%s succeeded", #call);                                                       \
        if (err.kind != (expected_kind) || strstr(err.message, (words)) == NULL)                   \
            fail_msg("%s: kind %d: %s", #call, err.kind, err.message);                             \
    } while (0)

typedef struct Trial {
    PgCluster *cluster;
    char database[16];
    Target *target;
    Writer *writer;
    RunIdentity identity;
    Plan plan;
} Trial;

static inline PgCluster **trial_cluster(void)
{
    static PgCluster *cluster;

    return &cluster;
}

static inline int trial_begin_group(void **state)
{
    (void)state;
    *trial_cluster() = pg_cluster_start(NULL);
    return 0;
}

static inline int trial_end_group(void **state)
{
    (void)state;
    pg_cluster_stop(*trial_cluster());
    return 0;
}

static inline Target *open_target(const Trial *trial)
{
    Error err = {0};
    Target *target = NULL;
    AUTO_FREE(uri_free) Uri *uri = NULL;

    expect_ok(uri_parse(pg_cluster_uri(trial->cluster, trial->database), &uri, &err));
    expect_ok(postgres_open_target(uri, &target, &err));
    return target;
}

static inline RunIdentity run_identity(const char *run, uint32_t attempt)
{
    RunIdentity identity = {.migration = "trial", .attempt = attempt};

    (void)snprintf(identity.run, sizeof(identity.run), "%s", run);
    name_id(identity.run, attempt, identity.id);
    return identity;
}

/* A fresh database and a target on it; nothing is connected yet. */
static inline void trial_open(Trial *trial)
{
    static unsigned number;
    char sql[64];

    *trial = (Trial){.cluster = *trial_cluster(), .identity = run_identity(RUN, 1)};
    (void)snprintf(trial->database, sizeof(trial->database), "trial%u", ++number);
    (void)snprintf(sql, sizeof(sql), "create database %s", trial->database);
    pg_cluster_run(trial->cluster, NULL, sql);
    trial->target = open_target(trial);
}

static inline void trial_close(Trial *trial)
{
    writer_free(trial->writer);
    target_free(trial->target);
    plan_release(&trial->plan);
#ifdef FAULT_POINTS
    fault_arm(FAULT_NONE, 0, NULL);
#endif
}

static inline void trial_claim(Trial *trial)
{
    Error err = {0};

    expect_ok(target_claim(trial->target, &trial->identity, &err));
}

static inline Writer *open_writer(Trial *trial)
{
    Error err = {0};
    Writer *writer = NULL;

    expect_ok(target_open_writer(trial->target, &trial->identity, &writer, &err));
    return writer;
}

/* ---- a plan by hand: %s in statements is the staging schema, quoted ---- */

static inline char *fill_schema(const Trial *trial, const char *text)
{
    AUTO_TEXT Text filled = {0};
    AUTO_FREE_MEMORY char *schema = pg_staging_schema(&trial->identity, "public");

    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            quote_identifier(&filled, schema);
            at++;
        } else {
            text_append_bytes(&filled, at, 1);
        }
    }
    return text_take(&filled);
}

static inline Task *add_task(Trial *trial, TaskClass task_class, uint32_t table_id,
                             const char *name, const char *statement)
{
    Task *task = plan_add_task(&trial->plan);

    task->task_class = task_class;
    task->table_id = table_id;
    task->object_id = 1;
    task->name = xstrdup(name);
    task->statement = fill_schema(trial, statement);
    return task;
}

/* columns: names in one string, with blanks between. */
static inline Table *add_table(Trial *trial, const char *name, const char *columns, char kind)
{
    PgTableNotes notes = {.kind = kind};
    Table *table = catalog_add_table(&trial->plan.catalog);
    AUTO_FREE_MEMORY char *words = xstrdup(columns);
    char *rest = NULL;

    table->schema = xstrdup("public");
    table->name = xstrdup(name);
    table->format = ROW_PG_TEXT;
    AUTO_FREE_MEMORY char *qualified = xasprintf("%%s.\"%s\"", name);
    table->staged_name = fill_schema(trial, qualified);
    table->private_data = pg_table_notes_write(&notes);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        table_add_column(table)->name = xstrdup(word);
    return table;
}

/* count chunks of one table; bounds only say that there are others. */
static inline void add_chunks(Trial *trial, uint32_t table_id, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        Chunk *chunk = plan_add_chunk(&trial->plan);

        chunk->table_id = table_id;
        chunk->number = i;
        chunk->byte_estimate = 1000;
        if (i > 1)
            chunk->lower = bytes_copy("1", 1);
        if (i < count)
            chunk->upper = bytes_copy("2", 1);
    }
}

/* The schema, and table t(id, name) in two chunks; claims and opens the writer. */
static inline void trial_begin(Trial *trial, uint32_t chunks, const char *create_t)
{
    trial_open(trial);
    (void)add_table(trial, "t", "id name", 'r');
    add_chunks(trial, 1, chunks);
    (void)add_task(trial, TASK_CREATE, 0, "schema public", "create schema %s");
    (void)add_task(trial, TASK_CREATE, 1, "table t", create_t);
    trial_claim(trial);
    trial->writer = open_writer(trial);
}

#define CREATE_T "create table %s.t (id integer, name text)"

static inline const Table *table_of(const Trial *trial, uint32_t id)
{
    return id == 0 ? NULL : catalog_table(&trial->plan.catalog, id);
}

static inline Status run_one(const Trial *trial, uint32_t task_id, Error *err)
{
    const Task *task = plan_task(&trial->plan, task_id);

    return writer_run_task(trial->writer, task, table_of(trial, task->table_id), err);
}

static inline void run_tasks(const Trial *trial, uint32_t first, uint32_t last)
{
    Error err = {0};

    for (uint32_t i = first; i <= last; i++)
        expect_ok(run_one(trial, i, &err));
}

static inline Status send_rows(Writer *writer, const Trial *trial, const Chunk *chunk,
                               const char *rows, Error *err)
{
    const Table *table = table_of(trial, chunk->table_id);
    Block block = {.data = (const uint8_t *)rows, .size = strlen(rows)};
    ChunkResult result = {.bytes = block.size};

    for (const char *at = strchr(rows, '\n'); at != NULL; at = strchr(at + 1, '\n'))
        block.rows++;
    TRY(digest_add_block(&result.digest, table->format, &block, err));
    TRY(writer_begin(writer, table, chunk, err));
    if (block.size > 0)
        TRY(writer_write(writer, &block, err));
    return writer_commit(writer, &result, err);
}

static inline Status copy_chunk_once(Trial *trial, const Chunk *chunk, const char *rows, Error *err)
{
    Status status = send_rows(trial->writer, trial, chunk, rows, err);

    if (status < 0)
        writer_abort(trial->writer);
    return status;
}

static inline void copy_rows_in(Trial *trial, uint32_t table_id, uint32_t number, const char *rows)
{
    Error err = {0};

    expect_ok(copy_chunk_once(trial, plan_chunk(&trial->plan, table_id, number), rows, &err));
}

/* ---- questions; %s as above ---- */

static inline char *ask(const Trial *trial, const char *sql)
{
    AUTO_FREE_MEMORY char *filled = fill_schema(trial, sql);

    return pg_cluster_ask(trial->cluster, trial->database, filled);
}

static inline void tell(const Trial *trial, const char *sql)
{
    AUTO_FREE_MEMORY char *filled = fill_schema(trial, sql);

    pg_cluster_run(trial->cluster, trial->database, filled);
}

#define expect_answer(trial, sql, expected)                                                        \
    do {                                                                                           \
        AUTO_FREE_MEMORY char *answer_ = ask((trial), (sql));                                      \
        if (answer_ == NULL || strcmp(answer_, (expected)) != 0)                                   \
            fail_msg("%s: %s instead of %s", (sql), answer_, (expected));                          \
    } while (0)
