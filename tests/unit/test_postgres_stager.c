/*
 * engine/connect/postgres/stager: what is planned, what it makes, how it is checked and dropped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "tests/support/pg_migration.h"

static const char shop_sql[] =
    "create type state as enum ('new', 'paid');"
    "create table lookup (code text primary key, factor integer not null);"
    "insert into lookup values ('a', 2), ('b', 3);"
    "create function factor_of(text) returns integer language sql immutable"
    " as 'select factor from public.lookup where code = $1';"
    "create table customers (id bigint generated always as identity primary key, name text,"
    " boss bigint references customers, constraint by_name unique (name) include (boss)"
    " deferrable initially deferred);"
    "comment on constraint by_name on customers is 'once';"
    "insert into customers (name) select 'c' || n from generate_series(1, 300) n;"
    "create table orders (id serial primary key, customer bigint not null references customers,"
    " state state not null default 'new', code text, check (id > 0));"
    "insert into orders (customer, code) select n, 'a' from generate_series(1, 200) n;"
    "create index by_factor on orders (factor_of(code));"
    "create statistics related on customer, code from orders;"
    "alter table orders cluster on orders_pkey;"
    "create view open_orders as select o.*, c.name from orders o join customers c"
    " on c.id = o.customer;"
    "create materialized view factors as select id, factor_of(code) as factor from orders;"
    "create unique index factors_key on factors (id);"
    "create function touch() returns trigger language plpgsql as"
    " $$begin raise exception 'fired'; end$$;"
    "create trigger touched before insert on orders for each row execute function touch();"
    "alter table customers enable row level security;"
    "alter table customers force row level security;"
    "create policy all_of_them on customers using (true);"
    "create table a (id integer primary key, b integer);"
    "create table b (id integer primary key, a integer references a);"
    "insert into a values (1, 1); insert into b values (1, 1);"
    "alter table a add foreign key (b) references b;"
    "alter table orders disable trigger touched;";

/* The live namesakes hold something else: what staging reads must not be these. */
static const char live_sql[] =
    "create table lookup (code text primary key, factor integer not null);"
    "insert into lookup values ('a', 77);"
    "create function factor_of(text) returns integer language sql immutable"
    " as 'select factor from public.lookup where code = $1';"
    "create table orders (id integer); insert into orders values (1);";

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

static void expect_no_difference(PgMigration *migration)
{
    Error err = {0};

    pg_migration_check(migration);
    if (findings_refuse(&migration->findings, &err) < 0)
        fail_msg("%s", err.message);
}

static void expect_refused(Status status, const Error *err, const char *words)
{
    assert_int_equal(status, STATUS_INVALID);
    assert_int_equal(err->kind, ERROR_REFUSED);
    if (strstr(err->message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err->message, words);
}

static Status drop(PgMigration *migration, Error *err)
{
    return stager_drop_staging(migration->target->stager, &migration->identity, NULL,
                               &migration->findings, err);
}

static void stages_what_the_source_holds_beside_what_is_live(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, shop_sql, live_sql);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, "select count(*) from public~.orders", "200");
    pg_migration_expect(&migration, "select count(*) from public~.customers", "300");
    pg_migration_expect(&migration, "select factor from public~.factors where id = 7", "2");
    pg_migration_expect(&migration, "select nextval('public~.orders_id_seq')", "201");
    pg_migration_expect(&migration, "select count(*) from public.orders", "1");
    pg_migration_expect(&migration,
                        "set enable_seqscan = off; select count(*) from public~.orders"
                        " where public~.factor_of(code) = 2",
                        "200");
    pg_migration_close(&migration);
}

static void keys_are_the_same_as_built_in_one_step(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, shop_sql, NULL);
    pg_migration_stage(&migration);
    pg_migration_expect(&migration,
                        "select pg_get_constraintdef(oid) || ' ' || condeferred || ' '"
                        " || obj_description(oid) from pg_constraint"
                        " where conrelid = 'public~.customers'::regclass and contype = 'u'",
                        "UNIQUE (name) INCLUDE (boss) DEFERRABLE INITIALLY DEFERRED true once");
    pg_migration_expect(&migration,
                        "select count(*) from pg_index where indisclustered"
                        " and indexrelid = 'public~.orders_pkey'::regclass and indisvalid",
                        "1");
    pg_migration_close(&migration);
}

static void row_security_is_left_to_the_promotion(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, shop_sql, NULL);
    pg_migration_stage(&migration);
    pg_migration_expect(&migration,
                        "select relrowsecurity or relforcerowsecurity from pg_class"
                        " where oid = 'public~.customers'::regclass",
                        "f");
    pg_migration_expect(&migration,
                        "select count(*) from pg_policy"
                        " where polrelid = 'public~.customers'::regclass",
                        "1");
    pg_migration_close(&migration);
}

static void tables_are_analyzed(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create table plain as select n from generate_series(1, 50) n;"
                      "create table p (n integer) partition by range (n);"
                      "create table p1 partition of p for values from (0) to (10);"
                      "create table p2 partition of p default;"
                      "insert into p select generate_series(1, 20);"
                      "create materialized view m as select n from plain",
                      NULL);
    pg_migration_stage(&migration);
    pg_migration_expect(&migration,
                        "select string_agg(tablename, ' ' order by tablename) from pg_stats"
                        " where schemaname = 'public~' and attname = 'n'",
                        "m p p1 p2 plain");
    pg_migration_close(&migration);
}

/* The first of them reads the last, through a function: no dump tells so. */
static void materialized_views_are_filled_after_those_that_they_read(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create table t as select n from generate_series(1, 50) n;"
                      "create materialized view m9 as select sum(n) as n from t;"
                      "create function total() returns bigint language sql"
                      " as 'select n from public.m9';"
                      "create materialized view m2 as select total() as n;"
                      "create materialized view m1 as select n from m2;"
                      "create materialized view m5 as select total() as n with no data",
                      "create materialized view m9 as select 17 as n");
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, "select n from public~.m1", "1275");
    pg_migration_expect(&migration,
                        "select string_agg(relname, ' ') from pg_class where relkind = 'm'"
                        " and not relispopulated",
                        "m5");
    pg_migration_close(&migration);
}

/* A CREATE INDEX CONCURRENTLY has failed in the source. */
static void an_index_that_is_not_valid_is_left_behind(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create table t (n integer primary key, m integer);"
                      "create index half on t (m); create index whole on t (m);"
                      "update pg_index set indisvalid = false where indexrelid = 'half'::regclass;"
                      "create table p (n integer) partition by range (n);"
                      "create table p1 partition of p default; create index p_n on only p (n)",
                      NULL);
    pg_migration_stage(&migration);
    if (!pg_migration_finding(&migration, FINDING_WARNING, "index half of public.t",
                              "is left behind"))
        fail_msg("nothing is said of the index");
    expect_no_difference(&migration);
    pg_migration_expect(&migration,
                        "select string_agg(c.relname || ' ' || i.indisvalid, ', ' order by 1)"
                        " from pg_index i join pg_class c on c.oid = i.indexrelid"
                        " where c.relnamespace = 'public~'::regnamespace and c.relname <> 't_pkey'",
                        "p_n false, whole true");
    pg_migration_staging_sql(
        &migration,
        "update pg_index set indisvalid = false where indexrelid = 'public~.whole'::regclass");
    pg_migration_check(&migration);
    pg_migration_expect_refusal(&migration, "public.t", "index \"whole\"");
    pg_migration_close(&migration);
}

/* No dump of this can be restored: neither the index, nor the checks, nor the generated column, which
 * is put in place of its call when the table is made, before the one that it reads. */
static void functions_find_what_they_name_without_a_schema(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const char live[] =
        "create table rates (k integer, v integer); insert into rates values (1, -1);"
        "create function rate_of(integer) returns integer language sql immutable as 'select -1'";
    PgMigration migration;

    pg_migration_open(
        &migration, cluster,
        "create type mood as enum ('good');"
        "create table rates (k integer primary key, v integer);"
        "insert into rates select n, n * 10 from generate_series(1, 20) n;"
        "create function rate_of(integer) returns integer language sql immutable"
        " as 'select v from rates where k = $1';"
        "create function twice_of(integer) returns integer language plpgsql immutable as"
        " $$declare m mood := 'good'; r rates%rowtype; begin return 2 * rate_of($1); end$$;"
        "create table items (k integer, r integer generated always as (rate_of(k)) stored,"
        " check (twice_of(k) > 0));"
        "insert into items select n % 20 + 1 from generate_series(1, 100) n;"
        "create index by_rate on items (rate_of(k), twice_of(k));"
        "create statistics about on (rate_of(k)), r from items;"
        "create materialized view seen as select twice_of(k) as t from items",
        live);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration,
                        "select sum(r) || ' ' || (select sum(t) from public~.seen)"
                        " from public~.items",
                        "10500 21000");
    pg_migration_expect(&migration,
                        "set enable_seqscan = off;"
                        "select count(*) from public~.items where public~.rate_of(k) = 50",
                        "5");
    pg_migration_close(&migration);
}

/* Whatever waits for something waits for a lower class, or a lower id: there is no circle. */
static void expect_no_circle(const Plan *plan)
{
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];

        for (size_t j = 0; j < task->after_count; j++) {
            const Task *before = plan_task(plan, task->after[j]);

            assert_non_null(before);
            assert_true(before->id < task->id);
            assert_true(before->task_class <= task->task_class);
        }
    }
}

static void the_same_catalog_gives_the_same_tasks_when_staging_stands(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    Plan again = {0};
    Error err = {0};

    pg_migration_open(&migration, cluster, shop_sql, live_sql);
    pg_migration_stage(&migration);
    expect_no_circle(&migration.plan);
    again.catalog = migration.plan.catalog;
    assert_int_equal(stager_plan(migration.target->stager, &migration.identity, &again, &err),
                     STATUS_OK);
    assert_int_equal(again.task_count, migration.plan.task_count);
    for (size_t i = 0; i < again.task_count; i++) {
        assert_string_equal(again.tasks[i].name, migration.plan.tasks[i].name);
        assert_string_equal(again.tasks[i].statement, migration.plan.tasks[i].statement);
        assert_int_equal(again.tasks[i].task_class, migration.plan.tasks[i].task_class);
    }
    again.catalog = (Catalog){0};
    plan_release(&again);
    pg_migration_close(&migration);
}

static const Task *find_task(const Plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->task_count; i++) {
        if (strcmp(plan->tasks[i].name, name) == 0)
            return &plan->tasks[i];
    }
    fail_msg("there is no task \"%s\"", name);
    return NULL;
}

static void partitions_are_attached_before_their_rows_from_the_top(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(
        &migration, cluster,
        "create table p (n integer, k text, primary key (n, k)) partition by range (n);"
        "create table a_rest partition of p default partition by list (k);"
        "create table a_rest_x partition of a_rest for values in ('x');"
        "create table a_rest_0 partition of a_rest default;"
        "create table b_low partition of p for values from (0) to (100);"
        "create index on p (k); insert into p select n, 'x' from generate_series(1, 500) n;"
        "create table f (n integer, k text, foreign key (n, k) references p);"
        "insert into f select n, k from p",
        NULL);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);

    const Plan *plan = &migration.plan;
    const Task *low = find_task(plan, "attaching of partition public.b_low");
    const Task *rest = find_task(plan, "attaching of partition public.a_rest");
    const Task *leaf = find_task(plan, "attaching of partition public.a_rest_x");
    const Task *last = find_task(plan, "attaching of partition public.a_rest_0");

    assert_true(low->id < rest->id && rest->id < leaf->id && leaf->id < last->id);
    assert_true(low->table_id != 0 && leaf->table_id != 0);
    assert_int_equal(rest->table_id, 0);
    pg_migration_expect(&migration, "select count(*) from public~.p", "500");
    pg_migration_expect(&migration,
                        "select bool_and(indisvalid) from pg_index i join pg_class c"
                        " on c.oid = indexrelid where c.relnamespace = 'public~'::regnamespace",
                        "t");
    pg_migration_close(&migration);
}

static void rows_that_are_loaded_through_their_root_wait_for_its_partitions(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create type shade as enum ('r', 'g', 'b');"
                      "create table v (n integer, s shade not null) partition by hash (s);"
                      "create table v0 partition of v for values with (modulus 2, remainder 0);"
                      "create table v1 partition of v for values with (modulus 2, remainder 1);"
                      "insert into v select n, (enum_range(null::shade))[n % 3 + 1]"
                      " from generate_series(1, 90) n; create index on v (n);",
                      "create type other as enum ('x')");
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    for (size_t i = 0; i < migration.plan.task_count; i++) {
        const Task *task = &migration.plan.tasks[i];

        if (strstr(task->statement, "ATTACH PARTITION") != NULL)
            assert_int_equal(task->table_id, 1);
    }
    pg_migration_expect(&migration, "select count(*) from public~.v", "90");
    pg_migration_close(&migration);
}

static void an_extension_that_lives_elsewhere_is_found_there(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    AUTO_FREE_MEMORY char *available = pg_cluster_ask(
        cluster, NULL, "select 1 from pg_available_extensions where name = 'citext'");

    if (available == NULL)
        skip();
    pg_migration_open(&migration, cluster,
                      "create extension citext; create table t (a citext primary key);"
                      "insert into t values ('A'); create view v as select a = 'x' as same from t;",
                      "create schema tools; create extension citext schema tools");
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, "select count(*) from public~.t where a = 'a'::tools.citext",
                        "0"); /* without the path the operator is that of text */
    pg_migration_drop(&migration);
    assert_null(pg_migration_finding(&migration, FINDING_NOTE, "extension citext", "stays"));
    pg_migration_close(&migration);
}

static void an_extension_that_is_missing_is_created_and_stays(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    AUTO_FREE_MEMORY char *available = pg_cluster_ask(
        cluster, NULL, "select 1 from pg_available_extensions where name = 'citext'");

    if (available == NULL)
        skip();
    pg_migration_open(&migration, cluster,
                      "create schema ext; create extension citext schema ext;"
                      "create table t (a ext.citext)",
                      NULL);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_drop(&migration);
    assert_non_null(pg_migration_finding(&migration, FINDING_NOTE, "extension citext", "stays"));
    pg_migration_expect(&migration,
                        "select extnamespace::regnamespace::text from pg_extension"
                        " where extname = 'citext'",
                        "ext");
    pg_migration_close(&migration);
}

/* ---- the check ---- */

typedef struct Change {
    const char *sql;
    const char *object;
    const char *words;
} Change;

static const Change some_changes[] = {
    {"drop index public~.by_factor", "public.orders", "index \"by_factor\" is missing"},
    {"create index extra on public~.a (b)", "public.a", "index \"extra\" was not planned"},
    {"alter table public~.a add column c integer", "public.a", "column \"c\" was not planned"},
    {"alter table public~.orders alter column state drop not null", "public.orders",
     "column \"state\" differs"},
    {"alter table public~.orders drop constraint orders_customer_fkey", "public.orders",
     "constraint \"orders_customer_fkey\" is missing"},
    {"select setval('public~.orders_id_seq', 5)", "sequence public.orders_id_seq", "its value"},
    {"refresh materialized view public~.factors with no data", "materialized view public.factors",
     "has no content"},
    {"create or replace view public~.open_orders as select o.*, null::text as name"
     " from public~.orders o, public.lookup",
     "rule _RETURN on view public~.open_orders", "depends on the live public.lookup"},
    {NULL, NULL, NULL},
};

static const Change more_changes[] = {
    {"drop view public~.open_orders", "view public~.open_orders", "is missing"},
    {"alter table public~.orders alter column id drop default;"
     "drop sequence public~.orders_id_seq",
     "sequence public.orders_id_seq", "is missing"},
    {"drop table public~.b cascade", "public.b", "its staging table"},
    {"alter table public~.orders drop constraint orders_pkey cascade", "public.orders",
     "constraint \"orders_pkey\" is missing"},
    {"alter table public~.customers alter column name set default public.live()",
     "public.customers", "depends on the live public.live instead"},
    {NULL, NULL, NULL},
};

static char *with_id(const PgMigration *migration, const char *text)
{
    AUTO_TEXT Text ret = {0};

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '~')
            text_append_format(&ret, "_staging_%s", migration->identity.id);
        else
            text_append_bytes(&ret, c, 1);
    }
    return text_take(&ret);
}

static void expect_found(const Change *changes)
{
    PgMigration migration;
    AUTO_FREE_MEMORY char *source = xasprintf(
        "%s create function live() returns text language sql as 'select 1::text'", shop_sql);
    AUTO_FREE_MEMORY char *live = xasprintf(
        "%s create function live() returns text language sql as 'select 2::text'", live_sql);

    pg_migration_open(&migration, cluster, source, live);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    for (const Change *change = changes; change->sql != NULL; change++)
        pg_migration_staging_sql(&migration, change->sql);
    pg_migration_check(&migration);
    for (const Change *change = changes; change->sql != NULL; change++) {
        AUTO_FREE_MEMORY char *object = with_id(&migration, change->object);

        pg_migration_expect_refusal(&migration, object, change->words);
    }
    pg_migration_close(&migration);
}

static void finds_what_was_changed_since(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    expect_found(some_changes);
    expect_found(more_changes);
}

static void a_target_without_our_records_is_a_difference(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_plan(&migration);
    pg_migration_check(&migration);
    pg_migration_expect_refusal(&migration, "schema stopover", "no records");
    pg_migration_close(&migration);
}

/* ---- giving up ---- */

static void giving_up_leaves_the_target_as_it_was(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const char census[] =
        "select (select count(*) from pg_class where relnamespace <> 'pg_toast'::regnamespace)"
        " || ' ' || (select count(*) from pg_type) || ' ' || (select count(*) from pg_proc)"
        " || ' ' || (select count(*) from pg_namespace) || ' ' || (select count(*) from pg_depend)";
    PgMigration migration;
    Error err = {0};
    AUTO_TEXT_LIST TextList kept = {0};

    pg_migration_open(&migration, cluster, shop_sql, live_sql);

    AUTO_FREE_MEMORY char *before = pg_migration_ask(&migration, census);
    AUTO_FREE_MEMORY char *line = xasprintf("staging public_staging_%s", migration.identity.id);

    pg_migration_stage(&migration);
    assert_int_equal(pg_migration_outcome(&migration), OUTCOME_NONE);
    assert_int_equal(stager_list_kept(migration.target->stager, &migration.identity, &kept, &err),
                     STATUS_OK);
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.items[0], line);
    expect_refused(
        stager_finish(migration.target->stager, &migration.identity, &migration.findings, &err),
        &err, "neither promoted nor rolled back");
    pg_migration_drop(&migration);
    assert_int_equal(pg_migration_outcome(&migration), OUTCOME_DROPPED);
    pg_migration_drop(&migration);
    assert_int_equal(
        stager_finish(migration.target->stager, &migration.identity, &migration.findings, &err),
        STATUS_OK);
    assert_int_equal(pg_migration_outcome(&migration), OUTCOME_NONE);
    pg_migration_expect(&migration, census, before);
    pg_migration_close(&migration);
}

static void circles_are_dropped(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(
        &migration, cluster,
        "create table selfish (a integer);"
        "create function fine(selfish) returns boolean language sql immutable"
        " as 'select ($1).a > 0';"
        "alter table selfish add constraint fine check (fine(selfish.*));"
        "create view one as select 1 as n;"
        "create function ones() returns setof one language sql as 'select 1';"
        "create or replace view one as select n from ones();"
        "create type span as range (subtype = numeric);"
        "create type pair as (a span, b span); create domain short as text check (length(value) < "
        "9);"
        "create cast (pair as text) with inout;"
        "create operator === (function = int4eq, leftarg = integer, rightarg = integer);"
        "create table parent (id integer primary key); create table child () inherits (parent);"
        "create collation plain (locale = 'C'); create table c (a text collate plain, p pair, s "
        "short)",
        NULL);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_drop(&migration);
    pg_migration_expect(&migration,
                        "select count(*) from pg_namespace where nspname like '%staging%'", "0");
    pg_migration_expect(&migration, "select count(*) from pg_cast where oid >= 16384", "0");
    pg_migration_close(&migration);
}

static void transforms_are_known_and_dropped(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create type pair as (a integer, b integer);"
                      "create transform for pair language plpgsql"
                      " (from sql with function prsd_lextype(internal));"
                      "create transform for point language plpgsql"
                      " (from sql with function prsd_lextype(internal))",
                      NULL);
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, "select count(*) from pg_transform", "2");
    pg_migration_drop(&migration);
    pg_migration_expect(&migration, "select count(*) from pg_transform", "0");
    pg_migration_close(&migration);
}

/* Its constructors are beside the range all the same. Nothing else is in that schema. */
static void a_multirange_may_have_a_schema_of_its_own(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(
        &migration, cluster,
        "create schema other; create type span as range (subtype = numeric,"
        " multirange_type_name = other.spans);"
        "create table t (s other.spans default public.spans(public.span(1, 2)), a other.spans[]);"
        "insert into t values (default, array[public.spans(), public.spans(public.span(1, 2))]);",
        "create schema other; create type span as range (subtype = text,"
        " multirange_type_name = other.spans)");
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, "select s::text from public~.t", "{[1,2)}");
    pg_migration_expect(&migration,
                        "select count(*) from pg_type where typname = 'spans'"
                        " and typnamespace in ('other'::regnamespace, 'other~'::regnamespace)",
                        "2");
    pg_migration_drop(&migration);
    pg_migration_close(&migration);
}

/* The commutator that an operator names is made with it, there where it is named. */
static void operators_without_a_definition_stay_in_staging(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const char census[] = "select count(*) from pg_operator where oid >= 16384";
    PgMigration migration;

    pg_migration_open(&migration, cluster,
                      "create schema app; create type pair as (a integer);"
                      "create function less(pair, pair) returns boolean language sql immutable"
                      " as 'select ($1).a < ($2).a';"
                      "create operator app.<<< (function = less, leftarg = pair, rightarg = pair,"
                      " commutator = operator(app.>>>), negator = operator(public.>>=))",
                      "create schema app");
    pg_migration_stage(&migration);
    expect_no_difference(&migration);
    pg_migration_expect(&migration, census, "3");
    pg_migration_expect(&migration,
                        "select count(*) from pg_operator where oprnamespace in"
                        " ('app~'::regnamespace, 'public~'::regnamespace)",
                        "3");
    pg_migration_drop(&migration);
    pg_migration_expect(&migration, census, "0");
    pg_migration_close(&migration);
}

static const struct {
    const char *sql;
    const char *words;
    const char *undo;
} strangers[] = {
    {"create view public.theirs as select * from public~.a", "view public.theirs",
     "drop view public.theirs"},
    {"create table public~.theirs (a integer)", "table public~.theirs",
     "drop table public~.theirs"},
    {"create table public.theirs (a integer references public~.a)", "on table public.theirs",
     "drop table public.theirs"},
    {"create table public.theirs (s public~.state)", "column s of table public.theirs",
     "drop table public.theirs"},
    {"create function public.theirs(public~.orders) returns integer language sql as 'select 1'",
     "function public.theirs", "drop function public.theirs"},
    {"create index theirs on public~.a (b)", "index public~.theirs", "drop index public~.theirs"},
    {"create function public~.theirs() returns integer language sql as 'select 1'",
     "function public~.theirs()", "drop function public~.theirs"},
};

static void what_is_not_ours_stops_the_drop_by_its_name(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;

    pg_migration_open(&migration, cluster, shop_sql, NULL);
    pg_migration_stage(&migration);
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        AUTO_FREE_MEMORY char *words = with_id(&migration, strangers[i].words);
        Error err = {0};

        pg_migration_staging_sql(&migration, strangers[i].sql);
        expect_refused(drop(&migration, &err), &err, words);
        pg_migration_expect(&migration, "select count(*) from public~.orders", "200");
        pg_migration_staging_sql(&migration, strangers[i].undo);
    }
    pg_migration_drop(&migration);
    pg_migration_close(&migration);
}

typedef struct Asked {
    unsigned times;
    Status answer;
} Asked;

static Status count_asked(void *context, Error *err)
{
    Asked *asked = context;

    asked->times++;
    return asked->answer < 0 ? error_set(err, asked->answer, "not now") : STATUS_OK;
}

/* Nobody who was refused, or waited for a lock in vain, has given anything up. */
static void nothing_is_dropped_before_it_was_asked_for(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    Asked asked = {.answer = STATUS_FAILED};
    DropWatch watch = {.before_first = count_asked, .context = &asked};
    Error err = {0};

    pg_migration_open(&migration, cluster, shop_sql, NULL);
    pg_migration_stage(&migration);
    pg_migration_staging_sql(&migration, "create view public.theirs as select * from public~.a");
    assert_int_equal(stager_drop_staging(migration.target->stager, &migration.identity, &watch,
                                         &migration.findings, &err),
                     STATUS_INVALID);
    assert_int_equal(asked.times, 0);
    pg_migration_staging_sql(&migration, "drop view public.theirs");
    assert_int_equal(stager_drop_staging(migration.target->stager, &migration.identity, &watch,
                                         &migration.findings, &err),
                     STATUS_FAILED);
    assert_int_equal(asked.times, 1);
    assert_false(watch.has_begun);
    pg_migration_expect(&migration, "select count(*) from public~.orders", "200");
    asked.answer = STATUS_OK;
    assert_int_equal(stager_drop_staging(migration.target->stager, &migration.identity, &watch,
                                         &migration.findings, &err),
                     STATUS_OK);
    assert_int_equal(asked.times, 2);
    assert_true(watch.has_begun);
    pg_migration_close(&migration);
}

static void our_name_alone_is_not_enough_to_be_dropped(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    Error err = {0};

    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_stage(&migration);
    pg_migration_target_sql(&migration, "delete from stopover.object where kind = 'table'");
    expect_refused(drop(&migration, &err), &err, "did not make");
    pg_migration_expect(&migration, "select count(*) from public~.t", "0");
    pg_migration_close(&migration);
}

static void dropping_and_finishing_resume_after_any_fault(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        bool fired = true;
        unsigned n = 1;

        for (; fired; n++) {
            PgMigration migration;
            Error err = {0};

            pg_migration_open(&migration, cluster, "create table t (a integer primary key)", NULL);
            pg_migration_stage(&migration);
            fault_arm(modes[i], n, NULL);

            Status status = drop(&migration, &err);

            if (status == STATUS_OK)
                status = stager_finish(migration.target->stager, &migration.identity,
                                       &migration.findings, &err);
            fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status, fired ? STATUS_RETRY : STATUS_OK);
            pg_migration_reopen(&migration);
            pg_migration_claim(&migration);
            pg_migration_drop(&migration);
            assert_int_equal(stager_finish(migration.target->stager, &migration.identity,
                                           &migration.findings, &err),
                             STATUS_OK);
            pg_migration_expect(&migration, "select count(*) from pg_namespace where oid >= 16384",
                                "0");
            pg_migration_close(&migration);
        }
        assert_true(n > 4); /* drop, its end, and both steps of finish */
    }
}

static void another_run_keeps_the_control_schema(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgMigration migration;
    Error err = {0};

    pg_migration_open(&migration, cluster, "create table t (a integer)", NULL);
    pg_migration_stage(&migration);
    pg_migration_target_sql(&migration,
                            "insert into stopover.run (run, migration, attempt, epoch, id)"
                            " values ('other', 'other', 1, 1, '000000')");
    pg_migration_drop(&migration);
    assert_int_equal(
        stager_finish(migration.target->stager, &migration.identity, &migration.findings, &err),
        STATUS_OK);
    pg_migration_expect(&migration, "select string_agg(run, ' ') from stopover.run", "other");
    pg_migration_close(&migration);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_what_the_source_holds_beside_what_is_live),
        cmocka_unit_test(keys_are_the_same_as_built_in_one_step),
        cmocka_unit_test(row_security_is_left_to_the_promotion),
        cmocka_unit_test(tables_are_analyzed),
        cmocka_unit_test(functions_find_what_they_name_without_a_schema),
        cmocka_unit_test(an_index_that_is_not_valid_is_left_behind),
        cmocka_unit_test(materialized_views_are_filled_after_those_that_they_read),
        cmocka_unit_test(the_same_catalog_gives_the_same_tasks_when_staging_stands),
        cmocka_unit_test(partitions_are_attached_before_their_rows_from_the_top),
        cmocka_unit_test(rows_that_are_loaded_through_their_root_wait_for_its_partitions),
        cmocka_unit_test(an_extension_that_lives_elsewhere_is_found_there),
        cmocka_unit_test(an_extension_that_is_missing_is_created_and_stays),
        cmocka_unit_test(finds_what_was_changed_since),
        cmocka_unit_test(a_target_without_our_records_is_a_difference),
        cmocka_unit_test(giving_up_leaves_the_target_as_it_was),
        cmocka_unit_test(circles_are_dropped),
        cmocka_unit_test(transforms_are_known_and_dropped),
        cmocka_unit_test(a_multirange_may_have_a_schema_of_its_own),
        cmocka_unit_test(operators_without_a_definition_stay_in_staging),
        cmocka_unit_test(what_is_not_ours_stops_the_drop_by_its_name),
        cmocka_unit_test(nothing_is_dropped_before_it_was_asked_for),
        cmocka_unit_test(our_name_alone_is_not_enough_to_be_dropped),
        cmocka_unit_test(dropping_and_finishing_resume_after_any_fault),
        cmocka_unit_test(another_run_keeps_the_control_schema),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
