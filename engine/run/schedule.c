/*
 * Handing out work, and what follows from its end. How the rules are kept: see schedule_state.h.
 */
#include "engine/run/schedule.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/run/schedule_state.h"

TableState *schedule_state_of(const Schedule *schedule, uint32_t table_id)
{
    assert(table_id > 0 && table_id <= schedule->plan->catalog.table_count);
    return &schedule->tables[table_id - 1];
}

enum {
    PROBE_SHARE = 3, /* a probe takes a third of the time in which one worker copies its table */
};

uint32_t schedule_index_of(const Schedule *schedule, const Task *task)
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
    else if (table->probe_wanted && !table->probe_is_out) {
        table->probe_is_out = true;
        rank_heap_push(&schedule->ready_probes, table->rank);
    }
}

/* S8; a late table without chunks to come keeps nobody waiting. */
static bool may_open(const Schedule *schedule, const TableState *table)
{
    return table->wave <= schedule->wave || table->chunks_left == 0;
}

void schedule_raise_table(Schedule *schedule, TableState *table)
{
    while (table->level < TASK_STATISTICS && table->tasks_left[table->level] == 0) {
        if (table->level == TASK_CREATE && !table->is_open && may_open(schedule, table))
            open_table(schedule, table);
        if (table->level == TASK_CREATE && table->chunks_left > 0)
            return;
        release_class(schedule, table, ++table->level);
    }
}

/* The tables of a wave are opened once in the life of a schedule. */
void schedule_raise_waves(Schedule *schedule)
{
    uint32_t before = schedule->wave;

    if (schedule->class_left[TASK_CREATE] > 0)
        return;
    while (schedule->wave + 1 < schedule->wave_count &&
           schedule->wave_chunks_left[schedule->wave] == 0)
        schedule->wave++;
    for (size_t i = 0; i < schedule->plan->catalog.table_count && schedule->wave > before; i++)
        if (schedule->tables[i].wave > before && schedule->tables[i].wave <= schedule->wave)
            schedule_raise_table(schedule, &schedule->tables[i]);
}

void schedule_raise_plan(Schedule *schedule)
{
    while (schedule->level < TASK_STATISTICS &&
           (schedule->level == LEVEL_CHUNKS ? schedule->chunks_left
                                            : schedule->class_left[schedule->level]) == 0) {
        uint32_t link = schedule->barred[++schedule->level];

        for (; link != 0; link = schedule->tasks[link - 1].next_barred)
            release_task(schedule, link - 1);
    }
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

static bool is_shareable(const Task *task)
{
    return task->task_class == TASK_INDEX;
}

/* S3 */
static bool admits(const TableState *table, const Task *task)
{
    return !table->is_taken && (table->sharers == 0 || is_shareable(task));
}

/* C2 */
static void wake_one(Schedule *schedule, TableState *table)
{
    uint32_t link = table->parked;

    if (link == 0 || !admits(table, &schedule->plan->tasks[link - 1]))
        return;
    table->parked = schedule->tasks[link - 1].next_parked;
    rank_heap_push(&schedule->ready_tasks, link - 1);
}

static void wake_tables(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++)
        if (schedule_table_of(task, side) != 0)
            wake_one(schedule, schedule_state_of(schedule, schedule_table_of(task, side)));
}

static void take_tables(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++) {
        TableState *table = schedule_table_of(task, side) == 0
                                ? NULL
                                : schedule_state_of(schedule, schedule_table_of(task, side));

        if (table != NULL && is_shareable(task))
            table->sharers++;
        else if (table != NULL)
            table->is_taken = true;
    }
    if (is_shareable(task))
        wake_tables(schedule, task);
}

static void leave_tables(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++) {
        TableState *table = schedule_table_of(task, side) == 0
                                ? NULL
                                : schedule_state_of(schedule, schedule_table_of(task, side));

        if (table != NULL && is_shareable(task))
            table->sharers--;
        else if (table != NULL)
            table->is_taken = false;
    }
}

/* Parks the task when one of its tables is held (S3), and passes on its turn at the other (C2). */
static bool must_park(Schedule *schedule, const Task *task)
{
    for (unsigned side = 0; side < SIDES; side++) {
        uint32_t table_id = schedule_table_of(task, side);

        if (table_id == 0 || admits(schedule_state_of(schedule, table_id), task))
            continue;
        park(schedule, schedule_state_of(schedule, table_id), schedule_index_of(schedule, task));
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
        take_tables(schedule, task);
        *ret = (Work){.kind = WORK_TASK, .task = task};
        if (task->table_id != 0)
            ret->table = catalog_table(&schedule->plan->catalog, task->table_id);
        return true;
    }
    return false;
}

static TableState *ranked(Schedule *schedule, uint32_t rank)
{
    return schedule_state_of(schedule, schedule->table_ids[rank]);
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
    schedule->chunks_waiting--;
    schedule->bytes_waiting -= chunk->byte_estimate;
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

/* S4: of the biggest table with chunks to come, when copying the rest would end before it. */
static bool next_early_probe(Schedule *schedule, Work *ret)
{
    TableState *table = NULL;

    if (schedule->workers < 2 || schedule->open_tables.count == 0)
        return false;
    table = ranked(schedule, schedule->open_tables.items[0]); /* the least rank of the heap */
    if (!table->probe_wanted || table->probe_is_out || !table->has_done ||
        schedule->bytes_waiting / schedule->workers >= table->bytes / PROBE_SHARE)
        return false;
    table->probe_is_out = true;
    *ret = (Work){
        .kind = WORK_PROBE,
        .table = catalog_table(&schedule->plan->catalog, schedule->table_ids[table->rank]),
    };
    return true;
}

bool schedule_next(Schedule *schedule, Work *ret)
{
    /* S5 */
    bool found = schedule->chunks_waiting == 0 && next_probe(schedule, ret);

    found = found || next_early_probe(schedule, ret) || next_task(schedule, ret) ||
            next_chunk(schedule, ret);
    found = found || next_probe(schedule, ret);
    schedule->under_way += found;
    return found;
}

static void end_task(Schedule *schedule, Task *task)
{
    uint32_t index = schedule_index_of(schedule, task);
    size_t end = schedule->tasks[index + 1].first_dependent;

    task->done = true;
    leave_tables(schedule, task);
    for (size_t i = schedule->tasks[index].first_dependent; i < end; i++)
        release_task(schedule, schedule->dependents[i]);
    if (task->table_id != 0) {
        TableState *table = schedule_state_of(schedule, task->table_id);

        table->tasks_left[task->task_class]--;
        schedule_raise_table(schedule, table);
    }
    schedule->class_left[task->task_class]--;
    schedule_raise_plan(schedule);
    schedule_raise_waves(schedule);
    wake_tables(schedule, task);
}

static void end_chunk(Schedule *schedule, Chunk *chunk)
{
    TableState *table = schedule_state_of(schedule, chunk->table_id);

    chunk->done = true;
    table->has_done = true;
    table->chunks_left--;
    schedule->chunks_left--;
    schedule_raise_table(schedule, table);
    schedule->wave_chunks_left[table->wave]--;
    schedule_raise_plan(schedule);
    schedule_raise_waves(schedule);
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
        schedule->probes_left--;
        break;
    }
}

static void push_again(Schedule *schedule, const Chunk *chunk)
{
    GROW(schedule->again, schedule->again_count, schedule->again_capacity);
    schedule->chunks_waiting++;
    schedule->bytes_waiting += chunk->byte_estimate;
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
        leave_tables(schedule, work->task);
        rank_heap_push(&schedule->ready_tasks, schedule_index_of(schedule, work->task));
        wake_tables(schedule, work->task);
        break;
    case WORK_PROBE:
        rank_heap_push(&schedule->ready_probes, schedule_state_of(schedule, work->table->id)->rank);
        break;
    }
}

bool schedule_has_reads(const Schedule *schedule)
{
    return schedule->chunks_left > 0 || schedule->probes_left > 0;
}

bool schedule_finished(const Schedule *schedule)
{
    return schedule->left == 0;
}
