#include "engine/connect/postgres/copy_rows.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/row_walk.h"

enum {
    SIGNATURE_SIZE = 11,
    FIXED_HEADER_SIZE = 19, /* signature, flags, length of the extension */
    EXTENSION_AT = 15,
    EXTENSION_MAX = 64 * 1024,
    CRITICAL_FLAGS_AT = 11, /* bits 16 to 31: unknown ones must not be ignored */
    TRAILER_SIZE = 2,
};

#define CARRY_MAX_BYTES ((size_t)2 << 30) /* no server makes a row of more than 1 GiB */

/* Source: PostgreSQL manual, "COPY", "Binary Format". */
static const char signature[] = "PGCOPY\n\377\r\n";

void copy_rows_begin(CopyRows *rows, RowFormat format)
{
    rows->format = format;
    rows->is_past_header = format == ROW_PG_TEXT;
    rows->is_past_trailer = false;
    rows->largest = 0;
    text_clear(&rows->head);
    text_release(&rows->given);
    text_release(&rows->carry);
}

void copy_rows_release(CopyRows *rows)
{
    text_release(&rows->head);
    text_release(&rows->carry);
    text_release(&rows->given);
}

static Status refuse(const char *what, Error *err)
{
    return error_set(err, STATUS_FAILED, "the server sent no COPY data as we know it: %s", what);
}

/* How many bytes the header has, as far as it is known. */
static size_t header_size(const Text *head)
{
    if (head->size < FIXED_HEADER_SIZE)
        return FIXED_HEADER_SIZE;
    return FIXED_HEADER_SIZE + load_be32((const uint8_t *)head->data + EXTENSION_AT);
}

/* Takes what belongs to the header off the message. */
static Status take_header(CopyRows *rows, const uint8_t **data, size_t *size, Error *err)
{
    while (rows->head.size < header_size(&rows->head) && *size > 0) {
        size_t missing = header_size(&rows->head) - rows->head.size;
        size_t taken = missing < *size ? missing : *size;
        text_append_bytes(&rows->head, *data, taken);
        *data += taken;
        *size -= taken;
        if (header_size(&rows->head) > FIXED_HEADER_SIZE + EXTENSION_MAX)
            return refuse("the header is too long", err);
    }
    if (rows->head.size < header_size(&rows->head))
        return STATUS_OK;
    if (memcmp(rows->head.data, signature, SIGNATURE_SIZE) != 0)
        return refuse("the signature is missing", err);
    if (load_be16((const uint8_t *)rows->head.data + CRITICAL_FLAGS_AT) != 0)
        return refuse("unknown flags", err);
    rows->is_past_header = true;
    return STATUS_OK;
}

static bool is_trailer(const uint8_t *data, size_t size)
{
    return size >= TRAILER_SIZE && load_be16(data) == UINT16_MAX; /* -1 instead of a field count */
}

/* The whole rows at the front of data; what follows them is a part of a row, or the trailer. */
static Block walk(CopyRows *rows, const uint8_t *data, size_t size)
{
    Block run = {.data = data};
    while (run.size < size) {
        const uint8_t *at = data + run.size;
        size_t left = size - run.size;
        if (rows->format != ROW_PG_TEXT && is_trailer(at, left))
            break;
        size_t row =
            rows->format == ROW_PG_TEXT ? walk_text_row(at, left) : walk_binary_row(at, left);
        if (row == 0)
            break;
        if (row > rows->largest)
            rows->largest = row;
        run.size += row;
        run.rows++;
    }
    return run;
}

/* What is behind the last whole row: the trailer, or what a later message completes. */
static Status keep_rest(CopyRows *rows, const uint8_t *data, size_t size, Error *err)
{
    if (rows->format != ROW_PG_TEXT && is_trailer(data, size)) {
        rows->is_past_trailer = true;
        return size == TRAILER_SIZE ? STATUS_OK : refuse("more follows the end", err);
    }
    if (size > CARRY_MAX_BYTES - rows->carry.size)
        return refuse("a row does not end", err);
    if (size > 0)
        text_append_bytes(&rows->carry, data, size);
    return STATUS_OK;
}

/* The carry has the beginning of a row, and the message goes on with it. */
static Status continue_carry(CopyRows *rows, const uint8_t *data, size_t size, Block *ret,
                             Error *err)
{
    if (rows->format == ROW_PG_TEXT && !memchr(data, '\n', size))
        return keep_rest(rows, data, size, err); /* no row ends here: nothing to look for again */
    text_append_bytes(&rows->carry, data, size);
    Block run = walk(rows, (const uint8_t *)rows->carry.data, rows->carry.size);
    bool is_end = rows->format != ROW_PG_TEXT && is_trailer(run.data, rows->carry.size);
    if (run.rows == 0 && !is_end)
        return rows->carry.size > CARRY_MAX_BYTES ? refuse("a row does not end", err) : STATUS_OK;
    rows->given = rows->carry; /* the rows stay where they are; what follows them moves */
    rows->carry = (Text){0};
    TRY(keep_rest(rows, run.data + run.size, rows->given.size - run.size, err));
    *ret = run;
    return STATUS_OK;
}

Status copy_rows_take(CopyRows *rows, const uint8_t *data, size_t size, Block *ret, Error *err)
{
    *ret = (Block){0};
    if (rows->given.capacity > 0)
        text_release(&rows->given);
    if (size > rows->largest)
        rows->largest = size;
    if (!rows->is_past_header) {
        TRY(take_header(rows, &data, &size, err));
        if (!rows->is_past_header)
            return STATUS_OK;
    }
    if (size == 0)
        return STATUS_OK;
    if (rows->is_past_trailer)
        return refuse("more follows the end", err);
    if (rows->carry.size > 0)
        return continue_carry(rows, data, size, ret, err);
    Block run = walk(rows, data, size);
    TRY(keep_rest(rows, data + run.size, size - run.size, err));
    *ret = run;
    return STATUS_OK;
}

Status copy_rows_end(const CopyRows *rows, Error *err)
{
    if (rows->carry.size > 0)
        return refuse("it ended within a row", err);
    if (rows->format != ROW_PG_TEXT && !rows->is_past_trailer)
        return refuse("it ended before its end was told", err);
    return STATUS_OK;
}
