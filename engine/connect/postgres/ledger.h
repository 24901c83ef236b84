/*
 * The ledger's rows of chunks and tasks: what has arrived and what was done (L1 in target.h). The
 * writers' own statements are in writer.c, writer_tasks.c and reset.c.
 */
#pragma once

#include "engine/connect/postgres/target.h"

/* Begins a transaction with pg_fence() in one round trip. After a failure call pg_reset(). */
Status pg_ledger_begin(PgConnection *connection, const RunIdentity *identity, Error *err);

/* After a failed statement of a transaction that was rolled back: ERROR_LOCKED when another epoch
 * drives the run, else STATUS_OK. */
Status ledger_check_epoch(PgConnection *connection, const RunIdentity *identity, Error *err);

Status pg_ledger_read(PgConnection *connection, const RunIdentity *identity, const LedgerSink *sink,
                      Error *err);
Status pg_ledger_find_chunk(PgConnection *connection, const RunIdentity *identity,
                            const Chunk *chunk, bool *ret_found, ChunkResult *ret, Error *err);
Status pg_ledger_has_task(PgConnection *connection, const RunIdentity *identity, const Task *task,
                          bool *ret, Error *err);
