#include "engine/flow/plan.h"

#include <assert.h>

#include "engine/base/memory.h"

const char *task_class_name(TaskClass task_class)
{
    switch (task_class) {
    case TASK_CREATE:
        return "create";
    case TASK_INDEX:
        return "index";
    case TASK_CONSTRAINT:
        return "constraint";
    case TASK_FOREIGN_KEY:
        return "foreign key";
    case TASK_TRIGGER:
        return "trigger";
    case TASK_VIEW:
        return "view";
    case TASK_SEQUENCE:
        return "sequence";
    case TASK_STATISTICS:
        return "statistics";
    }
    return "unknown";
}

void promotion_plan_release(PromotionPlan *promotion)
{
    text_list_release(&promotion->steps);
    free(promotion->forward);
    free(promotion->inverse);
    *promotion = (PromotionPlan){0};
}

void plan_release(Plan *plan)
{
    for (size_t i = 0; i < plan->chunk_count; i++) {
        bytes_release(&plan->chunks[i].lower);
        bytes_release(&plan->chunks[i].upper);
    }
    for (size_t i = 0; i < plan->task_count; i++) {
        free(plan->tasks[i].name);
        free(plan->tasks[i].statement);
        free(plan->tasks[i].after);
    }
    free(plan->chunks);
    free(plan->tasks);
    catalog_release(&plan->catalog);
    *plan = (Plan){0};
}

Chunk *plan_add_chunk(Plan *plan)
{
    Chunk *chunk;

    GROW(plan->chunks, plan->chunk_count, plan->chunk_capacity);
    chunk = &plan->chunks[plan->chunk_count++];
    *chunk = (Chunk){0};
    return chunk;
}

Task *plan_add_task(Plan *plan)
{
    uint32_t last = plan->task_count == 0 ? 0 : plan->tasks[plan->task_count - 1].id;
    Task *task;

    assert(last < UINT32_MAX);
    GROW(plan->tasks, plan->task_count, plan->task_capacity);
    task = &plan->tasks[plan->task_count++];
    *task = (Task){.id = last + 1};
    return task;
}

void task_add_after(Task *task, uint32_t task_id)
{
    assert(task_id != 0 && task_id != task->id);
    task->after = xrealloc(task->after, (task->after_count + 1) * sizeof(*task->after));
    task->after[task->after_count++] = task_id;
}

/* Index of the first chunk that does not come before (table_id, number); chunk_count: none. */
static size_t find_chunk(const Plan *plan, uint32_t table_id, uint32_t number)
{
    size_t low = 0;
    size_t high = plan->chunk_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Chunk *chunk = &plan->chunks[middle];

        if (chunk->table_id < table_id || (chunk->table_id == table_id && chunk->number < number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

Chunk *plan_table_chunks(const Plan *plan, uint32_t table_id, size_t *ret_count)
{
    size_t first = find_chunk(plan, table_id, 0);
    size_t end = table_id == UINT32_MAX ? plan->chunk_count : find_chunk(plan, table_id + 1, 0);

    *ret_count = end - first;
    return end == first ? NULL : &plan->chunks[first];
}

Chunk *plan_chunk(const Plan *plan, uint32_t table_id, uint32_t number)
{
    size_t at = find_chunk(plan, table_id, number);
    Chunk *chunk = at < plan->chunk_count ? &plan->chunks[at] : NULL;

    if (chunk == NULL || chunk->table_id != table_id || chunk->number != number)
        return NULL;
    return chunk;
}

Task *plan_task(const Plan *plan, uint32_t id)
{
    size_t low = 0;
    size_t high = plan->task_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (plan->tasks[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->task_count && plan->tasks[low].id == id ? &plan->tasks[low] : NULL;
}

void plan_table_totals(const Plan *plan, uint32_t table_id, Digest *ret_digest, uint64_t *ret_bytes)
{
    Digest digest = {0};
    uint64_t bytes = 0;
    size_t count = 0;
    const Chunk *chunks = plan_table_chunks(plan, table_id, &count);

    for (size_t i = 0; i < count; i++) {
        if (!chunks[i].done)
            continue;
        digest_merge(&digest, &chunks[i].digest);
        bytes += chunks[i].bytes;
    }
    *ret_digest = digest;
    *ret_bytes = bytes;
}
