#include "engine/flow/row_parts.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/row_walk.h"

void row_parts_release(RowParts *parts)
{
    free(parts->begins);
    free(parts->ends);
    *parts = (RowParts){0};
}

static Status refuse(Error *err)
{
    return error_set(err, STATUS_FAILED, "a row has another shape than asked for");
}

static void make_room(RowParts *parts, size_t count)
{
    if (count <= parts->capacity)
        return;
    parts->begins = xrealloc(parts->begins, count * sizeof(size_t));
    parts->ends = xrealloc(parts->ends, count * sizeof(size_t));
    parts->capacity = count;
}

/* The row has been walked before: its lengths lie inside it. */
static void split_binary(RowParts *parts)
{
    size_t at = sizeof(uint16_t);
    for (size_t i = 0; i < parts->count; i++) {
        uint32_t length = load_be32(parts->row + at);
        parts->begins[i] = at;
        at += sizeof(uint32_t) + (length == FIELD_NULL ? 0 : length);
        parts->ends[i] = at;
    }
}

static bool split_text(RowParts *parts, size_t size)
{
    const uint8_t *end = parts->row + size - 1; /* the newline */
    const uint8_t *at = parts->row;
    for (size_t i = 0; i < parts->count; i++) {
        const uint8_t *tab = at < end ? memchr(at, '\t', (size_t)(end - at)) : NULL;
        bool is_last = i + 1 == parts->count;
        if (is_last != (tab == NULL))
            return false;
        parts->begins[i] = (size_t)(at - parts->row);
        parts->ends[i] = (size_t)((tab ? tab : end) - parts->row);
        at = tab ? tab + 1 : end;
    }
    return parts->count > 0 || size == 1;
}

Status row_parts_read(RowParts *parts, RowFormat format, const uint8_t *row, size_t size,
                      size_t count, Error *err)
{
    make_room(parts, count);
    parts->format = format;
    parts->row = row;
    parts->count = count;
    if (format == ROW_PG_TEXT) {
        if (walk_text_row(row, size) != size || !split_text(parts, size))
            return refuse(err);
        return STATUS_OK;
    }
    if (walk_binary_row(row, size) != size || load_be16(row) != count)
        return refuse(err);
    split_binary(parts);
    return STATUS_OK;
}

static void append_binary_count(size_t count, Text *ret)
{
    uint8_t raw[sizeof(uint16_t)];
    store_be16(raw, (uint16_t)count);
    text_append_bytes(ret, raw, sizeof(raw));
}

void row_parts_append(const RowParts *parts, const size_t *places, size_t count, Text *ret)
{
    bool is_text = parts->format == ROW_PG_TEXT;
    if (!is_text)
        append_binary_count(count, ret);
    if (!places && count > 0) {
        size_t begin = parts->begins[0];
        text_append_bytes(ret, parts->row + begin, parts->ends[count - 1] - begin);
    }
    for (size_t i = 0; places && i < count; i++) {
        size_t begin = parts->begins[places[i]];
        if (is_text && i > 0)
            text_append_bytes(ret, "\t", 1);
        text_append_bytes(ret, parts->row + begin, parts->ends[places[i]] - begin);
    }
    if (is_text)
        text_append_bytes(ret, "\n", 1);
}

bool row_parts_is_null(const RowParts *parts, size_t place)
{
    const uint8_t *field = parts->row + parts->begins[place];
    size_t size = parts->ends[place] - parts->begins[place];
    if (parts->format == ROW_PG_TEXT)
        return size == 2 && field[0] == '\\' && field[1] == 'N';
    return load_be32(field) == FIELD_NULL;
}
