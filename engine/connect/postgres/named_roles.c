#include "engine/connect/postgres/named_roles.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read names no role that we know */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

static void add_role(const SqlToken *token, TextList *ret)
{
    AUTO_FREE_MEMORY char *name = NULL;

    if (token->kind != SQL_WORD && token->kind != SQL_NAME)
        return;
    if (sql_is_word(token, "public") || sql_is_word(token, "current_user") ||
        sql_is_word(token, "session_user") || sql_is_word(token, "current_role"))
        return;
    name = sql_identifier(token);
    if (!text_list_has(ret, name))
        text_list_add(ret, name);
}

void add_owner_roles(const char *statements, TextList *ret)
{
    SqlLexer lexer;
    SqlToken token = {0};

    if (strstr(statements, "OWNER TO") == NULL)
        return; /* most entries, when owners are not taken along */
    sql_lexer_begin(&lexer, statements, strlen(statements));
    while (next_solid(&lexer, &token)) {
        if (sql_is_word(&token, "owner") && next_solid(&lexer, &token) &&
            sql_is_word(&token, "to") && next_solid(&lexer, &token))
            add_role(&token, ret);
    }
}

/* GRANT ... TO a, b; REVOKE ... FROM a; CREATE POLICY ... TO a, b USING (...). */
void add_granted_roles(const char *statements, TextList *ret)
{
    SqlLexer lexer;
    SqlToken token = {0};
    int depth = 0;
    bool is_expected = false;
    bool is_behind = false; /* a role: a comma goes on with the list */

    sql_lexer_begin(&lexer, statements, strlen(statements));
    while (next_solid(&lexer, &token)) {
        depth += sql_is(&token, "(") - sql_is(&token, ")");
        if (depth > 0)
            continue;
        if (is_expected)
            add_role(&token, ret);

        bool was_expected = is_expected;

        is_expected = sql_is_word(&token, "to") || sql_is_word(&token, "from") ||
                      (is_behind && sql_is(&token, ","));
        is_behind = was_expected;
    }
}

void catalog_owner_roles(const Catalog *catalog, TextList *ret)
{
    for (size_t i = 0; i < catalog->table_count; i++)
        add_owner_roles(catalog->tables[i].definition, ret);
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (!object_kind_is_data(object->kind) && object->definition != NULL)
            add_owner_roles(object->definition, ret);
    }
}
