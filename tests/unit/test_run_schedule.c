/*
 * Schedule: each of its rules, that it takes up where the done flags stand, and that it stays
 * quick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/run/schedule.h"

static void add_tables(Plan *plan, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++)
        catalog_add_table(&plan->catalog)->name = xasprintf("t%u", i);
}

static void add_chunks(Plan *plan, uint32_t table_id, uint32_t count, uint64_t bytes)
{
    for (uint32_t i = 1; i <= count; i++)
        *plan_add_chunk(plan) = (Chunk){.table_id = table_id, .number = i, .byte_estimate = bytes};
}

static uint32_t add_task(Plan *plan, TaskClass task_class, uint32_t table_id, uint32_t other)
{
    Task *task = plan_add_task(plan);

    task->task_class = task_class;
    task->table_id = table_id;
    task->other_table_id = other;
    return task->id;
}

/* "c1.2" chunk, "k7" task, "p3" probe; "-" for nothing. Borrowed until the next call but three. */
static const char *describe(const Work *work)
{
    static char texts[4][32];
    static unsigned at;
    char *text = texts[at++ % 4];

    switch (work->kind) {
    case WORK_CHUNK:
        (void)snprintf(text, 32, "c%u.%u", work->chunk->table_id, work->chunk->number);
        assert_int_equal(work->table->id, work->chunk->table_id);
        break;
    case WORK_TASK:
        (void)snprintf(text, 32, "k%u", work->task->id);
        assert_int_equal(work->table == NULL ? 0 : work->table->id, work->task->table_id);
        break;
    case WORK_PROBE:
        (void)snprintf(text, 32, "p%u", work->table->id);
        break;
    }
    return text;
}

static Work expect_next(Schedule *schedule, const char *expected)
{
    Work work = {0};

    if (!schedule_next(schedule, &work)) {
        assert_string_equal("-", expected);
        return work;
    }
    assert_string_equal(describe(&work), expected);
    return work;
}

/* Starts and ends one after the other; words separated by blanks. */
static void expect_order(Schedule *schedule, const char *expected)
{
    char actual[512] = "";
    Work work;

    while (schedule_next(schedule, &work)) {
        size_t size = strlen(actual);

        (void)snprintf(actual + size, sizeof(actual) - size, "%s%s", size > 0 ? " " : "",
                       describe(&work));
        schedule_done(schedule, &work);
    }
    assert_string_equal(actual, expected);
    assert_true(schedule_finished(schedule));
    assert_null(schedule_stuck(schedule));
}

static void creates_a_table_before_its_first_chunk(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work create;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 10);
    add_chunks(&plan, 2, 1, 5);
    (void)add_task(&plan, TASK_CREATE, 1, 0); /* table 2 has none: it is there */
    schedule = schedule_new(&plan, NULL);
    create = expect_next(schedule, "k1");
    (void)expect_next(schedule, "c2.1");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &create);
    (void)expect_next(schedule, "c1.1");
}

static void runs_other_tasks_after_the_last_chunk_and_in_order_of_class(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work first;
    Work second;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 2, 10);
    (void)add_task(&plan, TASK_STATISTICS, 1, 0);
    (void)add_task(&plan, TASK_SEQUENCE, 1, 0);
    (void)add_task(&plan, TASK_TRIGGER, 1, 0);
    (void)add_task(&plan, TASK_CONSTRAINT, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_CREATE, 1, 0);
    schedule = schedule_new(&plan, NULL);
    first = expect_next(schedule, "k7");
    schedule_done(schedule, &first);
    first = expect_next(schedule, "c1.1");
    second = expect_next(schedule, "c1.2");
    (void)expect_next(schedule, "-"); /* nothing is loaded yet */
    schedule_done(schedule, &second);
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &first);
    expect_order(schedule, "k5 k6 k4 k3 k2 k1");
}

static void waits_for_the_tasks_in_after(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 1, 10);
    (void)add_task(&plan, TASK_VIEW, 0, 0);   /* 1: of no table, after 2 and 4 */
    (void)add_task(&plan, TASK_CREATE, 0, 0); /* 2: a schema, say */
    (void)add_task(&plan, TASK_CREATE, 1, 0); /* 3: after 2 */
    (void)add_task(&plan, TASK_INDEX, 1, 0);  /* 4 */
    (void)add_task(&plan, TASK_VIEW, 0, 0);   /* 5: waits for nothing */
    task_add_after(&plan.tasks[0], 2);
    task_add_after(&plan.tasks[0], 4);
    task_add_after(&plan.tasks[2], 2);
    schedule = schedule_new(&plan, NULL);
    expect_order(schedule, "k2 k3 k5 c1.1 k4 k1");
}

static void waits_for_both_tables_of_a_foreign_key(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work chunk;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 20);
    add_chunks(&plan, 2, 1, 10);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 1, 2);
    (void)add_task(&plan, TASK_INDEX, 2, 0);
    schedule = schedule_new(&plan, NULL);
    chunk = expect_next(schedule, "c1.1");
    schedule_done(schedule, &chunk);
    expect_order(schedule, "c2.1 k2 k1");
}

static void never_runs_two_tasks_that_share_a_table(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work first;
    Work fourth;

    add_tables(&plan, 5);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 1, 2);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 2, 3);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 3, 1);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 4, 4); /* references itself */
    (void)add_task(&plan, TASK_FOREIGN_KEY, 5, 4);
    schedule = schedule_new(&plan, NULL);
    first = expect_next(schedule, "k1");
    fourth = expect_next(schedule, "k4");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &first);
    first = expect_next(schedule, "k2");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &fourth);
    (void)expect_next(schedule, "k5");
    schedule_done(schedule, &first);
    (void)expect_next(schedule, "k3");
}

static void lets_the_next_one_go_when_a_parked_task_must_wait_elsewhere(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work first;

    add_tables(&plan, 2);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 1, 0);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 1, 2);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 1, 0);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 2, 0);
    schedule = schedule_new(&plan, NULL);
    first = expect_next(schedule, "k1");
    (void)expect_next(schedule, "k4");
    schedule_done(schedule, &first);
    (void)expect_next(schedule, "k3"); /* k2 comes first but needs table 2 */
}

static void builds_indexes_of_one_table_together_but_with_nothing_else(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work create;
    Work first;
    Work second;
    Work third;

    add_tables(&plan, 2);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_CONSTRAINT, 1, 0);
    (void)add_task(&plan, TASK_CREATE, 2, 1); /* 5: holds table 1, too */
    schedule = schedule_new(&plan, NULL);
    first = expect_next(schedule, "k1");
    second = expect_next(schedule, "k2");
    third = expect_next(schedule, "k3");
    (void)expect_next(schedule, "-"); /* 5 is parked */
    schedule_done(schedule, &second);
    schedule_again(schedule, &first);
    first = expect_next(schedule, "k1");
    schedule_done(schedule, &third);
    (void)expect_next(schedule, "-");
    schedule_again(schedule, &first);
    create = expect_next(schedule, "k1"); /* it was ready before 5 was woken */
    schedule_done(schedule, &create);
    create = expect_next(schedule, "k4");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &create);
    expect_order(schedule, "k5");
}

static void lets_parked_indexes_go_together(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work create;

    add_tables(&plan, 2);
    (void)add_task(&plan, TASK_CREATE, 2, 1); /* holds table 1, too */
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    schedule = schedule_new(&plan, NULL);
    create = expect_next(schedule, "k1");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &create);
    (void)expect_next(schedule, "k2");
    (void)expect_next(schedule, "k3");
    (void)expect_next(schedule, "k4");
}

static void a_task_after_lower_waits_for_the_whole_plan(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 1);
    add_chunks(&plan, 2, 1, 20);
    (void)add_task(&plan, TASK_VIEW, 0, 0);  /* 1: a view refreshed from all tables */
    (void)add_task(&plan, TASK_VIEW, 0, 0);  /* 2: waits for nothing */
    (void)add_task(&plan, TASK_INDEX, 2, 0); /* 3: over a function that reads anything */
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_STATISTICS, 2, 0);
    (void)add_task(&plan, TASK_CREATE, 0, 0); /* 6: a schema */
    (void)add_task(&plan, TASK_CREATE, 1, 0);
    task_add_after(&plan.tasks[6], 6);
    plan.tasks[0].after_lower = true;
    plan.tasks[2].after_lower = true;
    schedule = schedule_new(&plan, NULL);
    expect_order(schedule, "k2 k6 k7 c2.1 c1.1 k3 k4 k1 k5");
}

static void a_barrier_holds_while_the_last_lower_task_runs(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work first;
    Work second;

    add_tables(&plan, 2);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 2, 0);
    (void)add_task(&plan, TASK_FOREIGN_KEY, 0, 0);
    plan.tasks[2].after_lower = true;
    plan.tasks[0].done = true;
    schedule = schedule_new(&plan, NULL);
    first = expect_next(schedule, "k2");
    (void)expect_next(schedule, "-");
    schedule_again(schedule, &first);
    first = expect_next(schedule, "k2");
    schedule_done(schedule, &first);
    second = expect_next(schedule, "k3");
    schedule_done(schedule, &second);
    assert_true(schedule_finished(schedule));
}

static void loads_late_tables_after_the_last_chunk_of_the_others(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true, false, true};
    Work chunk;
    Work probe;

    add_tables(&plan, 3);
    add_chunks(&plan, 1, 1, 100);
    add_chunks(&plan, 2, 1, 1);
    add_chunks(&plan, 3, 1, 1);
    plan.catalog.tables[0].load_late = plan.catalog.tables[2].load_late = 1;
    plan.chunks[2].done = true;
    schedule = schedule_new(&plan, wanted);
    chunk = expect_next(schedule, "c2.1");
    probe = expect_next(schedule, "p3"); /* nothing of it is left to load */
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &probe);
    schedule_again(schedule, &chunk);
    (void)expect_next(schedule, "c2.1");
    assert_null(schedule_stuck(schedule));
    schedule_done(schedule, &chunk);
    expect_order(schedule, "c1.1 p1");
}

static void loads_late_tables_in_their_order_when_all_is_created(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 4);
    add_chunks(&plan, 1, 2, 100);
    add_chunks(&plan, 2, 1, 50);
    add_chunks(&plan, 3, 1, 1);
    add_chunks(&plan, 4, 1, 2);
    plan.catalog.tables[0].load_late = 7; /* more than there are */
    plan.catalog.tables[1].load_late = 2;
    plan.catalog.tables[3].load_late = 2;
    (void)add_task(&plan, TASK_CREATE, 0, 0);
    (void)add_task(&plan, TASK_CREATE, 0, 0);
    task_add_after(&plan.tasks[1], 1);
    schedule = schedule_new(&plan, NULL);

    Work create = expect_next(schedule, "k1");
    Work early = expect_next(schedule, "c3.1");
    Work late;

    schedule_done(schedule, &early);
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &create);
    create = expect_next(schedule, "k2");
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &create);
    late = expect_next(schedule, "c2.1");
    schedule_again(schedule, &late);
    late = expect_next(schedule, "c2.1");
    early = expect_next(schedule, "c4.1");
    schedule_done(schedule, &early);
    (void)expect_next(schedule, "-");
    schedule_done(schedule, &late);
    expect_order(schedule, "c1.1 c1.2");
}

static void loads_late_tables_at_once_when_there_are_no_others(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 1);
    add_chunks(&plan, 2, 2, 1);
    plan.catalog.tables[1].load_late = 1;
    plan.chunks[0].done = true;
    schedule = schedule_new(&plan, NULL);
    expect_order(schedule, "c2.1 c2.2");
}

static void probes_after_the_last_chunk_was_handed_out(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true, false, true};
    Work chunk;
    Work probe;

    add_tables(&plan, 3);
    add_chunks(&plan, 1, 1, 10);
    add_chunks(&plan, 2, 1, 5);
    add_chunks(&plan, 3, 1, 1);
    plan.chunks[2].done = true; /* all its chunks are handed out already */
    schedule = schedule_new(&plan, wanted);
    chunk = expect_next(schedule, "c1.1");
    (void)expect_next(schedule, "c2.1"); /* before any probe */
    probe = expect_next(schedule, "p1"); /* its chunk is under way */
    schedule_again(schedule, &probe);
    schedule_done(schedule, &chunk);
    expect_next(schedule, "p1");
    expect_next(schedule, "p3");
    expect_next(schedule, "-");
    assert_false(schedule_finished(schedule));
}

static void a_probe_that_all_would_wait_for_comes_sooner(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true, true};

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 9, 10);
    add_chunks(&plan, 2, 1, 1);
    schedule = schedule_new(&plan, wanted);
    schedule_set_workers(schedule, 2);
    expect_order(schedule, "c1.1 c1.2 c1.3 c1.4 p1 c1.5 c1.6 c1.7 c1.8 c1.9 c2.1 p2");
}

static void a_probe_does_not_come_before_a_chunk_is_done(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true};
    Work chunk;
    Work probe;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 4, 10);
    schedule = schedule_new(&plan, wanted);
    schedule_set_workers(schedule, 4);
    chunk = expect_next(schedule, "c1.1");
    (void)expect_next(schedule, "c1.2");
    schedule_done(schedule, &chunk);
    probe = expect_next(schedule, "p1");
    (void)expect_next(schedule, "c1.3");
    schedule_again(schedule, &probe); /* it is not the first thing any more, but it is not lost */
    (void)expect_next(schedule, "c1.4");
    probe = expect_next(schedule, "p1");
    schedule_done(schedule, &probe);
    expect_next(schedule, "-");
}

static void prefers_tasks_then_the_biggest_table_then_probes(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true, true, true};

    add_tables(&plan, 3);
    add_chunks(&plan, 1, 2, 10);
    add_chunks(&plan, 2, 1, 100);
    add_chunks(&plan, 3, 3, 10);
    (void)add_task(&plan, TASK_INDEX, 3, 0);
    schedule = schedule_new(&plan, wanted);
    expect_order(schedule, "c2.1 c3.1 c3.2 c3.3 k1 c1.1 c1.2 p2 p3 p1");
}

static void probes_before_tasks_once_the_last_chunk_is_handed_out(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    const bool wanted[] = {true, true};
    Work chunk;
    Work index;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 10);
    add_chunks(&plan, 2, 1, 5);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 2, 0);
    schedule = schedule_new(&plan, wanted);
    assert_true(schedule_has_reads(schedule));
    chunk = expect_next(schedule, "c1.1");
    schedule_done(schedule, &chunk);
    index = expect_next(schedule, "k1"); /* a chunk is still to come */
    schedule_again(schedule, &index);
    index = expect_next(schedule, "k1");
    (void)expect_next(schedule, "k2");
    chunk = expect_next(schedule, "c2.1");
    schedule_done(schedule, &chunk);
    assert_true(schedule_has_reads(schedule));
    chunk = expect_next(schedule, "p1");
    schedule_done(schedule, &chunk);
    chunk = expect_next(schedule, "p2");
    assert_true(schedule_has_reads(schedule)); /* under way */
    (void)expect_next(schedule, "k3");
    schedule_done(schedule, &chunk);
    assert_false(schedule_has_reads(schedule));
    assert_false(schedule_finished(schedule));
}

static void takes_up_where_the_done_flags_stand(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 3, 10);
    add_chunks(&plan, 2, 2, 10);
    (void)add_task(&plan, TASK_CREATE, 1, 0);
    (void)add_task(&plan, TASK_CREATE, 2, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);
    (void)add_task(&plan, TASK_INDEX, 2, 0);
    (void)add_task(&plan, TASK_CONSTRAINT, 2, 0);
    task_add_after(&plan.tasks[4], 4);
    plan.tasks[0].done = plan.tasks[1].done = plan.tasks[3].done = true;
    plan.chunks[0].done = plan.chunks[2].done = true;
    plan.chunks[3].done = plan.chunks[4].done = true;
    schedule = schedule_new(&plan, NULL);
    expect_order(schedule, "k5 c1.2 k3");
}

static void is_finished_at_once_when_all_is_done(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 1, 1);
    (void)add_task(&plan, TASK_CREATE, 1, 0);
    plan.tasks[0].done = plan.chunks[0].done = true;
    schedule = schedule_new(&plan, NULL);
    assert_true(schedule_finished(schedule));
    expect_order(schedule, "");
}

static void is_not_finished_while_anything_is_under_way(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work work;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 1, 1);
    schedule = schedule_new(&plan, NULL);
    work = expect_next(schedule, "c1.1");
    assert_false(schedule_finished(schedule));
    assert_null(schedule_stuck(schedule));
    schedule_done(schedule, &work);
    assert_true(schedule_finished(schedule));
    assert_true(plan.chunks[0].done);
}

static void hands_out_again_what_came_back(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work work;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 2, 1);
    (void)add_task(&plan, TASK_CONSTRAINT, 1, 0);
    (void)add_task(&plan, TASK_CONSTRAINT, 1, 0);
    schedule = schedule_new(&plan, NULL);
    work = expect_next(schedule, "c1.1");
    schedule_again(schedule, &work);
    assert_false(plan.chunks[0].done);
    work = expect_next(schedule, "c1.1");
    schedule_done(schedule, &work);
    work = expect_next(schedule, "c1.2");
    schedule_done(schedule, &work);
    work = expect_next(schedule, "k1");
    (void)expect_next(schedule, "-"); /* shares the table */
    schedule_again(schedule, &work);
    assert_false(plan.tasks[0].done);
    expect_order(schedule, "k1 k2");
}

static void names_a_task_of_a_cycle(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    Work work;

    add_tables(&plan, 1);
    (void)add_task(&plan, TASK_VIEW, 0, 0); /* waits for the circle, is not in it */
    (void)add_task(&plan, TASK_VIEW, 0, 0);
    (void)add_task(&plan, TASK_INDEX, 1, 0);      /* after 2 */
    (void)add_task(&plan, TASK_CONSTRAINT, 1, 0); /* after 3 by class; 2 is after it */
    (void)add_task(&plan, TASK_VIEW, 0, 0);
    task_add_after(&plan.tasks[0], 4);
    task_add_after(&plan.tasks[1], 4);
    task_add_after(&plan.tasks[2], 2);
    schedule = schedule_new(&plan, NULL);
    assert_null(schedule_stuck(schedule)); /* there is something to start */
    work = expect_next(schedule, "k5");
    assert_null(schedule_stuck(schedule));
    schedule_done(schedule, &work);
    (void)expect_next(schedule, "-");
    assert_false(schedule_finished(schedule));
    assert_in_range(schedule_stuck(schedule)->id, 2, 4);
}

static void names_a_task_that_waits_for_one_which_is_not_there(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    (void)add_task(&plan, TASK_VIEW, 0, 0);
    (void)add_task(&plan, TASK_VIEW, 0, 0);
    task_add_after(&plan.tasks[0], 2);
    task_add_after(&plan.tasks[1], 99);
    schedule = schedule_new(&plan, NULL);
    (void)expect_next(schedule, "-");
    assert_int_equal(schedule_stuck(schedule)->id, 2);
}

static void names_the_task_that_keeps_late_tables_waiting(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 2);
    add_chunks(&plan, 1, 1, 1);
    add_chunks(&plan, 2, 1, 1);
    plan.catalog.tables[1].load_late = 1;
    (void)add_task(&plan, TASK_INDEX, 2, 0);  /* after the late chunk, after that of table 1 */
    (void)add_task(&plan, TASK_CREATE, 1, 0); /* never: there is no task 99 */
    task_add_after(&plan.tasks[1], 99);
    schedule = schedule_new(&plan, NULL);
    (void)expect_next(schedule, "-");
    assert_int_equal(schedule_stuck(schedule)->id, 2);
}

static void names_a_task_of_a_cycle_through_a_barrier(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;

    add_tables(&plan, 1);
    add_chunks(&plan, 1, 1, 1);
    (void)add_task(&plan, TASK_VIEW, 0, 0);   /* waits for the circle, is not in it */
    (void)add_task(&plan, TASK_INDEX, 0, 0);  /* after all chunks */
    (void)add_task(&plan, TASK_CREATE, 1, 0); /* before the chunk, after 2 */
    plan.tasks[0].after_lower = plan.tasks[1].after_lower = true;
    task_add_after(&plan.tasks[2], 2);
    schedule = schedule_new(&plan, NULL);
    (void)expect_next(schedule, "-");
    assert_in_range(schedule_stuck(schedule)->id, 2, 3);
}

/* ---- any plan, any number of workers: the rules looked at from outside ---- */

enum {
    RANDOM_TABLES = 6,
    RANDOM_TASKS = 40,
    RANDOM_PLANS = 300,
};

static uint32_t random_state;

static uint32_t pick(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223; /* Numerical Recipes: the same each time */
    return (random_state >> 16) % below;
}

static void make_random_plan(Plan *plan, bool *wanted)
{
    add_tables(plan, RANDOM_TABLES);
    for (uint32_t id = 1; id <= RANDOM_TABLES; id++) {
        add_chunks(plan, id, pick(4), pick(3));
        wanted[id - 1] = pick(2) == 0;
        plan->catalog.tables[id - 1].load_late = pick(3) == 0 ? pick(4) : 0;
    }
    for (uint32_t i = 0; i < RANDOM_TASKS; i++) {
        TaskClass task_class = (TaskClass)(TASK_CREATE + pick(8));
        uint32_t table_id = pick(RANDOM_TABLES + 1);
        uint32_t other = task_class == TASK_FOREIGN_KEY ? pick(RANDOM_TABLES + 1) : 0;
        uint32_t id = add_task(plan, task_class, table_id, other);

        plan->tasks[id - 1].after_lower = task_class > TASK_CREATE && pick(6) == 0;
        /* To a task of lower class only: no cycle. */
        for (uint32_t before = 1; before < id; before++)
            if (pick(8) == 0 && plan->tasks[before - 1].task_class < task_class)
                task_add_after(&plan->tasks[id - 1], before);
    }
    for (size_t i = 0; i < plan->chunk_count; i++)
        plan->chunks[i].done = pick(5) == 0;
}

static bool has_table(const Task *task, uint32_t table_id)
{
    return table_id != 0 && (task->table_id == table_id || task->other_table_id == table_id);
}

static void check_task_start(const Plan *plan, const Task *task, const bool *is_running)
{
    for (size_t i = 0; i < task->after_count; i++)
        assert_true(plan->tasks[task->after[i] - 1].done);
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *other = &plan->tasks[i];
        bool shares = has_table(other, task->table_id) || has_table(other, task->other_table_id);
        bool both_index = task->task_class == TASK_INDEX && other->task_class == TASK_INDEX;

        assert_false(is_running[i] && shares && !both_index);
        if (other->task_class >= task->task_class)
            continue;
        if (task->after_lower ||
            (task->task_class > TASK_CREATE && has_table(task, other->table_id)))
            assert_true(other->done);
    }
    for (size_t i = 0; i < plan->chunk_count && task->task_class > TASK_CREATE; i++)
        assert_true(plan->chunks[i].done ||
                    !(task->after_lower || has_table(task, plan->chunks[i].table_id)));
}

static uint32_t wave_of(const Plan *plan, uint32_t table_id)
{
    return plan->catalog.tables[table_id - 1].load_late;
}

static void check_chunk_start(const Plan *plan, const Chunk *chunk)
{
    uint32_t wave = wave_of(plan, chunk->table_id);

    assert_false(chunk->done);
    for (size_t i = 0; i < plan->task_count; i++)
        assert_true(plan->tasks[i].done || plan->tasks[i].task_class != TASK_CREATE ||
                    (plan->tasks[i].table_id != chunk->table_id && wave == 0));
    for (size_t i = 0; i < plan->chunk_count; i++)
        assert_true(plan->chunks[i].done || wave_of(plan, plan->chunks[i].table_id) >= wave);
}

static void play(Plan *plan, const bool *wanted, unsigned workers)
{
    AUTO_FREE(schedule_free) Schedule *schedule = schedule_new(plan, wanted);
    bool is_running[RANDOM_TASKS] = {false};
    Work under_way[8];
    unsigned count = 0;

    while (!schedule_finished(schedule)) {
        unsigned at = 0;

        while (count < workers && schedule_next(schedule, &under_way[count])) {
            const Work *work = &under_way[count++];

            if (work->kind == WORK_TASK) {
                check_task_start(plan, work->task, is_running);
                is_running[work->task->id - 1] = true;
            } else if (work->kind == WORK_CHUNK) {
                check_chunk_start(plan, work->chunk);
            }
        }
        assert_true(count > 0); /* else it hangs */
        at = pick(count);
        if (under_way[at].kind == WORK_TASK)
            is_running[under_way[at].task->id - 1] = false;
        if (pick(6) == 0)
            schedule_again(schedule, &under_way[at]);
        else
            schedule_done(schedule, &under_way[at]);
        under_way[at] = under_way[--count];
    }
    assert_int_equal(count, 0);
    for (size_t i = 0; i < plan->chunk_count; i++)
        assert_true(plan->chunks[i].done);
    for (size_t i = 0; i < plan->task_count; i++)
        assert_true(plan->tasks[i].done);
}

static void keeps_its_rules_for_any_plan_and_number_of_workers(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= RANDOM_PLANS; seed++) {
        AUTO_PLAN Plan plan = {0};
        bool wanted[RANDOM_TABLES];

        random_state = seed;
        make_random_plan(&plan, wanted);
        play(&plan, wanted, 1 + pick(8));
    }
}

/* ---- size ---- */

enum {
    BIG_TABLES = 10000,
    BIG_TASKS_PER_TABLE = 5,
    BIG_CHUNKS_PER_TABLE = 100,
    BIG_WORKERS = 16,
    BIG_MS = 20000, /* with sanitizers on a busy machine; anything quadratic takes hours */
};

static void make_big_plan(Plan *plan)
{
    add_tables(plan, BIG_TABLES);
    for (uint32_t id = 1; id <= BIG_TABLES; id++)
        add_chunks(plan, id, BIG_CHUNKS_PER_TABLE, id % 97);
    for (uint32_t id = 1; id <= BIG_TABLES; id++) {
        (void)add_task(plan, TASK_CREATE, id, 0);
        (void)add_task(plan, TASK_INDEX, id, 0);
        (void)add_task(plan, TASK_INDEX, id, 0);
        (void)add_task(plan, TASK_FOREIGN_KEY, id, 1); /* all lock one hub */
        (void)add_task(plan, TASK_STATISTICS, id, 0);
        plan->tasks[plan->task_count - 1].after_lower = id % 2 == 0;
        plan->catalog.tables[id - 1].load_late = id % 5 == 0 ? 1 + id % 3 : 0;
    }
}

static void stays_quick_with_a_million_chunks(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    AUTO_FREE(schedule_free) Schedule *schedule = NULL;
    uint64_t started_ns = 0;
    size_t total = 0;
    Work under_way[BIG_WORKERS];
    unsigned first = 0;
    unsigned count = 0;

    make_big_plan(&plan);
    started_ns = clock_monotonic_ns();
    schedule = schedule_new(&plan, NULL);
    while (!schedule_finished(schedule)) {
        while (count < BIG_WORKERS &&
               schedule_next(schedule, &under_way[(first + count) % BIG_WORKERS]))
            count++;
        assert_true(count > 0);
        schedule_done(schedule, &under_way[first]);
        first = (first + 1) % BIG_WORKERS;
        count--;
        total++;
    }
    assert_int_equal(total, BIG_TABLES * (BIG_CHUNKS_PER_TABLE + BIG_TASKS_PER_TABLE));
    assert_in_range((clock_monotonic_ns() - started_ns) / 1000000, 0, BIG_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_a_table_before_its_first_chunk),
        cmocka_unit_test(runs_other_tasks_after_the_last_chunk_and_in_order_of_class),
        cmocka_unit_test(waits_for_the_tasks_in_after),
        cmocka_unit_test(waits_for_both_tables_of_a_foreign_key),
        cmocka_unit_test(never_runs_two_tasks_that_share_a_table),
        cmocka_unit_test(lets_the_next_one_go_when_a_parked_task_must_wait_elsewhere),
        cmocka_unit_test(builds_indexes_of_one_table_together_but_with_nothing_else),
        cmocka_unit_test(lets_parked_indexes_go_together),
        cmocka_unit_test(a_task_after_lower_waits_for_the_whole_plan),
        cmocka_unit_test(a_barrier_holds_while_the_last_lower_task_runs),
        cmocka_unit_test(loads_late_tables_after_the_last_chunk_of_the_others),
        cmocka_unit_test(loads_late_tables_in_their_order_when_all_is_created),
        cmocka_unit_test(loads_late_tables_at_once_when_there_are_no_others),
        cmocka_unit_test(probes_after_the_last_chunk_was_handed_out),
        cmocka_unit_test(a_probe_that_all_would_wait_for_comes_sooner),
        cmocka_unit_test(a_probe_does_not_come_before_a_chunk_is_done),
        cmocka_unit_test(prefers_tasks_then_the_biggest_table_then_probes),
        cmocka_unit_test(probes_before_tasks_once_the_last_chunk_is_handed_out),
        cmocka_unit_test(takes_up_where_the_done_flags_stand),
        cmocka_unit_test(is_finished_at_once_when_all_is_done),
        cmocka_unit_test(is_not_finished_while_anything_is_under_way),
        cmocka_unit_test(hands_out_again_what_came_back),
        cmocka_unit_test(names_a_task_of_a_cycle),
        cmocka_unit_test(names_a_task_that_waits_for_one_which_is_not_there),
        cmocka_unit_test(names_the_task_that_keeps_late_tables_waiting),
        cmocka_unit_test(names_a_task_of_a_cycle_through_a_barrier),
        cmocka_unit_test(keeps_its_rules_for_any_plan_and_number_of_workers),
        cmocka_unit_test(stays_quick_with_a_million_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
