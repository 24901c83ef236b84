/* Emptying a staging table: what was computed from its rows goes with them, the rest stays. */
#include "tests/unit/postgres_target_fixture.h"

static void reset(Trial *trial, uint32_t table_id)
{
    Error err = {0};

    expect_ok(writer_reset_table(trial->writer, &trial->plan, table_of(trial, table_id), &err));
}

/* Which tasks are done, in order. */
#define DONE                                                                                       \
    "select coalesce(string_agg(task_id::text, ' ' order by task_id), '') from stopover.task"

/* t and u refer to each other and to themselves; t has a key, an index, a trigger, statistics. */
static void begin_circle(Trial *trial)
{
    trial_begin(trial, 1, "create table %s.t (id integer, name text)"); /* 1 2 */
    (void)add_table(trial, "u", "id t", 'r');
    add_chunks(trial, 2, 1);
    (void)add_task(trial, TASK_CREATE, 2, "table u", "create table %s.u (id integer, t integer)");
    (void)add_task(trial, TASK_INDEX, 1, "index t_pkey",
                   "create unique index t_pkey on %s.t (id)"); /* 4 */
    (void)add_task(trial, TASK_CONSTRAINT, 1, "constraint t_pkey",
                   "alter table %s.t add constraint t_pkey primary key using index t_pkey");
    (void)add_task(trial, TASK_CONSTRAINT, 2, "constraint u_pkey",
                   "alter table %s.u add constraint u_pkey primary key (id)"); /* 6 */
    (void)add_task(trial, TASK_CONSTRAINT, 1, "statistics of t", "analyze %s.t");
    trial->plan.tasks[6].object_id = 0;
    (void)add_task(trial, TASK_CONSTRAINT, 2, "statistics of u", "analyze %s.u"); /* 8 */
    trial->plan.tasks[7].object_id = 0;
    (void)add_task(trial, TASK_FOREIGN_KEY, 1, "foreign key t_u",
                   "alter table %s.t add constraint t_u foreign key (id) references %s.u");
    trial->plan.tasks[8].other_table_id = 2;
    (void)add_task(trial, TASK_FOREIGN_KEY, 2, "foreign key u_t",
                   "alter table %s.u add constraint u_t foreign key (t) references %s.t"); /* 10 */
    trial->plan.tasks[9].other_table_id = 1;
    (void)add_task(trial, TASK_FOREIGN_KEY, 2, "foreign key u_u",
                   "alter table %s.u add constraint u_u foreign key (t) references %s.u");
    trial->plan.tasks[10].other_table_id = 2;
    (void)add_task(trial, TASK_TRIGGER, 1, "trigger g",
                   "create trigger g before insert on %s.t for each row execute function"
                   " suppress_redundant_updates_trigger()"); /* 12 */
    (void)add_task(trial, TASK_TRIGGER, 1, "rule r",
                   "create rule r as on delete to %s.t do also nothing");
    (void)add_task(trial, TASK_CREATE, 0, "sequence s", "create sequence %s.s"); /* 14 */
    (void)add_task(trial, TASK_SEQUENCE, 0, "value of s",
                   "select pg_catalog.setval('%s.s', 42, true)");
}

static void tables_that_refer_to_each_other_can_be_emptied(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    begin_circle(&trial);
    run_tasks(&trial, 1, 3);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    copy_rows_in(&trial, 2, 1, "1\t1\n2\t2\n");
    run_tasks(&trial, 4, 15);
    for (int i = 0; i < 2; i++) { /* the second time it is empty */
        reset(&trial, 1);
        expect_answer(&trial, DONE, "1 2 3 4 5 6 8 11 14 15");
        expect_answer(&trial,
                      "select (select count(*) from %s.t) || ' ' || (select count(*) from"
                      " %s.u) || ' ' || (select string_agg(table_id::text, ' ') from"
                      " stopover.chunk)",
                      "0 2 2");
        expect_answer(&trial,
                      "select string_agg(conname, ' ' order by conname) from pg_constraint"
                      " where contype <> 'n' and connamespace = '%s'::regnamespace",
                      "t_pkey u_pkey u_u");
        expect_answer(&trial,
                      "select count(*) from stopover.object where task in (7, 9, 10, 12, 13)", "0");
    }
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tc\n");
    run_tasks(&trial, 4, 15);
    expect_answer(&trial, DONE, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15");
    expect_answer(&trial,
                  "select string_agg(conname, ' ' order by conname) from pg_constraint"
                  " where contype <> 'n' and connamespace = '%s'::regnamespace",
                  "t_pkey t_u u_pkey u_t u_u");
    expect_answer(&trial, "select name from %s.t where id = 2", "c");
    trial_close(&trial);
}

static void what_may_have_read_any_table_is_computed_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Task *task = NULL;

    trial_begin(&trial, 1, CREATE_T);
    (void)add_table(&trial, "u", "id", 'r');
    add_chunks(&trial, 2, 1);
    (void)add_task(&trial, TASK_CREATE, 2, "table u", "create table %s.u (id integer)"); /* 3 */
    (void)add_task(&trial, TASK_CREATE, 0, "function f",
                   "create function %s.f(integer) returns bigint language sql immutable as"
                   " 'select count(*) from %s.t'");
    (void)add_task(&trial, TASK_CREATE, 0, "materialized view m",
                   "create materialized view %s.m as select count(*) as n from %s.t with no data");
    (void)add_task(&trial, TASK_INDEX, 2, "index plain", "create index plain on %s.u (id)");
    task = add_task(&trial, TASK_INDEX, 2, "index computed",
                    "create index computed on %s.u (%s.f(id))"); /* 7 */
    task->after_lower = true;
    (void)add_task(&trial, TASK_INDEX, 2, "comment", "comment on index %s.computed is 'x'");
    task = &trial.plan.tasks[7];
    task_add_after(task, 7);
    task = add_task(&trial, TASK_STATISTICS, 0, "rows of m", "refresh materialized view %s.m");
    task->after_lower = true; /* 9 */
    run_tasks(&trial, 1, 5);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    copy_rows_in(&trial, 2, 1, "1\n");
    run_tasks(&trial, 6, 9);
    expect_answer(&trial, "select n from %s.m", "2");
    reset(&trial, 1);
    expect_answer(&trial, DONE, "1 2 3 4 5 6");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    run_tasks(&trial, 6, 9);
    expect_answer(&trial, "select n from %s.m", "1");
    expect_answer(&trial, "select count(*) from pg_indexes where tablename = 'u'", "2");
    trial_close(&trial);
}

/* A leaf with attached indexes of both kinds, a key of the whole to which others refer, and a trigger
 * of the whole that the leaf has inherited. */
static void a_leaf_of_a_partitioned_table_can_be_emptied(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    Task *task = NULL;

    trial_begin(&trial, 1, CREATE_T); /* t is the leaf */
    (void)add_task(&trial, TASK_CREATE, 1, "table p",
                   "create table %s.p (id integer, name text) partition by range (id);"
                   "alter table %s.t alter id set not null;"
                   "alter table only %s.p attach partition %s.t for values from (0) to (10)");
    (void)add_table(&trial, "other", "id", 'r');
    add_chunks(&trial, 2, 1);
    (void)add_task(&trial, TASK_CREATE, 2, "table other", "create table %s.other (id integer)");
    (void)add_task(&trial, TASK_INDEX, 0, "index p_name", /* 5 */
                   "create index p_name on only %s.p (name)");
    (void)add_task(&trial, TASK_INDEX, 1, "index t_name", "create index t_name on %s.t (name)");
    (void)add_task(&trial, TASK_INDEX, 1, "attach",
                   "alter index %s.p_name attach partition"
                   " %s.t_name");
    (void)add_task(&trial, TASK_CONSTRAINT, 0, "constraint p_pkey",
                   "alter table only %s.p add constraint p_pkey primary key (id)");
    (void)add_task(&trial, TASK_CONSTRAINT, 1, "constraint t_pkey",
                   "alter table only %s.t add constraint t_pkey primary key (id)");
    (void)add_task(&trial, TASK_CONSTRAINT, 1, "attach key", /* 10 */
                   "alter index %s.p_pkey attach partition %s.t_pkey");
    task = add_task(&trial, TASK_INDEX, 0, "index p_lower",
                    "create index p_lower on only %s.p (lower(name))");
    task->after_lower = true;
    task = add_task(&trial, TASK_INDEX, 1, "index t_lower",
                    "create index t_lower on %s.t (lower(name))");
    task->after_lower = true;
    (void)add_task(&trial, TASK_INDEX, 1, "attach lower",
                   "alter index %s.p_lower attach partition %s.t_lower");
    task_add_after(&trial.plan.tasks[12], 11);
    task_add_after(&trial.plan.tasks[12], 12);
    task = add_task(&trial, TASK_FOREIGN_KEY, 2, "foreign key other_p",
                    "alter table %s.other add constraint other_p foreign key (id) references %s.p");
    task->after_lower = true;
    task = add_task(&trial, TASK_TRIGGER, 0, "trigger g", /* 15 */
                    "create trigger g before update on %s.p for each row execute function"
                    " suppress_redundant_updates_trigger()");
    task->after_lower = true;
    run_tasks(&trial, 1, 4);
    copy_rows_in(&trial, 1, 1, "1\ta\n2\tb\n");
    copy_rows_in(&trial, 2, 1, "1\n");
    run_tasks(&trial, 5, 15);
    reset(&trial, 1);
    expect_answer(&trial, DONE, "1 2 3 4 5 6 7 8 9 10");
    expect_answer(&trial, "select count(*) from %s.p", "0");
    expect_answer(&trial,
                  "select string_agg(indexname, ' ' order by indexname) from pg_indexes"
                  " where schemaname ~ 'staging'",
                  "p_name p_pkey t_name t_pkey");
    expect_answer(&trial, "select count(*) from pg_trigger where tgname = 'g'", "0");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    run_tasks(&trial, 5, 15);
    expect_answer(&trial,
                  "select bool_and(indisvalid) from pg_index i join pg_class c on c.oid ="
                  " i.indexrelid where c.relnamespace = '%s'::regnamespace",
                  "t");
    expect_answer(&trial, "select count(*) from pg_trigger where tgname = 'g'", "2");
    expect_failure(copy_chunk_once(&trial, plan_chunk(&trial.plan, 2, 1), "9\n", &err),
                   ERROR_WAITING, "already");
    trial_close(&trial);
}

static void a_table_that_is_not_there_yet_is_empty(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;

    trial_begin(&trial, 1, CREATE_T);
    reset(&trial, 1);
    run_tasks(&trial, 1, 1);
    reset(&trial, 1);
    expect_answer(&trial, DONE, "1");
    trial_close(&trial);
}

/* I3: a table of somebody else refers to a key that would have to be dropped. */
static void what_somebody_else_depends_on_is_not_dropped(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Error err = {0};
    Task *task = NULL;

    trial_begin(&trial, 1, CREATE_T);
    task = add_task(&trial, TASK_CONSTRAINT, 1, "constraint late",
                    "alter table %s.t add constraint late unique (id)");
    task->after_lower = true;
    run_tasks(&trial, 1, 3);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    tell(&trial, "create table public.theirs (id integer references %s.t (id));"
                 "insert into public.theirs values (1)");
    assert_int_equal(writer_reset_table(trial.writer, &trial.plan, table_of(&trial, 1), &err),
                     STATUS_FAILED);
    assert_string_equal(err.sqlstate, "2BP01");
    expect_answer(&trial, "select count(*) from %s.t", "1");
    expect_answer(&trial, DONE, "1 2 3");
    trial_close(&trial);
}

/* Views and routines hold no rows: they stay, unless what they need has to go. */
static void definitions_stay_while_what_they_need_stays(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Task *task = NULL;

    trial_begin(&trial, 1, CREATE_T);
    task = add_task(&trial, TASK_CONSTRAINT, 1, "constraint late",
                    "alter table %s.t add constraint late primary key (id)");
    task->after_lower = true;
    task = add_task(&trial, TASK_VIEW, 0, "view v",
                    "create view %s.v as select id, name from %s.t group by id");
    task_add_after(task, 3);
    task->after_lower = true;
    task = add_task(&trial, TASK_VIEW, 0, "function f",
                    "create function %s.f(%s.v) returns integer language sql as 'select 1'");
    task_add_after(task, 4);
    task = add_task(&trial, TASK_VIEW, 0, "view w", "create view %s.w as select 1 as one");
    task->after_lower = true; /* 6 */
    task = add_task(&trial, TASK_VIEW, 1, "trigger raised",
                    "create trigger g before insert on %s.t for each row execute function"
                    " suppress_redundant_updates_trigger()");
    run_tasks(&trial, 1, 2);
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    run_tasks(&trial, 3, 7);
    reset(&trial, 1);
    expect_answer(&trial, DONE, "1 2 6");
    expect_answer(&trial,
                  "select string_agg(relname, ' ' order by relname) from pg_class"
                  " where relnamespace = '%s'::regnamespace",
                  "t w");
    copy_rows_in(&trial, 1, 1, "1\ta\n");
    run_tasks(&trial, 3, 7);
    trial_close(&trial);
}

/* The task that sets privileges runs again afterwards, like everything that waits for all others. */
static void an_owner_who_gave_his_rights_away_takes_them_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Task *task = NULL;

    trial_begin(&trial, 1, CREATE_T);
    tell(&trial, "create role poor");
    (void)add_task(&trial, TASK_CREATE, 1, "owner", "alter table %s.t owner to poor");
    task = add_task(&trial, TASK_VIEW, 0, "privileges", "revoke all on %s.t from poor");
    task->after_lower = true;
    run_tasks(&trial, 1, 4);
    expect_answer(&trial, "select has_table_privilege('poor', '%s.t', 'insert')", "f");
    reset(&trial, 1);
    expect_answer(&trial, "select has_table_privilege('poor', '%s.t', 'insert')", "t");
    expect_answer(&trial, DONE, "1 2 3");
    run_tasks(&trial, 4, 4);
    expect_answer(&trial, "select has_table_privilege('poor', '%s.t', 'insert')", "f");
    trial_close(&trial);
}

/* They are not valid: of a table with a child, of the child itself, of a domain. */
static void rows_that_a_check_refuses_can_be_copied_again(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(*trial_cluster());
    Trial trial;
    Task *task = NULL;

    trial_begin(&trial, 1, "create domain %s.d as integer; create table %s.t (id %s.d, name text)");
    (void)add_table(&trial, "u", "id name", 'r');
    add_chunks(&trial, 2, 1);
    (void)add_task(&trial, TASK_CREATE, 2, "table u", "create table %s.u () inherits (%s.t)");
    (void)add_task(&trial, TASK_CONSTRAINT, 2, "check of u",
                   "alter table %s.u add constraint positive check (id > 0) not valid"); /* 4 */
    (void)add_task(&trial, TASK_CONSTRAINT, 1, "check of t",
                   "alter table %s.t add constraint positive check (id > 0) not valid");
    task = add_task(&trial, TASK_CONSTRAINT, 0, "check of d",
                    "alter domain %s.d add constraint negative check (value < 0) not valid");
    task->after_lower = true; /* 6 */
    (void)add_task(&trial, TASK_CONSTRAINT, 1, "valid check of t",
                   "alter table %s.t add constraint valid check (id < 10)");
    run_tasks(&trial, 1, 3);
    for (uint32_t again = 0; again < 3; again++) {
        if (again != 1)
            copy_rows_in(&trial, 1, 1, "1\ta\n-1\tb\n");
        if (again != 2)
            copy_rows_in(&trial, 2, 1, "2\tc\n-2\td\n");
        run_tasks(&trial, 4, 7);
        expect_answer(&trial,
                      "select string_agg(conname || ' ' || convalidated, ' ' order by conname)"
                      " from pg_constraint where contype = 'c'"
                      " and connamespace = '%s'::regnamespace",
                      "negative false positive false positive false valid true valid true");
        expect_answer(&trial, "select sum(id) from %s.t", "0");
        reset(&trial, again == 0 ? 2 : 1);
        expect_answer(&trial, DONE, "1 2 3 7");
    }
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_refer_to_each_other_can_be_emptied),
        cmocka_unit_test(what_may_have_read_any_table_is_computed_again),
        cmocka_unit_test(a_leaf_of_a_partitioned_table_can_be_emptied),
        cmocka_unit_test(a_table_that_is_not_there_yet_is_empty),
        cmocka_unit_test(definitions_stay_while_what_they_need_stays),
        cmocka_unit_test(rows_that_a_check_refuses_can_be_copied_again),
        cmocka_unit_test(an_owner_who_gave_his_rights_away_takes_them_back),
        cmocka_unit_test(what_somebody_else_depends_on_is_not_dropped),
    };

    return cmocka_run_group_tests(tests, trial_begin_group, trial_end_group);
}
