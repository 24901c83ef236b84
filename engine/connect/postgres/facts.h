/*
 * Facts: the structure of a table as evidence. The same questions are put to the catalogs of the
 * source (when it is described) and of the target (when staging is checked); each answer is one
 * line "KIND NAME HASH", where HASH is 16 hex digits over the full definition with names of schemas
 * brought back to the source's:
 *   column NAME     position, type, not null, default or generation expression, identity, collation
 *   index NAME      pg_get_indexdef; one that is not valid counts as missing
 *   constraint NAME pg_get_constraintdef, validated, deferrable
 *   trigger, rule, policy, statistics, options...   likewise
 * and for the table itself "table" with persistence, partition key and bound, inheritance, replica
 * identity. Not in the facts: owner, grants, comments' texts, enabled or forced row security (the promotion
 * sets it), physical order of dropped columns.
 */
#pragma once

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/retarget.h"

typedef struct RelationFacts {
    char *schema;
    char *name;
    TextList lines; /* sorted */
} RelationFacts;

typedef struct Facts {
    RelationFacts *items; /* sorted by schema and name, bytewise */
    size_t count;
    size_t capacity;
} Facts;

void facts_release(Facts *facts);
#define AUTO_FACTS __attribute__((cleanup(facts_release)))

/* Of all tables (ordinary and partitioned) in these schemas, under the names they have there; map
 * brings names in definitions to the source's words, or is NULL. */
Status facts_read(PgConnection *connection, const TextList *schemas, const NameMap *map, Facts *ret,
                  Error *err);
const RelationFacts *facts_find(const Facts *facts, const char *schema, const char *name);

/* Appends to ret one sentence for each difference: `index "a" is missing`, `column "x" differs`,
 * `index "b" was not planned`. */
void facts_compare(const TextList *planned, const TextList *found, TextList *ret);
