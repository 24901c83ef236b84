/*
 * engine/connect/postgres/describe: which tables a source has, and how they travel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "tests/support/pg_describe.h"

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

static void tells_which_relations_carry_rows(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table plain(id int primary key, b text, g int generated always as (1) stored);"
        "create unlogged table quick(a int); create table empty();"
        "create table parent(a int); create table child(b int) inherits (parent);"
        "create table p(d date, k text) partition by range (d);"
        "create table p1 partition of p for values from ('2020-01-01') to ('2021-01-01');"
        "create table p2 partition of p default partition by list (k);"
        "create table p2a partition of p2 default;"
        "create view v as select * from plain; create materialized view m as table plain;"
        "insert into plain(id, b) select g, 'x' from generate_series(1, 1000) g; analyze plain");
    described_read(&described);
    described_expect_no_refusal(&described);
    assert_int_equal(described.catalog.table_count, 7);
    assert_false(described_has_table(&described, "p") || described_has_table(&described, "p2"));
    assert_true(described_has_table(&described, "p1") && described_has_table(&described, "p2a"));

    const Table *plain = described_table(&described, "public", "plain");
    assert_int_equal(plain->key, KEY_PHYSICAL);
    assert_int_equal(plain->column_count, 3);
    assert_string_equal(plain->columns[1].type, "text");
    assert_int_equal(plain->columns[0].key_position, 1);
    assert_int_equal(plain->columns[1].key_position, 0);
    assert_true(plain->columns[2].is_generated);
    assert_int_equal(plain->row_estimate, 1000);
    assert_true(plain->byte_estimate >= 32768);
    assert_non_null(strstr(plain->definition, "CREATE TABLE public.plain"));
    assert_int_equal(described_table(&described, "public", "empty")->column_count, 0);

    Error err = {0};
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    described_expect_ok(
        pg_table_notes_read(described_table(&described, "public", "quick"), &notes, &err), &err);
    assert_true(notes.is_unlogged);
    pg_table_notes_release(&notes);
    described_expect_ok(
        pg_table_notes_read(described_table(&described, "public", "parent"), &notes, &err), &err);
    assert_true(notes.has_children);
    assert_false(notes.is_partition);
    pg_table_notes_release(&notes);
    described_expect_ok(
        pg_table_notes_read(described_table(&described, "public", "p2a"), &notes, &err), &err);
    assert_true(notes.is_partition);
    assert_int_equal(notes.kind, 'r');
    assert_int_equal(notes.facts.count, 3); /* itself and two columns */
}

static void expect_key(const Described *described, const char *name, const char *expected)
{
    const Table *table = described_table(described, "public", name);
    AUTO_TEXT Text found = {0};
    for (unsigned position = 1; position <= table->column_count; position++) {
        for (size_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].key_position == position)
                text_append_format(&found, "%s%s", found.size ? "," : "", table->columns[i].name);
        }
    }
    if (strcmp(text_string(&found), expected) != 0)
        fail_msg("key of %s: \"%s\", not \"%s\"", name, text_string(&found), expected);
}

static void chooses_the_key_that_identifies_each_row(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create table backwards(a int, b int, c int, primary key (c, a));"
        "create table primary_first(a int primary key, b int not null unique);"
        "create table smallest(a int not null, b int not null, c int not null,"
        " unique (a, b), unique (c));"
        "create table nullable(a int unique);"
        "create table partly(a int not null); create unique index on partly(a) where a > 0;"
        "create table computed(a int not null); create unique index on computed((a + 1));"
        "create table later(a int not null unique deferrable);"
        "create table generated(a int, g int generated always as (a) stored not null unique);"
        "create table included(a int not null, b int); create unique index on included(a)"
        " include (b)");
    described_read(&described);
    expect_key(&described, "backwards", "c,a");
    expect_key(&described, "primary_first", "a");
    expect_key(&described, "smallest", "c");
    expect_key(&described, "nullable", "");
    expect_key(&described, "partly", "");
    expect_key(&described, "computed", "");
    expect_key(&described, "later", "");
    expect_key(&described, "generated", "");
    expect_key(&described, "included", "a");
}

static void sends_bytes_only_where_they_mean_the_same_elsewhere(void **state)
{
    static const struct {
        const char *type;
        RowFormat format;
    } cases[] = {
        {"int, text, bytea, numeric(9,2), float8, timestamptz, uuid, jsonb", ROW_PG_BINARY},
        {"money, interval, inet, bit(3), varchar(9), char(2), point", ROW_PG_BINARY},
        {"int[], text[], numeric[][]", ROW_PG_BINARY},
        {"mood", ROW_PG_BINARY},
        {"positive", ROW_PG_BINARY},
        {"int4range, int8multirange", ROW_PG_BINARY},
        {"float_range", ROW_PG_BINARY},
        {"citext, hstore", ROW_PG_BINARY},
        {"mood[]", ROW_PG_TEXT},
        {"pair", ROW_PG_TEXT},
        {"pairs", ROW_PG_TEXT},
        {"citext[]", ROW_PG_TEXT},
        {"xml", ROW_PG_TEXT},
        {"tsvector", ROW_PG_TEXT},
        {"tsquery[]", ROW_PG_TEXT},
        {"pg_catalog.aclitem", ROW_PG_TEXT},
        {"pair_range", ROW_PG_TEXT},
        {"seg", ROW_PG_TEXT},
    };
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "create extension citext; create extension hstore; create extension seg;"
                      "create type mood as enum ('a'); create type pair as (a int, b mood);"
                      "create domain positive as int check (value > 0);"
                      "create domain pairs as pair[];"
                      "create type float_range as range (subtype = float8);"
                      "create type pair_range as range (subtype = pair);");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        AUTO_FREE_MEMORY char *types = xstrdup(cases[i].type);
        char *rest = types;
        text_append_format(&sql, "create table t%zu(", i);
        for (unsigned column = 0; rest; column++) {
            const char *type = strsep(&rest, ",");
            while (rest && strchr(type, '(') && !strchr(type, ')'))
                rest[-1] = ',', (void)strsep(&rest, ","); /* a comma of the type */
            text_append_format(&sql, "%sc%u %s", column ? ", " : "", column, type);
        }
        text_append(&sql, ");");
    }
    described_set_up(&described, cluster, text_string(&sql));
    described_read(&described);
    described_expect_no_refusal(&described);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("t%zu", i);
        if (described_table(&described, "public", name)->format != cases[i].format)
            fail_msg("%s is sent as %s", cases[i].type,
                     row_format_name(described_table(&described, "public", name)->format));
    }
}

static void refuses_columns_that_refer_to_objects_of_the_database(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(&described, cluster,
                     "create type inner_type as (a int, r regproc);"
                     "create domain deep as inner_type[];"
                     "create table plainly(a int, r regclass);"
                     "create table in_array(r regtype[]);"
                     "create table nested(x deep);"
                     "create table computed(a int, r regrole generated always as (null) stored);"
                     "create table fine(r oid)");
    described_read(&described);
    described_expect_finding(&described, FINDING_REFUSAL, "table public.plainly", "\"r\"");
    described_expect_finding(&described, FINDING_REFUSAL, "table public.in_array", "regtype[]");
    described_expect_finding(&described, FINDING_REFUSAL, "table public.nested", "\"x\"");
    assert_int_equal(described_refusals(&described), 3);

    text_list_add(&described.selection.exclude, "plainly");
    text_list_add(&described.selection.exclude, "in_array");
    text_list_add(&described.selection.exclude, "nested");
    described_read(&described);
    described_expect_no_refusal(&described);
}

static void loads_through_the_root_what_may_find_another_partition_elsewhere(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    described_set_up(
        &described, cluster,
        "create type mood as enum ('a', 'b'); create domain state as mood;"
        /* by OID: the topmost such table, with all that is below it */
        "create table e(m state, n int) partition by hash (m);"
        "create table e0 partition of e for values with (modulus 2, remainder 0);"
        "create table e1 partition of e for values with (modulus 2, remainder 1)"
        " partition by list (n); create table e1x partition of e1 default;"
        /* beneath one that is sure */
        "create table s(n int, m mood) partition by list (n);"
        "create table s1 partition of s for values in (1) partition by hash (m);"
        "create table s1x partition of s1 for values with (modulus 1, remainder 0);"
        "create table s2 partition of s default;"
        /* in the order of a collation */
        "create table c(t text collate \"en-x-icu\") partition by range (t);"
        "create table c1 partition of c default;"
        "create table o(t text collate \"C\") partition by range (t);"
        "create table o1 partition of o default;"
        "create table l(t text collate \"en-x-icu\") partition by list (t);"
        "create table l1 partition of l for values in ('x');"
        "create table h(t text) partition by hash (t);"
        "create table h1 partition of h for values with (modulus 1, remainder 0);"
        "create collation loose (provider = icu, locale = 'und', deterministic = false);"
        "create table i(t text collate loose) partition by hash (t);"
        "create table i1 partition of i for values with (modulus 1, remainder 0);"
        "create index on e(n); alter table s add check (n > 0)");
    described_read(&described);
    described_expect_no_refusal(&described);
    static const char *const tables[] = {"e", "s1", "s2", "c", "o1", "l1", "h1", "i"};
    assert_int_equal(described.catalog.table_count, sizeof(tables) / sizeof(*tables));
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        (void)described_table(&described, "public", tables[i]);

    Error err = {0};
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    const Table *root = described_table(&described, "public", "e");
    described_expect_ok(pg_table_notes_read(root, &notes, &err), &err);
    assert_int_equal(notes.kind, 'p');
    assert_int_equal(notes.leaves.count, 2);
    assert_string_equal(notes.leaves.items[0], "\"public\".\"e0\"");
    assert_string_equal(notes.leaves.items[1], "\"public\".\"e1x\"");
    /* What is beneath waits for the root's rows. */
    assert_int_equal(described_object(&described, "TABLE", "e1x")->table_id, root->id);
    assert_int_equal(described_object(&described, "TABLE ATTACH", "e1")->table_id, root->id);
    assert_int_equal(described_object(&described, "INDEX", "e0_n_idx")->table_id, root->id);
    assert_int_equal(described_object(&described, "INDEX ATTACH", "e0_n_idx")->table_id, root->id);
    assert_int_equal(described_object(&described, "TABLE ATTACH", "s1")->table_id,
                     described_table(&described, "public", "s1")->id);
    assert_int_equal(described_object(&described, "TABLE", "s")->table_id, 0);
}

static void sees_what_the_given_snapshot_sees(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_FREE_MEMORY char *snapshot = NULL;
    AUTO_TEXT_LIST TextList names = {0};
    AUTO_TEXT_LIST TextList oids = {0};
    Error err = {0};
    described_set_up(&described, cluster,
                     "create table p(a int) partition by list (a); create view v as table p;"
                     "create table p1 partition of p default; create table \"T x\"(a int)");
    described_connect(&described, "postgres");
    described_expect_ok(pg_run(described.connection, "begin isolation level repeatable read", &err),
                        &err);
    described_expect_ok(
        pg_query_text(described.connection, "select pg_export_snapshot()", &snapshot, &err), &err);
    pg_cluster_run(cluster, described.database, "create table too_late(a int)");
    described_expect_ok(pg_describe(described.connection, described.address, snapshot, NULL,
                                    &described.catalog, &described.findings, &err),
                        &err);
    assert_int_equal(described.catalog.table_count, 2);

    described_expect_ok(pg_describe_lock_list(described.connection, NULL, &names, &oids, &err),
                        &err);
    assert_int_equal(names.count, 3);
    assert_int_equal(oids.count, 3);
    assert_string_equal(names.items[0], "\"public\".\"p\"");
    assert_string_equal(names.items[2], "\"public\".\"T x\"");
    AUTO_FREE_MEMORY char *sql = xasprintf("select '%s'::regclass::oid::text", names.items[1]);
    AUTO_FREE_MEMORY char *oid = pg_cluster_ask(cluster, described.database, sql);
    assert_string_equal(oids.items[1], oid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_which_relations_carry_rows),
        cmocka_unit_test(chooses_the_key_that_identifies_each_row),
        cmocka_unit_test(sends_bytes_only_where_they_mean_the_same_elsewhere),
        cmocka_unit_test(refuses_columns_that_refer_to_objects_of_the_database),
        cmocka_unit_test(loads_through_the_root_what_may_find_another_partition_elsewhere),
        cmocka_unit_test(sees_what_the_given_snapshot_sees),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
