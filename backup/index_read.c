#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/index_inside.h"
#include "engine/base/memory.h"

struct IndexReader {
    char *path;
    LineReader *lines;
    IndexPosition position;
    Json *line; /* the last one: names are borrowed from it */
};

void index_reader_free(IndexReader *reader)
{
    if (reader == NULL)
        return;
    json_free(reader->line);
    line_reader_free(reader->lines);
    free(reader->path);
    free(reader);
}

Status index_reader_open(const char *folder, IndexReader **ret, Error *err)
{
    AUTO_FREE(index_reader_free) IndexReader *reader = xcalloc(1, sizeof(*reader));

    reader->path = xasprintf("%s/%s", folder, INDEX_NAME);
    TRY(line_reader_open(reader->path, &reader->lines, err));
    *ret = TAKE(reader);
    return STATUS_OK;
}

static Status damage(const IndexReader *reader, const char *what, Error *err)
{
    return error_kind(err, ERROR_DIFFERENT, "\"%s\" is damaged at line %" PRIu64 ": %s",
                      reader->path, line_reader_line(reader->lines), what);
}

/* A number that a line must have and that fits 32 bits. */
static bool take_small(const Json *line, const char *key, uint32_t *ret)
{
    uint64_t value = json_get_unsigned(line, key, UINT64_MAX);

    *ret = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool take_large(const Json *line, const char *key, uint64_t *ret)
{
    *ret = json_get_unsigned(line, key, UINT64_MAX);
    return *ret != UINT64_MAX;
}

/* Heads and tails have a kind; rows have their number, chunk and number in the chunk. */
static bool take_kind(const Json *line, Segment *ret)
{
    const char *kind = json_get_string(line, "kind");

    ret->kind = SEGMENT_ROWS;
    if (json_get(line, "kind") == NULL)
        return take_large(line, "n", &ret->rows) && take_small(line, "k", &ret->chunk) &&
               take_small(line, "s", &ret->number);
    if (kind == NULL)
        return false;
    ret->kind = strcmp(kind, "head") == 0 ? SEGMENT_HEAD : SEGMENT_TAIL;
    return ret->kind == SEGMENT_HEAD || strcmp(kind, "tail") == 0;
}

static bool take_segment(const Json *line, Segment *ret)
{
    const char *hash = json_get_string(line, "h");

    *ret = (Segment){0};
    return take_small(line, "p", &ret->part) && take_small(line, "t", &ret->table_id) &&
           take_large(line, "o", &ret->offset) && take_large(line, "c", &ret->stored) &&
           take_large(line, "r", &ret->raw) && take_kind(line, ret) && hash != NULL &&
           hex_decode(hash, ret->sha256, sizeof(ret->sha256));
}

Status index_reader_next(IndexReader *reader, Segment *ret, const char **ret_name, Error *err)
{
    Status status = STATUS_OK;
    Segment segment = {0};
    const char *name = NULL;
    const char *wrong = NULL;

    json_free(TAKE(reader->line));
    status = line_reader_next(reader->lines, &reader->line, err);
    if (status != STATUS_OK)
        return status;
    name = json_get_string(reader->line, "name");
    if (!take_segment(reader->line, &segment) || name == NULL)
        return damage(reader, "something is missing or malformed", err);
    wrong = index_wrong(&reader->position, &segment);
    if (wrong != NULL)
        return damage(reader, wrong, err);
    if (!segment_name_is(&segment, name, NULL))
        return damage(reader, "its name is not the one of its table", err);
    *ret = segment;
    *ret_name = name;
    return STATUS_OK;
}

/*
 * All segments of some tables.
 */
void table_segments_release(TableSegments *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(segments[i].folder);
        free(segments[i].items);
        segments[i] = (TableSegments){.table_id = segments[i].table_id};
    }
}

static int compare_table_ids(const void *key, const void *item)
{
    uint32_t id = *(const uint32_t *)key;
    const TableSegments *table = item;

    return id < table->table_id ? -1 : id > table->table_id;
}

static int compare_segments(const void *left, const void *right)
{
    const Segment *a = left;
    const Segment *b = right;

    if (a->chunk != b->chunk)
        return a->chunk < b->chunk ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static Status add_segment(const IndexReader *reader, TableSegments *table, const Segment *segment,
                          const char *name, Error *err)
{
    size_t size = 0;

    (void)segment_name_is(segment, name, &size); /* the reader has asked before */
    if (table->folder == NULL)
        table->folder = xstrndup(name, size);
    else if (strlen(table->folder) != size || strncmp(table->folder, name, size) != 0)
        return damage(reader, "its table has two folders", err);
    GROW(table->items, table->count, table->capacity);
    table->items[table->count++] = *segment;
    return STATUS_OK;
}

/* Numbers of a chunk are 1, 2, 3...: one that is missing or doubled shows. */
static Status sort_segments(const IndexReader *reader, TableSegments *table, Error *err)
{
    uint32_t chunk = 0;
    uint32_t number = 0;

    if (table->count > 1)
        qsort(table->items, table->count, sizeof(*table->items), compare_segments);
    for (size_t i = 0; i < table->count; i++) {
        number = table->items[i].chunk == chunk ? number + 1 : 1;
        chunk = table->items[i].chunk;
        if (table->items[i].number != number)
            return error_kind(err, ERROR_DIFFERENT,
                              "\"%s\" is damaged: segment %" PRIu32 " of chunk %" PRIu32
                              " of \"%s\" is missing or doubled",
                              reader->path, number, chunk, table->folder);
    }
    return STATUS_OK;
}

Status index_read_tables(const char *folder, TableSegments *tables, size_t count, Error *err)
{
    AUTO_FREE(index_reader_free) IndexReader *reader = NULL;
    Status status = STATUS_OK;
    const char *name = "";
    Segment segment = {0};

    TRY(index_reader_open(folder, &reader, err));
    while ((status = index_reader_next(reader, &segment, &name, err)) == STATUS_OK) {
        TableSegments *table =
            bsearch(&segment.table_id, tables, count, sizeof(*tables), compare_table_ids);

        if (table != NULL && segment.kind == SEGMENT_ROWS)
            TRY(add_segment(reader, table, &segment, name, err));
    }
    TRY(status);
    for (size_t i = 0; i < count; i++)
        TRY(sort_segments(reader, &tables[i], err));
    return STATUS_OK;
}
