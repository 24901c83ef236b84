/*
 * The lease of writers: a target lets max_writers of them write at once (SQLite: one). A worker
 * leases a writer for one chunk or task; who waits has read ahead meanwhile (copy.h). Writers are
 * opened when first leased and stay open; they move between threads, one at a time.
 *
 * Opening happens in the thread that leases, but under a lock, one at a time: while there are
 * Writers, nobody else uses the target.
 */
#pragma once

#include "engine/base/cleanup.h"
#include "engine/flow/target.h"

typedef struct Writers Writers;

Writers *writers_new(Target *target, const RunIdentity *identity, unsigned jobs);
void writers_free(Writers *writers); /* closes them all; none may be leased */
DEFINE_AUTO_FREE(Writers, writers_free);

/* Waits for a free one, and opens it when it is new. A wish to stop does not end the wait: a
 * waiting worker holds a chunk that is read already and the holder ends soon. */
Status writers_lease(Writers *writers, Writer **ret, Error *err);
void writers_return(Writers *writers, Writer *writer);

/* Closes the writer instead of keeping it: after a failure that leaves its connection in doubt. */
void writers_discard(Writers *writers, Writer *writer);

/* After use with this outcome: discards the writer after RETRY (a lost connection looks like that)
 * and FATAL, returns it after anything else. */
void writers_settle(Writers *writers, Writer *writer, Status status);
