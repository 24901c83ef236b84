/*
 * A source, a target with its ledger, and a recorder in memory, so that engine/run can be tested
 * without any database. They check what they are asked to do: the first thing that breaks a rule
 * stands in ListTarget.violation.
 *
 * Fault points: list.open_reader, list.plan, list.read, list.probe, list.open_writer, list.begin,
 * list.write, list.commit, list.task, list.find, list.open_prober, list.record, list.record_end.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/flow/recorder.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"
#include "engine/run/run.h"

enum {
    LIST_TABLES = 32, /* at most, for the target; the source takes any number */
    LIST_ROWS = 64,   /* at most per table, for the target */
    LIST_TASKS = 256,
    LIST_SHARED = 1, /* by an index task */
    LIST_TAKEN = 1000,
};

/* Every table has the same rows: ROW_PG_TEXT lines "TABLE ROW VERSION xxx". */
typedef struct ListSource {
    Source base;
    uint32_t rows;              /* per table */
    uint32_t chunk_rows;        /* per chunk */
    uint32_t block_rows;        /* per block */
    size_t row_size;            /* about; 0: as short as can be */
    uint32_t poisoned;          /* table that cannot be read, or 0 */
    uint32_t poisoned_row;      /* only from this row on */
    uint32_t changed;           /* table whose rows are of another version, or 0 */
    pthread_barrier_t *meeting; /* chunks of tables 1 and 2 begin together; or NULL */
    bool is_lost;               /* what is_held() says */
    unsigned releases;
    atomic_uint reads;
    atomic_int readers; /* open now */
} ListSource;

void list_source_init(ListSource *source);

/* Tables "t1", "t2"... */
void list_add_tables(Plan *plan, uint32_t count);

/* For each table a create task, an index and statistics; a foreign key from each table to the next,
 * and last a view of no table after all of these. */
void list_add_tasks(Plan *plan);

typedef struct ListTarget {
    Target base;
    TargetOps ops; /* base.ops: a copy, so that max_writers can be set */
    RunIdentity identity;
    const Plan *plan;     /* checked against; NULL: only tables are known */
    ListSource *source;   /* reads are seen at each begin(); or NULL */
    pthread_mutex_t lock; /* of what follows */
    uint8_t copies[LIST_TABLES + 1][LIST_ROWS + 1]; /* of each row */
    struct {
        uint32_t table_id;
        uint32_t number;
        ChunkResult result;
    } chunks[1024]; /* the ledger */
    size_t chunk_count;
    bool tasks[LIST_TASKS + 1];
    int taken[LIST_TABLES + 1]; /* by tasks that run: sum of LIST_SHARED and LIST_TAKEN */
    unsigned opened;            /* writers, ever */
    int writers;                /* open now */
    int writing;                /* between begin and commit or abort */
    int most_writing;
    unsigned reads_at_begin; /* source->reads at the last begin() */
    int readers_at_task;     /* source->readers at the last task */
    unsigned commits;
    unsigned stop_after_commits; /* 0: never */
    char violation[256];         /* empty: none */
} ListTarget;

void list_target_init(ListTarget *target, const Plan *plan);
void list_target_release(ListTarget *target);

/* What the ledger says of a chunk, with the lock held while workers run; NULL: not there. */
const ChunkResult *list_find_chunk(const ListTarget *target, uint32_t table_id, uint32_t number);

/* Sets the plan's done flags, and results of chunks, from the ledger: as each run begins. */
void list_reconcile(const ListTarget *target, Plan *plan);

/* Fails the test unless nothing was violated, each chunk and task of the plan is in the ledger
 * once, and each row of the source is there once. */
void list_expect_complete(const ListTarget *target, const ListSource *source);

typedef struct ListRecorder {
    Recorder base;
    Plan *plan;
    ListTarget *target;
    bool is_open; /* in a group */
    bool *chunks; /* by index in the plan: durable */
    bool *tasks;
    bool *evidence;      /* by table id - 1 */
    uint8_t *new_chunks; /* in the open group */
    uint8_t *new_tasks;
    uint8_t *new_evidence;
    uint64_t moduli[LIST_TABLES]; /* of the evidence, by table id - 1 */
    unsigned groups;
    unsigned records;
} ListRecorder;

void list_recorder_init(ListRecorder *recorder, Plan *plan, ListTarget *target);
void list_recorder_release(ListRecorder *recorder);

/* Run options for so many workers; borrowed until the next call. */
static inline const RunOptions *with_jobs(unsigned jobs)
{
    static RunOptions options = {.retry_for_ms = 60000};

    options.jobs = jobs;
    return &options;
}
