#include "tools/print.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"

Cell cell_null(void)
{
    return (Cell){.kind = CELL_NULL};
}

Cell cell_text(const char *text)
{
    return text != NULL ? (Cell){.kind = CELL_TEXT, .text = xstrdup(text)} : cell_null();
}

Cell cell_number(uint64_t number)
{
    return (Cell){.kind = CELL_NUMBER, .number = number};
}

Cell cell_count(uint64_t count)
{
    return (Cell){.kind = CELL_COUNT, .number = count};
}

Cell cell_bytes(uint64_t bytes)
{
    return (Cell){.kind = CELL_BYTES, .number = bytes};
}

Cell cell_percent(unsigned percent)
{
    return (Cell){.kind = CELL_PERCENT, .number = percent};
}

Cell cell_bool(bool value)
{
    return (Cell){.kind = CELL_BOOL, .number = value};
}

Cell cell_time(int64_t wall_us)
{
    return wall_us != 0 ? (Cell){.kind = CELL_TIME, .number = (uint64_t)wall_us} : cell_null();
}

Cell cell_count_share(uint64_t done, uint64_t total)
{
    return (Cell){.kind = CELL_COUNT_SHARE, .number = done, .total = total};
}

Cell cell_bytes_share(uint64_t done, uint64_t total)
{
    return (Cell){.kind = CELL_BYTES_SHARE, .number = done, .total = total};
}

Cell cell_toned(Cell cell, Tone tone)
{
    cell.tone = tone;
    return cell;
}

/* ---- one cell ---- */

static void append_number(uint64_t number, bool is_bytes, Text *ret)
{
    char formatted[32];

    if (is_bytes)
        format_bytes(number, formatted, sizeof(formatted));
    else
        format_count(number, formatted, sizeof(formatted));
    text_append(ret, formatted);
}

static void append_cell(const Cell *cell, Text *ret)
{
    char formatted[32];

    switch (cell->kind) {
    case CELL_NULL:
        text_append(ret, "-");
        break;
    case CELL_TEXT: /* what would steer the terminal becomes a blank */
        for (const char *c = cell->text; *c != '\0'; c++)
            text_append_bytes(ret, (unsigned char)*c < 0x20 || *c == 0x7F ? " " : c, 1);
        break;
    case CELL_NUMBER:
        text_append_format(ret, "%" PRIu64, cell->number);
        break;
    case CELL_PERCENT:
        text_append_format(ret, "%" PRIu64 " %%", cell->number);
        break;
    case CELL_COUNT:
    case CELL_BYTES:
        append_number(cell->number, cell->kind == CELL_BYTES, ret);
        break;
    case CELL_BOOL:
        text_append(ret, cell->number != 0 ? "yes" : "no");
        break;
    case CELL_TIME:
        clock_format((int64_t)cell->number, formatted, sizeof(formatted));
        text_append(ret, formatted);
        break;
    case CELL_COUNT_SHARE:
    case CELL_BYTES_SHARE:
        append_number(cell->number, cell->kind == CELL_BYTES_SHARE, ret);
        text_append(ret, " of ");
        append_number(cell->total, cell->kind == CELL_BYTES_SHARE, ret);
        break;
    }
}

static Json *share_json(const Cell *cell)
{
    Json *share = json_object();

    json_set_unsigned(share, "done", cell->number);
    json_set_unsigned(share, "total", cell->total);
    return share;
}

static void set_cell(Json *object, const char *key, const Cell *cell)
{
    char formatted[32];

    switch (cell->kind) {
    case CELL_NULL:
    case CELL_TEXT:
        json_set_string(object, key, cell->text);
        break;
    case CELL_NUMBER:
    case CELL_PERCENT:
    case CELL_COUNT:
    case CELL_BYTES:
        json_set_unsigned(object, key, cell->number);
        break;
    case CELL_BOOL:
        json_set_bool(object, key, cell->number != 0);
        break;
    case CELL_TIME:
        clock_format((int64_t)cell->number, formatted, sizeof(formatted));
        json_set_string(object, key, formatted);
        break;
    case CELL_COUNT_SHARE:
    case CELL_BYTES_SHARE:
        json_set(object, key, share_json(cell));
        break;
    }
}

/* How many columns of a terminal a text takes: its characters, without combining ones in mind. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void append_blanks(size_t count, Text *ret)
{
    for (size_t i = 0; i < count; i++)
        text_append(ret, " ");
}

static void append_toned(const Cell *cell, bool coloured, Text *ret)
{
    bool is_toned = coloured && cell->tone != TONE_PLAIN;

    if (is_toned)
        text_append(ret, cell->tone == TONE_GOOD ? "\033[32m" : "\033[31m");
    append_cell(cell, ret);
    if (is_toned)
        text_append(ret, "\033[0m");
}

/* ---- fields ---- */

void fields_release(Fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        free(fields->items[i].cell.text);
    free(fields->items);
    *fields = (Fields){0};
}

void fields_add(Fields *fields, Readers readers, const char *key, Cell cell)
{
    GROW(fields->items, fields->count, fields->capacity);
    fields->items[fields->count++] = (Field){.key = key, .cell = cell, .readers = readers};
}

static bool is_shown(const Field *field)
{
    return field->readers != FOR_PROGRAMS && field->cell.kind != CELL_NULL;
}

void fields_print(const Fields *fields, const char *indent, bool coloured, Text *ret)
{
    size_t width = 0;

    for (size_t i = 0; i < fields->count; i++)
        if (is_shown(&fields->items[i]) && strlen(fields->items[i].key) > width)
            width = strlen(fields->items[i].key);
    for (size_t i = 0; i < fields->count; i++) {
        const Field *field = &fields->items[i];

        if (!is_shown(field))
            continue;
        text_append(ret, indent);
        for (const char *c = field->key; *c != '\0'; c++)
            text_append_bytes(ret, *c == '_' ? " " : c, 1);
        append_blanks(width - strlen(field->key) + 2, ret);
        append_toned(&field->cell, coloured, ret);
        text_append(ret, "\n");
    }
}

void fields_set(const Fields *fields, Json *object)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->items[i].readers != FOR_PEOPLE)
            set_cell(object, fields->items[i].key, &fields->items[i].cell);
}

/* ---- grid ---- */

Grid grid(const char *const *keys)
{
    Grid table = {.keys = keys};

    while (keys[table.column_count] != NULL)
        table.column_count++;
    return table;
}

void grid_release(Grid *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (Grid){0};
}

void grid_add(Grid *table, Cell cell)
{
    GROW(table->cells, table->count, table->capacity);
    table->cells[table->count++] = cell;
}

static bool stands_right(CellKind kind)
{
    return kind == CELL_NUMBER || kind == CELL_COUNT || kind == CELL_BYTES || kind == CELL_PERCENT;
}

static size_t cell_width(const Cell *cell)
{
    AUTO_TEXT Text text = {0};

    append_cell(cell, &text);
    return width_of(text_string(&text));
}

/* 0: the column is null in every row, and not shown. */
static size_t measure_column(const Grid *table, size_t column, bool *ret_right)
{
    size_t width = strlen(table->keys[column]);
    bool is_filled = false;

    for (size_t i = column; i < table->count; i += table->column_count) {
        size_t wanted = cell_width(&table->cells[i]);

        width = wanted > width ? wanted : width;
        if (table->cells[i].kind == CELL_NULL)
            continue;
        is_filled = true;
        *ret_right = stands_right(table->cells[i].kind);
    }
    return is_filled ? width : 0;
}

/* What stands in a column of its own width: a row, or the headings when cells is NULL. */
static void append_row(const Grid *table, const size_t *widths, const bool *right,
                       const Cell *cells, bool coloured, Text *ret)
{
    size_t owed = 0; /* blanks before the next cell: none at the end of a line */

    for (size_t column = 0; column < table->column_count; column++) {
        size_t blanks = 0;

        if (widths[column] == 0)
            continue;
        blanks = widths[column] -
                 (cells != NULL ? cell_width(&cells[column]) : strlen(table->keys[column]));
        append_blanks(owed + (right[column] ? blanks : 0), ret);
        owed = 2 + (right[column] ? 0 : blanks);
        if (cells != NULL) {
            append_toned(&cells[column], coloured, ret);
            continue;
        }
        for (const char *c = table->keys[column]; *c != '\0'; c++) {
            char letter = (char)toupper((unsigned char)(*c == '_' ? ' ' : *c));

            text_append_bytes(ret, &letter, 1);
        }
    }
    text_append(ret, "\n");
}

void grid_print(const Grid *table, bool coloured, Text *ret)
{
    AUTO_FREE_MEMORY size_t *widths = xcalloc(table->column_count, sizeof(*widths));
    AUTO_FREE_MEMORY bool *right = xcalloc(table->column_count, sizeof(*right));

    assert(table->count % table->column_count == 0);
    for (size_t column = 0; column < table->column_count; column++)
        widths[column] = measure_column(table, column, &right[column]);
    append_row(table, widths, right, NULL, coloured, ret);
    for (size_t i = 0; i < table->count; i += table->column_count)
        append_row(table, widths, right, &table->cells[i], coloured, ret);
}

Json *grid_json(const Grid *table)
{
    Json *rows = json_array();

    assert(table->count % table->column_count == 0);
    for (size_t i = 0; i < table->count; i += table->column_count) {
        Json *row = json_object();

        for (size_t column = 0; column < table->column_count; column++)
            set_cell(row, table->keys[column], &table->cells[i + column]);
        json_add(rows, row);
    }
    return rows;
}

bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return (no_colour == NULL || *no_colour == '\0') && isatty(STDOUT_FILENO) == 1 &&
           term != NULL && strcmp(term, "dumb") != 0;
}
