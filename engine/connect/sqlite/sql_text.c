#include "engine/connect/sqlite/sql_text.h"

#include <sqlite3.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/names.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,   /* keyword, bare name or number */
    TOKEN_QUOTED, /* "name", `name` or [name] */
    TOKEN_STRING, /* 'text', which SQLite also takes as a name where only a name can stand */
    TOKEN_BLOB,   /* x'00' */
    TOKEN_MARK,   /* any other character */
} TokenKind;

typedef struct Token {
    TokenKind kind;
    const char *text; /* borrowed from the statement */
    size_t size;
} Token;

/* As SQLite's tokenizer has it: every byte of a multi-byte character is part of a name. */
static bool is_word_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '$' || byte >= 0x80;
}

static const char *skip_line(const char *at)
{
    while (*at != '\0' && *at != '\n')
        at++;
    return at;
}

static const char *skip_comment(const char *at)
{
    const char *end = strstr(at + 2, "*/");

    return end == NULL ? at + strlen(at) : end + 2;
}

static const char *skip_blank(const char *at)
{
    for (;;) {
        if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == '\f')
            at++;
        else if (at[0] == '-' && at[1] == '-')
            at = skip_line(at);
        else if (at[0] == '/' && at[1] == '*')
            at = skip_comment(at);
        else
            return at;
    }
}

/* Behind the closing quote; a doubled quote stands for itself. */
static const char *skip_quoted(const char *at, char quote)
{
    for (at++; *at != '\0'; at++) {
        if (*at != quote)
            continue;
        if (quote == ']' || at[1] != quote)
            return at + 1;
        at++;
    }
    return at;
}

static Token read_token(const char **at)
{
    const char *begin = skip_blank(*at);
    const char *end = begin;
    TokenKind kind = TOKEN_MARK;

    if (*begin == '\0') {
        kind = TOKEN_END;
    } else if (*begin == '"' || *begin == '`') {
        kind = TOKEN_QUOTED;
        end = skip_quoted(begin, *begin);
    } else if (*begin == '[') {
        kind = TOKEN_QUOTED;
        end = skip_quoted(begin, ']');
    } else if (*begin == '\'') {
        kind = TOKEN_STRING;
        end = skip_quoted(begin, '\'');
    } else if ((*begin == 'x' || *begin == 'X') && begin[1] == '\'') {
        kind = TOKEN_BLOB;
        end = skip_quoted(begin + 1, '\'');
    } else if (is_word_byte(*begin)) {
        kind = TOKEN_WORD;
        while (is_word_byte(*end))
            end++;
    } else {
        end++;
    }
    *at = end;
    return (Token){.kind = kind, .text = begin, .size = (size_t)(end - begin)};
}

static Token peek_token(const char *at)
{
    return read_token(&at);
}

static bool token_is(const Token *token, const char *keyword)
{
    return token->kind == TOKEN_WORD && strlen(keyword) == token->size &&
           sqlite3_strnicmp(token->text, keyword, (int)token->size) == 0;
}

static bool token_is_mark(const Token *token, char mark)
{
    return token->kind == TOKEN_MARK && *token->text == mark;
}

/* A bare name cannot begin with a digit: 1.5 is a number even if a table is called "1". */
static bool token_can_be_name(const Token *token)
{
    if (token->kind == TOKEN_WORD)
        return *token->text < '0' || *token->text > '9';
    return token->kind == TOKEN_QUOTED || token->kind == TOKEN_STRING;
}

/* The name that a token means; the caller frees. */
static char *token_name(const Token *token)
{
    if (token->kind == TOKEN_WORD || token->size < 2)
        return xstrndup(token->text, token->size);

    char quote = *token->text;
    char *name = xmalloc(token->size);
    size_t size = 0;

    for (size_t i = 1; i + 1 < token->size; i++) {
        name[size++] = token->text[i];
        if (quote != '[' && token->text[i] == quote)
            i++;
    }
    name[size] = '\0';
    return name;
}

static bool token_names(const Token *token, const char *name)
{
    if (!token_can_be_name(token))
        return false;

    AUTO_FREE_MEMORY char *own = token_name(token);

    return sqlite3_stricmp(own, name) == 0;
}

/* What a statement is read with: the position, and the copy as far as it is written. */
typedef struct Rewriter {
    const char *copied; /* everything before it is in `out` */
    const char *at;
    Text out;
} Rewriter;

static void rewriter_release(Rewriter *rewriter)
{
    text_release(&rewriter->out);
}

static void replace_token(Rewriter *rewriter, const Token *token, const char *name)
{
    text_append_bytes(&rewriter->out, rewriter->copied, (size_t)(token->text - rewriter->copied));
    quote_identifier(&rewriter->out, name);
    rewriter->copied = token->text + token->size;
}

static char *take_rest(Rewriter *rewriter)
{
    text_append(&rewriter->out, rewriter->copied);
    return text_take(&rewriter->out);
}

static Status refuse_statement(const char *what, Error *err)
{
    return error_set(err, STATUS_INVALID, "could not read a %s statement of the schema", what);
}

/*
 * CREATE [TEMP] [UNIQUE] kind [IF NOT EXISTS] [schema .] name: leaves the position behind the name.
 */
static Status read_head(const char **at, const char *kind, Token *ret_name, Error *err)
{
    Token token = read_token(at);

    if (!token_is(&token, "create"))
        return refuse_statement(kind, err);
    do {
        token = read_token(at);
    } while (token_is(&token, "temp") || token_is(&token, "temporary") ||
             token_is(&token, "unique"));
    if (!token_is(&token, kind))
        return refuse_statement(kind, err);

    token = read_token(at);

    /* A table may be called "if": only the three words together mean the clause. */
    const char *ahead = *at;
    Token second = read_token(&ahead);
    Token third = read_token(&ahead);

    if (token_is(&token, "if") && token_is(&second, "not") && token_is(&third, "exists")) {
        *at = ahead;
        token = read_token(at);
    }

    Token next = peek_token(*at);

    if (token_is_mark(&next, '.')) {
        (void)read_token(at); /* the dot */
        token = read_token(at);
    }
    if (!token_can_be_name(&token))
        return refuse_statement(kind, err);
    *ret_name = token;
    return STATUS_OK;
}

/* Is this name, with `at` behind it, the table in table.column? In a.b.c it is b. */
static bool qualifies_column(const char *at)
{
    Token dot = read_token(&at);

    if (!token_is_mark(&dot, '.'))
        return false;
    (void)read_token(&at); /* the column, or the table behind a schema */

    Token next = peek_token(at);

    return !token_is_mark(&next, '.');
}

/* After a name: replaces the qualifier in table.column everywhere. */
static void replace_qualifier(Rewriter *rewriter, const Token *token, const char *table,
                              const char *new_table)
{
    if (qualifies_column(rewriter->at) && token_names(token, table))
        replace_token(rewriter, token, new_table);
}

Status sql_rename_table(const char *statement, const char *table, const char *new_name,
                        SqlRename rename_parent, void *context, char **ret, Error *err)
{
    __attribute__((cleanup(rewriter_release)))
    Rewriter rewriter = {.copied = statement, .at = statement};
    Token token = {0};

    TRY(read_head(&rewriter.at, "table", &token, err));
    if (!token_names(&token, table))
        return refuse_statement("table", err);
    replace_token(&rewriter, &token, new_name);

    while ((token = read_token(&rewriter.at)).kind != TOKEN_END) {
        if (!token_is(&token, "references")) {
            replace_qualifier(&rewriter, &token, table, new_name);
            continue;
        }
        /* REFERENCES is reserved: as a bare word it always introduces a parent. */
        token = read_token(&rewriter.at);
        if (!token_can_be_name(&token))
            return refuse_statement("table", err);

        AUTO_FREE_MEMORY char *parent = token_name(&token);
        AUTO_FREE_MEMORY char *new_parent = rename_parent(context, parent);

        if (new_parent != NULL)
            replace_token(&rewriter, &token, new_parent);
    }
    *ret = take_rest(&rewriter);
    return STATUS_OK;
}

Status sql_rename_index(const char *statement, const char *table, const char *new_index,
                        const char *new_table, char **ret, Error *err)
{
    __attribute__((cleanup(rewriter_release)))
    Rewriter rewriter = {.copied = statement, .at = statement};
    Token token = {0};

    TRY(read_head(&rewriter.at, "index", &token, err));
    replace_token(&rewriter, &token, new_index);

    Token on = read_token(&rewriter.at);

    token = read_token(&rewriter.at);
    if (!token_is(&on, "on") || !token_names(&token, table))
        return refuse_statement("index", err);
    replace_token(&rewriter, &token, new_table);

    while ((token = read_token(&rewriter.at)).kind != TOKEN_END)
        replace_qualifier(&rewriter, &token, table, new_table);
    *ret = take_rest(&rewriter);
    return STATUS_OK;
}

static bool list_has(const TextList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sqlite3_stricmp(list->items[i], name) == 0)
            return true;
    }
    return false;
}

Status sql_parents(const char *statement, TextList *ret, Error *err)
{
    const char *at = statement;
    Token token = {0};

    TRY(read_head(&at, "table", &token, err));
    while ((token = read_token(&at)).kind != TOKEN_END) {
        if (!token_is(&token, "references"))
            continue;
        token = read_token(&at);
        if (!token_can_be_name(&token))
            return refuse_statement("table", err);

        AUTO_FREE_MEMORY char *parent = token_name(&token);

        if (!list_has(ret, parent))
            text_list_add(ret, parent);
    }
    return STATUS_OK;
}

Status sql_trigger_table(const char *statement, char **ret, Error *err)
{
    const char *at = statement;
    Token token = {0};

    TRY(read_head(&at, "trigger", &token, err));
    do {
        token = read_token(&at);
    } while (token.kind != TOKEN_END && !token_is(&token, "on")); /* ON is reserved */

    token = read_token(&at);

    Token next = peek_token(at);

    if (token_is_mark(&next, '.')) {
        (void)read_token(&at); /* the dot */
        token = read_token(&at);
    }
    if (!token_can_be_name(&token))
        return refuse_statement("trigger", err);
    *ret = token_name(&token);
    return STATUS_OK;
}

bool sql_has_keyword(const char *statement, const char *keyword)
{
    for (;;) {
        Token token = read_token(&statement);

        if (token.kind == TOKEN_END)
            return false;
        if (token_is(&token, keyword))
            return true;
    }
}

bool sql_mentions(const char *statement, const char *name)
{
    for (;;) {
        Token token = read_token(&statement);

        if (token.kind == TOKEN_END)
            return false;
        if (token_names(&token, name))
            return true;
    }
}

void sql_append_literal(Text *text, const char *string)
{
    text_append(text, "'");
    for (const char *at = string; *at != '\0'; at++)
        text_append_bytes(text, *at == '\'' ? "''" : at, *at == '\'' ? 2 : 1);
    text_append(text, "'");
}

typedef struct Head {
    const char *kind; /* "table"; NULL when the statement creates nothing */
    bool is_unique;
    const char *rest; /* from the object's name on */
} Head;

static Head find_head(const char *statement)
{
    static const char *const kinds[] = {"table", "index", "view", "trigger"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *at = statement;
        Token name = {0};
        Error ignored = {0};

        if (read_head(&at, kinds[i], &name, &ignored) != STATUS_OK)
            continue;

        AUTO_FREE_MEMORY char *words = xstrndup(statement, (size_t)(name.text - statement));

        return (Head){kinds[i], sql_has_keyword(words, "unique"), name.text};
    }
    return (Head){0};
}

bool sql_same_statement(const char *a, const char *b)
{
    Head head_a = find_head(a);
    Head head_b = find_head(b);

    if (head_a.rest == NULL || head_b.rest == NULL || head_a.kind != head_b.kind)
        return false;
    return head_a.is_unique == head_b.is_unique && strcmp(head_a.rest, head_b.rest) == 0;
}
