/*
 * Post-data as tasks. Two rules keep the plan free of circles:
 *  - a task's class is never lower than that of what it comes after, so every wait (for a task, for a
 *    table's lower classes, for all lower classes) goes to a lower class, or to a lower id in the same;
 *  - TASK_CREATE, which a table's chunks wait for, is for pre-data only; TASK_SEQUENCE and
 *    TASK_STATISTICS, which run again with each snapshot, only for what can be repeated.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/key_constraint.h"
#include "engine/connect/postgres/staging_work.h"

static bool is_type(const StagingItem *item, const char *type)
{
    return strcmp(item->notes.type, type) == 0;
}

static const Task *needed_task(const StagingWork *work, uint32_t object_id)
{
    uint32_t id = object_id <= work->plan->catalog.object_count ? work->task_of[object_id] : 0;

    return id == 0 ? NULL : plan_task(work->plan, id);
}

/* A statistics object is not a statistic: it is there before the table is analyzed. */
static TaskClass own_class(const StagingItem *item)
{
    if (is_type(item, "STATISTICS"))
        return TASK_CONSTRAINT;
    switch (item->kind->task_class) {
    case TASK_INDEX:
    case TASK_CONSTRAINT:
    case TASK_FOREIGN_KEY:
    case TASK_TRIGGER:
    case TASK_VIEW:
        return item->kind->task_class;
    case TASK_CREATE:
        /* A function or view that waits for a key; a comment on an index: as soon as that is there. */
        return is_type(item, "COMMENT") && item->notes.after_count > 0 ? TASK_INDEX : TASK_VIEW;
    case TASK_SEQUENCE:
    case TASK_STATISTICS:
        break;
    }
    return TASK_VIEW;
}

/* Not below what the item comes after; and what a class says of the objects made stays true. */
static TaskClass raised_class(const StagingWork *work, const StagingItem *item,
                              TaskClass task_class)
{
    TaskClass own = task_class;

    for (size_t i = 0; i < item->notes.after_count; i++) {
        const Task *before = needed_task(work, item->notes.after[i]);

        if (before != NULL && before->task_class > task_class)
            task_class = before->task_class;
    }
    if (task_class != own && (task_class == TASK_FOREIGN_KEY || task_class == TASK_TRIGGER))
        return TASK_VIEW;
    return task_class;
}

static TaskClass class_of(const StagingWork *work, const StagingItem *item)
{
    return raised_class(work, item, own_class(item));
}

static void add_needs(const StagingWork *work, const StagingItem *item, Task *task)
{
    for (size_t i = 0; i < item->notes.after_count; i++) {
        const Task *before = needed_task(work, item->notes.after[i]);

        if (before != NULL)
            task_add_after(task, before->id);
    }
}

/* A foreign key of or to a partitioned table, a trigger on one: all its partitions must be loaded.
 * (So must nothing be for a trigger on a view; that one can wait.) */
static bool spans_tables(const Task *task)
{
    if (task->task_class == TASK_FOREIGN_KEY)
        return task->table_id == 0 || task->other_table_id == 0;
    return task->task_class == TASK_TRIGGER && task->table_id == 0;
}

/* The first of the item's tasks: it has what the item needs. */
static Task *add_first(StagingWork *work, const StagingItem *item, TaskClass task_class, char *name,
                       char *statement)
{
    Task *task = staging_add_task(work, task_class, item->object->table_id, name, statement);

    task->other_table_id = item->notes.other_table_id;
    task->object_id = item->object->id;
    task->after_lower = item->notes.after_data || spans_tables(task);
    add_needs(work, item, task);
    if (work->last_in_chain != 0)
        task_add_after(task, work->last_in_chain); /* what it calls may come later than the table */
    work->task_of[item->object->id] = task->id;
    return task;
}

/* The second one, over what the first has made. */
static void add_second(StagingWork *work, const StagingItem *item, char *name, char *statement)
{
    uint32_t first = work->task_of[item->object->id];
    TaskClass first_class = plan_task(work->plan, first)->task_class;
    Task *task =
        staging_add_task(work, TASK_CONSTRAINT, staging_item_table(work, item), name, statement);

    if (first_class > task->task_class)
        task->task_class = first_class;
    task->object_id = item->object->id;
    task_add_after(task, first);
    work->task_of[item->object->id] = task->id;
}

/* Rows of a partitioned table lie elsewhere: its keys are built from those of its partitions. */
static bool is_plain_table(const StagingWork *work, uint32_t table_id)
{
    return table_id != 0 && work->tables[table_id - 1].kind == 'r';
}

static Status plan_key(StagingWork *work, const StagingItem *item, const char *sql,
                       bool *ret_planned, Error *err)
{
    AUTO_FREE_MEMORY char *index = NULL;
    AUTO_FREE_MEMORY char *constraint = NULL;

    *ret_planned = false;
    if (!is_type(item, "CONSTRAINT") || !is_plain_table(work, item->object->table_id))
        return STATUS_OK;
    TRY(key_constraint_split(sql, ret_planned, &index, &constraint, err));
    if (!*ret_planned)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *name = staging_item_name(item);

    (void)add_first(work, item, raised_class(work, item, TASK_INDEX),
                    xasprintf("index of %s", name), TAKE(index));
    add_second(work, item, TAKE(name), TAKE(constraint));
    return STATUS_OK;
}

/* Other statements of an index's entry lock the table more than the index itself, and indexes are
 * built side by side. */
static Status plan_index(StagingWork *work, const StagingItem *item, const char *sql, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};
    AUTO_TEXT Text rest = {0};

    AUTO_TEXT Text first = {0};
    size_t head = 0;

    TRY(split_statements(sql, &statements, err));
    if (statements.count > 1 && strncmp(sql, STAGING_PATH_HEAD, strlen(STAGING_PATH_HEAD)) == 0)
        text_append_format(&first, "%s\n", statements.items[head++]);
    text_append(&first, statements.count > head ? statements.items[head++] : "");
    for (size_t i = head; i < statements.count; i++)
        text_append_format(&rest, "%s%s", i > head ? "\n" : "", statements.items[i]);
    (void)add_first(work, item, class_of(work, item), staging_item_name(item), text_take(&first));
    if (rest.size > 0) {
        AUTO_FREE_MEMORY char *name = staging_item_name(item);

        add_second(work, item, xasprintf("settings of %s", name), text_take(&rest));
    }
    return STATUS_OK;
}

static Status plan_item(StagingWork *work, const StagingItem *item, Error *err)
{
    AUTO_TEXT Text sql = {0};
    bool is_planned = false;

    TRY(staging_item_text(work, item, &sql, err));
    TRY(plan_key(work, item, text_string(&sql), &is_planned, err));
    if (is_planned)
        return STATUS_OK;
    if (is_type(item, "INDEX"))
        return plan_index(work, item, text_string(&sql), err);

    TaskClass task_class = class_of(work, item);

    if (item->object->table_id == 0 && (is_type(item, "FUNCTION") || is_type(item, "PROCEDURE"))) {
        AUTO_TEXT Text whole = {0};

        text_append_format(&whole, "SET LOCAL check_function_bodies = off;\n%s", text_string(&sql));
        (void)add_first(work, item, task_class, staging_item_name(item), text_take(&whole));
        return STATUS_OK;
    }
    (void)add_first(work, item, task_class, staging_item_name(item), text_take(&sql));
    return STATUS_OK;
}

static bool is_content(const StagingItem *item)
{
    return is_type(item, "MATERIALIZED VIEW DATA") || is_type(item, "ACL");
}

Status staging_plan_post_data(StagingWork *work, Error *err)
{
    for (size_t i = work->post_data; i < work->count; i++) {
        const StagingItem *item = &work->items[i];

        if (item->table == NULL && !staging_item_is_left(item) && !is_content(item))
            TRY(plan_item(work, item, err));
    }
    return STATUS_OK;
}
