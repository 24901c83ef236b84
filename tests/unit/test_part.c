/* Parts: what is written is read back, tar and zstd read it, and a crash leaves what was synced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "backup/part.h"
#include "backup/part_reader.h"
#include "engine/base/fault.h"
#include "engine/base/process.h"
#include "tests/support/capture.h"

#define MTIME 1763649065 /* 2025-11-20T14:31:05Z */

static int enter_folder(void **state)
{
    AUTO_FREE_MEMORY char *data = NULL;

    *state = make_folder();
    data = path_in(*state, "data");
    assert_int_equal(mkdir(data, 0700), 0);
    return 0;
}

static int leave_folder(void **state)
{
#ifdef FAULT_POINTS
    fault_arm(FAULT_NONE, 0, NULL);
#endif
    remove_folder(*state);
    return 0;
}

static PartWriter *open_part(const char *folder, uint32_t number)
{
    PartWriter *writer = NULL;
    Error err = {0};

    assert_int_equal(part_writer_open(folder, number, MTIME, &writer, &err), STATUS_OK);
    return writer;
}

static PartEntry add(PartWriter *writer, const char *name, const char *content)
{
    PartEntry entry = {0};
    Error err = {0};
    Status status = part_writer_add(writer, name, content, strlen(content), 3, &entry, &err);

    if (status < 0)
        fail_msg("%s", err.message);
    return entry;
}

static PartSummary seal(PartWriter *writer)
{
    PartSummary summary = {0};
    Error err = {0};

    assert_int_equal(part_writer_seal(writer, &summary, &err), STATUS_OK);
    part_writer_free(writer);
    return summary;
}

static PartReader *open_reader(const char *folder, const char *path)
{
    AUTO_FREE_MEMORY char *whole = path_in(folder, path);
    PartReader *reader = NULL;
    Error err = {0};

    if (part_reader_open(whole, &reader, &err) < 0)
        fail_msg("%s", err.message);
    return reader;
}

static void expect_entry(PartReader *reader, const PartEntry *entry, const char *name,
                         const char *content)
{
    AUTO_TEXT Text text = {0};
    Error err = {0};

    if (part_reader_content(reader, entry, name, 1 << 20, &text, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    assert_string_equal(text_string(&text), content);
}

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

static void names_stay_as_they_are(void **state)
{
    PartWriter *writer = open_part(*state, 1);
    PartEntry entries[HARD_COUNT];
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;

    for (size_t i = 0; i < HARD_COUNT; i++)
        entries[i] = add(writer, hard_names[i], "content");
    (void)seal(writer);
    reader = open_reader(*state, "data/0001.tar.zst");
    for (size_t i = 0; i < HARD_COUNT; i++)
        expect_entry(reader, &entries[i], hard_names[i], "content");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_entry_can_be_read_alone, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(names_stay_as_they_are, enter_folder, leave_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
