/*
 * The PostgreSQL reader: plans, and the bytes it sends, compared with what the server copies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/flow/digest.h"
#include "tests/support/pg_tables.h"

static PgCluster *cluster;

static int start_cluster(void **state)
{
    const char *settings[] = {"max_prepared_transactions=5", NULL};

    (void)state;
    cluster = pg_cluster_start(settings);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

static void run(const char *sql)
{
    pg_cluster_run(cluster, NULL, sql);
}

/* ---- what the server itself copies ---- */

static void copy_directly(const char *query, RowFormat format, Text *ret)
{
    PGconn *connection = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    AUTO_FREE_MEMORY char *sql = xasprintf("COPY (%s) TO STDOUT (FORMAT %s)", query,
                                           format == ROW_PG_BINARY ? "binary" : "text");
    char *message = NULL;

    PQclear(PQexec(connection, "set timezone = 'UTC'; set intervalstyle = 'postgres'; "
                               "set datestyle = 'ISO'; set extra_float_digits = 3; "
                               "set bytea_output = 'hex'"));
    PQclear(PQexec(connection, sql));
    for (int size = 0; (size = PQgetCopyData(connection, &message, 0)) > 0;) {
        text_append_bytes(ret, message, (size_t)size);
        PQfreemem(message);
    }
    PQfinish(connection);
    if (format != ROW_PG_BINARY)
        return;
    assert_true(ret->size >= 21);
    memmove(ret->data, ret->data + 19, ret->size - 19);
    ret->size -= 21;
}

/* ---- reading ---- */

static void read_chunk(const PgHeld *held, const Table *table, const Chunk *chunk, Text *bytes,
                       Digest *digest)
{
    Error err = {0};
    Status status;
    Block block;

    expect_ok(reader_begin(held->reader, table, chunk, &err), &err);
    while ((status = reader_read(held->reader, &block, &err)) == STATUS_OK) {
        assert_true(block.rows > 0);
        if (bytes != NULL)
            text_append_bytes(bytes, block.data, block.size);
        if (digest != NULL)
            expect_ok(digest_add_block(digest, table->format, &block, &err), &err);
    }
    expect_ok(status, &err);
    assert_int_equal(reader_read(held->reader, &block, &err), STATUS_DONE);
    reader_end(held->reader);
}

static void expect_same_as_server(const PgHeld *held, const Table *table, const char *query)
{
    const Chunk whole = {.table_id = table->id, .number = 1};
    AUTO_TEXT Text mine = {0};
    AUTO_TEXT Text theirs = {0};

    read_chunk(held, table, &whole, &mine, NULL);
    copy_directly(query, table->format, &theirs);
    assert_int_equal(mine.size, theirs.size);
    assert_memory_equal(text_string(&mine), text_string(&theirs), theirs.size);
}

static Table *add(Catalog *catalog, const char *name, RowFormat format)
{
    return pg_tables_add(catalog, cluster, NULL, "public", name, format);
}

static void rows_of_every_type_are_sent_as_the_server_copies_them(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create type mood as enum ('sad', 'ok'); create type pair as (a int, b text); "
        "create table types (i2 smallint, i4 int, i8 bigint, n numeric, f4 real, f8 float8, "
        " t text, v varchar(20), c char(5), b bytea, d date, ts timestamp, tz timestamptz, "
        " iv interval, bo boolean, u uuid, j json, jb jsonb, x xml, ip inet, ci cidr, ma macaddr, "
        " bi bit(3), vb bit varying, p point, po polygon, ar int[], ta text[], m mood, pr pair, "
        " r int4range, mr nummultirange, ts_v tsvector, tq tsquery, mo money, l pg_lsn, "
        " \"Q\"\"uoted, name\" int, g int generated always as (i4 * 2) stored); "
        "insert into types (i2, i4, i8, n, f4, f8, t, v, c, b, d, ts, tz, iv, bo, u, j, jb, x, ip, "
        " ci, ma, bi, vb, p, po, ar, ta, m, pr, r, mr, ts_v, tq, mo, l, \"Q\"\"uoted, name\") "
        "values "
        "(1, 2, 3, 'NaN', 1.1, 0.1, E'a\\tb\\n\\\\', '', 'x', '\\xff00', '2024-02-29', 'infinity', "
        " '2024-01-01 12:00+05', '1 mon -3 days 04:05', true, "
        " '00000000-0000-0000-0000-000000000001', '{\"a\" : 1}', '{\"a\": 1}', '<a/>', "
        "'10.0.0.1/8', "
        " '10.0.0.0/8', '08:00:2b:01:02:03', '101', '1', '(1,2)', '((0,0),(1,1))', '{1,NULL,3}', "
        " E'{\"a,b\",NULL,\"\\n\"}', 'ok', '(1,\"x y\")', '[1,5)', '{[1,2),[5,6)}', 'a:1 b', 'a & "
        "b', "
        " '1.50', '0/16B3748', 7), "
        "(null, null, null, null, '-0', '1e300', repeat('\xc3\xa4', 5000), null, null, null, null, "
        " null, null, null, null, null, null, null, null, null, null, null, null, null, null, "
        "null, "
        " null, null, null, null, null, null, null, null, null, null, null)");
    pg_held_open(&held, cluster, "postgres");
    for (int i = 0; i < 2; i++) {
        const Table *table = add(&catalog, "types", i == 0 ? ROW_PG_BINARY : ROW_PG_TEXT);

        expect_same_as_server(
            &held, table,
            "select i2, i4, i8, n, f4, f8, t, v, c, b, d, ts, tz, iv, bo, u, j, jb, x, ip, ci, ma, "
            "bi, vb, p, po, ar, ta, m, pr, r, mr, ts_v, tq, mo, l, \"Q\"\"uoted, name\" from "
            "types");
    }
}

static void tables_without_rows_or_columns_are_read(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table no_rows (a int, b text); create table no_columns (); "
        "insert into no_columns select from generate_series(1, 300); "
        "create table only_generated (g int generated always as (1) stored); "
        "insert into only_generated select from generate_series(1, 5)");
    pg_held_open(&held, cluster, "postgres");
    for (int i = 0; i < 2; i++) {
        RowFormat format = i == 0 ? ROW_PG_BINARY : ROW_PG_TEXT;

        expect_same_as_server(&held, add(&catalog, "no_rows", format), "select * from no_rows");
        expect_same_as_server(&held, add(&catalog, "no_columns", format), "select from no_columns");
        expect_same_as_server(&held, add(&catalog, "only_generated", format),
                              "select from only_generated");
    }
}

static void children_are_left_out_of_their_parent(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table parent (a int); create table child (b int) inherits (parent); "
        "insert into parent values (1), (2); insert into child values (3, 4)");
    pg_held_open(&held, cluster, "postgres");
    expect_same_as_server(&held, add(&catalog, "parent", ROW_PG_TEXT), "select * from only parent");
}

/* ---- chunks ---- */

static void plan_of(const PgHeld *held, Table *table, uint64_t chunk_bytes, Plan *plan)
{
    Error err = {0};

    expect_ok(reader_plan(held->reader, table, chunk_bytes, plan, &err), &err);
    assert_true(plan->chunk_count >= 1);
    assert_int_equal(plan->chunks[0].lower.size, 0);
    assert_int_equal(plan->chunks[plan->chunk_count - 1].upper.size, 0);
    for (size_t i = 1; i < plan->chunk_count; i++) {
        assert_int_equal(plan->chunks[i].number, i + 1);
        assert_true(plan->chunks[i].lower.size > 0);
        assert_true(bytes_equal(&plan->chunks[i].lower, &plan->chunks[i - 1].upper));
    }
}

/* Whatever the size of the chunks, all of them together are the table. */
static void expect_union(const PgHeld *held, Table *table, size_t at_least)
{
    static const uint64_t sizes[] = {1, 8192, 20000, 100000, 1000000, UINT64_MAX};
    const Chunk whole = {.table_id = table->id, .number = 1};
    Digest expected = {0};
    size_t most = 0;

    read_chunk(held, table, &whole, NULL, &expected);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        AUTO_PLAN Plan plan = {0};
        Digest digest = {0};

        plan_of(held, table, sizes[i], &plan);
        for (size_t c = 0; c < plan.chunk_count; c++)
            read_chunk(held, table, &plan.chunks[c], NULL, &digest);
        assert_true(digest_equal(&digest, &expected));
        most = plan.chunk_count > most ? plan.chunk_count : most;
    }
    assert_true(most >= at_least);
}

static void chunks_together_are_the_table(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table holes (a int primary key, b text, c text); "
        "insert into holes select g, md5(g::text), case when g % 50 = 0 then "
        " (select string_agg(md5((g + s)::text), '') from generate_series(1, 200) s) end "
        "from generate_series(1, 5000) g; "
        "delete from holes where a % 3 = 0 or a between 1000 and 2500; "
        "update holes set b = 'changed' where a % 7 = 0; "
        "create table one_row (a int); insert into one_row values (1); "
        "create table emptied (a int); insert into emptied select generate_series(1, 2000); "
        "delete from emptied");
    pg_held_open(&held, cluster, "postgres");
    for (int i = 0; i < 2; i++) {
        RowFormat format = i == 0 ? ROW_PG_BINARY : ROW_PG_TEXT;

        expect_union(&held, add(&catalog, "holes", format), 20);
        expect_union(&held, add(&catalog, "one_row", format), 1);
        expect_union(&held, add(&catalog, "emptied", format), 2);
    }
}

static void a_partitioned_table_is_cut_leaf_by_leaf(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table parts (b text, a int) partition by hash (a); "
        "create table parts_0 partition of parts for values with (modulus 3, remainder 0); "
        "create table parts_1 (a int, dropped int, b text); "
        "alter table parts_1 drop column dropped; "
        "alter table parts attach partition parts_1 for values with (modulus 3, remainder 1); "
        "create table parts_2 partition of parts for values with (modulus 3, remainder 2) "
        " partition by range (a); "
        "create table parts_2_low partition of parts_2 for values from (minvalue) to (100); "
        "create table \"Parts 2 high\" partition of parts_2 for values from (100) to (maxvalue); "
        "create table parts_2_none partition of parts_2 default; "
        "insert into parts select md5(g::text), g from generate_series(1, 4000) g; "
        "delete from parts where a % 5 = 0; "
        "create table no_parts (a int) partition by list (a)");
    pg_held_open(&held, cluster, "postgres");
    for (int i = 0; i < 2; i++) {
        RowFormat format = i == 0 ? ROW_PG_BINARY : ROW_PG_TEXT;
        Table *table = add(&catalog, "parts", format);

        expect_union(&held, table, 20);
        assert_int_equal(table->row_estimate, 3200);
    }
}

static void estimates_come_from_the_files(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_PLAN Plan plan = {0};
    uint64_t bytes = 0;
    Table *table = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table fresh (a int, b text) with (autovacuum_enabled = off); "
        "insert into fresh select g, repeat('x', 100) from generate_series(1, 20000) g; "
        "create table counted (a int); insert into counted select generate_series(1, 10000); "
        "analyze counted");
    run("truncate fresh; insert into fresh select g, repeat('x', 100) from generate_series(1, "
        "20000) g");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "fresh", ROW_PG_BINARY);
    plan_of(&held, table, 100000, &plan);
    assert_in_range(table->row_estimate, 15000, 25000);
    assert_in_range(table->byte_estimate, 2500000, 3500000);
    for (size_t i = 0; i < plan.chunk_count; i++) {
        assert_in_range(plan.chunks[i].byte_estimate, 50000, 110000);
        bytes += plan.chunks[i].byte_estimate;
    }
    assert_in_range(bytes, table->byte_estimate - plan.chunk_count, table->byte_estimate);
    plan_release(&plan);
    table = add(&catalog, "counted", ROW_PG_BINARY);
    plan_of(&held, table, UINT64_MAX, &plan);
    assert_int_equal(table->row_estimate, 10000);
}

/* ---- large rows ---- */

static void a_large_row_is_a_block_of_its_own(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Digest digest = {0};
    Error err = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    size_t large = 0;
    Block block;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table large (a int, b text); "
        "insert into large select g, case when g in (3, 4, 50) then repeat(md5(g::text), 650000) "
        " else 'small' end from generate_series(1, 60) g");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "large", ROW_PG_BINARY);
    whole.table_id = table->id;
    expect_ok(reader_begin(held.reader, table, &whole, &err), &err);
    while (reader_read(held.reader, &block, &err) == STATUS_OK) {
        expect_ok(digest_add_block(&digest, table->format, &block, &err), &err);
        if (block.size > BLOCK_TARGET_BYTES * 2) {
            assert_int_equal(block.rows, 1);
            large++;
        }
    }
    reader_end(held.reader);
    assert_int_equal(large, 3);
    assert_int_equal(digest.rows, 60);
    /* The connection was exchanged for a new one, which has the snapshot again. */
    run("insert into large values (61, 'not seen')");
    expect_same_as_server(&held, table, "select * from large where a <= 60");
}

/* ---- giving up, and what is lost ---- */

/* All sessions named "stopover", or all but the one that holds the tables' locks. */
static void end_sessions(bool with_holder)
{
    AUTO_FREE_MEMORY char *sql = xasprintf(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where "
        "application_name = 'stopover' and (%s or backend_start > (select min(backend_start) "
        "from pg_stat_activity where application_name = 'stopover'))",
        with_holder ? "true" : "false");

    run(sql);
}

static void end_holder(void)
{
    run("select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where application_name = 'stopover' order by backend_start limit 1");
}

static void giving_up_half_way_is_quick_and_leaves_the_reader_usable(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Error err = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    uint64_t begun_ns = 0;
    Block block;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table long (a int, b text); "
        "insert into long select g, repeat(md5(g::text), 20) from generate_series(1, 150000) g");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "long", ROW_PG_BINARY);
    whole.table_id = table->id;
    for (int i = 0; i < 3; i++) {
        expect_ok(reader_begin(held.reader, table, &whole, &err), &err);
        expect_ok(reader_read(held.reader, &block, &err), &err);
        begun_ns = clock_monotonic_ns();
        reader_end(held.reader);
        reader_end(held.reader);
        assert_true(clock_monotonic_ns() - begun_ns < 2000 * UINT64_C(1000000));
    }
    expect_same_as_server(&held, table, "select * from long");
}

static void a_lost_reader_connects_again_and_has_the_same_snapshot(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Error err = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    Status status = STATUS_OK;
    Block block;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table survives (a int, b text); insert into survives "
        "select g, repeat(md5(g::text), 20) from generate_series(1, 150000) g");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "survives", ROW_PG_TEXT);
    whole.table_id = table->id;
    expect_ok(reader_begin(held.reader, table, &whole, &err), &err);
    expect_ok(reader_read(held.reader, &block, &err), &err);
    end_sessions(false);
    while (status == STATUS_OK)
        status = reader_read(held.reader, &block, &err);
    reader_end(held.reader);
    assert_int_equal(status, STATUS_RETRY);
    assert_true(source_is_held(held.source));
    run("insert into survives values (0, 'after')");
    expect_same_as_server(&held, table, "select * from survives where a > 0");
}

static void a_reader_fails_at_once_when_the_holder_is_gone(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Error err = {0};
    Table *table = NULL;
    Chunk whole = {.number = 1};
    AUTO_PLAN Plan plan = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table gone (a int); insert into gone select generate_series(1, 10)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "gone", ROW_PG_TEXT);
    whole.table_id = table->id;
    end_sessions(true);
    assert_false(source_is_held(held.source));
    assert_int_equal(reader_begin(held.reader, table, &whole, &err), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    assert_int_equal(reader_plan(held.reader, table, 1, &plan, &err), STATUS_FAILED);
}

/* Trap 3: the snapshot still works, and the table is empty all the same. */
static void rows_do_not_count_when_the_locks_are_gone(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    AUTO_PLAN Plan plan = {0};
    Error err = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    Status status = STATUS_OK;
    Block block;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table emptied_later (a int); insert into emptied_later "
        "select generate_series(1, 1000)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "emptied_later", ROW_PG_TEXT);
    whole.table_id = table->id;
    expect_ok(reader_plan(held.reader, catalog_table(&catalog, table->id), 1, &plan, &err), &err);
    end_holder();
    run("truncate emptied_later");
    expect_ok(reader_begin(held.reader, table, &whole, &err), &err); /* it is in its snapshot */
    while (status == STATUS_OK)
        status = reader_read(held.reader, &block, &err);
    assert_int_equal(status, STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    reader_end(held.reader);
    assert_false(source_is_held(held.source));
}

static void a_reader_waits_for_a_lock_for_a_moment_only(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    Error err = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    PGconn *other = NULL;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table altered (a int); insert into altered values (1)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "altered", ROW_PG_TEXT);
    whole.table_id = table->id;
    other = PQconnectdb(pg_cluster_uri(cluster, "postgres"));
    assert_int_equal(PQsendQuery(other, "alter table altered add b int"), 1);
    assert_int_equal(PQflush(other), 0);
    for (int i = 0; i < 200; i++) {
        AUTO_FREE_MEMORY char *waits =
            pg_cluster_ask(cluster, NULL, "select count(*) from pg_locks where not granted");

        if (strcmp(waits, "1") == 0)
            break;
        clock_sleep_ms(20);
    }
    assert_int_equal(reader_begin(held.reader, table, &whole, &err), STATUS_RETRY);
    assert_string_equal(err.sqlstate, "55P03");
    pg_held_release(&held); /* lets the other one go on */
    PQclear(PQgetResult(other));
    PQfinish(other);
}

#ifdef FAULT_POINTS
static void every_failure_of_a_reader_is_followed_by_a_good_attempt(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_PG_HELD PgHeld held = {0};
    const Table *table = NULL;
    Chunk whole = {.number = 1};
    bool fired = true;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table faults (a int); insert into faults select generate_series(1, 50000)");
    pg_held_open(&held, cluster, "postgres");
    table = add(&catalog, "faults", ROW_PG_BINARY);
    whole.table_id = table->id;
    for (unsigned nth = 1; fired; nth++) {
        Digest digest = {0};
        Error err = {0};
        Status status;
        Block block;

        fault_arm(FAULT_FAIL, nth, NULL);
        status = reader_begin(held.reader, table, &whole, &err);
        while (status == STATUS_OK)
            status = reader_read(held.reader, &block, &err);
        reader_end(held.reader);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, NULL);
        assert_int_equal(status, fired ? STATUS_RETRY : STATUS_DONE);
        read_chunk(&held, table, &whole, NULL, &digest);
        assert_int_equal(digest.rows, 50000);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_type_are_sent_as_the_server_copies_them),
        cmocka_unit_test(tables_without_rows_or_columns_are_read),
        cmocka_unit_test(children_are_left_out_of_their_parent),
        cmocka_unit_test(chunks_together_are_the_table),
        cmocka_unit_test(a_partitioned_table_is_cut_leaf_by_leaf),
        cmocka_unit_test(estimates_come_from_the_files),
        cmocka_unit_test(a_large_row_is_a_block_of_its_own),
        cmocka_unit_test(giving_up_half_way_is_quick_and_leaves_the_reader_usable),
        cmocka_unit_test(a_lost_reader_connects_again_and_has_the_same_snapshot),
        cmocka_unit_test(a_reader_fails_at_once_when_the_holder_is_gone),
        cmocka_unit_test(rows_do_not_count_when_the_locks_are_gone),
        cmocka_unit_test(a_reader_waits_for_a_lock_for_a_moment_only),
#ifdef FAULT_POINTS
        cmocka_unit_test(every_failure_of_a_reader_is_followed_by_a_good_attempt),
#endif
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
