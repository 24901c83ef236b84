/* The check of a backup: what is whole passes, and every damage is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/catalog_file.h"
#include "backup/check.h"
#include "engine/base/stop.h"
#include "tests/support/archive_files.h"
#include "tests/support/capture.h"

#define LABEL "20251120T143105Z-0001-appdb"

static int make_archive(void **state)
{
    ArchiveFiles *files = xcalloc(1, sizeof(*files));
    AUTO_FREE_MEMORY char *folder = make_folder();

    archive_files_make(files, folder, LABEL, "appdb");
    *state = files;
    return 0;
}

static int remove_archive(void **state)
{
    ArchiveFiles *files = *state;
    char *folder = xstrdup(files->folder);

    stop_reset();
    archive_files_release(files);
    free(files);
    remove_folder(folder);
    return 0;
}

static Status check(const ArchiveFiles *files, CheckLevel level, unsigned jobs, CheckReport *report,
                    Error *err)
{
    CheckOptions options = {.level = level, .jobs = jobs};

    return check_backup(files->folder, &options, report, NULL, err);
}

static void expect_whole(const ArchiveFiles *files)
{
    for (CheckLevel level = CHECK_QUICK; level <= CHECK_DATA; level++) {
        AUTO_CHECK_REPORT CheckReport report = {0};
        Error err = {0};

        if (check(files, level, 1, &report, &err) < 0)
            fail_msg("%s: %s", check_level_name(level), err.message);
        assert_int_equal(report.damage_total, 0);
    }
}

/* Is there a damage of that path and, unless NULL, that object? */
static bool has_damage(const CheckReport *report, const char *path, const char *object)
{
    for (size_t i = 0; i < report->damage_count; i++) {
        const Damage *damage = &report->damages[i];

        if (strcmp(damage->path, path) == 0 &&
            (object == NULL || (damage->object != NULL && strstr(damage->object, object) != NULL)))
            return true;
    }
    return false;
}

static void print_damages(const CheckReport *report)
{
    for (size_t i = 0; i < report->damage_count; i++)
        print_message("  %s (%s): %s\n", report->damages[i].path,
                      report->damages[i].object != NULL ? report->damages[i].object : "-",
                      report->damages[i].what);
}

static void expect_damage(const ArchiveFiles *files, CheckLevel level, const char *path,
                          const char *object)
{
    for (unsigned jobs = 1; jobs <= 3; jobs += 2) {
        AUTO_CHECK_REPORT CheckReport report = {0};
        Error err = {0};
        Status status = check(files, level, jobs, &report, &err);

        if (status != STATUS_INVALID || err.kind != ERROR_DIFFERENT ||
            !has_damage(&report, path, object)) {
            print_damages(&report);
            fail_msg("%s: %s %s is not among them; %s", check_level_name(level), path,
                     object != NULL ? object : "", err.message);
        }
        assert_true(err.hint[0] != '\0');
    }
}

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

/*
 * Files, damaged and mended.
 */
static void read_whole(const char *path, Text *ret)
{
    Error err = {0};

    assert_int_equal(file_read(path, 1 << 24, ret, &err), STATUS_OK);
}

static void put(const char *path, const void *data, size_t size)
{
    Error err = {0};

    assert_int_equal(file_replace(path, data, size, &err), STATUS_OK);
}

static void flip(const char *path, uint64_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(close(fd), 0);
}

static const char *part_name(uint32_t number)
{
    return number == 1 ? "data/0001.tar.zst" : "data/0003.tar.zst";
}

static const char *table_of(const Segment *segment)
{
    static const char *const names[] = {"public.people", "public.vectors", "notes"};

    return names[segment->table_id - 1];
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
    AUTO_TEXT Text content = {0};
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

/* Every digit of the manifest, edited by hand: its own hash tells. */
static void a_number_edited_in_the_manifest_is_found(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = path_in(files->folder, MANIFEST_NAME);
    AUTO_TEXT Text content = {0};

    read_whole(path, &content);
    for (size_t i = 0; i < content.size; i++) {
        char kept = content.data[i];

        if (kept < '0' || kept > '9')
            continue;
        content.data[i] = kept == '9' ? '0' : (char)(kept + 1);
        put(path, content.data, content.size);
        {
            AUTO_CHECK_REPORT CheckReport report = {0};
            Error err = {0};

            assert_int_equal(check(files, CHECK_QUICK, 1, &report, &err), STATUS_INVALID);
            assert_int_equal(err.kind, ERROR_DIFFERENT);
            assert_true(has_damage(&report, MANIFEST_NAME, NULL));
        }
        content.data[i] = kept;
    }
    put(path, content.data, content.size);
    expect_whole(files);
}

/* The same by somebody who mends the hash as well: what it says is not what is there. */
static void a_manifest_that_says_other_numbers_is_found(void **state)
{
    ArchiveFiles *files = *state;
    ManifestObject *people = &files->manifest.objects[0];
    PartSummary *part = &files->manifest.parts[0];
    ManifestObject object = *people;
    PartSummary summary = *part;

    people->digest.rows++;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
    *people = object;
    people->digest.low++;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
    *people = object;
    people->raw_bytes++;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
    *people = object;
    people->segments--;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
    *people = object;

    part->bytes++;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_QUICK, "data/0001.tar.zst", "public.people");
    *part = summary;
    part->entries++;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    *part = summary;
    part->raw_bytes--;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    *part = summary;
    part->sha256[5] = part->sha256[5] == 'a' ? 'b' : 'a';
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    *part = summary;
    files->manifest.catalog_fingerprint[0] ^= 1;
    archive_files_write_manifest(files);
    expect_damage(files, CHECK_DATA, CATALOG_NAME, NULL);
    files->manifest.catalog_fingerprint[0] ^= 1;
    archive_files_write_manifest(files);
    expect_whole(files);
}

static void files_beside_the_parts_are_checked(void **state)
{
    static const char *const names[] = {CATALOG_NAME, INDEX_NAME, "schema/pre.sql"};
    const ArchiveFiles *files = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO_FREE_MEMORY char *path = path_in(files->folder, names[i]);
        AUTO_TEXT Text content = {0};

        read_whole(path, &content);
        for (uint64_t at = 0; at < content.size; at += 5) {
            flip(path, at);
            expect_damage(files, CHECK_DATA, names[i], NULL);
            flip(path, at);
        }
        put(path, content.data, content.size - 1);
        expect_damage(files, CHECK_QUICK, names[i], NULL);
        assert_int_equal(unlink(path), 0);
        expect_damage(files, CHECK_QUICK, names[i], NULL);
        expect_damage(files, CHECK_DATA, names[i], NULL);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        expect_damage(files, CHECK_QUICK, names[i], NULL);
        expect_damage(files, CHECK_DATA, names[i], NULL);
        assert_int_equal(unlink(path), 0);
        put(path, content.data, content.size);
    }
    expect_whole(files);
}

/* A segment more, or twice, or of another table: the index agrees with itself and still differs. */
static void write_index(const ArchiveFiles *files, const Segment *segments, size_t count)
{
    AUTO_FREE(index_writer_free) IndexWriter *writer = NULL;
    FileFacts facts;
    Error err = {0};

    assert_int_equal(index_writer_open(files->folder, &writer, &err), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        AUTO_TEXT Text folder = {0};

        segment_folder(catalog_table(&files->catalog, segments[i].table_id), &folder);
        assert_int_equal(index_writer_add(writer, &segments[i], text_string(&folder), &err),
                         STATUS_OK);
    }
    assert_int_equal(index_writer_finish(writer, &facts, &err), STATUS_OK);
}

static void an_index_that_says_other_things_is_found(void **state)
{
    const ArchiveFiles *files = *state;
    Segment segments[ARCHIVE_SEGMENTS];

    memcpy(segments, files->segments, sizeof(segments));
    write_index(files, segments, ARCHIVE_SEGMENTS - 1); /* the last is left out */
    expect_damage(files, CHECK_DATA, "data/0003.tar.zst", NULL);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "notes");

    segments[0].rows--;
    write_index(files, segments, ARCHIVE_SEGMENTS);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    segments[0] = files->segments[0];
    segments[0].table_id = 4; /* rows of another table */
    write_index(files, segments, ARCHIVE_SEGMENTS);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.nothing");
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
    segments[0] = files->segments[0];
    segments[0].sha256[31]++;
    write_index(files, segments, ARCHIVE_SEGMENTS);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    segments[0] = files->segments[0];
    segments[0].stored++; /* and so all others of the part */
    for (size_t i = 1; segments[i].part == 1; i++)
        segments[i].offset++;
    write_index(files, segments, ARCHIVE_SEGMENTS);
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "public.people");
    expect_damage(files, CHECK_DATA, "data/0001.tar.zst", "notes");
}

static void what_does_not_belong_there_is_found(void **state)
{
    static const char *const strangers[] = {"data/0003.tar.zst.tmp", "schema/more.sql", "other",
                                            "data/1.tar.zst"};
    static const char *const known[] = {"lock", "intent.json", "ledger.db", "ledger.db-wal"};
    const ArchiveFiles *files = *state;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        AUTO_FREE_MEMORY char *path = path_in(files->folder, known[i]);

        put(path, "", 0);
    }
    expect_whole(files);
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        AUTO_FREE_MEMORY char *path = path_in(files->folder, strangers[i]);

        put(path, "x", 1);
        expect_damage(files, CHECK_QUICK, strangers[i], NULL);
        assert_int_equal(unlink(path), 0);
    }
    expect_whole(files);
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

#define DAMAGE_TEST(name) cmocka_unit_test_setup_teardown(name, make_archive, remove_archive)

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
        DAMAGE_TEST(a_number_edited_in_the_manifest_is_found),
        DAMAGE_TEST(a_manifest_that_says_other_numbers_is_found),
        DAMAGE_TEST(files_beside_the_parts_are_checked),
        DAMAGE_TEST(an_index_that_says_other_things_is_found),
        DAMAGE_TEST(what_does_not_belong_there_is_found),
        DAMAGE_TEST(a_check_goes_on_after_damage),
        DAMAGE_TEST(a_missing_manifest_is_no_backup),
        DAMAGE_TEST(a_wish_to_stop_ends_it),
        DAMAGE_TEST(progress_ends_at_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
