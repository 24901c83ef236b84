#include "engine/connect/postgres/describe_paths.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/source_path_names.sql.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/flow/names.h"

void ran_routines_release(RanRoutines *routines)
{
    free(routines->items);
    *routines = (RanRoutines){0};
}

void ran_routines_add(RanRoutines *routines, uint32_t oid, bool at_create)
{
    for (size_t i = 0; i < routines->count; i++) {
        if (routines->items[i].oid != oid)
            continue;
        routines->items[i].at_create = routines->items[i].at_create || at_create;
        return;
    }
    GROW(routines->items, routines->count, routines->capacity);
    routines->items[routines->count++] = (RanRoutine){oid, at_create};
}

/* ---- the path ---- */

/* What a session of ours would have, had it not set its own: by role, database and server. */
static Status read_path(PgConnection *connection, TextList *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_FREE(pg_rows_free) PgRows *ignored = NULL;
    AUTO_FREE(pg_rows_free) PgRows *unset = NULL;
    TRY(pg_query(connection,
                 "select pg_catalog.set_config('search_path', s.reset_val, false)"
                 " from pg_catalog.pg_settings s where s.name = 'search_path'",
                 &ignored, err));
    Status status = pg_query(connection,
                             "select s from pg_catalog.unnest(pg_catalog.current_schemas(false))"
                             " with ordinality p(s, place) order by p.place",
                             &rows, err);
    TRY(pg_query(connection, "select pg_catalog.set_config('search_path', '', false)", &unset,
                 err));
    for (size_t i = 0; status >= 0 && i < pg_row_count(rows); i++)
        text_list_add(ret, pg_value(rows, i, 0));
    return status;
}

/* A function's own schema comes last: whoever calls it often has that in his path. */
static char *path_of(const TextList *path, const Routine *routine)
{
    AUTO_TEXT Text text = {0};
    for (size_t i = 0; i < path->count; i++) {
        text_append(&text, i > 0 ? ", " : "");
        quote_identifier(&text, path->items[i]);
    }
    if (!text_list_has(path, routine->schema)) {
        text_append(&text, path->count > 0 ? ", " : "");
        quote_identifier(&text, routine->schema);
    }
    return text_take(&text);
}

static Status read_names(const Describer *describer, const TextList *path,
                         const RanRoutines *routines, PgRows **ret, Error *err)
{
    AUTO_TEXT_LIST TextList schemas = {0};
    AUTO_FREE(json_free) Json *json = json_array();
    for (size_t i = 0; i < path->count; i++)
        text_list_add(&schemas, path->items[i]);
    for (size_t i = 0; i < routines->count; i++) {
        const Routine *routine = source_reach_routine(describer->reach, routines->items[i].oid);
        if (!text_list_has(&schemas, routine->schema))
            text_list_add(&schemas, routine->schema);
    }
    for (size_t i = 0; i < schemas.count; i++)
        json_add_string(json, schemas.items[i]);
    AUTO_FREE_MEMORY char *parameter = json_print(json, false);
    const char *const parameters[] = {parameter};
    return pg_query_bound(describer->connection, source_path_names_sql, parameters, 1, ret, err);
}

/* ---- bodies ---- */

static bool has_name(const PgRows *names, const char *name)
{
    size_t low = 0;
    size_t high = pg_row_count(names);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pg_value(names, middle, 0), name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The name that a token may be, or NULL; the caller frees. A dictionary is named by a string. */
static char *name_of(const SqlToken *token)
{
    switch (token->kind) {
    case SQL_WORD:
    case SQL_NAME:
        return sql_identifier(token);
    case SQL_OPERATOR:
        return xstrndup(token->text, token->size);
    case SQL_STRING:
        return sql_string_value(token);
    case SQL_END:
    case SQL_SPACE:
    case SQL_DOLLAR:
    case SQL_NUMBER:
    case SQL_PUNCTUATION:
    case SQL_PARAMETER:
        return NULL;
    }
    return NULL;
}

/* Too much rather than too little: a variable may have the name of a table. */
static bool names_without_schema(const PgRows *names, const char *body)
{
    Error ignored = {0}; /* what cannot be read is refused when it is retargeted */
    SqlLexer lexer = {0};
    SqlToken token = {0};
    bool after_dot = false;
    sql_lexer_begin(&lexer, body, strlen(body));
    while (sql_lexer_next(&lexer, &token, &ignored) == STATUS_OK && token.kind != SQL_END) {
        if (token.kind == SQL_SPACE)
            continue;
        AUTO_FREE_MEMORY char *name = after_dot ? NULL : name_of(&token);
        if (name && has_name(names, name))
            return true;
        after_dot = sql_is(&token, ".");
    }
    return false;
}

static bool reads_tables(const Describer *describer, uint32_t oid)
{
    AUTO_THINGS Things reached = {0};
    source_reach_walk(describer->reach, (Thing){CLASS_PROC, oid}, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        if (reached.items[i].class_oid == CLASS_RELATION)
            return true;
    }
    return false;
}

static bool needs_path(const Describer *describer, const PgRows *names, const RanRoutine *ran,
                       const Routine *routine)
{
    bool is_sql = strcmp(routine->language, "sql") == 0;
    if ((!is_sql && strcmp(routine->language, "plpgsql") != 0) || routine->has_path ||
        *routine->body == '\0')
        return false;
    if (is_sql && ran->at_create && reads_tables(describer, ran->oid))
        return true; /* with a setting of its own it is not put in place of its call */
    return names_without_schema(names, routine->body);
}

static Status set_path(Describer *describer, const Routine *routine, const TextList *path,
                       Error *err)
{
    AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
    const DumpEntry *entry = describer_entry(describer, CLASS_PROC, routine->oid);
    uint32_t id = entry ? describer_notes(describer, entry)->object_id : 0;
    if (id == 0)
        return STATUS_OK; /* it stays behind */
    Object *object = &describer->catalog->objects[id - 1];
    TRY(pg_object_notes_read(object, &notes, err));
    free(notes.path);
    notes.path = path_of(path, routine);
    free(object->private_data);
    object->private_data = pg_object_notes_write(&notes);
    return STATUS_OK;
}

Status describe_paths(Describer *describer, const RanRoutines *routines, Error *err)
{
    AUTO_TEXT_LIST TextList path = {0};
    AUTO_FREE(pg_rows_free) PgRows *names = NULL;
    if (routines->count == 0)
        return STATUS_OK;
    TRY(read_path(describer->connection, &path, err));
    TRY(read_names(describer, &path, routines, &names, err));
    for (size_t i = 0; i < routines->count; i++) {
        const RanRoutine *ran = &routines->items[i];
        const Routine *routine = source_reach_routine(describer->reach, ran->oid);
        if (needs_path(describer, names, ran, routine))
            TRY(set_path(describer, routine, &path, err));
    }
    return STATUS_OK;
}
