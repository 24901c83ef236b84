#include "engine/flow/codec.h"

#include <assert.h>
#include <string.h>

#include "engine/flow/big_endian.h"
#include "engine/flow/row_walk.h"

enum {
    TAG_SIZE = 1,
    HEAD_SIZE = sizeof(uint32_t) + TAG_SIZE,
    NUMBER_SIZE = TAG_SIZE + sizeof(uint64_t),
};

/* Room for size bytes and the NUL at the end of text. */
static inline uint8_t *make_room(Text *text, size_t size)
{
    if (text->capacity - text->size <= size)
        text_reserve(text, size);
    return (uint8_t *)text->data + text->size;
}

static inline void keep_written(Text *text, size_t size)
{
    text->size += size;
    text->data[text->size] = '\0';
}

void encode_row(Text *text, uint16_t field_count)
{
    assert(field_count <= ROW_MAX_FIELDS);
    store_be16(make_room(text, sizeof(field_count)), field_count);
    keep_written(text, sizeof(field_count));
}

static void encode_null(Text *text)
{
    store_be32(make_room(text, sizeof(uint32_t)), FIELD_NULL);
    keep_written(text, sizeof(uint32_t));
}

static void encode_number(Text *text, ValueType type, uint64_t bits)
{
    uint8_t *at = make_room(text, HEAD_SIZE + sizeof(bits));

    store_be32(at, NUMBER_SIZE);
    at[sizeof(uint32_t)] = (uint8_t)type;
    store_be64(at + HEAD_SIZE, bits);
    keep_written(text, HEAD_SIZE + sizeof(bits));
}

static void encode_data(Text *text, const Value *value)
{
    assert(value->size <= VALUE_MAX_SIZE);

    uint8_t *at = make_room(text, HEAD_SIZE + value->size);

    store_be32(at, (uint32_t)value->size + TAG_SIZE);
    at[sizeof(uint32_t)] = (uint8_t)value->type;
    if (value->size > 0)
        memcpy(at + HEAD_SIZE, value->data, value->size);
    keep_written(text, HEAD_SIZE + value->size);
}

void encode_value(Text *text, const Value *value)
{
    uint64_t bits;

    switch (value->type) {
    case VALUE_NULL:
        encode_null(text);
        return;
    case VALUE_INTEGER:
        encode_number(text, value->type, (uint64_t)value->integer);
        return;
    case VALUE_REAL:
        memcpy(&bits, &value->real, sizeof(bits));
        encode_number(text, value->type, bits);
        return;
    case VALUE_TEXT:
    case VALUE_TEXT16:
    case VALUE_BLOB:
        encode_data(text, value);
        return;
    }
    assert(false); /* not one of ours */
}

Status row_reader_begin(RowReader *reader, const uint8_t *row, size_t size, Error *err)
{
    if (size < sizeof(uint16_t) || load_be16(row) > ROW_MAX_FIELDS)
        return error_set(err, STATUS_FAILED, "malformed row: no field count");
    *reader = (RowReader){
        .at = row + sizeof(uint16_t),
        .end = row + size,
        .field_count = load_be16(row),
    };
    return STATUS_OK;
}

static Status fail_field(const RowReader *reader, const char *what, Error *err)
{
    return error_set(err, STATUS_FAILED, "malformed row: field %u of %u %s",
                     (unsigned)reader->fields_read + 1, (unsigned)reader->field_count, what);
}

/* field is the tag and what follows it: at least one byte. */
static Status decode_field(const RowReader *reader, const uint8_t *field, size_t size, Value *ret,
                           Error *err)
{
    ValueType type = (ValueType)field[0];
    uint64_t bits;
    double real;

    switch (type) {
    case VALUE_INTEGER:
    case VALUE_REAL:
        if (size != NUMBER_SIZE)
            return fail_field(reader, "is a number of the wrong size", err);
        bits = load_be64(field + TAG_SIZE);
        memcpy(&real, &bits, sizeof(real));
        *ret = type == VALUE_INTEGER ? (Value){.type = type, .integer = (int64_t)bits}
                                     : (Value){.type = type, .real = real};
        return STATUS_OK;
    case VALUE_TEXT:
    case VALUE_TEXT16:
    case VALUE_BLOB:
        *ret = (Value){.type = type, .data = field + TAG_SIZE, .size = size - TAG_SIZE};
        return STATUS_OK;
    case VALUE_NULL: /* NULL has a length of its own and no tag */
        break;
    }
    return fail_field(reader, "has an unknown tag", err);
}

Status row_reader_next(RowReader *reader, Value *ret, Error *err)
{
    size_t left = (size_t)(reader->end - reader->at);
    uint32_t length;

    if (reader->fields_read == reader->field_count) {
        if (left > 0)
            return error_set(err, STATUS_FAILED, "malformed row: %zu bytes after the last field",
                             left);
        return STATUS_DONE;
    }
    if (left < sizeof(length))
        return fail_field(reader, "is cut off", err);
    length = load_be32(reader->at);
    left -= sizeof(length);
    if (length == FIELD_NULL) {
        *ret = (Value){.type = VALUE_NULL};
        length = 0;
    } else if (length == 0) {
        return fail_field(reader, "has no tag", err);
    } else if (length > INT32_MAX || length > left) {
        return fail_field(reader, "is cut off", err);
    } else {
        TRY(decode_field(reader, reader->at + sizeof(length), length, ret, err));
    }
    reader->at += sizeof(length) + length;
    reader->fields_read++;
    return STATUS_OK;
}
