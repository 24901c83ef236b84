/*
 * Retargeting: the same statement with other schemas (traps 4 and 5). A pair schema.name is rewritten
 * only when the map knows that (schema, name) for the kind which its place asks for; so members of extensions,
 * aliases named like a schema, and what is not migrated stay as they are. Rewritten are:
 *  - qualified names of every kind, also OPERATOR(schema.+), schema.table.column, typed literals;
 *  - literals cast to a reg* type ('public.s'::regclass), read as SQL in turn;
 *  - bodies of functions and procedures in SQL and PL/pgSQL, when they are strings;
 *  - SET search_path of functions: the new schema is put before the old one.
 * An array literal cast to reg*[] cannot be rewritten: ERROR_REFUSED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

/* Name spaces of a schema, as bits. A relation is also a type (its row type). */
enum {
    SPACE_RELATION = 1, /* tables, views, sequences, indexes... */
    SPACE_TYPE = 2,
    SPACE_ROUTINE = 4,
    SPACE_OPERATOR = 8,
    SPACE_OTHER = 16, /* collations, operator classes and families, text search, statistics... */
};

typedef struct NameMap NameMap;
NameMap *name_map_new(void);
void name_map_free(NameMap *map);
DEFINE_AUTO_FREE(NameMap, name_map_free);

/* (schema, name) in these spaces is to be found in to_schema. Two answers for one name in one space
 * make it ambiguous: retarget() refuses where it is used. */
void name_map_add(NameMap *map, unsigned spaces, const char *schema, const char *name,
                  const char *to_schema);
/* Everything in a schema that name_map_add() does not know; for schemas whose name is nobody's
 * alias (our own, on the way back). */
void name_map_add_schema(NameMap *map, const char *schema, const char *to_schema);
/* A pinned search_path that names `schema` shall look into to_schema first. */
void name_map_add_path(NameMap *map, const char *schema, const char *to_schema);
/* Likewise, but at its end; may be called more than once. */
void name_map_add_path_end(NameMap *map, const char *schema, const char *to_schema);

/* NULL when it stays where it is. */
const char *name_map_find(const NameMap *map, unsigned spaces, const char *schema,
                          const char *name);

/* Appends the rewritten text. ret_changed (may be NULL): is it another text than before? */
Status retarget(const NameMap *map, const char *sql, Text *ret, bool *ret_changed, Error *err);

/*
 * Likewise; but a routine or operator whose name has two answers, since overloads of it lie in several
 * schemas, loses its schema: the server finds it by the types of its arguments, when these schemas are
 * its search_path. They are added to ret_path, staging first. In bodies that are strings it is
 * refused all the same.
 */
Status retarget_on_path(const NameMap *map, const char *sql, Text *ret, TextList *ret_path,
                        Error *err);

/* Does the body of a SQL or PL/pgSQL routine build statements at run time (EXECUTE)? entry is a
 * CREATE FUNCTION/PROCEDURE statement; `ret_language` (may be NULL) gets its language, to be freed. */
Status routine_is_dynamic(const char *entry, bool *ret_dynamic, char **ret_language, Error *err);

/* Appends the statements of an entry one by one to the list, each with its ';', outside of parentheses,
 * quotes and BEGIN ATOMIC ... END. */
Status split_statements(const char *sql, TextList *ret, Error *err);
