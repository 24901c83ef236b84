/*
 * The SQLite reader: every row lies in exactly one chunk, and arrives as it is stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/sqlite.h"
#include "engine/flow/digest.h"
#include "engine/flow/names.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_tables.h"
#ifdef FAULT_POINTS
#include "engine/base/fault.h"
#endif

static const char PATH[] = "reader.db";

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

/* Reads a chunk to its end; adds its rows to the digest. */
static void read_chunk(HeldSource *held, const Table *table, const Chunk *chunk, Digest *digest)
{
    Error err = {0};
    Block block;
    expect_ok(reader_begin(held->reader, table, chunk, &err), &err);
    for (;;) {
        Status status = reader_read(held->reader, &block, &err);
        expect_ok(status, &err);
        if (status == STATUS_DONE)
            break;
        assert_true(block.rows > 0);
        expect_ok(digest_add_block(digest, table->format, &block, &err), &err);
    }
    assert_int_equal(reader_read(held->reader, &block, &err), STATUS_DONE);
    reader_end(held->reader);
    reader_end(held->reader); /* repeatable */
}

static void read_table(HeldSource *held, const Table *table, Digest *ret)
{
    *ret = (Digest){0};
    for (size_t i = 0; i < held->plan.chunk_count; i++)
        read_chunk(held, table, &held->plan.chunks[i], ret);
}

static void expect_chunks_fit_together(const Plan *plan, const Table *table)
{
    for (size_t i = 0; i < plan->chunk_count; i++) {
        const Chunk *chunk = &plan->chunks[i];
        assert_int_equal(chunk->table_id, table->id);
        assert_int_equal(chunk->number, i + 1);
        if (i == 0)
            assert_int_equal(chunk->lower.size, 0);
        else
            assert_true(bytes_equal(&chunk->lower, &plan->chunks[i - 1].upper));
        assert_true((chunk->upper.size == 0) == (i + 1 == plan->chunk_count));
    }
}

static uint64_t count_rows(const Table *table)
{
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "select count(*) from ");
    quote_identifier(&sql, table->name);
    return (uint64_t)ask_integer(PATH, text_string(&sql));
}

static void every_row_lies_in_exactly_one_chunk_of_any_size(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 50, 333, 1000, 10000, 1 << 30};
    HeldSource held;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    for (uint32_t id = 1; id <= held.plan.catalog.table_count; id++) {
        Table *table = catalog_table(&held.plan.catalog, id);
        Digest whole;
        Digest parts;
        assert_int_equal(plan_again(&held, id, UINT64_MAX), 1);
        read_table(&held, table, &whole);
        assert_int_equal(whole.rows, count_rows(table));
        assert_int_equal(table->row_estimate, whole.rows);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            assert_true(plan_again(&held, id, sizes[i]) > 0);
            expect_chunks_fit_together(&held.plan, table);
            read_table(&held, table, &parts);
            if (!digest_equal(&whole, &parts))
                fail_msg("table \"%s\" at %zu bytes: %zu rows of %zu", table->name,
                         (size_t)sizes[i], (size_t)parts.rows, (size_t)whole.rows);
        }
    }
    end_held(&held);
}

/* The most rows in a chunk of the plan. */
static uint64_t largest_chunk(HeldSource *held, const Table *table)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < held->plan.chunk_count; i++) {
        Digest digest = {0};
        read_chunk(held, table, &held->plan.chunks[i], &digest);
        largest = digest.rows > largest ? digest.rows : largest;
    }
    return largest;
}

static void chunks_are_about_as_large_as_asked(void **state)
{
    (void)state;
    static const char *const names[] = {"dense",   "sparse", "clustered",    "pair",
                                        "falling", "mixed",  "foreign_order"};
    HeldSource held;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const Table *table = catalog_find_table(&held.plan.catalog, NULL, names[i]);
        assert_int_equal(plan_again(&held, table->id, UINT64_MAX), 1);
        uint64_t bytes = held.plan.chunks[0].byte_estimate;
        assert_true(bytes > 0);
        size_t count = plan_again(&held, table->id, bytes / 10);
        if (count < 9 || count > 11)
            fail_msg("table \"%s\": %zu chunks", names[i], count);
        assert_true(largest_chunk(&held, table) <= table->row_estimate / 10 * 2 + 1);
    }
    end_held(&held);
}

static void a_key_that_cannot_be_sought_gets_few_chunks(void **state)
{
    (void)state;
    HeldSource held;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    const Table *mixed = catalog_find_table(&held.plan.catalog, NULL, "mixed");
    const Table *pair = catalog_find_table(&held.plan.catalog, NULL, "pair");
    assert_int_equal(plan_again(&held, mixed->id, 1), 32 - 2); /* 300 rows, 10 each */
    assert_int_equal(plan_again(&held, pair->id, 1), 400);
    end_held(&held);
}

static void blocks_are_cut_near_their_target(void **state)
{
    (void)state;
    Error err = {0};
    HeldSource held;
    set_database(PATH, "create table t (a);"
                       "with recursive n(i) as (select 1 union all select i + 1 from n limit 3000)"
                       " insert into t select zeroblob(1000) from n");
    set_held(&held, PATH);
    const Chunk whole = {.table_id = 1, .number = 1};
    Block block;
    size_t blocks = 0;
    uint64_t rows = 0;
    expect_ok(reader_begin(held.reader, &held.plan.catalog.tables[0], &whole, &err), &err);
    while (reader_read(held.reader, &block, &err) == STATUS_OK) {
        assert_true(block.size < BLOCK_TARGET_BYTES + 2000);
        blocks++;
        rows += block.rows;
    }
    assert_int_equal(rows, 3000);
    assert_int_equal(blocks, 3000 * 1022 / BLOCK_TARGET_BYTES + 1);
    end_held(&held);
}

/* ---- values: written again as they came, compared by SQLite ---- */

static void insert_row(Db *copy, DbStatement *insert, const uint8_t *row, size_t size)
{
    Error err = {0};
    RowReader fields;
    Value value;
    expect_ok(row_reader_begin(&fields, row, size, &err), &err);
    for (int index = 1;; index++) {
        Status status = row_reader_next(&fields, &value, &err);
        expect_ok(status, &err);
        if (status == STATUS_DONE)
            break;
        expect_ok(db_bind_value(copy, insert, index, &value, &err), &err);
    }
    assert_int_equal(db_step(copy, insert, "insert", &err), STATUS_DONE);
    assert_int_equal(sqlite3_reset(insert), SQLITE_OK);
}

static void insert_block(Db *copy, DbStatement *insert, const Block *block)
{
    Error err = {0};
    size_t at = 0;
    while (at < block->size) {
        size_t size = 0;
        expect_ok(row_next(ROW_TAGGED, block->data + at, block->size - at, &size, &err), &err);
        insert_row(copy, insert, block->data + at, size);
        at += size;
    }
}

static DbStatement *prepare_insert(Db *copy, const Table *table, const Layout *layout)
{
    Error err = {0};
    AUTO_TEXT Text sql = {0};
    DbStatement *insert = NULL;
    text_append(&sql, "insert into ");
    quote_identifier(&sql, table->name);
    text_append(&sql, " (");
    layout_append_insert(&sql, layout);
    text_append(&sql, ") values (?");
    for (size_t i = 1; i < layout->field_count; i++)
        text_append(&sql, ", ?");
    text_append(&sql, ")");
    expect_ok(db_prepare(copy, text_string(&sql), &insert, "insert", &err), &err);
    return insert;
}

static void copy_table(HeldSource *held, Db *copy, const Table *table)
{
    Error err = {0};
    AUTO_LAYOUT Layout layout = {0};
    const Chunk whole = {.table_id = table->id, .number = 1};
    Block block;
    expect_ok(layout_read(table, &layout, &err), &err);
    expect_ok(db_exec(copy, table->definition, "make a table", &err), &err);
    AUTO_FREE(db_finalize) DbStatement *insert = prepare_insert(copy, table, &layout);
    expect_ok(reader_begin(held->reader, table, &whole, &err), &err);
    for (;;) {
        Status status = reader_read(held->reader, &block, &err);
        expect_ok(status, &err);
        if (status == STATUS_DONE)
            break;
        insert_block(copy, insert, &block);
    }
    reader_end(held->reader);
}

/* `select typeof(s.a), hex(cast(s.a as blob)), s.a, ... from SCHEMA.table as s`, the rowid too where it has a name. */
static void append_look(Text *sql, const char *schema, const Table *table, const Layout *layout)
{
    text_append(sql, "select 0");
    if (layout->rowid_name)
        text_append_format(sql, ", s.%s", layout->rowid_name);
    for (size_t i = 0; i < table->column_count; i++) {
        AUTO_TEXT Text name = {0};
        quote_identifier(&name, table->columns[i].name);
        text_append_format(sql, ", typeof(s.%s), hex(cast(s.%s as blob)), s.%s", text_string(&name),
                           text_string(&name), text_string(&name));
    }
    text_append_format(sql, " from %s.", schema);
    quote_identifier(sql, table->name);
    text_append(sql, " as s");
}

static void expect_same_rows(Db *copy, const Table *table)
{
    static const char *const sides[][2] = {{"main", "source"}, {"source", "main"}};
    Error err = {0};
    AUTO_LAYOUT Layout layout = {0};
    expect_ok(layout_read(table, &layout, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        AUTO_TEXT Text sql = {0};
        int64_t only_here = -1;
        text_append(&sql, "select count(*) from (");
        append_look(&sql, sides[i][0], table, &layout);
        text_append(&sql, " except ");
        append_look(&sql, sides[i][1], table, &layout);
        text_append(&sql, ")");
        expect_ok(db_integer(copy, text_string(&sql), -1, &only_here, "compare", &err), &err);
        if (only_here != 0)
            fail_msg("table \"%s\": %d rows only in %s", table->name, (int)only_here, sides[i][0]);
    }
}

static void every_value_arrives_as_it_is_stored(void **state)
{
    (void)state;
    static const char *const encodings[] = {"UTF-8", "UTF-16le", "UTF-16be"};
    for (size_t i = 0; i < 3; i++) {
        Error err = {0};
        Db *copy = NULL;
        HeldSource held;
        AUTO_FREE_MEMORY char *encoding =
            xasprintf("pragma encoding = '%s'; create table z (a)", encodings[i]);
        set_tables(PATH, encodings[i]);
        set_database("copy.db", encoding);
        set_held(&held, PATH);
        expect_ok(db_open("copy.db", DB_WRITE, &copy, &err), &err);
        expect_ok(db_exec(copy, "begin", "begin", &err), &err);
        for (size_t j = 0; j < held.plan.catalog.table_count; j++)
            copy_table(&held, copy, &held.plan.catalog.tables[j]);
        expect_ok(db_exec(copy, "commit; attach 'reader.db' as source", "attach", &err), &err);
        for (size_t j = 0; j < held.plan.catalog.table_count; j++)
            expect_same_rows(copy, &held.plan.catalog.tables[j]);
        db_free(copy);
        end_held(&held);
    }
}

static void planning_ends_when_a_stop_is_wanted(void **state)
{
    (void)state;
    Error err = {0};
    HeldSource held;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    Table *table = NULL;
    for (size_t i = 0; i < held.plan.catalog.table_count; i++) {
        if (strcmp(held.plan.catalog.tables[i].name, "pair") == 0)
            table = &held.plan.catalog.tables[i];
    }
    assert_non_null(table);
    stop_request();
    Status status = reader_plan(held.reader, table, 1, &held.plan, &err);
    stop_reset();
    assert_int_equal(status, STATUS_STOPPED);
    assert_int_equal(held.plan.chunk_count, 0);
    if (table != NULL) /* asserted above; the compiler does not know */
        assert_true(plan_again(&held, table->id, 1) > 1);
    end_held(&held);
}

static void a_chunk_of_another_key_is_refused(void **state)
{
    (void)state;
    Error err = {0};
    HeldSource held;
    AUTO_TEXT Text bound = {0};
    const Value one = {.type = VALUE_INTEGER, .integer = 1};
    encode_row(&bound, 2);
    encode_value(&bound, &one);
    encode_value(&bound, &one);
    set_database(PATH, "create table t (a)");
    set_held(&held, PATH);
    const Chunk wrong = {
        .table_id = 1, .number = 1, .lower = {.data = (uint8_t *)bound.data, .size = bound.size}};
    assert_int_equal(reader_begin(held.reader, &held.plan.catalog.tables[0], &wrong, &err),
                     STATUS_INVALID);
    Block block;
    assert_int_equal(reader_read(held.reader, &block, &err), STATUS_FAILED);
    end_held(&held);
}

#ifdef FAULT_POINTS
/* One read of one table, from plan to end; false where a fault came. */
static bool try_table(HeldSource *held, Digest *ret)
{
    Error err = {0};
    const Chunk whole = {.table_id = 1, .number = 1};
    Block block;
    Plan plan = {0};
    Status status = reader_plan(held->reader, &held->plan.catalog.tables[0], 1000, &plan, &err);
    plan_release(&plan);
    if (status == STATUS_OK)
        status = reader_begin(held->reader, &held->plan.catalog.tables[0], &whole, &err);
    *ret = (Digest){0};
    while (status == STATUS_OK) {
        status = reader_read(held->reader, &block, &err);
        if (status == STATUS_OK)
            expect_ok(digest_add_block(ret, ROW_TAGGED, &block, &err), &err);
    }
    reader_end(held->reader);
    return status == STATUS_DONE;
}

static void after_any_fault_the_same_reader_reads_all(void **state)
{
    (void)state;
    HeldSource held;
    Digest whole;
    Digest again;
    set_database(PATH, "create table t (a);"
                       "with recursive n(i) as (select 1 union all select i + 1 from n limit 900)"
                       " insert into t select zeroblob(1000) from n");
    set_held(&held, PATH);
    assert_true(try_table(&held, &whole));
    bool has_fired = true;
    unsigned fired = 0;
    for (unsigned nth = 1; has_fired; nth++) {
        fault_arm(FAULT_FAIL, nth, NULL);
        bool is_whole = try_table(&held, &again);
        has_fired = fault_fired();
        fault_arm(FAULT_NONE, 0, NULL);
        assert_true(is_whole != has_fired);
        assert_true(try_table(&held, &again));
        assert_true(digest_equal(&whole, &again));
        fired += has_fired;
    }
    assert_true(fired >= 4); /* plan, begin, each block */
    end_held(&held);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_lies_in_exactly_one_chunk_of_any_size),
        cmocka_unit_test(chunks_are_about_as_large_as_asked),
        cmocka_unit_test(a_key_that_cannot_be_sought_gets_few_chunks),
        cmocka_unit_test(blocks_are_cut_near_their_target),
        cmocka_unit_test(every_value_arrives_as_it_is_stored),
        cmocka_unit_test(planning_ends_when_a_stop_is_wanted),
        cmocka_unit_test(a_chunk_of_another_key_is_refused),
#ifdef FAULT_POINTS
        cmocka_unit_test(after_any_fault_the_same_reader_reads_all),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
