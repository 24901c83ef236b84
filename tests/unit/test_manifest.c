/* The manifest: read back as written, proven by itself, and nothing strange believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

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

    archive_files_release(files);
    free(files);
    remove_folder(folder);
    return 0;
}

static void expect_same(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void expect_same_head(const Manifest *a, const Manifest *b)
{
    expect_same(a->backup_id, b->backup_id);
    expect_same(a->name, b->name);
    expect_same(a->label, b->label);
    expect_same(a->series, b->series);
    expect_same(a->scope, b->scope);
    expect_same(a->engine, b->engine);
    expect_same(a->engine_version, b->engine_version);
    expect_same(a->encoding, b->encoding);
    expect_same(a->source, b->source);
    expect_same(a->source_identity, b->source_identity);
    expect_same(a->snapshot, b->snapshot);
    expect_same(a->consistency, b->consistency);
    expect_same(a->migration, b->migration);
    expect_same(a->run, b->run);
    expect_same(a->tool_version, b->tool_version);
    expect_same(a->catalog_fingerprint, b->catalog_fingerprint);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->snapshot_us, b->snapshot_us);
    assert_int_equal(a->started_us, b->started_us);
    assert_int_equal(a->completed_us, b->completed_us);
    assert_int_equal(a->resumed, b->resumed);
}

static void expect_same_items(const Manifest *a, const Manifest *b)
{
    assert_int_equal(a->object_count, b->object_count);
    for (size_t i = 0; i < a->object_count; i++) {
        expect_same(a->objects[i].schema, b->objects[i].schema);
        expect_same(a->objects[i].name, b->objects[i].name);
        assert_int_equal(a->objects[i].id, b->objects[i].id);
        assert_int_equal(a->objects[i].format, b->objects[i].format);
        assert_true(digest_equal(&a->objects[i].digest, &b->objects[i].digest));
        assert_int_equal(a->objects[i].raw_bytes, b->objects[i].raw_bytes);
        assert_int_equal(a->objects[i].segments, b->objects[i].segments);
    }
    assert_int_equal(a->part_count, b->part_count);
    for (size_t i = 0; i < a->part_count; i++) {
        expect_same(a->parts[i].sha256, b->parts[i].sha256);
        assert_int_equal(a->parts[i].number, b->parts[i].number);
        assert_int_equal(a->parts[i].bytes, b->parts[i].bytes);
        assert_int_equal(a->parts[i].raw_bytes, b->parts[i].raw_bytes);
        assert_int_equal(a->parts[i].entries, b->parts[i].entries);
    }
    assert_int_equal(a->file_count, b->file_count);
    for (size_t i = 0; i < a->file_count; i++) {
        expect_same(a->files[i].path, b->files[i].path);
        expect_same(a->files[i].sha256, b->files[i].sha256);
        assert_int_equal(a->files[i].bytes, b->files[i].bytes);
    }
    assert_int_equal(a->excluded.count, b->excluded.count);
    assert_int_equal(a->warnings.count, b->warnings.count);
}

static void fill_optional_fields(Manifest *manifest)
{
    manifest->engine_version = xstrdup("15.20");
    manifest->encoding = xstrdup("UTF8");
    manifest->source_identity = xstrdup("system:1");
    manifest->snapshot = xstrdup("lines\nand \x01 \xff bytes"); /* a connector's own words */
    manifest->snapshot_us = 1763649065000001;
    manifest->migration = xstrdup("shop");
    manifest->run = xstrdup("0123");
    manifest->resumed = 3;
    text_list_add(&manifest->excluded, "subscription \"s\": holds a password");
    text_list_add(&manifest->warnings, "\xe8\xbf\x81\xe7\xa7\xbb");
}

static void what_is_written_is_read_back(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_MANIFEST Manifest manifest = {0};
    Error err = {0};

    fill_optional_fields(&files->manifest);
    files->manifest.objects[1].digest.low = UINT64_MAX; /* numbers that doubles cannot carry */
    files->manifest.objects[1].digest.high = UINT64_MAX - 1;
    free(files->manifest.objects[2].name);
    files->manifest.objects[2].name = xstrdup("\"no\xe9tes\"\n");
    archive_files_write_manifest(files);
    assert_int_equal(manifest_read(files->folder, &manifest, &err), STATUS_OK);
    assert_int_equal(manifest.format_version, MANIFEST_VERSION);
    expect_same_head(&manifest, &files->manifest);
    expect_same_items(&manifest, &files->manifest);
    assert_string_equal(manifest.warnings.items[0], "\xe8\xbf\x81\xe7\xa7\xbb");
}

/* It must not fail in the end because of a remark. */
static void remarks_are_tidied_up(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_MANIFEST Manifest manifest = {0};
    Error err = {0};

    files->manifest.engine_version = xstrdup("15\n(\x1b[31mred\xc2\x9b)\xe9");
    text_list_add(&files->manifest.warnings, "two\nlines");
    text_list_add(&files->manifest.excluded, "");
    free(files->manifest.scope);
    files->manifest.scope = NULL;
    archive_files_write_manifest(files);
    assert_int_equal(manifest_read(files->folder, &manifest, &err), STATUS_OK);
    assert_string_equal(manifest.engine_version, "15 ( [31mred  )\xef\xbf\xbd");
    assert_string_equal(manifest.warnings.items[0], "two lines");
    assert_string_equal(manifest.excluded.items[0], "");
    assert_null(manifest.scope);
}

static void read_text(const ArchiveFiles *files, Text *ret)
{
    AUTO_FREE_MEMORY char *path = path_in(files->folder, MANIFEST_NAME);
    Error err = {0};

    assert_int_equal(file_read(path, 1 << 20, ret, &err), STATUS_OK);
}

static void write_text(const ArchiveFiles *files, const void *data, size_t size)
{
    AUTO_FREE_MEMORY char *path = path_in(files->folder, MANIFEST_NAME);
    Error err = {0};

    assert_int_equal(file_replace(path, data, size, &err), STATUS_OK);
}

static size_t last_line(const Text *text)
{
    size_t at = text->size - 1;

    while (text->data[at - 1] != '\n')
        at--;
    return at;
}

static void the_last_line_is_the_hash_of_all_before(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};
    AUTO_FREE_MEMORY char *expected = NULL;
    char hash[SHA256_HEX_SIZE];

    read_text(files, &text);
    sha256_hex(text.data, last_line(&text), hash);
    expected = xasprintf("\"manifest_sha256\":\"%s\"}\n", hash);
    assert_string_equal(text.data + last_line(&text), expected);
}

static Status read_manifest(const ArchiveFiles *files, Error *err)
{
    AUTO_MANIFEST Manifest manifest = {0};
    Status status = manifest_read(files->folder, &manifest, err);

    if (status < 0)
        assert_int_equal(manifest.object_count + manifest.part_count, 0);
    return status;
}

static void a_manifest_cut_anywhere_is_damaged(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};

    read_text(files, &text);
    for (size_t size = 0; size < text.size; size += 3) {
        Error err = {0};

        write_text(files, text.data, size);
        assert_int_equal(read_manifest(files, &err), STATUS_INVALID);
        assert_int_equal(err.kind, ERROR_DIFFERENT);
        assert_true(err.hint[0] != '\0');
    }
}

static void a_changed_byte_anywhere_is_damaged(void **state)
{
    const ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};

    read_text(files, &text);
    for (size_t i = 0; i < text.size; i++) {
        Error err = {0};

        text.data[i] ^= 0x01;
        write_text(files, text.data, text.size);
        text.data[i] ^= 0x01;
        assert_int_equal(read_manifest(files, &err), STATUS_INVALID);
        assert_int_equal(err.kind, ERROR_DIFFERENT);
    }
}

/* Writes text with a right hash: by somebody who knows how. */
static void write_signed(const ArchiveFiles *files, const char *body)
{
    AUTO_TEXT Text text = {0};
    char hash[SHA256_HEX_SIZE];

    text_append(&text, body);
    sha256_hex(text.data, text.size, hash);
    text_append_format(&text, "\"manifest_sha256\":\"%s\"}\n", hash);
    write_text(files, text.data, text.size);
}

/* The manifest with the first `from` replaced. */
static void write_edited(const ArchiveFiles *files, const char *body, const char *from,
                         const char *to)
{
    const char *at = strstr(body, from);
    AUTO_TEXT Text text = {0};

    if (at == NULL)
        fail_msg("no %s in the manifest", from);
    text_append_bytes(&text, body, (size_t)(at - body));
    text_append(&text, to);
    text_append(&text, at + strlen(from));
    write_signed(files, text_string(&text));
}

static void what_no_manifest_says_is_refused_even_with_a_right_hash(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } edits[] = {
        {"\"data/0001.tar.zst\"", "\"../../etc/passwd\""},
        {"\"data/0001.tar.zst\"", "\"/data/0001.tar.zst\""},
        {"\"data/0001.tar.zst\"", "\"data/0002.tar.zst\""},
        {"\"schema/pre.sql\"", "\"schema/../pre.sql\""},
        {"\"schema/pre.sql\"", "\"schema/.pre.sql\""},
        {"\"schema/pre.sql\"", "\"schema/a/b\""},
        {"\"schema/pre.sql\"", "\"schema/\""},
        {"\"schema/pre.sql\"", "\"/etc/passwd\""},
        {"\"schema/pre.sql\"", "\"schema/post.sql\""},
        {"\"schema/pre.sql\"", "\"schema/a\\nb\""},
        {"\"segments.jsonl.zst\"", "\"schema/segments\""},
        {"\"number\":\t1", "\"number\":\t4"},
        {"\"number\":\t1", "\"number\":\t0"},
        {"\"number\":\t1", "\"number\":\t-1"},
        {"\"number\":\t1", "\"number\":\t1.5"},
        {"\"number\":\t1", "\"number\":\t\"1\""},
        {"\"number\":\t1", "\"number\":\t4294967297"},
        {"\"rows\":\t9", "\"rows\":\t0"},
        {"\"rows\":\t9", "\"rows\":\t18446744073709551615"},
        {"\"rows\":\t9", "\"rows\":\t9007199254740993"},
        {"\"rows\":\t9", "\"rows\":\t9e99"},
        {"\"entries\":\t5", "\"entries\":\t0"},
        {"\"segments\":\t3", "\"segments\":\t11"},
        {"\"segments\":\t3", "\"segments\":\tnull"},
        {"\"id\":\t2", "\"id\":\t3"},
        {"\"format\":\t\"text\"", "\"format\":\t\"xml\""},
        {"\"format\":\t\"stopover backup\"", "\"format\":\t\"other\""},
        {"\"format_version\":\t1", "\"format_version\":\t0"},
        {"\"kind\":\t\"tables\"", "\"kind\":\t\"tabels\""},
        {"\"label\":\t\"2025", "\"label\":\t\"../2025"},
        {"\"label\":\t\"2025", "\"label\":\t\".2025"},
        {"\"name\":\t\"appdb\"", "\"name\":\t\"\\u001b[31mappdb\""},
        {"\"name\":\t\"appdb\"", "\"name\":\tnull"},
        {"\"scope\":\t\"", "\"scope\":\t\"\\u001b[2J"},
        {"\"backup_id\":\t\"0011", "\"backup_id\":\t\"001"},
        {"\"sequence\":\t1", "\"sequence\":\t0"},
        {"\"started_at_us\":\t1", "\"started_at_us\":\t-1"},
        {"\"objects\":\t[", "\"things\":\t["},
        {"\"parts\":\t[", "\"things\":\t["},
        {"\"sha256\":\t\"", "\"sha256\":\t\"x"},
        {"\"digest\":\t\"", "\"digest\":\t\"0"},
        {"\"totals\":\t{", "\"sums\":\t{"},
        {"{", "[{"},
    };
    ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};
    Error err = {0};

    read_text(files, &text);
    text.data[last_line(&text)] = '\0';
    write_signed(files, text.data);
    if (read_manifest(files, &err) < 0) /* the test itself is right */
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        err = (Error){0};
        write_edited(files, text.data, edits[i].from, edits[i].to);
        if (read_manifest(files, &err) != STATUS_INVALID || err.kind != ERROR_DIFFERENT)
            fail_msg("%s for %s was believed", edits[i].to, edits[i].from);
    }
}

static void a_newer_format_is_refused(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};
    Error err = {0};

    read_text(files, &text);
    text.data[last_line(&text)] = '\0';
    write_edited(files, text.data, "\"format_version\":\t1", "\"format_version\":\t2");
    assert_int_equal(read_manifest(files, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.hint, "newer"));
}

/* Thousands of changed bytes behind a right hash: read or refused, and never anything worse. */
static void no_changed_manifest_does_harm(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_TEXT Text text = {0};
    uint32_t noise = 7;

    read_text(files, &text);
    text.data[last_line(&text)] = '\0';
    for (unsigned i = 0; i < 3000; i++) {
        AUTO_FREE_MEMORY char *body = xstrdup(text.data);
        Error err = {0};

        for (unsigned n = 0; n <= i % 3; n++) {
            noise = noise * 1664525U + 1013904223U;
            body[(noise >> 8) % strlen(text.data)] = (char)(32 + (noise >> 3) % 96);
        }
        write_signed(files, body);
        if (read_manifest(files, &err) < 0)
            assert_true(err.kind == ERROR_DIFFERENT || err.kind == ERROR_REFUSED);
    }
}

static void a_wrong_manifest_is_not_written(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_TEXT Text before = {0};
    AUTO_TEXT Text after = {0};
    Error err = {0};

    read_text(files, &before);
    files->manifest.parts[1].number = 1; /* twice */
    assert_int_equal(manifest_write(files->folder, &files->manifest, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_FAILED);
    files->manifest.parts[1].number = 3;
    free(files->manifest.label);
    files->manifest.label = xstrdup("../out");
    assert_int_equal(manifest_write(files->folder, &files->manifest, &err), STATUS_INVALID);
    read_text(files, &after);
    assert_string_equal(before.data, after.data);
}

static void a_missing_manifest_is_not_found(void **state)
{
    ArchiveFiles *files = *state;
    AUTO_FREE_MEMORY char *path = path_in(files->folder, MANIFEST_NAME);
    Error err = {0};

    assert_int_equal(unlink(path), 0);
    assert_int_equal(read_manifest(files, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

#define MANIFEST_TEST(name) cmocka_unit_test_setup_teardown(name, make_archive, remove_archive)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MANIFEST_TEST(what_is_written_is_read_back),
        MANIFEST_TEST(remarks_are_tidied_up),
        MANIFEST_TEST(the_last_line_is_the_hash_of_all_before),
        MANIFEST_TEST(a_manifest_cut_anywhere_is_damaged),
        MANIFEST_TEST(a_changed_byte_anywhere_is_damaged),
        MANIFEST_TEST(what_no_manifest_says_is_refused_even_with_a_right_hash),
        MANIFEST_TEST(a_newer_format_is_refused),
        MANIFEST_TEST(no_changed_manifest_does_harm),
        MANIFEST_TEST(a_wrong_manifest_is_not_written),
        MANIFEST_TEST(a_missing_manifest_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
