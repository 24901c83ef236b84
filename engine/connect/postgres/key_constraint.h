/*
 * Primary keys and unique constraints in two steps (trap 21): the index, which is the long work and
 * can be built beside other indexes of the table, then the constraint over it.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

/*
 * entry is a CONSTRAINT entry of pg_dump. True with both parts, which the caller frees, when it is a
 * plain PRIMARY KEY or UNIQUE constraint of one table; false when it has to be run as it is
 * (exclusion, WITHOUT OVERLAPS, whatever is not known here). ret_constraint has the entry's other
 * statements, too.
 */
Status key_constraint_split(const char *entry, bool *ret_split, char **ret_index,
                            char **ret_constraint, Error *err);
