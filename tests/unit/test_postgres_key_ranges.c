/*
 * Ranges of keys, as for a source before version 14: which tables are cut so, and that their chunks
 * are the table, whatever the key holds. The server of the test is newer: that an old one is read is
 * told by the parameter, and by Table.key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/key_ranges.h"
#include "engine/flow/digest.h"
#include "tests/support/pg_describe.h"
#include "tests/support/pg_tables.h"

enum {
    SEED = 12345,
};

static PgCluster *cluster;

static int start_cluster(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static void run(const char *sql)
{
    pg_cluster_run(cluster, NULL, sql);
}

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

static Table *add(Catalog *catalog, const char *name, RowFormat format)
{
    Table *table = pg_tables_add(catalog, cluster, NULL, "public", name, format);

    table->key = KEY_COLUMNS;
    return table;
}

/* ---- which tables ---- */

static KeyKind key_of(const Described *described, const char *name)
{
    return described_table(described, "public", name)->key;
}

static void choose(Described *described, int major)
{
    Error err = {0};

    expect_ok(pg_choose_range_keys(described->connection, major, &described->catalog,
                                   &described->findings, &err),
              &err);
}

static void keys_that_read_back_the_same_are_chosen_for_old_servers(void **state)
{
    static const char *const cut[] = {"a_small", "a_big",     "a_number", "a_uuid", "a_day",
                                      "a_time",  "a_c",       "a_posix",  "a_name", "a_pair",
                                      "unique_", "Quoted \"", "a_padded"};
    static const char *const whole[] = {"no_key",  "a_text",   "a_citext", "a_mood",  "a_float",
                                        "pattern", "nullable", "partial",  "a_domain"};
    AUTO_DESCRIBED Described described = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    described_set_up(
        &described, cluster,
        "create extension citext; create type mood as enum ('a'); create domain dom as int; "
        "create table a_small (k smallint primary key); create table a_big (k bigint primary key); "
        "create table a_number (k numeric(9, 2) primary key); "
        "create table a_uuid (v text, k uuid primary key); create table a_day (k date primary "
        "key); "
        "create table a_time (k timestamptz primary key); "
        "create table a_c (k text collate \"C\" primary key); "
        "create table a_posix (k varchar(9) collate \"POSIX\" primary key); "
        "create table a_name (k name primary key); "
        "create table a_pair (b text, a int, primary key (a, b)); "
        "create table unique_ (a int not null unique, b text); "
        "create table \"Quoted \"\"\" (\"a \"\"b\" int primary key); "
        "create table a_padded (k char(7) collate \"C\" primary key); "
        "create table no_key (a int); create index on no_key (a); "
        "create table a_text (k text collate \"en-x-icu\" primary key); "
        "create table a_citext (k citext collate \"C\" primary key); "
        "create table a_mood (k mood primary key); create table a_float (k float8 primary key); "
        "create table pattern (k text collate \"C\" not null); "
        "create unique index on pattern (k text_pattern_ops); "
        "create table nullable (k int unique); "
        "create table partial (k int not null); create unique index on partial (k) where k > 0; "
        "create table a_domain (k dom primary key)");
    described_read(&described);
    choose(&described, PG_MAJOR_WITH_TID_RANGES);
    for (size_t i = 0; i < described.catalog.table_count; i++)
        assert_int_equal(described.catalog.tables[i].key, KEY_PHYSICAL);
    choose(&described, PG_MAJOR_WITH_TID_RANGES - 1);
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        if (key_of(&described, cut[i]) != KEY_COLUMNS)
            fail_msg("table %s is not cut by its key", cut[i]);
    }
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        if (key_of(&described, whole[i]) != KEY_PHYSICAL)
            fail_msg("table %s is cut by a key that does not serve", whole[i]);
    }
    assert_int_equal(sizeof(cut) / sizeof(cut[0]) + sizeof(whole) / sizeof(whole[0]),
                     described.catalog.table_count);
}

static void an_index_that_is_not_valid_does_not_serve(void **state)
{
    AUTO_DESCRIBED Described described = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    described_set_up(
        &described, cluster,
        "create table sick (k int not null); create unique index sick_key on sick (k); "
        "create table well (k int not null); create unique index on well (k)");
    described_read(&described);
    pg_cluster_run(
        cluster, described.database,
        "update pg_index set indisvalid = false where indexrelid = 'sick_key'::regclass");
    choose(&described, 12);
    assert_int_equal(key_of(&described, "sick"), KEY_PHYSICAL);
    assert_int_equal(key_of(&described, "well"), KEY_COLUMNS);
}

static void large_tables_in_one_piece_are_named_once(void **state)
{
    AUTO_DESCRIBED Described described = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    described_set_up(&described, cluster,
                     "create table by_key (k int primary key); create table small (a int); "
                     "create table large_1 (a int); create table large_2 (a int); "
                     "create table large_3 (a int); create table large_4 (a int)");
    described_read(&described);
    for (size_t i = 0; i < described.catalog.table_count; i++) {
        if (strcmp(described.catalog.tables[i].name, "small") != 0)
            described.catalog.tables[i].byte_estimate = UINT64_C(1) << 40;
    }
    choose(&described, PG_MAJOR_WITH_TID_RANGES);
    assert_null(described_finding(&described, FINDING_NOTE, NULL, "one piece"));
    choose(&described, 13);
    described_expect_finding(&described, FINDING_NOTE, NULL,
                             "4 (public.large_1, public.large_2, public.large_3, ...)");
}

/* ---- chunks ---- */

static void read_chunk(const PgHeld *held, const Table *table, const Chunk *chunk, Digest *digest)
{
    Error err = {0};
    Status status;
    Block block;

    expect_ok(reader_begin(held->reader, table, chunk, &err), &err);
    while ((status = reader_read(held->reader, &block, &err)) == STATUS_OK)
        expect_ok(digest_add_block(digest, table->format, &block, &err), &err);
    expect_ok(status, &err);
    reader_end(held->reader);
}

static void plan_of(const PgHeld *held, Table *table, uint64_t chunk_bytes, Plan *plan)
{
    uint64_t bytes = 0;
    Error err = {0};

    expect_ok(reader_plan(held->reader, table, chunk_bytes, plan, &err), &err);
    assert_true(plan->chunk_count >= 1);
    assert_int_equal(plan->chunks[0].lower.size, 0);
    assert_int_equal(plan->chunks[plan->chunk_count - 1].upper.size, 0);
    for (size_t i = 0; i < plan->chunk_count; i++) {
        assert_int_equal(plan->chunks[i].number, i + 1);
        bytes += plan->chunks[i].byte_estimate;
        if (i == 0)
            continue;
        assert_true(plan->chunks[i].lower.size > 0);
        assert_true(bytes_equal(&plan->chunks[i].lower, &plan->chunks[i - 1].upper));
    }
    assert_in_range(table->byte_estimate - bytes, 0, plan->chunk_count);
}

/* All chunks together are the table; says how many there were at most. */
static size_t expect_union(const PgHeld *held, Table *table)
{
    static const uint64_t sizes[] = {1, 8192, 20000, 100000, UINT64_MAX};
    const Chunk whole = {.table_id = table->id, .number = 1};
    Digest expected = {0};
    size_t most = 0;

    read_chunk(held, table, &whole, &expected);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        AUTO_PLAN Plan plan = {0};
        Digest digest = {0};

        plan_of(held, table, sizes[i], &plan);
        for (size_t c = 0; c < plan.chunk_count; c++)
            read_chunk(held, table, &plan.chunks[c], &digest);
        if (!digest_equal(&digest, &expected))
            fail_msg("table %s: %zu chunks are not the table", table->name, plan.chunk_count);
        most = plan.chunk_count > most ? plan.chunk_count : most;
    }
    return most;
}

typedef struct KeyCase {
    const char *name;
    const char *key;    /* type, collation */
    const char *values; /* of g, in 1 to 3000 */
} KeyCase;

/* In the order of the key, so that ranges are not limited to a few. */
static const KeyCase keys[] = {
    {"int2s", "smallint", "g - 1500"},
    {"int8s", "bigint", "g * 6000000000000000.0 - 9223372036854775808"},
    {"oids", "oid", "(g * 1000000::bigint)::oid"},
    {"numerics", "numeric", "case when g < 2900 then (g - 100) / 7.0 else g * 1e100 end"},
    {"uuids", "uuid", "lpad(to_hex(g), 32, '0')::uuid"},
    {"dates", "date",
     "case g when 1 then '-infinity' when 3000 then 'infinity' else '2000-01-01 BC'::date + g * "
     "300 "
     "end"},
    {"times", "timestamp", "'4000-01-01 BC'::timestamp + g * interval '17 days 1.000001 seconds'"},
    {"zones", "timestamptz", "'1890-01-01'::timestamptz + g * interval '17 days 1.000001 seconds'"},
    {"names", "name", "lpad(g::text, 5, '0')"},
    {"padded", "char(9) collate \"C\"", "lpad(g::text, 5, '0')"},
    {"varchars", "varchar(30) collate \"C\"",
     "lpad(g::text, 5, '0') || E'\\t''\"\\\\ \\n' || chr(228)"},
};

static void make_table(const KeyCase *key)
{
    AUTO_FREE_MEMORY char *sql =
        xasprintf("create table %s (v text, k %s primary key); "
                  "insert into %s select repeat('v', 60), %s from generate_series(1, 3000) g",
                  key->name, key->key, key->name, key->values);

    run(sql);
}

static void ranges_of_every_kind_of_key_are_the_table(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        make_table(&keys[i]);
    pg_held_open(&held, cluster, "postgres");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (expect_union(&held, add(&catalog, keys[i].name, ROW_PG_BINARY)) < 20)
            fail_msg("table %s has too few chunks", keys[i].name);
        (void)expect_union(&held, add(&catalog, keys[i].name, ROW_PG_TEXT));
    }
}

static void odd_values_fall_into_one_range_each(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table not_numbers (k numeric, n int, primary key (k, n)); "
        "insert into not_numbers select 'NaN', g from generate_series(1, 2000) g; "
        "insert into not_numbers select case g % 3 when 0 then 1.0 when 1 then 1.00 else 1 end, g "
        " from generate_series(1, 2000) g; "
        "create table empty_texts (k text collate \"C\", n int, primary key (k, n)); "
        "insert into empty_texts select case when g < 100 then '' else ' ' || lpad(g::text, 5) "
        "end, g "
        " from generate_series(1, 3000) g; "
        "create table one_value (k int, n int, primary key (k, n)); "
        "insert into one_value select 7, g from generate_series(1, 3000) g; "
        "create table emptied (k int primary key); insert into emptied select "
        " generate_series(1, 3000); delete from emptied; "
        "create table one_row (k int primary key); insert into one_row values (1); "
        "create table no_row (k int primary key)");
    pg_held_open(&held, cluster, "postgres");
    for (int i = 0; i < 2; i++) {
        RowFormat format = i == 0 ? ROW_PG_BINARY : ROW_PG_TEXT;

        assert_int_equal(expect_union(&held, add(&catalog, "not_numbers", format)), 2);
        assert_true(expect_union(&held, add(&catalog, "empty_texts", format)) > 1);
        assert_int_equal(expect_union(&held, add(&catalog, "one_value", format)), 1);
        assert_int_equal(expect_union(&held, add(&catalog, "emptied", format)), 1);
        assert_int_equal(expect_union(&held, add(&catalog, "one_row", format)), 1);
        assert_int_equal(expect_union(&held, add(&catalog, "no_row", format)), 1);
    }
}

static void a_partitioned_table_is_cut_across_its_leaves(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table leafy (b text, a int primary key) partition by hash (a); "
        "create table leafy_0 partition of leafy for values with (modulus 2, remainder 0); "
        "create table leafy_1 partition of leafy for values with (modulus 2, remainder 1); "
        "insert into leafy select md5(g::text), g from generate_series(1, 5000) g");
    pg_held_open(&held, cluster, "postgres");
    assert_true(expect_union(&held, add(&catalog, "leafy", ROW_PG_BINARY)) > 20);
}

static void chunks_are_of_about_the_same_size(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_PLAN Plan plan = {0};
    Table *table = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table gaps (a bigint primary key, b text); insert into gaps "
        "select case when g < 20000 then g else g * 1000000000::bigint end, repeat('b', 50) "
        "from generate_series(1, 40000) g");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "gaps", ROW_PG_BINARY);
    plan_of(&held, table, 400000, &plan);
    assert_in_range(plan.chunk_count, 7, 12);
    for (size_t i = 0; i < plan.chunk_count; i++) {
        Digest digest = {0};

        read_chunk(&held, table, &plan.chunks[i], &digest);
        assert_in_range(digest.rows, 20000 / plan.chunk_count, 80000 / plan.chunk_count);
    }
}

static void a_key_that_is_scattered_makes_a_few_chunks_only(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table scattered (k uuid primary key, v text); insert into scattered "
        "select md5(g::text)::uuid, 'v' from generate_series(1, 5000) g");
    pg_held_open(&held, cluster, "postgres");
    assert_int_equal(expect_union(&held, add(&catalog, "scattered", ROW_PG_BINARY)), 4);
}

static void a_malformed_bound_is_refused_without_its_value(void **state)
{
    static const char *const bounds[] = {"secret word", "1\0secret"};
    static const size_t sizes[] = {11, 8};
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Table *table = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table bounded (a int primary key); insert into bounded values (1); "
        "create table unkeyed (a int)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "bounded", ROW_PG_BINARY);
    for (size_t i = 0; i < 2; i++) {
        Chunk chunk = {.table_id = table->id, .number = 1};
        Error err = {0};
        Block block;

        chunk.lower = bytes_copy(bounds[i], sizes[i]);
        Status status = reader_begin(held.reader, table, &chunk, &err);
        if (status >= 0)
            status = reader_read(held.reader, &block, &err);
        assert_true(status < 0);
        assert_null(strstr(err.message, "secret"));
        assert_null(strstr(err.hint, "secret"));
        bytes_release(&chunk.lower);
    }
    const Chunk whole = {.table_id = 1, .number = 1};
    Error err = {0};
    assert_int_equal(reader_begin(held.reader, add(&catalog, "unkeyed", ROW_PG_TEXT), &whole, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "has no key to cut it by"));
}

/* ---- edges ---- */

static bool has_edge(const ProbeResult *result, const char *key)
{
    uint64_t hash = key_hash(key, strlen(key), SEED);

    for (size_t i = 0; i < result->entry_count; i++) {
        if (result->entries[i].key_hash == hash && (result->entries[i].reasons & CHOSEN_EDGE))
            return true;
    }
    return false;
}

static char *bound_text(const Bytes *bound)
{
    return bound->size > 0 ? xstrndup((const char *)bound->data, bound->size) : xstrdup("");
}

/* The first and the last key of a chunk, as rows of COPY in text format; "" when it is empty. */
static void ask_edges(const Chunk *chunk, char *ret_first, char *ret_last, size_t size)
{
    AUTO_FREE_MEMORY char *lower = bound_text(&chunk->lower);
    AUTO_FREE_MEMORY char *upper = bound_text(&chunk->upper);

    for (int i = 0; i < 2; i++) {
        AUTO_FREE_MEMORY char *sql =
            xasprintf("select %s(a) from edged where a >= %s and a < %s", i ? "max" : "min",
                      *lower ? lower : "-100000", *upper ? upper : "100000");
        AUTO_FREE_MEMORY char *key = pg_cluster_ask(cluster, NULL, sql);

        (void)snprintf(i ? ret_last : ret_first, size, "%s\n", key);
    }
}

static void first_and_last_key_of_each_chunk_are_looked_at(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_PLAN Plan plan = {0};
    Table *table = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table edged (a int primary key, b text); insert into edged "
        "select g, repeat('b', 50) from generate_series(1, 20000) g; "
        "update edged set b = 'elsewhere' where a % 100 = 0");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "edged", ROW_PG_TEXT);
    plan_of(&held, table, 10000, &plan);
    assert_true(plan.chunk_count > 100);
    for (int full = 0; full < 2; full++) {
        __attribute__((cleanup(probe_result_release))) ProbeResult found = {0};
        const ProbeRequest request = {.table = table,
                                      .level = full ? VERIFY_FULL : VERIFY_SAMPLE,
                                      .seed = SEED,
                                      .modulus = 1000000000,
                                      .pick_risk = true,
                                      .chunks = plan.chunks,
                                      .chunk_count = plan.chunk_count};
        Error err = {0};

        expect_ok(prober_probe(held.reader->prober, &request, &found, &err), &err);
        assert_int_equal(found.rows, 20000);
        for (size_t i = 0; i < plan.chunk_count; i++) {
            char first[32];
            char last[32];

            ask_edges(&plan.chunks[i], first, last, sizeof(first));
            if (!has_edge(&found, first) || !has_edge(&found, last))
                fail_msg("an edge of chunk %zu is missing", i + 1);
        }
    }
}

static void every_failure_of_planning_leaves_the_plan_as_it_was(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_PLAN Plan plan = {0};
    Table *table = NULL;
    bool fired = true;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table planned (a int primary key); "
        "insert into planned select generate_series(1, 10000)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "planned", ROW_PG_BINARY);
    for (unsigned n = 1; fired; n++) {
        Error err = {0};

        fault_arm(FAULT_FAIL, n, NULL);
        Status status = reader_plan(held.reader, table, 20000, &plan, &err);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, NULL);
        assert_true(fired == (status < 0));
        if (fired && held.reader != NULL)
            assert_int_equal(plan.chunk_count, 0);
    }
    assert_true(plan.chunk_count > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_read_back_the_same_are_chosen_for_old_servers),
        cmocka_unit_test(an_index_that_is_not_valid_does_not_serve),
        cmocka_unit_test(large_tables_in_one_piece_are_named_once),
        cmocka_unit_test(ranges_of_every_kind_of_key_are_the_table),
        cmocka_unit_test(odd_values_fall_into_one_range_each),
        cmocka_unit_test(a_partitioned_table_is_cut_across_its_leaves),
        cmocka_unit_test(chunks_are_of_about_the_same_size),
        cmocka_unit_test(a_key_that_is_scattered_makes_a_few_chunks_only),
        cmocka_unit_test(a_malformed_bound_is_refused_without_its_value),
        cmocka_unit_test(first_and_last_key_of_each_chunk_are_looked_at),
        cmocka_unit_test(every_failure_of_planning_leaves_the_plan_as_it_was),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
