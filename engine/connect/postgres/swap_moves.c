/*
 * Out and in: the steps that move (W4 in swap_plan.c), and the locks that they take.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/swap_inside.h"

enum Group {
    GROUP_OTHERS, /* what has arguments, and what nothing has as an argument */
    GROUP_RELATIONS,
    GROUP_TYPES,
    GROUP_COUNT,
};

static enum Group group_of(const SwapThing *thing)
{
    static const char *const relations[] = {"table", "view", "materialized view", "sequence",
                                            "foreign table"};

    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        if (strcmp(thing->word, relations[i]) == 0)
            return GROUP_RELATIONS;
    }
    if (strcmp(thing->word, "type") == 0 || strcmp(thing->word, "domain") == 0)
        return GROUP_TYPES;
    return GROUP_OTHERS;
}

static void append_move(Text *sql, const SwapThing *thing, const char *from, const char *to)
{
    text_append_format(sql, "alter %s ", thing->word);
    quote_identifier(sql, from);
    text_append_format(sql, ".%s set schema ", thing->key);
    quote_identifier(sql, to);
    text_append(sql, ";");
}

static char *move(const SwapThing *thing, const char *from, const char *to)
{
    AUTO_TEXT Text sql = {0};

    append_move(&sql, thing, from, to);
    return text_take(&sql);
}

/* The caller frees. */
static char *live_name(const SwapThing *thing)
{
    AUTO_TEXT Text name = {0};

    quote_identifier(&name, thing->schema);
    text_append_format(&name, ".%s", thing->key);
    return text_take(&name);
}

static void add_lock(TextList *list, const char *schema, const SwapThing *thing)
{
    AUTO_TEXT Text name = {0};

    quote_identifier(&name, schema);
    text_append_format(&name, ".%s", thing->key);
    text_list_add(list, text_string(&name));
}

/* ---- out ---- */

static void plan_out(SwapWork *work, const SwapThing *thing)
{
    const SwapSchema *schema = swap_find_schema(work, thing->schema);
    AUTO_FREE_MEMORY char *name = live_name(thing);

    swap_add_step_of(work->swap, thing->word, name,
                     xasprintf("%s %s.%s is kept in %s", thing->word, thing->schema, thing->key,
                               schema->retired),
                     move(thing, schema->live, schema->retired),
                     move(thing, schema->retired, schema->live));
    if (!thing->is_table && group_of(thing) == GROUP_RELATIONS)
        add_lock(&work->swap->watched, schema->live, thing);
    if (!thing->is_table)
        return;
    add_lock(&work->swap->live_locks, schema->live, thing);
    add_lock(&work->swap->retired_locks, schema->retired, thing);
}

/* ---- in ---- */

/* Given away while it is in our schema: an owner needs CREATE where a thing is given to him, and may
 * not have it in the live one. */
static void plan_in(SwapWork *work, const SwapThing *thing)
{
    const SwapSchema *schema = swap_find_schema(work, thing->schema);
    AUTO_FREE_MEMORY char *name = live_name(thing);
    AUTO_TEXT Text forward = {0};

    if (thing->owner != NULL) {
        text_append_format(&forward, "alter %s ", thing->word);
        quote_identifier(&forward, schema->staging);
        text_append_format(&forward, ".%s owner to %s; ", thing->key, thing->owner);
    }
    append_move(&forward, thing, schema->staging, schema->live);
    swap_add_step_of(work->swap, thing->word, name,
                     xasprintf("%s %s.%s %s", thing->word, thing->schema, thing->key,
                               thing->has_other ? "is replaced" : "is new"),
                     text_take(&forward), move(thing, schema->live, schema->undone));
    if (!thing->is_table && group_of(thing) == GROUP_RELATIONS)
        add_lock(&work->swap->watched_back, schema->live, thing);
    if (!thing->is_table)
        return;
    add_lock(&work->swap->staged_locks, schema->staging, thing);
    add_lock(&work->swap->promoted_locks, schema->live, thing);
}

static void let_owners_in(SwapWork *work)
{
    AUTO_TEXT_LIST TextList done = {0};

    for (size_t i = 0; !work->is_superuser && i < work->coming.count; i++) {
        const SwapThing *thing = &work->coming.items[i];
        AUTO_TEXT Text sql = {0};

        if (thing->owner == NULL || thing->owner_is_us || thing->is_part)
            continue;
        text_append(&sql, "grant usage, create on schema ");
        quote_identifier(&sql, swap_find_schema(work, thing->schema)->staging);
        text_append_format(&sql, " to %s;", thing->owner);
        if (text_list_has(&done, text_string(&sql)))
            continue;
        text_list_add(&done, text_string(&sql));
        swap_add_step(work->swap, NULL, text_take(&sql), NULL);
    }
}

/* ---- all ---- */

static void add_outside_locks(SwapWork *work)
{
    for (size_t i = 0; i < work->outside_locks.count; i++) {
        text_list_add(&work->swap->live_locks, work->outside_locks.items[i]);
        text_list_add(&work->swap->promoted_locks, work->outside_locks.items[i]);
    }
}

void swap_plan_moves(SwapWork *work)
{
    for (int group = GROUP_OTHERS; group < GROUP_COUNT; group++) {
        for (size_t i = 0; i < work->retiring.count; i++) {
            const SwapThing *thing = &work->retiring.items[i];

            if (!thing->is_part && group_of(thing) == (enum Group)group)
                plan_out(work, thing);
        }
    }
    let_owners_in(work);
    for (int group = GROUP_COUNT - 1; group >= GROUP_OTHERS; group--) {
        for (size_t i = 0; i < work->coming.count; i++) {
            const SwapThing *thing = &work->coming.items[i];

            if (!thing->is_part && group_of(thing) == (enum Group)group)
                plan_in(work, thing);
        }
    }
    add_outside_locks(work);
}
