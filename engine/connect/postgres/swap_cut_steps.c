#include "engine/connect/postgres/swap_cut_inside.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_back_inside.h"
#include "engine/flow/names.h"

static char *qualified(const char *schema, const char *name)
{
    AUTO_TEXT Text text = {0};

    quote_identifier(&text, schema);
    text_append_format(&text, ".%s", name);
    return text_take(&text);
}

static char *create_schema(const char *name)
{
    AUTO_TEXT Text text = {0};

    text_append(&text, "create schema ");
    quote_identifier(&text, name);
    text_append(&text, ";");
    return text_take(&text);
}

/* What the set's own statements are known by. */
typedef struct Belonging {
    TextList of;      /* steps of these */
    TextList keys;    /* and none of these is among them */
    TextList needed;  /* statements that move: each must be there */
    TextList schemas; /* statements that make schemas: those that are there still */
    TextList locks;   /* names that the others need not lock any more */
} Belonging;

static void belonging_release(Belonging *belonging)
{
    text_list_release(&belonging->of);
    text_list_release(&belonging->keys);
    text_list_release(&belonging->needed);
    text_list_release(&belonging->schemas);
    text_list_release(&belonging->locks);
}

static void add_once(TextList *list, const char *string)
{
    if (!text_list_has(list, string))
        text_list_add(list, string);
}

static void add_move(const Cut *cut, const PgRows *rows, size_t row, Belonging *ret, Swap *swap)
{
    const char *live = pg_value(rows, row, MOVE_LIVE);
    const char *kind = pg_value(rows, row, MOVE_KIND);
    const char *name = pg_value(rows, row, MOVE_NAME);
    bool is_promoted = pg_is_true(rows, row, MOVE_IS_PROMOTED);
    AUTO_FREE_MEMORY char *undone =
        name_for_role(live, NAME_UNDONE, cut->identity->id, CUT_NAME_MAX_BYTES);
    AUTO_FREE_MEMORY char *from = qualified(pg_value(rows, row, MOVE_SCHEMA), name);
    AUTO_FREE_MEMORY char *live_name = qualified(live, name);
    AUTO_FREE_MEMORY char *of = swap_of(kind, live_name);
    AUTO_FREE_MEMORY char *key_of = swap_of("key of", live_name);
    AUTO_FREE_MEMORY char *made = create_schema(undone);
    AUTO_TEXT Text statement = {0};

    text_append_format(&statement, "alter %s %s set schema ", kind, from);
    quote_identifier(&statement, is_promoted ? undone : live);
    text_append(&statement, ";");
    add_once(&ret->of, of);
    add_once(&ret->keys, key_of);
    text_list_add(&ret->needed, text_string(&statement));
    if (is_promoted)
        add_once(&ret->schemas, made);
    if (strcmp(kind, "table") != 0)
        return;
    text_list_add(&ret->locks, from);
    text_list_add(is_promoted ? &swap->live_locks : &swap->staged_locks, from);
}

static void take_step(Swap *swap, SwapStep *step)
{
    *swap_add(swap) = *step;
    *step = (SwapStep){0};
}

/* Each step of the way back goes to the set or to the rest. */
static Status divide_steps(Cut *cut, Swap *back, const Belonging *belonging, Error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < back->count; i++) {
        SwapStep *step = &back->steps[i];
        bool is_ours = step->of != NULL ? text_list_has(&belonging->of, step->of)
                                        : text_list_has(&belonging->schemas, step->forward);

        if (step->of != NULL && text_list_has(&belonging->keys, step->of))
            return error_kind(
                err, ERROR_REFUSED,
                "the set cannot be cut: what it replaced had a foreign key to a table "
                "that stays (%s)",
                step->words != NULL ? step->words : step->of);
        found += is_ours && text_list_has(&belonging->needed, step->forward);
        take_step(is_ours ? &cut->swap : &cut->rest, step);
    }
    if (found != belonging->needed.count)
        return error_kind(err, ERROR_REFUSED,
                          "the set cannot be cut: something of it was made since the promotion");
    return STATUS_OK;
}

static void copy_others(const TextList *from, const TextList *without, TextList *to)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!text_list_has(without, from->items[i]))
            text_list_add(to, from->items[i]);
    }
}

Status swap_cut_divide(Cut *cut, const PgRows *moves, Error *err)
{
    __attribute__((cleanup(belonging_release))) Belonging belonging = {0};
    static const TextList none = {0};
    AUTO_SWAP Swap back = {0};

    TRY(swap_back_read(cut->connection, cut->identity, &back, err));
    for (size_t i = 0; i < pg_row_count(moves); i++)
        add_move(cut, moves, i, &belonging, &cut->swap);
    copy_others(&back.staged_locks, &belonging.locks, &cut->rest.staged_locks);
    copy_others(&back.live_locks, &belonging.locks, &cut->rest.live_locks);
    copy_others(&back.validate, &none, &cut->rest.validate);

    Status status = divide_steps(cut, &back, &belonging, err);

    if (status < 0 && err->hint[0] == '\0')
        error_hint(err, "Nothing was changed. Leave out --table: then all goes back.");
    return status;
}
