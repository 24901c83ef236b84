/*
 * engine/flow/plan: look-ups and sums, also with very many chunks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/flow/plan.h"

enum {
    MANY_TABLES = 10000,
    CHUNKS_PER_TABLE = 100,
};

static Chunk *set_chunk(Plan *plan, uint32_t table_id, uint32_t number)
{
    Chunk *chunk = plan_add_chunk(plan);

    chunk->table_id = table_id;
    chunk->number = number;
    return chunk;
}

static void set_done(Chunk *chunk, uint64_t bytes, uint64_t low)
{
    chunk->done = true;
    chunk->bytes = bytes;
    chunk->digest = (Digest){.rows = 1, .low = low, .high = 1};
}

static void adds_zeroed_chunks(void **state)
{
    AUTO_PLAN Plan plan = {0};

    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        Chunk *chunk = set_chunk(&plan, 1, i);

        assert_false(chunk->done);
        assert_int_equal(chunk->lower.size, 0);
        assert_null(chunk->upper.data);
        chunk->upper = bytes_copy("abc", 3);
        chunk->done = true;
    }
    assert_int_equal(plan.chunk_count, 100);
}

static void finds_the_chunks_of_a_table(void **state)
{
    AUTO_PLAN Plan plan = {0};
    size_t count = 7;

    (void)state;
    assert_null(plan_table_chunks(&plan, 1, &count));
    assert_int_equal(count, 0);
    (void)set_chunk(&plan, 2, 1);
    (void)set_chunk(&plan, 2, 2);
    (void)set_chunk(&plan, 2, 5);
    (void)set_chunk(&plan, 4, 1);
    (void)set_chunk(&plan, UINT32_MAX, 1);
    assert_null(plan_table_chunks(&plan, 1, &count));
    assert_null(plan_table_chunks(&plan, 3, &count));
    assert_int_equal(count, 0);
    assert_ptr_equal(plan_table_chunks(&plan, 2, &count), &plan.chunks[0]);
    assert_int_equal(count, 3);
    assert_ptr_equal(plan_table_chunks(&plan, 4, &count), &plan.chunks[3]);
    assert_int_equal(count, 1);
    assert_ptr_equal(plan_table_chunks(&plan, UINT32_MAX, &count), &plan.chunks[4]);
    assert_int_equal(count, 1);
}

static void finds_a_chunk_by_its_number(void **state)
{
    AUTO_PLAN Plan plan = {0};

    (void)state;
    assert_null(plan_chunk(&plan, 2, 1));
    (void)set_chunk(&plan, 2, 1);
    (void)set_chunk(&plan, 2, 5);
    (void)set_chunk(&plan, 4, 2);
    assert_ptr_equal(plan_chunk(&plan, 2, 1), &plan.chunks[0]);
    assert_ptr_equal(plan_chunk(&plan, 2, 5), &plan.chunks[1]);
    assert_ptr_equal(plan_chunk(&plan, 4, 2), &plan.chunks[2]);
    assert_null(plan_chunk(&plan, 2, 2));
    assert_null(plan_chunk(&plan, 3, 2));
    assert_null(plan_chunk(&plan, 4, 1));
    assert_null(plan_chunk(&plan, 4, 3));
    assert_null(plan_chunk(&plan, 2, 0));
}

static void finds_each_of_a_million_chunks(void **state)
{
    AUTO_PLAN Plan plan = {0};

    (void)state;
    for (uint32_t table_id = 1; table_id <= MANY_TABLES; table_id++) {
        assert_int_equal(catalog_add_table(&plan.catalog)->id, table_id);
        for (uint32_t number = 1; number <= CHUNKS_PER_TABLE; number++)
            set_done(set_chunk(&plan, table_id, number), number, table_id);
    }
    for (uint32_t table_id = 1; table_id <= MANY_TABLES; table_id++) {
        Digest digest = {0};
        uint64_t bytes = 0;

        plan_table_totals(&plan, table_id, &digest, &bytes);
        assert_int_equal(digest.rows, CHUNKS_PER_TABLE);
        assert_int_equal(digest.low, table_id * CHUNKS_PER_TABLE);
        assert_int_equal(bytes, CHUNKS_PER_TABLE * (CHUNKS_PER_TABLE + 1) / 2);
        assert_int_equal(catalog_table(&plan.catalog, table_id)->id, table_id);
    }
    for (size_t i = 0; i < plan.chunk_count; i++) {
        const Chunk *chunk = &plan.chunks[i];

        assert_true(plan_chunk(&plan, chunk->table_id, chunk->number) == chunk);
    }
}

static void sums_only_the_chunks_that_are_done(void **state)
{
    AUTO_PLAN Plan plan = {0};
    Digest digest = {.rows = 99};
    uint64_t bytes = 99;

    (void)state;
    set_done(set_chunk(&plan, 1, 1), 1000, 1000);
    set_done(set_chunk(&plan, 2, 1), 10, 5);
    set_chunk(&plan, 2, 2)->bytes = 7;
    set_done(set_chunk(&plan, 2, 3), 20, UINT64_MAX);
    plan_table_totals(&plan, 2, &digest, &bytes);
    assert_int_equal(digest.rows, 2);
    assert_true(digest.low == 4 && digest.high == 3); /* with carry */
    assert_int_equal(bytes, 30);
    plan_table_totals(&plan, 3, &digest, &bytes);
    assert_true(digest.rows == 0 && digest.low == 0 && digest.high == 0 && bytes == 0);
}

static void numbers_tasks_and_finds_them(void **state)
{
    AUTO_PLAN Plan plan = {0};

    (void)state;
    assert_null(plan_task(&plan, 1));
    for (uint32_t id = 1; id <= 50; id++) {
        Task *task = plan_add_task(&plan);

        assert_int_equal(task->id, id);
        task->name = xstrdup("index t_i");
        task->statement = xstrdup("create index");
    }
    for (uint32_t id = 1; id <= 50; id++)
        assert_int_equal(plan_task(&plan, id)->id, id);
    assert_null(plan_task(&plan, 0));
    assert_null(plan_task(&plan, 51));
}

static void keeps_what_a_task_waits_for(void **state)
{
    AUTO_PLAN Plan plan = {0};
    Task *task = NULL;

    (void)state;
    for (int i = 0; i < 10; i++)
        task = plan_add_task(&plan);
    for (uint32_t id = 1; id < 10; id++)
        task_add_after(task, id);
    assert_int_equal(task->after_count, 9);
    for (uint32_t id = 1; id < 10; id++)
        assert_int_equal(task->after[id - 1], id);
}

static void is_empty_and_usable_after_release(void **state)
{
    AUTO_PLAN Plan plan = {0};

    (void)state;
    (void)set_chunk(&plan, 1, 1);
    (void)plan_add_task(&plan);
    plan_release(&plan);
    assert_int_equal(plan.chunk_count, 0);
    assert_int_equal(plan_add_task(&plan)->id, 1);
}

static void names_every_class_of_tasks_differently(void **state)
{
    (void)state;
    for (TaskClass a = TASK_CREATE; a <= TASK_STATISTICS; a++) {
        assert_string_not_equal(task_class_name(a), "unknown");
        for (TaskClass b = TASK_CREATE; b < a; b++)
            assert_string_not_equal(task_class_name(a), task_class_name(b));
    }
    assert_string_equal(task_class_name(TASK_FOREIGN_KEY), "foreign key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_zeroed_chunks),
        cmocka_unit_test(finds_the_chunks_of_a_table),
        cmocka_unit_test(finds_a_chunk_by_its_number),
        cmocka_unit_test(finds_each_of_a_million_chunks),
        cmocka_unit_test(sums_only_the_chunks_that_are_done),
        cmocka_unit_test(numbers_tasks_and_finds_them),
        cmocka_unit_test(keeps_what_a_task_waits_for),
        cmocka_unit_test(is_empty_and_usable_after_release),
        cmocka_unit_test(names_every_class_of_tasks_differently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
