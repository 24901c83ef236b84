/* The check of a backup: numbers that were changed, files beside the parts, and what does not belong there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/backup_check_fixture.h"

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

static void one_file_can_be_checked_alone(void **state)
{
    const ArchiveFiles *files = *state;
    const Manifest *manifest = &files->manifest;
    AUTO_FREE_MEMORY char *path = path_in(files->folder, CATALOG_NAME);
    Error err = {0};

    assert_int_equal(check_file(files->folder, manifest, CATALOG_NAME, &err), STATUS_OK);
    assert_int_equal(check_file(files->folder, manifest, "other", &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    flip(path, 20);
    err = (Error){0};
    assert_int_equal(check_file(files->folder, manifest, CATALOG_NAME, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
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

/* Without its index a backup still shows which tables are whole. */
static void a_lost_index_does_not_hide_what_is_whole(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *index = path_in(files->folder, INDEX_NAME);
    AUTO_FREE_MEMORY char *part = archive_files_part(files, 3);
    AUTO_TEXT Text content = {0};

    read_whole(index, &content);
    for (size_t size = 0; size < content.size; size += 3) {
        AUTO_CHECK_REPORT CheckReport report = {0};
        Error err = {0};

        put(index, content.data, size);
        assert_int_equal(check(files, CHECK_DATA, 1, &report, &err), STATUS_INVALID);
        for (size_t i = 0; i < report.damage_count; i++)
            assert_string_equal(report.damages[i].path, INDEX_NAME);
        assert_int_equal(report.rows, 21);
    }
    assert_int_equal(unlink(index), 0);
    flip(part, files->segments[6].offset + 30);
    expect_damage(files, CHECK_DATA, INDEX_NAME, NULL);
    expect_damage(files, CHECK_DATA, "data/0003.tar.zst", NULL);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.vectors");
    flip(part, files->segments[6].offset + 30);
    assert_int_equal(unlink(part), 0);
    expect_damage(files, CHECK_DATA, MANIFEST_NAME, "public.people");
}

/* A part in place of the right one, made for people who lost their index: rows of no table. */
static void strange_entries_are_found_without_an_index(void **state)
{
    static const struct {
        const char *name;
        const char *content;
    } strange[] = {
        {"other", "1\tx\n"},
        {"tables/0099-x/000001-000001.copy", "1\tx\n"},
        {"tables/0001-public.people/000001-000001.copy", "no end of a line"},
        {"tables/0002-public.vectors/end.tail", "xx"},
    };
    const ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *index = path_in(files->folder, INDEX_NAME);
    AUTO_FREE_MEMORY char *path = archive_files_part(files, 1);

    assert_int_equal(unlink(index), 0);
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        PartWriter *writer = NULL;
        PartSummary summary;
        PartEntry entry;
        Error err = {0};

        assert_int_equal(unlink(path), 0);
        assert_int_equal(part_writer_open(files->folder, 1, 1, &writer, &err), STATUS_OK);
        assert_int_equal(part_writer_add(writer, strange[i].name, strange[i].content,
                                         strlen(strange[i].content), 1, &entry, &err),
                         STATUS_OK);
        assert_int_equal(part_writer_seal(writer, &summary, &err), STATUS_OK);
        part_writer_free(writer);
        expect_damage(files, CHECK_DATA, "data/0001.tar.zst", NULL);
        expect_damage(files, CHECK_DATA, MANIFEST_NAME, "notes"); /* its rows were in that part */
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        DAMAGE_TEST(a_number_edited_in_the_manifest_is_found),
        DAMAGE_TEST(a_manifest_that_says_other_numbers_is_found),
        DAMAGE_TEST(files_beside_the_parts_are_checked),
        DAMAGE_TEST(one_file_can_be_checked_alone),
        DAMAGE_TEST(an_index_that_says_other_things_is_found),
        DAMAGE_TEST(a_lost_index_does_not_hide_what_is_whole),
        DAMAGE_TEST(strange_entries_are_found_without_an_index),
        DAMAGE_TEST(what_does_not_belong_there_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
