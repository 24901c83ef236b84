/*
 * What a source holds, as its readers see it: shared by the source (driver thread) and the readers
 * (a thread each). Set while there are no readers; from then on read-only but is_lost, which anyone
 * may set and which stays until the next hold.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/connection.h"

typedef struct PgHold {
    PgAddress *address;     /* borrowed */
    char *application_name; /* of readers */
    char *snapshot;         /* exported id; NULL while nothing is held */
    atomic_bool is_lost;    /* somebody found that the holder is gone */
} PgHold;

/* STATUS_FAILED, ERROR_WAITING: what is held is gone, to repeat anything under it is no use. Sets
 * is_lost. */
Status pg_hold_lost(PgHold *hold, Error *err);

/*
 * Imports the snapshot into a new transaction of a connection; one that was open is committed. That
 * succeeds only while the holder's transaction lives, so it also proves that the locks have stood
 * from hold() to this moment. STATUS_FAILED by pg_hold_lost() when it does not.
 */
Status pg_hold_import(PgHold *hold, PgConnection *connection, Error *err);

/* The same as part of a message, behind what reads: its statements, with a semicolon before. When
 * the message fails and pg_hold_may_be_lost(), an import of its own says what is true. */
Status pg_hold_append_import(PgHold *hold, Text *sql, Error *err);
bool pg_hold_may_be_lost(const Error *err);
