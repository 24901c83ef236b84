#include "engine/base/memory.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/scope.h"

#include <string.h>

/* How deep a token stands in what a semicolon does not end. */
typedef struct Depth {
    unsigned parentheses;
    unsigned blocks; /* BEGIN ATOMIC, and CASE inside of it */
} Depth;

static bool opens_block(const Depth *depth, const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];

    return (sql_is_word(token, "atomic") && sql_is_word(token_before(tokens, at, 1), "begin")) ||
           (sql_is_word(token, "case") && depth->blocks > 0);
}

static void step_depth(Depth *depth, const SqlTokens *tokens, size_t at)
{
    const SqlToken *token = &tokens->items[at];

    if (sql_is(token, "("))
        depth->parentheses++;
    else if (sql_is(token, ")") && depth->parentheses > 0)
        depth->parentheses--;
    else if (opens_block(depth, tokens, at))
        depth->blocks++;
    else if (sql_is_word(token, "end") && depth->blocks > 0)
        depth->blocks--;
}

static void add_statement(TextList *list, const char *begin, const char *end)
{
    AUTO_FREE_MEMORY char *statement = xstrndup(begin, (size_t)(end - begin));

    text_list_add(list, statement);
}

Status split_statements(const char *sql, TextList *ret, Error *err)
{
    AUTO_SQL_TOKENS SqlTokens tokens = {0};
    Depth depth = {0};
    const char *begin = NULL;
    const char *end = NULL;

    TRY(sql_tokens_read(sql, strlen(sql), &tokens, err));
    for (size_t i = 0; i < tokens.count; i++) {
        const SqlToken *token = &tokens.items[i];

        step_depth(&depth, &tokens, i);
        if (begin == NULL)
            begin = token->text;
        end = token->text + token->size;
        if (!sql_is(token, ";") || depth.parentheses > 0 || depth.blocks > 0)
            continue;
        add_statement(ret, begin, end);
        begin = NULL;
    }
    if (begin != NULL)
        add_statement(ret, begin, end);
    return STATUS_OK;
}
