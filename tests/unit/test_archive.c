/*
 * The archive as target and as source: what is written comes back, whatever went wrong between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "backup/archive.h"
#include "backup/intent.h"
#include "backup/manifest.h"
#include "backup/part_reader.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "tests/support/capture.h"

#define LABEL "20251120T143105Z-0001-appdb"

enum {
    LARGE_ROW = 9 * 1024 * 1024, /* larger than what is gathered for a segment */
};

typedef struct Fixture {
    char *folder;
    char *partial;
    Uri *uri;
    Target *target;
    RunIdentity identity;
    Plan plan;
} Fixture;

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s", err->message);
}

static void add_table(Catalog *catalog, const char *name)
{
    Table *table = catalog_add_table(catalog);
    Column *key = table_add_column(table);

    *key = (Column){.name = xstrdup("id"), .type = xstrdup("integer"), .key_position = 1};
    *table_add_column(table) = (Column){.name = xstrdup("what"), .type = xstrdup("text")};
    table->schema = xstrdup("public");
    table->name = xstrdup(name);
    table->format = ROW_PG_TEXT;
    table->key = KEY_COLUMNS;
    table->definition = xstrdup("CREATE TABLE");
}

static void claim(Fixture *fixture, RunIdentity *identity)
{
    Error err = {0};

    expect_ok(target_claim(fixture->target, identity, &err), &err);
}

static int set_archive(void **state)
{
    Fixture *fixture = xcalloc(1, sizeof(*fixture));
    Intent intent = {.backup_id = xstrdup("00112233445566778899aabbccddeeff"),
                     .name = xstrdup("appdb"),
                     .label = xstrdup(LABEL),
                     .sequence = 1,
                     .started_us = 1000000,
                     .kind = BACKUP_DATABASE,
                     .series = xstrdup("appdb"),
                     .scope = xstrdup("appdb: 2 tables"),
                     .source = xstrdup("postgresql://host/appdb")};
    AUTO_FREE_MEMORY char *text = NULL;
    Error err = {0};

    fixture->folder = make_folder();
    fixture->partial = xasprintf("%s/" LABEL ".partial", fixture->folder);
    text = xasprintf(ARCHIVE_SCHEME ":%s/" LABEL, fixture->folder);
    expect_ok(directory_create(fixture->partial, &err), &err);
    expect_ok(intent_write(fixture->partial, &intent, &err), &err);
    intent_release(&intent);
    expect_ok(uri_parse(text, &fixture->uri, &err), &err);
    expect_ok(archive_open_target(fixture->uri, &fixture->target, &err), &err);
    memset(fixture->identity.run, 'a', 32);
    fixture->identity.attempt = 1;
    add_table(&fixture->plan.catalog, "people");
    add_table(&fixture->plan.catalog, "places");
    catalog_seal(&fixture->plan.catalog);
    claim(fixture, &fixture->identity);
    *state = fixture;
    return 0;
}

static int clear_archive(void **state)
{
    Fixture *fixture = *state;

    fault_arm(FAULT_NONE, 0, NULL);
    target_free(fixture->target);
    plan_release(&fixture->plan);
    uri_free(fixture->uri);
    remove_folder(fixture->folder);
    free(fixture->partial);
    free(fixture);
    return 0;
}

/* ---- writing ---- */

static Writer *open_writer(const Fixture *fixture)
{
    Writer *writer = NULL;
    Error err = {0};

    expect_ok(target_open_writer(fixture->target, &fixture->identity, &writer, &err), &err);
    return writer;
}

/* Rows "number\tword" from first on; one of LARGE_ROW bytes among them where that is wanted. */
static Text make_rows(unsigned first, unsigned count, const char *word, bool with_large)
{
    Text rows = {0};

    for (unsigned i = 0; i < count; i++) {
        text_append_format(&rows, "%u\t", first + i);
        for (size_t size = 0; with_large && i == count / 2 && size < LARGE_ROW;
             size += strlen(word))
            text_append(&rows, word);
        text_append_format(&rows, "%s\n", word);
    }
    return rows;
}

static Status write_chunk(const Fixture *fixture, Writer *writer, uint32_t table, uint32_t number,
                          const Text *rows, unsigned count, Digest *digest, Error *err)
{
    const Chunk chunk = {.table_id = table, .number = number};
    const Block block = {.data = (const uint8_t *)rows->data, .size = rows->size, .rows = count};
    ChunkResult result = {.bytes = rows->size};

    expect_ok(digest_add_block(&result.digest, ROW_PG_TEXT, &block, err), err);
    TRY(writer_begin(writer, catalog_table(&fixture->plan.catalog, table), &chunk, err));
    TRY(writer_write(writer, &block, err));
    TRY(writer_commit(writer, &result, err));
    digest_merge(digest, &result.digest);
    return STATUS_OK;
}

static Digest fill(const Fixture *fixture, Writer *writer, uint32_t table, uint32_t number,
                   unsigned first, unsigned count, const char *word, bool with_large)
{
    AUTO_TEXT Text rows = make_rows(first, count, word, with_large);
    Digest digest = {0};
    Error err = {0};

    expect_ok(write_chunk(fixture, writer, table, number, &rows, count, &digest, &err), &err);
    return digest;
}

/* ---- what is there ---- */

static ProbeResult probe(const Fixture *fixture, uint32_t table)
{
    AUTO_FREE(prober_free) Prober *prober = NULL;
    const ProbeRequest request = {.table = catalog_table(&fixture->plan.catalog, table),
                                  .staged = true,
                                  .level = VERIFY_FULL,
                                  .modulus = 1};
    ProbeResult result = {0};
    Error err = {0};

    expect_ok(target_open_prober(fixture->target, &prober, &err), &err);
    expect_ok(prober_probe(prober, &request, &result, &err), &err);
    return result;
}

static void expect_rows(const Fixture *fixture, uint32_t table, const Digest *digest)
{
    ProbeResult result = probe(fixture, table);

    assert_int_equal(result.rows, digest->rows);
    assert_true(digest_equal(&result.all, digest));
    probe_result_release(&result);
}

/* Makes it a backup, and gives it its name. */
static void complete(const Fixture *fixture)
{
    AUTO_FREE_MEMORY char *final = xasprintf("%s/" LABEL, fixture->folder);
    AUTO_SCRIPTS SchemaScripts scripts = {0};
    const Origin origin = {.engine = "postgresql",
                           .source = "postgresql://host/appdb",
                           .tool_version = "test",
                           .scripts = &scripts};
    Error err = {0};

    fixture->target->ops->note_origin(fixture->target, &origin);
    expect_ok(stager_promote(fixture->target->stager, &fixture->identity, &fixture->plan, NULL,
                             NULL, NULL, &err),
              &err);
    assert_int_equal(rename(fixture->partial, final), 0);
}

/* All rows of a table, read from the backup in chunks of about that many bytes. */
static Digest read_back(const Fixture *fixture, uint32_t table_id, uint64_t chunk_bytes,
                        size_t *ret_chunks)
{
    AUTO_FREE(source_free) Source *source = NULL;
    AUTO_FREE(reader_free) Reader *reader = NULL;
    AUTO_PLAN Plan plan = {0};
    AUTO_FINDINGS Findings findings = {0};
    Snapshot snapshot = {0};
    Digest digest = {0};
    Error err = {0};

    expect_ok(archive_open_source(fixture->uri, NULL, &source, &err), &err);
    expect_ok(source_describe(source, NULL, &plan.catalog, &findings, &err), &err);
    expect_ok(source_hold(source, NULL, 1, &snapshot, &err), &err);
    expect_ok(source_open_reader(source, &reader, &err), &err);
    expect_ok(reader_plan(reader, &plan.catalog.tables[table_id - 1], chunk_bytes, &plan, &err),
              &err);
    for (size_t i = 0; i < plan.chunk_count; i++) {
        Block block = {0};
        Status status =
            reader_begin(reader, catalog_table(&plan.catalog, table_id), &plan.chunks[i], &err);

        expect_ok(status, &err);
        while ((status = reader_read(reader, &block, &err)) == STATUS_OK)
            expect_ok(digest_add_block(&digest, ROW_PG_TEXT, &block, &err), &err);
        expect_ok(status, &err);
        reader_end(reader);
    }
    *ret_chunks = plan.chunk_count;
    snapshot_release(&snapshot);
    return digest;
}

/* ---- tests ---- */

static void rows_of_any_size_come_back_in_any_chunks(void **state)
{
    Fixture *fixture = *state;
    Writer *writer = open_writer(fixture);
    Digest people = fill(fixture, writer, 1, 1, 0, 200 * 1000, "some words of a row", false);
    Digest large = fill(fixture, writer, 1, 2, 200 * 1000, 5, "large", true);
    Digest places = {0};
    size_t chunks = 0;

    digest_merge(&people, &large);
    places = fill(fixture, writer, 2, 1, 0, 0, "", false);
    writer_free(writer);
    expect_rows(fixture, 1, &people);
    expect_rows(fixture, 2, &places);
    complete(fixture);
    Digest back = read_back(fixture, 1, 1, &chunks);
    assert_true(digest_equal(&back, &people));
    assert_true(chunks >= 4); /* one for each segment */
    back = read_back(fixture, 1, UINT64_MAX, &chunks);
    assert_true(digest_equal(&back, &people));
    assert_int_equal(chunks, 1);
    back = read_back(fixture, 2, 1, &chunks);
    assert_int_equal(back.rows, 0);
    assert_int_equal(chunks, 1);
}

static size_t count_entries(const Fixture *fixture, const char *folder)
{
    AUTO_FREE_MEMORY char *backup = xasprintf("%s/" LABEL, fixture->folder);
    AUTO_MANIFEST Manifest manifest = {0};
    Error err = {0};
    size_t count = 0;

    expect_ok(manifest_read(backup, &manifest, &err), &err);
    for (size_t i = 0; i < manifest.part_count; i++) {
        AUTO_FREE(part_reader_free) PartReader *reader = NULL;
        AUTO_TEXT Text path = {0};
        const char *name = NULL;

        text_append_format(&path, "%s/", backup);
        part_path(manifest.parts[i].number, &path);
        expect_ok(part_reader_open(text_string(&path), &reader, &err), &err);
        while (part_reader_next(reader, UINT64_MAX, &name, &err) == STATUS_OK) {
            const void *data = NULL;
            size_t size = 0;

            count += strncmp(name, folder, strlen(folder)) == 0;
            while (part_reader_read(reader, &data, &size, &err) == STATUS_OK)
                continue;
        }
    }
    return count;
}

static void what_was_read_again_leaves_nothing_of_its_first_rows(void **state)
{
    Fixture *fixture = *state;
    Writer *writer = open_writer(fixture);
    Digest places = {0};
    Digest people = {0};
    Error err = {0};
    size_t chunks = 0;

    (void)fill(fixture, writer, 1, 1, 0, 1000, "first", false);
    places = fill(fixture, writer, 2, 1, 0, 10, "stays", false);
    expect_ok(
        writer_reset_table(writer, &fixture->plan, catalog_table(&fixture->plan.catalog, 1), &err),
        &err);
    people = fill(fixture, writer, 1, 1, 0, 900, "second", false);
    writer_free(writer);
    complete(fixture);
    assert_int_equal(count_entries(fixture, "tables/0001-"), 1);
    assert_int_equal(count_entries(fixture, "tables/0002-"), 1);
    Digest back = read_back(fixture, 1, 1, &chunks);
    assert_true(digest_equal(&back, &people));
    back = read_back(fixture, 2, 1, &chunks);
    assert_true(digest_equal(&back, &places));
}

static void who_was_overtaken_writes_nothing(void **state)
{
    Fixture *fixture = *state;
    RunIdentity later = fixture->identity;
    Writer *writer = open_writer(fixture);
    AUTO_TEXT Text rows = make_rows(0, 10, "late", false);
    const Digest none = {0};
    Digest digest = {0};
    Error err = {0};

    claim(fixture, &later);
    assert_true(later.epoch > fixture->identity.epoch);
    assert_true(write_chunk(fixture, writer, 1, 1, &rows, 10, &digest, &err) < 0);
    assert_int_equal(err.kind, ERROR_LOCKED);
    writer_abort(writer);
    writer_free(writer);
    expect_rows(fixture, 1, &none);
}

static void a_commit_without_an_answer_is_found_and_stays(void **state)
{
    Fixture *fixture = *state;
    Writer *writer = open_writer(fixture);
    AUTO_TEXT Text rows = make_rows(0, 10, "lost", false);
    const Chunk chunk = {.table_id = 1, .number = 1};
    ChunkResult result = {0};
    Digest digest = {0};
    bool is_found = false;
    Error err = {0};

    fault_arm(FAULT_LOSE, 1, "archive.commit");
    assert_true(write_chunk(fixture, writer, 1, 1, &rows, 10, &digest, &err) < 0);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
    writer_abort(writer);
    expect_ok(writer_find_chunk(writer, &chunk, &is_found, &result, &err), &err);
    assert_true(is_found);
    digest = fill(fixture, writer, 1, 2, 10, 20, "next", false);
    digest_merge(&digest, &result.digest);
    writer_free(writer);
    expect_rows(fixture, 1, &digest);
}

static void a_part_that_a_writer_left_open_is_brought_to_its_end(void **state)
{
    Fixture *fixture = *state;
    Writer *writer = open_writer(fixture);
    Digest digest = fill(fixture, writer, 1, 1, 0, 100, "counts", false);
    AUTO_TEXT Text rows = make_rows(100, 100, "does not", false);
    Digest ignored = {0};
    Error err = {0};

    fault_arm(FAULT_FAIL, 1, "archive.commit");
    assert_true(write_chunk(fixture, writer, 1, 2, &rows, 100, &ignored, &err) < 0);
    fault_arm(FAULT_FAIL, 1, "archive.seal_part"); /* when it is closed */
    writer_free(writer);
    assert_true(fault_fired());
    fault_arm(FAULT_NONE, 0, NULL);
    expect_rows(fixture, 1, &digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_any_size_come_back_in_any_chunks, set_archive,
                                        clear_archive),
        cmocka_unit_test_setup_teardown(what_was_read_again_leaves_nothing_of_its_first_rows,
                                        set_archive, clear_archive),
        cmocka_unit_test_setup_teardown(who_was_overtaken_writes_nothing, set_archive,
                                        clear_archive),
        cmocka_unit_test_setup_teardown(a_commit_without_an_answer_is_found_and_stays, set_archive,
                                        clear_archive),
        cmocka_unit_test_setup_teardown(a_part_that_a_writer_left_open_is_brought_to_its_end,
                                        set_archive, clear_archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
