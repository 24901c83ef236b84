/*
 * The state of a database file, in words that can be kept and compared later: two equal tokens say
 * that nothing was committed between them. See snapshot.c for what proves that.
 */
#pragma once

#include "engine/connect/sqlite/db.h"

typedef struct SnapshotState {
    char *token;         /* for the journal: comparable for ever, by any process */
    uint8_t commits[48]; /* only while a connection is open: moves with each commit, nothing else */
    bool is_wal;
    bool needs_settling; /* the file's time stamp has to tell: see snapshot_settle() */
} SnapshotState;

void snapshot_state_release(SnapshotState *state);
#define AUTO_SNAPSHOT_STATE __attribute__((cleanup(snapshot_state_release)))

/* Reads the state of the file that db has open, as it is now for everybody, whatever transaction db
 * is in. */
Status snapshot_state_read(Db *db, SnapshotState *ret, Error *err);

/* Was nothing committed between the two? Checkpoints do not count. */
bool snapshot_same_commit(const SnapshotState *a, const SnapshotState *b);

/*
 * Waits until the file's time stamp is older than the clock's grain, so that any later write gets a
 * different one. At most two seconds, on file systems that count in seconds; usually nothing.
 */
Status snapshot_settle(Db *db, Error *err);
