/*
 * Results as typed cells, which print as text for people or as JSON for programs from the same
 * values. Fields are the properties of one thing, one per line; a Grid has a row for each of many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/json.h"
#include "engine/base/text.h"

typedef enum CellKind {
    CELL_NULL,
    CELL_TEXT,
    CELL_NUMBER,      /* an identifying number: as it is */
    CELL_COUNT,       /* "1,234" */
    CELL_BYTES,       /* "1.2 MiB" */
    CELL_PERCENT,     /* "43 %" */
    CELL_BOOL,        /* "yes" */
    CELL_TIME,        /* wall clock: "2026-11-20T14:31:05Z" */
    CELL_COUNT_SHARE, /* "5 of 12", {"done", "total"} */
    CELL_BYTES_SHARE,
} CellKind;

typedef enum Tone {
    TONE_PLAIN,
    TONE_GOOD,
    TONE_BAD,
} Tone;

typedef struct Cell {
    CellKind kind;
    Tone tone;
    char *text;      /* CELL_TEXT; owned by whatever the cell is added to */
    uint64_t number; /* the value, or what is done of total */
    uint64_t total;
} Cell;

Cell cell_null(void);
Cell cell_text(const char *text); /* copies; NULL gives a null cell */
Cell cell_number(uint64_t number);
Cell cell_count(uint64_t count);
Cell cell_bytes(uint64_t bytes);
Cell cell_percent(unsigned percent);
Cell cell_bool(bool value);
Cell cell_time(int64_t wall_us); /* 0 gives a null cell */
Cell cell_count_share(uint64_t done, uint64_t total);
Cell cell_bytes_share(uint64_t done, uint64_t total);
Cell cell_toned(Cell cell, Tone tone);

/* Who gets a field: some things are said to people in other words than to programs. */
typedef enum Readers {
    FOR_ALL,
    FOR_PEOPLE,
    FOR_PROGRAMS,
} Readers;

typedef struct Field {
    const char *key; /* lives longer than the fields */
    Cell cell;
    Readers readers;
} Field;

typedef struct Fields {
    Field *items;
    size_t count;
    size_t capacity;
} Fields;

void fields_release(Fields *fields);
#define AUTO_FIELDS __attribute__((cleanup(fields_release)))

void fields_add(Fields *fields, Readers readers, const char *key, Cell cell);
/* Text leaves out what is null; keys show with blanks for '_'. JSON has every key. */
void fields_print(const Fields *fields, const char *indent, bool coloured, Text *ret);
void fields_set(const Fields *fields, Json *object);

typedef struct Grid {
    const char *const *keys; /* ends with NULL; headings in text */
    size_t column_count;
    Cell *cells; /* row by row */
    size_t count;
    size_t capacity;
} Grid;

Grid grid(const char *const *keys);
void grid_release(Grid *table);
#define AUTO_GRID __attribute__((cleanup(grid_release)))

/* The next cell, from left to right; a row is full when every column has one. */
void grid_add(Grid *table, Cell cell);
/* Text leaves out a column that is null in every row; numbers stand right. */
void grid_print(const Grid *table, bool coloured, Text *ret);
Json *grid_json(const Grid *table);

/* Does stdout want colours: a terminal, and no NO_COLOR. */
bool wants_colour(void);
