/*
 * The inside of a writer: writer.c (chunks), writer_tasks.c (tasks), reset.c (emptying).
 */
#pragma once

#include "engine/connect/postgres/target.h"

typedef struct PgWriter {
    Writer base;
    PgTarget *target; /* for its lost sessions */
    PgConnection *connection;
    RunIdentity identity;
    bool lacks_memory;  /* maintenance_work_mem is lower than what index builds get from us */
    const Table *table; /* while writing, borrowed; NULL when idle */
    const Chunk *chunk;
} PgWriter;

static inline PgWriter *pg_writer(Writer *writer)
{
    return (PgWriter *)(void *)writer; /* base is its first member */
}

/* The end of every transaction but a chunk's: fault points around COMMIT; rolls back when status is
 * a failure. */
Status pg_writer_end(PgWriter *writer, Status status, const char *point, Error *err);

Status pg_writer_run_task(Writer *base, const Task *task, const Table *table, Error *err);
Status pg_writer_forget_task(Writer *base, const Task *task, Error *err);
Status pg_writer_reset_table(Writer *base, const Plan *plan, const Table *table, Error *err);
