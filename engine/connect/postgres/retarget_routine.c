/* Bodies of routines and pinned search paths (trap 5), and whether a body builds its own SQL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/retarget_inside.h"
#include "engine/flow/names.h"

typedef struct Routine {
    char *language; /* as the server knows it; NULL when not given */
    size_t body;    /* token, SIZE_MAX when there is none that is text */
    size_t bodies;  /* C has two: the file and the symbol */
} Routine;

static void release_routine(Routine *routine)
{
    free(routine->language);
}
#define AUTO_ROUTINE __attribute__((cleanup(release_routine)))

static bool makes_routine(const SqlTokens *tokens, size_t at)
{
    const SqlToken *kind = NULL;

    if (!sql_is_word(token_behind(tokens, at, 0), "create"))
        return false;
    if (sql_is_word(token_behind(tokens, at, 1), "or"))
        at += 2;
    kind = token_behind(tokens, at, 1);
    return sql_is_word(kind, "function") || sql_is_word(kind, "procedure");
}

static char *language_name(const SqlToken *token)
{
    AUTO_FREE_MEMORY char *value = sql_string_value(token);

    if (value == NULL)
        return sql_identifier(token);
    for (char *c = value; *c != '\0'; c++) /* LANGUAGE 'SQL' is folded as well */
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return TAKE(value);
}

/* From the first token of the statement to its end. */
static void read_routine(const SqlTokens *tokens, size_t at, Routine *ret)
{
    unsigned depth = 0;

    *ret = (Routine){.body = SIZE_MAX};
    for (; at < tokens->count; at++) {
        const SqlToken *token = &tokens->items[at];
        const SqlToken *next = token_behind(tokens, at, 1);

        if (sql_is(token, "(")) {
            depth++;
        } else if (sql_is(token, ")") && depth > 0) {
            depth--;
        } else if (depth > 0) {
            continue;
        } else if (sql_is(token, ";") || sql_is_word(token, "atomic")) {
            return;
        } else if (sql_is_word(token, "language") && ret->language == NULL) {
            ret->language = language_name(next);
        } else if (sql_is_word(token, "as") &&
                   (next->kind == SQL_STRING || next->kind == SQL_DOLLAR)) {
            ret->body = at + 1;
        }
    }
}

static bool has_readable_body(const Routine *routine)
{
    return routine->body != SIZE_MAX && routine->language != NULL &&
           (strcmp(routine->language, "sql") == 0 || strcmp(routine->language, "plpgsql") == 0);
}

void walk_find_body(Walk *walk, size_t at)
{
    AUTO_ROUTINE Routine routine = {0};

    walk->body = SIZE_MAX;
    if (!makes_routine(&walk->tokens, at))
        return;
    read_routine(&walk->tokens, at, &routine);
    if (has_readable_body(&routine))
        walk->body = routine.body;
}

/* ---- the body ---- */

/* The tag may not occur in the body, nor begin in it: a body may end in $. */
static bool is_free_tag(const char *body, const char *tag)
{
    AUTO_FREE_MEMORY char *closed = xasprintf("%s%s", body, tag);

    return strstr(closed, tag) == closed + strlen(body);
}

/* The tag it has, if that will do. */
static char *choose_tag(const SqlToken *token, const char *body)
{
    const char *second = memchr(token->text + 1, '$', token->size - 1);
    char *tag =
        second == NULL ? xstrdup("$$") : xstrndup(token->text, (size_t)(second + 1 - token->text));

    for (unsigned i = 1; !is_free_tag(body, tag); i++) {
        free(tag);
        tag = xasprintf("$body_%u$", i);
    }
    return tag;
}

static void append_body(Text *text, const SqlToken *token, const char *body)
{
    if (token->kind == SQL_STRING) {
        pg_quote_literal(text, body);
        return;
    }

    AUTO_FREE_MEMORY char *tag = choose_tag(token, body);

    text_append_format(text, "%s%s%s", tag, body, tag);
}

Status walk_body(Walk *walk, Error *err)
{
    const SqlToken *token = &walk->tokens.items[walk->body];
    AUTO_FREE_MEMORY char *body = sql_string_value(token);
    AUTO_TEXT Text rewritten = {0};
    AUTO_TEXT Text quoted = {0};
    bool changed = false;
    Status status = STATUS_OK;

    if (body == NULL)
        return STATUS_OK;
    status = retarget_inner(walk->map, walk, body, &rewritten, &changed, err);
    if (status < 0) {
        error_prefix(err, "body of a function");
        return status;
    }
    if (!changed)
        return STATUS_OK;
    append_body(&quoted, token, text_string(&rewritten));
    walk_replace(walk, token, text_string(&quoted));
    return STATUS_OK;
}

/* ---- SET search_path ---- */

static bool is_set(const SqlTokens *tokens, size_t at)
{
    const SqlToken *before = token_before(tokens, at, 1);

    if (sql_is_word(before, "local") || sql_is_word(before, "session"))
        before = token_before(tokens, at, 2);
    return sql_is_word(before, "set");
}

static void insert_path(Walk *walk, const SqlToken *token, TextList *end)
{
    AUTO_FREE_MEMORY char *value = sql_string_value(token);
    AUTO_FREE_MEMORY char *schema = value != NULL ? TAKE(value) : sql_identifier(token);
    const char *path = name_map_path(walk->map, schema);
    const TextList *more = name_map_path_end(walk->map, schema);
    AUTO_TEXT Text text = {0};

    for (size_t i = 0; i < more->count; i++) {
        if (!text_list_has(end, more->items[i]))
            text_list_add(end, more->items[i]);
    }
    if (path == NULL)
        return;
    quote_identifier(&text, path);
    text_append(&text, ", ");
    walk_insert(walk, token, text_string(&text));
}

static void append_path(Walk *walk, const SqlToken *last, const TextList *end)
{
    AUTO_TEXT Text text = {0};

    if (end->count == 0)
        return;
    text_append_bytes(&text, last->text, last->size);
    for (size_t i = 0; i < end->count; i++) {
        text_append(&text, ", ");
        quote_identifier(&text, end->items[i]);
    }
    walk_replace(walk, last, text_string(&text));
}

void walk_search_path(Walk *walk, size_t at)
{
    const SqlTokens *tokens = &walk->tokens;
    const SqlToken *next = token_behind(tokens, at, 1);
    AUTO_TEXT_LIST TextList end = {0};

    if (!is_set(tokens, at) || (!sql_is_word(next, "to") && !sql_is(next, "=")))
        return;
    do {
        const SqlToken *token = token_behind(tokens, at, 2);

        if (!token_is_identifier(token) && token->kind != SQL_STRING)
            return;
        insert_path(walk, token, &end);
        at += 2;
    } while (sql_is(token_behind(tokens, at, 1), ","));
    append_path(walk, token_behind(tokens, at, 0), &end);
}

/* ---- dynamic bodies ---- */

/* Functions of the server and its usual extensions that run SQL given as text. */
static bool runs_text(const SqlToken *token)
{
    static const char *const functions[] = {
        "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema",
        "ts_stat",      "crosstab",           "crosstab2",
        "crosstab3",    "crosstab4",          "connectby"};

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (sql_is_word(token, functions[i]))
            return true;
    return false;
}

/* GRANT EXECUTE ON and EXECUTE FUNCTION of a trigger run nothing; set_config() of search_path makes
 * names mean what cannot be seen here. */
static bool is_dynamic_at(const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];
    const SqlToken *next = token_behind(tokens, at, 1);
    const SqlToken *argument = token_behind(tokens, at, 2);

    if (sql_is_word(token, "execute"))
        return !sql_is_word(next, "on") && !sql_is_word(next, "function") &&
               !sql_is_word(next, "procedure");
    if (!sql_is(next, "("))
        return false;
    if (runs_text(token))
        return true;
    if (!sql_is_word(token, "set_config"))
        return false;

    AUTO_FREE_MEMORY char *setting = sql_string_value(argument);

    return setting == NULL || strcasecmp(setting, "search_path") == 0;
}

static Status is_dynamic_body(const char *body, bool *ret, Error *err)
{
    AUTO_SQL_TOKENS SqlTokens tokens = {0};

    TRY(sql_tokens_read(body, strlen(body), &tokens, err));
    *ret = false;
    for (size_t i = 0; i < tokens.count && !*ret; i++)
        *ret = is_dynamic_at(&tokens, i);
    return STATUS_OK;
}

Status routine_is_dynamic(const char *entry, bool *ret_dynamic, char **ret_language, Error *err)
{
    AUTO_SQL_TOKENS SqlTokens tokens = {0};
    AUTO_ROUTINE Routine routine = {0};
    bool is_dynamic = false;

    TRY(sql_tokens_read(entry, strlen(entry), &tokens, err));
    if (!makes_routine(&tokens, 0))
        return error_set(err, STATUS_FAILED, "could not read the entry of a function");
    read_routine(&tokens, 0, &routine);
    if (has_readable_body(&routine)) {
        AUTO_FREE_MEMORY char *body = sql_string_value(&tokens.items[routine.body]);

        if (body != NULL)
            TRY(is_dynamic_body(body, &is_dynamic, err));
    }
    if (ret_language != NULL) /* without one it is SQL: BEGIN ATOMIC and RETURN need none */
        *ret_language = routine.language != NULL ? TAKE(routine.language) : xstrdup("sql");
    *ret_dynamic = is_dynamic;
    return STATUS_OK;
}
