/*
 * Taking a snapshot that can be trusted for hours, and the words by which it is known later: two
 * equal tokens say that nothing was committed in the database between them. See snapshot.c for what
 * proves that.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/flow/catalog.h"

typedef struct PgSnapshot {
    char *id;    /* exported: for SET TRANSACTION SNAPSHOT */
    char *token; /* comparable for ever, by any process */
} PgSnapshot;

void pg_snapshot_release(PgSnapshot *snapshot);
#define AUTO_PG_SNAPSHOT __attribute__((cleanup(pg_snapshot_release)))

/*
 * Locks the tables of the selection and then takes and exports the snapshot, all in one transaction
 * of `holder` that stays open; `witness` is another connection to the same database. STATUS_RETRY
 * when a table is locked by others for longer than a moment, or when tables come and go meanwhile.
 * After a failure the holder is to be closed.
 */
Status pg_snapshot_take(PgConnection *holder, PgConnection *witness, const Selection *selection,
                        PgSnapshot *ret, Error *err);

/* The token of now, without a snapshot: NULL text where it would prove nothing (T3; standbys; no
 * right to ask). The connection must not be in a transaction. */
Status pg_snapshot_state(PgConnection *connection, char **ret, Error *err);

/* False only when it is proven that nothing was committed since the token's snapshot. The
 * connection must not be in a transaction. */
Status pg_snapshot_changed(PgConnection *connection, const char *token, bool *ret, Error *err);
