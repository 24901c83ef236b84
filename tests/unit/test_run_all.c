/*
 * run_copy(): chunks, tasks and evidence, exactly once under every fault, stop and worker count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/run/run.h"
#include "engine/run/verdict.h"
#include "tests/support/list_connector.h"

typedef struct Scene {
    ListSource source;
    ListTarget target;
    ListRecorder recorder;
    Plan plan;
    RunOptions options;
    uint64_t (*sample_modulus)(uint64_t row_count);
    bool is_read;
    Error err;
} Scene;

static void set_scene(Scene *scene, uint32_t tables, unsigned jobs)
{
    *scene = (Scene){.options = {.jobs = jobs}};
    fault_arm(FAULT_NONE, 0, NULL);
    list_source_init(&scene->source);
    list_add_tables(&scene->plan, tables);
    list_add_tasks(&scene->plan);
    assert_int_equal(
        run_plan_chunks(&scene->plan, &scene->source.base, with_jobs(jobs), 1, &scene->err), 0);
    list_target_init(&scene->target, &scene->plan);
    scene->target.ops.max_writers = jobs <= 2 ? 1 : jobs == 4 ? 0 : 2;
    list_recorder_init(&scene->recorder, &scene->plan, &scene->target);
}

static void end_scene(Scene *scene)
{
    assert_int_equal(atomic_load(&scene->source.readers), 0);
    list_recorder_release(&scene->recorder);
    list_target_release(&scene->target);
    plan_release(&scene->plan);
    stop_reset();
}

/* As a new process would: from the ledger, and the evidence that is recorded. */
static Status run_once(Scene *scene)
{
    size_t count = scene->plan.catalog.table_count;
    AUTO_FREE_MEMORY ProbeRequest *evidence = xcalloc(count, sizeof(*evidence));
    RunInput input = {.plan = &scene->plan,
                      .source = &scene->source.base,
                      .target = &scene->target.base,
                      .identity = &scene->target.identity,
                      .recorder = &scene->recorder.base,
                      .options = scene->options,
                      .evidence = evidence,
                      .sample_modulus = scene->sample_modulus,
                      .ret_is_read = &scene->is_read};
    Status status = STATUS_OK;

    list_reconcile(&scene->target, &scene->plan);
    scene->recorder.is_open = false; /* an open group is gone with its process */
    for (size_t i = 0; i < count; i++)
        if (!scene->recorder.evidence[i])
            evidence[i] = (ProbeRequest){.table = &scene->plan.catalog.tables[i], .modulus = 7};
    error_clear(&scene->err);
    scene->is_read = false;
    status = run_copy(&input, &scene->err);
    assert_int_equal(atomic_load(&scene->source.readers), 0);
    for (size_t i = 0; i < count; i++) /* what is not recorded is still wanted */
        assert_true(scene->recorder.evidence[i] || evidence[i].table != NULL);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        assert_null(evidence[i].table);
    return status;
}

static void expect_complete(const Scene *scene)
{
    list_expect_complete(&scene->target, &scene->source);
    for (size_t i = 0; i < scene->plan.chunk_count; i++)
        assert_true(scene->plan.chunks[i].done);
    for (size_t i = 0; i < scene->plan.task_count; i++)
        assert_true(scene->plan.tasks[i].done);
    for (size_t i = 0; i < scene->plan.catalog.table_count; i++)
        assert_true(scene->recorder.evidence[i]);
}

static void expect_all_recorded(const Scene *scene)
{
    for (size_t i = 0; i < scene->plan.chunk_count; i++)
        assert_true(scene->recorder.chunks[i]);
    for (size_t i = 0; i < scene->plan.task_count; i++)
        assert_true(scene->recorder.tasks[i]);
}

/* What is in the ledger is recorded: after a run that ended in order. */
static void expect_recorded_as_in_ledger(const Scene *scene)
{
    for (size_t i = 0; i < scene->plan.chunk_count; i++) {
        const Chunk *chunk = &scene->plan.chunks[i];

        assert_int_equal(scene->recorder.chunks[i],
                         list_find_chunk(&scene->target, chunk->table_id, chunk->number) != NULL);
        assert_int_equal(scene->recorder.chunks[i], chunk->done);
    }
    for (size_t i = 0; i < scene->plan.task_count; i++)
        assert_int_equal(scene->recorder.tasks[i], scene->target.tasks[scene->plan.tasks[i].id]);
}

static void copies_records_and_probes_everything(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 5; jobs++) {
        Scene scene;

        set_scene(&scene, 5, jobs);
        assert_int_equal(run_once(&scene), STATUS_OK);
        expect_complete(&scene);
        expect_all_recorded(&scene);
        assert_int_equal(scene.recorder.records,
                         scene.plan.chunk_count + scene.plan.task_count + 5);
        end_scene(&scene);
    }
}

static void lets_the_source_go_when_nothing_is_left_to_read(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        Scene scene;

        set_scene(&scene, 3, jobs);
        scene.target.source = &scene.source;
        assert_int_equal(run_once(&scene), STATUS_OK);
        expect_complete(&scene);
        assert_true(scene.is_read);
        assert_int_equal(scene.source.releases, 1);
        assert_int_equal(scene.target.readers_at_task, 0); /* the last task is the view */
        assert_int_equal(run_once(&scene), STATUS_OK);
        assert_true(scene.is_read);
        end_scene(&scene);
    }
}

static void a_snapshot_that_did_not_live_until_all_was_read_is_a_failure(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        Scene scene;

        set_scene(&scene, 3, jobs);
        scene.source.is_lost = true;
        assert_int_equal(run_once(&scene), STATUS_FAILED);
        assert_string_equal(scene.err.message, "it did not live until all was read");
        assert_false(scene.is_read);
        assert_int_equal(scene.source.releases, 0);
        expect_recorded_as_in_ledger(&scene);
        assert_false(scene.target.tasks[scene.plan.task_count]); /* the view comes last */
        assert_int_equal(run_once(&scene), STATUS_FAILED); /* nothing is read, but it is not held */
        scene.source.is_lost = false;
        assert_int_equal(run_once(&scene), STATUS_OK);
        expect_complete(&scene);
        end_scene(&scene);
    }
}

static uint64_t count_by_hundreds(uint64_t row_count)
{
    return row_count * 100;
}

static void samples_by_what_was_copied_where_the_estimate_is_far_off(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 4, 1); /* of 10 rows each */
    scene.plan.catalog.tables[0].row_estimate = 0;
    scene.plan.catalog.tables[1].row_estimate = 21;
    scene.plan.catalog.tables[2].row_estimate = 5;
    scene.plan.catalog.tables[3].row_estimate = 4;
    scene.sample_modulus = count_by_hundreds;
    assert_int_equal(run_once(&scene), STATUS_OK);
    assert_int_equal(scene.recorder.moduli[0], 1000);
    assert_int_equal(scene.recorder.moduli[1], 7); /* 10 is not less than half of 21 */
    assert_int_equal(scene.recorder.moduli[2], 7);
    assert_int_equal(scene.recorder.moduli[3], 1000);
    end_scene(&scene);
}

static void does_nothing_when_all_is_done(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 3, 2);
    assert_int_equal(run_once(&scene), STATUS_OK);
    scene.recorder.records = 0;
    scene.target.opened = 0;
    assert_int_equal(run_once(&scene), STATUS_OK);
    assert_int_equal(scene.recorder.records, 0);
    assert_int_equal(scene.target.opened, 0);
    end_scene(&scene);
}

/* The n-th fault of the mode, then as often again as it takes; false when none fired. */
static bool survive_fault(FaultMode mode, unsigned nth, unsigned jobs, uint64_t retry_for_ms)
{
    Scene scene;
    Status status = STATUS_OK;
    bool fired = false;

    set_scene(&scene, 2, jobs);
    scene.options.retry_for_ms = retry_for_ms;
    fault_arm(mode, nth, NULL);
    status = run_once(&scene);
    fired = fault_fired();
    fault_arm(FAULT_NONE, 0, NULL);
    if (!fired)
        assert_int_equal(status, STATUS_OK);
    if (status < 0)
        assert_non_null(strstr(scene.err.message, "injected"));
    if (status < 0 && mode == FAULT_FATAL)
        assert_int_equal(status, STATUS_FATAL);
    if (status < 0)
        assert_int_equal(run_once(&scene), STATUS_OK);
    expect_complete(&scene);
    end_scene(&scene);
    return fired;
}

static void survive_faults(unsigned jobs, uint64_t retry_for_ms)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE, FAULT_FATAL};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 1;

        while (survive_fault(modes[i], nth, jobs, retry_for_ms))
            nth++;
        print_message("mode %d, %u workers: %u positions, last at %s\n", (int)modes[i], jobs,
                      nth - 1, fault_last_point());
        assert_true(nth > 30);
    }
}

static void ends_complete_after_any_fault_and_another_run(void **state)
{
    (void)state;
    survive_faults(1, 0);
}

static void ends_complete_after_any_fault_with_several_workers(void **state)
{
    (void)state;
    survive_faults(4, 0);
}

static void ends_complete_when_any_fault_is_retried(void **state)
{
    (void)state;
    survive_faults(3, 60000);
}

/* With one worker the same fault is the same place, so tests can name it by its number. */
static void meets_its_fault_points_in_the_same_order_with_one_worker(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth < 60; nth++) {
        AUTO_FREE_MEMORY char *first = NULL;
        AUTO_FREE_MEMORY char *message = NULL;

        for (unsigned time = 0; time < 2; time++) {
            Scene scene;

            set_scene(&scene, 2, 1);
            fault_arm(FAULT_FATAL, nth, NULL);
            assert_int_equal(run_once(&scene), STATUS_FATAL);
            if (time == 0) {
                first = xstrdup(fault_last_point());
                message = xstrdup(scene.err.message);
            } else {
                assert_string_equal(fault_last_point(), first);
                assert_string_equal(scene.err.message, message);
            }
            end_scene(&scene);
        }
    }
    fault_arm(FAULT_NONE, 0, NULL);
}

static void stops_after_what_is_under_way_and_goes_on_later(void **state)
{
    (void)state;
    for (unsigned stop_after = 1; stop_after <= 9; stop_after++) {
        for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
            Scene scene;

            set_scene(&scene, 3, jobs);
            scene.target.stop_after_commits = stop_after;
            assert_int_equal(run_once(&scene), STATUS_STOPPED);
            assert_int_equal(scene.err.kind, ERROR_WAITING);
            assert_in_range(scene.target.commits, stop_after, stop_after + jobs - 1);
            expect_recorded_as_in_ledger(&scene);
            stop_reset();
            assert_int_equal(run_once(&scene), STATUS_OK);
            expect_complete(&scene);
            expect_all_recorded(&scene);
            end_scene(&scene);
        }
    }
}

static void starts_nothing_when_a_stop_is_wanted_already(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 2, 2);
    stop_request();
    assert_int_equal(run_once(&scene), STATUS_STOPPED);
    assert_int_equal(scene.recorder.records, 0);
    assert_int_equal(scene.target.opened, 0);
    end_scene(&scene);
}

static void is_complete_although_the_wish_to_stop_came_with_the_last_work(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 1, 1);
    for (size_t i = 0; i < scene.plan.task_count; i++)
        scene.target.tasks[scene.plan.tasks[i].id] = true;
    scene.recorder.evidence[0] = true;
    scene.target.stop_after_commits = (unsigned)scene.plan.chunk_count;
    assert_int_equal(run_once(&scene), STATUS_OK);
    assert_true(stop_requested());
    expect_complete(&scene);
    end_scene(&scene);
}

/* Tables 1 and 2 begin together, so 1 is under way when 2 fails. */
static void names_a_poisoned_table_and_records_what_was_under_way(void **state)
{
    (void)state;
    Scene scene;
    pthread_barrier_t meeting;

    set_scene(&scene, 3, 2);
    plan_release(&scene.plan);
    list_recorder_release(&scene.recorder);
    list_add_tables(&scene.plan, 3);
    scene.source.chunk_rows = scene.source.rows; /* one chunk each */
    assert_int_equal(run_plan_chunks(&scene.plan, &scene.source.base, with_jobs(2), 1, &scene.err),
                     0);
    list_recorder_init(&scene.recorder, &scene.plan, &scene.target);
    assert_int_equal(pthread_barrier_init(&meeting, NULL, 2), 0);
    scene.source.meeting = &meeting;
    scene.source.poisoned = 2;
    assert_int_equal(run_once(&scene), STATUS_FAILED);
    assert_string_equal(scene.err.message, "table \"t2\": could not read");
    assert_true(scene.recorder.chunks[0]);
    expect_recorded_as_in_ledger(&scene);
    scene.source.meeting = NULL;
    scene.source.poisoned = 0;
    assert_int_equal(run_once(&scene), STATUS_OK);
    expect_complete(&scene);
    assert_int_equal(pthread_barrier_destroy(&meeting), 0);
    end_scene(&scene);
}

static void reports_a_failure_rather_than_the_stop(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 2, 1);
    scene.target.stop_after_commits = 1;
    fault_arm(FAULT_FATAL, 3, "run.record"); /* two tables are created, then the first chunk */
    assert_int_equal(run_once(&scene), STATUS_FATAL);
    assert_true(stop_requested());
    fault_arm(FAULT_NONE, 0, NULL);
    assert_string_equal(scene.err.message, "injected failure before run.record");
    stop_reset();
    scene.target.stop_after_commits = 0;
    assert_int_equal(run_once(&scene), STATUS_OK);
    expect_complete(&scene);
    end_scene(&scene);
}

static void keeps_the_first_failure_but_not_before_a_stop(void **state)
{
    (void)state;
    Verdict verdict = {0};
    Error err = {0};

    verdict_note(&verdict, STATUS_OK, &err);
    assert_int_equal(verdict_give(&verdict, &err), STATUS_OK);
    verdict_note(&verdict, STATUS_STOPPED, &(Error){.message = "stopped"});
    verdict_note(&verdict, STATUS_STOPPED, &(Error){.message = "stopped again"});
    assert_int_equal(verdict_give(&verdict, &err), STATUS_STOPPED);
    assert_string_equal(err.message, "stopped");
    verdict_note(&verdict, STATUS_FAILED, &(Error){.message = "first"});
    verdict_note(&verdict, STATUS_FATAL, &(Error){.message = "second"});
    verdict_note(&verdict, STATUS_STOPPED, &(Error){.message = "third"});
    assert_int_equal(verdict_give(&verdict, &err), STATUS_FAILED);
    assert_string_equal(err.message, "first");
}

static void names_table_and_task_of_a_failed_task(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 1, 1);
    fault_arm(FAULT_FATAL, 2, "list.task");
    assert_int_equal(run_once(&scene), STATUS_FATAL);
    assert_string_equal(scene.err.message,
                        "table \"t1\": index of t1: injected failure before list.task");
    end_scene(&scene);
}

static void refuses_a_plan_with_a_cycle(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 1, 1);
    task_add_after(&scene.plan.tasks[1], 3); /* the index after the statistics */
    assert_int_equal(run_once(&scene), STATUS_INVALID);
    assert_non_null(strstr(scene.err.message, "of t1 waits for itself"));
    end_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_records_and_probes_everything),
        cmocka_unit_test(lets_the_source_go_when_nothing_is_left_to_read),
        cmocka_unit_test(a_snapshot_that_did_not_live_until_all_was_read_is_a_failure),
        cmocka_unit_test(samples_by_what_was_copied_where_the_estimate_is_far_off),
        cmocka_unit_test(does_nothing_when_all_is_done),
        cmocka_unit_test(ends_complete_after_any_fault_and_another_run),
        cmocka_unit_test(ends_complete_after_any_fault_with_several_workers),
        cmocka_unit_test(ends_complete_when_any_fault_is_retried),
        cmocka_unit_test(meets_its_fault_points_in_the_same_order_with_one_worker),
        cmocka_unit_test(stops_after_what_is_under_way_and_goes_on_later),
        cmocka_unit_test(starts_nothing_when_a_stop_is_wanted_already),
        cmocka_unit_test(is_complete_although_the_wish_to_stop_came_with_the_last_work),
        cmocka_unit_test(names_a_poisoned_table_and_records_what_was_under_way),
        cmocka_unit_test(reports_a_failure_rather_than_the_stop),
        cmocka_unit_test(keeps_the_first_failure_but_not_before_a_stop),
        cmocka_unit_test(names_table_and_task_of_a_failed_task),
        cmocka_unit_test(refuses_a_plan_with_a_cycle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
