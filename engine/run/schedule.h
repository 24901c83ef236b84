/*
 * The scheduler: which chunk, task or probe of a plan can start now. Pure bookkeeping, no threads,
 * no I/O; its memory is proportional to the plan, each step is O(log n).
 *
 * Rules
 *  S1  A table's TASK_CREATE comes before its first chunk; it waits only for the tasks in `after`.
 *  S2  Every other task of a table waits for the table's last chunk, for its tasks of lower class,
 *      and for the tasks in `after`. A task with a second table waits for that one in the same way.
 *      A task of no table waits only for the tasks in `after`.
 *  S3  Two tasks that share a table never run at once, but index tasks do with each other; foreign
 *      key and trigger tasks count both their tables (facts: parallel foreign keys deadlock, and
 *      the validation is lost).
 *  S4  A probe of the source (evidence) waits for nothing but runs after the last chunk of its
 *      table was handed out, so that copying starts first. That of the biggest table left, which
 *      one worker reads alone, comes sooner when the others would wait for it at the end: once they
 *      have less to copy, each, than it takes; and at least one chunk of the table is done, so that
 *      its rows are known.
 *  S5  Biggest table first among chunks; a ready task goes before a ready chunk (it shortens the
 *      tail), a ready chunk before a ready probe. Once the last chunk is handed out, a ready probe
 *      goes first: the sooner the source is let go.
 *  S6  Nothing new starts after the first failure or a wish to stop; what is under way ends.
 *  S7  A task that is after_lower waits for every chunk of the plan and every task of a lower class
 *      in the whole plan, too.
 *  S8  The chunks of a table that is load_late are handed out when every TASK_CREATE of the plan and
 *      the last chunk of each table with a lower number are done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/flow/plan.h"

typedef enum WorkKind {
    WORK_CHUNK,
    WORK_TASK,
    WORK_PROBE,
} WorkKind;

typedef struct Work {
    WorkKind kind;
    Chunk *chunk; /* WORK_CHUNK; borrowed from the plan */
    Task *task;   /* WORK_TASK */
    Table *table; /* of the chunk or probe; of the task when it has one, else NULL */
} Work;

typedef struct Schedule Schedule;

/*
 * Over a plan whose done flags are reconciled. probe_wanted[table_id - 1] says which tables need
 * evidence; NULL for none. The plan must outlive the schedule and keep its arrays in place.
 */
Schedule *schedule_new(Plan *plan, const bool *probe_wanted);
/* Without it, or with one, no probe comes before its time (S4). */
void schedule_set_workers(Schedule *schedule, unsigned workers);
void schedule_free(Schedule *schedule);
DEFINE_AUTO_FREE(Schedule, schedule_free);

/* True with the next piece of work that can start now; it counts as started. */
bool schedule_next(Schedule *schedule, Work *ret);

/* The work is done (sets chunk->done or task->done) or must be repeated later. */
void schedule_done(Schedule *schedule, const Work *work);
void schedule_again(Schedule *schedule, const Work *work);

/* Is there still something to read from the source: a chunk or a probe, to come or under way? */
bool schedule_has_reads(const Schedule *schedule);

bool schedule_finished(const Schedule *schedule); /* nothing left, nothing under way */

/*
 * When nothing is under way and nothing can start but it is not finished, the plan has a cycle:
 * gives one task of it, or one that waits for a task which is not in the plan; else NULL.
 * Programming error or damaged plan.
 */
const Task *schedule_stuck(const Schedule *schedule);
