/*
 * copy_chunk(): one chunk, exactly once, whatever fails on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/stop.h"
#include "engine/run/copy.h"
#include "tests/support/list_connector.h"

enum {
    MIB = 1024 * 1024,
    PATIENT_MS = 60000,
};

/* One table, one chunk of all its rows. */
typedef struct Scene {
    ListSource source;
    ListTarget target;
    Plan plan;
    Reader *reader;
    CopyCounters counters;
    CopyContext context;
    ReadAhead ahead;
    Error err;
} Scene;

static void set_scene(Scene *scene, uint32_t rows, size_t row_size)
{
    *scene = (Scene){0};
    list_source_init(&scene->source);
    scene->source.rows = scene->source.chunk_rows = rows;
    scene->source.block_rows = 1;
    scene->source.row_size = row_size;
    list_add_tables(&scene->plan, 1);
    assert_int_equal(source_open_reader(&scene->source.base, &scene->reader, &scene->err), 0);
    assert_int_equal(
        reader_plan(scene->reader, scene->plan.catalog.tables, 0, &scene->plan, &scene->err), 0);
    list_target_init(&scene->target, &scene->plan);
    scene->target.source = &scene->source;
    scene->context = (CopyContext){
        .writers = writers_new(&scene->target.base, &scene->target.identity, 1),
        .reads_ahead = true,
        .counters = &scene->counters,
        .retry_for_ms = PATIENT_MS,
    };
}

static void end_scene(Scene *scene)
{
    fault_arm(FAULT_NONE, 0, NULL);
    writers_free(scene->context.writers);
    read_ahead_release(&scene->ahead);
    reader_free(scene->reader);
    list_target_release(&scene->target);
    plan_release(&scene->plan);
}

static Status copy(Scene *scene)
{
    return copy_chunk(&scene->context, &scene->ahead, scene->reader, scene->plan.catalog.tables,
                      scene->plan.chunks, &scene->err);
}

/* It is there once, and chunk and counters tell the same. */
static void expect_copied(Scene *scene)
{
    const Chunk *chunk = scene->plan.chunks;
    const ChunkResult *result = list_find_chunk(&scene->target, 1, 1);

    list_expect_complete(&scene->target, &scene->source);
    assert_true(digest_equal(&chunk->digest, &result->digest));
    assert_int_equal(chunk->digest.rows, scene->source.rows);
    assert_int_equal(chunk->bytes, result->bytes);
    assert_int_equal(atomic_load(&scene->counters.bytes), chunk->bytes);
    assert_int_equal(atomic_load(&scene->counters.rows), chunk->digest.rows);
    assert_false(chunk->done); /* the driver's */
}

static void copies_a_chunk_and_tells_what_moved(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 5, 100);
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    assert_int_equal(scene.plan.chunks->bytes, 500);
    end_scene(&scene);
}

static void copies_a_chunk_without_rows(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 1, 0);
    scene.source.rows = 0;
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    end_scene(&scene);
}

static void reads_a_short_chunk_to_its_end_before_it_takes_a_writer(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 8, MIB);
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    assert_int_equal(scene.target.reads_at_begin, 8); /* 8 MiB: just fits */
    end_scene(&scene);
}

static void reads_the_rest_of_a_long_chunk_while_it_writes(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 20, MIB);
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    assert_int_equal(scene.target.reads_at_begin, 9); /* the ninth waits in the reader */
    assert_true(scene.ahead.capacity <= COPY_READ_AHEAD);
    end_scene(&scene);
}

static void never_copies_a_block_larger_than_the_read_ahead(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 2, COPY_READ_AHEAD + 1);
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    assert_int_equal(scene.target.reads_at_begin, 1);
    assert_int_equal(scene.ahead.capacity, 0);
    end_scene(&scene);
}

static void writes_what_it_reads_at_once_where_no_writer_is_waited_for(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 5, MIB);
    scene.context.reads_ahead = false;
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    assert_int_equal(scene.target.reads_at_begin, 1);
    assert_int_equal(scene.ahead.capacity, 0);
    end_scene(&scene);
}

static void takes_no_writer_before_there_is_something_to_write(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 3, 0);
    scene.context.reads_ahead = false;
    scene.source.poisoned = 1;
    assert_int_equal(copy(&scene), STATUS_FAILED);
    assert_int_equal(scene.target.opened, 0);
    end_scene(&scene);
}

static void uses_its_room_again(void **state)
{
    (void)state;
    Scene scene;
    const uint8_t *room = NULL;

    set_scene(&scene, 4, MIB);
    assert_int_equal(copy(&scene), STATUS_OK);
    room = scene.ahead.data;
    scene.target.chunk_count = 0;
    assert_int_equal(copy(&scene), STATUS_OK);
    assert_ptr_equal(scene.ahead.data, room);
    assert_int_equal(scene.ahead.size, 4 * MIB);
    end_scene(&scene);
}

static void adopts_a_chunk_whose_acknowledgement_was_lost(void **state)
{
    static const char *const points[] = {"list.commit", "copy.committed"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        Scene scene;

        set_scene(&scene, 5, 0);
        fault_arm(FAULT_LOSE, 1, points[i]);
        assert_int_equal(copy(&scene), STATUS_OK);
        assert_true(fault_fired());
        expect_copied(&scene);
        assert_int_equal(scene.target.commits, 1);
        assert_int_equal(scene.target.opened, 2); /* the ledger was asked by another connection */
        assert_int_equal(atomic_load(&scene.source.reads), 5); /* nothing was read again */
        end_scene(&scene);
    }
}

/* n-th fault of each mode, retried inside. */
static void repeats_what_is_transient_until_it_is_there_once(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_LOSE};

    (void)state;
    for (size_t round = 0; round < 4; round++) {
        unsigned nth = 0;
        bool fired = true;

        while (fired) {
            Scene scene;

            set_scene(&scene, 3, 0);
            scene.context.reads_ahead = round < 2;
            fault_arm(modes[round % 2], ++nth, NULL);
            assert_int_equal(copy(&scene), STATUS_OK);
            fired = fault_fired();
            expect_copied(&scene);
            end_scene(&scene);
        }
        assert_true(nth > 4);
    }
}

/* Without time to retry each fault is final; then nothing is counted, unless it is there. */
static void takes_back_what_a_failed_attempt_counted(void **state)
{
    unsigned nth = 0;
    bool fired = true;

    (void)state;
    while (fired) {
        Scene scene;
        Status status = STATUS_OK;

        set_scene(&scene, 3, 0);
        scene.context.retry_for_ms = 0;
        fault_arm(FAULT_FAIL, ++nth, NULL);
        status = copy(&scene);
        fired = fault_fired();
        assert_int_equal(status, fired ? STATUS_FAILED : STATUS_OK);
        if (fired) {
            assert_int_equal(atomic_load(&scene.counters.bytes), 0);
            assert_int_equal(atomic_load(&scene.counters.rows), 0);
            assert_int_equal(scene.target.chunk_count, 0);
            assert_int_equal(scene.err.kind, ERROR_WAITING);
            assert_non_null(strstr(scene.err.message, "table \"t1\": "));
        }
        end_scene(&scene);
    }
    assert_true(nth > 8);
}

static void gives_up_at_once_on_what_is_not_transient(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 3, 0);
    scene.source.poisoned = 1;
    assert_int_equal(copy(&scene), STATUS_FAILED);
    assert_string_equal(scene.err.message, "table \"t1\": could not read");
    scene.source.poisoned = 0;
    fault_arm(FAULT_FATAL, 1, "list.commit");
    assert_int_equal(copy(&scene), STATUS_FATAL);
    assert_string_equal(scene.err.message, "table \"t1\": injected failure before list.commit");
    fault_arm(FAULT_NONE, 0, NULL);
    assert_int_equal(copy(&scene), STATUS_OK);
    expect_copied(&scene);
    end_scene(&scene);
}

static void leaves_a_writer_clean_when_reading_fails_behind_the_read_ahead(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 12, MIB);
    scene.source.poisoned = 1;
    scene.source.poisoned_row = 11;
    assert_int_equal(copy(&scene), STATUS_FAILED);
    assert_int_equal(scene.target.writing, 0);
    scene.source.poisoned = 0;
    assert_int_equal(copy(&scene), STATUS_OK);
    assert_int_equal(scene.target.opened, 1); /* its connection is not in doubt */
    expect_copied(&scene);
    end_scene(&scene);
}

static void stops_instead_of_waiting_to_retry(void **state)
{
    (void)state;
    Scene scene;

    set_scene(&scene, 3, 0);
    stop_request();
    fault_arm(FAULT_FAIL, 1, "list.write");
    assert_int_equal(copy(&scene), STATUS_STOPPED);
    assert_int_equal(copy(&scene), STATUS_OK); /* a chunk under way is not interrupted */
    stop_reset();
    expect_copied(&scene);
    end_scene(&scene);
}

static void digests_a_chunk_as_it_was_copied(void **state)
{
    (void)state;
    Scene scene;
    Digest digest = {0};

    set_scene(&scene, 7, 0);
    assert_int_equal(copy(&scene), STATUS_OK);
    assert_int_equal(digest_chunk(scene.reader, scene.plan.catalog.tables, scene.plan.chunks,
                                  &digest, &scene.err),
                     STATUS_OK);
    assert_true(digest_equal(&digest, &scene.plan.chunks->digest));
    scene.source.changed = 1;
    assert_int_equal(digest_chunk(scene.reader, scene.plan.catalog.tables, scene.plan.chunks,
                                  &digest, &scene.err),
                     STATUS_OK);
    assert_false(digest_equal(&digest, &scene.plan.chunks->digest));
    end_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_a_chunk_and_tells_what_moved),
        cmocka_unit_test(copies_a_chunk_without_rows),
        cmocka_unit_test(reads_a_short_chunk_to_its_end_before_it_takes_a_writer),
        cmocka_unit_test(reads_the_rest_of_a_long_chunk_while_it_writes),
        cmocka_unit_test(never_copies_a_block_larger_than_the_read_ahead),
        cmocka_unit_test(writes_what_it_reads_at_once_where_no_writer_is_waited_for),
        cmocka_unit_test(takes_no_writer_before_there_is_something_to_write),
        cmocka_unit_test(uses_its_room_again),
        cmocka_unit_test(adopts_a_chunk_whose_acknowledgement_was_lost),
        cmocka_unit_test(repeats_what_is_transient_until_it_is_there_once),
        cmocka_unit_test(takes_back_what_a_failed_attempt_counted),
        cmocka_unit_test(gives_up_at_once_on_what_is_not_transient),
        cmocka_unit_test(leaves_a_writer_clean_when_reading_fails_behind_the_read_ahead),
        cmocka_unit_test(stops_instead_of_waiting_to_retry),
        cmocka_unit_test(digests_a_chunk_as_it_was_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
