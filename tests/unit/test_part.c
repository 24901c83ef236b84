/* Parts: what is written is read back, and other programs read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>

#include "engine/base/process.h"
#include "tests/unit/part_fixture.h"

static void any_entry_can_be_read_alone(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartEntry one = add(writer, "tables/0001-a/000001-000001.copy", "one\n");
    PartEntry none = add(writer, "tables/0001-a/000001-000002.copy", "");
    PartEntry two = add(writer, "tables/0001-a/000001-000003.copy", "two\ntwo\n");
    PartSummary summary = seal(writer);
    AUTO_FREE(part_reader_free) PartReader *reader = open_reader(*state, "data/0001.tar.zst");

    assert_int_equal(summary.entries, 3);
    assert_int_equal(summary.raw_bytes, 12);
    assert_int_equal(summary.bytes, part_reader_size(reader));
    assert_int_equal(one.offset, 0);
    assert_int_equal(two.offset, none.offset + none.stored);
    expect_entry(reader, &two, "tables/0001-a/000001-000003.copy", "two\ntwo\n");
    expect_entry(reader, &one, "tables/0001-a/000001-000001.copy", "one\n");
    expect_entry(reader, &none, "tables/0001-a/000001-000002.copy", "");
}

/* A name of 255 bytes, with what tar programs and locales stumble over. */
static const char *const hard_names[] = {
    "plain",
    "-leading/dash",
    "\xe8\xbf\x81\xe7\xa7\xbb/\xe6\x95\xb0\xe6\x8d\xae.copy", /* Chinese */
    "new\nline",
    "e\xcc\x81 decomposed", /* e and a combining acute: stays so */
    "\xc3\xa9 composed",
    "latin1 \xe9\xff",        /* no UTF-8 */
    "surrogate \xed\xa0\x80", /* likewise */
    "back\\slash and \"quotes\"",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
    "4567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
    "890123456789012345678901234567890123456789012345678901234567890123/x",
};
#define HARD_COUNT (sizeof(hard_names) / sizeof(hard_names[0]))

static void expect_names_stay(const char *folder, uint32_t number)
{
    PartWriter *writer = open_part(folder, number);
    PartEntry entries[HARD_COUNT];
    AUTO_TEXT Text path = {0};
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;

    for (size_t i = 0; i < HARD_COUNT; i++)
        entries[i] = add(writer, hard_names[i], "content");
    (void)seal(writer);
    part_path(number, &path);
    reader = open_reader(folder, text_string(&path));
    for (size_t i = 0; i < HARD_COUNT; i++)
        expect_entry(reader, &entries[i], hard_names[i], "content");
}

/* Whatever the locale of the process is, which nobody changes. */
static void names_stay_as_they_are(void **state)
{
    static const char *const locales[] = {"C", "C.UTF-8", "POSIX"};

    for (uint32_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        assert_non_null(setlocale(LC_ALL, locales[i]));
        expect_names_stay(*state, i + 1);
        assert_string_equal(setlocale(LC_CTYPE, NULL),
                            strcmp(locales[i], "POSIX") == 0 ? "C" : locales[i]);
    }
    assert_non_null(setlocale(LC_ALL, "C"));
}

static void a_walk_finds_all_entries(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartEntry entries[3];
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    char names[3][2] = {"a", "b", "c"};
    char hash[SHA256_HEX_SIZE];
    PartSummary summary;
    const char *name = NULL;
    Error err = {0};

    for (size_t i = 0; i < 3; i++)
        entries[i] = add(writer, names[i], i == 1 ? "" : "some content");
    summary = seal(writer);
    reader = open_reader(*state, "data/0001.tar.zst");
    part_reader_hash_all(reader);
    for (size_t i = 0; i < 3; i++) {
        const void *data = NULL;
        size_t size = 0;
        uint64_t total = 0;

        assert_int_equal(part_reader_next(reader, 100, &name, &err), STATUS_OK);
        assert_string_equal(name, names[i]);
        while (part_reader_read(reader, &data, &size, &err) == STATUS_OK)
            total += size;
        assert_int_equal(total, entries[i].raw);
        assert_memory_equal(part_reader_found(reader), &entries[i], sizeof(entries[i]));
    }
    assert_int_equal(part_reader_next(reader, 100, &name, &err), STATUS_DONE);
    assert_int_equal(part_reader_hash(reader, hash, &err), STATUS_OK);
    assert_string_equal(hash, summary.sha256);
}

static void a_walk_refuses_what_is_larger_than_allowed(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    const char *name = NULL;
    Error err = {0};

    (void)add(writer, "a", "eleven bytes");
    (void)seal(writer);
    reader = open_reader(*state, "data/0001.tar.zst");
    assert_int_equal(part_reader_next(reader, 5, &name, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
}

/* Larger than any buffer on the way, half of it zeros, half of it noise. */
static void a_large_entry_comes_back_whole(void **state)
{
    size_t size = (size_t)3 * 1024 * 1024 + 77;
    AUTO_FREE_MEMORY char *content = xcalloc(1, size);
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    AUTO_TEXT Text text = {0};
    PartWriter *writer = open_part(*state, 1);
    PartEntry entry;
    uint32_t noise = 1;
    Error err = {0};

    for (size_t i = 0; i < size / 2; i++) {
        noise = noise * 1664525U + 1013904223U;
        content[i] = (char)(noise >> 24);
    }
    assert_int_equal(part_writer_add(writer, "a", content, size, 1, &entry, &err), STATUS_OK);
    (void)seal(writer);
    reader = open_reader(*state, "data/0001.tar.zst");
    assert_int_equal(part_reader_content(reader, &entry, "a", size, &text, &err), STATUS_OK);
    assert_int_equal(text.size, size);
    assert_memory_equal(text.data, content, size);
    assert_int_equal(part_reader_content(reader, &entry, "a", size - 1, &text, &err),
                     STATUS_INVALID);
}

static void what_is_taken_back_leaves_no_trace(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartWriter *other = open_part(*state, 2);
    PartSummary one;
    PartSummary two;
    Error err = {0};

    (void)add(writer, "a", "one");
    part_writer_keep(writer);
    (void)add(writer, "b", "two");
    assert_int_equal(part_writer_begin(writer, "c", 100, 3, &err), STATUS_OK);
    assert_int_equal(part_writer_write(writer, "half", 4, &err), STATUS_OK);
    assert_int_equal(part_writer_back(writer, &err), STATUS_OK);
    assert_int_equal(part_writer_entries(writer), 1);
    (void)add(writer, "d", "three");
    one = seal(writer);

    (void)add(other, "a", "one");
    (void)add(other, "d", "three");
    two = seal(other);
    assert_string_equal(one.sha256, two.sha256);
    assert_int_equal(one.entries, 2);
    assert_int_equal(one.raw_bytes, 8);
}

static void more_or_fewer_bytes_than_announced_are_refused(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartEntry entry;
    Error err = {0};

    assert_int_equal(part_writer_begin(writer, "a", 3, 3, &err), STATUS_OK);
    assert_int_equal(part_writer_write(writer, "four", 4, &err), STATUS_FAILED);
    assert_int_equal(part_writer_back(writer, &err), STATUS_OK);
    assert_int_equal(part_writer_begin(writer, "a", 3, 3, &err), STATUS_OK);
    assert_int_equal(part_writer_write(writer, "tw", 2, &err), STATUS_OK);
    assert_int_equal(part_writer_end(writer, &entry, &err), STATUS_FAILED);
    assert_int_equal(part_writer_back(writer, &err), STATUS_OK);
    assert_int_equal(seal(writer).entries, 0);
}

static void unsafe_names_are_refused(void **state)
{
    static const char *const names[] = {"",    "/etc/passwd", "../up", "a/../../b", "a//b",
                                        "./a", "a/.",         "..",    "a/",        "."};
    PartWriter *writer = open_part(*state, 1);
    PartEntry entry;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        Error err = {0};

        assert_int_equal(part_writer_add(writer, names[i], "x", 1, 3, &entry, &err),
                         STATUS_INVALID);
        assert_int_equal(part_writer_back(writer, &err), STATUS_OK);
    }
    part_writer_free(writer);
}

static void a_part_is_never_written_over(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartWriter *other = NULL;
    Error err = {0};

    assert_int_equal(part_writer_open(*state, 1, 0, &other, &err), STATUS_FAILED);
    (void)seal(writer);
    assert_int_equal(part_writer_open(*state, 1, 0, &other, &err), STATUS_FAILED);
}

/*
 * Other programs.
 */
static void run(const char *const *arguments, Text *ret_output)
{
    Process process = {.arguments = arguments};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};

    if (process_run(&process, &outcome, &err) < 0)
        fail_msg("%s", err.message);
    if (outcome.exit_code != 0)
        fail_msg("%s: %s", arguments[0], text_string(&outcome.errors));
    text_append_bytes(ret_output, outcome.output.data, outcome.output.size);
}

static void tar_and_zstd_read_a_part(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "data/0001.tar.zst");
    const char *const test[] = {"zstd", "-t", "-q", path, NULL};
    const char *const list[] = {"tar", "--zstd", "-tf", path, NULL};
    const char *const extract[] = {"tar", "--zstd", "-xf", path, "-C", *state, NULL};
    const char *const print[] = {"tar", "--zstd", "-xOf", path, "tables/b", NULL};
    PartWriter *writer = open_part(*state, 1);
    AUTO_TEXT Text output = {0};
    AUTO_TEXT Text content = {0};
    AUTO_FREE_MEMORY char *extracted = path_in(*state, "tables/a");
    struct stat found;
    Error err = {0};

    (void)add(writer, "tables/a", "one\n");
    (void)add(writer, "tables/b", "two\n");
    (void)add(writer, "tables/\xe8\xbf\x81\xe7\xa7\xbb", "three\n");
    (void)seal(writer);
    run(test, &output);
    run(list, &output);
    assert_non_null(strstr(text_string(&output), "tables/a\ntables/b\n"));
    text_clear(&output);
    run(print, &output);
    assert_string_equal(text_string(&output), "two\n");
    run(extract, &output);
    assert_int_equal(file_read(extracted, 100, &content, &err), STATUS_OK);
    assert_string_equal(text_string(&content), "one\n");
    assert_int_equal(stat(extracted, &found), 0);
    assert_int_equal(found.st_mtime, MTIME);
    assert_int_equal(found.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PART_TEST(any_entry_can_be_read_alone),
        PART_TEST(names_stay_as_they_are),
        PART_TEST(a_walk_finds_all_entries),
        PART_TEST(a_walk_refuses_what_is_larger_than_allowed),
        PART_TEST(a_large_entry_comes_back_whole),
        PART_TEST(what_is_taken_back_leaves_no_trace),
        PART_TEST(more_or_fewer_bytes_than_announced_are_refused),
        PART_TEST(unsafe_names_are_refused),
        PART_TEST(a_part_is_never_written_over),
        PART_TEST(tar_and_zstd_read_a_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
