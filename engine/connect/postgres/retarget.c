#include "engine/connect/postgres/retarget.h"

#include <stdint.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/retarget_inside.h"
#include "engine/flow/names.h"

/* ---- writing ---- */

static void copy_until(Walk *walk, const char *at)
{
    text_append_bytes(walk->out, walk->copied, (size_t)(at - walk->copied));
    walk->copied = at;
}

void walk_insert(Walk *walk, const SqlToken *token, const char *new_text)
{
    copy_until(walk, token->text);
    text_append(walk->out, new_text);
    walk->changed = true;
}

void walk_replace(Walk *walk, const SqlToken *token, const char *new_text)
{
    walk_insert(walk, token, new_text);
    walk->copied = token->text + token->size;
}

/* ---- aliases ---- */

static void find_aliases(Walk *walk)
{
    const SqlTokens *tokens = &walk->tokens;

    walk->has_aliases = true;
    for (size_t i = 0; i < tokens->count; i++) {
        if (!token_is_identifier(&tokens->items[i]) || sql_is(token_behind(tokens, i, 1), ".") ||
            sql_is_word(token_before(tokens, i, 1), "schema"))
            continue;

        AUTO_FREE_MEMORY char *name = sql_identifier(&tokens->items[i]);

        if (name_map_has_schema(walk->map, name) && !text_list_has(&walk->aliases, name))
            text_list_add(&walk->aliases, name);
    }
}

/* Trap 4: a schema whose name stands there alone, too, is perhaps a table's alias, a table, an
 * argument or a variable; users.id is then a column of that. */
static bool is_alias(Walk *walk, const char *schema)
{
    for (; walk != NULL; walk = walk->outer) {
        if (!walk->has_aliases)
            find_aliases(walk);
        if (text_list_has(&walk->aliases, schema))
            return true;
    }
    return false;
}

/* ---- qualified names ---- */

Status walk_ask(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                const char **ret_to, Answer *ret_answer, Error *err)
{
    const char *to = NULL;
    Answer answer = name_map_ask(map, spaces, schema, name, &to);

    if (answer == ANSWER_AMBIGUOUS) {
        (void)error_kind(err, ERROR_REFUSED,
                         "could not tell which \"%s.%s\" is meant: one is migrated, another stays "
                         "or belongs to an extension",
                         schema, name);
        error_hint(err, "Rename the migrated one in the source, or move the extension to a schema "
                        "of its own.");
        return STATUS_INVALID;
    }
    *ret_to = answer == ANSWER_KNOWN && strcmp(to, schema) != 0 ? to : NULL;
    *ret_answer = answer;
    return STATUS_OK;
}

static bool begins_chain(const SqlTokens *tokens, size_t at)
{
    return token_is_identifier(&tokens->items[at]) && sql_is(token_behind(tokens, at, 1), ".") &&
           !sql_is(token_before(tokens, at, 1), ".");
}

/* a.b, a.b.c, a.b.*, a.+ ; what follows a dot without being a name belongs to nobody. */
static Chain read_chain(const SqlTokens *tokens, size_t at)
{
    Chain chain = {.first = at, .last = at, .parts = 1};

    while (!chain.is_operator && sql_is(token_behind(tokens, chain.last, 1), ".")) {
        const SqlToken *part = token_behind(tokens, chain.last, 2);

        if (!token_is_identifier(part) && part->kind != SQL_OPERATOR)
            break;
        chain.is_operator = part->kind == SQL_OPERATOR;
        chain.parts++;
        chain.last += 2;
    }
    if (chain.is_operator && chain.parts > 2) /* schema.table.* */
        chain.is_operator = false;
    return chain;
}

static char *second_name(const SqlTokens *tokens, const Chain *chain)
{
    const SqlToken *token = token_behind(tokens, chain->first, 2);

    return chain->is_operator ? xstrndup(token->text, token->size) : sql_identifier(token);
}

/* Overloads in several schemas: the server tells them apart, by the path (retarget.h). */
static bool is_left_to_path(const Walk *walk, const Chain *chain, unsigned spaces,
                            const char *schema, const char *name)
{
    const char *to = NULL;
    bool is_call =
        spaces == SPACE_ROUTINE && sql_is(token_behind(&walk->tokens, chain->last, 1), "(");

    return walk->path != NULL && chain->parts == 2 && (is_call || spaces == SPACE_OPERATOR) &&
           name_map_ask(walk->map, spaces, schema, name, &to) == ANSWER_AMBIGUOUS;
}

static void drop_schema(Walk *walk, const Chain *chain)
{
    walk_replace(walk, &walk->tokens.items[chain->first], "");
    walk->copied = token_behind(&walk->tokens, chain->first, 2)->text;
}

static Status walk_chain(Walk *walk, const Chain *chain, Error *err)
{
    const SqlToken *token = &walk->tokens.items[chain->first];
    NamePlace place = scope_place(&walk->scope, &walk->tokens, chain);
    AUTO_FREE_MEMORY char *schema = sql_identifier(token);
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_TEXT Text quoted = {0};
    const char *to = NULL;
    Answer answer = ANSWER_UNKNOWN;

    if (chain->parts < 2 || !name_map_has_schema(walk->map, schema))
        return STATUS_OK;
    name = second_name(&walk->tokens, chain);
    if (is_left_to_path(walk, chain, place.spaces, schema, name)) {
        name_map_answers(walk->map, place.spaces, schema, name, walk->path);
        drop_schema(walk, chain);
        return STATUS_OK;
    }
    if (place.spaces != 0)
        TRY(walk_ask(walk->map, place.spaces, schema, name, &to, &answer, err));
    if (answer == ANSWER_UNKNOWN && place.spaces_else != 0 &&
        !(place.needs_no_alias && is_alias(walk, schema)))
        TRY(walk_ask(walk->map, place.spaces_else, schema, name, &to, &answer, err));
    if (to == NULL)
        return STATUS_OK;
    quote_identifier(&quoted, to);
    walk_replace(walk, token, text_string(&quoted));
    return STATUS_OK;
}

/* ---- the walk ---- */

static Status walk_token(Walk *walk, size_t at, Error *err)
{
    const SqlToken *token = &walk->tokens.items[at];

    if (at == walk->body)
        return walk_body(walk, err);
    if (token->kind == SQL_STRING || token->kind == SQL_DOLLAR)
        return walk_literal(walk, at, err);
    if (sql_is(token, "]"))
        return walk_array(walk, at, err);
    if (sql_is_word(token, "search_path"))
        walk_search_path(walk, at);
    return STATUS_OK;
}

static Status walk_all(Walk *walk, Error *err)
{
    size_t at = 0;

    while (at < walk->tokens.count) {
        if (begins_chain(&walk->tokens, at)) {
            Chain chain = read_chain(&walk->tokens, at);

            TRY(walk_chain(walk, &chain, err));
            at = chain.last + 1;
        } else {
            if (scope_step(&walk->scope, &walk->tokens, at))
                walk_find_body(walk, at);
            TRY(walk_token(walk, at, err));
            at++;
        }
    }
    return STATUS_OK;
}

static void walk_release(Walk *walk)
{
    sql_tokens_release(&walk->tokens);
    scope_release(&walk->scope);
    text_list_release(&walk->aliases);
}
#define AUTO_WALK __attribute__((cleanup(walk_release)))

static Status walk_text(const NameMap *map, Walk *outer, const char *sql, TextList *path, Text *ret,
                        bool *ret_changed, Error *err)
{
    size_t size = strlen(sql);
    AUTO_TEXT Text out = {0};
    AUTO_WALK Walk walk = {
        .map = map, .outer = outer, .body = SIZE_MAX, .path = path, .copied = sql, .out = &out};

    TRY(sql_tokens_read(sql, size, &walk.tokens, err));
    scope_begin(&walk.scope);
    TRY(walk_all(&walk, err));
    copy_until(&walk, sql + size);
    text_append_bytes(ret, text_string(&out), out.size);
    if (ret_changed != NULL)
        *ret_changed = walk.changed;
    return STATUS_OK;
}

Status retarget_inner(const NameMap *map, Walk *outer, const char *sql, Text *ret,
                      bool *ret_changed, Error *err)
{
    return walk_text(map, outer, sql, NULL, ret, ret_changed, err);
}

Status retarget_on_path(const NameMap *map, const char *sql, Text *ret, TextList *ret_path,
                        Error *err)
{
    return walk_text(map, NULL, sql, ret_path, ret, NULL, err);
}

Status retarget(const NameMap *map, const char *sql, Text *ret, bool *ret_changed, Error *err)
{
    return retarget_inner(map, NULL, sql, ret, ret_changed, err);
}
