/*
 * Dropping what is ours: all of it that lies in recorded schemas, in small transactions, each behind
 * its proof. Used to give up a staging, and at the end (finish.h).
 */
#pragma once

#include "engine/connect/postgres/target.h"

typedef struct Dropping {
    PgConnection *connection;
    const RunIdentity *identity;
    RunIdentity scope; /* the same, with the attempt that is dropped; 0: all of the run */
    const char *what;  /* "staging": of the schemas */
    const char *point;
    DropWatch *watch; /* or NULL */
} Dropping;

/* ERROR_REFUSED, by name, when something that is not ours lies there or depends on it. */
Status drop_prove(const Dropping *dropping, Error *err);
Status drop_objects(const Dropping *dropping, Error *err);

/* Inside a transaction: the empty schemas; and a note of each extension that stays. */
Status drop_schemas(const Dropping *dropping, Error *err);
Status drop_note_extensions(const Dropping *dropping, Findings *notes, Error *err);

/* Commits a transaction whose work has given that status, or resets the connection. */
Status drop_end_step(PgConnection *connection, const char *point, Status status, Error *err);

/* The stager's operation of this name. */
Status pg_drop_staging(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                       Findings *notes, Error *err);
