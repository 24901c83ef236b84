/*
 * A tokenizer for PostgreSQL's SQL, as pg_dump and the server's deparsers write it and as people
 * write it in function bodies: identifiers plain and quoted (also U&""), strings ('', E'', B'', X'',
 * N'', U&''), dollar quotes, numbers, operators, nested comments, parameters. Source: PostgreSQL manual,
 * "Lexical Structure". Assumes standard_conforming_strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

typedef enum SqlTokenKind {
    SQL_END = 0,
    SQL_SPACE, /* white space and comments */
    SQL_WORD,  /* unquoted identifier or keyword */
    SQL_NAME,  /* "quoted identifier" */
    SQL_STRING,
    SQL_DOLLAR, /* $tag$...$tag$ */
    SQL_NUMBER,
    SQL_OPERATOR,    /* of the characters of operators, also "::" */
    SQL_PUNCTUATION, /* one of ( ) [ ] , ; . : */
    SQL_PARAMETER,   /* $1 */
} SqlTokenKind;

typedef struct SqlToken {
    SqlTokenKind kind;
    const char *text; /* into the input */
    size_t size;
} SqlToken;

typedef struct SqlLexer {
    const char *at;
    const char *end;
} SqlLexer;

void sql_lexer_begin(SqlLexer *lexer, const char *text, size_t size);
/* STATUS_OK with a token (SQL_END at the end), STATUS_FAILED for one that does not end. Tokens
 * together are the input, byte for byte. */
Status sql_lexer_next(SqlLexer *lexer, SqlToken *ret, Error *err);

bool sql_is_word(const SqlToken *token, const char *word); /* case-insensitive keyword */
bool sql_is(const SqlToken *token, const char *text);      /* exactly these bytes, not quoted */
/* The identifier it names: folded to lower case or unquoted. The caller frees. */
char *sql_identifier(const SqlToken *token);
/* The value of a string or dollar quote; NULL for B'' and X''. The caller frees. */
char *sql_string_value(const SqlToken *token);
