/*
 * A fresh directory with a journal in it, for the tests of the journal.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "journal/journal.h"

#define expect_ok(call)                                                                            \
    do {                                                                                           \
        Status got_ = (call);                                                                      \
        if (got_ < 0)                                                                              \
            fail_msg("%s: %d: %s", #call, got_, err.message);                                      \
    } while (0)

#define expect_failure(call, expected_kind)                                                        \
    do {                                                                                           \
        Status got_ = (call);                                                                      \
        if (got_ >= 0)                                                                             \
            fail_msg("%s succeeded", #call);                                                       \
        if (err.kind != (expected_kind))                                                           \
            fail_msg("%s: kind %d: %s", #call, err.kind, err.message);                             \
    } while (0)

#define expect_words(text, words)                                                                  \
    do {                                                                                           \
        if (strstr((text), (words)) == NULL)                                                       \
            fail_msg("\"%s\" does not say \"%s\"", (text), (words));                               \
    } while (0)

/* The caller frees, and removes it by remove_directory(). */
static inline char *make_directory(void)
{
    const char *temporary = getenv("TMPDIR");
    char *path = xasprintf("%s/journal.XXXXXX", temporary != NULL ? temporary : "/tmp");

    assert_non_null(mkdtemp(path));
    return path;
}

static inline void remove_directory(char *path)
{
    Error err = {0};

    expect_ok(directory_remove(path, &err));
    free(path);
}

static inline Status create_journal(const char *directory, Journal **ret, Error *err)
{
    AUTO_FREE(uri_free) Uri *source = NULL;
    AUTO_FREE(uri_free) Uri *target = NULL;

    TRY(uri_parse("sqlite:/data/a.db", &source, err));
    TRY(uri_parse("sqlite:/data/b.db", &target, err));
    return journal_create(directory, "shop", source, target, "0.1.0", ret, err);
}

/* A plan of tables with chunks of 10 rows and one task each, none of it done. */
static inline Plan make_plan(size_t tables, size_t chunks)
{
    Plan plan = {0};

    for (size_t i = 0; i < tables; i++) {
        Table *table = catalog_add_table(&plan.catalog);
        Column *column = table_add_column(table);
        Task *task = plan_add_task(&plan);

        table->name = xasprintf("table %zu", i + 1);
        table->key = KEY_HIDDEN;
        table->format = ROW_TAGGED;
        table->definition = xasprintf("create table \"%s\"(id integer)", table->name);
        table->row_estimate = chunks * 10;
        table->byte_estimate = chunks * 100;
        column->name = xstrdup("id");
        column->type = xstrdup("integer");
        task->task_class = TASK_CREATE;
        task->table_id = table->id;
        task->name = xasprintf("table %s", table->name);
        task->statement = xstrdup(table->definition);
        for (size_t number = 1; number <= chunks; number++) {
            Chunk *chunk = plan_add_chunk(&plan);

            chunk->table_id = table->id;
            chunk->number = (uint32_t)number;
            chunk->byte_estimate = 100;
            if (number > 1)
                chunk->lower = bytes_copy(&number, sizeof(number));
            if (number < chunks)
                chunk->upper = bytes_copy(&number, sizeof(number));
        }
    }
    catalog_seal(&plan.catalog);
    return plan;
}

/* As if it had been copied: 10 rows in 90 bytes. */
static inline void finish_chunk(Chunk *chunk)
{
    chunk->done = true;
    chunk->bytes = 90;
    chunk->digest = (Digest){.rows = 10, .low = chunk->number, .high = chunk->table_id};
}

/* A journal that is prepared and has a plan. */
static inline Status create_with_plan(const char *directory, const Plan *plan, Journal **ret,
                                      Error *err)
{
    TRY(create_journal(directory, ret, err));
    TRY(journal_set_phase(*ret, PHASE_PREPARED, "ready", err));
    return journal_save_plan(*ret, plan, "snapshot 1", 1000, err);
}
