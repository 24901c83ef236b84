/* Literals that name something: 'public.s'::regclass and its kin, read as SQL in turn (trap 4). */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/retarget_inside.h"
#include "engine/flow/names.h"

/* The spaces of a reg* type's names, or 0. (regnamespace and regrole name what has no schema.) */
static unsigned reg_spaces(const SqlToken *token)
{
    static const struct {
        const char *word;
        unsigned spaces;
    } types[] = {
        {"regclass", SPACE_RELATION},   {"regtype", SPACE_TYPE},
        {"regproc", SPACE_ROUTINE},     {"regprocedure", SPACE_ROUTINE},
        {"regoper", SPACE_OPERATOR},    {"regoperator", SPACE_OPERATOR},
        {"regcollation", SPACE_OTHER},  {"regconfig", SPACE_OTHER},
        {"regdictionary", SPACE_OTHER},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (sql_is_word(token, types[i].word))
            return types[i].spaces;
    return 0;
}

/* The type that begins at `at`, perhaps with pg_catalog before it. */
static unsigned cast_spaces(const SqlTokens *tokens, size_t at, bool *ret_is_array)
{
    size_t type = 0;

    if (sql_is_word(token_behind(tokens, at, 0), "pg_catalog") &&
        sql_is(token_behind(tokens, at, 1), "."))
        type = 2;
    *ret_is_array = sql_is(token_behind(tokens, at, type + 1), "[");
    return reg_spaces(token_behind(tokens, at, type));
}

/* nextval('s'), where the server itself makes a regclass of a bare literal. */
static unsigned argument_spaces(const SqlTokens *tokens, size_t at)
{
    static const char *const functions[] = {"nextval", "currval", "setval", "to_regclass"};
    const SqlToken *function = token_before(tokens, at, 2);

    if (!sql_is(token_before(tokens, at, 1), "("))
        return 0;
    if (!sql_is(token_behind(tokens, at, 1), ")") && !sql_is(token_behind(tokens, at, 1), ","))
        return 0;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (sql_is_word(function, functions[i]))
            return SPACE_RELATION;
    return 0;
}

static unsigned literal_spaces(const SqlTokens *tokens, size_t at, bool *ret_is_array)
{
    const SqlToken *next = token_behind(tokens, at, 1);
    unsigned spaces = reg_spaces(token_before(tokens, at, 1)); /* regclass 's' */

    *ret_is_array = false;
    if (sql_is(next, "::"))
        return cast_spaces(tokens, at + 2, ret_is_array);
    if (sql_is_word(next, "as") && sql_is_word(token_before(tokens, at, 2), "cast"))
        return cast_spaces(tokens, at + 2, ret_is_array);
    return spaces != 0 ? spaces : argument_spaces(tokens, at);
}

/* One name in a reference: schema.name with the token of its schema at `at`. */
static Status find_reference(const NameMap *map, const SqlTokens *tokens, size_t at,
                             unsigned spaces, const char **ret_to, Error *err)
{
    const SqlToken *second = token_behind(tokens, at, 2);
    AUTO_FREE_MEMORY char *schema = sql_identifier(&tokens->items[at]);
    AUTO_FREE_MEMORY char *name = NULL;
    Answer answer = ANSWER_UNKNOWN;

    name = second->kind == SQL_OPERATOR ? xstrndup(second->text, second->size)
                                        : sql_identifier(second);
    return walk_ask(map, spaces, schema, name, ret_to, &answer, err);
}

/* 'public.f(public.mood)': the name in its space, types between the parentheses. */
static Status rewrite_reference(const NameMap *map, const char *reference, unsigned spaces,
                                Text *ret, bool *ret_changed, Error *err)
{
    AUTO_SQL_TOKENS SqlTokens tokens = {0};
    const char *copied = reference;
    bool in_arguments = false;
    Error ignored = {0};

    *ret_changed = false;
    if (sql_tokens_read(reference, strlen(reference), &tokens, &ignored) < 0)
        return STATUS_OK; /* names nothing: the server will say so */
    for (size_t i = 0; i < tokens.count; i++) {
        const SqlToken *token = &tokens.items[i];
        const char *to = NULL;

        in_arguments = in_arguments || sql_is(token, "(");
        if (!token_is_identifier(token) || !sql_is(token_behind(&tokens, i, 1), ".") ||
            sql_is(token_before(&tokens, i, 1), "."))
            continue;
        TRY(find_reference(map, &tokens, i, in_arguments ? SPACE_TYPE : spaces, &to, err));
        if (to == NULL)
            continue;
        text_append_bytes(ret, copied, (size_t)(token->text - copied));
        quote_identifier(ret, to);
        copied = token->text + token->size;
        *ret_changed = true;
    }
    text_append(ret, copied);
    return STATUS_OK;
}

static Status refuse_array(const char *value, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "could not rewrite the names in an array of references: %s", value);
    error_hint(err, "Write it as ARRAY['schema.name'::regclass, ...] in the source.");
    return STATUS_INVALID;
}

Status walk_literal(Walk *walk, size_t at, Error *err)
{
    const SqlToken *token = &walk->tokens.items[at];
    bool is_array = false;
    bool changed = false;
    unsigned spaces = literal_spaces(&walk->tokens, at, &is_array);
    AUTO_FREE_MEMORY char *value = spaces != 0 ? sql_string_value(token) : NULL;
    AUTO_TEXT Text rewritten = {0};
    AUTO_TEXT Text literal = {0};

    if (value == NULL)
        return STATUS_OK;
    TRY(rewrite_reference(walk->map, value, spaces, &rewritten, &changed, err));
    if (!changed)
        return STATUS_OK;
    if (is_array)
        return refuse_array(value, err);
    pg_quote_literal(&literal, text_string(&rewritten));
    walk_replace(walk, token, text_string(&literal));
    return STATUS_OK;
}

Status walk_array(const Walk *walk, size_t at, Error *err)
{
    const SqlTokens *tokens = &walk->tokens;
    bool is_array = false;
    unsigned spaces = 0;

    if (sql_is(token_behind(tokens, at, 1), "::"))
        spaces = cast_spaces(tokens, at + 2, &is_array);
    if (spaces == 0 || !is_array)
        return STATUS_OK;
    for (size_t i = at; i-- > 0 && !sql_is(&tokens->items[i], "[");) {
        AUTO_FREE_MEMORY char *value = sql_string_value(&tokens->items[i]);
        AUTO_TEXT Text rewritten = {0};
        bool changed = false;

        if (value == NULL || sql_is(token_behind(tokens, i, 1), "::"))
            continue;
        TRY(rewrite_reference(walk->map, value, spaces, &rewritten, &changed, err));
        if (changed)
            return refuse_array(value, err);
    }
    return STATUS_OK;
}
