/* What tokens mean: names without their quotes, strings without quotes and escapes. */
#include <stdint.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"

enum {
    NAME_MAX_BYTES = 63, /* NAMEDATALEN - 1: the server cuts what is longer */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Up to max digits; returns how many. */
static size_t read_hex(const char *at, const char *end, size_t max, uint32_t *ret)
{
    size_t count = 0;

    *ret = 0;
    while (count < max && at + count < end && hex_digit(at[count]) >= 0)
        *ret = *ret * 16 + (uint32_t)hex_digit(at[count++]);
    return count;
}

static void append_byte(Text *text, unsigned value)
{
    char byte = (char)(unsigned char)value;

    text_append_bytes(text, &byte, 1);
}

static void append_code_point(Text *text, uint32_t code)
{
    if (code < 0x80) {
        append_byte(text, code);
    } else if (code < 0x800) {
        append_byte(text, 0xC0 | code >> 6);
        append_byte(text, 0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        append_byte(text, 0xE0 | code >> 12);
        append_byte(text, 0x80 | (code >> 6 & 0x3F));
        append_byte(text, 0x80 | (code & 0x3F));
    } else {
        append_byte(text, 0xF0 | (code >> 18 & 0x07));
        append_byte(text, 0x80 | (code >> 12 & 0x3F));
        append_byte(text, 0x80 | (code >> 6 & 0x3F));
        append_byte(text, 0x80 | (code & 0x3F));
    }
}

/* Two escapes may make one character: the halves of a surrogate pair. */
static void append_escaped(Text *text, uint32_t code, uint32_t *high)
{
    if (code >= 0xD800 && code < 0xDC00) {
        *high = code;
        return;
    }
    if (*high != 0 && code >= 0xDC00 && code < 0xE000)
        code = 0x10000 + ((*high - 0xD800) << 10) + (code - 0xDC00);
    *high = 0;
    append_code_point(text, code);
}

/* \ooo of E''; at stands on the first octal digit. */
static const char *append_octal(Text *text, const char *at, const char *end)
{
    unsigned value = 0;

    for (size_t i = 0; i < 3 && at < end && *at >= '0' && *at <= '7'; i++)
        value = value * 8 + (unsigned)(*at++ - '0');
    append_byte(text, value & 0xFF);
    return at;
}

/* at stands behind the backslash of E''; returns what follows the escape. */
static const char *append_escape(Text *text, const char *at, const char *end, uint32_t *high)
{
    static const char letters[] = "bfnrt";
    static const char values[] = "\b\f\n\r\t";
    const char *letter = NULL;
    uint32_t code = 0;
    size_t digits = 0;

    if (at >= end)
        return at;
    if (*at >= '0' && *at <= '7')
        return append_octal(text, at, end);
    if (*at == 'x' && (digits = read_hex(at + 1, end, 2, &code)) > 0) {
        append_byte(text, code);
        return at + 1 + digits;
    }
    if (*at == 'u' || *at == 'U') {
        digits = read_hex(at + 1, end, *at == 'u' ? 4 : 8, &code);
        append_escaped(text, code, high);
        return at + 1 + digits;
    }
    letter = strchr(letters, *at);
    append_byte(text,
                (unsigned char)(letter != NULL && *at != '\0' ? values[letter - letters] : *at));
    return at + 1;
}

/* \XXXX and \+XXXXXX of U&''; at stands behind the backslash. (UESCAPE is not looked for: neither
 * pg_dump nor the server writes such strings.) */
static const char *append_unicode(Text *text, const char *at, const char *end, uint32_t *high)
{
    uint32_t code = 0;
    size_t plus = at < end && *at == '+' ? 1 : 0;
    size_t digits = read_hex(at + plus, end, plus > 0 ? 6 : 4, &code);

    if (at < end && *at == '\\') {
        append_byte(text, '\\');
        return at + 1;
    }
    append_escaped(text, code, high);
    return at + plus + digits;
}

typedef enum QuoteStyle {
    QUOTE_PLAIN,
    QUOTE_ESCAPES, /* E'' */
    QUOTE_UNICODE, /* U&'' and U&"" */
} QuoteStyle;

/* What stands between the quotes; at on the opening one. Returns what follows the closing one. */
static const char *append_quoted(Text *text, const char *at, const char *end, QuoteStyle style)
{
    char quote = *at++;
    uint32_t high = 0;

    while (at < end) {
        if (*at == quote) {
            if (end - at < 2 || at[1] != quote)
                return at + 1;
            append_byte(text, (unsigned char)quote);
            at += 2;
        } else if (*at == '\\' && style == QUOTE_ESCAPES) {
            at = append_escape(text, at + 1, end, &high);
        } else if (*at == '\\' && style == QUOTE_UNICODE) {
            at = append_unicode(text, at + 1, end, &high);
        } else {
            append_byte(text, (unsigned char)*at++);
        }
    }
    return at;
}

static char *word_identifier(const SqlToken *token)
{
    char *name = xstrndup(token->text, token->size);

    for (char *at = name; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return name;
}

char *sql_identifier(const SqlToken *token)
{
    Text text = {0};
    char *name = NULL;
    bool is_unicode = token->size > 2 && token->text[1] == '&';

    if (token->kind == SQL_NAME) {
        (void)append_quoted(&text, token->text + (is_unicode ? 2 : 0), token->text + token->size,
                            is_unicode ? QUOTE_UNICODE : QUOTE_PLAIN);
        name = text_take(&text);
    } else {
        name = word_identifier(token);
    }
    name[utf8_cut(name, strlen(name), NAME_MAX_BYTES)] = '\0';
    return name;
}

static char *dollar_value(const SqlToken *token)
{
    const char *second = memchr(token->text + 1, '$', token->size - 1);
    size_t tag = second == NULL ? 1 : (size_t)(second + 1 - token->text);

    return token->size < 2 * tag ? xstrdup("") : xstrndup(token->text + tag, token->size - 2 * tag);
}

/* The next quote of a string that goes on on another line, behind blanks and line comments. */
static const char *next_piece(const char *at, const char *end)
{
    while (at < end && *at != '\'') {
        if (*at == '-')
            while (at < end && *at != '\n' && *at != '\r')
                at++;
        else
            at++;
    }
    return at < end ? at : NULL;
}

char *sql_string_value(const SqlToken *token)
{
    const char *end = token->text + token->size;
    const char *at = memchr(token->text, '\'', token->size);
    QuoteStyle style = QUOTE_PLAIN;
    Text text = {0};

    if (token->kind == SQL_DOLLAR)
        return dollar_value(token);
    if (token->kind != SQL_STRING || strchr("bBxX", *token->text) != NULL)
        return NULL;
    if (*token->text == 'e' || *token->text == 'E')
        style = QUOTE_ESCAPES;
    else if (*token->text == 'u' || *token->text == 'U')
        style = QUOTE_UNICODE;
    while (at != NULL)
        at = next_piece(append_quoted(&text, at, end, style), end);
    return text_take(&text);
}
