#include "engine/base/text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"

void text_release(Text *text)
{
    free(text->data);
    *text = (Text){0};
}

void text_clear(Text *text)
{
    text->size = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

void text_reserve(Text *text, size_t more)
{
    size_t needed = 0;
    size_t capacity = text->capacity > 0 ? text->capacity : 64;

    if (__builtin_add_overflow(text->size, more, &needed) ||
        __builtin_add_overflow(needed, 1, &needed))
        out_of_memory();
    if (needed <= text->capacity)
        return;
    while (capacity < needed)
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            capacity = needed;
    text->data = xrealloc(text->data, capacity);
    text->capacity = capacity;
    text->data[text->size] = '\0';
}

void text_append(Text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_append_bytes(Text *text, const void *data, size_t size)
{
    text_reserve(text, size);
    if (size > 0)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_append_format(Text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_append_arguments(text, format, arguments);
    va_end(arguments);
}

void text_append_arguments(Text *text, const char *format, va_list arguments)
{
    va_list again;
    int length = 0;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        out_of_memory();
    text_reserve(text, (size_t)length);
    (void)vsnprintf(text->data + text->size, (size_t)length + 1, format, arguments);
    text->size += (size_t)length;
}

/* The size of the well-formed character at data, or 0: no overlong forms, no surrogates. */
static size_t measure_character(const uint8_t *data, size_t size)
{
    uint8_t first = data[0];
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    if (length == 1)
        return 1;
    if (first < 0xC2 || first > 0xF4 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && data[1] < 0xA0) || (first == 0xED && data[1] > 0x9F) ||
        (first == 0xF0 && data[1] < 0x90) || (first == 0xF4 && data[1] > 0x8F))
        return 0;
    return length;
}

void text_append_utf8(Text *text, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t start = 0; /* of the good bytes not appended yet */
    size_t at = 0;

    while (at < size) {
        size_t length = measure_character(bytes + at, size - at);

        if (length == 0) {
            text_append_bytes(text, bytes + start, at - start);
            text_append(text, "\xEF\xBF\xBD");
            start = at + 1;
            length = 1;
        }
        at += length;
    }
    if (at > start)
        text_append_bytes(text, bytes + start, at - start);
}

const char *text_string(const Text *text)
{
    return text->data != NULL ? text->data : "";
}

char *text_take(Text *text)
{
    char *string = text->data != NULL ? text->data : xstrdup("");

    *text = (Text){0};
    return string;
}

Bytes bytes_copy(const void *data, size_t size)
{
    return (Bytes){.data = size > 0 ? xmemdup(data, size) : NULL, .size = size};
}

void bytes_release(Bytes *bytes)
{
    free(bytes->data);
    *bytes = (Bytes){0};
}

bool bytes_equal(const Bytes *a, const Bytes *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

void text_list_add(TextList *list, const char *string)
{
    GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = xstrdup(string);
}

bool text_list_has(const TextList *list, const char *string)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], string) == 0)
            return true;
    return false;
}

void text_list_release(TextList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (TextList){0};
}

void hex_encode(const void *data, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * size] = '\0';
}

static int read_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_decode(const char *hex, uint8_t *ret, size_t size)
{
    if (strlen(hex) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (read_hex_digit(hex[2 * i]) < 0 || read_hex_digit(hex[2 * i + 1]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        ret[i] = (uint8_t)(read_hex_digit(hex[2 * i]) * 16 + read_hex_digit(hex[2 * i + 1]));
    return true;
}

void format_bytes(uint64_t bytes, char *ret, size_t size)
{
    static const char units[] = "KMGTPE";
    size_t exponent = 0;
    uint64_t unit = 1;

    while (bytes / unit >= 1024) {
        unit *= 1024;
        exponent++;
    }
    if (exponent == 0)
        (void)snprintf(ret, size, "%" PRIu64 " B", bytes);
    else
        (void)snprintf(ret, size, "%" PRIu64 ".%" PRIu64 " %ciB", bytes / unit,
                       bytes % unit * 10 / unit, units[exponent - 1]);
}

void format_count(uint64_t count, char *ret, size_t size)
{
    char digits[24];
    char grouped[32];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
    size_t end = 0;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            grouped[end++] = ',';
        grouped[end++] = digits[i];
    }
    grouped[end] = '\0';
    (void)snprintf(ret, size, "%s", grouped);
}

void format_things(uint64_t count, const char *thing, char *ret, size_t size)
{
    char number[32];

    format_count(count, number, sizeof(number));
    (void)snprintf(ret, size, "%s %s%s", number, thing, count == 1 ? "" : "s");
}

void format_duration(uint64_t seconds, char *ret, size_t size)
{
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;

    if (minutes == 0)
        (void)snprintf(ret, size, "%" PRIu64 "s", seconds);
    else if (hours == 0)
        (void)snprintf(ret, size, "%" PRIu64 "m %02" PRIu64 "s", minutes, seconds % 60);
    else if (hours < 24)
        (void)snprintf(ret, size, "%" PRIu64 "h %02" PRIu64 "m", hours, minutes % 60);
    else
        (void)snprintf(ret, size, "%" PRIu64 "d %02" PRIu64 "h", hours / 24, hours % 24);
}

/* Reads the digits at the start of text; returns what follows them, or NULL. */
static const char *read_digits(const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!isdigit((unsigned char)*text))
        return NULL;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return NULL;
    *ret = value;
    return text;
}

bool parse_bytes(const char *text, uint64_t *ret)
{
    static const char units[] = "kmgtpe";
    uint64_t value = 0;
    const char *suffix = read_digits(text, &value);
    const char *unit = NULL;

    if (suffix == NULL)
        return false;
    if (*suffix != '\0')
        unit = strchr(units, tolower((unsigned char)*suffix));
    if (unit != NULL) {
        if (__builtin_mul_overflow(value, UINT64_C(1) << (10 * (unit - units + 1)), &value))
            return false;
        suffix++;
        if (strcasecmp(suffix, "iB") == 0)
            suffix += 2;
    }
    if (strcasecmp(suffix, "B") == 0)
        suffix++;
    if (*suffix != '\0')
        return false;
    *ret = value;
    return true;
}

bool parse_duration(const char *text, uint64_t *ret_seconds)
{
    static const struct {
        const char *suffix;
        uint64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    uint64_t value = 0;
    const char *suffix = read_digits(text, &value);

    if (suffix == NULL)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(suffix, units[i].suffix) == 0) {
            if (__builtin_mul_overflow(value, units[i].seconds, &value))
                return false;
            *ret_seconds = value;
            return true;
        }
    return false;
}

bool parse_unsigned(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    const char *rest = read_digits(text, &value);

    if (rest == NULL || *rest != '\0' || value > max)
        return false;
    *ret = value;
    return true;
}

size_t utf8_cut(const char *text, size_t size, size_t max)
{
    size_t cut = max;

    if (size <= max)
        return size;
    /* At most three bytes of a character follow its first; more is not UTF-8, and cut anywhere. */
    while (cut > 0 && max - cut < 4 && ((uint8_t)text[cut] & 0xC0) == 0x80)
        cut--;
    return max - cut < 4 ? cut : max;
}

bool has_control_characters(const char *text)
{
    const uint8_t *byte = (const uint8_t *)text;

    for (; *byte != '\0'; byte++)
        if (*byte < 0x20 || *byte == 0x7F || (byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] < 0xA0))
            return true;
    return false;
}

bool pattern_matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}
