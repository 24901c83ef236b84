#include "engine/connect/postgres/key_constraint.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/sql_lexer.h"

/* Slices of the statement. */
typedef struct Slice {
    const char *text;
    size_t size;
} Slice;

typedef struct Key {
    Slice table;
    Slice name;
    Slice columns; /* with their parentheses, as the next two */
    Slice include;
    Slice with;
    bool is_primary;
    bool nulls_not_distinct;
    bool is_deferrable;
    bool is_deferred;
} Key;

typedef struct Reader {
    SqlLexer lexer;
    SqlToken token; /* the one to look at next */
} Reader;

static void advance(Reader *reader)
{
    Error ignored = {0};

    do {
        if (sql_lexer_next(&reader->lexer, &reader->token, &ignored) < 0)
            reader->token.kind = SQL_END; /* then it is not what we look for */
    } while (reader->token.kind == SQL_SPACE);
}

static bool take_word(Reader *reader, const char *word)
{
    if (!sql_is_word(&reader->token, word))
        return false;
    advance(reader);
    return true;
}

static bool take(Reader *reader, const char *text)
{
    if (!sql_is(&reader->token, text))
        return false;
    advance(reader);
    return true;
}

static bool take_identifier(Reader *reader, Slice *ret)
{
    if (reader->token.kind != SQL_WORD && reader->token.kind != SQL_NAME)
        return false;
    *ret = (Slice){reader->token.text, reader->token.size};
    advance(reader);
    return true;
}

static bool take_table(Reader *reader, Slice *ret)
{
    Slice name = {0};

    if (!take_identifier(reader, ret) || !take(reader, ".") || !take_identifier(reader, &name))
        return false;
    ret->size = (size_t)(name.text + name.size - ret->text);
    return true;
}

/* ( a, b, ... ): names and commas only, so that no WITHOUT OVERLAPS is among them. */
static bool take_columns(Reader *reader, Slice *ret)
{
    Slice name = {0};

    ret->text = reader->token.text;
    if (!take(reader, "("))
        return false;
    do {
        if (!take_identifier(reader, &name))
            return false;
    } while (take(reader, ","));
    ret->size = (size_t)(reader->token.text + reader->token.size - ret->text);
    return take(reader, ")");
}

/* Everything to the parenthesis that closes the one that begins here. */
static bool take_parentheses(Reader *reader, Slice *ret)
{
    unsigned depth = 0;

    ret->text = reader->token.text;
    if (!sql_is(&reader->token, "("))
        return false;
    do {
        if (reader->token.kind == SQL_END)
            return false;
        depth += sql_is(&reader->token, "(");
        depth -= sql_is(&reader->token, ")");
        ret->size = (size_t)(reader->token.text + reader->token.size - ret->text);
        advance(reader);
    } while (depth > 0);
    return true;
}

static bool read_head(Reader *reader, Key *key)
{
    if (!take_word(reader, "alter") || !take_word(reader, "table"))
        return false;
    (void)take_word(reader, "only"); /* there or not, it is about this table */
    if (!take_table(reader, &key->table) || !take_word(reader, "add") ||
        !take_word(reader, "constraint") || !take_identifier(reader, &key->name))
        return false;
    if (take_word(reader, "primary"))
        key->is_primary = take_word(reader, "key");
    else if (!take_word(reader, "unique"))
        return false;
    if (take_word(reader, "nulls"))
        key->nulls_not_distinct = take_word(reader, "not") && take_word(reader, "distinct");
    return take_columns(reader, &key->columns);
}

static bool read_rest(Reader *reader, Key *key)
{
    if (take_word(reader, "include") && !take_columns(reader, &key->include))
        return false;
    if (take_word(reader, "with") && !take_parentheses(reader, &key->with))
        return false;
    key->is_deferrable = take_word(reader, "deferrable");
    if (take_word(reader, "initially"))
        key->is_deferred = take_word(reader, "deferred");
    return sql_is(&reader->token, ";") || reader->token.kind == SQL_END;
}

static void append_slice(Text *text, const char *before, Slice slice)
{
    text_append(text, before);
    text_append_bytes(text, slice.text, slice.size);
}

static char *index_statement(const Key *key)
{
    AUTO_TEXT Text sql = {0};

    append_slice(&sql, "CREATE UNIQUE INDEX ", key->name);
    append_slice(&sql, " ON ", key->table);
    append_slice(&sql, " USING btree ", key->columns);
    if (key->include.size > 0)
        append_slice(&sql, " INCLUDE ", key->include);
    if (key->nulls_not_distinct)
        text_append(&sql, " NULLS NOT DISTINCT");
    if (key->with.size > 0)
        append_slice(&sql, " WITH ", key->with);
    text_append(&sql, ";");
    return text_take(&sql);
}

static char *constraint_statement(const Key *key, const TextList *statements)
{
    AUTO_TEXT Text sql = {0};

    append_slice(&sql, "ALTER TABLE ONLY ", key->table);
    append_slice(&sql, " ADD CONSTRAINT ", key->name);
    text_append(&sql, key->is_primary ? " PRIMARY KEY" : " UNIQUE");
    append_slice(&sql, " USING INDEX ", key->name);
    if (key->is_deferrable)
        text_append(&sql, " DEFERRABLE");
    if (key->is_deferred)
        text_append(&sql, " INITIALLY DEFERRED");
    text_append(&sql, ";");
    for (size_t i = 1; i < statements->count; i++)
        text_append_format(&sql, "\n%s", statements->items[i]);
    return text_take(&sql);
}

Status key_constraint_split(const char *entry, bool *ret_split, char **ret_index,
                            char **ret_constraint, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};
    Reader reader = {0};
    Key key = {0};

    *ret_split = false;
    TRY(split_statements(entry, &statements, err));
    if (statements.count == 0)
        return STATUS_OK;
    sql_lexer_begin(&reader.lexer, statements.items[0], strlen(statements.items[0]));
    advance(&reader);
    if (!read_head(&reader, &key) || !read_rest(&reader, &key))
        return STATUS_OK;
    *ret_index = index_statement(&key);
    *ret_constraint = constraint_statement(&key, &statements);
    *ret_split = true;
    return STATUS_OK;
}
