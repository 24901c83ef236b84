/*
 * Values for the statements of the .sql files that go to the server several in one message, where
 * parameters cannot be bound: `:name` becomes a quoted literal or a number.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/flow/target.h"

typedef struct SqlValue {
    const char *name;
    const char *text; /* NULL: the number */
    uint64_t number;
} SqlValue;

/* Appends sql with :run, :attempt, :epoch, :id and :migration of the identity, and the values given.
 * A name that is not there is a programming error. */
void sql_fill(Text *text, const char *sql, const RunIdentity *identity, const SqlValue *values,
              size_t count);
