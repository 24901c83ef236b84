/* The index, the names of entries, and files of JSON lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "backup/frame.h"
#include "backup/index.h"
#include "engine/base/fault.h"
#include "engine/base/process.h"
#include "tests/support/archive_files.h"
#include "tests/support/capture.h"

static int make_archive(void **state)
{
    ArchiveFiles *files = xcalloc(1, sizeof(*files));
    AUTO_FREE_MEMORY char *folder = make_folder();

    archive_files_make(files, folder, "20251120T143105Z-0001-appdb", "appdb");
    *state = files;
    return 0;
}

static int remove_archive(void **state)
{
    ArchiveFiles *files = *state;
    char *folder = xstrdup(files->folder);

#ifdef FAULT_POINTS
    fault_arm(FAULT_NONE, 0, NULL);
#endif
    archive_files_release(files);
    free(files);
    remove_folder(folder);
    return 0;
}

static void the_index_is_read_back(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE(index_reader_free) IndexReader *reader = NULL;
    const char *name = NULL;
    Segment segment;
    Error err = {0};

    assert_int_equal(index_reader_open(files->folder, &reader, &err), STATUS_OK);
    for (size_t i = 0; i < ARCHIVE_SEGMENTS; i++) {
        AUTO_FREE_MEMORY char *expected = archive_files_entry(files, &files->segments[i]);

        assert_int_equal(index_reader_next(reader, &segment, &name, &err), STATUS_OK);
        assert_string_equal(name, expected);
        assert_int_equal(segment.part, files->segments[i].part);
        assert_int_equal(segment.table_id, files->segments[i].table_id);
        assert_int_equal(segment.chunk, files->segments[i].chunk);
        assert_int_equal(segment.number, files->segments[i].number);
        assert_int_equal(segment.kind, files->segments[i].kind);
        assert_int_equal(segment.offset, files->segments[i].offset);
        assert_int_equal(segment.stored, files->segments[i].stored);
        assert_int_equal(segment.raw, files->segments[i].raw);
        assert_int_equal(segment.rows, files->segments[i].rows);
        assert_memory_equal(segment.sha256, files->segments[i].sha256, SHA256_SIZE);
    }
    assert_int_equal(index_reader_next(reader, &segment, &name, &err), STATUS_DONE);
}

static void all_segments_of_a_table_come_in_order(void **state)
{
    const ArchiveFiles *files = *state;
    TableSegments tables[] = {{.table_id = 1}, {.table_id = 3}, {.table_id = 4}};
    Error err = {0};

    assert_int_equal(index_read_tables(files->folder, tables, 3, &err), STATUS_OK);
    assert_int_equal(tables[0].count, 3);
    assert_string_equal(tables[0].folder, "tables/0001-public.people");
    assert_memory_equal(&tables[0].items[0], &files->segments[0], sizeof(Segment));
    assert_memory_equal(&tables[0].items[1], &files->segments[1], sizeof(Segment));
    assert_memory_equal(&tables[0].items[2], &files->segments[5], sizeof(Segment));
    assert_int_equal(tables[1].count, 2);
    assert_memory_equal(&tables[1].items[0], &files->segments[8], sizeof(Segment)); /* chunk 1 */
    assert_memory_equal(&tables[1].items[1], &files->segments[4], sizeof(Segment)); /* chunk 2 */
    assert_int_equal(tables[2].count, 0);
    assert_null(tables[2].folder);
    table_segments_release(tables, 3);
}

static Status write_index(const ArchiveFiles *files, const Segment *segments, size_t count,
                          Error *err)
{
    AUTO_FREE(index_writer_free) IndexWriter *writer = NULL;
    FileFacts facts;

    TRY(index_writer_open(files->folder, &writer, err));
    for (size_t i = 0; i < count; i++) {
        AUTO_TEXT Text folder = {0};

        segment_folder(catalog_table(&files->catalog, segments[i].table_id), &folder);
        TRY(index_writer_add(writer, &segments[i], text_string(&folder), err));
    }
    return index_writer_finish(writer, &facts, err);
}

static void what_is_out_of_order_is_not_written(void **state)
{
    const ArchiveFiles *files = *state;
    Segment segments[ARCHIVE_SEGMENTS];

    for (unsigned what = 0; what < 8; what++) {
        Error err = {0};

        memcpy(segments, files->segments, sizeof(segments));
        switch (what) {
        case 0:
            segments[0].offset = 1;
            break;
        case 1:
            segments[1].offset++;
            break;
        case 2:
            segments[1].part = 0;
            break;
        case 3:
            segments[5].part = 1;
            break;
        case 4:
            segments[1].rows = 0;
            break;
        case 5:
            segments[1].number = 0;
            break;
        case 6:
            segments[2].raw++; /* a head is what it is */
            break;
        case 7:
            segments[1].stored = 0;
            break;
        }
        assert_int_equal(write_index(files, segments, ARCHIVE_SEGMENTS, &err), STATUS_INVALID);
    }
}

static void a_missing_or_doubled_number_of_a_chunk_shows(void **state)
{
    const ArchiveFiles *files = *state;
    Segment segments[ARCHIVE_SEGMENTS];
    TableSegments table = {.table_id = 1};
    Error err = {0};

    for (uint32_t number = 1; number <= 3; number += 2) {
        memcpy(segments, files->segments, sizeof(segments));
        segments[1].number = number;
        assert_int_equal(write_index(files, segments, ARCHIVE_SEGMENTS, &err), STATUS_OK);
        assert_int_equal(index_read_tables(files->folder, &table, 1, &err), STATUS_INVALID);
        assert_int_equal(err.kind, ERROR_DIFFERENT);
        table_segments_release(&table, 1);
    }
}

/* Lines that no index of ours has. */
static Status read_lines(const ArchiveFiles *files, const char *lines, size_t size, Error *err)
{
    AUTO_FREE_MEMORY char *path = path_in(files->folder, INDEX_NAME);
    AUTO_FREE(new_file_free) NewFile *file = NULL;
    AUTO_FREE(frame_writer_free) FrameWriter *frame = NULL;
    AUTO_FREE(index_reader_free) IndexReader *reader = NULL;
    const char *name = NULL;
    Segment segment;
    Status status = STATUS_OK;

    assert_int_equal(new_file_create(path, &file, err), STATUS_OK);
    frame = frame_writer_new(file);
    assert_int_equal(frame_writer_begin(frame, 1, FRAME_ANY, err), STATUS_OK);
    assert_int_equal(frame_writer_write(frame, lines, size, err), STATUS_OK);
    assert_int_equal(frame_writer_end(frame, err), STATUS_OK);
    assert_int_equal(new_file_publish(file, NULL, err), STATUS_OK);
    TRY(index_reader_open(files->folder, &reader, err));
    while ((status = index_reader_next(reader, &segment, &name, err)) == STATUS_OK)
        continue;
    return status;
}

#define HASH                      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINE(numbers, name, hash) "{" numbers ",\"name\":\"" name "\",\"h\":\"" hash "\"}\n"
#define NUMBERS                   "\"p\":1,\"o\":0,\"c\":9,\"r\":3,\"n\":1,\"t\":7,\"k\":1,\"s\":1"
#define NAME                      "tables/0007-a/000001-000001.copy"

static void strange_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "nonsense\n",
        "{}\n",
        "\n",
        "[]\n",
        LINE(NUMBERS, NAME, "00"),
        LINE(NUMBERS, "../" NAME, HASH),
        LINE(NUMBERS, "tables/0007-a/b/000001-000001.copy", HASH),
        LINE(NUMBERS, "tables/0007-a b/000001-000001.copy", HASH),
        LINE(NUMBERS, "tables/0008-a/000001-000001.copy", HASH),
        LINE(NUMBERS, "tables/0007-a/000001-000002.copy", HASH),
        LINE(NUMBERS, "tables/7-a/000001-000001.copy", HASH),
        LINE(NUMBERS ",\"kind\":\"head\"", NAME, HASH),
        LINE("\"p\":1,\"o\":5,\"c\":9,\"r\":3,\"n\":1,\"t\":7,\"k\":1,\"s\":1", NAME, HASH),
        LINE("\"p\":1,\"o\":0,\"c\":9,\"r\":3,\"n\":4,\"t\":7,\"k\":1,\"s\":1", NAME, HASH),
        LINE("\"p\":1,\"o\":0,\"c\":9,\"r\":3e18,\"n\":1,\"t\":7,\"k\":1,\"s\":1", NAME, HASH),
        LINE("\"p\":-1,\"o\":0,\"c\":9,\"r\":3,\"n\":1,\"t\":7,\"k\":1,\"s\":1", NAME, HASH),
        LINE(NUMBERS, NAME, HASH) LINE(NUMBERS, NAME, HASH), /* twice at one place */
        LINE(NUMBERS, NAME, HASH) "{\"p\":1",                /* no end */
    };
    const ArchiveFiles *files = *state;
    Error err = {0};

    assert_int_equal(
        read_lines(files, LINE(NUMBERS, NAME, HASH), strlen(LINE(NUMBERS, NAME, HASH)), &err),
        STATUS_DONE);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        err = (Error){0};
        if (read_lines(files, lines[i], strlen(lines[i]), &err) != STATUS_INVALID ||
            err.kind != ERROR_DIFFERENT)
            fail_msg("%s was believed", lines[i]);
    }
    assert_int_equal(read_lines(files, "{}\0\n", 4, &err), STATUS_INVALID);
}

/* A line that never ends is given up, not held. */
static void an_endless_line_is_refused(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *line = xmalloc(LINES_MAX_LINE + 2);
    Error err = {0};

    memset(line, ' ', LINES_MAX_LINE + 2);
    assert_int_equal(read_lines(files, line, LINES_MAX_LINE + 2, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_non_null(strstr(err.message, "too long"));
}

static void bytes_behind_the_end_are_refused(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = path_in(files->folder, INDEX_NAME);
    AUTO_TEXT Text content = {0};
    TableSegments table = {.table_id = 1};
    Error err = {0};

    assert_int_equal(file_read(path, 1 << 20, &content, &err), STATUS_OK);
    text_append(&content, "x");
    assert_int_equal(file_replace(path, content.data, content.size, &err), STATUS_OK);
    assert_int_equal(index_read_tables(files->folder, &table, 1, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    table_segments_release(&table, 1);
}

#ifdef FAULT_POINTS
static void any_fault_leaves_the_old_or_the_new_index(void **state)
{
    static const FaultMode modes[] = {FAULT_FAIL, FAULT_FATAL, FAULT_LOSE};
    const ArchiveFiles *files = *state;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        unsigned nth = 0;
        bool has_fired = false;

        do {
            TableSegments table = {.table_id = 3};
            Error err = {0};
            Status status = STATUS_OK;

            assert_int_equal(write_index(files, files->segments, ARCHIVE_SEGMENTS, &err),
                             STATUS_OK);
            fault_arm(modes[i], ++nth, NULL);
            status = write_index(files, files->segments, ARCHIVE_SEGMENTS - 1, &err);
            has_fired = fault_fired();
            fault_arm(FAULT_NONE, 0, NULL);
            assert_int_equal(status < 0, has_fired);
            assert_int_equal(index_read_tables(files->folder, &table, 1, &err), STATUS_OK);
            assert_true(table.count == 1 || (table.count == 2 && has_fired));
            table_segments_release(&table, 1);
        } while (has_fired);
        assert_true(nth > 4);
    }
}
#endif

/*
 * Names.
 */
static void add_name(Table *table, Text *ret)
{
    text_clear(ret);
    segment_folder(table, ret);
}

static void folders_are_safe_for_shells_whatever_a_table_is_called(void **state)
{
    AUTO_FREE_MEMORY char *longest = xcalloc(1, 2001);
    Table table = {
        .id = 12345, .schema = xstrdup("my schema"), .name = xstrdup("$(rm -rf ~)\n\xe8")};
    AUTO_TEXT Text name = {0};
    (void)state;

    add_name(&table, &name);
    assert_string_equal(text_string(&name), "tables/12345-my_schema.__rm_-rf_____");
    free(table.schema);
    table.schema = NULL;
    free(table.name);
    memset(longest, 'x', 2000);
    table.name = longest;
    table.id = 7;
    add_name(&table, &name);
    assert_int_equal(name.size, strlen("tables/0007-") + 100);
}

/* The shell's own order of names, in any locale, is the order in which they are loaded. */
static void a_sorted_folder_is_in_the_order_of_loading(void **state)
{
    static const char *const locales[] = {"LC_ALL=C", "LC_ALL=C.UTF-8", "LC_ALL=en_US.UTF-8"};
    static const Segment segments[] = {
        {.table_id = 2, .kind = SEGMENT_HEAD},
        {.table_id = 2, .kind = SEGMENT_ROWS, .chunk = 1, .number = 1},
        {.table_id = 2, .kind = SEGMENT_ROWS, .chunk = 1, .number = 2},
        {.table_id = 2, .kind = SEGMENT_ROWS, .chunk = 1, .number = 10},
        {.table_id = 2, .kind = SEGMENT_ROWS, .chunk = 2, .number = 1},
        {.table_id = 2, .kind = SEGMENT_ROWS, .chunk = 999999, .number = 999999},
        {.table_id = 2, .kind = SEGMENT_TAIL},
    };
    static const char *const script =
        "cd \"$1\"; for f in *; do echo \"$f\"; done | cmp - ../list && ls | cmp - ../list";
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *folder = path_in(files->folder, "names");
    AUTO_FREE_MEMORY char *list = path_in(files->folder, "list");
    const char *const arguments[] = {"sh", "-c", script, "sh", folder, NULL};
    AUTO_TEXT Text expected = {0};
    Error err = {0};

    assert_int_equal(directory_create(folder, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
        AUTO_TEXT Text name = {0};
        AUTO_FREE_MEMORY char *path = NULL;

        segment_name("tables/0002-x", &segments[i], &name);
        assert_true(segment_name_is(&segments[i], text_string(&name), NULL));
        path = path_in(folder, strrchr(name.data, '/') + 1);
        text_append_format(&expected, "%s\n", strrchr(name.data, '/') + 1);
        assert_int_equal(file_replace(path, "", 0, &err), STATUS_OK);
    }
    assert_int_equal(file_replace(list, expected.data, expected.size, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
        AUTO_TEXT_LIST TextList environment = {0};
        Process process = {.arguments = arguments, .environment = &environment};

        text_list_add(&environment, locales[i]);
        assert_int_equal(process_run(&process, &outcome, &err), STATUS_OK);
        assert_int_equal(outcome.exit_code, 0);
    }
}

static void names_are_parsed_as_they_are_made(void **state)
{
    static const char *const good[] = {
        "tables/0001-a/000001-000001.copy",
        "tables/12345-a.b_c-d/1234567-000010.copy",
        "tables/0002-/000000-000000.head",
        "tables/0002-x/end.tail",
        "tables/4294967295-x/4294967295-4294967295.copy",
    };
    static const char *const bad[] = {
        "",
        "tables",
        "tables/",
        "tables/0001",
        "tables/0001-a",
        "tables/0001-a/",
        "tables/1-a/000001-000001.copy",
        "tables/00001-a/000001-000001.copy",
        "tables/0001-a/1-000001.copy",
        "tables/0001-a/000001-000001.copy.gz",
        "tables/0001-a/000001-000001",
        "tables/0001-a/b/000001-000001.copy",
        "tables/0001-a/../000001-000001.copy",
        "tables/0001/000001-000001.copy",
        "tables/4294967296-x/000001-000001.copy",
        "tables/-1-x/000001-000001.copy",
        "tables/0001-a/000001-99999999999999999999.copy",
        "/tables/0001-a/000001-000001.copy",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        Segment segment = {0};

        if (!segment_parse_name(good[i], &segment) || !segment_name_is(&segment, good[i], NULL))
            fail_msg("%s is refused", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Segment segment = {0};

        if (segment_parse_name(bad[i], &segment))
            fail_msg("%s is taken", bad[i]);
    }
}

/* Signature of the manual, then a row of one field, then the trailer. */
static void head_and_tail_are_those_of_copy_binary(void **state)
{
    static const uint8_t head[] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xFF, '\r', '\n',
                                   0,   0,   0,   0,   0,   0,   0,    0,    0};
    (void)state;

    assert_int_equal(segment_head().size, sizeof(head));
    assert_memory_equal(segment_head().data, head, sizeof(head));
    assert_int_equal(segment_tail().size, 2);
    assert_memory_equal(segment_tail().data, "\xff\xff", 2);
}

static int level_of(RowFormat format, const char *type)
{
    Catalog catalog = {0};
    Table *table = catalog_add_table(&catalog);
    int level = 0;

    table->format = format;
    table_add_column(table)->type = xstrdup("text");
    table_add_column(table)->type = xstrdup(type);
    level = segment_level(table);
    catalog_release(&catalog);
    return level;
}

static void levels_follow_what_is_stored(void **state)
{
    (void)state;
    assert_int_equal(level_of(ROW_PG_BINARY, "text"), 1);
    assert_int_equal(level_of(ROW_PG_TEXT, "text"), 3);
    assert_int_equal(level_of(ROW_PG_TEXT, "public.vector(1536)"), 1);
    assert_int_equal(level_of(ROW_PG_TEXT, "double precision"), 1);
    assert_int_equal(level_of(ROW_TAGGED, "BLOB"), 1);
    assert_int_equal(level_of(ROW_TAGGED, ""), 3);
}

#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, make_archive, remove_archive)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(the_index_is_read_back),
        INDEX_TEST(all_segments_of_a_table_come_in_order),
        INDEX_TEST(what_is_out_of_order_is_not_written),
        INDEX_TEST(a_missing_or_doubled_number_of_a_chunk_shows),
        INDEX_TEST(strange_lines_are_refused),
        INDEX_TEST(an_endless_line_is_refused),
        INDEX_TEST(bytes_behind_the_end_are_refused),
#ifdef FAULT_POINTS
        INDEX_TEST(any_fault_leaves_the_old_or_the_new_index),
#endif
        INDEX_TEST(folders_are_safe_for_shells_whatever_a_table_is_called),
        INDEX_TEST(a_sorted_folder_is_in_the_order_of_loading),
        INDEX_TEST(names_are_parsed_as_they_are_made),
        INDEX_TEST(head_and_tail_are_those_of_copy_binary),
        INDEX_TEST(levels_follow_what_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
