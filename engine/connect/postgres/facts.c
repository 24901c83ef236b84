#include "engine/connect/postgres/facts.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/sha256.h"
#include "engine/connect/postgres/facts.sql.h"
#include "engine/connect/postgres/sql_lexer.h"

enum {
    HASH_DIGITS = 16,
};

/* The columns of facts.sql. */
enum {
    FACT_SCHEMA,
    FACT_RELATION,
    FACT_KIND,
    FACT_NAME,
    FACT_WORDS,
};

void facts_release(Facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->items[i].schema);
        free(facts->items[i].name);
        text_list_release(&facts->items[i].lines);
    }
    free(facts->items);
    *facts = (Facts){0};
}

static int compare_names(const char *schema, const char *name, const RelationFacts *relation)
{
    int order = strcmp(schema, relation->schema);
    return order ? order : strcmp(name, relation->name);
}

const RelationFacts *facts_find(const Facts *facts, const char *schema, const char *name)
{
    size_t low = 0;
    size_t high = facts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(schema, name, &facts->items[middle]);
        if (order == 0)
            return &facts->items[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- one spelling ----
 *
 * Staging schemas brought back to the source's may be quoted where the server would not have
 * quoted them. So every identifier is hashed as its quoted self, and the quotes inside of literals
 * that name something are left out.
 */

static void append_unquoted(Text *text, const SqlToken *token)
{
    for (size_t i = 0; i < token->size; i++) {
        if (token->text[i] != '"')
            text_append_bytes(text, &token->text[i], 1);
    }
}

static void append_token(Text *text, const SqlToken *token)
{
    if (token->kind == SQL_SPACE) {
        text_append(text, " ");
    } else if (token->kind == SQL_WORD || token->kind == SQL_NAME) {
        AUTO_FREE_MEMORY char *name = sql_identifier(token);
        text_append_format(text, "\"%s\"", name);
    } else {
        text_append_bytes(text, token->text, token->size);
    }
}

/* Is it "::reg..." that follows? */
static bool is_cast_to_reg(SqlLexer lexer, bool *ret, Error *err)
{
    SqlToken token = {0};
    *ret = false;
    if (sql_lexer_next(&lexer, &token, err) != STATUS_OK)
        return false;
    if (!sql_is(&token, "::"))
        return true;
    if (sql_lexer_next(&lexer, &token, err) != STATUS_OK)
        return false;
    *ret = token.kind == SQL_WORD && token.size > 3 && strncasecmp(token.text, "reg", 3) == 0;
    return true;
}

static Status spell(const char *words, Text *ret, Error *err)
{
    SqlLexer lexer = {0};
    SqlToken token = {0};
    sql_lexer_begin(&lexer, words, strlen(words));
    for (;;) {
        bool names_something = false;
        TRY(sql_lexer_next(&lexer, &token, err));
        if (token.kind == SQL_END)
            return STATUS_OK;
        if (token.kind == SQL_STRING && !is_cast_to_reg(lexer, &names_something, err))
            return STATUS_FAILED;
        if (names_something)
            append_unquoted(ret, &token);
        else
            append_token(ret, &token);
    }
}

static Status hash_words(const NameMap *map, const char *words, char ret[HASH_DIGITS + 1],
                         Error *err)
{
    AUTO_TEXT Text mapped = {0};
    AUTO_TEXT Text spelled = {0};
    char hex[SHA256_HEX_SIZE];
    if (map) {
        TRY(retarget(map, words, &mapped, NULL, err));
        words = text_string(&mapped);
    }
    TRY(spell(words, &spelled, err));
    sha256_hex(spelled.data, spelled.size, hex);
    memcpy(ret, hex, HASH_DIGITS);
    ret[HASH_DIGITS] = '\0';
    return STATUS_OK;
}

/* ---- reading ---- */

static char *write_schemas(const TextList *schemas)
{
    AUTO_FREE(json_free) Json *array = json_array();
    for (size_t i = 0; i < schemas->count; i++)
        json_add_string(array, schemas->items[i]);
    return json_print(array, false);
}

/* The rows of a relation stand together. */
static RelationFacts *relation_of_row(Facts *facts, const PgRows *rows, size_t row)
{
    const char *schema = pg_value(rows, row, FACT_SCHEMA);
    const char *name = pg_value(rows, row, FACT_RELATION);
    if (facts->count > 0 && compare_names(schema, name, &facts->items[facts->count - 1]) == 0)
        return &facts->items[facts->count - 1];
    GROW(facts->items, facts->count, facts->capacity);
    facts->items[facts->count] = (RelationFacts){.schema = xstrdup(schema), .name = xstrdup(name)};
    return &facts->items[facts->count++];
}

static Status add_fact(Facts *facts, const PgRows *rows, size_t row, const NameMap *map, Error *err)
{
    char hash[HASH_DIGITS + 1];
    const char *kind = pg_value(rows, row, FACT_KIND);
    const char *name = pg_value(rows, row, FACT_NAME);
    RelationFacts *relation = relation_of_row(facts, rows, row);
    Status status = hash_words(map, pg_value(rows, row, FACT_WORDS), hash, err);
    if (status < 0) {
        error_prefix(err, "could not read %s \"%s\" of table \"%s.%s\"", kind, name,
                     relation->schema, relation->name);
        return status;
    }
    AUTO_FREE_MEMORY char *line = xasprintf("%s %s %s", kind, name, hash);
    text_list_add(&relation->lines, line);
    return STATUS_OK;
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int compare_relations(const void *left, const void *right)
{
    const RelationFacts *a = left;
    return compare_names(a->schema, a->name, right);
}

/* Bytewise, whatever the server's idea of an order is. */
static void sort_facts(Facts *facts)
{
    if (facts->count > 0)
        qsort(facts->items, facts->count, sizeof(*facts->items), compare_relations);
    for (size_t i = 0; i < facts->count; i++) {
        TextList *lines = &facts->items[i].lines;
        qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
    }
}

Status facts_read(PgConnection *connection, const TextList *schemas, const NameMap *map, Facts *ret,
                  Error *err)
{
    AUTO_FACTS Facts facts = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE_MEMORY char *names = write_schemas(schemas);
    const char *const parameters[] = {names};
    TRY(pg_query_bound(connection, facts_sql, parameters, 1, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++)
        TRY(add_fact(&facts, rows, row, map, err));
    sort_facts(&facts);
    *ret = facts;
    facts = (Facts){0};
    return STATUS_OK;
}

/* ---- comparing ---- */

/* How much of a line is "KIND NAME": all before its hash. */
static size_t subject_size(const char *line)
{
    const char *blank = strrchr(line, ' ');
    return blank ? (size_t)(blank - line) : strlen(line);
}

/* By subject alone: the order of whole lines differs where one subject begins another. */
static int compare_subjects(const char *a, const char *b)
{
    size_t a_size = subject_size(a);
    size_t b_size = subject_size(b);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_lines_by_subject(const void *left, const void *right)
{
    return compare_subjects(*(char *const *)left, *(char *const *)right);
}

/* Borrowed lines in order of subjects; the caller frees. */
static const char **order_by_subject(const TextList *list)
{
    const char **lines = xcalloc(list->count + 1, sizeof(*lines));
    for (size_t i = 0; i < list->count; i++)
        lines[i] = list->items[i];
    qsort(lines, list->count, sizeof(*lines), compare_lines_by_subject);
    return lines;
}

static void add_sentence(TextList *ret, const char *line, const char *what)
{
    size_t size = subject_size(line);
    const char *blank = memchr(line, ' ', size);
    size_t kind_size = blank ? (size_t)(blank - line) : size;
    AUTO_FREE_MEMORY char *name = blank ? xstrndup(blank + 1, size - kind_size - 1) : xstrdup("");
    bool is_whole = strncmp(line, "table ", 6) == 0;
    AUTO_FREE_MEMORY char *sentence =
        is_whole ? xasprintf("its kind, partitioning, inheritance or replica identity %s", what)
                 : xasprintf("%.*s \"%s\" %s", (int)kind_size, line, name, what);
    text_list_add(ret, sentence);
}

void facts_compare(const TextList *planned, const TextList *found, TextList *ret)
{
    const char **left = order_by_subject(planned);
    const char **right = order_by_subject(found);
    size_t i = 0;
    size_t j = 0;
    while (i < planned->count || j < found->count) {
        int order = i == planned->count ? 1
                    : j == found->count ? -1
                                        : compare_subjects(left[i], right[j]);
        if (order < 0) {
            add_sentence(ret, left[i++], "is missing");
        } else if (order > 0) {
            add_sentence(ret, right[j++], "was not planned");
        } else {
            if (strcmp(left[i], right[j]) != 0)
                add_sentence(ret, left[i], "differs");
            i++;
            j++;
        }
    }
    free(left);
    free(right);
}
