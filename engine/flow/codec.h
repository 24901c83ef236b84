/*
 * Encodes and decodes ROW_TAGGED rows: values as SQLite stores them.
 *
 *   tag  payload
 *   'i'  int64, big-endian
 *   'r'  float64, IEEE 754 bits, big-endian (-0.0 and every finite and infinite value survive)
 *   't'  text, UTF-8 bytes as stored (may hold NUL, may be invalid UTF-8)
 *   'w'  text, UTF-16 in native byte order, from databases whose encoding is UTF-16
 *   'b'  bytes
 *   NULL is length -1, as in COPY BINARY.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/flow/rows.h"

typedef enum ValueType {
    VALUE_NULL = 0,
    VALUE_INTEGER = 'i',
    VALUE_REAL = 'r',
    VALUE_TEXT = 't',
    VALUE_TEXT16 = 'w',
    VALUE_BLOB = 'b',
} ValueType;

enum {
    VALUE_MAX_SIZE = INT32_MAX - 1, /* data of one value, so that it fits an int32 with its tag */
};

/* A value; data is borrowed from where it was read. */
typedef struct Value {
    ValueType type;
    int64_t integer;
    double real;
    const uint8_t *data;
    size_t size;
} Value;

/* Appends a row to a Text: encode_row() then encode_value() exactly field_count times. More than
 * INT16_MAX fields, or a value above VALUE_MAX_SIZE, is a programming error: refuse them before. */
void encode_row(Text *text, uint16_t field_count);
void encode_value(Text *text, const Value *value);

/* Walks the fields of one row (as delimited by row_next()). */
typedef struct RowReader {
    const uint8_t *at;
    const uint8_t *end;
    uint16_t field_count;
    uint16_t fields_read;
} RowReader;

/* STATUS_FAILED when the bytes are not a tagged row. */
Status row_reader_begin(RowReader *reader, const uint8_t *row, size_t size, Error *err);

/* STATUS_OK with a value, STATUS_DONE after the last one, STATUS_FAILED on malformed bytes. */
Status row_reader_next(RowReader *reader, Value *ret, Error *err);
