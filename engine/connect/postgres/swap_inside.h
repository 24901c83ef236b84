/*
 * What the files that plan the swap share; see swap_plan.c. Private to swap_*.c.
 */
#pragma once

#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/staging_map.h"
#include "engine/connect/postgres/swap.h"

typedef struct SwapSchema {
    char *live;
    char *staging; /* NULL: nothing comes here, something goes along from here */
    char *retired;
    char *undone;
    bool exists;   /* live */
    bool is_ours;  /* live: we may comment on it */
    char *comment; /* of live, or NULL */
    bool has_retiring;
} SwapSchema;

/* Something in a schema that is moved, or is moved along as a part. */
typedef struct SwapThing {
    char *word;    /* behind ALTER: "table", "text search parser" */
    char *schema;  /* the live one */
    char *key;     /* its name, quoted where need be, with arguments in the words of live schemas */
    bool is_part;  /* an owned sequence */
    bool is_table; /* can be locked by LOCK TABLE */
    bool has_other; /* coming: there is a live one; retiring: the source names it */
    char *owner;    /* coming: the quoted role that it is given to, or NULL */
    bool owner_is_us;
} SwapThing;

typedef struct SwapThings {
    SwapThing *items;
    size_t count;
    size_t capacity;
} SwapThings;

/* A dependent outside: bound by the same statement to what has the names, there and back. */
typedef struct SwapBinding {
    char *words;
    char *statement;
} SwapBinding;

typedef struct SwapWork {
    PgConnection *connection;
    const RunIdentity *identity;
    const Plan *plan;
    bool staged_exists;
    Swap *swap;
    Findings *findings;
    StagingMap map;
    NameMap *home; /* the source's words in those of the live schemas: members of extensions only */
    PgObjectNotes *notes; /* by object id - 1; of objects that are data none */
    SwapSchema *schemas;
    size_t schema_count;
    size_t schema_capacity;
    SwapThings coming;
    SwapThings retiring;
    SwapBinding *bindings;
    size_t binding_count;
    size_t binding_capacity;
    Swap early; /* steps before anything moves */
    Swap late;  /* steps after everything has moved */
    TextList outside_locks;
    char *user;
    bool is_superuser;
    uint64_t locks;
    char *pairs;        /* values of the .sql files */
    char *coming_value; /* "" once it is there */
    char *classes;
    char *oids;
    char *successors;
} SwapWork;

/* The parts one after the other, with the values above. */
Status swap_query(SwapWork *work, const char *const *parts, size_t count, PgRows **ret, Error *err);
/* swap_things.sql, what comes, and then this. */
Status swap_query_coming(SwapWork *work, const char *sql, PgRows **ret, Error *err);
/* swap_gone.sql and then this. */
Status swap_query_gone(SwapWork *work, const char *sql, PgRows **ret, Error *err);
void swap_fill(const SwapWork *work, Text *text, const char *sql);

SwapSchema *swap_find_schema(const SwapWork *work, const char *live);
SwapSchema *swap_add_schema(SwapWork *work, const char *live, const char *staging);

/* A step whose words and statements are taken over. */
void swap_add_step(Swap *swap, char *words, char *forward, char *inverse);
/* And one that belongs to that object alone: kind and qualified name as for swap_of(). */
void swap_add_step_of(Swap *swap, const char *kind, const char *qualified, char *words,
                      char *forward, char *inverse);

/* "(type, type)" in the source's words, as the target's catalogs show it: types of extensions may stand
 * elsewhere there. The caller frees. */
Status swap_home_types(const SwapWork *work, const char *types, char **ret, Error *err);

/* The name and "(type, type)" of a routine, likewise; name NULL: not to be read. The caller frees. */
Status swap_routine_key(const SwapWork *work, const Object *object, const PgObjectNotes *notes,
                        char **ret_name, char **ret_arguments, Error *err);

/* What comes, before it is there: from the plan. The caller frees. */
Status swap_planned_things(const SwapWork *work, char **ret, Error *err);

/* coming, retiring, with their refusals; then what of the names stays in the way. */
Status swap_find_things(SwapWork *work, Error *err);
Status swap_check_schemas(SwapWork *work, Error *err);

/* bindings, early and late. */
Status swap_find_dependents(SwapWork *work, Error *err);

/* What is said of a statement that uses a label which the source's enumeration does not have; NULL: none.
 * types: of swap_dependents.sql, a JSON array of {"schema", "name", "words"} or "". The caller frees. */
Status swap_missing_label(const SwapWork *work, const char *statement, const char *types,
                          char **ret, Error *err);

/* Refusals for columns, keys and results that others use and that do not come; before they are there. */
Status swap_check_uses(SwapWork *work, Error *err);

/* Steps. */
void swap_plan_early(SwapWork *work);
Status swap_plan_schemas(SwapWork *work, Error *err);
void swap_plan_moves(SwapWork *work);
Status swap_plan_bodies(SwapWork *work, Error *err);
Status swap_plan_row_security(SwapWork *work, Error *err);
Status swap_plan_grants(SwapWork *work, Error *err);
void swap_plan_late(SwapWork *work);
void swap_plan_undone(SwapWork *work);

/* Statement of the entries about a schema; type is pg_dump's word ("COMMENT"). NULL: none. Borrowed. */
const char *swap_schema_entry(const SwapWork *work, const char *type, const char *schema);

/* fingerprint, checks, and whether the server has enough locks. */
Status swap_plan_checks(SwapWork *work, char ret_fingerprint[65], Error *err);
