#include "engine/connect/postgres/source_reach.h"

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/source_depends.sql.h"
#include "engine/connect/postgres/source_places.h"
#include "engine/connect/postgres/source_routines.sql.h"
#include "engine/connect/postgres/sql_lexer.h"

enum {
    SEEN_KEPT = 1024, /* places in the table of what a walk has seen, from walk to walk */
};

/* The columns of source_routines.sql. */
enum {
    NAMED_CLASS,
    NAMED_OID,
    NAMED_SCHEMA,
    NAMED_NAME,
    NAMED_LANGUAGE,
    NAMED_BODY,
    NAMED_ARGUMENTS,
    NAMED_HAS_PATH,
    NAMED_TYPES,
};

/* Something that a body can name. */
typedef struct Named {
    Thing thing;
    const char *schema; /* borrowed from the rows */
    const char *name;
} Named;

struct SourceReach {
    const SourceRelations *relations;
    PgRows *rows; /* of source_routines.sql */
    Thing *from;  /* edges, sorted: from[i] leads to to[i] */
    Thing *to;
    size_t edge_count;
    Routine *routines; /* by OID */
    size_t routine_count;
    Things *bodies; /* what each routine's body names; valid once is_read */
    bool *is_read;
    Named *named; /* by name */
    size_t named_count;
    Things queue; /* of the walk under way */
    Things seen;  /* likewise, as a hash table; an empty place has class 0 */
    size_t seen_count;
};

void things_release(Things *things)
{
    free(things->items);
    *things = (Things){0};
}

void things_add(Things *things, uint32_t class_oid, uint32_t oid)
{
    GROW(things->items, things->count, things->capacity);
    things->items[things->count++] = (Thing){class_oid, oid};
}

static int compare_things(Thing a, Thing b)
{
    if (a.class_oid != b.class_oid)
        return a.class_oid < b.class_oid ? -1 : 1;
    return (a.oid > b.oid) - (a.oid < b.oid);
}

void source_reach_free(SourceReach *reach)
{
    if (!reach)
        return;
    for (size_t i = 0; i < reach->routine_count; i++) {
        free(reach->routines[i].schema);
        free(reach->routines[i].name);
        free(reach->routines[i].arguments);
        free(reach->routines[i].types);
        free(reach->routines[i].language);
        free(reach->routines[i].body);
        things_release(&reach->bodies[i]);
    }
    pg_rows_free(reach->rows);
    free(reach->from);
    free(reach->to);
    free(reach->routines);
    free(reach->bodies);
    free(reach->is_read);
    free(reach->named);
    things_release(&reach->queue);
    things_release(&reach->seen);
    free(reach);
}

/* ---- reading ---- */

static Thing thing_of(const PgRows *rows, size_t row, unsigned column)
{
    return (Thing){(uint32_t)pg_unsigned(rows, row, column),
                   (uint32_t)pg_unsigned(rows, row, column + 1)};
}

static Status read_edges(SourceReach *reach, PgConnection *connection, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(connection, source_depends_sql, &rows, err));
    reach->edge_count = pg_row_count(rows);
    reach->from = xcalloc(reach->edge_count + 1, sizeof(*reach->from));
    reach->to = xcalloc(reach->edge_count + 1, sizeof(*reach->to));
    for (size_t row = 0; row < reach->edge_count; row++) {
        reach->from[row] = thing_of(rows, row, 0);
        reach->to[row] = thing_of(rows, row, 2);
    }
    return STATUS_OK;
}

static int compare_named(const void *left, const void *right)
{
    const Named *a = left;
    const Named *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : compare_things(a->thing, b->thing);
}

static void add_routine(SourceReach *reach, size_t row)
{
    const PgRows *rows = reach->rows;
    reach->routines[reach->routine_count++] = (Routine){
        .oid = thing_of(rows, row, NAMED_CLASS).oid,
        .schema = xstrdup(pg_value(rows, row, NAMED_SCHEMA)),
        .name = xstrdup(pg_value(rows, row, NAMED_NAME)),
        .arguments = xstrdup(pg_value(rows, row, NAMED_ARGUMENTS)),
        .types = xstrdup(pg_value(rows, row, NAMED_TYPES)),
        .language = xstrdup(pg_value(rows, row, NAMED_LANGUAGE)),
        .body = xstrdup(pg_value(rows, row, NAMED_BODY)),
        .has_path = pg_is_true(rows, row, NAMED_HAS_PATH),
    };
}

static Status read_names(SourceReach *reach, PgConnection *connection, Error *err)
{
    TRY(pg_query(connection, source_routines_sql, &reach->rows, err));
    size_t count = pg_row_count(reach->rows);
    reach->routines = xcalloc(count + 1, sizeof(*reach->routines));
    reach->bodies = xcalloc(count + 1, sizeof(*reach->bodies));
    reach->is_read = xcalloc(count + 1, sizeof(*reach->is_read));
    reach->named = xcalloc(count + 1, sizeof(*reach->named));
    for (size_t row = 0; row < count; row++) {
        Thing thing = thing_of(reach->rows, row, NAMED_CLASS);
        reach->named[reach->named_count++] =
            (Named){.thing = thing,
                    .schema = pg_value(reach->rows, row, NAMED_SCHEMA),
                    .name = pg_value(reach->rows, row, NAMED_NAME)};
        if (thing.class_oid == CLASS_PROC)
            add_routine(reach, row);
    }
    qsort(reach->named, reach->named_count, sizeof(*reach->named), compare_named);
    return STATUS_OK;
}

Status source_reach_read(PgConnection *connection, const SourceRelations *relations,
                         SourceReach **ret, Error *err)
{
    AUTO_FREE(source_reach_free) SourceReach *reach = xcalloc(1, sizeof(*reach));
    reach->relations = relations;
    TRY(read_edges(reach, connection, err));
    TRY(read_names(reach, connection, err));
    *ret = TAKE(reach);
    return STATUS_OK;
}

/* ---- names in bodies ---- */

static size_t find_routine(const SourceReach *reach, uint32_t oid)
{
    size_t low = 0;
    size_t high = reach->routine_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reach->routines[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reach->routine_count && reach->routines[low].oid == oid ? low : SIZE_MAX;
}

const Routine *source_reach_routine(const SourceReach *reach, uint32_t oid)
{
    size_t index = find_routine(reach, oid);
    return index == SIZE_MAX ? NULL : &reach->routines[index];
}

/* A name in a body: with the schema in front of it, if any. */
typedef struct Mention {
    const char *schema;
    const char *name;
    bool is_call; /* a parenthesis follows */
    bool is_operator;
} Mention;

static bool may_mean(const Mention *mention, const Named *named)
{
    if (mention->schema && strcmp(named->schema, mention->schema) != 0)
        return false;
    if (mention->is_operator)
        return named->thing.class_oid == CLASS_OPERATOR;
    return named->thing.class_oid == (mention->is_call ? CLASS_PROC : CLASS_RELATION);
}

/* Everything that may be meant: which overload, and through which search_path, is not known. */
static void add_named(const SourceReach *reach, const Mention *mention, Things *ret)
{
    size_t low = 0;
    size_t high = reach->named_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(reach->named[middle].name, mention->name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < reach->named_count && strcmp(reach->named[low].name, mention->name) == 0; low++) {
        const Named *named = &reach->named[low];
        if (may_mean(mention, named))
            things_add(ret, named->thing.class_oid, named->thing.oid);
    }
}

/* The name that a token is, or NULL; the caller frees. */
static char *name_of(const SqlToken *token)
{
    switch (token->kind) {
    case SQL_WORD:
    case SQL_NAME:
        return sql_identifier(token);
    case SQL_OPERATOR:
        return xstrndup(token->text, token->size);
    case SQL_END:
    case SQL_SPACE:
    case SQL_STRING:
    case SQL_DOLLAR:
    case SQL_NUMBER:
    case SQL_PUNCTUATION:
    case SQL_PARAMETER:
        return NULL;
    }
    return NULL;
}

static bool is_call(SqlLexer lexer)
{
    Error ignored = {0};
    SqlToken token = {0};
    do {
        if (sql_lexer_next(&lexer, &token, &ignored) != STATUS_OK)
            return false;
    } while (token.kind == SQL_SPACE);
    return sql_is(&token, "(");
}

/* Too much rather than too little: an alias named like a table counts as that table. */
static void read_body(const SourceReach *reach, const char *body, Things *ret)
{
    AUTO_FREE_MEMORY char *before = NULL; /* the name in front of a dot */
    Error ignored = {0};
    SqlLexer lexer = {0};
    SqlToken token = {0};
    bool after_dot = false;
    sql_lexer_begin(&lexer, body, strlen(body));
    while (sql_lexer_next(&lexer, &token, &ignored) == STATUS_OK && token.kind != SQL_END) {
        if (token.kind == SQL_SPACE)
            continue;
        AUTO_FREE_MEMORY char *name = name_of(&token);
        const Mention mention = {
            .schema = after_dot ? before : NULL,
            .name = name,
            .is_call = is_call(lexer),
            .is_operator = token.kind == SQL_OPERATOR,
        };
        if (name)
            add_named(reach, &mention, ret);
        after_dot = sql_is(&token, ".") && before;
        if (!after_dot) {
            free(before);
            before = TAKE(name);
        }
    }
}

static bool is_followed(const Routine *routine)
{
    return strcmp(routine->language, "sql") == 0 || strcmp(routine->language, "plpgsql") == 0;
}

static const Things *body_of(SourceReach *reach, uint32_t oid)
{
    size_t index = find_routine(reach, oid);
    if (index == SIZE_MAX)
        return NULL;
    if (!reach->is_read[index] && is_followed(&reach->routines[index]))
        read_body(reach, reach->routines[index].body, &reach->bodies[index]);
    reach->is_read[index] = true;
    return &reach->bodies[index];
}

/* ---- walking ---- */

static const Thing *find_edges(const SourceReach *reach, Thing from, size_t *ret_count)
{
    size_t low = 0;
    size_t high = reach->edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_things(reach->from[middle], from) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_count = 0;
    while (low + *ret_count < reach->edge_count &&
           compare_things(reach->from[low + *ret_count], from) == 0)
        ++*ret_count;
    return &reach->to[low];
}

const Thing *source_reach_needs(const SourceReach *reach, Thing thing, size_t *ret_count)
{
    const Thing *needs = find_edges(reach, thing, ret_count);
    const SourceRelation *relation = thing.class_oid == CLASS_RELATION
                                         ? source_relations_find(reach->relations, thing.oid)
                                         : NULL;
    if (!relation || (relation->kind != 'v' && relation->kind != 'm'))
        return needs;
    for (size_t i = 0; i < *ret_count; i++) {
        if (needs[i].class_oid == CLASS_REWRITE)
            return find_edges(reach, needs[i], ret_count);
    }
    return needs;
}

static bool see(SourceReach *reach, Thing thing);

/* Keeps the table at most half full. */
static void make_room(SourceReach *reach)
{
    Things old = reach->seen;
    if (2 * (reach->seen_count + 1) <= old.capacity)
        return;
    size_t capacity = old.capacity ? 2 * old.capacity : 64;
    reach->seen =
        (Things){.items = xcalloc(capacity, sizeof(*reach->seen.items)), .capacity = capacity};
    reach->seen_count = 0;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.items[i].class_oid)
            (void)see(reach, old.items[i]);
    }
    free(old.items);
}

/* Is it seen for the first time in this walk? */
static bool see(SourceReach *reach, Thing thing)
{
    make_room(reach);
    size_t at = (thing.oid * (size_t)2654435761U ^ thing.class_oid) & (reach->seen.capacity - 1);
    for (; reach->seen.items[at].class_oid; at = (at + 1) & (reach->seen.capacity - 1)) {
        if (compare_things(reach->seen.items[at], thing) == 0)
            return false;
    }
    reach->seen.items[at] = thing;
    reach->seen_count++;
    return true;
}

static bool is_end(const SourceReach *reach, Thing thing)
{
    const SourceRelation *relation = thing.class_oid == CLASS_RELATION
                                         ? source_relations_find(reach->relations, thing.oid)
                                         : NULL;
    return relation && relation->kind != 'v' && relation->kind != 'm';
}

static bool is_told(const SourceReach *reach, Thing thing)
{
    if (thing.class_oid == CLASS_PROC)
        return find_routine(reach, thing.oid) != SIZE_MAX;
    if (thing.class_oid != CLASS_RELATION)
        return false;
    const SourceRelation *relation = source_relations_find(reach->relations, thing.oid);
    return relation && (relation->kind == 'm' || source_relation_is_table(relation));
}

static void come_upon(SourceReach *reach, const Thing *things, size_t count, Things *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (!see(reach, things[i]))
            continue;
        if (!is_end(reach, things[i]))
            things_add(&reach->queue, things[i].class_oid, things[i].oid);
        if (is_told(reach, things[i]))
            things_add(ret, things[i].class_oid, things[i].oid);
    }
}

void source_reach_walk(SourceReach *reach, Thing from, Things *ret)
{
    reach->queue.count = 0;
    reach->seen_count = 0;
    if (reach->seen.capacity > SEEN_KEPT)
        things_release(&reach->seen); /* one long walk must not make all others slow */
    if (reach->seen.capacity)
        memset(reach->seen.items, 0, reach->seen.capacity * sizeof(*reach->seen.items));
    (void)see(reach, from);
    things_add(&reach->queue, from.class_oid, from.oid);
    for (size_t i = 0; i < reach->queue.count; i++) {
        Thing thing = reach->queue.items[i];
        size_t count = 0;
        const Thing *needs = find_edges(reach, thing, &count);
        come_upon(reach, needs, count, ret);
        const Things *body = thing.class_oid == CLASS_PROC ? body_of(reach, thing.oid) : NULL;
        if (body)
            come_upon(reach, body->items, body->count, ret);
    }
}

bool source_reach_runs_code(SourceReach *reach, Thing from)
{
    AUTO_THINGS Things reached = {0};
    source_reach_walk(reach, from, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        if (reached.items[i].class_oid == CLASS_PROC)
            return true;
    }
    return false;
}
