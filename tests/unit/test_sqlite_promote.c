/*
 * Promotion and the way back, on schemas that do not make it easy. What must hold: the target is the
 * source, to the byte of each statement; swapped back and finished it is what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_migration.h"

static const char SOURCE[] = "promote_source.db";
static const char TARGET[] = "promote_target.db";
static const char COPY[] = "promote_copy.db";

static const char nasty_source[] =
    "pragma user_version = 7; pragma application_id = 77;"
    "create table parent(id integer primary key autoincrement, name text unique, "
    "  boss references parent(id) on delete cascade, check (parent.id > 0 and \"Parent\".id < "
    "1e9));"
    "create table \"weird \"\"name\"\", REFERENCES parent\"(a /* REFERENCES parent.x */ primary "
    "key, "
    "  -- parent.id REFERENCES parent\n"
    "  b references [parent](id), c default 'REFERENCES parent', \"references\" text);"
    "create table Tëst(\"ключ\" text, v, n integer, primary key (\"ключ\", v)) without rowid;"
    "create table egg(id integer primary key, chicken references chicken);"
    "create table chicken(id integer primary key, egg references egg, unique (egg, id), unique "
    "(id));"
    "create table strict_one(i int, r real, t text, b blob, a any) strict;"
    "create table generated(a int, b int as (a * 2) stored, c as (a + 1), "
    "  check (generated.b <> 3));"
    "create table a_staging_b(x, rowid, unique (x));"
    "create table mine_staging_abc123(x references mine_retired_abc123 on delete cascade, y);"
    "create table json_one(j check (j is null or json_valid(j)), k as (j ->> '$.k'), "
    "  v as (json_extract(j, '$.v')) stored);"
    "create index json_k on json_one(json_extract(j, '$.k')) where json_one.k is not null;"
    "create view json_view as select json_group_array(k) from json_one;"
    "create table docs_content(a, b);"
    "create table empty_auto(id integer primary key autoincrement);"
    "create table \"select\"(\"from\", [order by], `group`);"
    "create unique index parent_lower on parent(lower(name)) where parent.id > 2;"
    "create index \"idx \"\"q\" on Tëst(n desc, v collate nocase);"
    "create index partial on \"select\"(\"from\" || 'x') where \"from\" is not null;"
    "create view v1 as select id, name from parent where name <> 'x';"
    "create view v2(a, b) as select * from v1 join egg using (id) -- trailing\n;"
    "create trigger on_parent after insert on parent begin "
    "  update egg set chicken = new.id where id = new.id; end;"
    "create trigger on_view instead of insert on v1 when new.id > 1 begin "
    "  insert into parent(name) values (new.name); end;"
    "insert into parent(name) values ('a'), ('b'), ('c'), (null), (x'00ff');"
    "delete from parent where id = 5; update parent set boss = 1 where id = 3;"
    "insert into \"weird \"\"name\"\", REFERENCES parent\" values (1, 2, 'x', null), (2, 1, '', "
    "'y');"
    "insert into Tëst values ('ä', 1, 2), ('ä', 'b', -9223372036854775808), (x'ff', 1e300, null);"
    "insert into chicken values (1, 1), (2, 2); insert into egg values (1, 1), (2, 2);"
    "insert into strict_one values (1, 2.5, 'x', x'00', 'any'), (null, null, null, null, 3);"
    "insert into generated(a) values (1), (2), (null);"
    "insert into mine_staging_abc123(y) values (1);"
    "insert into json_one(j) values ('{\"k\": 1, \"v\": [2]}'), ('[]'), (null);"
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)"
    "  insert into a_staging_b select i * 3, hex(zeroblob(i % 9)) from n;"
    "delete from a_staging_b where rowid % 7 = 0;"
    "insert into \"select\" values (1, 2.0, -0.0), ('1', '2', 'x');"
    "analyze;";

/* The live side: some names the same, with another shape, and some that stay. */
static const char nasty_target[] =
    "create table parent(id integer primary key, name text, old text unique);"
    "create table chicken(id integer primary key, p references parent on delete cascade);"
    "create table \"SELECT\"(\"from\" integer primary key autoincrement, x);"
    "create index partial on \"SELECT\"(x); create index chicken_p on chicken(p);"
    "create table mine_staging_abc123(old); insert into mine_staging_abc123 values ('live');"
    "create table stays(id integer primary key, p references parent(id), n);"
    "create view v1 as select 'old' as id, 'old' as name;"
    "create view outside as select s.id, parent.name from stays s left join parent on parent.id = "
    "s.p;"
    "create trigger on_stays after insert on stays begin "
    "  update parent set name = 'from stays' where id = new.p; end;"
    "create trigger old_trigger before delete on parent begin select 1; end;"
    "create trigger old_view_trigger instead of insert on v1 begin select 2; end;"
    "insert into parent values (1, 'live', 'o1'), (2, 'live two', 'o2');"
    "insert into chicken values (10, 1); insert into \"SELECT\"(x) values ('l1'), ('l2');"
    "insert into stays values (1, 1, 'n'), (2, 2, 'm');"
    "analyze;";

static void set_files(const char *target)
{
    set_database(SOURCE, nasty_source);
    set_database(TARGET, target);
    set_database(COPY, target);
}

/* The live tables of the target without what stays and what is kept: compared as a dump. */
static void drop_what_stayed(const char *path)
{
    set_sql(path, "drop trigger if exists on_stays; drop view if exists outside;"
                  "drop table if exists stays;");
}

static void finish(Trial *trial)
{
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    expect_status_ok(target_claim(trial->target, &trial->identity, &err), &err);
    expect_status_ok(stager_finish(trial->target->stager, &trial->identity, &notes, &err), &err);
}

static void swap_back(Trial *trial)
{
    Error err = {0};
    AUTO_FINDINGS Findings notes = {0};

    expect_status_ok(stager_swap_back(trial->target->stager, &trial->identity, NULL, &notes, &err),
                     &err);
    assert_int_equal(notes.count, trial->plan.catalog.table_count);
}

static void a_new_file_becomes_the_source(void **state)
{
    (void)state;
    Trial trial;

    set_database(SOURCE, nasty_source);
    set_database(TARGET, "");
    assert_int_equal(unlink(TARGET), 0);
    trial_run(&trial, SOURCE, TARGET, 1);
    assert_int_equal(trial_outcome(&trial), OUTCOME_PROMOTED);
    expect_integrity(TARGET);
    finish(&trial);
    assert_int_equal(trial_outcome(&trial), OUTCOME_NONE);
    trial_close(&trial);
    expect_same_database(TARGET, SOURCE);
    expect_integrity(TARGET);
}

static void live_tables_are_replaced_and_others_stay(void **state)
{
    (void)state;
    Trial trial;

    set_files(nasty_target);
    trial_run(&trial, SOURCE, TARGET, 1);
    /* What stays goes on by name: with the new tables now. */
    assert_int_equal(ask_integer(TARGET, "select count(*) from outside where name in ('a', 'b')"),
                     2);
    set_sql(TARGET, "insert into stays values (3, 3, 'new')");
    assert_int_equal(
        ask_integer(TARGET, "select count(*) from parent where name = 'from stays' and id = 3"), 1);
    set_sql(TARGET, "update parent set name = 'c' where id = 3");
    expect_integrity(TARGET);
    finish(&trial);
    trial_close(&trial);
    drop_what_stayed(TARGET);
    set_sql(TARGET, "pragma user_version = 7; pragma application_id = 77");
    expect_same_database(TARGET, SOURCE);
}

static int64_t step_once(sqlite3_stmt *statement)
{
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);

    int64_t value = sqlite3_column_int64(statement, 0);

    assert_int_equal(sqlite3_reset(statement), SQLITE_OK);
    return value;
}

/* An application that keeps its connection and its statements through all of it. */
static void open_connections_see_each_exchange(void **state)
{
    (void)state;
    Trial trial;
    sqlite3 *handle = NULL;
    sqlite3_stmt *count = NULL;
    sqlite3_stmt *page = NULL;

    set_files(nasty_target);
    assert_int_equal(sqlite3_open(TARGET, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "select count(*) from parent", -1, &count, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle,
                                        "select rootpage from sqlite_schema where name = 'stays'",
                                        -1, &page, NULL),
                     SQLITE_OK);

    int64_t root = step_once(page);

    assert_int_equal(step_once(count), 2);
    trial_run(&trial, SOURCE, TARGET, 1);
    assert_int_equal(step_once(count), 4);
    assert_int_equal(step_once(page), root);
    swap_back(&trial);
    assert_int_equal(step_once(count), 2);
    assert_int_equal(step_once(page), root);
    assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
    assert_int_equal(sqlite3_finalize(page), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    trial_close(&trial);
}

static void swapped_back_and_finished_it_is_what_it_was(void **state)
{
    (void)state;
    Trial trial;

    set_files(nasty_target);
    trial_run(&trial, SOURCE, TARGET, 1);
    swap_back(&trial);
    assert_int_equal(trial_outcome(&trial), OUTCOME_ROLLED_BACK);
    assert_int_equal(ask_integer(TARGET, "select count(*) from parent where old = 'o1'"), 1);
    assert_int_equal(
        ask_integer(TARGET, "select count(*) from sqlite_schema where name like 'parent_undone%'"),
        1);
    expect_integrity(TARGET);
    finish(&trial);
    trial_close(&trial);
    expect_same_database(TARGET, COPY);
    expect_integrity(TARGET);
}

static void an_empty_target_is_empty_again_after_the_way_back(void **state)
{
    (void)state;
    Trial trial;

    set_files("pragma user_version = 3; create table x(a); drop table x;");
    trial_run(&trial, SOURCE, TARGET, 1);
    assert_int_equal(ask_integer(TARGET, "pragma user_version"), 7);
    assert_int_equal(ask_integer(TARGET, "pragma application_id"), 77);
    swap_back(&trial);
    finish(&trial);
    trial_close(&trial);
    expect_same_database(TARGET, COPY);
    expect_integrity(TARGET);
}

static void a_second_attempt_follows_one_that_was_rolled_back(void **state)
{
    (void)state;
    Trial trial;

    set_files(nasty_target);
    trial_run(&trial, SOURCE, TARGET, 1);
    swap_back(&trial);
    trial_close(&trial);
    trial_run(&trial, SOURCE, TARGET, 2);
    assert_int_equal(trial_outcome(&trial), OUTCOME_PROMOTED);
    finish(&trial);
    trial_close(&trial);
    expect_integrity(TARGET);
    drop_what_stayed(TARGET);
    set_sql(TARGET, "pragma user_version = 7; pragma application_id = 77");
    expect_same_database(TARGET, SOURCE);
}

static void nothing_of_ours_is_in_reach_of_a_live_foreign_key(void **state)
{
    (void)state;
    Trial trial;

    set_files(nasty_target);
    trial_run(&trial, SOURCE, TARGET, 1);

    char query[128];

    (void)snprintf(query, sizeof(query), "select count(*) from chicken_retired_%s",
                   trial.identity.id);
    set_sql(TARGET, "pragma foreign_keys = on; delete from stays;"
                    "delete from \"weird \"\"name\"\", REFERENCES parent\"; delete from parent;");
    assert_int_equal(ask_integer(TARGET, query), 1);
    trial_close(&trial);
}

static void a_target_that_changed_since_the_plan_is_refused(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    set_files(nasty_target);
    trial_open(&trial, SOURCE, TARGET, 1);
    trial_plan(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    set_sql(TARGET, "create index late on parent(name)");
    expect_refused(stager_promote(trial.target->stager, &trial.identity, &trial.plan,
                                  &trial.promotion, NULL, NULL, &err),
                   &err, "changed since");
    assert_int_equal(trial_outcome(&trial), OUTCOME_NONE);
    trial_promote(&trial); /* plans anew */
    swap_back(&trial);
    finish(&trial);
    trial_close(&trial);
    set_sql(TARGET, "drop index late; delete from sqlite_stat1 where idx = 'late'");
    expect_same_database(TARGET, COPY);
}

static void incomplete_staging_is_not_promoted(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    set_files(nasty_target);
    trial_open(&trial, SOURCE, TARGET, 1);
    trial_plan(&trial);
    trial_claim(&trial);
    trial_stage(&trial);
    expect_status_ok(
        writer_reset_table(trial.writer, &trial.plan, &trial.plan.catalog.tables[0], &err), &err);
    expect_refused(stager_promote(trial.target->stager, &trial.identity, &trial.plan,
                                  &trial.promotion, NULL, NULL, &err),
                   &err, "not complete");
    trial_close(&trial);
}

static void an_older_driver_cannot_promote(void **state)
{
    (void)state;
    Trial trial;
    Error err = {0};

    set_files(nasty_target);
    trial_open(&trial, SOURCE, TARGET, 1);
    trial_plan(&trial);
    trial_claim(&trial);
    trial_stage(&trial);

    RunIdentity newer = trial.identity;

    expect_status_ok(target_claim(trial.target, &newer, &err), &err);
    assert_int_equal(stager_promote(trial.target->stager, &trial.identity, &trial.plan,
                                    &trial.promotion, NULL, NULL, &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_LOCKED);
    trial_close(&trial);
}

static void what_was_changed_since_promotion_refuses_the_way_back(void **state)
{
    (void)state;
    static const char *const changes[][3] = {
        {"alter table parent add column later", "parent", "alter table parent drop column later"},
        {"create index later on egg(chicken)", "later", "drop index later"},
        {"create trigger later after delete on egg begin select 1; end", "later",
         "drop trigger later"},
        {"create trigger later instead of insert on v2 begin select 1; end", "later",
         "drop trigger later"},
        {"create table on_the_way(a); create view old_one as select boss from parent", "old_one",
         "drop view old_one; drop table on_the_way"},
        {"create trigger old_trigger after delete on stays begin select 1; end", "old_trigger",
         "drop trigger old_trigger"},
    };
    Trial trial;

    set_files(nasty_target);
    trial_run(&trial, SOURCE, TARGET, 1);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        Error err = {0};
        AUTO_FINDINGS Findings notes = {0};

        set_sql(TARGET, changes[i][0]);
        expect_refused(stager_swap_back(trial.target->stager, &trial.identity, NULL, &notes, &err),
                       &err, changes[i][1]);
        assert_int_equal(trial_outcome(&trial), OUTCOME_PROMOTED);
        set_sql(TARGET, changes[i][2]);
    }
    swap_back(&trial);
    finish(&trial);
    trial_close(&trial);
    expect_same_database(TARGET, COPY);
}

static void names_and_dependents_that_stand_against_it_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const targets[][3] = {
        {"create view parent as select 1", "parent", "view of that name"},
        {"create virtual table parent using fts5(a)", "parent", "virtual table"},
        {"create virtual table egg using fts5(a); create virtual table x using fts5(b)", "egg",
         "virtual table"},
        {"create virtual table docs using fts5(a)", "docs_content", "belongs to a virtual table"},
        {"create table other(a); create index PARENT_LOWER on other(a)", "index parent_lower",
         "index of that name"},
        {"create table v1(a)", "view v1", "table of that name"},
        {"create table other(a); create trigger on_parent after insert on other begin select 1; "
         "end",
         "trigger on_parent", "trigger of that name"},
        {"create table parent(a, gone); create view uses as select gone from parent", "view uses",
         "would not"},
        {"create table parent(a, gone); create table other(b); create trigger uses after insert on "
         "other begin insert into parent(gone) values (1); end",
         "table other", "would not"},
        {"create table parent(a, gone); create table other(b); create trigger uses after insert on "
         "other begin insert into parent(gone) values (of_the_application(1, 2)); end",
         "table other", "would not"},
        {"create table parent(a, gone); create view uses as select of_it(a) as x, b_of_it() from "
         "parent where gone > 'a' collate of_the_application",
         "view uses", "would not"},
        {"create table parent(a, gone unique); create table child(p references parent(gone))",
         "table child", "would not"},
    };

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        Trial trial;
        Error err = {0};
        Snapshot snapshot = {0};
        static const Selection all = {0};

        set_files(targets[i][0]);
        trial_open(&trial, SOURCE, TARGET, 1);
        expect_status_ok(source_hold(trial.source, NULL, 1, &snapshot, &err), &err);
        snapshot_release(&snapshot);
        trial.held = true;
        expect_status_ok(
            source_describe(trial.source, &all, &trial.plan.catalog, &trial.findings, &err), &err);
        expect_status_ok(stager_preflight(trial.target->stager, &trial.identity,
                                          &trial.plan.catalog, &trial.findings, &err),
                         &err);
        expect_refusal(&trial.findings, targets[i][1], targets[i][2]);

        size_t count = trial.findings.count;

        expect_status_ok(stager_plan_promotion(trial.target->stager, &trial.identity, &trial.plan,
                                               &trial.promotion, &trial.findings, &err),
                         &err);
        assert_int_equal(trial.findings.count, count); /* said once */
        trial_close(&trial);
        expect_same_database(TARGET, COPY);
    }
}

static void expect_warning(const Findings *findings, const char *object, const char *words)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        if (finding->severity == FINDING_WARNING && finding->object != NULL &&
            strcmp(finding->object, object) == 0 && strstr(finding->message, words) != NULL)
            return;
    }
    fail_msg("nothing warns of \"%s\" because \"%s\"", object, words);
}

static void what_will_be_missed_is_said_before_anything_is_copied(void **state)
{
    (void)state;
    Trial trial;

    set_database(SOURCE, "create table t(a); create trigger writes after insert on t begin "
                         "  insert into nowhere values (new.a); end;"
                         "create table fine(a); create trigger same after insert on fine begin "
                         "  delete from t where of_the_application(a); end;");
    set_database(TARGET, "create table T(a); create table fine(a);"
                         "create virtual table words using fts5(a, content = 't');"
                         "create virtual table others using fts5(a, content = 'tt');"
                         "create trigger indexes after insert on t begin "
                         "  insert into words(rowid, a) values (new.rowid, new.a); end;"
                         "create trigger SAME after insert on fine begin select 1; end;");
    trial_open(&trial, SOURCE, TARGET, 1);
    trial_plan(&trial);
    expect_warning(&trial.findings, "t", "no such table: main.nowhere");
    expect_warning(&trial.findings, "words", "\"T\"");
    expect_warning(&trial.findings, "trigger indexes", "the source has none");
    assert_int_equal(findings_count(&trial.findings, FINDING_WARNING), 3);
    trial_close(&trial);
}

#ifdef FAULT_POINTS
static Status promote_planned(Trial *trial, Error *err)
{
    return stager_promote(trial->target->stager, &trial->identity, &trial->plan, &trial->promotion,
                          NULL, NULL, err);
}

/* The same call again, after any fault, ends promoted or back, once. */
static void any_fault_leaves_the_old_state_or_the_new_one(void **state)
{
    (void)state;
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};

    for (size_t i = 0; i < 2; i++) {
        bool fired = true;

        for (unsigned n = 1; fired; n++) {
            Trial trial;
            Error err = {0};
            AUTO_FINDINGS Findings notes = {0};

            set_files(nasty_target);
            trial_open(&trial, SOURCE, TARGET, 1);
            trial_plan(&trial);
            trial_claim(&trial);
            trial_stage(&trial);
            fault_arm(modes[i], n, NULL);

            Status status = promote_planned(&trial, &err);

            if (status == STATUS_OK)
                status =
                    stager_swap_back(trial.target->stager, &trial.identity, NULL, &notes, &err);
            if (status == STATUS_OK)
                status = stager_finish(trial.target->stager, &trial.identity, &notes, &err);
            fired = fault_fired();
            assert_int_equal(status, fired ? STATUS_RETRY : STATUS_OK);
            fault_arm(FAULT_NONE, 0, NULL);
            if (trial_outcome(&trial) == OUTCOME_NONE &&
                ask_integer(TARGET,
                            "select count(*) from sqlite_schema where name = 'stopover_run'") == 1)
                expect_status_ok(promote_planned(&trial, &err), &err);
            if (trial_outcome(&trial) == OUTCOME_PROMOTED)
                expect_status_ok(
                    stager_swap_back(trial.target->stager, &trial.identity, NULL, &notes, &err),
                    &err);
            finish(&trial);
            trial_close(&trial);
            expect_same_database(TARGET, COPY);
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_becomes_the_source),
        cmocka_unit_test(live_tables_are_replaced_and_others_stay),
        cmocka_unit_test(open_connections_see_each_exchange),
        cmocka_unit_test(swapped_back_and_finished_it_is_what_it_was),
        cmocka_unit_test(an_empty_target_is_empty_again_after_the_way_back),
        cmocka_unit_test(a_second_attempt_follows_one_that_was_rolled_back),
        cmocka_unit_test(nothing_of_ours_is_in_reach_of_a_live_foreign_key),
        cmocka_unit_test(a_target_that_changed_since_the_plan_is_refused),
        cmocka_unit_test(incomplete_staging_is_not_promoted),
        cmocka_unit_test(an_older_driver_cannot_promote),
        cmocka_unit_test(what_was_changed_since_promotion_refuses_the_way_back),
        cmocka_unit_test(names_and_dependents_that_stand_against_it_are_refused_by_name),
        cmocka_unit_test(what_will_be_missed_is_said_before_anything_is_copied),
#ifdef FAULT_POINTS
        cmocka_unit_test(any_fault_leaves_the_old_state_or_the_new_one),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
