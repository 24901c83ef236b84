/*
 * What comes, by the plan alone: names in the way in which the catalogs of the target will have
 * them. What only the server knows is left out (the functions of a range type, names of array types
 * that are taken): it shows once staging exists.
 */
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/swap_inside.h"

enum {
    NAME_MAX_BYTES = 63,
};

typedef struct Planned {
    const SwapWork *work;
    Json *things;
    TextList owned; /* "schema.name" of sequences that belong to a column */
} Planned;

static void add_thing(const Planned *planned, const char *class_name, const char *schema,
                      const char *name, const char *args, const char *word, bool is_part)
{
    Json *thing = json_object();

    json_set_string(thing, "class", class_name);
    json_set_string(thing, "schema", schema);
    json_set_string(thing, "name", name);
    json_set_string(thing, "args", args);
    json_set_string(thing, "word", word);
    json_set_bool(thing, "part", is_part);
    json_add(planned->things, thing);
}

static void add_array_type(const Planned *planned, const char *schema, const char *name)
{
    size_t size = utf8_cut(name, strlen(name), NAME_MAX_BYTES - 1);
    AUTO_FREE_MEMORY char *array = xasprintf("_%.*s", (int)size, name);

    add_thing(planned, "pg_type", schema, array, "", "type", true);
}

/* A relation with rows is a type, too. */
static void add_relation(const Planned *planned, const char *schema, const char *name,
                         const char *word)
{
    add_thing(planned, "pg_class", schema, name, "", word, false);
    add_thing(planned, "pg_type", schema, name, "", "type", true);
    add_array_type(planned, schema, name);
}

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read is seen when it is staged */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

/* Is the type of CREATE TYPE ... AS (columns)? */
static bool is_composite(const char *statement)
{
    SqlLexer lexer;
    SqlToken token = {0};
    bool after_as = false;

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (sql_is(&token, "(") || sql_is(&token, ";"))
            return after_as && sql_is(&token, "(");
        after_as = sql_is_word(&token, "as");
    }
    return false;
}

/* The identifier behind the word, or NULL. */
static char *name_behind(const char *statement, const char *word)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (next_solid(&lexer, &token)) {
        if (!sql_is_word(&token, word) || !next_solid(&lexer, &token))
            continue;
        if (token.kind == SQL_WORD || token.kind == SQL_NAME)
            return sql_identifier(&token);
    }
    return NULL;
}

/* The text between WORD = and the next comma or bracket outside of its own, or NULL. */
static char *value_of(const char *statement, const char *word)
{
    SqlLexer lexer;
    SqlToken token = {0};
    AUTO_TEXT Text value = {0};
    int depth = 0;
    bool is_in = false;
    Error ignored = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (sql_lexer_next(&lexer, &token, &ignored) >= 0 && token.kind != SQL_END) {
        if (!is_in && sql_is_word(&token, word)) {
            is_in = next_solid(&lexer, &token) && sql_is(&token, "=");
            continue;
        }
        if (!is_in || (token.kind == SQL_SPACE && value.size == 0))
            continue;
        if (depth == 0 && (sql_is(&token, ",") || sql_is(&token, ")")))
            break;
        depth += sql_is(&token, "(") ? 1 : sql_is(&token, ")") ? -1 : 0;
        text_append_bytes(&value, token.text, token.size);
    }
    while (value.size > 0 &&
           (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\n'))
        value.data[--value.size] = '\0';
    return is_in ? text_take(&value) : NULL;
}

/* Would the server write it without quotes? (Were it a keyword, it would not: no matter here.) */
static bool is_plain(const char *name)
{
    return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) &&
           strchr("0123456789", *name) == NULL;
}

static bool is_extension_schema(const SwapWork *work, const char *schema)
{
    for (size_t i = 0; i < work->map.extension_count; i++) {
        const char *installed = work->map.extensions[i].installed_schema;

        if (installed != NULL && strcmp(installed, schema) == 0)
            return true;
    }
    return false;
}

/* Retargeting puts every schema in quotes; the server those that need them. */
static Status write_plainly(const SwapWork *work, const char *text, Text *ret, Error *err)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, text, strlen(text));
    for (;;) {
        AUTO_FREE_MEMORY char *name = NULL;

        TRY(sql_lexer_next(&lexer, &token, err));
        if (token.kind == SQL_END)
            return STATUS_OK;
        if (token.kind == SQL_NAME)
            name = sql_identifier(&token);
        if (name != NULL && is_plain(name) && is_extension_schema(work, name))
            text_append(ret, name);
        else
            text_append_bytes(ret, token.text, token.size);
    }
}

Status swap_home_types(const SwapWork *work, const char *types, char **ret, Error *err)
{
    static const char head[] = "DROP FUNCTION nobody.nothing";
    AUTO_FREE_MEMORY char *statement = xasprintf("%s%s;", head, types);
    AUTO_TEXT Text text = {0};
    AUTO_TEXT Text plain = {0};

    TRY(retarget(work->home, statement, &text, NULL, err));
    TRY(write_plainly(work, text_string(&text), &plain, err));
    *ret = xstrndup(text_string(&plain) + strlen(head), plain.size - strlen(head) - 1);
    return STATUS_OK;
}

/* ---- one kind each ---- */

/* The label is name(types), the name quoted where need be. */
Status swap_routine_key(const SwapWork *work, const Object *object, const PgObjectNotes *notes,
                        char **ret_name, char **ret_arguments, Error *err)
{
    const char *opening = notes->label != NULL ? notes->label : object->name;
    AUTO_FREE_MEMORY char *schema = NULL;
    bool is_quoted = false;

    for (; *opening != '\0' && (is_quoted || *opening != '('); opening++)
        is_quoted = *opening == '"' ? !is_quoted : is_quoted;
    if (!created_name(object->definition, &schema, ret_name))
        return STATUS_OK;
    return swap_home_types(work, strcmp(opening, "(*)") == 0 ? "()" : opening, ret_arguments, err);
}

static Status add_routine(const Planned *planned, const Object *object, const PgObjectNotes *notes,
                          Error *err)
{
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *args = NULL;

    TRY(swap_routine_key(planned->work, object, notes, &name, &args, err));
    if (name != NULL)
        add_thing(planned, "pg_proc", object->schema, name, args, "routine", false);
    return STATUS_OK;
}

static Status add_operator(const Planned *planned, const Object *object, Error *err)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *left = value_of(object->definition, "leftarg");
    AUTO_FREE_MEMORY char *right = value_of(object->definition, "rightarg");
    AUTO_FREE_MEMORY char *types =
        xasprintf("(%s, %s)", left != NULL ? left : "NONE", right != NULL ? right : "NONE");
    AUTO_FREE_MEMORY char *args = NULL;

    if (!created_name(object->definition, &schema, &name))
        return STATUS_OK;
    TRY(swap_home_types(planned->work, types, &args, err));
    add_thing(planned, "pg_operator", schema, name, args, "operator", false);
    return STATUS_OK;
}

static void add_index_method(const Planned *planned, const Object *object, const char *class_name,
                             const char *word)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;
    AUTO_FREE_MEMORY char *method = name_behind(object->definition, "using");

    if (method == NULL || !created_name(object->definition, &schema, &name))
        return;

    AUTO_FREE_MEMORY char *args = xasprintf(" using %s", method);

    add_thing(planned, class_name, schema, name, args, word, false);
}

static void add_type(const Planned *planned, const Object *object, const char *word)
{
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *name = NULL;

    if (!created_name(object->definition, &schema, &name))
        return;
    if (is_composite(object->definition)) {
        add_relation(planned, schema, name, word);
        return;
    }
    add_thing(planned, "pg_type", schema, name, "", word, false);
    add_array_type(planned, schema, name);
}

static void add_sequence(const Planned *planned, const Object *object, const char *name)
{
    AUTO_FREE_MEMORY char *key = xasprintf("%s.%s", object->schema, name);
    bool is_identity = strncmp(object->definition, "ALTER TABLE", strlen("ALTER TABLE")) == 0;

    add_thing(planned, "pg_class", object->schema, name, "", "sequence",
              is_identity || text_list_has(&planned->owned, key));
}

/* ---- all ---- */

/* What is called by its label alone. */
static const struct {
    const char *type;
    const char *class_name;
    const char *word;
} plain_kinds[] = {
    {"COLLATION", "pg_collation", "collation"},
    {"CONVERSION", "pg_conversion", "conversion"},
    {"STATISTICS", "pg_statistic_ext", "statistics"},
    {"TEXT SEARCH CONFIGURATION", "pg_ts_config", "text search configuration"},
    {"TEXT SEARCH DICTIONARY", "pg_ts_dict", "text search dictionary"},
    {"TEXT SEARCH PARSER", "pg_ts_parser", "text search parser"},
    {"TEXT SEARCH TEMPLATE", "pg_ts_template", "text search template"},
};

static bool is_one_of(const char *type, const char *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}

static void add_plain(const Planned *planned, const Object *object, const char *type,
                      const char *label)
{
    for (size_t i = 0; i < sizeof(plain_kinds) / sizeof(plain_kinds[0]); i++) {
        if (strcmp(plain_kinds[i].type, type) == 0)
            add_thing(planned, plain_kinds[i].class_name, object->schema, label, "",
                      plain_kinds[i].word, false);
    }
}

static Status add_object(const Planned *planned, const Object *object, const PgObjectNotes *notes,
                         Error *err)
{
    static const char *const routines[] = {"FUNCTION", "PROCEDURE", "AGGREGATE"};
    static const char *const indexes[] = {"INDEX", "CONSTRAINT"};
    static const char *const types[] = {"TYPE", "SHELL TYPE"};
    const char *label = notes->label != NULL ? notes->label : object->name;
    const char *type = notes->type;

    if (is_one_of(type, routines, 3))
        return add_routine(planned, object, notes, err);
    if (strcmp(type, "OPERATOR") == 0)
        return add_operator(planned, object, err);
    if (strcmp(type, "TABLE") == 0)
        add_relation(planned, object->schema, label, "table");
    else if (strcmp(type, "VIEW") == 0)
        add_relation(planned, object->schema, label, "view");
    else if (strcmp(type, "MATERIALIZED VIEW") == 0)
        add_relation(planned, object->schema, label, "materialized view");
    else if (strcmp(type, "SEQUENCE") == 0)
        add_sequence(planned, object, label);
    else if (is_one_of(type, indexes, 2))
        add_thing(planned, "pg_class", object->schema, label, "", "index", true);
    else if (is_one_of(type, types, 2))
        add_type(planned, object, "type");
    else if (strcmp(type, "DOMAIN") == 0)
        add_type(planned, object, "domain");
    else if (strcmp(type, "OPERATOR CLASS") == 0)
        add_index_method(planned, object, "pg_opclass", "operator class");
    else if (strcmp(type, "OPERATOR FAMILY") == 0)
        add_index_method(planned, object, "pg_opfamily", "operator family");
    else
        add_plain(planned, object, type, label);
    return STATUS_OK;
}

static void find_owned(Planned *planned)
{
    const Catalog *catalog = &planned->work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        const PgObjectNotes *notes = &planned->work->notes[i];

        if (notes->type == NULL || strcmp(notes->type, "SEQUENCE OWNED BY") != 0)
            continue;

        AUTO_FREE_MEMORY char *key =
            xasprintf("%s.%s", object->schema, notes->label != NULL ? notes->label : object->name);

        text_list_add(&planned->owned, key);
    }
}

static Status add_all(const Planned *planned, Error *err)
{
    const Catalog *catalog = &planned->work->plan->catalog;

    for (size_t i = 0; i < catalog->table_count; i++)
        add_relation(planned, catalog->tables[i].schema, catalog->tables[i].name, "table");
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (!object_kind_is_data(object->kind) && object->schema != NULL)
            TRY(add_object(planned, object, &planned->work->notes[i], err));
    }
    return STATUS_OK;
}

Status swap_planned_things(const SwapWork *work, char **ret, Error *err)
{
    AUTO_FREE(json_free) Json *things = json_array();
    Planned planned = {.work = work, .things = things};

    find_owned(&planned);

    Status status = add_all(&planned, err);

    text_list_release(&planned.owned);
    if (status >= 0)
        *ret = json_print(things, false);
    return status;
}
