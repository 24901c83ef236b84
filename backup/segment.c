#include "backup/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"

enum {
    SLUG_MAX = 100,
    LEVEL_RANDOM = 1, /* the bytes hardly compress: more effort is lost on them */
    LEVEL_TEXT = 3,
};

static char slug_character(char c)
{
    bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '.' || c == '_' || c == '-';

    if (is_safe)
        return c;
    return '_';
}

void segment_folder(const Table *table, Text *ret)
{
    AUTO_FREE_MEMORY char *name = table_display_name(table);
    size_t size = strlen(name);

    text_append_format(ret, "tables/%04" PRIu32 "-", table->id);
    for (size_t i = 0; i < size && i < SLUG_MAX; i++) {
        char c = slug_character(name[i]);

        text_append_bytes(ret, &c, 1);
    }
}

/* What follows the folder and its slash. */
static void append_file(const Segment *segment, Text *ret)
{
    switch (segment->kind) {
    case SEGMENT_ROWS:
        text_append_format(ret, "%06" PRIu32 "-%06" PRIu32 ".copy", segment->chunk,
                           segment->number);
        return;
    case SEGMENT_HEAD:
        text_append(ret, "000000-000000.head");
        return;
    case SEGMENT_TAIL:
        text_append(ret, "end.tail");
        return;
    }
}

void segment_name(const char *folder, const Segment *segment, Text *ret)
{
    text_append_format(ret, "%s/", folder);
    append_file(segment, ret);
}

/* The length of "tables/0003-slug" at the start of name; 0 when it is none. */
static size_t folder_size(const char *name, uint32_t table_id)
{
    char begin[32];
    size_t size = (size_t)snprintf(begin, sizeof(begin), "tables/%04" PRIu32 "-", table_id);
    size_t end = size;

    if (strncmp(name, begin, size) != 0)
        return 0;
    while (name[end] != '\0' && slug_character(name[end]) == name[end])
        end++;
    return end - size <= SLUG_MAX ? end : 0;
}

bool segment_name_is(const Segment *segment, const char *name, size_t *ret_folder_size)
{
    size_t size = folder_size(name, segment->table_id);
    AUTO_TEXT Text file = {0};

    append_file(segment, &file);
    if (size == 0 || name[size] != '/' || strcmp(name + size + 1, text_string(&file)) != 0)
        return false;
    if (ret_folder_size != NULL)
        *ret_folder_size = size;
    return true;
}

/* Digits up to the character `end`; moves behind it. */
static bool take_number(const char **at, char end, uint32_t *ret)
{
    char digits[11] = "";
    size_t size = strspn(*at, "0123456789");
    uint64_t value = 0;

    if (size >= sizeof(digits) || (*at)[size] != end)
        return false;
    memcpy(digits, *at, size);
    if (!parse_unsigned(digits, UINT32_MAX, &value))
        return false;
    *at += size + 1;
    *ret = (uint32_t)value;
    return true;
}

/* Reads it loosely; whether it is exactly ours is asked by making the name again. */
bool segment_parse_name(const char *name, Segment *ret)
{
    static const char begin[] = "tables/";
    Segment segment = {.kind = SEGMENT_ROWS};
    const char *file = strrchr(name, '/');
    const char *at = name + strlen(begin);

    if (strncmp(name, begin, strlen(begin)) != 0 || !take_number(&at, '-', &segment.table_id) ||
        file == NULL || file < at)
        return false;
    file++;
    if (strcmp(file, "end.tail") == 0)
        segment.kind = SEGMENT_TAIL;
    else if (strcmp(file, "000000-000000.head") == 0)
        segment.kind = SEGMENT_HEAD;
    else if (!take_number(&file, '-', &segment.chunk) || !take_number(&file, '.', &segment.number))
        return false;
    if (!segment_name_is(&segment, name, NULL))
        return false;
    *ret = segment;
    return true;
}

/* Signature, flags (none), length of the header extension (none). */
Block segment_head(void)
{
    static const uint8_t head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

    return (Block){.data = head, .size = sizeof(head)};
}

/* A row of -1 fields. */
Block segment_tail(void)
{
    static const uint8_t tail[2] = {0xFF, 0xFF};

    return (Block){.data = tail, .size = sizeof(tail)};
}

static bool is_random_type(const char *type)
{
    static const char *const begins[] = {"vector", "halfvec", "float",     "double",
                                         "real",   "bytea",   "sparsevec", "blob"};

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (strncasecmp(type, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

int segment_level(const Table *table)
{
    if (table->format == ROW_PG_BINARY)
        return LEVEL_RANDOM;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *type = table->columns[i].type;
        const char *dot = type != NULL ? strchr(type, '.') : NULL; /* public.vector(1536) */

        if (type != NULL && (is_random_type(type) || (dot != NULL && is_random_type(dot + 1))))
            return LEVEL_RANDOM;
    }
    return LEVEL_TEXT;
}
