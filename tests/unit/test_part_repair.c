/* Parts after a crash or a failure: what was durable is there, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "tests/unit/part_fixture.h"

/*
 * Repair: what the ledger has stays, whatever the crash left behind it.
 */
static void expect_repaired(const char *folder, uint64_t bytes, const PartEntry *entries,
                            size_t count)
{
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    AUTO_FREE_MEMORY char *temporary = path_in(folder, "data/0001.tar.zst.tmp");
    char hash[SHA256_HEX_SIZE];
    PartSummary summary;
    Error err = {0};

    if (part_repair(folder, 1, bytes, &summary, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(summary.number, 1);
    assert_int_equal(summary.entries, count);
    assert_int_equal(summary.raw_bytes, 3 * count);
    assert_false(file_exists(temporary));
    reader = open_reader(folder, "data/0001.tar.zst");
    part_reader_hash_all(reader);
    assert_int_equal(part_reader_size(reader), summary.bytes);
    for (size_t i = 0; i < count; i++)
        expect_entry(reader, &entries[i], "a", "abc");
    assert_int_equal(part_reader_end(reader, bytes, &err), STATUS_OK);
    assert_int_equal(part_reader_hash(reader, hash, &err), STATUS_OK);
    assert_string_equal(hash, summary.sha256);
}

static void a_torn_tail_is_cut_off_wherever_it_is_torn(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "data/0001.tar.zst");
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "data/0001.tar.zst.tmp");
    AUTO_TEXT Text content = {0};
    PartWriter *writer = open_part(*state, 1);
    PartEntry entries[3];
    uint64_t kept = 0;
    Error err = {0};

    for (size_t i = 0; i < 3; i++)
        entries[i] = add(writer, "a", "abc");
    kept = entries[2].offset;
    part_writer_free(writer);
    assert_int_equal(file_read(temporary, 1 << 20, &content, &err), STATUS_OK);
    for (size_t size = content.size; size >= kept; size--) {
        assert_int_equal(file_replace(temporary, content.data, size, &err), STATUS_OK);
        expect_repaired(*state, kept, entries, 2);
        expect_repaired(*state, kept, entries, 2); /* again: it is sealed already */
        assert_int_equal(unlink(path), 0);
    }
}

static void a_part_that_lost_what_was_durable_is_no_good(void **state)
{
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "data/0001.tar.zst.tmp");
    PartWriter *writer = open_part(*state, 1);
    PartEntry entry = add(writer, "a", "abc");
    PartSummary summary;
    Error err = {0};

    part_writer_free(writer);
    assert_int_equal(truncate(temporary, (off_t)entry.stored - 1), 0);
    assert_int_equal(part_repair(*state, 1, entry.stored, &summary, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_int_equal(truncate(temporary, (off_t)entry.stored), 0); /* a hole in place of the byte */
    assert_int_equal(part_repair(*state, 1, entry.stored, &summary, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_int_equal(unlink(temporary), 0);
    assert_int_equal(part_repair(*state, 1, entry.stored, &summary, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
}

static void a_part_of_which_nothing_counts_is_removed(void **state)
{
    AUTO_FREE_MEMORY char *temporary = path_in(*state, "data/0001.tar.zst.tmp");
    PartWriter *writer = open_part(*state, 1);
    PartSummary summary;
    Error err = {0};

    (void)add(writer, "a", "abc");
    part_writer_free(writer);
    assert_int_equal(part_repair(*state, 1, 0, &summary, &err), STATUS_DONE);
    assert_false(file_exists(temporary));
    assert_int_equal(part_repair(*state, 1, 0, &summary, &err), STATUS_DONE);
}

#ifdef FAULT_POINTS
#define FAULTY_ENTRIES 4

/* What a ledger would know. */
typedef struct Known {
    PartEntry entries[FAULTY_ENTRIES];
    size_t count;
    uint64_t bytes;
} Known;

/* A writer's life: entries, each durable before it is known; an aborted one; the seal. */
static Status write_part(const char *folder, Known *known, Error *err)
{
    AUTO_FREE(part_writer_free) PartWriter *writer = NULL;
    PartEntry entry;
    PartSummary summary;

    TRY(part_writer_open(folder, 1, MTIME, &writer, err));
    for (size_t i = 0; i < FAULTY_ENTRIES; i++) {
        TRY(part_writer_add(writer, "a", "abc", 3, 3, &entry, err));
        if (i == 1) {
            TRY(part_writer_back(writer, err));
            continue;
        }
        TRY(part_writer_sync(writer, err));
        part_writer_keep(writer);
        known->entries[known->count++] = entry;
        known->bytes = part_writer_bytes(writer);
    }
    return part_writer_seal(writer, &summary, err);
}

static void remove_part(const char *folder)
{
    PartSummary summary;
    Error err = {0};

    assert_int_equal(part_repair(folder, 1, 0, &summary, &err), STATUS_DONE);
}

static void any_fault_leaves_what_was_known(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_FATAL, FAULT_LOSE};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 0;
        bool has_fired = false;

        do {
            Known known = {0};
            Error err = {0};
            Status status = STATUS_OK;

            fault_arm(modes[i], ++nth, NULL);
            status = write_part(*state, &known, &err);
            has_fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status < 0, has_fired);
            if (known.bytes > 0)
                expect_repaired(*state, known.bytes, known.entries, known.count);
            remove_part(*state);
        } while (has_fired);
        assert_true(nth > 10);
    }
}

/* The repair itself fails, and is done again. */
static void any_fault_of_a_repair_can_be_repaired(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_FATAL, FAULT_LOSE};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 0;
        bool has_fired = false;

        do {
            PartWriter *writer = open_part(*state, 1);
            PartEntry entries[2];
            PartSummary summary;
            Status status = STATUS_OK;
            Error err = {0};

            entries[0] = add(writer, "a", "abc");
            entries[1] = add(writer, "a", "abc");
            part_writer_free(writer);
            fault_arm(modes[i], ++nth, NULL);
            status = part_repair(*state, 1, entries[0].stored, &summary, &err);
            has_fired = fault_fired();
            assert_int_equal(status < 0, has_fired);
            fault_arm(FAULT_NONE, 0, NULL);
            expect_repaired(*state, entries[0].stored, entries, 1);
            remove_part(*state);
        } while (has_fired);
        assert_true(nth > 4);
    }
}

static const char *killed_folder;
static unsigned killed_at;
static Known *killed_known; /* shared with the child */

static void write_and_be_killed(void)
{
    Error err = {0};

    fault_arm(FAULT_KILL, killed_at, NULL);
    (void)write_part(killed_folder, killed_known, &err);
}

static void a_kill_leaves_what_was_known(void **state)
{
    int code = 137;

    killed_folder = *state;
    killed_known = mmap(NULL, sizeof(*killed_known), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(killed_known != MAP_FAILED);
    for (killed_at = 1; code == 137; killed_at++) {
        *killed_known = (Known){0};
        code = exit_code_of(write_and_be_killed);
        if (killed_known->bytes > 0)
            expect_repaired(*state, killed_known->bytes, killed_known->entries,
                            killed_known->count);
        remove_part(*state);
    }
    assert_int_equal(code, 0);
    assert_true(killed_at > 20);
    assert_int_equal(munmap(killed_known, sizeof(*killed_known)), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        PART_TEST(a_torn_tail_is_cut_off_wherever_it_is_torn),
        PART_TEST(a_part_that_lost_what_was_durable_is_no_good),
        PART_TEST(a_part_of_which_nothing_counts_is_removed),
#ifdef FAULT_POINTS
        PART_TEST(any_fault_leaves_what_was_known),
        PART_TEST(any_fault_of_a_repair_can_be_repaired),
        PART_TEST(a_kill_leaves_what_was_known),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
