/*
 * Why nothing can start: walks from an undone task along what it waits for.
 */
#include "engine/base/memory.h"
#include "engine/run/schedule_state.h"

/* An undone task of the table of a class below this one: such tasks hold its level back. */
static const Task *lower_task(const Schedule *schedule, uint32_t table_id, TaskClass task_class)
{
    const Plan *plan = schedule->plan;
    const TableState *table = schedule_state_of(schedule, table_id);

    if (table->level >= (uint32_t)task_class)
        return NULL;
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];

        if (!task->done && task->table_id == table_id && task->task_class < task_class)
            return task;
    }
    return NULL;
}

/* A task that keeps the chunks of its table closed; or any that creates something, where there are
 * chunks that wait for all of these (S8). */
static const Task *create_before_chunks(const Schedule *schedule, bool any)
{
    const Plan *plan = schedule->plan;

    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];
        const TableState *table =
            task->table_id == 0 ? NULL : schedule_state_of(schedule, task->table_id);

        if (!task->done && task->task_class == TASK_CREATE &&
            (any || (table != NULL && table->chunks_left > 0)))
            return task;
    }
    return NULL;
}

/* What an after_lower task waits for in the whole plan (S7). */
static const Task *lower_in_plan(const Schedule *schedule, TaskClass task_class)
{
    const Plan *plan = schedule->plan;

    for (size_t i = 0; i < plan->task_count && schedule->level < (uint32_t)task_class; i++)
        if (!plan->tasks[i].done && plan->tasks[i].task_class < task_class)
            return &plan->tasks[i];
    return schedule->chunks_left > 0 ? create_before_chunks(schedule, false) : NULL;
}

/* What keeps a table below the class: a task of it, or for a late one also a task of another. */
static const Task *blocker_at(const Schedule *schedule, uint32_t table_id, TaskClass task_class)
{
    const TableState *table = schedule_state_of(schedule, table_id);
    const Task *lower = lower_task(schedule, table_id, task_class);

    if (lower != NULL || table->wave == 0 || table->is_open)
        return lower;
    return create_before_chunks(schedule, true);
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
        uint32_t table_id = schedule_table_of(task, side);
        const Task *lower = table_id == 0 ? NULL : blocker_at(schedule, table_id, task->task_class);

        if (lower != NULL)
            return lower;
    }
    return task->after_lower ? lower_in_plan(schedule, task->task_class) : NULL;
}

/* From an undone task along what it waits for: who comes as often as there are tasks is in a
 * circle. */
static const Task *walk_back(const Schedule *schedule, const Task *task)
{
    bool *seen = xcalloc(schedule->plan->task_count, sizeof(*seen));

    while (!seen[schedule_index_of(schedule, task)]) {
        const Task *before = blocker_of(schedule, task);

        seen[schedule_index_of(schedule, task)] = true;
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
