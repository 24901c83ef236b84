#include "engine/connect/postgres/row_parts.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/row_walk.h"

enum {
    NUMBER_MAX_DIGITS = 20,
};

void row_parts_release(RowParts *parts)
{
    free(parts->begins);
    free(parts->ends);
    *parts = (RowParts){0};
}

static Status refuse(Error *err)
{
    return error_set(err, STATUS_FAILED, "the server sent a row of another shape than asked for");
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

/* The bytes of a binary value; false when it has not this size. */
static bool get_binary(const RowParts *parts, size_t place, size_t size, const uint8_t **ret)
{
    const uint8_t *field = parts->row + parts->begins[place];
    if (load_be32(field) != size)
        return false;
    *ret = field + sizeof(uint32_t);
    return true;
}

static bool get_digits(const uint8_t *digits, size_t size, uint64_t max, uint64_t *ret)
{
    char text[NUMBER_MAX_DIGITS + 1];
    if (size > NUMBER_MAX_DIGITS)
        return false;
    memcpy(text, digits, size);
    text[size] = '\0';
    return parse_unsigned(text, max, ret);
}

Status row_parts_number(const RowParts *parts, size_t place, uint64_t *ret, Error *err)
{
    const uint8_t *value = NULL;
    if (parts->format == ROW_PG_TEXT) {
        size_t begin = parts->begins[place];
        if (!get_digits(parts->row + begin, parts->ends[place] - begin, INT64_MAX, ret))
            return refuse(err);
        return STATUS_OK;
    }
    if (get_binary(parts, place, sizeof(uint32_t), &value))
        *ret = load_be32(value);
    else if (get_binary(parts, place, sizeof(uint64_t), &value))
        *ret = load_be64(value);
    else
        return refuse(err);
    return STATUS_OK;
}

/* "(BLOCK,OFFSET)" */
static bool parse_tid(const uint8_t *text, size_t size, uint32_t *ret_block, uint16_t *ret_offset)
{
    const uint8_t *comma = memchr(text, ',', size);
    uint64_t block = 0;
    uint64_t offset = 0;
    if (!comma || text[0] != '(' || text[size - 1] != ')')
        return false;
    if (!get_digits(text + 1, (size_t)(comma - text) - 1, UINT32_MAX, &block) ||
        !get_digits(comma + 1, (size_t)(text + size - comma) - 2, UINT16_MAX, &offset))
        return false;
    *ret_block = (uint32_t)block;
    *ret_offset = (uint16_t)offset;
    return true;
}

Status row_parts_tid(const RowParts *parts, size_t place, uint32_t *ret_block, uint16_t *ret_offset,
                     Error *err)
{
    const uint8_t *value = NULL;
    size_t begin = parts->begins[place];
    if (parts->format == ROW_PG_TEXT) {
        if (!parse_tid(parts->row + begin, parts->ends[place] - begin, ret_block, ret_offset))
            return refuse(err);
        return STATUS_OK;
    }
    if (!get_binary(parts, place, sizeof(uint32_t) + sizeof(uint16_t), &value))
        return refuse(err);
    *ret_block = load_be32(value);
    *ret_offset = load_be16(value + sizeof(uint32_t));
    return STATUS_OK;
}
