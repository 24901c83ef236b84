/*
 * engine/connect/postgres/swap_plan: the statements that make a staging live and take it back, run for
 * real in one transaction each; dependents of all kinds, by using them; and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/process.h"
#include "engine/connect/postgres/swap.h"
#include "engine/connect/postgres/target.h"
#include "tests/support/pg_migration.h"

static PgCluster *cluster;

static int start_cluster(void **state)
{
    static const char *const settings[] = {"wal_level=logical", NULL};

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

/* ---- one migration and its swap ---- */

typedef struct Trial {
    PgMigration migration;
    Swap swap;
    char fingerprint[65];
    char planned[65]; /* the fingerprint before staging existed */
    char *before;     /* dump of the target's schemas as they were */
} Trial;

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s) %s", err->message, err->sqlstate, err->hint);
}

static PgConnection *control(Trial *trial)
{
    PgConnection *connection = NULL;
    Error err = {0};

    expect_ok(pg_target_control((PgTarget *)(void *)trial->migration.target, &connection, &err),
              &err);
    return connection;
}

/* The findings are those of this plan only. */
static void plan_swap(Trial *trial, bool staged_exists)
{
    Error err = {0};

    pg_swap_release(&trial->swap);
    findings_release(&trial->migration.findings);
    trial->migration.findings = (Findings){0};
    expect_ok(swap_plan(control(trial), &trial->migration.identity, &trial->migration.plan,
                        staged_exists, &trial->swap, trial->fingerprint, &trial->migration.findings,
                        &err),
              &err);
}

static bool is_noise(const char *line)
{
    return line[0] == '\0' || line[0] == '\\' || strncmp(line, "--", 2) == 0 ||
           strcmp(line, "CREATE SCHEMA public;") == 0 ||
           strncmp(line, "COMMENT ON SCHEMA public", strlen("COMMENT ON SCHEMA public")) == 0 ||
           strncmp(line, "ALTER SCHEMA public OWNER", strlen("ALTER SCHEMA public OWNER")) == 0;
}

/* What pg_dump says of schemas public and app, without what is random; free. how: NULL, or one more
 * option. */
static char *dump(const Trial *trial, const char *database, const char *how, const char *more)
{
    AUTO_FREE_MEMORY char *program = xasprintf("%s/pg_dump", pg_cluster_bin_directory(cluster));
    AUTO_FREE_MEMORY char *connection = xasprintf("dbname=%s host=%s user=postgres", database,
                                                  pg_cluster_socket_directory(cluster));
    const char *arguments[] = {program, "-d",  connection, "-n", "public",
                               "-n",    "app", how,        more, NULL};
    const Process process = {.arguments = arguments};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    AUTO_TEXT Text text = {0};
    Error err = {0};

    (void)trial;
    expect_ok(process_run(&process, &outcome, &err), &err);
    if (outcome.exit_code != 0)
        fail_msg("%s", text_string(&outcome.errors));
    for (const char *at = text_string(&outcome.output); *at != '\0';) {
        AUTO_FREE_MEMORY char *line = xstrndup(at, strcspn(at, "\n"));

        at += strlen(line) + (at[strlen(line)] == '\n');
        if (!is_noise(line))
            text_append_format(&text, "%s\n", line);
    }
    return text_take(&text);
}

static void expect_same(const char *what, const char *expected, const char *found)
{
    const char *a = expected;
    const char *b = found;

    while (*a != '\0' && *b != '\0') {
        size_t size = strcspn(a, "\n");

        if (size != strcspn(b, "\n") || strncmp(a, b, size) != 0)
            break;
        a += size + (a[size] == '\n');
        b += size + (b[size] == '\n');
    }
    if (*a != '\0' || *b != '\0')
        fail_msg("%s: expected \"%.300s\", found \"%.300s\"", what, a, b);
}

static void open_trial(Trial *trial, const char *source_sql, const char *target_sql)
{
    *trial = (Trial){0};
    pg_migration_open(&trial->migration, cluster, source_sql, target_sql);
    trial->before = dump(trial, trial->migration.to, NULL, NULL);
}

static void close_trial(Trial *trial)
{
    free(trial->before);
    pg_swap_release(&trial->swap);
    pg_migration_close(&trial->migration);
}

/* Planned twice, before and after staging. */
static void stage_trial(Trial *trial)
{
    pg_migration_plan(&trial->migration);
    plan_swap(trial, false);
    (void)snprintf(trial->planned, sizeof(trial->planned), "%s", trial->fingerprint);
    pg_migration_claim(&trial->migration);
    pg_migration_copy(&trial->migration);
    plan_swap(trial, true);
}

static void expect_no_refusal(const Trial *trial)
{
    Error err = {0};

    if (findings_refuse(&trial->migration.findings, &err) < 0)
        fail_msg("%s", err.message);
}

static void run_lines(PgConnection *connection, const TextList *list)
{
    Error err = {0};

    for (size_t i = 0; i < list->count; i++) {
        Status status = pg_run(connection, list->items[i], &err);

        if (status < 0)
            fail_msg("%s: %s", list->items[i], err.message);
    }
}

static void lock_all(PgConnection *connection, const TextList *list)
{
    Error err = {0};

    for (size_t i = 0; i < list->count; i++)
        expect_ok(pg_run_format(connection, &err, "lock table only %s in access exclusive mode",
                                list->items[i]),
                  &err);
}

/* One transaction, as it is stored. */
static void run_swap(Trial *trial, const Swap *swap)
{
    PgConnection *connection = control(trial);
    AUTO_FREE_MEMORY char *text = swap_write(swap);
    AUTO_SWAP Swap read = {0};
    Error err = {0};

    expect_ok(swap_read(text, &read, &err), &err);
    expect_ok(pg_run(connection, "begin", &err), &err);
    lock_all(connection, &read.staged_locks);
    lock_all(connection, &read.live_locks);
    for (size_t i = 0; i < read.checks.count; i++) {
        AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

        expect_ok(pg_query(connection, read.checks.items[i], &rows, &err), &err);
        if (!pg_is_true(rows, 0, 0))
            fail_msg("check fails: %.200s", read.checks.items[i]);
    }
    for (size_t i = 0; i < read.count; i++) {
        Status status = pg_run(connection, read.steps[i].forward, &err);

        if (status < 0)
            fail_msg("%s: %s: %s", read.steps[i].words, read.steps[i].forward, err.message);
    }
    expect_ok(pg_run(connection, "commit", &err), &err);
    run_lines(connection, &read.validate);
}

static void promote(Trial *trial)
{
    expect_no_refusal(trial);
    assert_string_equal(trial->planned, trial->fingerprint);
    run_swap(trial, &trial->swap);
}

/* And everything is as before. */
static void take_back(Trial *trial)
{
    AUTO_SWAP Swap back = {0};
    AUTO_FREE_MEMORY char *after = NULL;

    swap_reverse(&trial->swap, &back);
    run_swap(trial, &back);
    after = dump(trial, trial->migration.to, NULL, NULL);
    expect_same("after the way back", trial->before, after);
}

/* What is live now is what the source has, but for owners and grants. */
static void expect_as_source(const Trial *trial)
{
    AUTO_FREE_MEMORY char *expected = dump(trial, trial->migration.from, "--no-owner", "--no-acl");
    AUTO_FREE_MEMORY char *found = dump(trial, trial->migration.to, "--no-owner", "--no-acl");

    expect_same("after promotion", expected, found);
}

static void expect(Trial *trial, const char *sql, const char *answer)
{
    pg_migration_expect(&trial->migration, sql, answer);
}

static void expect_refusal(const Trial *trial, const char *object, const char *words)
{
    pg_migration_expect_refusal(&trial->migration, object, words);
}

static int refusals_of(const Trial *trial, const char *object)
{
    const Findings *findings = &trial->migration.findings;
    int count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].severity == FINDING_REFUSAL &&
                 findings->items[i].object != NULL &&
                 strcmp(findings->items[i].object, object) == 0;
    return count;
}

static void target_sql(Trial *trial, const char *sql)
{
    pg_migration_target_sql(&trial->migration, sql);
}

/* ---- there and back ---- */

static const char shop_sql[] =
    "create type state as enum ('new', 'paid');"
    "create domain amount as numeric check (value >= 0);"
    "create type point3 as (x integer, y integer, z integer);"
    "create type span as range (subtype = integer, multirange_type_name = spans);"
    "create sequence numbers start 100;"
    "create table lookup (code text primary key, factor integer not null);"
    "insert into lookup values ('a', 2), ('b', 3);"
    "create function factor_of(text) returns integer language sql immutable"
    " set search_path = public as 'select factor from lookup where code = $1';"
    "create function paid(state) returns boolean language sql immutable"
    " return $1 = 'paid'::state;"
    "create procedure clean(days integer) language plpgsql as"
    " $$begin delete from public.orders where id < days; end$$;"
    "create aggregate total(integer) (sfunc = int4pl, stype = integer, initcond = '0');"
    "create function same(point3, point3) returns boolean language sql immutable"
    " as 'select $1.x = $2.x';"
    "create operator === (function = same, leftarg = point3, rightarg = point3);"
    "create collation plain from \"C\";"
    "create text search configuration words (copy = simple);"
    "create table customers (id bigint generated always as identity primary key, name text,"
    " boss bigint references customers, place point3, during span);"
    "insert into customers (name) select 'c' || n from generate_series(1, 30) n;"
    "create table orders (id serial primary key, customer bigint not null references customers,"
    " state state not null default 'new', code text collate plain, sum amount, check (id > 0));"
    "insert into orders (customer, code) select n, 'a' from generate_series(1, 20) n;"
    "create index by_factor on orders (factor_of(code));"
    "create statistics related on customer, code from orders;"
    "create view open_orders as select o.id, o.state, c.name from orders o join customers c"
    " on c.id = o.customer;"
    "create materialized view factors as select id, factor_of(code) as factor from orders;"
    "create unique index factors_key on factors (id);"
    "create function touch() returns trigger language plpgsql as 'begin return new; end';"
    "create trigger touched before insert on orders for each row execute function touch();"
    "alter table customers enable row level security;"
    "alter table customers force row level security;"
    "create policy all_of_them on customers using (true);"
    "create table log (at date not null, what text) partition by range (at);"
    "create table log_2024 partition of log for values from ('2024-01-01') to ('2025-01-01');"
    "create table log_rest partition of log default;"
    "insert into log values ('2024-05-05', 'x'), ('2030-01-01', 'y');"
    "create table base (id integer); create table derived (more text) inherits (base);"
    "create schema app; comment on schema app is 'the app';"
    "create table app.settings (name text primary key, value text);"
    "insert into app.settings values ('a', 'b');";

/* Of all kinds some, under the same names. */
static const char old_shop_sql[] =
    "create type state as enum ('old');"
    "create domain amount as integer;"
    "create view point3 as select 1 as x;"
    "create type span as range (subtype = bigint);"
    "create table lookup (code text primary key, factor integer not null);"
    "insert into lookup values ('a', 77);"
    "create function factor_of(text) returns integer language sql immutable"
    " as 'select factor from public.lookup where code = $1';"
    "create function paid(state) returns boolean language sql as 'select true';"
    "create function paid(text) returns boolean language sql as 'select false';"
    "create sequence orders_id_seq;"
    "create table orders (id integer default nextval('orders_id_seq'), state state, sum amount);"
    "insert into orders values (7); create statistics old_statistics on id, sum from orders;"
    "create table customers (id serial primary key); insert into customers values (1);"
    "comment on table customers is 'old';"
    "create table log (at date) partition by range (at);"
    "create table log_1999 partition of log for values from ('1999-01-01') to ('2000-01-01');"
    "insert into log values ('1999-05-05');"
    "create table factors (id integer);"
    "create text search configuration words (copy = english);";

static void an_empty_target_gets_what_the_source_has(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    open_trial(&trial, shop_sql, NULL);
    stage_trial(&trial);
    promote(&trial);
    expect_as_source(&trial);
    expect(&trial, "select obj_description('app'::regnamespace, 'pg_namespace')", "the app");
    take_back(&trial);
    expect(&trial, "select count(*) from pg_namespace where nspname = 'app'", "0");
    expect(&trial, "select count(*) from pg_namespace where nspname like '%undone%'", "2");
    close_trial(&trial);
}

static void what_is_live_is_replaced_and_comes_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    open_trial(&trial, shop_sql, old_shop_sql);
    stage_trial(&trial);
    assert_non_null(pg_migration_finding(&trial.migration, FINDING_NOTE, "table public.log_1999",
                                         "goes along"));
    promote(&trial);
    /* what stays is one function */
    target_sql(&trial, "drop function paid(text)");
    expect_as_source(&trial);
    expect(&trial, "select prosrc from pg_proc where oid = 'public.factor_of(text)'::regprocedure",
           "select factor from lookup where code = $1");
    target_sql(&trial, "create function paid(text) returns boolean language sql as 'select false'");
    take_back(&trial);
    close_trial(&trial);
}

/* Bodies keep what staging has made of names of extensions, and nothing else of it. */
static void extensions_elsewhere_are_called_by_their_place(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    open_trial(&trial,
               "create extension citext; create table w (n citext primary key);"
               "insert into w values ('A');"
               "create function find(citext) returns bigint language sql as"
               " 'select count(*) from public.w where n operator(public.=) $1::public.citext'",
               "create schema extensions; create extension citext schema extensions;"
               "create function find(extensions.citext) returns bigint language sql as 'select 9';"
               "create table w (n extensions.citext primary key);"
               "create view v as select n from w");
    stage_trial(&trial);
    promote(&trial);
    expect(&trial,
           "select prosrc from pg_proc where proname = 'find'"
           " and pronamespace = 'public'::regnamespace",
           "select count(*) from public.w where n operator(\"extensions\".=)"
           " $1::\"extensions\".citext");
    expect(&trial, "select find('a'::extensions.citext)", "1");
    take_back(&trial);
    expect(&trial, "select find('a'::extensions.citext)", "9");
    close_trial(&trial);
}

/* ---- dependents ---- */

static const char small_sql[] =
    "create type mood as enum ('sad', 'glad');"
    "create sequence numbers; select setval('numbers', 500);"
    "create function twice(integer) returns integer language sql immutable"
    " as 'select $1 * 2';"
    "create function touch() returns trigger language plpgsql as"
    " $$begin new.note := 'new'; return new; end$$;"
    "create table parent (id integer primary key, name text, feeling mood, extra text);"
    "insert into parent select n, 'p' || n from generate_series(1, 10) n;"
    "create table second (id integer, name text, unique (id, name));";

static const char old_small_sql[] =
    "create type mood as enum ('sad');"
    "create sequence numbers;"
    "create function twice(integer) returns integer language sql immutable"
    " as 'select $1 * 200';"
    "create function touch() returns trigger language plpgsql as"
    " $$begin new.note := 'old'; return new; end$$;"
    "create table parent (id integer primary key, name text, feeling mood);"
    "insert into parent values (1, 'old one');"
    "create table second (id integer, name text, unique (id, name));"
    "create table outside (id integer primary key, parent integer constraint to_parent"
    " references parent on delete cascade, number bigint default nextval('numbers'), note text,"
    " name text);"
    "comment on constraint to_parent on outside is 'a comment';"
    "insert into outside values (1, 1, 1, 'n');"
    "create view plain_view with (security_barrier) as select p.id, p.name, twice(p.id) as double"
    " from parent p where p.feeling is null or p.feeling = 'sad';"
    "create view over_view as select id from plain_view;"
    "create function atomic() returns bigint language sql begin atomic"
    " select count(*) from parent; end;"
    "create trigger touched before insert on outside for each row execute function touch();"
    "comment on trigger touched on outside is 'touching';"
    "create trigger always before insert on outside for each row execute function touch();"
    "alter table outside enable always trigger always;"
    "create rule copying as on delete to outside do also delete from parent"
    " where id = old.parent;"
    "create policy of_parents on outside using (parent in (select id from parent))"
    " with check (twice(parent) > 0);"
    "alter table outside enable row level security;"
    "create function with_default(bigint default nextval('numbers')) returns bigint language sql"
    " as 'select $1';"
    "create publication of_tables for table parent (id, name) where (id > 0), outside;"
    "create publication of_all for all tables;"
    "create publication of_schema for tables in schema public;"
    "create materialized view content as select id from over_view;";

static void dependents_follow_there_and_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;
    AUTO_FREE_MEMORY char *published = NULL;
    static const char *const noted[] = {"publication of_all", "publication of_schema",
                                        "materialized view public.content"};

    open_trial(&trial, small_sql, old_small_sql);
    published = pg_migration_ask(&trial.migration, "select string_agg(tablename || rowfilter ||"
                                                   " attnames::text, ' ' order by tablename)"
                                                   " from pg_publication_tables"
                                                   " where pubname = 'of_tables'");
    stage_trial(&trial);
    for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++)
        assert_non_null(pg_migration_finding(&trial.migration, FINDING_NOTE, noted[i], ""));
    promote(&trial);
    expect(&trial, "select string_agg(double::text, ' ' order by id) from plain_view",
           "2 4 6 8 10 12 14 16 18 20");
    expect(&trial, "select count(*) from over_view", "10");
    expect(&trial, "select reloptions from pg_class where relname = 'plain_view'",
           "{security_barrier=true}");
    expect(&trial, "select atomic()", "10");
    expect(&trial, "select with_default()", "501");
    expect(&trial, "insert into outside (id, parent) values (2, 9) returning note || number",
           "new502");
    expect(&trial, "select convalidated from pg_constraint where conname = 'to_parent'", "t");
    expect(&trial,
           "select obj_description(oid, 'pg_constraint') from pg_constraint"
           " where conname = 'to_parent'",
           "a comment");
    expect(&trial,
           "select string_agg(tgenabled::text, '' order by tgname) from pg_trigger"
           " where tgrelid = 'outside'::regclass and not tgisinternal",
           "AO");
    expect(&trial,
           "select count(*) from pg_depend d join pg_class c on c.oid = d.refobjid"
           " join pg_namespace n on n.oid = c.relnamespace"
           " where n.nspname like '%retired%' and d.classid in"
           " ('pg_policy'::regclass, 'pg_publication_rel'::regclass)",
           "0");
    expect(&trial,
           "select string_agg(schemaname || tablename || rowfilter || attnames::text, ' ')"
           " from pg_publication_tables"
           " where pubname = 'of_tables' and tablename = 'parent'",
           "publicparent(id > 0){id,name}");
    target_sql(&trial, "delete from outside where id = 2"); /* the rule reads the new table */
    expect(&trial, "select count(*) from parent", "9");
    take_back(&trial);
    expect(&trial,
           "select string_agg(tablename || rowfilter || attnames::text, ' '"
           " order by tablename) from pg_publication_tables where pubname = 'of_tables'",
           published == NULL ? "" : published);
    expect(&trial, "select atomic()", "1");
    close_trial(&trial);
}

static void a_foreign_key_to_what_stays_does_not_hold_it(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    open_trial(&trial, "create table child (id integer); insert into child values (5)",
               "create table kept (id integer primary key); insert into kept values (1);"
               "create table child (id integer references kept); insert into child values (1)");
    stage_trial(&trial);
    promote(&trial);
    target_sql(&trial, "begin; delete from kept; rollback");
    take_back(&trial);
    close_trial(&trial);
}

/* Of a schema that the source does not have. */
static void partitions_elsewhere_go_along_and_come_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    open_trial(
        &trial,
        "create table p (id integer primary key) partition by range (id);"
        "create table p_all partition of p default; insert into p values (1), (2)",
        "create schema app;"
        "create table p (id integer primary key) partition by range (id);"
        "create table app.p_one partition of p for values from (0) to (10);"
        "insert into p values (1);"
        "create table r (id integer constraint to_p references p); insert into r values (1)");
    stage_trial(&trial);
    assert_non_null(
        pg_migration_finding(&trial.migration, FINDING_NOTE, "table app.p_one", "goes along"));
    promote(&trial);
    expect(&trial,
           "select to_regclass('app.p_one') is null and exists (select from pg_class c"
           " join pg_namespace n on n.oid = c.relnamespace"
           " where c.relname = 'p_one' and n.nspname like 'app_retired_%')",
           "t");
    expect(&trial, "insert into r values (2) returning id", "2");
    target_sql(&trial, "delete from r where id = 2");
    take_back(&trial);
    expect(&trial, "select tableoid::regclass from p", "app.p_one");
    close_trial(&trial);
}

typedef struct Refused {
    const char *source;
    const char *target;
    const char *object;
    const char *words;
} Refused;

static void expect_verdict(const Trial *trial, const Refused *refused)
{
    if (refused->words == NULL)
        expect_no_refusal(trial);
    else
        expect_refusal(trial, refused->object, refused->words);
}

static void try_refused(const Refused *refused, bool is_late)
{
    Trial trial;

    open_trial(&trial, refused->source, refused->target);
    pg_migration_plan(&trial.migration);
    plan_swap(&trial, false);
    if (!is_late)
        expect_verdict(&trial, refused);
    pg_migration_claim(&trial.migration);
    pg_migration_copy(&trial.migration);
    plan_swap(&trial, true);
    if (is_late)
        expect_verdict(&trial, refused);
    else
        assert_true((findings_count(&trial.migration.findings, FINDING_REFUSAL) > 0) ==
                    (refused->words != NULL));
    close_trial(&trial);
}

static void what_cannot_follow_is_refused_by_name(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const char t[] = "create table t (id integer primary key, name text)";
    static const Refused cases[] = {
        {t, "create table t (id integer); create materialized view m as select id from t",
         "materialized view public.m", "materialized"},
        {t, "create table t (id bigint); create view v as select id from t", "view public.v",
         "of another type"},
        {t, "create table t (gone integer); create view v as select gone from t", "view public.v",
         "does not have"},
        {"create type e as enum ('a'); create table x (e e)",
         "create type e as enum ('a'); create table keeps (e e)", "column e of table public.keeps",
         "cannot be bound"},
        {t, "create table t (id integer); create table typed (t t)",
         "column t of table public.typed", "cannot be bound"},
        {t,
         "create table t (id integer); create function f() returns setof t language sql as"
         " 'select * from public.t'",
         "function public.f()", "argument or result"},
        {t,
         "create table p (id integer) partition by range (id);"
         "create table t partition of p default",
         "table public.t", "is a partition or child of"},
        {t,
         "create table t (id integer primary key); create table r (id integer references t)"
         " partition by range (id)",
         NULL, "partitioned table"},
        {"create table t (id integer)",
         "create table t (id integer primary key); create table r (id integer references t)", NULL,
         "no unique key"},
        {"create function f(integer) returns integer language sql immutable as 'select 1'",
         "create function f(integer) returns integer language sql immutable as 'select 2';"
         "create table o (id integer); create index i on o (f(id))",
         "index public.i", "cannot be bound"},
        {"create function f(integer) returns integer language sql immutable as 'select 1'",
         "create function f(integer) returns integer language sql immutable as 'select 2';"
         "create table o (id integer check (f(id) > 0))",
         NULL, "cannot be bound"},
        {"create function f(integer) returns integer language sql immutable as 'select 1'",
         "create function f(integer) returns integer language sql immutable as 'select 2';"
         "create table o (id integer, b integer generated always as (f(id)) stored)",
         NULL, "generated column"},
        {"create domain d as integer; create table x (d d)",
         "create domain d as integer; create domain above as d", "type public.above",
         "cannot be bound"},
        {"create function f() returns event_trigger language plpgsql as 'begin end'",
         "create function f() returns event_trigger language plpgsql as 'begin end';"
         "create event trigger watch on ddl_command_end execute function f();"
         "alter event trigger watch disable",
         "event trigger watch", "cannot be bound"},
        {"create table p (id integer) partition by range (id);"
         "create table p1 partition of p default",
         "create table p (id integer) partition by range (id);"
         "create table p2 partition of p default; create view v as select id from p2",
         "view public.v", "nothing that takes the place"},
        {t, "create table other (id integer); create index t on other (id)", "index public.t",
         "stays in the target"},
        {"create table t (id integer); create index created_idx on t (id)",
         "create table other (id integer); create index created_idx on other (id)",
         "index public.created_idx", "stays in the target"},
        {t, "create table _t (id integer)", "type public._t", "stays in the target"},
        {"create table citext (id integer)", "create extension citext", "type public.citext",
         "extension"},
        {"create collation c (provider = icu, locale = 'de');"
         "create table t (id integer, name text collate c)",
         "create table t (id integer, name text); create view v as select name from t",
         "view public.v", "of another collation"},
        {"create table t (id bigint, name text) partition by range (id)",
         "create table t (id integer, name text) partition by range (id);"
         "create view v as select id from t",
         "view public.v", "of another type"},
        {"create table t (id integer, name text); create view w as select id::bigint, name from t",
         "create table t (id integer, name text); create view w as select id, name from t;"
         "create view v as select id from w",
         "view public.v", "of another type"},
        {"create table t (id integer, name text); create view w as select id from t",
         "create table t (id integer, name text); create view w as select id, name from t;"
         "create view v as select name from w",
         "view public.v", "does not have it"},
        {"create table t (id integer, name text); create materialized view w as select id from t",
         "create table t (id integer, name text);"
         "create materialized view w as select id, name from t; create view v as select name from "
         "w",
         "view public.v", "does not have it"},
        {"create type c as (a integer); create table t (c c)",
         "create type c as (b integer, a integer); create table t (c c);"
         "create view v as select (c).b from t",
         "view public.v", "does not have it"},
        {"create table t (id integer, name text)",
         "create table t (id integer primary key, name text);"
         "create view v as select id, name from t group by id",
         "view public.v", "groups by the primary key"},
        {"create function f(integer) returns integer language sql immutable as 'select 1'",
         "create function f(integer) returns bigint language sql immutable as 'select 2::bigint';"
         "create view v as select f(1)",
         "view public.v", "returns something else"},
        {"create function f(integer) returns setof integer language sql as 'select 1'",
         "create function f(integer) returns integer language sql as 'select 2';"
         "create function outside() returns integer begin atomic select f(1); end",
         "function public.outside()", "returns something else"},
        {"create type e as enum ('a', 'it''s'); create table t (e e)",
         "create type e as enum ('a', 'b'); create table t (e e);"
         "create view v as select 1 as n from t where e = 'b'",
         "view public.v", "uses the value 'b' of type public.e"},
        {"create type e as enum ('a'); create table t (e e)",
         "create type e as enum ('a', 'b'); create table t (e e);"
         "create view v as select 1 as n from t where e = any ('{a,b}'::e[])",
         "view public.v", "uses the value 'b' of type public.e"},
        {"create type e as enum ('a', 'it''s'); create table t (e e)",
         "create type e as enum ('it''s', 'b'); create table t (e e);"
         "create view v as select 1 as n from t where e = 'it''s' or e::text = 'b'",
         NULL, NULL},
        {t, "create table t (id integer); create publication p for table t (id)", NULL, NULL},
        {t,
         "create table t (id integer primary key, name text);"
         "create view v as select id, name from t group by id",
         NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        try_refused(&cases[i], false);
}

/* What only the server can tell, once it is staged. */
/* ---- owners and privileges ---- */

static void owner_and_grants_are_those_of_the_target(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    pg_cluster_run(cluster, NULL, "create role keeper; create role \"Reader\"; create role other");
    open_trial(
        &trial,
        "create table t (id serial primary key, name text, secret text);"
        "create table fresh (id serial primary key);"
        "create function f() returns integer language sql as 'select 1';"
        "revoke execute on function f() from public;"
        "create function g() returns integer language sql security definer as 'select 1';"
        "revoke execute on function g() from public;"
        "create type mood as enum ('a')",
        "create table t (id serial primary key, name text);"
        "alter table t owner to keeper;"
        "grant select on t to \"Reader\" with grant option; grant update (name) on t to other;"
        "grant usage on sequence t_id_seq to \"Reader\";"
        "create function f() returns integer language sql as 'select 1';"
        "create type mood as enum ('b'); revoke usage on type mood from public;"
        "grant usage on type mood to other;"
        "alter default privileges in schema public grant select on tables to \"Reader\";"
        "alter default privileges in schema public grant usage on sequences to other");
    stage_trial(&trial);
    assert_non_null(
        pg_migration_finding(&trial.migration, FINDING_WARNING, "routine public.f()", "everybody"));
    promote(&trial);
    expect(&trial, "select tableowner from pg_tables where tablename = 't'", "keeper");
    expect(&trial,
           "select string_agg(x::text, ' ' order by x::text) from pg_class c, unnest(relacl) x"
           " where c.oid = 't'::regclass",
           "Reader=r*/keeper keeper=arwdDxt/keeper");
    expect(&trial,
           "select attacl from pg_attribute where attrelid = 't'::regclass"
           " and attname = 'name'",
           "{other=w/keeper}");
    expect(&trial, "select has_sequence_privilege('Reader', 't_id_seq', 'usage')", "t");
    expect(&trial,
           "select has_function_privilege('other', 'f()', 'execute')"
           " || ' ' || has_function_privilege('other', 'g()', 'execute')",
           "true false");
    expect(&trial,
           "select has_type_privilege('Reader', 'mood', 'usage')"
           " || ' ' || has_type_privilege('other', 'mood', 'usage')",
           "false true");
    expect(&trial,
           "select has_table_privilege('Reader', 'fresh', 'select')"
           " || ' ' || has_sequence_privilege('other', 'fresh_id_seq', 'usage')",
           "true true");
    take_back(&trial);
    close_trial(&trial);
}

/* All sessions in the target are those of a role that owns nothing but what it makes. */
#define AS_MOVER                                                                                   \
    "do $$begin execute format('grant create on database %I to mover', current_database());"       \
    " execute format('alter database %I set role = mover', current_database()); end$$;"            \
    "grant create on schema public to mover;"

static const char kept_sql[] =
    "create table t (id serial primary key, name text); alter table t owner to holder;"
    "create function f(t) returns integer language sql as 'select 1';"
    "alter function f(t) owner to holder;"
    "create view v as select id from t; alter view v owner to holder;"
    "create type mood as enum ('x'); alter type mood owner to holder;" AS_MOVER;

static const char moved_sql[] =
    "create table t (id serial primary key, name text); insert into t (name) values ('n');"
    "create function f(t) returns integer language sql as 'select 2';"
    "create view w as select * from t; create type mood as enum ('x')";

static void a_member_of_the_owner_may_promote(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    pg_cluster_run(cluster, NULL, "create role holder; create role mover; grant holder to mover");
    open_trial(&trial, moved_sql, kept_sql);
    stage_trial(&trial);
    promote(&trial);
    expect(&trial,
           "select string_agg(relname || ' ' || relowner::regrole, ', ' order by relname)"
           " from pg_class where relnamespace = 'public'::regnamespace"
           " and relkind in ('r', 'v', 'S')",
           "t holder, t_id_seq holder, v holder, w mover");
    expect(&trial,
           "select proowner::regrole from pg_proc where proname = 'f'"
           " and pronamespace = 'public'::regnamespace",
           "holder");
    take_back(&trial);
    close_trial(&trial);
}

static void who_is_not_a_member_is_refused(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    Trial trial;

    pg_cluster_run(cluster, NULL, "create role stranger");
    trial = (Trial){0};
    pg_migration_open(
        &trial.migration, cluster, moved_sql,
        "create table t (id serial primary key, name text);"
        "create view v as select id from t; alter view v owner to stranger;" AS_MOVER);
    pg_migration_plan(&trial.migration);
    plan_swap(&trial, false);
    expect_refusal(&trial, "table public.t", "only its owner");
    assert_int_equal(refusals_of(&trial, "table public.t"), 1); /* said once */
    expect_refusal(&trial, "view public.v", "owned by role \"stranger\"");
    close_trial(&trial);
}

/* What is asked under the locks sees what has happened since. */
static void a_change_since_is_noticed(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    static const char *const changes[] = {
        "create view late as select id from parent",
        "create or replace view plain_view with (security_barrier) as select p.id, p.name,"
        " 0 as double from parent p",
        "alter table outside drop constraint to_parent",
        "grant select on parent to public",
        "grant select (name) on parent to public",
        "alter policy of_parents on outside using (parent in (select id + 1 from parent))",
        "create table late (more text) inherits (second)",
        "create or replace function twice(integer) returns integer language sql as 'select 0'",
        "alter view plain_view reset (security_barrier)",
        "alter table second rename to third",
    };
    Trial trial;
    Error err = {0};

    open_trial(&trial, small_sql, old_small_sql);
    stage_trial(&trial);
    expect_no_refusal(&trial);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        PgConnection *connection = control(&trial);
        AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

        expect_ok(pg_run(connection, "begin; set local search_path = public", &err), &err);
        expect_ok(pg_run(connection, changes[i], &err), &err);
        expect_ok(pg_run(connection, "set local search_path = ''", &err), &err);
        expect_ok(pg_query(connection, trial.swap.checks.items[0], &rows, &err), &err);
        if (pg_is_true(rows, 0, 0))
            fail_msg("not noticed: %s", changes[i]);
        expect_ok(pg_run(connection, "rollback", &err), &err);
    }
    target_sql(&trial, "vacuum freeze parent");
    target_sql(&trial, "analyze; create table unrelated (id integer)");
    run_swap(&trial, &trial.swap);
    close_trial(&trial);
}

static void too_few_locks_are_refused_with_the_setting(void **state)
{
    static const char *const settings[] = {"max_locks_per_transaction=10", "max_connections=20",
                                           NULL};
    /* each in a transaction of its own: else these alone were too many */
    static const char tables_sql[] =
        "do $$begin for i in 1..100 loop execute format('create table t%s (id serial)', i);"
        " commit; end loop; end$$";

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    PgCluster *small = pg_cluster_start(settings);
    Trial trial = {0};
    const Finding *finding = NULL;

    pg_migration_open(&trial.migration, small, tables_sql, NULL);
    pg_migration_plan(&trial.migration);
    plan_swap(&trial, false);
    finding = pg_migration_finding(&trial.migration, FINDING_REFUSAL, NULL, "locks in one");
    assert_non_null(finding);
    assert_non_null(strstr(finding->remedy, "Set max_locks_per_transaction = 13 "));
    close_trial(&trial);
    pg_cluster_stop(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_target_gets_what_the_source_has),
        cmocka_unit_test(what_is_live_is_replaced_and_comes_back),
        cmocka_unit_test(extensions_elsewhere_are_called_by_their_place),
        cmocka_unit_test(dependents_follow_there_and_back),
        cmocka_unit_test(a_foreign_key_to_what_stays_does_not_hold_it),
        cmocka_unit_test(partitions_elsewhere_go_along_and_come_back),
        cmocka_unit_test(what_cannot_follow_is_refused_by_name),
        cmocka_unit_test(owner_and_grants_are_those_of_the_target),
        cmocka_unit_test(a_member_of_the_owner_may_promote),
        cmocka_unit_test(who_is_not_a_member_is_refused),
        cmocka_unit_test(a_change_since_is_noticed),
        cmocka_unit_test(too_few_locks_are_refused_with_the_setting),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
