/*
 * Text: a growing byte string, always NUL terminated. Bytes: a counted run of bytes that may hold
 * anything. TextList: a list of owned strings.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

typedef struct Text {
    char *data; /* never NULL after the first append; see text_string() */
    size_t size;
    size_t capacity;
} Text;

/* A Text starts as {0}. Release ends its life; clear keeps the room for the next use. */
void text_release(Text *text);
void text_clear(Text *text);
#define AUTO_TEXT __attribute__((cleanup(text_release)))

void text_append(Text *text, const char *string);
void text_append_bytes(Text *text, const void *data, size_t size);
void text_append_format(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append_arguments(Text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
void text_append_utf8(Text *text, const void *data, size_t size); /* a bad byte becomes U+FFFD */
void text_reserve(Text *text, size_t more); /* room for `more` bytes and the NUL */

const char *text_string(const Text *text); /* "" when nothing was appended; borrowed */
char *text_take(Text *text);               /* hands over the string; text is empty again */

/* Counted bytes. data may be NULL when size is 0. Who owns them stands where they are used. */
typedef struct Bytes {
    uint8_t *data;
    size_t size;
} Bytes;

Bytes bytes_copy(const void *data, size_t size); /* the caller frees with bytes_release() */
void bytes_release(Bytes *bytes);
bool bytes_equal(const Bytes *a, const Bytes *b);

typedef struct TextList {
    char **items;
    size_t count;
    size_t capacity;
} TextList;

void text_list_add(TextList *list, const char *string); /* copies */
bool text_list_has(const TextList *list, const char *string);
void text_list_release(TextList *list);
#define AUTO_TEXT_LIST __attribute__((cleanup(text_list_release)))

/* Lower-case hex of data; ret has room for 2 * size + 1. */
void hex_encode(const void *data, size_t size, char *ret);
bool hex_decode(const char *hex, uint8_t *ret, size_t size); /* exactly 2 * size digits */

/*
 * "12.3 MiB" (rounded down), "1,234,567", and "45s", "2m 05s", "2h 03m", "3d 04h": for people,
 * never for parsing. ret has size bytes; 32 are enough.
 */
void format_bytes(uint64_t bytes, char *ret, size_t size);
void format_count(uint64_t count, char *ret, size_t size);
void format_things(uint64_t count, const char *thing, char *ret,
                   size_t size); /* "1 row", "2 rows" */
void format_duration(uint64_t seconds, char *ret, size_t size);

/* "64MiB", "1G", "500k", "4096" to bytes (powers of 1024; B and iB optional). False when malformed
 * or out of range. */
bool parse_bytes(const char *text, uint64_t *ret);
bool parse_duration(const char *text, uint64_t *ret_seconds); /* "90", "90s", "10m", "2h", "1d" */
bool parse_unsigned(const char *text, uint64_t max, uint64_t *ret); /* decimal digits only */

/* Cuts at most max bytes without splitting a UTF-8 character; returns the length to keep. */
size_t utf8_cut(const char *text, size_t size, size_t max);
bool has_control_characters(const char *text); /* U+0000-001F, 007F, 0080-009F */

/* Shell pattern as in --table: *, ?, [..], and \ before a literal one; case-sensitive. */
bool pattern_matches(const char *pattern, const char *name);
