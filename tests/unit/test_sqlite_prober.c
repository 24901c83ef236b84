/*
 * The SQLite prober, compared with the rows a reader sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/prober.h"
#include "engine/flow/digest.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_tables.h"
#ifdef FAULT_POINTS
#include "engine/base/fault.h"
#endif

static const char PATH[] = "prober.db";

enum {
    SEED = 12345,
};

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

static void probe(const HeldSource *held, const ProbeRequest *request, ProbeResult *ret)
{
    Error err = {0};
    *ret = (ProbeResult){0};
    expect_ok(prober_probe(held->reader->prober, request, ret, &err), &err);
}

static uint32_t id_of(const HeldSource *held, const char *name)
{
    const Table *table = catalog_find_table(&held->plan.catalog, NULL, name);
    if (!table)
        fail_msg("no table \"%s\"", name);
    return table->id;
}

static size_t count_reason(const ProbeResult *result, uint32_t reason)
{
    size_t count = 0;
    for (size_t i = 0; i < result->entry_count; i++)
        count += (result->entries[i].reasons & reason) != 0;
    return count;
}

/* ---- what it should say, from the rows that a reader sends ---- */

/* The key of a row, built from its fields. */
static void append_key(Text *key, const Layout *layout, const uint8_t *row, size_t size)
{
    Error err = {0};
    if (layout->key_count == 0) {
        text_append_bytes(key, row, size);
        return;
    }
    encode_row(key, (uint16_t)layout->key_count);
    for (size_t part = 0; part < layout->key_count; part++) {
        RowReader fields;
        Value value;
        expect_ok(row_reader_begin(&fields, row, size, &err), &err);
        for (size_t i = 0; i <= layout->key[part].field; i++)
            expect_ok(row_reader_next(&fields, &value, &err), &err);
        encode_value(key, &value);
    }
}

static void expect_row(ProbeResult *expected, const Layout *layout, uint64_t modulus,
                       const uint8_t *row, size_t size)
{
    AUTO_TEXT Text key = {0};
    Digest one = {0};
    append_key(&key, layout, row, size);
    digest_add(&expected->keys, key.data, key.size);
    digest_add(&expected->all, row, size);
    digest_add(&one, row, size);
    expected->rows++;
    uint64_t hash = key_hash(key.data, key.size, SEED);
    if (hash % modulus == 0)
        *probe_result_add(expected) = (ProbeEntry){
            .key_hash = hash, .row_low = one.low, .row_high = one.high, .reasons = CHOSEN_RANDOM};
}

static void expect_table(HeldSource *held, const Table *table, uint64_t modulus, ProbeResult *ret)
{
    Error err = {0};
    AUTO_LAYOUT Layout layout = {0};
    const Chunk whole = {.table_id = table->id, .number = 1};
    Block block;
    *ret = (ProbeResult){0};
    expect_ok(layout_read(table, &layout, &err), &err);
    expect_ok(reader_begin(held->reader, table, &whole, &err), &err);
    while (reader_read(held->reader, &block, &err) == STATUS_OK) {
        for (size_t at = 0, size = 0; at < block.size; at += size) {
            expect_ok(row_next(ROW_TAGGED, block.data + at, block.size - at, &size, &err), &err);
            expect_row(ret, &layout, modulus, block.data + at, size);
        }
    }
    reader_end(held->reader);
    probe_result_sort(ret);
}

static void expect_same_entries(const char *name, const ProbeResult *a, const ProbeResult *b)
{
    if (a->entry_count != b->entry_count)
        fail_msg("table \"%s\": %zu entries, not %zu", name, a->entry_count, b->entry_count);
    for (size_t i = 0; i < a->entry_count; i++) {
        assert_int_equal(a->entries[i].key_hash, b->entries[i].key_hash);
        assert_int_equal(a->entries[i].row_low, b->entries[i].row_low);
        assert_int_equal(a->entries[i].row_high, b->entries[i].row_high);
        assert_int_equal(a->entries[i].reasons, b->entries[i].reasons);
    }
}

static void every_level_agrees_with_the_rows(HeldSource *held, const Table *table, uint64_t modulus)
{
    static const VerifyLevel levels[] = {VERIFY_COUNT, VERIFY_SAMPLE, VERIFY_FULL};
    ProbeResult expected;
    expect_table(held, table, modulus, &expected);
    for (size_t i = 0; i < 3; i++) {
        const ProbeRequest request = {
            .table = table, .level = levels[i], .seed = SEED, .modulus = modulus};
        ProbeResult result;
        probe(held, &request, &result);
        assert_int_equal(result.rows, expected.rows);
        if (levels[i] != VERIFY_COUNT) {
            assert_true(digest_equal(&result.keys, &expected.keys));
            expect_same_entries(table->name, &result, &expected);
        }
        if (levels[i] == VERIFY_FULL)
            assert_true(digest_equal(&result.all, &expected.all));
        else
            assert_int_equal(result.all.rows, 0);
        probe_result_release(&result);
    }
    probe_result_release(&expected);
}

static void keys_rows_and_sample_are_those_of_the_reader(void **state)
{
    (void)state;
    static const char *const encodings[] = {"UTF-8", "UTF-16le"};
    for (size_t i = 0; i < 2; i++) {
        HeldSource held;
        set_tables(PATH, encodings[i]);
        set_held(&held, PATH);
        for (size_t j = 0; j < held.plan.catalog.table_count; j++) {
            every_level_agrees_with_the_rows(&held, &held.plan.catalog.tables[j], 1);
            every_level_agrees_with_the_rows(&held, &held.plan.catalog.tables[j], 7);
        }
        end_held(&held);
    }
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void requested_rows_are_found_by_their_hash(void **state)
{
    (void)state;
    static const char *const names[] = {"dense", "pair", "mixed", "foreign_order"};
    HeldSource held;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const Table *table = catalog_table(&held.plan.catalog, id_of(&held, names[i]));
        ProbeResult all;
        ProbeResult some;
        expect_table(&held, table, 1, &all);
        uint64_t also[] = {1, all.entries[0].key_hash, all.entries[20].key_hash,
                           all.entries[all.entry_count - 1].key_hash, UINT64_MAX};
        qsort(also, 5, sizeof(*also), compare_hashes);
        const ProbeRequest request = {.table = table,
                                      .level = VERIFY_SAMPLE,
                                      .seed = SEED,
                                      .modulus = UINT64_MAX,
                                      .also = also,
                                      .also_count = 5};
        probe(&held, &request, &some);
        assert_int_equal(some.entry_count, 3);
        assert_int_equal(count_reason(&some, CHOSEN_REQUESTED), 3);
        assert_int_equal(some.entries[1].row_low, all.entries[20].row_low);
        probe_result_release(&all);
        probe_result_release(&some);
    }
    end_held(&held);
}

/* The key hash of the row of `dense` (or any table with an INTEGER PRIMARY KEY) with this id. */
static uint64_t hash_of_id(int64_t id)
{
    AUTO_TEXT Text key = {0};
    const Value value = {.type = VALUE_INTEGER, .integer = id};
    encode_row(&key, 1);
    encode_value(&key, &value);
    return key_hash(key.data, key.size, SEED);
}

static uint32_t reasons_of_id(const ProbeResult *result, int64_t id)
{
    uint64_t hash = hash_of_id(id);
    for (size_t i = 0; i < result->entry_count; i++) {
        if (result->entries[i].key_hash == hash)
            return result->entries[i].reasons;
    }
    return 0;
}

static void probe_risk(HeldSource *held, const char *name, uint64_t chunk_bytes, ProbeResult *ret)
{
    uint32_t id = id_of(held, name);
    (void)plan_again(held, id, chunk_bytes);
    const ProbeRequest request = {.table = catalog_table(&held->plan.catalog, id),
                                  .level = VERIFY_SAMPLE,
                                  .seed = SEED,
                                  .modulus = UINT64_MAX,
                                  .chunks = held->plan.chunks,
                                  .chunk_count = held->plan.chunk_count,
                                  .pick_risk = true};
    probe(held, &request, ret);
}

static void risk_rows_are_edges_longest_and_those_with_most_nulls(void **state)
{
    (void)state;
    ProbeResult result;
    HeldSource held;
    set_database(PATH,
                 "create table t (id integer primary key, a, b, c);"
                 "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000)"
                 " insert into t select i, 'some', 2, 3 from n;"
                 "update t set a = zeroblob(500 + id) where id in (17, 400, 723);"
                 "update t set a = zeroblob(400) where id = 555;"
                 "update t set b = null where id = 30; update t set b = null, c = null where id = "
                 "601");
    set_held(&held, PATH);
    probe_risk(&held, "t", UINT64_MAX, &result);
    assert_int_equal(result.rows, 1000);
    assert_int_equal(result.entry_count, 2 + 3 + 2);
    assert_int_equal(reasons_of_id(&result, 1), CHOSEN_EDGE);
    assert_int_equal(reasons_of_id(&result, 1000), CHOSEN_EDGE);
    assert_int_equal(reasons_of_id(&result, 17), CHOSEN_LONGEST);
    assert_int_equal(reasons_of_id(&result, 400), CHOSEN_LONGEST);
    assert_int_equal(reasons_of_id(&result, 723), CHOSEN_LONGEST);
    assert_int_equal(reasons_of_id(&result, 30), CHOSEN_NULLS);
    assert_int_equal(reasons_of_id(&result, 601), CHOSEN_NULLS);
    probe_result_release(&result);
    end_held(&held);
}

static void both_ends_of_every_chunk_are_edges(void **state)
{
    (void)state;
    static const char *const names[] = {"dense", "sparse", "pair", "falling", "mixed", "folded"};
    HeldSource held;
    ProbeResult result;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        probe_risk(&held, names[i], 500, &result);
        assert_true(held.plan.chunk_count > 2);
        assert_int_equal(count_reason(&result, CHOSEN_EDGE), 2 * held.plan.chunk_count);
        probe_result_release(&result);
    }
    end_held(&held);
}

static void a_row_chosen_for_several_reasons_is_one_entry(void **state)
{
    (void)state;
    Error err = {0};
    HeldSource held;
    ProbeResult result = {0};
    set_database(PATH,
                 "create table t (id integer primary key, a); insert into t values (5, null)");
    set_held(&held, PATH);
    const uint64_t also[] = {hash_of_id(5)};
    assert_int_equal(plan_again(&held, 1, 100), 1);
    const ProbeRequest request = {.table = catalog_table(&held.plan.catalog, 1),
                                  .level = VERIFY_FULL,
                                  .seed = SEED,
                                  .modulus = 1,
                                  .chunks = held.plan.chunks,
                                  .chunk_count = held.plan.chunk_count,
                                  .pick_risk = true,
                                  .also = also,
                                  .also_count = 1};
    expect_ok(prober_probe(held.reader->prober, &request, &result, &err), &err);
    assert_int_equal(result.entry_count, 1);
    assert_int_equal(result.entries[0].reasons, CHOSEN_RANDOM | CHOSEN_EDGE | CHOSEN_LONGEST |
                                                    CHOSEN_NULLS | CHOSEN_REQUESTED);
    probe_result_release(&result);
    end_held(&held);
}

static void equal_rows_without_a_key_are_all_counted(void **state)
{
    (void)state;
    HeldSource held;
    ProbeResult result;
    set_tables(PATH, "UTF-8");
    set_held(&held, PATH);
    const ProbeRequest request = {.table =
                                      catalog_table(&held.plan.catalog, id_of(&held, "nameless")),
                                  .level = VERIFY_SAMPLE,
                                  .seed = SEED,
                                  .modulus = 1,
                                  .pick_risk = true};
    probe(&held, &request, &result);
    assert_int_equal(result.rows, 30);
    assert_int_equal(result.keys.rows, 30);
    assert_int_equal(result.entry_count, 30);
    probe_result_release(&result);
    end_held(&held);
}

/* Probes the staging table copy_of_t with its layout of t. */
static void probe_staged(HeldSource *held, VerifyLevel level, ProbeResult *ret)
{
    Error err = {0};
    Db *db = NULL;
    Table *table = catalog_table(&held->plan.catalog, id_of(held, "t"));
    free(table->staged_name);
    table->staged_name = xstrdup("copy of t");
    const ProbeRequest request = {
        .table = table, .staged = true, .level = level, .seed = SEED, .modulus = 1};
    *ret = (ProbeResult){0};
    expect_ok(db_open(PATH, DB_WRITE, &db, &err), &err);
    Prober *prober = NULL;
    expect_ok(sqlite_prober_new(db, &prober, &err), &err);
    expect_ok(prober_probe(prober, &request, ret, &err), &err);
    prober_free(prober);
    db_free(db);
}

static void any_difference_of_a_staged_table_shows(void **state)
{
    (void)state;
    static const struct {
        const char *change;
        bool rows_differ;
        bool keys_differ;
        bool all_differ;
    } cases[] = {
        {"select 1", false, false, false},
        {"update \"copy of t\" set b = 'other' where a = 3", false, false, true},
        {"update \"copy of t\" set b = 5.0 where a = 5", false, false, true},
        {"update \"copy of t\" set a = 100 where a = 3", false, true, true},
        {"delete from \"copy of t\" where a = 9", true, true, true},
        {"insert into \"copy of t\" values (11, 0)", true, true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        HeldSource held;
        ProbeResult source;
        ProbeResult staged;
        set_database(PATH,
                     "pragma journal_mode = wal;"
                     "create table t (a integer primary key, b);"
                     "create table \"copy of t\" (a integer primary key, b);"
                     "with recursive n(i) as (select 1 union all select i + 1 from n limit 10)"
                     " insert into t select i, i from n;"
                     "insert into \"copy of t\" select * from t;");
        set_sql(PATH, cases[i].change);
        set_held(&held, PATH);
        const ProbeRequest request = {.table = catalog_table(&held.plan.catalog, id_of(&held, "t")),
                                      .level = VERIFY_FULL,
                                      .seed = SEED,
                                      .modulus = 1};
        probe(&held, &request, &source);
        probe_staged(&held, VERIFY_FULL, &staged);
        assert_int_equal(source.rows != staged.rows, cases[i].rows_differ);
        assert_int_equal(!digest_equal(&source.keys, &staged.keys), cases[i].keys_differ);
        assert_int_equal(!digest_equal(&source.all, &staged.all), cases[i].all_differ);
        probe_result_release(&source);
        probe_result_release(&staged);
        end_held(&held);
    }
}

/* An index is made to lie: its entries are those of another table with the same columns. */
static void an_index_never_answers_for_its_table(void **state)
{
    (void)state;
    static const char *const keys[] = {"a, b, c, primary key (a)) without rowid", "a, b, c)"};
    for (size_t i = 0; i < 2; i++) {
        HeldSource held;
        ProbeResult result;
        AUTO_FREE_MEMORY char *sql = xasprintf(
            "create table t (%s; create table u (%s;"
            "insert into t values (1, 1, 1), (2, 2, 2); insert into u values (7, 7, 7);"
            "create index t_all on t (c, b, a); create index u_all on u (c, b, a);"
            "create temp table root as select rootpage from sqlite_schema where name = 'u_all';"
            "pragma writable_schema = on;"
            "update sqlite_schema set rootpage = (select rootpage from root) where name = 't_all'",
            keys[i], keys[i]);
        set_database(PATH, sql);
        assert_int_equal(ask_integer(PATH, "select a from t indexed by t_all"), 7);
        set_held(&held, PATH);
        for (int wide = 0; wide < 2; wide++) {
            const ProbeRequest request = {.table =
                                              catalog_table(&held.plan.catalog, id_of(&held, "t")),
                                          .level = wide ? VERIFY_FULL : VERIFY_SAMPLE,
                                          .seed = SEED,
                                          .modulus = 1};
            ProbeRequest count = request;
            count.level = VERIFY_COUNT;
            probe(&held, &request, &result);
            assert_int_equal(result.rows, 2);
            assert_int_equal(result.entry_count, 2);
            probe_result_release(&result);
            probe(&held, &count, &result);
            assert_int_equal(result.rows, 2);
        }
        end_held(&held);
    }
}

static void probing_ends_when_a_stop_is_wanted(void **state)
{
    (void)state;
    static const VerifyLevel levels[] = {VERIFY_COUNT, VERIFY_SAMPLE, VERIFY_FULL};
    HeldSource held;
    set_database(PATH, "create table t (a);"
                       "with recursive n(i) as (select 1 union all select i + 1 from n limit 50000)"
                       " insert into t select i from n");
    set_held(&held, PATH);
    for (size_t i = 0; i < 3; i++) {
        Error err = {0};
        ProbeResult result = {0};
        const ProbeRequest request = {.table = catalog_table(&held.plan.catalog, 1),
                                      .level = levels[i],
                                      .seed = SEED,
                                      .modulus = 1000};
        stop_request();
        Status status = prober_probe(held.reader->prober, &request, &result, &err);
        stop_reset();
        if (levels[i] != VERIFY_COUNT) /* counting so few is one step for SQLite */
            assert_int_equal(status, STATUS_STOPPED);
        assert_null(result.entries);
        probe(&held, &request, &result);
        assert_int_equal(result.rows, 50000);
        probe_result_release(&result);
    }
    end_held(&held);
}

#ifdef FAULT_POINTS
static void a_fault_leaves_the_result_untouched(void **state)
{
    (void)state;
    Error err = {0};
    HeldSource held;
    ProbeResult result = {.rows = 77};
    set_database(PATH, "create table t (a); insert into t values (1)");
    set_held(&held, PATH);
    const ProbeRequest request = {
        .table = catalog_table(&held.plan.catalog, 1), .level = VERIFY_FULL, .modulus = 1};
    fault_arm(FAULT_FAIL, 1, "prober.probe");
    assert_int_equal(prober_probe(held.reader->prober, &request, &result, &err), STATUS_RETRY);
    fault_arm(FAULT_NONE, 0, NULL);
    assert_int_equal(result.rows, 77);
    probe(&held, &request, &result);
    assert_int_equal(result.rows, 1);
    probe_result_release(&result);
    end_held(&held);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_rows_and_sample_are_those_of_the_reader),
        cmocka_unit_test(requested_rows_are_found_by_their_hash),
        cmocka_unit_test(risk_rows_are_edges_longest_and_those_with_most_nulls),
        cmocka_unit_test(both_ends_of_every_chunk_are_edges),
        cmocka_unit_test(a_row_chosen_for_several_reasons_is_one_entry),
        cmocka_unit_test(equal_rows_without_a_key_are_all_counted),
        cmocka_unit_test(any_difference_of_a_staged_table_shows),
        cmocka_unit_test(an_index_never_answers_for_its_table),
        cmocka_unit_test(probing_ends_when_a_stop_is_wanted),
#ifdef FAULT_POINTS
        cmocka_unit_test(a_fault_leaves_the_result_untouched),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
