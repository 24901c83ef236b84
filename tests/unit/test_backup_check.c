/* The check of a backup: what is whole passes, and whatever is wrong with parts is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/backup_check_fixture.h"

static void what_is_whole_passes(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_CHECK_REPORT CheckReport report = {0};
    AUTO_MANIFEST Manifest manifest = {0};
    CheckOptions options = {.level = CHECK_DATA, .jobs = 2};
    Error err = {0};

    expect_whole(files);
    assert_int_equal(check_backup(files->folder, &options, &report, &manifest, &err), STATUS_OK);
    assert_int_equal(report.segments, ARCHIVE_SEGMENTS);
    assert_int_equal(report.rows, 21);
    assert_int_equal(report.files, 6);
    assert_string_equal(manifest.name, "appdb");
}

static void a_flipped_byte_anywhere_in_a_segment_names_its_table(void **state)
{
    const ArchiveFiles *files = *state;

    for (size_t i = 0; i < ARCHIVE_SEGMENTS; i++) {
        const Segment *segment = &files->segments[i];
        AUTO_FREE_MEMORY char *path = archive_files_part(files, segment->part);

        for (uint64_t at = 0; at < segment->stored; at += at < 24 ? 1 : 7) {
            flip(path, segment->offset + at);
            expect_damage(files, CHECK_DATA, part_name(segment->part), table_of(segment));
            flip(path, segment->offset + at);
        }
        flip(path, segment->offset + segment->stored - 1); /* the checksum of the frame */
        expect_damage(files, CHECK_DATA, part_name(segment->part), table_of(segment));
        flip(path, segment->offset + segment->stored - 1);
    }
    expect_whole(files);
}

static void a_flipped_byte_in_the_end_of_a_part_names_all_its_tables(void **state)
{
    const ArchiveFiles *files = *state;
    const Segment *last = &files->segments[ARCHIVE_SEGMENTS - 1];
    AUTO_FREE_MEMORY char *path = archive_files_part(files, 3);
    uint64_t bytes = files->manifest.parts[1].bytes;

    for (uint64_t at = last->offset + last->stored; at < bytes; at++) {
        flip(path, at);
        expect_damage(files, CHECK_DATA, "data/0003.tar.zst",
                      "public.people, public.vectors, notes");
        flip(path, at);
    }
    expect_whole(files);
}

/* What lies behind a cut is named; what lies before is not. */
static void expect_cut(const ArchiveFiles *files, size_t first_lost, CheckLevel level)
{
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error err = {0};
    uint32_t part = files->segments[first_lost].part;

    assert_int_equal(check(files, level, 1, &report, &err), STATUS_INVALID);
    for (size_t i = 0; i < ARCHIVE_SEGMENTS; i++)
        if (files->segments[i].part == part && i >= first_lost &&
            !has_damage(&report, part_name(part), table_of(&files->segments[i]))) {
            print_damages(&report);
            fail_msg("%s is not named", table_of(&files->segments[i]));
        }
}

static void a_part_cut_at_any_frame_is_found(void **state)
{
    ArchiveFiles *files = *state;

    for (size_t i = 0; i < ARCHIVE_SEGMENTS; i++) {
        AUTO_FREE_MEMORY char *path = archive_files_part(files, files->segments[i].part);
        PartSummary *summary = &files->manifest.parts[files->segments[i].part == 1 ? 0 : 1];
        PartSummary right = *summary;
        AUTO_TEXT Text content = {0};

        read_whole(path, &content);
        assert_int_equal(truncate(path, (off_t)files->segments[i].offset), 0);
        expect_cut(files, i, CHECK_QUICK);
        expect_cut(files, i, CHECK_DATA);

        /* Also when the manifest is in league with it. */
        if (files->segments[i].offset > 0) {
            summary->bytes = files->segments[i].offset;
            sha256_hex(content.data, (size_t)files->segments[i].offset, summary->sha256);
            archive_files_write_manifest(files);
            expect_cut(files, i, CHECK_DATA);
        }
        *summary = right;
        archive_files_write_manifest(files);
        put(path, content.data, content.size);
    }
    expect_whole(files);
}

static void a_missing_part_is_found_with_its_tables(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = archive_files_part(files, 1);

    assert_int_equal(unlink(path), 0);
    expect_damage(files, CHECK_QUICK, "data/0001.tar.zst", "public.people, public.vectors, notes");
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people, public.vectors, notes");
    assert_int_equal(mkdir(path, 0700), 0);
    expect_damage(files, CHECK_QUICK, "data/0001.tar.zst", "public.people");
}

static void a_doubled_part_is_found(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *one = archive_files_part(files, 1);
    AUTO_FREE_MEMORY char *two = archive_files_part(files, 2);

    assert_int_equal(link(one, two), 0);
    expect_damage(files, CHECK_QUICK, "data/0002.tar.zst", NULL);
    expect_damage(files, CHECK_DATA, "data/0002.tar.zst", NULL);
}

static void swapped_parts_are_found(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *one = archive_files_part(files, 1);
    AUTO_FREE_MEMORY char *three = archive_files_part(files, 3);
    AUTO_FREE_MEMORY char *aside = archive_files_part(files, 9);

    assert_int_equal(rename(one, aside), 0);
    assert_int_equal(rename(three, one), 0);
    assert_int_equal(rename(aside, three), 0);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    expect_damage(files, CHECK_DATA, "data/0003.tar.zst", "public.people");
}

static void a_part_of_another_backup_is_found(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = archive_files_part(files, 1);
    PartWriter *writer = NULL;
    PartSummary summary;
    PartEntry entry;
    Error err = {0};

    assert_int_equal(unlink(path), 0);
    assert_int_equal(part_writer_open(files->folder, 1, 1, &writer, &err), STATUS_OK);
    for (size_t i = 0; files->segments[i].part == 1; i++) {
        AUTO_FREE_MEMORY char *name = archive_files_entry(files, &files->segments[i]);
        AUTO_FREE_MEMORY char *other = xcalloc(1, files->segments[i].raw);

        assert_int_equal(
            part_writer_add(writer, name, other, files->segments[i].raw, 1, &entry, &err),
            STATUS_OK);
    }
    assert_int_equal(part_writer_seal(writer, &summary, &err), STATUS_OK);
    part_writer_free(writer);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.vectors");
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "notes");
}

static void a_check_goes_on_after_damage(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *one = archive_files_part(files, 1);
    AUTO_FREE_MEMORY char *three = archive_files_part(files, 3);
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error err = {0};

    flip(one, files->segments[0].offset + 30);
    flip(one, files->segments[4].offset + 30);
    flip(three, files->segments[6].offset + 30);
    assert_int_equal(check(files, CHECK_DATA, 1, &report, &err), STATUS_INVALID);
    assert_int_equal(report.damage_total, 3);
    assert_true(has_damage(&report, "data/0001.tar.zst", "public.people"));
    assert_true(has_damage(&report, "data/0001.tar.zst", "notes"));
    assert_true(has_damage(&report, "data/0003.tar.zst", "public.vectors"));
    assert_non_null(strstr(err.message, "3 damages"));
}

static void a_missing_manifest_is_no_backup(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = path_in(files->folder, MANIFEST_NAME);
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error err = {0};

    assert_int_equal(unlink(path), 0);
    assert_int_equal(check(files, CHECK_DATA, 1, &report, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void a_wish_to_stop_ends_it(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error err = {0};

    stop_request();
    assert_int_equal(check(files, CHECK_DATA, 2, &report, &err), STATUS_STOPPED);
}

typedef struct Shown {
    uint64_t done;
    uint64_t total;
} Shown;

static void show(void *context, uint64_t done, uint64_t total)
{
    Shown *shown = context;

    assert_true(done >= shown->done && done <= total);
    *shown = (Shown){done, total};
}

static void progress_ends_at_the_whole(void **state)
{
    const ArchiveFiles *files = *state;
    Shown shown = {0};
    CheckOptions options = {.level = CHECK_DATA, .jobs = 2, .progress = show, .context = &shown};
    AUTO_CHECK_REPORT CheckReport report = {0};
    Error err = {0};

    assert_int_equal(check_backup(files->folder, &options, &report, NULL, &err), STATUS_OK);
    assert_true(shown.total > 0);
    assert_int_equal(shown.done, shown.total);
    assert_int_equal(report.bytes_read, shown.total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DAMAGE_TEST(what_is_whole_passes),
        DAMAGE_TEST(a_flipped_byte_anywhere_in_a_segment_names_its_table),
        DAMAGE_TEST(a_flipped_byte_in_the_end_of_a_part_names_all_its_tables),
        DAMAGE_TEST(a_part_cut_at_any_frame_is_found),
        DAMAGE_TEST(a_missing_part_is_found_with_its_tables),
        DAMAGE_TEST(a_doubled_part_is_found),
        DAMAGE_TEST(swapped_parts_are_found),
        DAMAGE_TEST(a_part_of_another_backup_is_found),
        DAMAGE_TEST(a_check_goes_on_after_damage),
        DAMAGE_TEST(a_missing_manifest_is_no_backup),
        DAMAGE_TEST(a_wish_to_stop_ends_it),
        DAMAGE_TEST(progress_ends_at_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
