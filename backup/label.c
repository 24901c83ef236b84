#include "backup/label.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

enum {
    TIME_SIZE = 16, /* YYYYMMDDTHHMMSSZ */
    SEQUENCE_DIGITS = 4,
    SEQUENCE_MAX_DIGITS = 18,
    NAME_MAX_SIZE = 64,
    SLUG_MAX_SIZE = 40,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_of_name(char c)
{
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* Exactly the form of clock_format_compact(): what reads as a time is written again and compared. */
static bool parse_time(const char *text, int64_t *ret_us)
{
    struct tm utc = {0};
    char again[32];
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &utc);

    if (end == NULL || end - text != TIME_SIZE)
        return false;
    *ret_us = (int64_t)timegm(&utc) * 1000000;
    clock_format_compact(*ret_us, again, sizeof(again));
    return strncmp(again, text, TIME_SIZE) == 0;
}

/* Digits without needless zeros: one number has one form. */
static size_t parse_sequence(const char *text, uint64_t *ret)
{
    size_t digits = 0;

    *ret = 0;
    for (; digits <= SEQUENCE_MAX_DIGITS && is_digit(text[digits]); digits++)
        *ret = *ret * 10 + (uint64_t)(text[digits] - '0');
    if (digits < SEQUENCE_DIGITS || digits > SEQUENCE_MAX_DIGITS || *ret == 0 ||
        (digits > SEQUENCE_DIGITS && text[0] == '0'))
        return 0;
    return digits;
}

static bool is_name(const char *name, size_t size)
{
    if (size == 0 || size > NAME_MAX_SIZE || !is_letter_or_digit(name[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_of_name(name[i]))
            return false;
    return true;
}

bool label_parse(const char *directory_name, Label *ret)
{
    size_t size = strlen(directory_name);
    const char *at = directory_name + TIME_SIZE + 1;
    size_t digits = 0;
    Label label = {0};

    if (ends_with(directory_name, size, LABEL_PARTIAL)) {
        label.is_partial = true;
        size -= strlen(LABEL_PARTIAL);
    }
    if (size <= TIME_SIZE + 1 || directory_name[TIME_SIZE] != '-' ||
        !parse_time(directory_name, &label.started_us))
        return false;
    digits = parse_sequence(at, &label.sequence);
    if (digits == 0 || at[digits] != '-')
        return false;
    at += digits + 1;
    if (at >= directory_name + size || !is_name(at, (size_t)(directory_name + size - at)))
        return false;
    *ret = label;
    return true;
}

char *label_make(int64_t started_us, uint64_t sequence, const char *slug)
{
    char when[32];

    clock_format_compact(started_us, when, sizeof(when));
    return xasprintf("%s-%0*" PRIu64 "-%s", when, SEQUENCE_DIGITS, sequence, slug);
}

static Status refuse_name(const char *name, Error *err)
{
    AUTO_TEXT Text visible = {0};

    text_append_utf8(&visible, name, strlen(name));
    (void)error_kind(err, ERROR_USAGE, "\"%.*s\" cannot be the name of a backup",
                     (int)utf8_cut(text_string(&visible), visible.size, NAME_MAX_SIZE),
                     text_string(&visible));
    return STATUS_INVALID;
}

Status backup_name_check(const char *name, Error *err)
{
    size_t size = strlen(name);
    Label label;

    if (!is_name(name, size)) {
        (void)refuse_name(name, err);
        error_hint(err,
                   "A name has 1 to %d letters, digits, dots, underscores or hyphens, and begins "
                   "with a letter or a digit.",
                   NAME_MAX_SIZE);
        return STATUS_INVALID;
    }
    if (strcmp(name, NAME_LATEST) == 0 || strcmp(name, NAME_LATEST_FAILED) == 0 ||
        ends_with(name, size, LABEL_PARTIAL) || label_parse(name, &label)) {
        (void)refuse_name(name, err);
        error_hint(err, "It means something else already: choose another one.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

char *backup_slug(const char *text)
{
    size_t size = utf8_cut(text, strlen(text), SLUG_MAX_SIZE);
    char *slug = xstrndup(text, size);

    for (size_t i = 0; i < size; i++)
        if (!is_of_name(slug[i]))
            slug[i] = '_';
    if (!is_name(slug, size)) { /* empty, or it begins with a dot or the like */
        char *shorter = xasprintf("x%.*s", SLUG_MAX_SIZE - 1, slug);

        free(slug);
        slug = shorter;
        size = strlen(slug);
    }
    if (ends_with(slug, size, LABEL_PARTIAL))
        slug[size - strlen(LABEL_PARTIAL)] = '_';
    return slug;
}

char *backup_made_name(const char *what, int64_t started_us)
{
    AUTO_FREE_MEMORY char *slug = backup_slug(what);
    char when[32];

    clock_format_compact(started_us, when, sizeof(when));
    return xasprintf("%s_%s", slug, when);
}
