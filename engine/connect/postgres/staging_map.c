#include "engine/connect/postgres/staging_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/extension_members.sql.h"
#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/sql_lexer.h"

void staging_map_release(StagingMap *map)
{
    for (size_t i = 0; i < map->extension_count; i++) {
        free(map->extensions[i].name);
        free(map->extensions[i].schema);
        text_list_release(&map->extensions[i].members);
        free(map->extensions[i].version);
        free(map->extensions[i].installed_schema);
        free(map->extensions[i].installed_version);
    }
    free(map->extensions);
    name_map_free(map->forward);
    name_map_free(map->back);
    text_list_release(&map->schemas);
    text_list_release(&map->staging);
    *map = (StagingMap){0};
}

/* ---- what a statement makes ---- */

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read makes nothing that we know */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

static bool is_identifier(const SqlToken *token)
{
    return token->kind == SQL_WORD || token->kind == SQL_NAME;
}

/* The first pair of a CREATE statement is what it makes: pg_dump always gives the schema. */
bool created_name(const char *statement, char **ret_schema, char **ret_name)
{
    SqlLexer lexer;
    SqlToken token = {0};
    SqlToken before = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    if (!next_solid(&lexer, &token) || !sql_is_word(&token, "create"))
        return false;
    while (next_solid(&lexer, &token) && !sql_is(&token, ".")) {
        if (sql_is(&token, "(") || sql_is(&token, ";"))
            return false;
        before = token;
    }
    if (!is_identifier(&before) || !next_solid(&lexer, &token))
        return false;
    if (token.kind == SQL_OPERATOR)
        *ret_name = xstrndup(token.text, token.size);
    else if (is_identifier(&token))
        *ret_name = sql_identifier(&token);
    else
        return false;
    *ret_schema = sql_identifier(&before);
    return true;
}

/* The range of CREATE TYPE ... AS RANGE has functions of its name, and a type over it that has a
 * name and a schema of its own; the functions of that name are beside the range's. */
static bool multirange_name(const char *statement, char **ret_schema, char **ret_name)
{
    SqlLexer lexer;
    SqlToken token = {0};
    SqlToken schema = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (!sql_is_word(&token, "multirange_type_name"))
            continue;
        if (!next_solid(&lexer, &token) || !sql_is(&token, "=") || !next_solid(&lexer, &schema) ||
            !is_identifier(&schema) || !next_solid(&lexer, &token) || !sql_is(&token, ".") ||
            !next_solid(&lexer, &token) || !is_identifier(&token))
            continue;
        *ret_schema = sql_identifier(&schema);
        *ret_name = sql_identifier(&token);
        return true;
    }
    return false;
}

/* Do the two words follow each other outside of quotes? */
static bool has_words(const char *statement, const char *first, const char *second)
{
    SqlLexer lexer;
    SqlToken token = {0};
    bool after_first = false;

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (after_first && (sql_is_word(&token, second) || sql_is(&token, second)))
            return true;
        after_first = sql_is_word(&token, first);
    }
    return false;
}

/* ---- what is migrated ---- */

typedef struct NamedKind {
    const char *type;
    unsigned spaces;
    bool is_label; /* its name is the label; else read from its statement */
} NamedKind;

/* A constraint has an index of its name, or needs no name here; then this one harms nobody. */
static const NamedKind named_kinds[] = {
    {"TABLE", SPACE_RELATION | SPACE_TYPE, true},
    {"FOREIGN TABLE", SPACE_RELATION | SPACE_TYPE, true},
    {"VIEW", SPACE_RELATION | SPACE_TYPE, true},
    {"MATERIALIZED VIEW", SPACE_RELATION | SPACE_TYPE, true},
    {"SEQUENCE", SPACE_RELATION, true},
    {"INDEX", SPACE_RELATION, true},
    {"CONSTRAINT", SPACE_RELATION, true},
    {"TYPE", SPACE_TYPE, false},
    {"SHELL TYPE", SPACE_TYPE, false},
    {"DOMAIN", SPACE_TYPE, false},
    {"FUNCTION", SPACE_ROUTINE, false},
    {"PROCEDURE", SPACE_ROUTINE, false},
    {"AGGREGATE", SPACE_ROUTINE, false},
    {"OPERATOR", SPACE_OPERATOR, false},
    {"OPERATOR CLASS", SPACE_OTHER, false},
    {"OPERATOR FAMILY", SPACE_OTHER, false},
    {"COLLATION", SPACE_OTHER, false},
    {"CONVERSION", SPACE_OTHER, false},
    {"STATISTICS", SPACE_OTHER, false},
    {"TEXT SEARCH PARSER", SPACE_OTHER, false},
    {"TEXT SEARCH DICTIONARY", SPACE_OTHER, false},
    {"TEXT SEARCH TEMPLATE", SPACE_OTHER, false},
    {"TEXT SEARCH CONFIGURATION", SPACE_OTHER, false},
};

static const NamedKind *find_named_kind(const char *type)
{
    for (size_t i = 0; i < sizeof(named_kinds) / sizeof(named_kinds[0]); i++) {
        if (strcmp(named_kinds[i].type, type) == 0)
            return &named_kinds[i];
    }
    return NULL;
}

static void insert_schema(TextList *schemas, const char *schema)
{
    size_t at = schemas->count;

    if (text_list_has(schemas, schema))
        return;
    text_list_add(schemas, schema);
    for (; at > 0 && strcmp(schemas->items[at - 1], schemas->items[at]) > 0; at--) {
        char *other = schemas->items[at - 1];

        schemas->items[at - 1] = schemas->items[at];
        schemas->items[at] = other;
    }
}

const char *staging_map_schema(const StagingMap *map, const char *schema)
{
    for (size_t i = 0; schema != NULL && i < map->schemas.count; i++) {
        if (strcmp(map->schemas.items[i], schema) == 0)
            return map->staging.items[i];
    }
    return NULL;
}

/* A cut name may be that of another schema's staging. */
static Status name_schemas(const RunIdentity *identity, StagingMap *map, Error *err)
{
    for (size_t i = 0; i < map->schemas.count; i++) {
        AUTO_FREE_MEMORY char *staging = pg_staging_schema(identity, map->schemas.items[i]);

        for (size_t j = 0; j < map->staging.count; j++) {
            if (strcmp(map->staging.items[j], staging) != 0)
                continue;
            (void)error_kind(err, ERROR_REFUSED,
                             "the schemas \"%s\" and \"%s\" are too long and alike: both would be "
                             "staged as \"%s\"",
                             map->schemas.items[j], map->schemas.items[i], staging);
            error_hint(err, "Rename one of them in the source, or migrate them one after the "
                            "other with --schema.");
            return STATUS_INVALID;
        }
        text_list_add(&map->staging, staging);
        name_map_add_schema(map->back, staging, map->schemas.items[i]);
        name_map_add_path(map->forward, map->schemas.items[i], staging);
    }
    return STATUS_OK;
}

static void add_type(const StagingMap *map, const char *schema, const char *name,
                     const char *statement)
{
    const char *staging = staging_map_schema(map, schema);

    if (has_words(statement, "as", "(")) { /* a composite type is in pg_class, too */
        name_map_add(map->forward, SPACE_RELATION, schema, name, staging);
    } else if (has_words(statement, "as", "range")) {
        AUTO_FREE_MEMORY char *over_schema = NULL;
        AUTO_FREE_MEMORY char *over = NULL;

        name_map_add(map->forward, SPACE_ROUTINE, schema, name, staging);
        if (!multirange_name(statement, &over_schema, &over))
            return;
        name_map_add(map->forward, SPACE_ROUTINE, schema, over, staging);
        name_map_add(map->forward, SPACE_TYPE, over_schema, over,
                     staging_map_schema(map, over_schema));
    }
}

/*
 * An operator names its commutator and negator, and they are made with it where they are not there
 * yet. In the source they may have stayed without a definition; then no entry of the dump is theirs.
 */
static void add_other_operators(const StagingMap *map, const char *statement)
{
    SqlLexer lexer;
    SqlToken token = {0};
    SqlToken schema = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (!sql_is_word(&token, "operator") || !next_solid(&lexer, &token) ||
            !sql_is(&token, "(") || !next_solid(&lexer, &schema) || !is_identifier(&schema) ||
            !next_solid(&lexer, &token) || !sql_is(&token, ".") || !next_solid(&lexer, &token) ||
            token.kind != SQL_OPERATOR)
            continue;
        AUTO_FREE_MEMORY char *name = xstrndup(token.text, token.size);
        AUTO_FREE_MEMORY char *of = sql_identifier(&schema);
        const char *staging = staging_map_schema(map, of);

        if (staging != NULL)
            name_map_add(map->forward, SPACE_OPERATOR, of, name, staging);
    }
}

static void add_object(const StagingMap *map, const Object *object, const PgObjectNotes *notes,
                       const NamedKind *named)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;

    if (named->is_label) {
        schema = xstrdup(object->schema);
        name = xstrdup(notes->label != NULL ? notes->label : object->name);
    } else if (!created_name(object->definition, &schema, &name)) {
        return;
    }
    name_map_add(map->forward, named->spaces, schema, name, staging_map_schema(map, schema));
    if (strcmp(notes->type, "TYPE") == 0)
        add_type(map, schema, name, object->definition);
    if (strcmp(notes->type, "OPERATOR") == 0)
        add_other_operators(map, object->definition);
}

static bool is_extension(const PgObjectNotes *notes)
{
    return strcmp(notes->type, "EXTENSION") == 0;
}

static void add_extension(StagingMap *map, const Object *object, PgObjectNotes *notes)
{
    GROW(map->extensions, map->extension_count, map->extension_capacity);
    map->extensions[map->extension_count++] = (StagedExtension){
        .name = xstrdup(notes->label != NULL ? notes->label : object->name),
        .schema = xstrdup(notes->extension_schema),
        .version = xstrdup(notes->extension_version),
        .object_id = object->id,
        .members = notes->extension_members,
    };
    notes->extension_members = (TextList){0};
}

static void insert_schemas_of(StagingMap *map, const Object *object, const PgObjectNotes *notes)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;

    insert_schema(&map->schemas, object->schema);
    if (strcmp(notes->type, "TYPE") == 0 && multirange_name(object->definition, &schema, &name))
        insert_schema(&map->schemas, schema);
}

/* Which schemas something is made in, and which extensions are needed. */
static Status collect(const Catalog *catalog, StagingMap *map, Error *err)
{
    for (size_t i = 0; i < catalog->table_count; i++)
        insert_schema(&map->schemas, catalog->tables[i].schema);
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (object_kind_is_data(object->kind))
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        if (is_extension(&notes))
            add_extension(map, object, &notes);
        else if (object->schema != NULL && find_named_kind(notes.type) != NULL)
            insert_schemas_of(map, object, &notes);
    }
    return STATUS_OK;
}

static Status add_names(const Catalog *catalog, const StagingMap *map, Error *err)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];

        name_map_add(map->forward, SPACE_RELATION | SPACE_TYPE, table->schema, table->name,
                     staging_map_schema(map, table->schema));
    }
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
        const NamedKind *named = NULL;

        if (object_kind_is_data(object->kind) || object->schema == NULL)
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        named = find_named_kind(notes.type);
        if (named != NULL)
            add_object(map, object, &notes, named);
    }
    return STATUS_OK;
}

/* ---- extensions ---- */

static StagedExtension *find_extension(const StagingMap *map, const char *name)
{
    for (size_t i = 0; i < map->extension_count; i++) {
        if (strcmp(map->extensions[i].name, name) == 0)
            return &map->extensions[i];
    }
    return NULL;
}

static Status read_installed(PgConnection *target, const StagingMap *map, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(target,
                 "select e.extname, n.nspname, e.extversion from pg_catalog.pg_extension e"
                 " join pg_catalog.pg_namespace n on n.oid = e.extnamespace",
                 &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        StagedExtension *extension = find_extension(map, pg_value(rows, i, 0));

        if (extension == NULL)
            continue;
        extension->installed_schema = xstrdup(pg_value(rows, i, 1));
        extension->installed_version = xstrdup(pg_value(rows, i, 2));
        if (extension->schema != NULL &&
            strcmp(extension->schema, extension->installed_schema) != 0)
            name_map_add_path_end(map->forward, extension->schema, extension->installed_schema);
    }
    return STATUS_OK;
}

static Status read_available(PgConnection *target, const StagingMap *map, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (map->extension_count == 0)
        return STATUS_OK;
    TRY(pg_query(target, "select name, version from pg_catalog.pg_available_extension_versions",
                 &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        StagedExtension *extension = find_extension(map, pg_value(rows, i, 0));

        if (extension == NULL)
            continue;
        extension->is_available = true;
        if (extension->version != NULL && strcmp(extension->version, pg_value(rows, i, 1)) == 0)
            extension->is_version_available = true;
    }
    return STATUS_OK;
}

/* What is still to be created lies where it lies in the source, and is ambiguous in the same way. */
static void add_coming(const StagingMap *map, const StagedExtension *extension)
{
    if (extension->installed_schema != NULL || extension->schema == NULL)
        return;
    for (size_t i = 0; i < extension->members.count; i++) {
        char *name = NULL;
        unsigned long spaces = strtoul(extension->members.items[i], &name, 10);

        if (*name == ' ')
            name_map_add(map->forward, (unsigned)spaces, extension->schema, name + 1,
                         extension->schema);
    }
}

/*
 * Members are added even where they stay: a migrated overload of the same name makes the name
 * ambiguous then, instead of taking what belongs to the extension along. Members outside of the
 * extension's schema have a schema of their own, the same everywhere.
 */
static void add_member(const StagingMap *map, const StagedExtension *extension, const char *schema,
                       const char *name, unsigned spaces)
{
    if (extension->schema == NULL || strcmp(schema, extension->installed_schema) != 0) {
        name_map_add(map->forward, spaces, schema, name, schema);
        return;
    }
    name_map_add(map->forward, spaces, extension->schema, name, schema);
    if (strcmp(schema, extension->schema) != 0)
        name_map_add(map->back, spaces, schema, name, extension->schema);
}

static Status add_members(PgConnection *target, const StagingMap *map, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (map->extension_count == 0)
        return STATUS_OK;
    for (size_t i = 0; i < map->extension_count; i++)
        add_coming(map, &map->extensions[i]);
    TRY(pg_query(target, extension_members_sql, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const StagedExtension *extension = find_extension(map, pg_value(rows, i, 0));

        if (extension != NULL)
            add_member(map, extension, pg_value(rows, i, 1), pg_value(rows, i, 2),
                       (unsigned)pg_unsigned(rows, i, 3));
    }
    return STATUS_OK;
}

Status staging_map_make(PgConnection *target, const RunIdentity *identity, const Catalog *catalog,
                        StagingMap *ret, Error *err)
{
    AUTO_STAGING_MAP StagingMap map = {.forward = name_map_new(), .back = name_map_new()};

    TRY(collect(catalog, &map, err));
    TRY(name_schemas(identity, &map, err));
    TRY(add_names(catalog, &map, err));
    TRY(read_installed(target, &map, err));
    TRY(read_available(target, &map, err));
    TRY(add_members(target, &map, err));
    *ret = map;
    map = (StagingMap){0};
    return STATUS_OK;
}
