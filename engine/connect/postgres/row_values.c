#include "engine/connect/postgres/row_values.h"

#include <string.h>

#include "engine/flow/big_endian.h"

enum {
    NUMBER_MAX_DIGITS = 20,
};

static Status refuse(Error *err)
{
    return error_set(err, STATUS_FAILED, "the server sent a row of another shape than asked for");
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
