/* Backups of earlier programs stay readable: tests/data/backup_format_N is never changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backup/catalog_file.h"
#include "backup/check.h"
#include "backup/index.h"
#include "backup/part_reader.h"
#include "engine/base/memory.h"

static void format_1_is_still_whole_and_read(void **state)
{
    const char *data = getenv("STOPOVER_DATA");
    AUTO_FREE_MEMORY char *folder = NULL;
    AUTO_CHECK_REPORT CheckReport report = {0};
    AUTO_MANIFEST Manifest manifest = {0};
    CheckOptions options = {.level = CHECK_DATA};
    Error err = {0};
    (void)state;

    if (data == NULL)
        skip();
    folder = xasprintf("%s/backup_format_1", data);
    if (check_backup(folder, &options, &report, &manifest, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(manifest.format_version, 1);
    assert_string_equal(manifest.name, "appdb");
    assert_int_equal(manifest.object_count, 4);
    assert_int_equal(report.rows, 21);
    assert_int_equal(report.segments, 9);
}

static void the_first_rows_of_format_1_are_what_they_were(void **state)
{
    const char *data = getenv("STOPOVER_DATA");
    AUTO_FREE_MEMORY char *folder = NULL;
    AUTO_FREE_MEMORY char *path = NULL;
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    TableSegments people = {.table_id = 1};
    PartEntry entry = {0};
    AUTO_TEXT Text rows = {0};
    Error err = {0};
    (void)state;

    if (data == NULL)
        skip();
    folder = xasprintf("%s/backup_format_1", data);
    assert_int_equal(index_read_tables(folder, &people, 1, &err), STATUS_OK);
    assert_int_equal(people.count, 3);
    entry.offset = people.items[0].offset;
    entry.stored = people.items[0].stored;
    entry.raw = people.items[0].raw;
    memcpy(entry.sha256, people.items[0].sha256, sizeof(entry.sha256));
    path = xasprintf("%s/data/0001.tar.zst", folder);
    name = xasprintf("%s/000001-000001.copy", people.folder);
    table_segments_release(&people, 1);
    assert_int_equal(part_reader_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(part_reader_content(reader, &entry, name, 1000, &rows, &err), STATUS_OK);
    assert_string_equal(text_string(&rows), "110\trow 0 of 11, and some more text to it\n"
                                            "111\trow 1 of 11, and some more text to it\n"
                                            "112\trow 2 of 11, and some more text to it\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_1_is_still_whole_and_read),
        cmocka_unit_test(the_first_rows_of_format_1_are_what_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
