/*
 * How the rules of schedule.h are kept.
 *
 *   a task:   waiting (waits_for > 0) -> ready (in the heap) -> running -> done
 *                                          |  ^
 *                                          v  |  a table of it is taken by another task (S3)
 *                                         parked
 *   a table:  at level TASK_CREATE its create tasks can run; these done: its chunks are open (S1);
 *             the last chunk done: the level rises past every class that has no task left, and each
 *             rise releases the tasks of the class reached (S2)
 *
 *  C1  waits_for of a task = its unmet entries of `after`, and of its one or two tables those whose
 *      level is below its class. A create task does not wait for a table.
 *  C2  A table that is free and has parked tasks has one of its tasks in the ready heap: who leaves
 *      a table, or turns away from a free one, wakes the first one parked there.
 *  C3  `left` counts what is not done: chunks, tasks and wanted probes.
 *
 * Lists are chains of indexes; index + 1 is stored, so that 0 ends a chain and memory may start as
 * zeroes. Tasks are known by their index in the plan, tables by their rank in size or their id.
 */
#include "engine/run/schedule.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/run/rank_heap.h"

enum {
    CLASS_COUNT = TASK_STATISTICS + 1,
    SIDES = 2, /* a task has up to two tables */
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
    bool is_taken; /* by a running task */
    bool is_open;  /* chunks were let go */
    bool probe_wanted;
} TableState;

typedef struct TaskState {
    uint32_t waits_for;
    uint32_t next_waiting[SIDES]; /* in the chains of its tables */
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
    size_t left; /* C3 */
    size_t under_way;
};

static uint32_t table_of(const Task *task, unsigned side)
{
    if (side == 0)
        return task->table_id;
    return task->other_table_id == task->table_id ? 0 : task->other_table_id;
}

static TableState *state_of(const Schedule *schedule, uint32_t table_id)
{
    assert(table_id > 0 && table_id <= schedule->plan->catalog.table_count);
    return &schedule->tables[table_id - 1];
}

static uint32_t index_of(const Schedule *schedule, const Task *task)
{
    return (uint32_t)(task - schedule->plan->tasks);
}

/* A task waits for one thing less. */
static void release_task(Schedule *schedule, uint32_t index)
{
    assert(schedule->tasks[index].waits_for > 0);
    if (--schedule->tasks[index].waits_for == 0 && !schedule->plan->tasks[index].done)
        rank_heap_push(&schedule->ready_tasks, index);
}

static void release_class(Schedule *schedule, const TableState *table, uint32_t level)
{
    uint32_t link = table->waiting[level];

    while (link != 0) {
        uint32_t index = (link - 1) / SIDES;

        release_task(schedule, index);
        link = schedule->tasks[index].next_waiting[(link - 1) % SIDES];
    }
}

/* Lets the chunks of a table go, or its probe when none is left to hand out (S4). */
static void open_table(Schedule *schedule, TableState *table)
{
    table->is_open = true;
    while (table->next_chunk < table->end_chunk && schedule->plan->chunks[table->next_chunk].done)
        table->next_chunk++;
    if (table->next_chunk < table->end_chunk)
        rank_heap_push(&schedule->open_tables, table->rank);
    else if (table->probe_wanted)
        rank_heap_push(&schedule->ready_probes, table->rank);
}

static void raise_level(Schedule *schedule, TableState *table)
{
    while (table->level < TASK_STATISTICS && table->tasks_left[table->level] == 0) {
        if (table->level == TASK_CREATE && !table->is_open)
            open_table(schedule, table);
        if (table->level == TASK_CREATE && table->chunks_left > 0)
            return;
        release_class(schedule, table, ++table->level);
    }
}

static void count_chunks(Schedule *schedule)
{
    const Plan *plan = schedule->plan;

    for (size_t i = 0; i < plan->chunk_count; i++) {
        const Chunk *chunk = &plan->chunks[i];
        TableState *table = state_of(schedule, chunk->table_id);

        if (table->end_chunk == 0)
            table->first_chunk = table->next_chunk = i;
        assert(table->end_chunk == 0 || table->end_chunk == i); /* the plan is ordered by table */
        table->end_chunk = i + 1;
        if (chunk->done)
            continue;
        table->chunks_left++;
        table->bytes += chunk->byte_estimate;
        schedule->left++;
    }
}

static int compare_size(const void *a, const void *b, void *context)
{
    const TableState *tables = context;
    uint32_t id_a = *(const uint32_t *)a;
    uint32_t id_b = *(const uint32_t *)b;
    uint64_t bytes_a = tables[id_a - 1].bytes;
    uint64_t bytes_b = tables[id_b - 1].bytes;

    if (bytes_a != bytes_b)
        return bytes_a > bytes_b ? -1 : 1;
    return id_a < id_b ? -1 : id_a > id_b;
}

static void rank_tables(Schedule *schedule)
{
    size_t count = schedule->plan->catalog.table_count;

    for (uint32_t i = 0; i < count; i++)
        schedule->table_ids[i] = i + 1;
    qsort_r(schedule->table_ids, count, sizeof(*schedule->table_ids), compare_size,
            schedule->tables);
    for (uint32_t rank = 0; rank < count; rank++)
        schedule->tables[schedule->table_ids[rank] - 1].rank = rank;
}

static void want_probes(Schedule *schedule, const bool *probe_wanted)
{
    for (size_t i = 0; i < schedule->plan->catalog.table_count; i++) {
        schedule->tables[i].level = TASK_CREATE;
        schedule->tables[i].probe_wanted = probe_wanted != NULL && probe_wanted[i];
        schedule->left += schedule->tables[i].probe_wanted;
    }
}

/* The wait of a task for the level of its tables (C1). */
static void link_tables(Schedule *schedule, uint32_t index)
{
    const Task *task = &schedule->plan->tasks[index];
    TaskState *state = &schedule->tasks[index];

    assert(task->task_class >= TASK_CREATE && task->task_class <= TASK_STATISTICS);
    if (task->table_id != 0 && !task->done)
        state_of(schedule, task->table_id)->tasks_left[task->task_class]++;
    if (task->task_class == TASK_CREATE)
        return;
    for (uint32_t side = 0; side < SIDES; side++) {
        uint32_t table_id = table_of(task, side);
        TableState *table = table_id == 0 ? NULL : state_of(schedule, table_id);

        if (table == NULL)
            continue;
        state->waits_for++;
        state->next_waiting[side] = table->waiting[task->task_class];
        table->waiting[task->task_class] = index * SIDES + side + 1;
    }
}

/* Counts the dependents of each task into first_dependent, shifted by one. */
static size_t count_dependents(Schedule *schedule)
{
    const Plan *plan = schedule->plan;
    size_t total = 0;

    for (size_t i = 0; i < plan->task_count; i++) {
        for (size_t j = 0; j < plan->tasks[i].after_count; j++) {
            const Task *before = plan_task(plan, plan->tasks[i].after[j]);

            if (before != NULL && before->done)
                continue;
            schedule->tasks[i].waits_for++; /* for ever when the plan does not hold it */
            if (before == NULL)
                continue;
            schedule->tasks[index_of(schedule, before) + 1].first_dependent++;
            total++;
        }
    }
    return total;
}

static void link_dependents(Schedule *schedule)
{
    const Plan *plan = schedule->plan;
    size_t total = count_dependents(schedule);
    size_t *next = xcalloc(plan->task_count + 1, sizeof(*next));

    schedule->dependents = xcalloc(total + 1, sizeof(*schedule->dependents));
    for (size_t i = 1; i <= plan->task_count; i++)
        schedule->tasks[i].first_dependent += schedule->tasks[i - 1].first_dependent;
    for (size_t i = 0; i < plan->task_count; i++)
        next[i] = schedule->tasks[i].first_dependent;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        for (size_t j = 0; j < plan->tasks[i].after_count; j++) {
            const Task *before = plan_task(plan, plan->tasks[i].after[j]);

            if (before != NULL && !before->done)
                schedule->dependents[next[index_of(schedule, before)]++] = i;
        }
    }
    free(next);
}

Schedule *schedule_new(Plan *plan, const bool *probe_wanted)
{
    Schedule *schedule = xcalloc(1, sizeof(*schedule));
    size_t table_count = plan->catalog.table_count;

    assert(plan->task_count < UINT32_MAX / SIDES);
    schedule->plan = plan;
    schedule->tables = xcalloc(table_count + 1, sizeof(*schedule->tables));
    schedule->table_ids = xcalloc(table_count + 1, sizeof(*schedule->table_ids));
    schedule->tasks = xcalloc(plan->task_count + 1, sizeof(*schedule->tasks));
    count_chunks(schedule);
    rank_tables(schedule);
    want_probes(schedule, probe_wanted);
    link_dependents(schedule);
    for (uint32_t i = 0; i < plan->task_count; i++) {
        link_tables(schedule, i);
        if (plan->tasks[i].done)
            continue;
        schedule->left++;
        if (schedule->tasks[i].waits_for == 0)
            rank_heap_push(&schedule->ready_tasks, i);
    }
    for (size_t i = 0; i < table_count; i++)
        raise_level(schedule, &schedule->tables[i]);
    return schedule;
}

void schedule_free(Schedule *schedule)
{
    if (schedule == NULL)
        return;
    rank_heap_release(&schedule->ready_tasks);
    rank_heap_release(&schedule->open_tables);
    rank_heap_release(&schedule->ready_probes);
    free(schedule->tables);
    free(schedule->table_ids);
    free(schedule->tasks);
    free(schedule->dependents);
    free(schedule->again);
    free(schedule);
}

static void park(Schedule *schedule, TableState *table, uint32_t index)
{
    schedule->tasks[index].next_parked = 0;
    if (table->parked == 0)
        table->parked = index + 1;
    else
        schedule->tasks[table->last_parked - 1].next_parked = index + 1;
    table->last_parked = index + 1;
}

static void wake_one(Schedule *schedule, TableState *table)
{
    uint32_t link = table->parked;

    if (table->is_taken || link == 0)
        return;
    table->parked = schedule->tasks[link - 1].next_parked;
    rank_heap_push(&schedule->ready_tasks, link - 1);
}

static void set_taken(Schedule *schedule, const Task *task, bool is_taken)
{
    for (unsigned side = 0; side < SIDES; side++)
        if (table_of(task, side) != 0)
            state_of(schedule, table_of(task, side))->is_taken = is_taken;
}

static void wake_tables(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++)
        if (table_of(task, side) != 0)
            wake_one(schedule, state_of(schedule, table_of(task, side)));
}

/* Parks the task when one of its tables is taken (S3), and passes on its turn at the other (C2). */
static bool must_park(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++) {
        uint32_t table_id = table_of(task, side);

        if (table_id == 0 || !state_of(schedule, table_id)->is_taken)
            continue;
        park(schedule, state_of(schedule, table_id), index_of(schedule, task));
        wake_tables(schedule, task);
        return true;
    }
    return false;
}

static bool next_task(Schedule *schedule, Work *ret)
{
    uint32_t index = 0;

    while (rank_heap_pop(&schedule->ready_tasks, &index)) {
        Task *task = &schedule->plan->tasks[index];

        if (must_park(schedule, task))
            continue;
        set_taken(schedule, task, true);
        *ret = (Work){.kind = WORK_TASK, .task = task};
        if (task->table_id != 0)
            ret->table = catalog_table(&schedule->plan->catalog, task->table_id);
        return true;
    }
    return false;
}

static TableState *ranked(Schedule *schedule, uint32_t rank)
{
    return state_of(schedule, schedule->table_ids[rank]);
}

static Chunk *take_chunk(Schedule *schedule)
{
    uint32_t rank = 0;
    TableState *table = NULL;
    Chunk *chunk = NULL;

    if (schedule->again_count > 0)
        return &schedule->plan->chunks[schedule->again[--schedule->again_count]];
    if (!rank_heap_pop(&schedule->open_tables, &rank))
        return NULL;
    table = ranked(schedule, rank);
    chunk = &schedule->plan->chunks[table->next_chunk++];
    open_table(schedule, table); /* its next chunk, or its probe */
    return chunk;
}

static bool next_chunk(Schedule *schedule, Work *ret)
{
    Chunk *chunk = take_chunk(schedule);

    if (chunk == NULL)
        return false;
    *ret = (Work){.kind = WORK_CHUNK,
                  .chunk = chunk,
                  .table = catalog_table(&schedule->plan->catalog, chunk->table_id)};
    return true;
}

static bool next_probe(Schedule *schedule, Work *ret)
{
    uint32_t rank = 0;

    if (!rank_heap_pop(&schedule->ready_probes, &rank))
        return false;
    *ret = (Work){
        .kind = WORK_PROBE,
        .table = catalog_table(&schedule->plan->catalog, schedule->table_ids[rank]),
    };
    return true;
}

bool schedule_next(Schedule *schedule, Work *ret)
{
    if (!next_task(schedule, ret) && !next_chunk(schedule, ret) && !next_probe(schedule, ret))
        return false; /* the order of the three is S5 */
    schedule->under_way++;
    return true;
}

static void end_task(Schedule *schedule, Task *task)
{
    uint32_t index = index_of(schedule, task);
    size_t end = schedule->tasks[index + 1].first_dependent;

    task->done = true;
    set_taken(schedule, task, false);
    for (size_t i = schedule->tasks[index].first_dependent; i < end; i++)
        release_task(schedule, schedule->dependents[i]);
    if (task->table_id != 0) {
        TableState *table = state_of(schedule, task->table_id);

        table->tasks_left[task->task_class]--;
        raise_level(schedule, table);
    }
    wake_tables(schedule, task);
}

static void end_chunk(Schedule *schedule, Chunk *chunk)
{
    TableState *table = state_of(schedule, chunk->table_id);

    chunk->done = true;
    table->chunks_left--;
    raise_level(schedule, table);
}

void schedule_done(Schedule *schedule, const Work *work)
{
    assert(schedule->under_way > 0 && schedule->left > 0);
    schedule->under_way--;
    schedule->left--;
    switch (work->kind) {
    case WORK_CHUNK:
        end_chunk(schedule, work->chunk);
        break;
    case WORK_TASK:
        end_task(schedule, work->task);
        break;
    case WORK_PROBE:
        break;
    }
}

static void push_again(Schedule *schedule, const Chunk *chunk)
{
    GROW(schedule->again, schedule->again_count, schedule->again_capacity);
    schedule->again[schedule->again_count++] = (size_t)(chunk - schedule->plan->chunks);
}

void schedule_again(Schedule *schedule, const Work *work)
{
    assert(schedule->under_way > 0);
    schedule->under_way--;
    switch (work->kind) {
    case WORK_CHUNK:
        push_again(schedule, work->chunk);
        break;
    case WORK_TASK:
        set_taken(schedule, work->task, false);
        rank_heap_push(&schedule->ready_tasks, index_of(schedule, work->task));
        wake_tables(schedule, work->task);
        break;
    case WORK_PROBE:
        rank_heap_push(&schedule->ready_probes, state_of(schedule, work->table->id)->rank);
        break;
    }
}

bool schedule_finished(const Schedule *schedule)
{
    return schedule->left == 0;
}

/* An undone task of the table of a class below this one: such tasks hold its level back. */
static const Task *lower_task(const Schedule *schedule, uint32_t table_id, TaskClass task_class)
{
    const Plan *plan = schedule->plan;
    const TableState *table = state_of(schedule, table_id);

    if (table->level >= (uint32_t)task_class)
        return NULL;
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];

        if (!task->done && task->table_id == table_id && task->task_class < task_class)
            return task;
    }
    return NULL;
}

/* One of the tasks that this one waits for. */
static const Task *blocker_of(const Schedule *schedule, const Task *task)
{
    for (size_t i = 0; i < task->after_count; i++) {
        const Task *before = plan_task(schedule->plan, task->after[i]);

        if (before != NULL && !before->done)
            return before;
    }
    for (unsigned side = 0; side < SIDES && task->task_class != TASK_CREATE; side++) {
        uint32_t table_id = table_of(task, side);
        const Task *lower = table_id == 0 ? NULL : lower_task(schedule, table_id, task->task_class);

        if (lower != NULL)
            return lower;
    }
    return NULL;
}

/* From an undone task along what it waits for: who comes as often as there are tasks is in a
 * circle. */
static const Task *walk_back(const Schedule *schedule, const Task *task)
{
    bool *seen = xcalloc(schedule->plan->task_count, sizeof(*seen));

    while (!seen[index_of(schedule, task)]) {
        const Task *before = blocker_of(schedule, task);

        seen[index_of(schedule, task)] = true;
        if (before == NULL)
            break;
        task = before;
    }
    free(seen);
    return task;
}

const Task *schedule_stuck(const Schedule *schedule)
{
    const Plan *plan = schedule->plan;

    if (schedule->left == 0 || schedule->under_way > 0 || schedule->ready_tasks.count > 0 ||
        schedule->open_tables.count > 0 || schedule->again_count > 0 ||
        schedule->ready_probes.count > 0)
        return NULL;
    for (size_t i = 0; i < plan->task_count; i++)
        if (!plan->tasks[i].done)
            return walk_back(schedule, &plan->tasks[i]);
    return NULL;
}
