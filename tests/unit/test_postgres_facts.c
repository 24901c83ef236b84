/*
 * engine/connect/postgres/facts: the structure of tables as evidence. The same structure gives the
 * same facts, wherever it stands; every difference shows by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/facts.h"
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

static void read_facts(Described *described, const char *schema, const NameMap *map, Facts *ret)
{
    AUTO_TEXT_LIST TextList schemas = {0};
    Error err = {0};
    text_list_add(&schemas, schema);
    if (!described->connection)
        described_connect(described, "postgres");
    described_expect_ok(facts_read(described->connection, &schemas, map, ret, &err), &err);
}

static const TextList *lines_of(const Facts *facts, const char *schema, const char *name)
{
    const RelationFacts *found = facts_find(facts, schema, name);
    if (!found)
        fail_msg("there are no facts about %s.%s", schema, name);
    return &found->lines;
}

static void expect_same(const Facts *a, const char *schema_a, const Facts *b, const char *schema_b)
{
    assert_int_equal(a->count, b->count);
    assert_true(a->count > 0);
    for (size_t i = 0; i < a->count; i++) {
        AUTO_TEXT_LIST TextList differences = {0};
        facts_compare(lines_of(a, schema_a, a->items[i].name),
                      lines_of(b, schema_b, a->items[i].name), &differences);
        if (differences.count > 0)
            fail_msg("table %s: %s", a->items[i].name, differences.items[0]);
    }
}

/* %1$s is the schema. */
static const char structure[] =
    "create type %1$s.mood as enum ('a', 'b'); create sequence %1$s.seq;"
    "create function %1$s.f(int) returns int language sql immutable as 'select $1';"
    "create function %1$s.g() returns trigger language plpgsql as 'begin return new; end';"
    "create table %1$s.parent(id int generated always as identity primary key,"
    " m %1$s.mood default 'a'::%1$s.mood, n int default nextval('%1$s.seq'::regclass),"
    " t text collate \"C\" check (t <> 'x'), check (%1$s.f(id) > 0));"
    "create table %1$s.child(p int references %1$s.parent deferrable initially deferred,"
    " s text generated always as (chr(p) || 'ä') stored, unique (p)) with (fillfactor = 70);"
    "create index by_f on %1$s.child(%1$s.f(p) desc) include (s) where p > 1;"
    "create statistics %1$s.st on p, s from %1$s.child;"
    "create trigger tr before insert on %1$s.child for each row when (new.p > 1)"
    " execute function %1$s.g();"
    "create rule ru as on delete to %1$s.child do also insert into %1$s.parent(t) values ('y');"
    "create policy po on %1$s.child to public using (p in (select id from %1$s.parent));"
    "create table %1$s.parts(a int, m %1$s.mood, primary key (a)) partition by range (a);"
    "create table %1$s.part partition of %1$s.parts for values from (1) to (2);"
    "create table %1$s.heir(z int) inherits (%1$s.parent);"
    "create unlogged table %1$s.quick(a int unique); alter table %1$s.quick replica identity full;"
    "create table %1$s.\"Odd \"\"name\"\"\"(\"select\" int, \"\xC3\xA4 b\" text)";

static char *structure_in(const char *schema)
{
    AUTO_TEXT Text sql = {0};
    for (const char *at = structure; *at;) {
        const char *place = strstr(at, "%1$s");
        if (!place)
            place = at + strlen(at);
        text_append_bytes(&sql, at, (size_t)(place - at));
        text_append(&sql, *place ? schema : "");
        at = *place ? place + 4 : place;
    }
    return text_take(&sql);
}

static void gives_the_same_facts_for_the_same_structure_in_another_database(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described one = {0};
    AUTO_DESCRIBED Described other = {0};
    AUTO_FACTS Facts left = {0};
    AUTO_FACTS Facts right = {0};
    AUTO_FREE_MEMORY char *sql = structure_in("public");
    AUTO_FREE_MEMORY char *later =
        xasprintf("create table x(a int, b serial); drop table x; %s", sql);
    described_set_up(&one, cluster, sql);
    described_set_up(&other, cluster, later);
    read_facts(&one, "public", NULL, &left);
    read_facts(&other, "public", NULL, &right);
    expect_same(&left, "public", &right, "public");
    assert_int_equal(left.count, 7);
    assert_non_null(facts_find(&left, "public", "Odd \"name\""));
    assert_null(facts_find(&left, "public", "seq"));
    assert_null(facts_find(&left, "Public", "child"));
}

static void gives_the_same_facts_in_a_staging_schema_once_names_are_brought_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_FACTS Facts live = {0};
    AUTO_FACTS Facts staged = {0};
    AUTO_FACTS Facts raw = {0};
    AUTO_TEXT_LIST TextList differences = {0};
    AUTO_FREE(name_map_free) NameMap *map = name_map_new();
    AUTO_TEXT Text sql = {0};
    AUTO_FREE_MEMORY char *first = structure_in("app");
    AUTO_FREE_MEMORY char *second = structure_in("\"App 1_staging_0a1b2c\"");
    text_append_format(&sql, "create schema app; create schema \"App 1_staging_0a1b2c\"; %s; %s",
                       first, second);
    described_set_up(&described, cluster, text_string(&sql));
    name_map_add_schema(map, "App 1_staging_0a1b2c", "app");
    read_facts(&described, "app", NULL, &live);
    read_facts(&described, "App 1_staging_0a1b2c", map, &staged);
    expect_same(&live, "app", &staged, "App 1_staging_0a1b2c");

    read_facts(&described, "App 1_staging_0a1b2c", NULL, &raw);
    facts_compare(lines_of(&live, "app", "child"), lines_of(&raw, "App 1_staging_0a1b2c", "child"),
                  &differences);
    assert_true(text_list_has(&differences, "index \"by_f\" differs"));
}

static void names_every_difference(void **state)
{
    static const struct {
        const char *change;
        const char *table;
        const char *sentence;
    } cases[] = {
        {"alter table child add x int", "child", "column \"x\" was not planned"},
        {"alter table parent alter t drop default, alter m drop default", "parent",
         "column \"m\" differs"},
        {"alter table child alter p set not null", "child", "column \"p\" differs"},
        {"alter table heir alter z type bigint", "heir", "column \"z\" differs"},
        {"alter table \"Odd \"\"name\"\"\" alter \"\xC3\xA4 b\" type text collate \"C\"",
         "Odd \"name\"", "column \"\xC3\xA4 b\" differs"},
        {"alter table parent alter id set generated by default", "parent", "column \"id\" differs"},
        {"alter table parent alter id set increment 5", "parent", "column \"id\" differs"},
        {"alter table child alter p set statistics 7", "child", "column \"p\" differs"},
        {"drop index by_f", "child", "index \"by_f\" is missing"},
        {"create index more on child(p)", "child", "index \"more\" was not planned"},
        {"drop index by_f; create index by_f on child(f(p)) include (s) where p > 1", "child",
         "index \"by_f\" differs"},
        {"update pg_index set indisvalid = false where indexrelid = 'by_f'::regclass", "child",
         "index \"by_f\" is missing"},
        {"alter table parent drop constraint parent_t_check, add constraint parent_t_check"
         " check (t <> 'x') not valid",
         "parent", "constraint \"parent_t_check\" differs"},
        {"alter table child alter constraint child_p_fkey not deferrable", "child",
         "constraint \"child_p_fkey\" differs"},
        {"alter table child disable trigger tr", "child", "trigger \"tr\" differs"},
        {"alter table child disable rule ru", "child", "rule \"ru\" differs"},
        {"alter policy po on child using (true)", "child", "policy \"po\" differs"},
        {"drop statistics st", "child", "statistics \"st\" is missing"},
        {"alter table quick set logged", "quick", "its kind, partitioning, inheritance"},
        {"alter table quick replica identity nothing", "quick", "its kind, partitioning"},
        {"alter table child set (fillfactor = 80)", "child", "its kind, partitioning"},
        {"alter table heir no inherit parent", "heir", "its kind, partitioning"},
        {"alter table parts detach partition part", "part", "its kind, partitioning"},
    };
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_FACTS Facts before = {0};
    AUTO_FREE_MEMORY char *sql = structure_in("public");
    described_set_up(&described, cluster, sql);
    read_facts(&described, "public", NULL, &before);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        AUTO_FACTS Facts after = {0};
        AUTO_TEXT_LIST TextList differences = {0};
        Error err = {0};
        bool found = false;
        described_expect_ok(pg_run_format(described.connection, &err,
                                          "begin read write; set local search_path to public; %s;"
                                          "set local search_path to ''",
                                          cases[i].change),
                            &err);
        read_facts(&described, "public", NULL, &after);
        described_expect_ok(pg_run(described.connection, "rollback", &err), &err);
        facts_compare(lines_of(&before, "public", cases[i].table),
                      lines_of(&after, "public", cases[i].table), &differences);
        for (size_t j = 0; j < differences.count; j++)
            found = found || strstr(differences.items[j], cases[i].sentence) != NULL;
        if (!found)
            fail_msg("%s: %zu differences, first \"%s\"", cases[i].change, differences.count,
                     differences.count ? differences.items[0] : "");
    }
}

static void leaves_out_what_is_not_structure(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    AUTO_DESCRIBED Described described = {0};
    AUTO_FACTS Facts before = {0};
    AUTO_FACTS Facts after = {0};
    AUTO_FREE_MEMORY char *sql = structure_in("public");
    pg_cluster_run(cluster, NULL, "create role somebody");
    described_set_up(&described, cluster, sql);
    pg_cluster_run(cluster, described.database,
                   "alter table \"Odd \"\"name\"\"\" add gone int, add last int;"
                   "alter table \"Odd \"\"name\"\"\" drop last");
    pg_cluster_run(cluster, described.database, "alter table \"Odd \"\"name\"\"\" drop gone");
    read_facts(&described, "public", NULL, &before);
    pg_cluster_run(cluster, described.database,
                   "alter table child owner to somebody; grant select on parent to somebody;"
                   "comment on column child.p is 'x'; alter table child enable row level security;"
                   "alter table child force row level security; insert into parent(t) values ('a');"
                   "alter table child add gone int; alter table child drop gone; analyze");
    read_facts(&described, "public", NULL, &after);
    expect_same(&before, "public", &after, "public");
}

static void compares_lines_by_what_they_are_about(void **state)
{
    static const char *const planned[] = {
        "column a 1111111111111111", "column a b 2222222222222222", "column a-b 3333333333333333",
        "index x y 4444444444444444", "table t 5555555555555555"};
    static const char *const found[] = {"column a b 2222222222222222", "column a 9111111111111111",
                                        "index x 4444444444444444", "table t 9555555555555555"};
    static const char *const expected[] = {
        "column \"a\" differs", "column \"a-b\" is missing", "index \"x\" was not planned",
        "index \"x y\" is missing",
        "its kind, partitioning, inheritance or replica identity differs"};
    AUTO_TEXT_LIST TextList left = {0};
    AUTO_TEXT_LIST TextList right = {0};
    AUTO_TEXT_LIST TextList differences = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(planned) / sizeof(*planned); i++)
        text_list_add(&left, planned[i]);
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
        text_list_add(&right, found[i]);
    facts_compare(&left, &right, &differences);
    assert_int_equal(differences.count, sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < differences.count; i++)
        assert_true(text_list_has(&differences, expected[i]));

    AUTO_TEXT_LIST TextList none = {0};
    facts_compare(&left, &left, &none);
    assert_int_equal(none.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_same_facts_for_the_same_structure_in_another_database),
        cmocka_unit_test(gives_the_same_facts_in_a_staging_schema_once_names_are_brought_back),
        cmocka_unit_test(names_every_difference),
        cmocka_unit_test(leaves_out_what_is_not_structure),
        cmocka_unit_test(compares_lines_by_what_they_are_about),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
