#include "engine/connect/postgres/scope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

static const SqlToken nothing = {.kind = SQL_END, .text = "", .size = 0};

static Status add_tokens(const char *sql, size_t size, SqlTokens *tokens, Error *err)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, sql, size);
    for (;;) {
        TRY(sql_lexer_next(&lexer, &token, err));
        if (token.kind == SQL_END)
            return STATUS_OK;
        if (token.kind == SQL_SPACE)
            continue;
        GROW(tokens->items, tokens->count, tokens->capacity);
        tokens->items[tokens->count++] = token;
    }
}

Status sql_tokens_read(const char *sql, size_t size, SqlTokens *ret, Error *err)
{
    SqlTokens tokens = {0};
    Status status = add_tokens(sql, size, &tokens, err);

    if (status < 0) {
        sql_tokens_release(&tokens);
        return status;
    }
    *ret = tokens;
    return STATUS_OK;
}

void sql_tokens_release(SqlTokens *tokens)
{
    free(tokens->items);
    *tokens = (SqlTokens){0};
}

const SqlToken *token_before(const SqlTokens *tokens, size_t at, size_t back)
{
    return back <= at ? &tokens->items[at - back] : &nothing;
}

const SqlToken *token_behind(const SqlTokens *tokens, size_t at, size_t ahead)
{
    return ahead < tokens->count - at ? &tokens->items[at + ahead] : &nothing;
}

bool token_is_identifier(const SqlToken *token)
{
    return token->kind == SQL_WORD || token->kind == SQL_NAME;
}

static bool is_one_of(const SqlToken *token, const char *const *words)
{
    for (; token->kind == SQL_WORD && *words != NULL; words++)
        if (sql_is_word(token, *words))
            return true;
    return false;
}

/* ---- statements ---- */

void scope_begin(Scope *scope)
{
    *scope = (Scope){.opener = SIZE_MAX};
    GROW(scope->frames, scope->count, scope->capacity);
    scope->frames[scope->count++] = (Frame){.kind = FRAME_PLAIN};
}

void scope_release(Scope *scope)
{
    free(scope->frames);
    *scope = (Scope){0};
}

static Frame *innermost(Scope *scope)
{
    return &scope->frames[scope->count - 1];
}

static Head read_text_search_head(const SqlToken *kind)
{
    if (sql_is_word(kind, "configuration") || sql_is_word(kind, "dictionary"))
        return HEAD_TEXT_SEARCH;
    return HEAD_TEXT_SEARCH_CODE;
}

/* By the first word that is not one of those before an object's kind. */
static Head read_head(const SqlTokens *tokens, size_t at)
{
    static const char *const before[] = {
        "on",           "or",     "replace", "temp",    "temporary", "unlogged", "unique",
        "materialized", "global", "local",   "foreign", "default",   NULL};
    static const struct {
        const char *word;
        Head head;
    } heads[] = {
        {"aggregate", HEAD_AGGREGATE},   {"cast", HEAD_CAST},   {"conversion", HEAD_CONVERSION},
        {"function", HEAD_ROUTINE},      {"index", HEAD_INDEX}, {"procedure", HEAD_ROUTINE},
        {"statistics", HEAD_STATISTICS}, {"table", HEAD_TABLE}, {"type", HEAD_TYPE}};
    const SqlToken *kind = NULL;
    const SqlToken *next = NULL;

    do {
        kind = token_behind(tokens, ++at, 0);
    } while (at < tokens->count && is_one_of(kind, before));
    if (at >= tokens->count)
        return HEAD_OTHER;
    next = token_behind(tokens, at, 1);
    if (sql_is_word(kind, "operator"))
        return sql_is_word(next, "class") || sql_is_word(next, "family") ? HEAD_OPERATOR_CLASS
                                                                         : HEAD_OPERATOR;
    if (sql_is_word(kind, "text") && sql_is_word(next, "search"))
        return read_text_search_head(token_behind(tokens, at, 2));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (sql_is_word(kind, heads[i].word))
            return heads[i].head;
    return HEAD_OTHER;
}

static bool begins_statement(const SqlTokens *tokens, size_t at)
{
    static const char *const openers[] = {"begin", "then", "else", "loop", "atomic", NULL};
    const SqlToken *before = token_before(tokens, at, 1);

    return before->kind == SQL_END || sql_is(before, ";") || is_one_of(before, openers);
}

static void step_statement(Scope *scope, const SqlTokens *tokens, size_t at)
{
    static const char *const verbs[] = {"create", "alter",  "drop",     "comment",
                                        "grant",  "revoke", "security", NULL};

    scope->head = HEAD_OTHER;
    scope->is_create = sql_is_word(&tokens->items[at], "create");
    if (is_one_of(&tokens->items[at], verbs))
        scope->head = read_head(tokens, at);
}

/* ---- parentheses ---- */

/* IS DISTINCT FROM compares; extract(year FROM x) has no query in its parentheses. */
static bool lists_relations(const Scope *scope, const SqlTokens *tokens, size_t from)
{
    const Frame *frame = &scope->frames[scope->count - 1];

    if (sql_is_word(token_before(tokens, from, 1), "distinct"))
        return false;
    return scope->count == 1 || frame->has_query;
}

bool scope_expects_relation(const Scope *scope, const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];
    const Frame *frame = &scope->frames[scope->count - 1];

    if (sql_is_word(token, "from"))
        return lists_relations(scope, tokens, at);
    if (sql_is_word(token, "using"))
        return frame->has_using;
    if (sql_is(token, ","))
        return frame->in_from;
    if (sql_is(token, "("))
        return frame->kind == FRAME_TABLES;
    return sql_is_word(token, "join") || sql_is_word(token, "lateral") ||
           sql_is_word(token, "only");
}

static bool opens_index(const Scope *scope, const SqlTokens *tokens, size_t at)
{
    const SqlToken *first = token_before(tokens, at, 1);
    const SqlToken *second = token_before(tokens, at, 2);
    const SqlToken *third = token_before(tokens, at, 3);

    if (sql_is_word(second, "using") && token_is_identifier(first))
        return scope->head == HEAD_INDEX || sql_is_word(third, "exclude");
    return sql_is_word(second, "by") && sql_is_word(third, "partition") &&
           (sql_is_word(first, "range") || sql_is_word(first, "list") ||
            sql_is_word(first, "hash"));
}

static FrameKind frame_kind(const Scope *scope, const SqlTokens *tokens, size_t at)
{
    const SqlToken *first = token_before(tokens, at, 1);

    if (at == 0)
        return FRAME_PLAIN;
    if (scope->opener == at - 1)
        return scope->opened;
    if (scope->head == HEAD_OPERATOR_CLASS && !sql_is_word(first, "operator"))
        return FRAME_TYPES;
    if (scope->head == HEAD_CAST && scope->count == 1 && sql_is_word(first, "cast"))
        return FRAME_TYPES;
    if (scope->head == HEAD_TYPE && scope->count == 1 && sql_is_word(first, "as"))
        return FRAME_COLUMNS;
    if (sql_is_word(first, "table") && sql_is_word(token_before(tokens, at, 2), "returns"))
        return FRAME_COLUMNS;
    if (sql_is_word(first, "inherits"))
        return FRAME_RELATIONS;
    if (opens_index(scope, tokens, at))
        return FRAME_INDEX;
    return scope_expects_relation(scope, tokens, at - 1) ? FRAME_TABLES : FRAME_PLAIN;
}

static void open_frame(Scope *scope, const SqlTokens *tokens, size_t at)
{
    FrameKind kind = frame_kind(scope, tokens, at);

    GROW(scope->frames, scope->count, scope->capacity);
    scope->frames[scope->count++] = (Frame){.kind = kind, .in_from = kind == FRAME_TABLES};
}

/* ---- clauses ---- */

/* DELETE FROM a USING b, MERGE INTO a USING b; but not a policy FOR DELETE USING (...). */
static bool takes_using(const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];
    const SqlToken *next = token_behind(tokens, at, 1);

    return (sql_is_word(token, "delete") && sql_is_word(next, "from")) ||
           (sql_is_word(token, "merge") && sql_is_word(next, "into"));
}

static void step_word(Scope *scope, const SqlTokens *tokens, size_t at)
{
    static const char *const queries[] = {"select", "delete", "update", "insert",
                                          "merge",  "values", NULL};
    static const char *const ends[] = {"where", "group",     "having", "order",  "limit", "offset",
                                       "fetch", "for",       "window", "union",  "set",   "into",
                                       "loop",  "intersect", "except", "values", NULL};
    const SqlToken *token = &tokens->items[at];
    Frame *frame = innermost(scope);

    if (sql_is_word(token, "from") || sql_is_word(token, "using")) {
        frame->in_from = frame->in_from || scope_expects_relation(scope, tokens, at);
        return;
    }
    if (is_one_of(token, queries)) {
        frame->has_query = true;
        frame->has_using = takes_using(tokens, at);
        frame->in_from = false;
    } else if (is_one_of(token, ends) || sql_is_word(token, "returning")) {
        frame->in_from = false;
    }
}

bool scope_step(Scope *scope, const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];
    bool begins = scope->count == 1 && begins_statement(tokens, at);

    if (begins)
        step_statement(scope, tokens, at);
    if (sql_is(token, "(")) {
        open_frame(scope, tokens, at);
    } else if (sql_is(token, ")")) {
        if (scope->count > 1)
            scope->count--;
    } else if (sql_is(token, ";")) {
        if (scope->count == 1)
            scope->head = HEAD_OTHER;
        *innermost(scope) = (Frame){.kind = FRAME_PLAIN};
    } else if (token->kind == SQL_WORD) {
        step_word(scope, tokens, at);
    }
    return begins;
}
