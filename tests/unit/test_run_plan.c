/*
 * The runs without a schedule: planning chunks, digesting again, probing the target.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/run/copy.h"
#include "engine/run/run.h"
#include "tests/support/list_connector.h"

enum {
    MANY_TABLES = 10000,
    MANY_MS = 20000, /* with sanitizers on a busy machine */
};

static Status plan_chunks(Plan *plan, ListSource *source, unsigned jobs, Error *err)
{
    Status status = run_plan_chunks(plan, &source->base, with_jobs(jobs), 1, err);

    assert_int_equal(atomic_load(&source->readers), 0);
    return status;
}

/* Every table has chunks 1 to 3, of rows 1-4, 5-8 and from 9 on. */
static void expect_planned(const Plan *plan)
{
    assert_int_equal(plan->chunk_count, 3 * plan->catalog.table_count);
    for (size_t i = 0; i < plan->chunk_count; i++) {
        const Chunk *chunk = &plan->chunks[i];

        assert_int_equal(chunk->table_id, i / 3 + 1);
        assert_int_equal(chunk->number, i % 3 + 1);
        assert_int_equal(chunk->lower.size == 0, i % 3 == 0);
        assert_int_equal(chunk->upper.size == 0, i % 3 == 2);
    }
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        assert_int_equal(plan->catalog.tables[i].row_estimate, 10);
}

static void plans_all_tables_in_their_order(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        AUTO_PLAN Plan plan = {0};
        ListSource source;
        Error err = {0};

        list_source_init(&source);
        list_add_tables(&plan, 20);
        assert_int_equal(plan_chunks(&plan, &source, jobs, &err), STATUS_OK);
        expect_planned(&plan);
    }
}

static void plans_many_tables_quickly(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};
    uint64_t started_ns = clock_monotonic_ns();

    list_source_init(&source);
    list_add_tables(&plan, MANY_TABLES);
    assert_int_equal(plan_chunks(&plan, &source, 2, &err), STATUS_OK);
    expect_planned(&plan);
    assert_in_range((clock_monotonic_ns() - started_ns) / 1000000, 0, MANY_MS);
}

static void plans_nothing_when_a_table_cannot_be_planned(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};

    list_source_init(&source);
    list_add_tables(&plan, 9);
    source.poisoned = 5;
    assert_int_equal(plan_chunks(&plan, &source, 2, &err), STATUS_FAILED);
    assert_string_equal(err.message, "table \"t5\": could not plan");
    assert_int_equal(plan.chunk_count, 0);
    source.poisoned = 0;
    assert_int_equal(plan_chunks(&plan, &source, 2, &err), STATUS_OK);
    expect_planned(&plan);
}

static void refuses_a_table_without_a_chunk(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};

    list_source_init(&source);
    source.rows = 0;
    list_add_tables(&plan, 1);
    assert_int_equal(plan_chunks(&plan, &source, 1, &err), STATUS_INVALID);
    assert_string_equal(err.message, "table \"t1\": the source planned no chunk");
}

static void plans_again_what_failed_for_a_moment(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};

    list_source_init(&source);
    list_add_tables(&plan, 3);
    fault_arm(FAULT_FAIL, 2, "list.plan");
    assert_int_equal(plan_chunks(&plan, &source, 1, &err), STATUS_OK);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
    expect_planned(&plan);
}

static void stops_planning_on_request(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};

    list_source_init(&source);
    list_add_tables(&plan, 3);
    stop_request();
    assert_int_equal(plan_chunks(&plan, &source, 2, &err), STATUS_STOPPED);
    stop_reset();
    assert_int_equal(plan.chunk_count, 0);
}

static void plans_no_table_at_all(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    Error err = {0};

    list_source_init(&source);
    assert_int_equal(plan_chunks(&plan, &source, 2, &err), STATUS_OK);
}

/* ---- digest again ---- */

static void set_digested(Plan *plan, ListSource *source)
{
    Reader *reader = NULL;
    Error err = {0};

    list_source_init(source);
    list_add_tables(plan, 4);
    assert_int_equal(plan_chunks(plan, source, 2, &err), STATUS_OK);
    assert_int_equal(source_open_reader(&source->base, &reader, &err), STATUS_OK);
    for (size_t i = 0; i < plan->chunk_count; i++) {
        Chunk *chunk = &plan->chunks[i];

        chunk->done = chunk->table_id != 4; /* of table 4 nothing is copied */
        assert_int_equal(digest_chunk(reader, catalog_table(&plan->catalog, chunk->table_id), chunk,
                                      &chunk->digest, &err),
                         STATUS_OK);
    }
    reader_free(reader);
    atomic_store(&source->reads, 0);
}

static void expect_same(const Plan *plan, ListSource *source, unsigned jobs, const bool *expected)
{
    bool same[4] = {false};
    Error err = {0};

    assert_int_equal(run_digest_again(plan, &source->base, with_jobs(jobs), NULL, same, &err),
                     STATUS_OK);
    assert_memory_equal(same, expected, sizeof(same));
}

static void finds_the_table_that_changed(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        AUTO_PLAN Plan plan = {0};
        ListSource source;

        set_digested(&plan, &source);
        expect_same(&plan, &source, jobs, (const bool[]){true, true, true, true});
        source.changed = 2;
        expect_same(&plan, &source, jobs, (const bool[]){true, false, true, true});
        source.changed = 4;
        expect_same(&plan, &source, jobs, (const bool[]){true, true, true, true});
    }
}

static void reads_no_further_in_a_table_known_to_differ(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;

    set_digested(&plan, &source);
    source.changed = 2;
    expect_same(&plan, &source, 1, (const bool[]){true, false, true, true});
    assert_int_equal(atomic_load(&source.reads), 5 + 2 + 5); /* blocks: 2, 2, 1 per table */
}

static void names_the_table_that_cannot_be_digested(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;
    bool same[4];
    Error err = {0};

    set_digested(&plan, &source);
    source.poisoned = 3;
    assert_int_equal(run_digest_again(&plan, &source.base, with_jobs(2), NULL, same, &err),
                     STATUS_FAILED);
    assert_string_equal(err.message, "table \"t3\": could not read");
}

static void digests_again_what_failed_for_a_moment(void **state)
{
    (void)state;
    AUTO_PLAN Plan plan = {0};
    ListSource source;

    set_digested(&plan, &source);
    fault_arm(FAULT_FAIL, 5, "list.read");
    expect_same(&plan, &source, 2, (const bool[]){true, true, true, true});
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
}

/* ---- probes ---- */

enum {
    PROBES = 6,
};

typedef struct Probed {
    Plan plan;
    ListTarget target;
    ProbeRequest requests[PROBES];
    ProbeResult results[PROBES];
    Error err;
} Probed;

/* Table i has i rows; table 3 is not asked for. */
static void set_probed(Probed *probed)
{
    *probed = (Probed){0};
    list_add_tables(&probed->plan, PROBES);
    list_target_init(&probed->target, &probed->plan);
    for (uint32_t id = 1; id <= PROBES; id++) {
        for (uint32_t row = 1; row <= id; row++)
            probed->target.copies[id][row] = 1;
        if (id != 3)
            probed->requests[id - 1].table = &probed->plan.catalog.tables[id - 1];
    }
}

static Status probe(Probed *probed, unsigned jobs)
{
    return run_probe_target(&probed->target.base, with_jobs(jobs), probed->requests, PROBES,
                            probed->results, NULL, &probed->err);
}

static void end_probed(Probed *probed)
{
    fault_arm(FAULT_NONE, 0, NULL);
    for (size_t i = 0; i < PROBES; i++)
        probe_result_release(&probed->results[i]);
    list_target_release(&probed->target);
    plan_release(&probed->plan);
}

static void expect_probed(const Probed *probed)
{
    for (size_t i = 0; i < PROBES; i++) {
        assert_int_equal(probed->results[i].rows, i == 2 ? 0 : i + 1);
        assert_int_equal(probed->results[i].entry_count, i == 2 ? 0 : 1);
    }
}

static void probes_what_is_asked_for(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 8; jobs += 3) {
        Probed probed;

        set_probed(&probed);
        assert_int_equal(probe(&probed, jobs), STATUS_OK);
        expect_probed(&probed);
        end_probed(&probed);
    }
}

static void probes_again_from_nothing_what_failed_for_a_moment(void **state)
{
    static const struct {
        FaultMode mode;
        const char *point;
    } faults[] = {
        {FAULT_FAIL, "list.probe"}, {FAULT_LOSE, "list.probe"}, {FAULT_FAIL, "list.open_prober"}};

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        Probed probed;

        set_probed(&probed);
        fault_arm(faults[i].mode, 2, faults[i].point);
        assert_int_equal(probe(&probed, 2), STATUS_OK);
        assert_true(fault_fired());
        expect_probed(&probed);
        end_probed(&probed);
    }
}

static void names_the_table_that_cannot_be_probed(void **state)
{
    (void)state;
    Probed probed;

    set_probed(&probed);
    fault_arm(FAULT_FATAL, 3, "list.probe");
    assert_int_equal(probe(&probed, 1), STATUS_FATAL);
    assert_string_equal(probed.err.message, "table \"t4\": injected failure before list.probe");
    end_probed(&probed);
}

static void closes_its_probers_when_one_cannot_be_opened(void **state)
{
    (void)state;
    Probed probed;

    set_probed(&probed);
    fault_arm(FAULT_FATAL, 3, "list.open_prober");
    assert_int_equal(probe(&probed, 4), STATUS_FATAL);
    end_probed(&probed); /* the sanitizer finds what is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_all_tables_in_their_order),
        cmocka_unit_test(plans_many_tables_quickly),
        cmocka_unit_test(plans_nothing_when_a_table_cannot_be_planned),
        cmocka_unit_test(refuses_a_table_without_a_chunk),
        cmocka_unit_test(plans_again_what_failed_for_a_moment),
        cmocka_unit_test(stops_planning_on_request),
        cmocka_unit_test(plans_no_table_at_all),
        cmocka_unit_test(finds_the_table_that_changed),
        cmocka_unit_test(reads_no_further_in_a_table_known_to_differ),
        cmocka_unit_test(names_the_table_that_cannot_be_digested),
        cmocka_unit_test(digests_again_what_failed_for_a_moment),
        cmocka_unit_test(probes_what_is_asked_for),
        cmocka_unit_test(probes_again_from_nothing_what_failed_for_a_moment),
        cmocka_unit_test(names_the_table_that_cannot_be_probed),
        cmocka_unit_test(closes_its_probers_when_one_cannot_be_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
