#include "tests/unit/journal_fixture.h"

#include "journal/internal.h"

/* ---- random plans ---- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (random_state >> 33) % below;
}

/* NULL, empty, plain, quoted, not ASCII, not even UTF-8, and long. */
static char *draw_text(bool may_be_null)
{
    static const char *const texts[] = {
        "",      "orders", "a \"quoted\" 'name'", "naïve ☃ 表", "tab\tand\nline", "\xff\xfe bad",
        "%s;--",
    };
    uint64_t choice = draw(sizeof(texts) / sizeof(texts[0]) + 2);

    if (choice == 0)
        return may_be_null ? NULL : xstrdup("x");
    if (choice == 1) {
        char *text = xcalloc(1, 5001);

        memset(text, 'a' + (int)draw(26), 5000);
        return text;
    }
    return xstrdup(texts[choice - 2]);
}

static Bytes draw_bytes(void)
{
    uint8_t data[40];
    size_t size = draw(sizeof(data));

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)draw(256);
    return size > 0 ? bytes_copy(data, size) : (Bytes){0};
}

static uint64_t draw_number(void)
{
    return draw(4) == 0 ? INT64_MAX >> 8 : draw(1000);
}

static void draw_table(Catalog *catalog)
{
    static const RowFormat formats[] = {ROW_TAGGED, ROW_PG_BINARY, ROW_PG_TEXT};
    Table *table = catalog_add_table(catalog);
    size_t columns = draw(5);

    table->schema = draw_text(true);
    table->name = draw_text(false);
    table->staged_name = draw_text(true);
    table->key = (KeyKind)draw(KEY_PHYSICAL + 1);
    table->format = formats[draw(3)];
    table->definition = draw_text(true);
    table->private_data = draw_text(true);
    table->load_late = (uint32_t)draw(4);
    table->row_estimate = draw_number();
    table->byte_estimate = draw_number();
    for (size_t i = 0; i < columns; i++) {
        Column *column = table_add_column(table);

        column->name = draw_text(false);
        column->type = draw_text(true);
        column->is_generated = draw(2) == 1;
        column->key_position = (unsigned)draw(3);
    }
}

static void draw_object(Catalog *catalog)
{
    Object *object = catalog_add_object(catalog);

    object->kind = (ObjectKind)(1 + draw(OBJECT_OTHER));
    object->schema = draw_text(true);
    object->name = draw_text(true);
    object->table_id = (uint32_t)draw(catalog->table_count + 1);
    object->definition = draw_text(true);
    object->private_data = draw_text(true);
}

static void draw_chunks(Plan *plan, uint32_t table_id)
{
    size_t count = draw(4);
    uint32_t number = 0;

    for (size_t i = 0; i < count; i++) {
        Chunk *chunk = plan_add_chunk(plan);

        number += 1 + (uint32_t)draw(3);
        chunk->table_id = table_id;
        chunk->number = number;
        chunk->lower = draw_bytes();
        chunk->upper = draw_bytes();
        chunk->byte_estimate = draw_number();
        chunk->done = draw(2) == 1;
        if (!chunk->done)
            continue;
        chunk->bytes = draw_number();
        chunk->digest = (Digest){draw_number(), draw(UINT64_MAX), ~draw(UINT64_MAX)};
    }
}

static void draw_task(Plan *plan)
{
    Task *task = plan_add_task(plan);

    task->task_class = (TaskClass)(1 + draw(TASK_STATISTICS));
    task->table_id = (uint32_t)draw(plan->catalog.table_count + 1);
    task->other_table_id = (uint32_t)draw(plan->catalog.table_count + 1);
    task->object_id = (uint32_t)draw(plan->catalog.object_count + 1);
    task->name = draw_text(true);
    task->statement = draw_text(true);
    task->after_lower = draw(2) == 1;
    task->done = draw(2) == 1;
    for (uint32_t before = task->id - 1; before > 0 && draw(3) > 0; before--)
        task_add_after(task, before);
}

static Plan draw_plan(uint64_t seed)
{
    Plan plan = {0};
    size_t tables = 0;

    random_state = seed;
    tables = draw(6);
    for (size_t i = 0; i < tables; i++)
        draw_table(&plan.catalog);
    for (uint64_t i = draw(6); i > 0; i--)
        draw_object(&plan.catalog);
    for (size_t i = 0; i < tables; i++)
        draw_chunks(&plan, (uint32_t)i + 1);
    for (uint64_t i = draw(8); i > 0; i--)
        draw_task(&plan);
    if (draw(2) == 1)
        (void)snprintf(plan.catalog.fingerprint, sizeof(plan.catalog.fingerprint), "%064lx", seed);
    for (size_t i = 0; i < tables; i++)
        (void)snprintf(plan.catalog.tables[i].fingerprint, 65, "%lx", (unsigned long)draw(1000));
    return plan;
}

static PromotionPlan draw_promotion(uint64_t seed)
{
    PromotionPlan promotion = {0};

    random_state = seed;
    for (uint64_t i = draw(4); i > 0; i--) {
        AUTO_FREE_MEMORY char *step = draw_text(false);

        text_list_add(&promotion.steps, step);
    }
    promotion.forward = draw_text(true);
    promotion.inverse = draw_text(true);
    (void)snprintf(promotion.fingerprint, 65, "%lx", (unsigned long)draw(1000));
    return promotion;
}

/* ---- comparing plans ---- */

static void expect_text(const char *got, const char *expected)
{
    if (expected == NULL)
        assert_null(got);
    else
        assert_string_equal(got, expected);
}

static void expect_table(const Table *got, const Table *expected)
{
    assert_int_equal(got->id, expected->id);
    expect_text(got->schema, expected->schema);
    expect_text(got->name, expected->name);
    expect_text(got->staged_name, expected->staged_name);
    assert_int_equal(got->key, expected->key);
    assert_int_equal(got->format, expected->format);
    expect_text(got->definition, expected->definition);
    expect_text(got->private_data, expected->private_data);
    assert_int_equal(got->load_late, expected->load_late);
    assert_int_equal(got->row_estimate, expected->row_estimate);
    assert_int_equal(got->byte_estimate, expected->byte_estimate);
    assert_string_equal(got->fingerprint, expected->fingerprint);
    assert_int_equal(got->column_count, expected->column_count);
    for (size_t i = 0; i < got->column_count; i++) {
        expect_text(got->columns[i].name, expected->columns[i].name);
        expect_text(got->columns[i].type, expected->columns[i].type);
        assert_int_equal(got->columns[i].is_generated, expected->columns[i].is_generated);
        assert_int_equal(got->columns[i].key_position, expected->columns[i].key_position);
    }
}

static void expect_object(const Object *got, const Object *expected)
{
    assert_int_equal(got->id, expected->id);
    assert_int_equal(got->kind, expected->kind);
    expect_text(got->schema, expected->schema);
    expect_text(got->name, expected->name);
    assert_int_equal(got->table_id, expected->table_id);
    expect_text(got->definition, expected->definition);
    expect_text(got->private_data, expected->private_data);
}

static void expect_chunk(const Chunk *got, const Chunk *expected)
{
    assert_int_equal(got->table_id, expected->table_id);
    assert_int_equal(got->number, expected->number);
    assert_true(bytes_equal(&got->lower, &expected->lower));
    assert_true(bytes_equal(&got->upper, &expected->upper));
    assert_int_equal(got->byte_estimate, expected->byte_estimate);
    assert_int_equal(got->done, expected->done);
    assert_int_equal(got->bytes, expected->bytes);
    assert_true(digest_equal(&got->digest, &expected->digest));
}

static void expect_task(const Task *got, const Task *expected)
{
    assert_int_equal(got->id, expected->id);
    assert_int_equal(got->task_class, expected->task_class);
    assert_int_equal(got->table_id, expected->table_id);
    assert_int_equal(got->other_table_id, expected->other_table_id);
    assert_int_equal(got->object_id, expected->object_id);
    assert_int_equal(got->after_lower, expected->after_lower);
    expect_text(got->name, expected->name);
    expect_text(got->statement, expected->statement);
    assert_int_equal(got->done, expected->done);
    assert_int_equal(got->after_count, expected->after_count);
    for (size_t i = 0; i < got->after_count; i++)
        assert_int_equal(got->after[i], expected->after[i]);
}

static void expect_promotion(const PromotionPlan *got, const PromotionPlan *expected)
{
    expect_text(got->forward, expected->forward);
    expect_text(got->inverse, expected->inverse);
    assert_string_equal(got->fingerprint, expected->fingerprint);
    assert_int_equal(got->steps.count, expected->steps.count);
    for (size_t i = 0; i < got->steps.count; i++)
        assert_string_equal(got->steps.items[i], expected->steps.items[i]);
}

static void expect_plan(const Plan *got, const Plan *expected)
{
    assert_string_equal(got->catalog.fingerprint, expected->catalog.fingerprint);
    assert_int_equal(got->catalog.table_count, expected->catalog.table_count);
    assert_int_equal(got->catalog.object_count, expected->catalog.object_count);
    assert_int_equal(got->chunk_count, expected->chunk_count);
    assert_int_equal(got->task_count, expected->task_count);
    for (size_t i = 0; i < got->catalog.table_count; i++)
        expect_table(&got->catalog.tables[i], &expected->catalog.tables[i]);
    for (size_t i = 0; i < got->catalog.object_count; i++)
        expect_object(&got->catalog.objects[i], &expected->catalog.objects[i]);
    for (size_t i = 0; i < got->chunk_count; i++)
        expect_chunk(&got->chunks[i], &expected->chunks[i]);
    for (size_t i = 0; i < got->task_count; i++)
        expect_task(&got->tasks[i], &expected->tasks[i]);
}

static void expect_stored(Journal *journal, const Plan *expected)
{
    AUTO_PLAN Plan stored = {0};
    Error err = {0};

    expect_ok(journal_load_plan(journal, &stored, &err));
    expect_plan(&stored, expected);
}

/* The running totals are what counting gives (J7). */
static void expect_totals_counted(Journal *journal)
{
    Query query = {0};
    Error err = {0};

    expect_ok(query_prepare(
        journal,
        "select count(*) from plan_total t where (chunks, chunks_done, rows_done, bytes_done,"
        " bytes_planned, bytes_planned_done) is not"
        " (select count(*), coalesce(sum(done), 0), coalesce(sum(rows), 0),"
        " coalesce(sum(bytes), 0), coalesce(sum(byte_estimate), 0),"
        " coalesce(sum(byte_estimate * done), 0) from plan_chunk c where c.table_id = t.table_id)",
        "test", &query, &err));
    assert_int_equal(query_step(&query, &err), STATUS_OK);
    assert_int_equal(column_integer(&query, 0), 0);
    query_release(&query);
}

/* ---- tests ---- */

static void every_plan_comes_back_exactly_as_it_was_saved(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    expect_ok(journal_set_phase(journal, PHASE_PREPARED, "ready", &err));
    for (uint64_t seed = 1; seed <= 150; seed++) {
        AUTO_PLAN Plan plan = draw_plan(seed);

        expect_ok(journal_save_plan(journal, &plan, "token", (int64_t)seed, &err));
        assert_string_equal(journal_record(journal)->snapshot_token, "token");
        assert_int_equal(journal_record(journal)->snapshot_us, seed);
        expect_stored(journal, &plan);
        expect_totals_counted(journal);
    }
    remove_directory(directory);
}

static void a_plan_outlives_the_process(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = draw_plan(4711);
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_READ, &journal, &err));
    assert_true(journal_has_plan(journal));
    expect_stored(journal, &plan);
    remove_directory(directory);
}

static void the_promotion_is_kept_apart_from_the_plan(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan stored_plan = {0};
    Error err = {0};

    (void)state;
    expect_ok(create_journal(directory, &journal, &err));
    for (uint64_t seed = 1; seed < 20; seed++) {
        PromotionPlan promotion = draw_promotion(seed);
        PromotionPlan stored = {0};

        assert_int_equal(journal_load_promotion(journal, &stored, &err),
                         seed == 1 ? STATUS_DONE : STATUS_OK);
        promotion_plan_release(&stored);
        expect_ok(journal_save_promotion(journal, &promotion, &err));
        expect_ok(journal_load_promotion(journal, &stored, &err));
        expect_promotion(&stored, &promotion);
        promotion_plan_release(&stored);
        promotion_plan_release(&promotion);
    }
    assert_int_equal(journal_load_plan(journal, &stored_plan, &err), STATUS_DONE);
    assert_false(journal_has_plan(journal));
    remove_directory(directory);
}

static void a_plan_that_is_saved_leaves_the_promotion_alone(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = draw_plan(21);
    PromotionPlan promotion = draw_promotion(22);
    PromotionPlan stored = {0};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    expect_ok(journal_save_promotion(journal, &promotion, &err));
    expect_ok(journal_save_plan(journal, &plan, "token", 1, &err));
    expect_ok(journal_load_promotion(journal, &stored, &err));
    expect_promotion(&stored, &promotion);
    expect_stored(journal, &plan);
    expect_ok(journal_execute(journal, "update promotion set fingerprint = hex(zeroblob(40))",
                              "test", &err));
    promotion_plan_release(&stored);
    expect_failure(journal_load_promotion(journal, &stored, &err), ERROR_REFUSED);
    promotion_plan_release(&promotion);
    remove_directory(directory);
}

static void done_flags_follow_the_ledger(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 4);
    JournalProgress progress = {0};
    Error err = {0};

    (void)state;
    finish_chunk(&plan.chunks[0]);
    finish_chunk(&plan.chunks[5]);
    plan.tasks[1].done = true;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    plan.chunks[0].done = false;
    plan.chunks[0].bytes = 0;
    plan.chunks[0].digest = (Digest){0};
    finish_chunk(&plan.chunks[1]);
    plan.chunks[5].bytes = 91;
    finish_chunk(&plan.chunks[11]);
    plan.tasks[0].done = true;
    plan.tasks[1].done = false;
    expect_ok(journal_save_done(journal, &plan, NULL, &err));
    expect_stored(journal, &plan);
    expect_totals_counted(journal);
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.chunks_done, 3);
    assert_int_equal(progress.rows_done, 30);
    assert_int_equal(progress.bytes_done, 90 + 91 + 90);
    assert_int_equal(progress.tasks_done, 1);
    remove_directory(directory);
}

static void done_flags_of_another_plan_are_not_taken(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 4);
    AUTO_PLAN Plan other = make_plan(3, 5);
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    finish_chunk(&other.chunks[0]);
    assert_int_equal(journal_save_done(journal, &other, NULL, &err), STATUS_FATAL);
    expect_stored(journal, &plan);
    remove_directory(directory);
}

static void what_a_plan_cannot_hold_is_damage(void **state)
{
    static const char *const damages[] = {
        "update plan_table set id = 77 where id = 2",
        "update plan_table set key = 9 where id = 1",
        "update plan_table set format = 3 where id = 1",
        "update plan_table set fingerprint = hex(zeroblob(40)) where id = 1",
        "update plan_column set table_id = 99 where table_id = 1",
        "update plan_chunk set table_id = 99 where table_id = 1",
        "update plan_task set task_class = 0",
        "insert into plan_task_after values (1, 1, 99)",
        "insert into plan_task_after values (1, 1, 1)",
        "insert into plan_object(id, kind, table_id) values (1, 0, 0)",
        "update plan set catalog_fingerprint = hex(zeroblob(40))",
    };
    AUTO_PLAN Plan plan = make_plan(3, 1);

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        char *directory = make_directory();
        AUTO_FREE(journal_free) Journal *journal = NULL;
        AUTO_PLAN Plan stored = {0};
        Error err = {0};

        expect_ok(create_with_plan(directory, &plan, &journal, &err));
        expect_ok(journal_execute(journal, damages[i], "test", &err));
        expect_failure(journal_load_plan(journal, &stored, &err), ERROR_REFUSED);
        expect_words(err.message, "is damaged");
        assert_int_equal(stored.catalog.table_count, 0);
        remove_directory(directory);
    }
}

typedef struct Tally {
    size_t tables;
    uint64_t chunks_done;
    char last[32];
} Tally;

static Status count_table(void *context, const TableProgress *progress, Error *err)
{
    Tally *tally = context;

    (void)err;
    tally->tables++;
    assert_int_equal(progress->table_id, tally->tables);
    tally->chunks_done += progress->chunks_done;
    (void)snprintf(tally->last, sizeof(tally->last), "%s", progress->table);
    return STATUS_OK;
}

static void progress_is_counted_by_table_and_in_all(void **state)
{
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(3, 2);
    JournalProgress progress = {0};
    Tally tally = {0};
    Error err = {0};

    (void)state;
    plan.catalog.tables[0].row_estimate = 1000; /* it turns out to have 20 */
    plan.catalog.tables[1].row_estimate = 3;    /* 10 so far */
    plan.catalog.tables[2].schema = xstrdup("sales");
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    for (size_t i = 0; i < 3; i++) {
        finish_chunk(&plan.chunks[i]);
        expect_ok(recorder_chunk_done(journal_recorder(journal), &plan.chunks[i], &err));
    }
    expect_ok(recorder_chunk_done(journal_recorder(journal), &plan.chunks[0], &err));
    expect_ok(recorder_task_done(journal_recorder(journal), &plan.tasks[0], &err));
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.tables, 3);
    assert_int_equal(progress.tables_copied, 1);
    assert_int_equal(progress.chunks, 6);
    assert_int_equal(progress.chunks_done, 3);
    assert_int_equal(progress.tasks, 3);
    assert_int_equal(progress.tasks_done, 1);
    assert_int_equal(progress.rows_planned, 20 + 10 + 20);
    assert_int_equal(progress.rows_done, 30);
    assert_int_equal(progress.bytes_planned, 600);
    assert_int_equal(progress.bytes_done, 270);
    assert_int_equal(progress.bytes_planned_done, 300);
    assert_int_equal(progress.evidence_tables, 0);
    expect_ok(journal_tables(journal, count_table, &tally, &err));
    assert_int_equal(tally.tables, 3);
    assert_int_equal(tally.chunks_done, 3);
    assert_string_equal(tally.last, "sales.table 3");
    remove_directory(directory);
}

static void ten_thousand_tables_are_no_trouble(void **state)
{
    enum { TABLES = 10000, CHUNKS = 10 };
    char *directory = make_directory();
    AUTO_FREE(journal_free) Journal *journal = NULL;
    AUTO_PLAN Plan plan = make_plan(TABLES, CHUNKS);
    AUTO_PLAN Plan stored = {0};
    JournalProgress progress = {0};
    Tally tally = {0};
    Error err = {0};

    (void)state;
    expect_ok(create_with_plan(directory, &plan, &journal, &err));
    for (size_t i = 0; i < plan.chunk_count; i += 2)
        finish_chunk(&plan.chunks[i]);
    expect_ok(journal_save_done(journal, &plan, NULL, &err));
    expect_totals_counted(journal);
    journal_free(TAKE(journal));
    expect_ok(journal_open(directory, JOURNAL_READ, &journal, &err));
    expect_ok(journal_progress(journal, &progress, &err));
    assert_int_equal(progress.tables, TABLES);
    assert_int_equal(progress.chunks, TABLES * CHUNKS);
    assert_int_equal(progress.chunks_done, TABLES * CHUNKS / 2);
    assert_int_equal(progress.tasks, TABLES);
    expect_ok(journal_tables(journal, count_table, &tally, &err));
    assert_int_equal(tally.tables, TABLES);
    expect_ok(journal_load_plan(journal, &stored, &err));
    assert_int_equal(stored.chunk_count, plan.chunk_count);
    expect_chunk(&stored.chunks[54321], &plan.chunks[54321]);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plan_comes_back_exactly_as_it_was_saved),
        cmocka_unit_test(a_plan_outlives_the_process),
        cmocka_unit_test(the_promotion_is_kept_apart_from_the_plan),
        cmocka_unit_test(a_plan_that_is_saved_leaves_the_promotion_alone),
        cmocka_unit_test(done_flags_follow_the_ledger),
        cmocka_unit_test(done_flags_of_another_plan_are_not_taken),
        cmocka_unit_test(what_a_plan_cannot_hold_is_damage),
        cmocka_unit_test(progress_is_counted_by_table_and_in_all),
        cmocka_unit_test(ten_thousand_tables_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
