/*
 * Target: where rows go, and the ledger that says what has arrived (invariant I1: a chunk's rows
 * and its ledger row commit in one transaction; a task likewise). The ledger is the truth about the
 * target; the journal is reconciled to it.
 *
 * A run claims the target before it writes: claim() stores the run and raises its epoch. Every
 * writing transaction checks the epoch inside itself, so a process of an older epoch that wakes up
 * late fails with ERROR_LOCKED and changes nothing (I7).
 *
 * Target is used by one thread at a time: the driver; and while it copies, only open_writer(), by the
 * worker that needs one (engine/run/writers.h). Each Writer is used by one thread at a time too; it
 * may move between threads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/flow/names.h"
#include "engine/flow/plan.h"
#include "engine/flow/prober.h"
#include "engine/flow/source.h"
#include "engine/flow/stager.h"

/* Who writes: one attempt of one run of one migration, driven for the epoch-th time. */
typedef struct RunIdentity {
    char migration[65];
    char run[33]; /* 32 hex digits, fixed when the migration is created */
    uint32_t attempt;
    uint64_t epoch; /* 0 until claimed */
    char id[NAME_ID_SIZE];
} RunIdentity;

typedef struct ChunkResult {
    uint64_t bytes;
    Digest digest;
} ChunkResult;

typedef struct Target Target;
typedef struct Writer Writer;

/* Receives the ledger's rows of one run and attempt. */
typedef struct LedgerSink {
    void *context;
    Status (*chunk)(void *context, uint32_t table_id, uint32_t number, const ChunkResult *result,
                    Error *err);
    Status (*task)(void *context, uint32_t task_id, Error *err);
} LedgerSink;

/* What a target that only keeps rows is told of where they come from, to record it. Borrowed. */
typedef struct Origin {
    const char *engine;          /* SourceOps.name */
    const char *source;          /* without secrets, for people */
    const char *source_identity; /* SourceOps.identity, or NULL */
    const char *snapshot;        /* token, or NULL */
    int64_t snapshot_us;
    const char *tool_version;
    const SchemaScripts *scripts; /* of the plan's catalog */
} Origin;

typedef struct TargetOps {
    const char *name;
    bool is_archive;      /* it only keeps: nothing in it is live, and nothing is replaced */
    unsigned row_formats; /* set of RowFormat it takes */
    unsigned max_writers; /* writers that can write at once; 0: no limit */
    uint64_t default_chunk_bytes;
    /* Optional. Called with the source's catalog before claim(), each time a process begins to
     * work: what a target that does not exist yet has to be made like (encoding, page size).
     * Changes nothing itself. */
    void (*configure)(Target *target, const Catalog *catalog);
    /* Archives only. Before promote(); what it needs of that it copies. */
    void (*note_origin)(Target *target, const Origin *origin);
    /* Creates the control tables where missing, stores the run, and raises the epoch;
     * identity->epoch is set to it. ERROR_REFUSED when the target cannot be written or its control
     * tables are of a newer version or not ours. */
    Status (*claim)(Target *target, RunIdentity *identity, Error *err);
    /* Reads nothing and is fine when the target, or our control tables, do not exist. */
    Status (*read_ledger)(Target *target, const RunIdentity *identity, const LedgerSink *sink,
                          Error *err);
    /* After claim(). */
    Status (*open_writer)(Target *target, const RunIdentity *identity, Writer **ret, Error *err);
    Status (*open_prober)(Target *target, Prober **ret, Error *err);
    /* NULL text when it does not exist. */
    Status (*identity)(Target *target, char **ret, Error *err);
    void (*free)(Target *target);
} TargetOps;

struct Target {
    const TargetOps *ops;
    Stager *stager; /* NULL for targets that only keep (archives); lives as long as the target */
};

typedef struct WriterOps {
    /* One chunk: begin, write blocks, commit. Until commit nothing is visible to anybody. */
    Status (*begin)(Writer *writer, const Table *table, const Chunk *chunk, Error *err);
    Status (*write)(Writer *writer, const Block *block, Error *err);
    Status (*commit)(Writer *writer, const ChunkResult *result, Error *err);
    void (*abort)(Writer *writer); /* after any failure, or to give up; repeatable */

    /* Runs a task's statement with its ledger row in one transaction. A task already in the ledger
     * is STATUS_OK and changes nothing. */
    Status (*run_task)(Writer *writer, const Task *task, const Table *table, Error *err);

    /* What the ledger says of one chunk or task, asked before anything is repeated (a commit whose
     * acknowledgement was lost may have happened). */
    Status (*find_chunk)(Writer *writer, const Chunk *chunk, bool *ret_found, ChunkResult *ret,
                         Error *err);

    /* Empties one table: its staging table goes with all its chunk and task rows in the ledger, in
     * one transaction (I5); its tasks then run again from TASK_CREATE. Fine when empty. */
    Status (*reset_table)(Writer *writer, const Plan *plan, const Table *table, Error *err);

    /* Removes a task's ledger row, so that it runs again. For tasks that follow the data. */
    Status (*forget_task)(Writer *writer, const Task *task, Error *err);
    void (*free)(Writer *writer);
} WriterOps;

struct Writer {
    const WriterOps *ops;
};

static inline void target_configure(Target *target, const Catalog *catalog)
{
    if (target->ops->configure != NULL)
        target->ops->configure(target, catalog);
}

static inline Status target_claim(Target *target, RunIdentity *identity, Error *err)
{
    return target->ops->claim(target, identity, err);
}

static inline Status target_read_ledger(Target *target, const RunIdentity *identity,
                                        const LedgerSink *sink, Error *err)
{
    return target->ops->read_ledger(target, identity, sink, err);
}

static inline Status target_open_writer(Target *target, const RunIdentity *identity, Writer **ret,
                                        Error *err)
{
    return target->ops->open_writer(target, identity, ret, err);
}

static inline Status target_open_prober(Target *target, Prober **ret, Error *err)
{
    return target->ops->open_prober(target, ret, err);
}

static inline Status target_identity(Target *target, char **ret, Error *err)
{
    return target->ops->identity(target, ret, err);
}

void target_free(Target *target); /* NULL is fine; writers and probers must be gone */
DEFINE_AUTO_FREE(Target, target_free);

static inline Status writer_begin(Writer *writer, const Table *table, const Chunk *chunk,
                                  Error *err)
{
    return writer->ops->begin(writer, table, chunk, err);
}

static inline Status writer_write(Writer *writer, const Block *block, Error *err)
{
    return writer->ops->write(writer, block, err);
}

static inline Status writer_commit(Writer *writer, const ChunkResult *result, Error *err)
{
    return writer->ops->commit(writer, result, err);
}

static inline void writer_abort(Writer *writer)
{
    writer->ops->abort(writer);
}

static inline Status writer_run_task(Writer *writer, const Task *task, const Table *table,
                                     Error *err)
{
    return writer->ops->run_task(writer, task, table, err);
}

static inline Status writer_find_chunk(Writer *writer, const Chunk *chunk, bool *ret_found,
                                       ChunkResult *ret, Error *err)
{
    return writer->ops->find_chunk(writer, chunk, ret_found, ret, err);
}

static inline Status writer_reset_table(Writer *writer, const Plan *plan, const Table *table,
                                        Error *err)
{
    return writer->ops->reset_table(writer, plan, table, err);
}

static inline Status writer_forget_task(Writer *writer, const Task *task, Error *err)
{
    return writer->ops->forget_task(writer, task, err);
}

void writer_free(Writer *writer); /* NULL is fine */
DEFINE_AUTO_FREE(Writer, writer_free);
