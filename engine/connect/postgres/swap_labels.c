/*
 * Labels of enumerations in what is bound anew: 'red'::public.color. That one is needed is in no catalog,
 * only in the statement; without it the server would refuse in the middle of the promotion.
 */
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/swap_inside.h"

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read has no labels */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

/* Of CREATE TYPE ... AS ENUM (...). False: it is none. */
static bool read_labels(const char *definition, TextList *ret)
{
    SqlLexer lexer;
    SqlToken token = {0};
    bool is_enum = false;

    sql_lexer_begin(&lexer, definition, strlen(definition));
    while (next_solid(&lexer, &token) && !sql_is(&token, ";")) {
        is_enum = is_enum || sql_is_word(&token, "enum");
        if (!is_enum || token.kind != SQL_STRING)
            continue;

        AUTO_FREE_MEMORY char *label = sql_string_value(&token);

        if (label != NULL)
            text_list_add(ret, label);
    }
    return is_enum;
}

static bool find_labels(const SwapWork *work, const char *schema, const char *name, TextList *ret)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        const char *type = work->notes[i].type;

        if (type != NULL && strcmp(type, "TYPE") == 0 && object->schema != NULL &&
            strcmp(object->schema, schema) == 0 && strcmp(object->name, name) == 0)
            return read_labels(object->definition, ret);
    }
    return false;
}

/* An array of labels that need no quotes; others are seen by the server. */
static char *missing_of_array(const char *value, const TextList *labels)
{
    const char *at = value + 1;

    if (*value != '{' || strpbrk(value, "\"\\") != NULL)
        return NULL;
    while (*at != '\0' && *at != '}') {
        size_t size = strcspn(at, ",{}");
        AUTO_FREE_MEMORY char *label = xstrndup(at, size);

        if (size > 0 && strcasecmp(label, "null") != 0 && !text_list_has(labels, label))
            return TAKE(label);
        at += size + strspn(at + size, ",{}");
    }
    return NULL;
}

/* Is it of the type that is written as words; of an array of it? */
static bool is_of_type(const SqlLexer *after, const char *words, bool *ret_is_array)
{
    SqlLexer lexer = *after;
    SqlToken token = {0};
    size_t size = strlen(words);

    if (!next_solid(&lexer, &token) || !sql_is(&token, "::") ||
        (size_t)(lexer.end - lexer.at) < size || strncmp(lexer.at, words, size) != 0)
        return false;
    lexer.at += size;
    *ret_is_array = lexer.end - lexer.at >= 2 && strncmp(lexer.at, "[]", 2) == 0;
    return next_solid(&lexer, &token) ? token.kind != SQL_WORD || token.text != lexer.at : true;
}

static char *missing_in(const char *statement, const char *words, const TextList *labels)
{
    SqlLexer lexer;
    SqlToken token = {0};
    bool is_array = false;

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        AUTO_FREE_MEMORY char *value = NULL;

        if (token.kind != SQL_STRING || !is_of_type(&lexer, words, &is_array))
            continue;
        value = sql_string_value(&token);
        if (value == NULL)
            continue;

        char *missing = is_array                       ? missing_of_array(value, labels)
                        : text_list_has(labels, value) ? NULL
                                                       : TAKE(value);

        if (missing != NULL)
            return missing;
    }
    return NULL;
}

Status swap_missing_label(const SwapWork *work, const char *statement, const char *types,
                          char **ret, Error *err)
{
    AUTO_FREE(json_free) Json *list = NULL;

    *ret = NULL;
    if (*types == '\0')
        return STATUS_OK;
    TRY(json_parse(types, &list, err));
    for (const Json *item = json_at(list, 0); item != NULL && *ret == NULL;
         item = json_next(item)) {
        AUTO_TEXT_LIST TextList labels = {0};
        const char *words = json_get_string(item, "words");

        if (!find_labels(work, json_get_string(item, "schema"), json_get_string(item, "name"),
                         &labels))
            continue;

        AUTO_FREE_MEMORY char *label = missing_in(statement, words, &labels);

        if (label != NULL)
            *ret = xasprintf("it uses the value '%s' of type %s, which the source does not have",
                             label, words);
    }
    return STATUS_OK;
}
