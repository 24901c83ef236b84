/*
 * The target's shared inside: target.c (claim, ledger), writer.c and the stager's files use it.
 *
 * Control schema "stopover" (control.sql): meta, run, chunk, task, object, marker. Facts that code
 * relies on:
 *  L1  A chunk's rows and its row in stopover.chunk commit together; a task and its row in
 *      stopover.task, and the rows in stopover.object of what it made, likewise (I1).
 *  L2  Every transaction that writes begins with pg_fence(): the run's row is locked FOR SHARE and
 *      its epoch must be ours (I7). claim() raises the epoch, which waits for such transactions.
 *  L3  stopover.object lists by class and OID whatever we created, with the task that made it:
 *      schemas, what lies in them, extensions, casts. Nothing is dropped that is not in it (I3). Left
 *      out is what lives and dies with something listed: triggers of foreign keys, rules of views,
 *      column defaults and NOT NULL, a table's types,
 *      TOAST.
 *  L4  One session, the control connection, holds the advisory lock of the run while a driver works.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/sessions.h"
#include "engine/flow/target.h"

typedef struct PgTarget {
    Target base;
    Stager stager; /* base.stager is it */
    PgAddress *address;
    PgConnection *control; /* see pg_target_control() */
    RunIdentity claimed;   /* epoch 0 until claim() */
    LostSessions lost;     /* of writers; any thread */
} PgTarget;

static inline PgTarget *pg_target_of_stager(Stager *stager)
{
    return (PgTarget *)(void *)((char *)stager - offsetof(PgTarget, stager));
}

/* The driver's connection, made on first need. Made again when it was lost: then, after claim(), the
 * advisory lock is taken again and the epoch must still be ours (ERROR_LOCKED). Borrowed. */
Status pg_target_control(PgTarget *target, PgConnection **ret, Error *err);

/* Is there a control schema of ours? ERROR_REFUSED when it is somebody else's or newer. */
Status pg_control_exists(PgConnection *connection, bool *ret, Error *err);

/* Inside a transaction: until its end nobody else makes or drops the control schema. Whoever drops it
 * holds this, and has seen under it that stopover.run is empty. */
Status pg_control_lock(PgConnection *connection, Error *err);

/* Inside a transaction that was just begun: L2. ERROR_LOCKED when another epoch drives the run. */
Status pg_fence(PgConnection *connection, const RunIdentity *identity, Error *err);

/* Inside the transaction that made them: L3, by xmin. task: what made them, or NULL. run_task() does
 * it for every task. */
Status pg_record_created(PgConnection *connection, const RunIdentity *identity, const Task *task,
                         Error *err);

/* Name of the staging schema for a source's schema; the caller frees. */
char *pg_staging_schema(const RunIdentity *identity, const char *schema);

Status pg_writer_open(PgTarget *target, const RunIdentity *identity, Writer **ret, Error *err);
Status pg_prober_open(PgAddress *address, PgUse use, const char *application_name,
                      PgConnection *shared, Prober **ret, Error *err);
extern const StagerOps pg_stager_ops;
