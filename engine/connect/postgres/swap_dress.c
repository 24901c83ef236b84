/*
 * What makes the moved things what they are to be: schemas around them, original bodies of routines
 * (trap 5), row security (trap 14), privileges (traps 11 and 13).
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/swap_grants.sql.h"
#include "engine/connect/postgres/swap_inside.h"

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read was refused when it was retargeted */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

/* ---- schemas ---- */

/* ... ON SCHEMA name ..., or CREATE SCHEMA name */
static bool is_about_schema(const char *statement, const char *schema)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (!sql_is_word(&token, "schema"))
            continue;
        if (!next_solid(&lexer, &token) || (token.kind != SQL_WORD && token.kind != SQL_NAME))
            return false;

        AUTO_FREE_MEMORY char *name = sql_identifier(&token);

        return strcmp(name, schema) == 0;
    }
    return false;
}

const char *swap_schema_entry(const SwapWork *work, const char *type, const char *schema)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        const char *of_type = work->notes[i].type;

        if (of_type != NULL && strcmp(of_type, type) == 0 && object->schema == NULL &&
            is_about_schema(object->definition, schema))
            return object->definition;
    }
    return NULL;
}

/* Others may have put something in since: then it stays. */
static char *drop_if_empty(const char *schema)
{
    AUTO_TEXT Text drop = {0};
    AUTO_TEXT Text block = {0};
    AUTO_TEXT Text sql = {0};

    text_append(&drop, "drop schema ");
    quote_identifier(&drop, schema);
    text_append(&drop, " restrict");
    text_append(&block, "begin execute ");
    pg_quote_literal(&block, text_string(&drop));
    text_append(&block, "; exception when dependent_objects_still_exist then null; end");
    text_append(&sql, "do ");
    pg_quote_literal(&sql, text_string(&block));
    text_append(&sql, ";");
    return text_take(&sql);
}

static void plan_missing_schema(SwapWork *work, const SwapSchema *schema)
{
    static const char *const more[] = {"COMMENT", "ACL"};
    const char *entry = swap_schema_entry(work, "SCHEMA", schema->live);
    AUTO_TEXT Text forward = {0};

    if (entry != NULL) {
        text_append(&forward, entry);
    } else {
        text_append(&forward, "create schema ");
        quote_identifier(&forward, schema->live);
        text_append(&forward, ";");
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        const char *other = swap_schema_entry(work, more[i], schema->live);

        if (other != NULL)
            text_append_format(&forward, "\n%s", other);
    }
    swap_add_step(work->swap, xasprintf("schema %s is new", schema->live), text_take(&forward),
                  drop_if_empty(schema->live));
}

static void plan_retired_schema(SwapWork *work, const SwapSchema *schema)
{
    AUTO_TEXT Text forward = {0};
    AUTO_TEXT Text inverse = {0};

    text_append(&forward, "create schema ");
    quote_identifier(&forward, schema->retired);
    text_append(&forward, ";");
    text_append(&inverse, "drop schema ");
    quote_identifier(&inverse, schema->retired);
    text_append(&inverse, " restrict;");
    swap_add_step(work->swap, xasprintf("schema %s is created", schema->retired),
                  text_take(&forward), text_take(&inverse));
}

/* The comment is the source's (trap 11), where the schema is ours to comment on. */
static void plan_comment(SwapWork *work, const SwapSchema *schema)
{
    const char *entry = swap_schema_entry(work, "COMMENT", schema->live);
    AUTO_TEXT Text inverse = {0};

    if (entry == NULL || !schema->is_ours)
        return;
    text_append(&inverse, "comment on schema ");
    quote_identifier(&inverse, schema->live);
    text_append(&inverse, " is ");
    if (schema->comment != NULL)
        pg_quote_literal(&inverse, schema->comment);
    else
        text_append(&inverse, "null");
    text_append(&inverse, ";");
    swap_add_step(&work->late, NULL, xstrdup(entry), text_take(&inverse));
}

Status swap_plan_schemas(SwapWork *work, Error *err)
{
    (void)err;
    for (size_t i = 0; i < work->schema_count; i++) {
        const SwapSchema *schema = &work->schemas[i];

        if (schema->has_retiring)
            plan_retired_schema(work, schema);
        if (schema->staging == NULL)
            continue;
        if (schema->exists)
            plan_comment(work, schema);
        else
            plan_missing_schema(work, schema);
    }
    return STATUS_OK;
}

void swap_plan_undone(SwapWork *work)
{
    for (size_t i = 0; i < work->schema_count; i++) {
        AUTO_TEXT Text inverse = {0};

        if (work->schemas[i].staging == NULL)
            continue;
        text_append(&inverse, "create schema ");
        quote_identifier(&inverse, work->schemas[i].undone);
        text_append(&inverse, ";");
        swap_add_step(work->swap, NULL, xstrdup(""), text_take(&inverse));
    }
}

/* ---- bodies ---- */

/* Does the text of a body, or a pinned setting, name staging? What else does is bound by OID. */
static bool names_staging(const SwapWork *work, const char *statement)
{
    AUTO_FREE_MEMORY char *suffix = xasprintf("_staging_%s", work->identity->id);
    SqlLexer lexer;
    SqlToken token = {0};
    bool is_setting = false;

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        AUTO_FREE_MEMORY char *text = NULL;

        is_setting = is_setting || sql_is_word(&token, "set");
        if (!is_setting && token.kind != SQL_STRING && token.kind != SQL_DOLLAR)
            continue;
        text = xstrndup(token.text, token.size);
        if (strstr(text, suffix) != NULL)
            return true;
    }
    return false;
}

/* CREATE FUNCTION ... as CREATE OR REPLACE FUNCTION ..., in the words of the live schemas. */
static Status original(const SwapWork *work, const char *statement, char **ret, Error *err)
{
    AUTO_TEXT Text text = {0};
    const char *create = NULL;

    TRY(retarget(work->home, statement, &text, NULL, err));
    create = strstr(text_string(&text), "CREATE ");
    if (create == NULL)
        return error_set(err, STATUS_FAILED, "the statement of a routine does not begin as such");
    *ret = strncmp(create, "CREATE OR REPLACE ", strlen("CREATE OR REPLACE ")) == 0
               ? xstrdup(create)
               : xasprintf("CREATE OR REPLACE %s", create + strlen("CREATE "));
    return STATUS_OK;
}

/* is_first: the next one that has its original body back. */
static Status plan_body(SwapWork *work, size_t index, bool *is_first, Error *err)
{
    const Object *object = &work->plan->catalog.objects[index];
    AUTO_TEXT_LIST TextList statements = {0};
    AUTO_TEXT_LIST TextList path = {0}; /* only looked at: the names are in the text or not */
    AUTO_TEXT Text staged = {0};
    AUTO_FREE_MEMORY char *text = NULL;

    TRY(split_statements(object->definition, &statements, err));
    if (statements.count == 0)
        return STATUS_OK;
    TRY(retarget_on_path(work->map.forward, statements.items[0], &staged, &path, err));
    if (work->notes[index].path == NULL && !names_staging(work, text_string(&staged)))
        return STATUS_OK;
    TRY(original(work, statements.items[0], &text, err));
    if (*is_first) /* bodies may name what is not there */
        swap_add_step(work->swap, NULL, xstrdup("set local check_function_bodies = off;"), NULL);
    *is_first = false;
    swap_add_step(work->swap,
                  xasprintf("routine %s.%s has its original body", object->schema, object->name),
                  TAKE(text), NULL);
    return STATUS_OK;
}

Status swap_plan_bodies(SwapWork *work, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;
    bool is_first = true;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const char *type = work->notes[i].type;

        if (type != NULL && (strcmp(type, "FUNCTION") == 0 || strcmp(type, "PROCEDURE") == 0))
            TRY(plan_body(work, i, &is_first, err));
    }
    return STATUS_OK;
}

/* ---- row security ---- */

/* Ends a statement with another one's end. */
static char *with_end(const char *statement, const char *end, const char *other)
{
    size_t size = strlen(statement);

    return xasprintf("%.*s%s", (int)(size - strlen(end)), statement, other);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);

    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static Status plan_security(SwapWork *work, const char *schema, const char *table,
                            const char *entry, Error *err)
{
    static const char *const ends[][2] = {
        {" ENABLE ROW LEVEL SECURITY;", " DISABLE ROW LEVEL SECURITY;"},
        {" FORCE ROW LEVEL SECURITY;", " NO FORCE ROW LEVEL SECURITY;"},
    };
    AUTO_TEXT Text name = {0};
    AUTO_TEXT_LIST TextList statements = {0};

    if (strstr(entry, "ROW LEVEL SECURITY") == NULL)
        return STATUS_OK;
    quote_identifier(&name, schema);
    text_append(&name, ".");
    quote_identifier(&name, table);
    TRY(split_statements(entry, &statements, err));
    for (size_t i = 0; i < statements.count; i++) {
        const char *statement = statements.items[i];

        for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
            if (strncmp(statement, "ALTER TABLE ", strlen("ALTER TABLE ")) == 0 &&
                ends_with(statement, ends[j][0]))
                swap_add_step_of(work->swap, "table", text_string(&name),
                                 xasprintf("row security of %s.%s is %s", schema, table,
                                           j == 0 ? "enabled" : "forced"),
                                 xstrdup(statement), with_end(statement, ends[j][0], ends[j][1]));
        }
    }
    return STATUS_OK;
}

Status swap_plan_row_security(SwapWork *work, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];

        TRY(plan_security(work, table->schema, table->name, table->definition, err));
    }
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        const char *type = work->notes[i].type;

        if (type != NULL && (strcmp(type, "TABLE") == 0 || strcmp(type, "ROW SECURITY") == 0))
            TRY(plan_security(work, object->schema,
                              work->notes[i].label != NULL ? work->notes[i].label : object->name,
                              object->definition, err));
    }
    return STATUS_OK;
}

/* ---- privileges ---- */

Status swap_plan_grants(SwapWork *work, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    size_t i = 0;

    TRY(swap_query_coming(work, swap_grants_sql, &rows, err));
    while (i < pg_row_count(rows)) {
        AUTO_FREE_MEMORY char *object =
            xasprintf("%s %s", pg_value(rows, i, 0), pg_value(rows, i, 1));
        AUTO_TEXT Text sql = {0};
        size_t first = i;

        for (; i < pg_row_count(rows) &&
               strcmp(pg_value(rows, i, 1), pg_value(rows, first, 1)) == 0 &&
               strcmp(pg_value(rows, i, 0), pg_value(rows, first, 0)) == 0;
             i++) {
            text_append_format(&sql, "%s%s;", i == first ? "" : " ", pg_value(rows, i, 2));
            if (pg_is_true(rows, i, 3))
                findings_add(work->findings, FINDING_WARNING, object,
                             "Revoke it from PUBLIC on the target after promotion, if it should be "
                             "as in the source.",
                             "everybody has privileges on it in the target, which stay, and nobody "
                             "by default in the source");
        }
        swap_add_step(work->swap, xasprintf("%s has its privileges of the target", object),
                      text_take(&sql), NULL);
    }
    return STATUS_OK;
}
