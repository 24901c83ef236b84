/*
 * The PostgreSQL prober on both sides: what it says of a table follows from the rows a reader sends,
 * and two sides that differ say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/target.h"
#include "engine/flow/digest.h"
#include "engine/flow/row_parts.h"
#include "tests/support/pg_tables.h"

enum {
    SEED = 12345,
};

static PgCluster *cluster;

/* Tables that a probe may meet, in schema public; the same in schema staged. */
static const char tables_sql[] =
    "create table SCHEMA.plain (id int primary key, t text, n numeric, b bytea); "
    "insert into SCHEMA.plain select g, case when g % 7 = 0 then null else repeat(md5(g::text), "
    " g % 20) end, g / 3.0, decode(md5(g::text), 'hex') from generate_series(1, 3000) g; "
    "create table SCHEMA.composite (x int, b text, k2 text, k1 int, primary key (k1, k2)); "
    "insert into SCHEMA.composite select null, E'tab\\t' || g, E'k\\\\\\n' || g, g / 2 "
    " from generate_series(1, 2000) g; "
    "create table SCHEMA.no_key (a int, b text); "
    "insert into SCHEMA.no_key select g % 100, 'x' from generate_series(1, 500) g; "
    "create table SCHEMA.key_only (a int primary key); "
    "insert into SCHEMA.key_only select generate_series(1, 300); "
    "create table SCHEMA.empty (a int primary key, b text); "
    "create table SCHEMA.no_columns (); "
    "insert into SCHEMA.no_columns select from generate_series(1, 5); "
    "create table SCHEMA.generated (g int generated always as (a + 1) stored, a int primary key, "
    " b text); insert into SCHEMA.generated (a, b) select g, 'v' || g "
    " from generate_series(1, 400) g; "
    "create table SCHEMA.parts (a int primary key, b text) partition by range (a); "
    "create table SCHEMA.parts_1 partition of SCHEMA.parts for values from (0) to (700); "
    "create table SCHEMA.\"Parts 2\" (b text, dropped int, a int not null); "
    "alter table SCHEMA.\"Parts 2\" drop dropped; "
    "alter table SCHEMA.parts attach partition SCHEMA.\"Parts 2\" for values from (700) to (9000); "
    "create table SCHEMA.parts_3 partition of SCHEMA.parts default; "
    "insert into SCHEMA.parts select g, md5(g::text) from generate_series(1, 2000) g; "
    "create table SCHEMA.toasted (a int primary key, b text, c text); "
    "insert into SCHEMA.toasted select g, (select string_agg(md5((g * s)::text), '') "
    " from generate_series(1, 100 + g * 20) s), null from generate_series(1, 60) g; "
    "create table SCHEMA.child_of (a int primary key); "
    "create table SCHEMA.child () inherits (SCHEMA.child_of); "
    "insert into SCHEMA.child_of values (1); insert into SCHEMA.child values (2); ";

static const char *const names[] = {"plain",      "composite", "no_key", "key_only", "empty",
                                    "no_columns", "generated", "parts",  "toasted",  "child_of"};
enum {
    NAMES = sizeof(names) / sizeof(names[0]),
};

static void make_tables(const char *schema)
{
    AUTO_TEXT Text sql = {0};
    const char *at = tables_sql;

    for (const char *next = strstr(at, "SCHEMA"); next != NULL; next = strstr(at, "SCHEMA")) {
        text_append_bytes(&sql, at, (size_t)(next - at));
        text_append(&sql, schema);
        at = next + strlen("SCHEMA");
    }
    text_append(&sql, at);
    pg_cluster_run(cluster, NULL, text_string(&sql));
}

static int start_cluster(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    if (cluster == NULL)
        return 0;
    make_tables("public");
    pg_cluster_run(cluster, NULL, "create schema \"public_staging_ab12cd\"");
    make_tables("\"public_staging_ab12cd\"");
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

    table->staged_name = xasprintf("\"public_staging_ab12cd\".\"%s\"", name);
    return table;
}

/* ---- both sides ---- */

typedef struct Sides {
    PgHeld held;
    PgAddress *address;
    Prober *target;
} Sides;

static void sides_open(Sides *sides)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    Error err = {0};

    *sides = (Sides){0};
    pg_held_open(&sides->held, cluster, "postgres");
    expect_ok(uri_parse(pg_cluster_uri(cluster, "postgres"), &uri, &err), &err);
    expect_ok(pg_address_new(uri, &sides->address, &err), &err);
    expect_ok(
        pg_prober_open(sides->address, PG_TARGET, "stopover probes", NULL, &sides->target, &err),
        &err);
}

static void sides_release(Sides *sides)
{
    prober_free(sides->target);
    pg_address_free(sides->address);
    pg_held_release(&sides->held);
}
#define AUTO_SIDES  __attribute__((cleanup(sides_release)))
#define AUTO_RESULT __attribute__((cleanup(probe_result_release)))

static void probe(Sides *sides, const ProbeRequest *request, ProbeResult *ret)
{
    Prober *prober = request->staged ? sides->target : sides->held.reader->prober;
    Error err = {0};

    probe_result_release(ret);
    expect_ok(prober_probe(prober, request, ret, &err), &err);
}

/* ---- what it should say, from the rows that a reader sends ---- */

static void append_key(Text *key, const Table *table, const uint8_t *row, size_t size)
{
    __attribute__((cleanup(row_parts_release))) RowParts parts = {0};
    size_t places[8] = {0};
    size_t keys = 0;
    size_t carried = 0;
    Error err = {0};

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].is_generated)
            continue;
        if (table->columns[i].key_position > 0) {
            places[table->columns[i].key_position - 1] = carried;
            keys++;
        }
        carried++;
    }
    if (keys == 0) {
        text_append_bytes(key, row, size);
        return;
    }
    expect_ok(row_parts_read(&parts, table->format, row, size, carried, &err), &err);
    row_parts_append(&parts, places, keys, key);
}

static void expect_row(ProbeResult *expected, const Table *table, uint64_t modulus,
                       const uint8_t *row, size_t size)
{
    AUTO_TEXT Text key = {0};
    Digest one = {0};
    uint64_t hash = 0;

    append_key(&key, table, row, size);
    digest_add(&expected->keys, key.data, key.size);
    digest_add(&expected->all, row, size);
    digest_add(&one, row, size);
    expected->rows++;
    hash = key_hash(key.data, key.size, SEED);
    if (hash % modulus == 0)
        *probe_result_add(expected) = (ProbeEntry){
            .key_hash = hash, .row_low = one.low, .row_high = one.high, .reasons = CHOSEN_RANDOM};
}

static void expect_table(Sides *sides, const Table *table, uint64_t modulus, ProbeResult *ret)
{
    const Chunk whole = {.table_id = table->id, .number = 1};
    Reader *reader = sides->held.reader;
    Status status;
    Error err = {0};
    Block block;

    probe_result_release(ret);
    expect_ok(reader_begin(reader, table, &whole, &err), &err);
    while ((status = reader_read(reader, &block, &err)) == STATUS_OK) {
        for (size_t at = 0, size = 0; at < block.size; at += size) {
            expect_ok(row_next(table->format, block.data + at, block.size - at, &size, &err), &err);
            expect_row(ret, table, modulus, block.data + at, size);
        }
    }
    expect_ok(status, &err);
    reader_end(reader);
    probe_result_sort(ret);
}

static void expect_same(const char *name, const ProbeResult *a, const ProbeResult *b,
                        bool with_reasons)
{
    assert_int_equal(a->rows, b->rows);
    if (!digest_equal(&a->keys, &b->keys))
        fail_msg("table %s: other keys", name);
    if (a->entry_count != b->entry_count)
        fail_msg("table %s: %zu entries, not %zu", name, a->entry_count, b->entry_count);
    for (size_t i = 0; i < a->entry_count; i++) {
        if (a->entries[i].key_hash != b->entries[i].key_hash ||
            a->entries[i].row_low != b->entries[i].row_low ||
            a->entries[i].row_high != b->entries[i].row_high ||
            (with_reasons && a->entries[i].reasons != b->entries[i].reasons))
            fail_msg("table %s: entry %zu differs", name, i);
    }
}

typedef void (*ForTable)(Sides *sides, Table *table);

static void for_each_table(ForTable check)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};

    sides_open(&sides);
    for (size_t i = 0; i < NAMES; i++) {
        check(&sides, add(&catalog, names[i], ROW_PG_BINARY));
        check(&sides, add(&catalog, names[i], ROW_PG_TEXT));
    }
}

static void check_follows(Sides *sides, Table *table)
{
    static const uint64_t moduli[] = {1, 2, 10, 1000000000};
    AUTO_RESULT ProbeResult expected = {0};
    AUTO_RESULT ProbeResult found = {0};

    for (size_t i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
        ProbeRequest request = {
            .table = table, .level = VERIFY_SAMPLE, .seed = SEED, .modulus = moduli[i]};

        expect_table(sides, table, moduli[i], &expected);
        for (int staged = 0; staged < 2; staged++) {
            request.staged = staged;
            request.level = VERIFY_SAMPLE;
            probe(sides, &request, &found);
            expect_same(table->name, &found, &expected, true);
            request.level = VERIFY_FULL;
            probe(sides, &request, &found);
            expect_same(table->name, &found, &expected, true);
            assert_true(digest_equal(&found.all, &expected.all));
            request.level = VERIFY_COUNT;
            probe(sides, &request, &found);
            assert_int_equal(found.rows, expected.rows);
            assert_int_equal(found.entry_count, 0);
        }
    }
}

static void what_it_says_follows_from_the_rows(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    for_each_table(check_follows);
}

/* ---- risk ---- */

static size_t count_reason(const ProbeResult *result, uint32_t reason)
{
    size_t count = 0;

    for (size_t i = 0; i < result->entry_count; i++)
        count += (result->entries[i].reasons & reason) != 0;
    return count;
}

static void hashes_of(const ProbeResult *result, uint64_t **ret)
{
    *ret = xcalloc(result->entry_count + 1, sizeof(uint64_t));
    for (size_t i = 0; i < result->entry_count; i++)
        (*ret)[i] = result->entries[i].key_hash;
}

/* The rows at the edges, from the chunks as a reader sends them one by one. */
static size_t check_edges(Sides *sides, const Table *table, const Plan *plan,
                          const ProbeResult *result)
{
    size_t with_rows = 0;

    for (size_t i = 0; i < plan->chunk_count; i++) {
        Error err = {0};
        Block block;
        ProbeEntry rows[2] = {0};
        uint64_t count = 0;

        expect_ok(reader_begin(sides->held.reader, table, &plan->chunks[i], &err), &err);
        while (reader_read(sides->held.reader, &block, &err) == STATUS_OK) {
            for (size_t at = 0, size = 0; at < block.size; at += size) {
                Digest one = {0};

                expect_ok(row_next(table->format, block.data + at, block.size - at, &size, &err),
                          &err);
                digest_add(&one, block.data + at, size);
                rows[count++ > 0] = (ProbeEntry){.row_low = one.low, .row_high = one.high};
                if (count == 1)
                    rows[1] = rows[0];
            }
        }
        reader_end(sides->held.reader);
        with_rows += count > 0;
        for (size_t e = 0; e < 2 && count > 0; e++) {
            bool is_found = false;

            for (size_t n = 0; n < result->entry_count && !is_found; n++)
                is_found = (result->entries[n].reasons & CHOSEN_EDGE) &&
                           result->entries[n].row_low == rows[e].row_low &&
                           result->entries[n].row_high == rows[e].row_high;
            if (!is_found)
                fail_msg("table %s: an edge of chunk %zu is missing", table->name, i + 1);
        }
    }
    return with_rows;
}

static void check_risk(Sides *sides, Table *table)
{
    AUTO_PLAN Plan plan = {0};
    AUTO_RESULT ProbeResult narrow = {0};
    AUTO_RESULT ProbeResult wide = {0};
    AUTO_RESULT ProbeResult staged = {0};
    AUTO_FREE_MEMORY uint64_t *also = NULL;
    Error err = {0};
    ProbeRequest request = {
        .table = table, .level = VERIFY_SAMPLE, .seed = SEED, .modulus = 97, .pick_risk = true};

    expect_ok(reader_plan(sides->held.reader, table, 30000, &plan, &err), &err);
    request.chunks = plan.chunks;
    request.chunk_count = plan.chunk_count;
    probe(sides, &request, &narrow);
    assert_true(check_edges(sides, table, &plan, &narrow) > 0 || narrow.rows == 0);
    request.level = VERIFY_FULL;
    probe(sides, &request, &wide);
    (void)check_edges(sides, table, &plan, &wide);
    assert_true(digest_equal(&wide.keys, &narrow.keys));

    /* The other side is asked for the same rows and has them. */
    hashes_of(&narrow, &also);
    request = (ProbeRequest){.table = table,
                             .staged = true,
                             .level = VERIFY_SAMPLE,
                             .seed = SEED,
                             .modulus = 97,
                             .also = also,
                             .also_count = narrow.entry_count};
    probe(sides, &request, &staged);
    if (strcmp(table->name, "no_key") != 0 && strcmp(table->name, "no_columns") != 0)
        expect_same(table->name, &staged, &narrow, false);
}

static void rows_at_risk_are_chosen_and_found_on_the_other_side(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    for_each_table(check_risk);
}

static void the_longest_rows_and_those_with_most_nulls_are_chosen(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table risky (id int primary key, a text, b int, c text); "
        "insert into risky select g, 'a', 1, 'c' from generate_series(1, 1000) g; "
        "update risky set a = (select string_agg(md5(s::text), '') from generate_series(1, 500) s) "
        " where id in (7, 700, 70); update risky set b = null where id in (8, 80); "
        "update risky set a = null, b = null, c = null where id = 800");
    sides_open(&sides);
    for (int i = 0; i < 4; i++) {
        AUTO_RESULT ProbeResult result = {0};
        const Chunk whole = {.table_id = 1, .number = 1};
        ProbeRequest request = {
            .table = pg_tables_add(&catalog, cluster, NULL, "public", "risky",
                                   i % 2 == 0 ? ROW_PG_BINARY : ROW_PG_TEXT),
            .level = i < 2 ? VERIFY_SAMPLE : VERIFY_FULL,
            .seed = SEED,
            .modulus = UINT64_MAX,
            .chunks = &whole,
            .chunk_count = 1,
            .pick_risk = true,
        };

        probe(&sides, &request, &result);
        assert_int_equal(count_reason(&result, CHOSEN_LONGEST), 3);
        assert_int_equal(count_reason(&result, CHOSEN_NULLS), 3);
        assert_int_equal(count_reason(&result, CHOSEN_EDGE), 2);
        assert_int_equal(result.rows, 1000);
    }
}

static void tables_of_many_columns_are_measured(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    AUTO_TEXT Text sql = {0};
    AUTO_RESULT ProbeResult result = {0};
    const Chunk whole = {.table_id = 1, .number = 1};
    ProbeRequest request = {.level = VERIFY_SAMPLE,
                            .seed = SEED,
                            .modulus = UINT64_MAX,
                            .chunks = &whole,
                            .chunk_count = 1,
                            .pick_risk = true};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    text_append(&sql, "create table many (id int primary key");
    for (int i = 0; i < 1500; i++)
        text_append_format(&sql, ", c%d text", i);
    text_append(&sql, "); insert into many (id, c0, c1400) values (1, 'a', null), (2, null, 'b'), "
                      "(3, 'a', 'b'), (4, null, null), (5, 'a', 'b')");
    run(text_string(&sql));
    sides_open(&sides);
    request.table = pg_tables_add(&catalog, cluster, NULL, "public", "many", ROW_PG_BINARY);
    probe(&sides, &request, &result);
    assert_int_equal(count_reason(&result, CHOSEN_NULLS), 3);
}

/* ---- differences ---- */

static void probe_pair(Sides *sides, Table *table, VerifyLevel level, ProbeResult *source,
                       ProbeResult *target)
{
    ProbeRequest request = {.table = table, .level = level, .seed = SEED, .modulus = 1};

    probe(sides, &request, source);
    request.staged = true;
    probe(sides, &request, target);
}

static void differences_between_the_sides_show(void **state)
{
    static const char *const changes[] = {
        "delete from differs where a = 17",
        "insert into differs values (5000, 'more')",
        "update differs set b = b || 'x' where a = 18",
        "update differs set a = a + 10000 where a = 19",
        "insert into differs select a, b from differs where a = 20",
    };
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table differs (a int, b text); "
        "insert into differs select g, md5(g::text) from generate_series(1, 1000) g");
    sides_open(&sides);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        for (int format = 0; format < 2; format++) {
            AUTO_RESULT ProbeResult source = {0};
            AUTO_RESULT ProbeResult target = {0};
            AUTO_FREE_MEMORY char *change =
                xasprintf("set search_path = public_staging_ab12cd; %s", changes[i]);
            Table *table = add(&catalog, "differs", format == 0 ? ROW_PG_BINARY : ROW_PG_TEXT);

            table->columns[0].key_position = 1; /* no index needs to say so */
            run("set client_min_messages = warning; "
                "create table if not exists public_staging_ab12cd.differs (a int, b text); "
                "truncate public_staging_ab12cd.differs; "
                "insert into public_staging_ab12cd.differs select * from public.differs");
            probe_pair(&sides, table, VERIFY_FULL, &source, &target);
            expect_same("differs", &source, &target, true);
            assert_true(digest_equal(&source.all, &target.all));
            run(change);
            probe_pair(&sides, table, VERIFY_FULL, &source, &target);
            assert_false(digest_equal(&source.all, &target.all));
            probe_pair(&sides, table, VERIFY_SAMPLE, &source, &target);
            if (i != 2)
                assert_false(digest_equal(&source.keys, &target.keys));
            else
                assert_memory_not_equal(source.entries, target.entries,
                                        source.entry_count * sizeof(ProbeEntry));
        }
    }
}

/* ---- one state, stops, and losses ---- */

static void a_probe_of_the_source_is_of_the_snapshot(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    AUTO_RESULT ProbeResult result = {0};
    ProbeRequest request = {.level = VERIFY_SAMPLE, .seed = SEED, .modulus = 3};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table moving (a int primary key, b text); "
        "insert into moving select g, 'x' from generate_series(1, 500) g");
    sides_open(&sides);
    run("delete from moving where a < 100; update moving set b = 'y'");
    request.table = pg_tables_add(&catalog, cluster, NULL, "public", "moving", ROW_PG_TEXT);
    probe(&sides, &request, &result);
    assert_int_equal(result.rows, 500);
}

static void a_stop_ends_a_probe(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    ProbeRequest request = {.seed = SEED, .modulus = 3};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table stopped (a int primary key, b text); "
        "insert into stopped select g, 'x' from generate_series(1, 200000) g");
    sides_open(&sides);
    request.table = pg_tables_add(&catalog, cluster, NULL, "public", "stopped", ROW_PG_TEXT);
    for (int level = VERIFY_SAMPLE; level <= VERIFY_FULL; level++) {
        AUTO_RESULT ProbeResult result = {0};
        Error err = {0};

        request.level = (VerifyLevel)level;
        stop_request();
        assert_int_equal(prober_probe(sides.held.reader->prober, &request, &result, &err),
                         STATUS_STOPPED);
        stop_reset();
        probe(&sides, &request, &result); /* and can be begun again */
        assert_int_equal(result.rows, 200000);
    }
}

static void a_lost_prober_connects_again(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    AUTO_RESULT ProbeResult result = {0};
    ProbeRequest request = {.level = VERIFY_SAMPLE, .seed = SEED, .modulus = 3, .staged = true};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    sides_open(&sides);
    request.table = add(&catalog, "plain", ROW_PG_BINARY);
    run("select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where application_name = 'stopover probes'");
    assert_int_equal(prober_probe(sides.target, &request, &result, &err), STATUS_RETRY);
    probe(&sides, &request, &result);
    assert_int_equal(result.rows, 3000);
}

static void evidence_does_not_count_when_the_locks_are_gone(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    AUTO_RESULT ProbeResult result = {0};
    ProbeRequest request = {.level = VERIFY_COUNT, .seed = SEED, .modulus = 3};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    run("create table to_empty (a int); insert into to_empty select generate_series(1, 100)");
    sides_open(&sides);
    request.table = pg_tables_add(&catalog, cluster, NULL, "public", "to_empty", ROW_PG_TEXT);
    run("select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where application_name = 'stopover' order by backend_start limit 1");
    run("truncate to_empty");
    assert_int_equal(prober_probe(sides.held.reader->prober, &request, &result, &err),
                     STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
}

#ifdef FAULT_POINTS
static void every_failure_of_a_probe_is_followed_by_a_good_one(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SIDES Sides sides = {0};
    ProbeRequest request = {.level = VERIFY_SAMPLE, .seed = SEED, .modulus = 3};
    bool fired = true;

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    sides_open(&sides);
    request.table = add(&catalog, "plain", ROW_PG_BINARY);
    for (unsigned nth = 1; fired; nth++) {
        AUTO_RESULT ProbeResult result = {0};
        Error err = {0};
        Status status;

        fault_arm(FAULT_FAIL, nth, NULL);
        status = prober_probe(sides.held.reader->prober, &request, &result, &err);
        fired = fault_fired();
        fault_arm(FAULT_NONE, 0, NULL);
        assert_int_equal(status, fired ? STATUS_RETRY : STATUS_OK);
        probe(&sides, &request, &result);
        assert_int_equal(result.rows, 3000);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_follows_from_the_rows),
        cmocka_unit_test(rows_at_risk_are_chosen_and_found_on_the_other_side),
        cmocka_unit_test(the_longest_rows_and_those_with_most_nulls_are_chosen),
        cmocka_unit_test(tables_of_many_columns_are_measured),
        cmocka_unit_test(differences_between_the_sides_show),
        cmocka_unit_test(a_probe_of_the_source_is_of_the_snapshot),
        cmocka_unit_test(a_stop_ends_a_probe),
        cmocka_unit_test(a_lost_prober_connects_again),
        cmocka_unit_test(evidence_does_not_count_when_the_locks_are_gone),
#ifdef FAULT_POINTS
        cmocka_unit_test(every_failure_of_a_probe_is_followed_by_a_good_one),
#endif
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
