#include "tests/support/archive_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backup/catalog_file.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/flow/big_endian.h"
#include "engine/flow/digest.h"

#define STARTED_US INT64_C(1763649065000000) /* 2025-11-20T14:31:05Z */

static void need(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s", err->message);
}

static Table *add_table(Catalog *catalog, const char *schema, const char *name, RowFormat format)
{
    Table *table = catalog_add_table(catalog);

    table->schema = xstrdup(schema);
    table->name = xstrdup(name);
    table->format = format;
    table->key = KEY_COLUMNS;
    table->definition = xasprintf("create table %s (id bigint primary key, body text)", name);
    table->row_estimate = 6;
    table->byte_estimate = 100;
    return table;
}

static void add_column(Table *table, const char *name, const char *type, unsigned key)
{
    Column *column = table_add_column(table);

    column->name = xstrdup(name);
    column->type = xstrdup(type);
    column->key_position = key;
}

static void fill_catalog(Catalog *catalog)
{
    static const struct {
        const char *schema;
        const char *name;
        RowFormat format;
    } tables[ARCHIVE_TABLES] = {{"public", "people", ROW_PG_TEXT},
                                {"public", "vectors", ROW_PG_BINARY},
                                {NULL, "notes", ROW_TAGGED},
                                {"public", "nothing", ROW_PG_TEXT}};
    Object *object = NULL;

    for (size_t i = 0; i < ARCHIVE_TABLES; i++) {
        Table *table = add_table(catalog, tables[i].schema, tables[i].name, tables[i].format);

        add_column(table, "id", "bigint", 1);
        add_column(table, "body", i == 1 ? "vector(3)" : "text", 0);
    }
    object = catalog_add_object(catalog);
    object->kind = OBJECT_INDEX;
    object->schema = xstrdup("public");
    object->name = xstrdup("people_body");
    object->table_id = 1;
    object->definition = xstrdup("create index people_body on public.people (body)");
    object = catalog_add_object(catalog);
    object->kind = OBJECT_SEQUENCE;
    object->name = xstrdup("people_id_seq");
    object->definition = xstrdup("6,true");
    catalog_seal(catalog);
}

/* Three rows, other ones for each seed. */
static void make_rows(RowFormat format, unsigned seed, Text *ret)
{
    text_clear(ret);
    for (unsigned i = 0; i < 3; i++) {
        AUTO_FREE_MEMORY char *body = xasprintf("row %u of %u, and some more text to it", i, seed);
        uint8_t number[4];
        uint32_t size = (uint32_t)strlen(body);

        if (format == ROW_PG_TEXT) {
            text_append_format(ret, "%u\t%s\n", seed * 10 + i, body);
            continue;
        }
        text_append_bytes(ret, "\0\2\0\0\0\1", 6); /* two fields, the first of one byte */
        number[0] = (uint8_t)('0' + i);
        text_append_bytes(ret, number, 1);
        store_be32(number, size);
        text_append_bytes(ret, number, sizeof(number));
        text_append(ret, body);
    }
}

static void count_rows(ManifestObject *object, const Text *rows)
{
    Block block = {(const uint8_t *)rows->data, rows->size, 3};
    Error err = {0};

    need(digest_add_block(&object->digest, object->format, &block, &err), &err);
    object->raw_bytes += rows->size;
    object->segments++;
}

/* Writes one segment of the plan below, and notes it. */
static void add_segment(ArchiveFiles *files, PartWriter *writer, Segment *segment)
{
    const Table *table = catalog_table(&files->catalog, segment->table_id);
    AUTO_FREE_MEMORY char *name = archive_files_entry(files, segment);
    AUTO_TEXT Text rows = {0};
    PartEntry entry;
    Block block = {0};
    Error err = {0};

    make_rows(table->format, segment->chunk * 10 + segment->number, &rows);
    block = (Block){(const uint8_t *)rows.data, rows.size, 3};
    if (segment->kind == SEGMENT_HEAD)
        block = segment_head();
    else if (segment->kind == SEGMENT_TAIL)
        block = segment_tail();
    else
        count_rows(&files->manifest.objects[segment->table_id - 1], &rows);
    need(part_writer_add(writer, name, block.data, block.size, segment_level(table), &entry, &err),
         &err);
    segment->offset = entry.offset;
    segment->stored = entry.stored;
    segment->raw = entry.raw;
    segment->rows = block.rows;
    memcpy(segment->sha256, entry.sha256, sizeof(entry.sha256));
}

static void write_parts(ArchiveFiles *files)
{
    static const Segment plan[ARCHIVE_SEGMENTS] = {
        {.part = 1, .table_id = 1, .chunk = 1, .number = 1, .kind = SEGMENT_ROWS},
        {.part = 1, .table_id = 1, .chunk = 1, .number = 2, .kind = SEGMENT_ROWS},
        {.part = 1, .table_id = 2, .kind = SEGMENT_HEAD},
        {.part = 1, .table_id = 2, .chunk = 1, .number = 1, .kind = SEGMENT_ROWS},
        {.part = 1, .table_id = 3, .chunk = 2, .number = 1, .kind = SEGMENT_ROWS},
        {.part = 3, .table_id = 1, .chunk = 2, .number = 1, .kind = SEGMENT_ROWS},
        {.part = 3, .table_id = 2, .chunk = 2, .number = 1, .kind = SEGMENT_ROWS},
        {.part = 3, .table_id = 2, .kind = SEGMENT_TAIL},
        {.part = 3, .table_id = 3, .chunk = 1, .number = 1, .kind = SEGMENT_ROWS},
    };
    Error err = {0};

    memcpy(files->segments, plan, sizeof(plan));
    for (size_t i = 0; i < ARCHIVE_SEGMENTS;) {
        uint32_t number = plan[i].part;
        AUTO_FREE(part_writer_free) PartWriter *writer = NULL;

        need(part_writer_open(files->folder, number, STARTED_US / 1000000, &writer, &err), &err);
        for (; i < ARCHIVE_SEGMENTS && plan[i].part == number; i++)
            add_segment(files, writer, &files->segments[i]);
        need(part_writer_seal(writer, manifest_add_part(&files->manifest), &err), &err);
    }
}

static void add_file(Manifest *manifest, const char *path, const FileFacts *facts)
{
    ManifestFile *file = manifest_add_file(manifest);

    file->path = xstrdup(path);
    file->bytes = facts->bytes;
    memcpy(file->sha256, facts->sha256, sizeof(file->sha256));
}

static void write_schema(ArchiveFiles *files, const char *name, const char *content)
{
    AUTO_FREE_MEMORY char *path = xasprintf("schema/%s", name);
    AUTO_FREE_MEMORY char *whole = xasprintf("%s/%s", files->folder, path);
    FileFacts facts = {.bytes = strlen(content)};
    Error err = {0};

    need(file_replace(whole, content, strlen(content), &err), &err);
    sha256_hex(content, strlen(content), facts.sha256);
    add_file(&files->manifest, path, &facts);
}

static void write_index(ArchiveFiles *files, FileFacts *ret)
{
    AUTO_FREE(index_writer_free) IndexWriter *writer = NULL;
    Error err = {0};

    need(index_writer_open(files->folder, &writer, &err), &err);
    for (size_t i = 0; i < ARCHIVE_SEGMENTS; i++) {
        AUTO_TEXT Text folder = {0};

        segment_folder(catalog_table(&files->catalog, files->segments[i].table_id), &folder);
        need(index_writer_add(writer, &files->segments[i], text_string(&folder), &err), &err);
    }
    need(index_writer_finish(writer, ret, &err), &err);
}

static void write_files(ArchiveFiles *files)
{
    FileFacts catalog;
    FileFacts index;
    Error err = {0};

    need(catalog_file_write(files->folder, &files->catalog, &catalog, &err), &err);
    add_file(&files->manifest, CATALOG_NAME, &catalog);
    write_schema(files, "post.sql", "create index people_body on public.people (body);\n");
    write_schema(files, "pre.sql", "create table public.people ();\n");
    write_index(files, &index);
    add_file(&files->manifest, INDEX_NAME, &index);
}

static void describe(ArchiveFiles *files, const char *label, const char *name)
{
    Manifest *manifest = &files->manifest;

    manifest->backup_id = xstrdup("00112233445566778899aabbccddeeff");
    manifest->sequence = 1;
    manifest->name = xstrdup(name);
    manifest->label = xstrdup(label);
    manifest->kind = BACKUP_TABLES;
    manifest->series = xstrdup("appdb");
    manifest->scope = xstrdup("appdb: 4 tables");
    manifest->engine = xstrdup("postgresql");
    manifest->source = xstrdup("postgresql://reader@db.example/appdb");
    manifest->consistency = xstrdup("snapshot");
    manifest->tool_version = xstrdup("0.1.0");
    manifest->started_us = STARTED_US;
    manifest->completed_us = STARTED_US + 60000000;
    memcpy(manifest->catalog_fingerprint, files->catalog.fingerprint, SHA256_HEX_SIZE);
    for (size_t i = 0; i < files->catalog.table_count; i++) {
        ManifestObject *object = manifest_add_object(manifest);

        object->schema = xstrdup(files->catalog.tables[i].schema);
        object->name = xstrdup(files->catalog.tables[i].name);
        object->format = files->catalog.tables[i].format;
    }
}

void archive_files_make(ArchiveFiles *files, const char *folder, const char *label,
                        const char *name)
{
    AUTO_FREE_MEMORY char *data = xasprintf("%s/data", folder);
    AUTO_FREE_MEMORY char *schema = xasprintf("%s/schema", folder);
    Error err = {0};

    *files = (ArchiveFiles){.folder = xstrdup(folder)};
    need(directory_create(data, &err), &err);
    need(directory_create(schema, &err), &err);
    fill_catalog(&files->catalog);
    describe(files, label, name);
    write_parts(files);
    write_files(files);
    archive_files_write_manifest(files);
}

void archive_files_write_manifest(ArchiveFiles *files)
{
    Error err = {0};

    need(manifest_write(files->folder, &files->manifest, &err), &err);
}

void archive_files_release(ArchiveFiles *files)
{
    catalog_release(&files->catalog);
    manifest_release(&files->manifest);
    free(files->folder);
    *files = (ArchiveFiles){0};
}

char *archive_files_entry(const ArchiveFiles *files, const Segment *segment)
{
    AUTO_TEXT Text folder = {0};
    AUTO_TEXT Text name = {0};

    segment_folder(catalog_table(&files->catalog, segment->table_id), &folder);
    segment_name(text_string(&folder), segment, &name);
    return text_take(&name);
}

char *archive_files_part(const ArchiveFiles *files, uint32_t number)
{
    AUTO_TEXT Text path = {0};

    text_append_format(&path, "%s/", files->folder);
    part_path(number, &path);
    return text_take(&path);
}
