/*
 * The plan of one attempt, fixed before the first row is copied: tables, chunks and tasks. It is
 * stored in the journal; `done` is the driver's view while a run is on, reconciled with the
 * target's ledger at the start of each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/flow/catalog.h"
#include "engine/flow/digest.h"

/*
 * A chunk: a half-open range of a table's keys, copied in one target transaction. Bounds are the
 * connector's own bytes (ROW_TAGGED key rows for SQLite, text for PostgreSQL); the first chunk of a
 * table has no lower bound and the last no upper one, so no row can fall beside the plan.
 */
typedef struct Chunk {
    uint32_t table_id;
    uint32_t number; /* 1, 2, 3... within the table; never reused in an attempt */
    Bytes lower;     /* inclusive; size 0 = open */
    Bytes upper;     /* exclusive; size 0 = open */
    uint64_t byte_estimate;
    bool done;
    uint64_t bytes; /* moved, once done */
    Digest digest;  /* of the rows moved, with their number, once done */
} Chunk;

/* In the order in which classes become possible; within a table each waits for the ones before. */
typedef enum TaskClass {
    TASK_CREATE = 1, /* the staging table: before its first chunk */
    TASK_INDEX,      /* from here on: after the table's last chunk */
    TASK_CONSTRAINT,
    TASK_FOREIGN_KEY, /* touches two tables: never two at once that share one */
    TASK_TRIGGER,     /* likewise */
    TASK_VIEW,
    TASK_SEQUENCE,   /* follows the data: repeated when the snapshot is renewed */
    TASK_STATISTICS, /* likewise */
} TaskClass;

const char *task_class_name(TaskClass task_class);

/* One statement, or a few that belong together, run with its ledger row in one transaction. */
typedef struct Task {
    uint32_t id; /* 1, 2, 3... in a possible order */
    TaskClass task_class;
    uint32_t table_id;       /* whose staging table it works on; 0 for none */
    uint32_t other_table_id; /* a second table it locks (foreign keys), or 0 */
    uint32_t object_id;      /* the catalog object it makes, or 0 */
    char *name;              /* of what it makes, for people: "index orders_by_day" */
    char *statement;         /* in the target's words */
    uint32_t *after;         /* ids of tasks that must be done before, besides the class rule */
    size_t after_count;
    bool after_lower; /* waits for every chunk of the plan and every task of a lower class, too */
    bool done;
} Task;

/*
 * The promotion, planned before anything is copied. `forward` and `inverse` are the connector's own
 * text; `steps` says the same for people. The fingerprint is that of the live objects it was made
 * for: it is checked again under the locks.
 */
typedef struct PromotionPlan {
    TextList steps;
    char *forward;
    char *inverse;
    char fingerprint[65];
    bool replaces_nothing; /* known: no live table has the name of one that comes; not stored */
} PromotionPlan;

void promotion_plan_release(PromotionPlan *promotion);

typedef struct Plan {
    Catalog catalog;
    Chunk *chunks; /* ordered by table id and number */
    size_t chunk_count;
    size_t chunk_capacity;
    Task *tasks; /* ordered by id */
    size_t task_count;
    size_t task_capacity;
} Plan;

void plan_release(Plan *plan);
#define AUTO_PLAN __attribute__((cleanup(plan_release)))

Chunk *plan_add_chunk(Plan *plan); /* zeroed; borrowed until the next add */
Task *plan_add_task(Plan *plan);   /* zeroed, with the next id */
void task_add_after(Task *task, uint32_t task_id);

/* The chunks of a table: first one and how many; NULL and 0 when it has none. Binary search. */
Chunk *plan_table_chunks(const Plan *plan, uint32_t table_id, size_t *ret_count);
Chunk *plan_chunk(const Plan *plan, uint32_t table_id, uint32_t number); /* NULL when unknown */
Task *plan_task(const Plan *plan, uint32_t id);                          /* NULL when unknown */

/* Sums over a table's done chunks. */
void plan_table_totals(const Plan *plan, uint32_t table_id, Digest *ret_digest,
                       uint64_t *ret_bytes);
