/*
 * One at a time of those who read large rows through one address (I9): libpq holds such a row twice, and
 * its buffer until the connection is closed. Which tables have such rows is told by what was planned: the
 * average. A single large row among small ones is read by whoever meets it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/flow/catalog.h"

typedef struct LargeRows {
    atomic_bool is_taken;
} LargeRows;

/*
 * Waits for its turn when rows of the table are large: then *ret_entered is true and
 * large_rows_leave() is owed, after the connection that read them is closed. Else, or with rows NULL,
 * false at once. STATUS_STOPPED when a stop is wanted meanwhile.
 */
Status large_rows_enter(LargeRows *rows, const Table *table, bool *ret_entered, Error *err);

/* Once for each that entered; sets *entered to false, and may be called when it is. */
void large_rows_leave(LargeRows *rows, bool *entered);
