/*
 * A folder for parts, and what tests of them do again and again.
 */
#pragma once

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
#include "tests/support/capture.h"

#define MTIME 1763649065 /* 2025-11-20T14:31:05Z */

static inline int enter_folder(void **state)
{
    AUTO_FREE_MEMORY char *data = NULL;

    *state = make_folder();
    data = path_in(*state, "data");
    assert_int_equal(mkdir(data, 0700), 0);
    return 0;
}

static inline int leave_folder(void **state)
{
#ifdef FAULT_POINTS
    fault_arm(FAULT_NONE, 0, NULL);
#endif
    remove_folder(*state);
    return 0;
}

static inline PartWriter *open_part(const char *folder, uint32_t number)
{
    PartWriter *writer = NULL;
    Error err = {0};

    assert_int_equal(part_writer_open(folder, number, MTIME, &writer, &err), STATUS_OK);
    return writer;
}

static inline PartEntry add(PartWriter *writer, const char *name, const char *content)
{
    PartEntry entry = {0};
    Error err = {0};
    Status status = part_writer_add(writer, name, content, strlen(content), 3, &entry, &err);

    if (status < 0)
        fail_msg("%s", err.message);
    return entry;
}

static inline PartSummary seal(PartWriter *writer)
{
    PartSummary summary = {0};
    Error err = {0};

    assert_int_equal(part_writer_seal(writer, &summary, &err), STATUS_OK);
    part_writer_free(writer);
    return summary;
}

static inline PartReader *open_reader(const char *folder, const char *path)
{
    AUTO_FREE_MEMORY char *whole = path_in(folder, path);
    PartReader *reader = NULL;
    Error err = {0};

    if (part_reader_open(whole, &reader, &err) < 0)
        fail_msg("%s", err.message);
    return reader;
}

static inline void expect_entry(PartReader *reader, const PartEntry *entry, const char *name,
                                const char *content)
{
    AUTO_TEXT Text text = {0};
    Error err = {0};

    if (part_reader_content(reader, entry, name, 1 << 20, &text, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    assert_string_equal(text_string(&text), content);
}

#define PART_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)
