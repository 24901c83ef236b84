/*
 * What the files of the schedule share: schedule_build.c makes it from a plan, schedule.c hands out
 * work, schedule_stuck.c explains why there is none. The rules (S1...) stand in schedule.h.
 *
 *   a task:   waiting (waits_for > 0) -> ready (in the heap) -> running -> done
 *                                          |  ^
 *                                          v  |  a table of it is held by another task (S3)
 *                                         parked
 *   a table:  at level TASK_CREATE its create tasks can run; these done: its chunks are open (S1,
 *             S8); the last chunk done: the level rises past every class that has no task left, and
 *             each rise releases the tasks of the class reached (S2)
 *   the plan: its level rises in the same way, over all chunks and all tasks (S7)
 *
 *  C1  waits_for of a task = its unmet entries of `after`, plus of its one or two tables those whose
 *      level is below its class, plus one while it is after_lower and the plan's level is below its
 *      class. A create task does not wait for a table.
 *  C2  A table that would admit its first parked task has one of its tasks in the ready heap: who
 *      takes a table for sharing, leaves one, or turns away from one, wakes the first one parked
 *      there if it is admitted.
 *  C3  `left` counts what is not done: chunks, tasks and wanted probes.
 *
 * Lists are chains of indexes; index + 1 is stored, so that 0 ends a chain and memory may start as
 * zeroes. Tasks are known by their index in the plan, tables by their rank in size or their id.
 */
#pragma once

#include "engine/run/rank_heap.h"
#include "engine/run/schedule.h"

enum {
    CLASS_COUNT = TASK_STATISTICS + 1,
    SIDES = 2,       /* a task has up to two tables */
    LEVEL_CHUNKS = 0 /* of the plan: below every class, while chunks are left */
};

typedef struct TableState {
    uint32_t rank; /* 0 for the biggest */
    uint64_t bytes;
    size_t first_chunk; /* index in the plan */
    size_t next_chunk;  /* the next one to hand out */
    size_t end_chunk;
    size_t chunks_left; /* not done */
    uint32_t level;     /* a TaskClass */
    uint32_t tasks_left[CLASS_COUNT];
    uint32_t waiting[CLASS_COUNT]; /* chain of task sides, by class: constant after the start */
    uint32_t parked;               /* chain of tasks, in order; last_parked is its end */
    uint32_t last_parked;
    uint32_t sharers; /* running index tasks that hold it together */
    bool is_taken;    /* by a running task that shares it with nobody */
    uint32_t wave;    /* load_late (S8) */
    bool is_open;     /* chunks were let go */
    bool probe_wanted;
    bool probe_is_out; /* it was handed out, or is ready to be */
    bool has_done;     /* a chunk of it */
} TableState;

typedef struct TaskState {
    uint32_t waits_for;
    uint32_t next_waiting[SIDES]; /* in the chains of its tables */
    uint32_t next_barred;         /* in the plan's chain of its class (S7) */
    uint32_t next_parked;
    size_t first_dependent; /* in Schedule.dependents; they end where the next task's begin */
} TaskState;

struct Schedule {
    Plan *plan;
    TableState *tables;    /* by id - 1 */
    uint32_t *table_ids;   /* by rank */
    TaskState *tasks;      /* one more than there are tasks */
    uint32_t *dependents;  /* task indexes */
    RankHeap ready_tasks;  /* by index in the plan */
    RankHeap open_tables;  /* by rank: with chunks to hand out */
    RankHeap ready_probes; /* tables, by rank */
    size_t *again;         /* chunks that came back, by index in the plan */
    size_t again_count;
    size_t again_capacity;
    size_t chunks_left;             /* of the whole plan */
    size_t probes_left;             /* wanted and not done */
    size_t *wave_chunks_left;       /* by wave (S8) */
    uint32_t wave_count;            /* at least one */
    uint32_t wave;                  /* chunks up to this one may go */
    size_t class_left[CLASS_COUNT]; /* tasks of the whole plan, not done */
    uint32_t barred[CLASS_COUNT];   /* chain of tasks that are after_lower */
    uint32_t level;                 /* of the plan: LEVEL_CHUNKS or a TaskClass */
    size_t chunks_waiting;          /* of the whole plan: not handed out yet, or back again */
    uint64_t bytes_waiting;         /* of these */
    unsigned workers;               /* 0: not told */
    size_t left;                    /* C3 */
    size_t under_way;
};

/* The task's table on one side; 0 for none, and for the second when it is the first again. */
static inline uint32_t schedule_table_of(const Task *task, unsigned side)
{
    if (side == 0)
        return task->table_id;
    return task->other_table_id == task->table_id ? 0 : task->other_table_id;
}

TableState *schedule_state_of(const Schedule *schedule, uint32_t table_id);
uint32_t schedule_index_of(const Schedule *schedule, const Task *task);

/* Lets a table rise as far as what is done allows; likewise the whole plan. Repeatable. */
void schedule_raise_table(Schedule *schedule, TableState *table);
void schedule_raise_plan(Schedule *schedule);
void schedule_raise_waves(Schedule *schedule); /* S8 */
