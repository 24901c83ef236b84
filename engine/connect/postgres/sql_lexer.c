#include "engine/connect/postgres/sql_lexer.h"

#include <string.h>
#include <strings.h>

typedef const char *Cursor;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As PostgreSQL has it: every byte of a multi-byte character is part of a name. */
static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_byte(char c)
{
    return begins_word(c) || is_digit(c) || c == '$';
}

static bool is_operator_byte(char c)
{
    return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

static bool begins_comment(Cursor at, Cursor end)
{
    return end - at >= 2 && ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'));
}

static char byte_at(Cursor at, Cursor end)
{
    if (at >= end)
        return '\0';
    return *at;
}

static Status refuse_open(const char *what, Error *err)
{
    return error_set(err, STATUS_FAILED, "could not read SQL: %s does not end", what);
}

static Cursor skip_line(Cursor at, Cursor end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

/* Behind the comment, which may hold others; NULL when it does not end. */
static Cursor skip_block_comment(Cursor at, Cursor end)
{
    unsigned depth = 0;

    while (end - at >= 2) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
            if (depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return NULL;
}

static Status read_space(SqlLexer *lexer, Error *err)
{
    while (lexer->at < lexer->end) {
        if (is_blank(*lexer->at)) {
            lexer->at++;
        } else if (!begins_comment(lexer->at, lexer->end)) {
            return STATUS_OK;
        } else if (*lexer->at == '-') {
            lexer->at = skip_line(lexer->at, lexer->end);
        } else {
            Cursor behind = skip_block_comment(lexer->at, lexer->end);

            if (behind == NULL)
                return refuse_open("a comment", err);
            lexer->at = behind;
        }
    }
    return STATUS_OK;
}

/* A string goes on behind white space and line comments with a line end among them. */
static Cursor find_continuation(Cursor at, Cursor end)
{
    bool has_line_end = false;

    while (at < end) {
        if (is_blank(*at)) {
            has_line_end = has_line_end || *at == '\n' || *at == '\r';
            at++;
        } else if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
            at = skip_line(at, end);
        } else {
            break;
        }
    }
    return has_line_end && byte_at(at, end) == '\'' ? at : NULL;
}

/* at stands on the opening quote. Behind the closing one; NULL when there is none. */
static Cursor skip_quoted(Cursor at, Cursor end, bool has_escapes)
{
    char quote = *at++;

    while (at < end) {
        if (has_escapes && *at == '\\')
            at += end - at >= 2 ? 2 : 1;
        else if (*at != quote)
            at++;
        else if (end - at >= 2 && at[1] == quote)
            at += 2;
        else
            return at + 1;
    }
    return NULL;
}

static Status read_string(SqlLexer *lexer, size_t prefix, Error *err)
{
    bool has_escapes = prefix == 1 && (*lexer->at == 'e' || *lexer->at == 'E');
    Cursor at = lexer->at + prefix;

    while (at != NULL) {
        at = skip_quoted(at, lexer->end, has_escapes);
        if (at == NULL)
            return refuse_open("a string", err);
        lexer->at = at;
        at = find_continuation(at, lexer->end);
    }
    return STATUS_OK;
}

static Status read_quoted_name(SqlLexer *lexer, size_t prefix, Error *err)
{
    Cursor at = skip_quoted(lexer->at + prefix, lexer->end, false);

    if (at == NULL)
        return refuse_open("a quoted name", err);
    lexer->at = at;
    return STATUS_OK;
}

/* The length of the opening $tag$ at `at`, or 0. */
static size_t dollar_tag(Cursor at, Cursor end)
{
    Cursor behind = at + 1;

    if (byte_at(behind, end) != '$' && !begins_word(byte_at(behind, end)))
        return 0;
    while (behind < end && (begins_word(*behind) || is_digit(*behind)))
        behind++;
    return byte_at(behind, end) == '$' ? (size_t)(behind + 1 - at) : 0;
}

static Status read_dollar(SqlLexer *lexer, SqlTokenKind *ret_kind, Error *err)
{
    size_t tag = dollar_tag(lexer->at, lexer->end);

    if (tag > 0) {
        Cursor body = lexer->at + tag;
        Cursor close = memmem(body, (size_t)(lexer->end - body), lexer->at, tag);

        if (close == NULL)
            return refuse_open("a dollar quote", err);
        lexer->at = close + tag;
        *ret_kind = SQL_DOLLAR;
        return STATUS_OK;
    }
    lexer->at++;
    *ret_kind = is_digit(byte_at(lexer->at, lexer->end)) ? SQL_PARAMETER : SQL_PUNCTUATION;
    while (is_digit(byte_at(lexer->at, lexer->end)))
        lexer->at++;
    return STATUS_OK;
}

static Cursor skip_digits(Cursor at, Cursor end)
{
    while (at < end && (is_digit(*at) || (*at == '_' && is_digit(byte_at(at + 1, end)))))
        at++;
    return at;
}

static Cursor skip_exponent(Cursor at, Cursor end)
{
    Cursor digits = at + 1;

    if (byte_at(at, end) != 'e' && byte_at(at, end) != 'E')
        return at;
    if (byte_at(digits, end) == '+' || byte_at(digits, end) == '-')
        digits++;
    return is_digit(byte_at(digits, end)) ? skip_digits(digits, end) : at;
}

/* 0x1F, 0o17 and 0b1 need no care: what follows the 0 is a word then, which harms nobody. */
static void read_number(SqlLexer *lexer)
{
    Cursor at = skip_digits(lexer->at, lexer->end);

    if (byte_at(at, lexer->end) == '.' && byte_at(at + 1, lexer->end) != '.') /* not 1..10 */
        at = skip_digits(at + 1, lexer->end);
    lexer->at = skip_exponent(at, lexer->end);
}

/* An operator of several characters ends in + or - only with one of ~!@#%^&|`? in it: a=-1. */
static void read_operator(SqlLexer *lexer)
{
    Cursor at = lexer->at;
    bool may_end_in_sign = false;

    while (at < lexer->end && is_operator_byte(*at) && !begins_comment(at, lexer->end)) {
        may_end_in_sign = may_end_in_sign || strchr("~!@#%^&|`?", *at) != NULL;
        at++;
    }
    while (!may_end_in_sign && at - lexer->at > 1 && (at[-1] == '+' || at[-1] == '-'))
        at--;
    lexer->at = at;
}

static bool is_quote_prefix(Cursor at, Cursor end, const char *letters, char quote)
{
    return end - at >= 2 && strchr(letters, *at) != NULL && at[1] == quote;
}

static bool is_unicode_prefix(Cursor at, Cursor end, char quote)
{
    return end - at >= 3 && (*at == 'u' || *at == 'U') && at[1] == '&' && at[2] == quote;
}

static Status read_wordlike(SqlLexer *lexer, SqlTokenKind *ret_kind, Error *err)
{
    Cursor at = lexer->at;

    *ret_kind = SQL_STRING;
    if (is_quote_prefix(at, lexer->end, "eEbBxXnN", '\''))
        return read_string(lexer, 1, err);
    if (is_unicode_prefix(at, lexer->end, '\''))
        return read_string(lexer, 2, err);
    *ret_kind = SQL_NAME;
    if (is_unicode_prefix(at, lexer->end, '"'))
        return read_quoted_name(lexer, 2, err);
    *ret_kind = SQL_WORD;
    while (lexer->at < lexer->end && is_word_byte(*lexer->at))
        lexer->at++;
    return STATUS_OK;
}

static Status read_mark(SqlLexer *lexer, SqlTokenKind *ret_kind)
{
    Cursor at = lexer->at;
    char second = byte_at(at + 1, lexer->end);
    bool is_pair =
        (*at == ':' && (second == ':' || second == '=')) || (*at == '.' && second == '.');

    *ret_kind = is_pair ? SQL_OPERATOR : SQL_PUNCTUATION;
    lexer->at += is_pair ? 2 : 1;
    return STATUS_OK;
}

void sql_lexer_begin(SqlLexer *lexer, const char *text, size_t size)
{
    *lexer = (SqlLexer){.at = text, .end = text + size};
}

static Status read_token(SqlLexer *lexer, SqlTokenKind *ret_kind, Error *err)
{
    char first = *lexer->at;

    if (is_blank(first) || begins_comment(lexer->at, lexer->end)) {
        *ret_kind = SQL_SPACE;
        return read_space(lexer, err);
    }
    if (begins_word(first))
        return read_wordlike(lexer, ret_kind, err);
    if (first == '\'') {
        *ret_kind = SQL_STRING;
        return read_string(lexer, 0, err);
    }
    if (first == '"') {
        *ret_kind = SQL_NAME;
        return read_quoted_name(lexer, 0, err);
    }
    if (first == '$')
        return read_dollar(lexer, ret_kind, err);
    if (is_digit(first) || (first == '.' && is_digit(byte_at(lexer->at + 1, lexer->end)))) {
        *ret_kind = SQL_NUMBER;
        read_number(lexer);
        return STATUS_OK;
    }
    if (is_operator_byte(first)) {
        *ret_kind = SQL_OPERATOR;
        read_operator(lexer);
        return STATUS_OK;
    }
    return read_mark(lexer, ret_kind);
}

Status sql_lexer_next(SqlLexer *lexer, SqlToken *ret, Error *err)
{
    SqlToken token = {.kind = SQL_END, .text = lexer->at};

    if (lexer->at < lexer->end)
        TRY(read_token(lexer, &token.kind, err));
    token.size = (size_t)(lexer->at - token.text);
    *ret = token;
    return STATUS_OK;
}

bool sql_is_word(const SqlToken *token, const char *word)
{
    return token->kind == SQL_WORD && strlen(word) == token->size &&
           strncasecmp(token->text, word, token->size) == 0;
}

bool sql_is(const SqlToken *token, const char *text)
{
    return token->kind != SQL_NAME && token->kind != SQL_STRING && token->kind != SQL_DOLLAR &&
           strlen(text) == token->size && memcmp(token->text, text, token->size) == 0;
}
