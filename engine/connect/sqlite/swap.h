/*
 * A swap: an edit of sqlite_schema that gives tables and indexes other names and statements, and
 * removes and adds views and triggers, in the transaction of the caller. Promotion is one, and the
 * way back is one. Notes and invariants are in swap.c; swap_text.c writes it down and reads it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/connect/sqlite/schema.h"

#define SWAP_LIVE "live" /* the role of a table that is not ours: else name_role_word() */

typedef struct SwapEdit {
    char *type;    /* "table" or "index" */
    char *from;    /* its name now */
    char *old_sql; /* its statement now: else it is not what the swap was planned for */
    char *to;
    char *table; /* the table it belongs to, by its name afterwards */
    char *sql;   /* its statement afterwards, byte for byte */
    char *role;  /* afterwards */
} SwapEdit;

typedef struct Swap {
    SwapEdit *edits;
    size_t edit_count;
    size_t edit_capacity;
    Schema removed; /* views and triggers that go */
    Schema added;   /* views and triggers that come, in an order in which they can */
    bool has_settings;
    int64_t user_version;
    int64_t application_id;
    SwapEdit **by_from; /* see swap_index() */
} Swap;

void swap_release(Swap *swap);
#define AUTO_SWAP __attribute__((cleanup(swap_release)))

SwapEdit *swap_add_edit(Swap *swap); /* zeroed; borrowed until the next add */
void swap_index(Swap *swap);         /* after the last edit is added */

/* The edit of that table or index, by its name before; NULL when it has none. */
const SwapEdit *swap_find(const Swap *swap, const char *from);

/* Is this view or trigger among the removed? */
bool swap_removes(const Swap *swap, const SchemaRow *row);

/* As text, and back (indexed). The caller frees the text. */
char *swap_print(const Swap *swap);
Status swap_parse(const char *text, Swap *ret, Error *err);

/*
 * Inside a writing transaction. ERROR_REFUSED, naming the object, when the schema as it is now is
 * not what the swap was planned for. After any failure the transaction must be rolled back.
 */
Status swap_apply(Db *db, const Schema *now, const Swap *swap, Error *err);
