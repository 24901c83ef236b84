#include "engine/connect/postgres/swap.h"

#include "engine/base/json.h"
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/flow/names.h"

typedef struct SwapList {
    const char *name;
    size_t offset;
} SwapList;

static const SwapList lists[] = {
    {"staged_locks", offsetof(Swap, staged_locks)},
    {"live_locks", offsetof(Swap, live_locks)},
    {"validate", offsetof(Swap, validate)},
    {"validate_back", offsetof(Swap, validate_back)},
    {"staged_checks", offsetof(Swap, staged_checks)},
    {"checks", offsetof(Swap, checks)},
    {"retired_locks", offsetof(Swap, retired_locks)},
    {"promoted_locks", offsetof(Swap, promoted_locks)},
    {"watched", offsetof(Swap, watched)},
    {"watched_back", offsetof(Swap, watched_back)},
    {"bound", offsetof(Swap, bound)},
};

enum {
    LIST_COUNT = sizeof(lists) / sizeof(lists[0]),
};

static TextList *list_of(Swap *swap, size_t index)
{
    return (TextList *)(void *)((char *)swap + lists[index].offset);
}

static const TextList *const_list_of(const Swap *swap, size_t index)
{
    return (const TextList *)(const void *)((const char *)swap + lists[index].offset);
}

void pg_swap_release(Swap *swap)
{
    for (size_t i = 0; i < swap->count; i++) {
        free(swap->steps[i].words);
        free(swap->steps[i].forward);
        free(swap->steps[i].inverse);
        free(swap->steps[i].of);
    }
    free(swap->steps);
    for (size_t i = 0; i < LIST_COUNT; i++)
        text_list_release(list_of(swap, i));
    *swap = (Swap){0};
}

SwapStep *swap_add(Swap *swap)
{
    GROW(swap->steps, swap->count, swap->capacity);
    swap->steps[swap->count] = (SwapStep){0};
    return &swap->steps[swap->count++];
}

char *swap_of(const char *kind, const char *qualified)
{
    AUTO_TEXT Text text = {0};
    SqlLexer lexer;
    SqlToken token = {0};
    Error ignored = {0}; /* the server wrote it, or we did */

    text_append_format(&text, "%s ", kind);
    sql_lexer_begin(&lexer, qualified, strlen(qualified));
    while (sql_lexer_next(&lexer, &token, &ignored) >= 0 && token.kind != SQL_END) {
        if (token.kind != SQL_WORD && token.kind != SQL_NAME) {
            text_append_bytes(&text, token.text, token.size);
            continue;
        }
        AUTO_FREE_MEMORY char *name = sql_identifier(&token);

        quote_identifier(&text, name);
    }
    return text_take(&text);
}

/* ---- the way back ---- */

static void copy_list(const TextList *from, TextList *to)
{
    for (size_t i = 0; i < from->count; i++)
        text_list_add(to, from->items[i]);
}

void swap_reverse(const Swap *swap, Swap *ret)
{
    *ret = (Swap){0};
    for (size_t i = swap->count; i-- > 0;) {
        const SwapStep *step = &swap->steps[i];

        if (step->inverse == NULL)
            continue;

        SwapStep *reversed = swap_add(ret);

        reversed->words = xstrdup(step->words);
        reversed->forward = xstrdup(step->inverse);
        reversed->of = xstrdup(step->of);
    }
    copy_list(&swap->retired_locks, &ret->staged_locks);
    copy_list(&swap->promoted_locks, &ret->live_locks);
    copy_list(&swap->watched_back, &ret->watched);
    copy_list(&swap->bound, &ret->bound);
    copy_list(&swap->validate, &ret->validate);
    copy_list(&swap->validate_back, &ret->validate);
}

/* ---- as text ---- */

char *swap_write(const Swap *swap)
{
    AUTO_FREE(json_free) Json *document = json_object();
    Json *steps = json_array();

    for (size_t i = 0; i < swap->count; i++) {
        const SwapStep *step = &swap->steps[i];
        Json *item = json_object();

        if (step->words != NULL)
            json_set_string(item, "words", step->words);
        json_set_string(item, "forward", step->forward);
        if (step->inverse != NULL)
            json_set_string(item, "inverse", step->inverse);
        if (step->of != NULL)
            json_set_string(item, "of", step->of);
        json_add(steps, item);
    }
    json_set(document, "steps", steps);
    for (size_t i = 0; i < LIST_COUNT; i++) {
        const TextList *list = const_list_of(swap, i);
        Json *items = json_array();

        for (size_t j = 0; j < list->count; j++)
            json_add_string(items, list->items[j]);
        json_set(document, lists[i].name, items);
    }
    return json_print(document, false);
}

static Status unreadable(Error *err)
{
    Status status = error_kind(err, ERROR_FAILED, "the stored promotion cannot be read");

    error_hint(err, "It was written by another version or is damaged: run `stopover report` and "
                    "keep the journal.");
    return status;
}

static Status read_steps(const Json *document, Swap *ret, Error *err)
{
    const Json *steps = json_get(document, "steps");

    if (steps == NULL)
        return unreadable(err);
    for (const Json *item = json_at(steps, 0); item != NULL; item = json_next(item)) {
        const char *forward = json_get_string(item, "forward");

        if (forward == NULL)
            return unreadable(err);

        SwapStep *step = swap_add(ret);

        step->words = xstrdup(json_get_string(item, "words"));
        step->forward = xstrdup(forward);
        step->inverse = xstrdup(json_get_string(item, "inverse"));
        step->of = xstrdup(json_get_string(item, "of"));
    }
    return STATUS_OK;
}

static Status read_list(const Json *document, size_t index, Swap *ret, Error *err)
{
    const Json *items = json_get(document, lists[index].name);

    if (items == NULL)
        return unreadable(err);
    for (const Json *item = json_at(items, 0); item != NULL; item = json_next(item)) {
        if (json_string(item) == NULL)
            return unreadable(err);
        text_list_add(list_of(ret, index), json_string(item));
    }
    return STATUS_OK;
}

Status swap_read(const char *text, Swap *ret, Error *err)
{
    AUTO_FREE(json_free) Json *document = NULL;
    AUTO_SWAP Swap swap = {0};

    TRY(json_parse(text, &document, err));
    TRY(read_steps(document, &swap, err));
    for (size_t i = 0; i < LIST_COUNT; i++)
        TRY(read_list(document, i, &swap, err));
    *ret = swap;
    swap = (Swap){0};
    return STATUS_OK;
}
