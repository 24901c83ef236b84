/*
 * Where in a statement a qualified name stands, and so in which name space it is looked up. A Scope
 * is told every token, in order, and asked at each qualified name. It follows statements, parentheses
 * and the lists behind FROM; the rest follows from the one to three words before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/connect/postgres/sql_lexer.h"

/* The tokens of a text that are not space. */
typedef struct SqlTokens {
    SqlToken *items;
    size_t count;
    size_t capacity;
} SqlTokens;

Status sql_tokens_read(const char *sql, size_t size, SqlTokens *ret, Error *err);
void sql_tokens_release(SqlTokens *tokens);
#define AUTO_SQL_TOKENS __attribute__((cleanup(sql_tokens_release)))

/* A token that is there at every place: SQL_END outside. `back` tokens before at, or behind it. */
const SqlToken *token_before(const SqlTokens *tokens, size_t at, size_t back);
const SqlToken *token_behind(const SqlTokens *tokens, size_t at, size_t ahead);
bool token_is_identifier(const SqlToken *token);

/* schema.name, schema.table.column, schema.+ : from token `first` to token `last`. */
typedef struct Chain {
    size_t first;
    size_t last;
    size_t parts;
    bool is_operator;
} Chain;

typedef enum Head { /* what kind of statement it is, as far as that matters */
                    HEAD_OTHER,
                    HEAD_AGGREGATE,
                    HEAD_CAST,
                    HEAD_CONVERSION,
                    HEAD_INDEX,
                    HEAD_OPERATOR,
                    HEAD_OPERATOR_CLASS, /* and families */
                    HEAD_ROUTINE,
                    HEAD_STATISTICS,
                    HEAD_TABLE,
                    HEAD_TEXT_SEARCH,      /* configurations and dictionaries */
                    HEAD_TEXT_SEARCH_CODE, /* parsers and templates */
                    HEAD_TYPE,
} Head;

typedef enum FrameKind { /* what stands between parentheses */
                         FRAME_PLAIN,
                         FRAME_TYPES, /* arguments of a routine: (integer, a app.mood DEFAULT 1) */
                         FRAME_COLUMNS,   /* names and their types */
                         FRAME_TABLES,    /* of a FROM list */
                         FRAME_RELATIONS, /* INHERITS (a, b) */
                         FRAME_INDEX,     /* columns of an index, with operator classes */
} FrameKind;

typedef struct Frame {
    FrameKind kind;
    bool has_query; /* SELECT, DELETE or the like stands in it: its FROM lists relations */
    bool has_using; /* DELETE, MERGE: USING lists relations */
    bool in_from;   /* a comma is followed by one more relation */
} Frame;

typedef struct Scope {
    Head head;
    bool is_create;
    Frame *frames; /* the innermost is the last; [0] is the statement */
    size_t count;
    size_t capacity;
    size_t opener; /* the token behind which a parenthesis opens a frame of kind opened */
    FrameKind opened;
} Scope;

void scope_begin(Scope *scope);
void scope_release(Scope *scope);

/* Is a relation of a FROM list or the like expected behind this token? */
bool scope_expects_relation(const Scope *scope, const SqlTokens *tokens, size_t at);

/* Tells it a token that is in no chain. Returns whether a statement begins with it. */
bool scope_step(Scope *scope, const SqlTokens *tokens, size_t at);

/*
 * What a place asks for: look in `spaces` first; when nothing is known there, in `spaces_else`.
 * needs_no_alias: only when the schema's name is not an alias, for it could be a column of that.
 */
typedef struct NamePlace {
    unsigned spaces;
    unsigned spaces_else;
    bool needs_no_alias; /* for spaces_else */
} NamePlace;

NamePlace scope_place(Scope *scope, const SqlTokens *tokens, const Chain *chain);
