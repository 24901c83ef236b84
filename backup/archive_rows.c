#include "backup/archive_rows.h"

#include <string.h>

#include "backup/part_reader.h"
#include "engine/base/memory.h"
#include "engine/flow/row_walk.h"

enum {
    KEPT_BYTES = 4 * BLOCK_TARGET_BYTES, /* a huge row's room is given back after it */
};

struct ArchiveRows {
    char *folder;
    PartReader *reader; /* of part; NULL while none is open */
    uint32_t part;
    RowFormat format;
    const char *table_folder;
    const Segment *segments;
    size_t count;
    size_t next; /* the segment that is read now, or comes next */
    bool is_inside;
    uint64_t rows;   /* of this segment so far */
    Text rest;       /* bytes of it that were not given out yet */
    size_t given;    /* at the start of rest: they go with the next call */
    size_t searched; /* in rest: no end of a text row lies before */
    Text name;
};

ArchiveRows *archive_rows_new(const char *folder)
{
    ArchiveRows *rows = xcalloc(1, sizeof(*rows));

    rows->folder = xstrdup(folder);
    return rows;
}

void archive_rows_free(ArchiveRows *rows)
{
    if (rows == NULL)
        return;
    part_reader_free(rows->reader);
    text_release(&rows->rest);
    text_release(&rows->name);
    free(rows->folder);
    free(rows);
}

static void forget_rest(ArchiveRows *rows)
{
    if (rows->rest.capacity > KEPT_BYTES)
        text_release(&rows->rest);
    text_clear(&rows->rest);
    rows->given = 0;
    rows->searched = 0;
}

void archive_rows_begin(ArchiveRows *rows, RowFormat format, const char *table_folder,
                        const Segment *segments, size_t count)
{
    rows->format = format;
    rows->table_folder = table_folder;
    rows->segments = segments;
    rows->count = count;
    rows->next = 0;
    rows->is_inside = false;
    forget_rest(rows);
}

/* ---- rows out of pieces ---- */

/* The size of the row at data, 0 while its end is not there. */
static size_t walk(const ArchiveRows *rows, const uint8_t *data, size_t size, size_t searched)
{
    size_t found = 0;

    if (rows->format != ROW_PG_TEXT)
        return walk_binary_row(data, size);
    found = walk_text_row(data + searched, size - searched);
    return found == 0 ? 0 : searched + found;
}

/* All whole rows at the start of data. */
static Block whole_rows(const ArchiveRows *rows, const uint8_t *data, size_t size, size_t searched)
{
    Block block = {.data = data};
    size_t row = 0;

    while ((row = walk(rows, data + block.size, size - block.size, searched)) > 0) {
        block.size += row;
        block.rows++;
        searched = 0;
    }
    return block;
}

static void drop_given(ArchiveRows *rows)
{
    size_t left = rows->rest.size - rows->given;

    if (rows->given == 0)
        return;
    if (left == 0) {
        forget_rest(rows);
        return;
    }
    memmove(rows->rest.data, rows->rest.data + rows->given, left);
    rows->rest.size = left;
    rows->given = 0;
    rows->searched = 0;
}

/* A piece of the segment: what of it ends no row stays in rest. */
static Block take_piece(ArchiveRows *rows, const uint8_t *data, size_t size)
{
    Block block = {0};

    if (rows->rest.size == 0) {
        block = whole_rows(rows, data, size, 0);
        text_append_bytes(&rows->rest, data + block.size, size - block.size);
        rows->searched = rows->rest.size;
        return block;
    }
    text_append_bytes(&rows->rest, data, size);
    block = whole_rows(rows, (const uint8_t *)rows->rest.data, rows->rest.size, rows->searched);
    rows->given = block.size;
    rows->searched = rows->rest.size; /* counts only while nothing is given */
    return block;
}

/* ---- segments ---- */

static Status open_part(ArchiveRows *rows, uint32_t number, Error *err)
{
    AUTO_TEXT Text path = {0};

    if (rows->reader != NULL && rows->part == number)
        return STATUS_OK;
    part_reader_free(TAKE(rows->reader));
    text_append_format(&path, "%s/", rows->folder);
    part_path(number, &path);
    rows->part = number;
    return part_reader_open(text_string(&path), &rows->reader, err);
}

static Status begin_segment(ArchiveRows *rows, Error *err)
{
    const Segment *segment = &rows->segments[rows->next];
    PartEntry entry = {.offset = segment->offset, .stored = segment->stored, .raw = segment->raw};

    memcpy(entry.sha256, segment->sha256, sizeof(entry.sha256));
    text_clear(&rows->name);
    segment_name(rows->table_folder, segment, &rows->name);
    TRY(open_part(rows, segment->part, err));
    TRY(part_reader_begin(rows->reader, &entry, text_string(&rows->name), err));
    rows->is_inside = true;
    rows->rows = 0;
    return STATUS_OK;
}

static Status end_segment(ArchiveRows *rows, Error *err)
{
    const Segment *segment = &rows->segments[rows->next];

    if (rows->rest.size > 0 || rows->rows != segment->rows)
        return error_kind(err, ERROR_DIFFERENT,
                          "segment \"%s\" does not hold the rows that the index says",
                          text_string(&rows->name));
    rows->is_inside = false;
    rows->next++;
    return STATUS_OK;
}

static Status next_block(ArchiveRows *rows, Block *ret, size_t *ret_segment, Error *err)
{
    for (;;) {
        const void *data = NULL;
        size_t size = 0;
        Block block = {0};
        Status status = STATUS_OK;

        drop_given(rows);
        if (!rows->is_inside && rows->next == rows->count)
            return STATUS_DONE;
        if (!rows->is_inside)
            TRY(begin_segment(rows, err));
        status = part_reader_read(rows->reader, &data, &size, err);
        TRY(status);
        if (status == STATUS_DONE) {
            TRY(end_segment(rows, err));
            continue;
        }
        block = take_piece(rows, data, size);
        rows->rows += block.rows;
        if (block.rows == 0)
            continue;
        if (ret_segment != NULL)
            *ret_segment = rows->next;
        *ret = block;
        return STATUS_OK;
    }
}

Status archive_rows_next(ArchiveRows *rows, Block *ret, size_t *ret_segment, Error *err)
{
    Status status = next_block(rows, ret, ret_segment, err);

    if (status < 0 && err->kind == ERROR_DIFFERENT)
        error_hint(err,
                   "See all that is damaged with `stopover backup verify`, and whether another "
                   "backup of it is whole.");
    return status;
}
