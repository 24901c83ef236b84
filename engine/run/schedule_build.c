/*
 * A schedule from a plan: everything is counted and linked once, from the done flags.
 */
#include <assert.h>

#include "engine/base/memory.h"
#include "engine/run/schedule_state.h"

static void count_chunks(Schedule *schedule)
{
    const Plan *plan = schedule->plan;

    for (size_t i = 0; i < plan->chunk_count; i++) {
        const Chunk *chunk = &plan->chunks[i];
        TableState *table = schedule_state_of(schedule, chunk->table_id);

        if (table->end_chunk == 0)
            table->first_chunk = table->next_chunk = i;
        assert(table->end_chunk == 0 || table->end_chunk == i); /* the plan is ordered by table */
        table->end_chunk = i + 1;
        table->has_done |= chunk->done;
        if (chunk->done)
            continue;
        table->chunks_left++;
        table->bytes += chunk->byte_estimate;
        schedule->chunks_left++;
        schedule->chunks_waiting++;
        schedule->bytes_waiting += chunk->byte_estimate;
        schedule->wave_chunks_left[table->wave]++;
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

static void begin_tables(Schedule *schedule, const bool *probe_wanted)
{
    uint32_t count = (uint32_t)schedule->plan->catalog.table_count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t wave = schedule->plan->catalog.tables[i].load_late;

        schedule->tables[i].level = TASK_CREATE;
        schedule->tables[i].wave = wave < count ? wave : count;
        if (schedule->tables[i].wave >= schedule->wave_count)
            schedule->wave_count = schedule->tables[i].wave + 1;
        schedule->tables[i].probe_wanted = probe_wanted != NULL && probe_wanted[i];
        schedule->probes_left += schedule->tables[i].probe_wanted;
    }
    schedule->wave_chunks_left = xcalloc(schedule->wave_count, sizeof(*schedule->wave_chunks_left));
}

/* The wait of a task for the level of its tables (C1). */
static void link_tables(Schedule *schedule, uint32_t index)
{
    const Task *task = &schedule->plan->tasks[index];
    TaskState *state = &schedule->tasks[index];

    assert(task->task_class >= TASK_CREATE && task->task_class <= TASK_STATISTICS);
    if (task->table_id != 0 && !task->done)
        schedule_state_of(schedule, task->table_id)->tasks_left[task->task_class]++;
    if (task->task_class == TASK_CREATE)
        return;
    for (uint32_t side = 0; side < SIDES; side++) {
        uint32_t table_id = schedule_table_of(task, side);
        TableState *table = table_id == 0 ? NULL : schedule_state_of(schedule, table_id);

        if (table == NULL)
            continue;
        state->waits_for++;
        state->next_waiting[side] = table->waiting[task->task_class];
        table->waiting[task->task_class] = index * SIDES + side + 1;
    }
}

/* The wait of a task for all lower classes of the plan (S7). */
static void link_plan(Schedule *schedule, uint32_t index)
{
    const Task *task = &schedule->plan->tasks[index];
    TaskState *state = &schedule->tasks[index];

    if (!task->done)
        schedule->class_left[task->task_class]++;
    if (!task->after_lower)
        return;
    state->waits_for++;
    state->next_barred = schedule->barred[task->task_class];
    schedule->barred[task->task_class] = index + 1;
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
            schedule->tasks[schedule_index_of(schedule, before) + 1].first_dependent++;
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
                schedule->dependents[next[schedule_index_of(schedule, before)]++] = i;
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
    schedule->wave_count = 1;
    schedule->tables = xcalloc(table_count + 1, sizeof(*schedule->tables));
    schedule->table_ids = xcalloc(table_count + 1, sizeof(*schedule->table_ids));
    schedule->tasks = xcalloc(plan->task_count + 1, sizeof(*schedule->tasks));
    begin_tables(schedule, probe_wanted);
    schedule->left = schedule->probes_left;
    count_chunks(schedule);
    rank_tables(schedule);
    link_dependents(schedule);
    for (uint32_t i = 0; i < plan->task_count; i++) {
        link_tables(schedule, i);
        link_plan(schedule, i);
        if (plan->tasks[i].done)
            continue;
        schedule->left++;
        if (schedule->tasks[i].waits_for == 0)
            rank_heap_push(&schedule->ready_tasks, i);
    }
    schedule_raise_plan(schedule);
    for (size_t i = 0; i < table_count; i++)
        schedule_raise_table(schedule, &schedule->tables[i]);
    schedule_raise_waves(schedule);
    return schedule;
}

void schedule_set_workers(Schedule *schedule, unsigned workers)
{
    schedule->workers = workers;
}

void schedule_free(Schedule *schedule)
{
    if (schedule == NULL)
        return;
    rank_heap_release(&schedule->ready_tasks);
    rank_heap_release(&schedule->open_tables);
    rank_heap_release(&schedule->ready_probes);
    free(schedule->wave_chunks_left);
    free(schedule->tables);
    free(schedule->table_ids);
    free(schedule->tasks);
    free(schedule->dependents);
    free(schedule->again);
    free(schedule);
}
