/*
 * Reading the plan back, exactly as it was saved. What could not have been saved is damage.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "journal/internal.h"

static const char action[] = "read the plan of";

static bool copy_fingerprint(const Query *query, int column, char ret[65])
{
    const char *text = column_text(query, column);

    if (text == NULL || strlen(text) > 64)
        return false;
    (void)snprintf(ret, 65, "%s", text);
    return true;
}

static bool is_row_format(int64_t value)
{
    return value == ROW_TAGGED || value == ROW_PG_BINARY || value == ROW_PG_TEXT;
}

static bool read_table(const Query *query, Table *ret)
{
    int64_t key = column_integer(query, 4);
    int64_t format = column_integer(query, 5);

    ret->schema = column_copy(query, 1);
    ret->name = column_copy(query, 2);
    ret->staged_name = column_copy(query, 3);
    ret->row_estimate = column_unsigned(query, 6);
    ret->byte_estimate = column_unsigned(query, 7);
    ret->load_late = (uint32_t)column_integer(query, 9);
    ret->private_data = column_copy(query, 10);
    ret->definition = column_copy(query, 11);
    if (key < KEY_NONE || key > KEY_PHYSICAL || !is_row_format(format))
        return false;
    ret->key = (KeyKind)key;
    ret->format = (RowFormat)format;
    return column_integer(query, 0) == ret->id && copy_fingerprint(query, 8, ret->fingerprint);
}

static Status load_tables(Journal *journal, Catalog *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select id, schema, name, staged_name, key, format, row_estimate,"
                      " byte_estimate, fingerprint, load_late, private_data, definition"
                      " from plan_table order by id",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK)
        if (!read_table(&query, catalog_add_table(ret)))
            return journal_damaged(journal, "a table of its plan cannot be read", err);
    return status < 0 ? status : STATUS_OK;
}

static bool is_table_id(const Catalog *catalog, int64_t id)
{
    return id > 0 && (uint64_t)id <= catalog->table_count;
}

static Status load_columns(Journal *journal, Catalog *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select table_id, name, type, is_generated, key_position"
                      " from plan_column order by table_id, position",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK) {
        Column *column = NULL;

        if (!is_table_id(ret, column_integer(&query, 0)))
            return journal_damaged(journal, "a column of its plan has no table", err);
        column = table_add_column(catalog_table(ret, column_u32(&query, 0)));
        column->name = column_copy(&query, 1);
        column->type = column_copy(&query, 2);
        column->is_generated = column_integer(&query, 3) != 0;
        column->key_position = column_u32(&query, 4);
    }
    return status < 0 ? status : STATUS_OK;
}

static bool read_object(const Query *query, Object *ret)
{
    int64_t kind = column_integer(query, 1);

    ret->table_id = column_u32(query, 2);
    ret->schema = column_copy(query, 3);
    ret->name = column_copy(query, 4);
    ret->private_data = column_copy(query, 5);
    ret->definition = column_copy(query, 6);
    if (kind < OBJECT_INDEX || kind > OBJECT_OTHER)
        return false;
    ret->kind = (ObjectKind)kind;
    return column_integer(query, 0) == ret->id;
}

static Status load_objects(Journal *journal, Catalog *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select id, kind, table_id, schema, name, private_data, definition"
                      " from plan_object order by id",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK)
        if (!read_object(&query, catalog_add_object(ret)))
            return journal_damaged(journal, "an object of its plan cannot be read", err);
    return status < 0 ? status : STATUS_OK;
}

static bool read_chunk(const Query *query, Chunk *ret)
{
    const char *digest = column_text(query, 6);

    ret->table_id = column_u32(query, 0);
    ret->number = column_u32(query, 1);
    ret->byte_estimate = column_unsigned(query, 2);
    ret->done = column_integer(query, 3) != 0;
    ret->bytes = column_unsigned(query, 5);
    ret->lower = column_bytes(query, 7);
    ret->upper = column_bytes(query, 8);
    if (!ret->done)
        return true;
    return digest != NULL && digest_parse(digest, column_unsigned(query, 4), &ret->digest);
}

static Status load_chunks(Journal *journal, Plan *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select table_id, number, byte_estimate, done, rows, bytes, digest, lower,"
                      " upper from plan_chunk order by table_id, number",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK) {
        if (!is_table_id(&ret->catalog, column_integer(&query, 0)) ||
            !read_chunk(&query, plan_add_chunk(ret)))
            return journal_damaged(journal, "a chunk of its plan cannot be read", err);
    }
    return status < 0 ? status : STATUS_OK;
}

static bool read_task(const Query *query, Task *ret)
{
    int64_t task_class = column_integer(query, 2);

    ret->id = column_u32(query, 0);
    ret->done = column_integer(query, 1) != 0;
    ret->table_id = column_u32(query, 3);
    ret->other_table_id = column_u32(query, 4);
    ret->object_id = column_u32(query, 5);
    ret->after_lower = column_integer(query, 6) != 0;
    ret->name = column_copy(query, 7);
    ret->statement = column_copy(query, 8);
    if (task_class < TASK_CREATE || task_class > TASK_STATISTICS)
        return false;
    ret->task_class = (TaskClass)task_class;
    return true;
}

static Status load_tasks(Journal *journal, Plan *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select id, done, task_class, table_id, other_table_id, object_id,"
                      " after_lower, name, statement from plan_task order by id",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK)
        if (!read_task(&query, plan_add_task(ret)))
            return journal_damaged(journal, "a task of its plan cannot be read", err);
    return status < 0 ? status : STATUS_OK;
}

static Status load_order(Journal *journal, Plan *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select task_id, after_id from plan_task_after order by task_id, position",
                      action, &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK) {
        Task *task = plan_task(ret, column_u32(&query, 0));
        const Task *before = plan_task(ret, column_u32(&query, 1));

        if (task == NULL || before == NULL || task == before)
            return journal_damaged(journal, "the order of its tasks cannot be read", err);
        task_add_after(task, before->id);
    }
    return status < 0 ? status : STATUS_OK;
}

static Status load_steps(Journal *journal, TextList *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal, "select step from promotion_step order by position", action, &query,
                      err));
    while ((status = query_step(&query, err)) == STATUS_OK)
        text_list_add(ret, column_text(&query, 0));
    return status < 0 ? status : STATUS_OK;
}

/* STATUS_DONE when there is no plan. */
static Status load_head(Journal *journal, Catalog *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal, "select catalog_fingerprint from plan", action, &query, err));
    status = query_step(&query, err);
    if (status == STATUS_OK && !copy_fingerprint(&query, 0, ret->fingerprint))
        return journal_damaged(journal, "its plan cannot be read", err);
    return status;
}

static Status load_everything(Journal *journal, Plan *ret, Error *err)
{
    Status status = STATUS_OK;

    status = load_head(journal, &ret->catalog, err);
    if (status != STATUS_OK)
        return status;
    TRY(load_tables(journal, &ret->catalog, err));
    TRY(load_columns(journal, &ret->catalog, err));
    TRY(load_objects(journal, &ret->catalog, err));
    TRY(load_chunks(journal, ret, err));
    TRY(load_tasks(journal, ret, err));
    return load_order(journal, ret, err);
}

Status journal_load_plan(Journal *journal, Plan *ret, Error *err)
{
    AUTO_PLAN Plan plan = {0};
    Status status = STATUS_OK;

    TRY(view_begin(journal, err));
    status = load_everything(journal, &plan, err);
    view_end(journal);
    if (status < 0)
        return status;
    plan_release(ret);
    *ret = plan;
    plan = (Plan){0};
    return status;
}

static Status load_promotion(Journal *journal, PromotionPlan *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal, "select fingerprint, forward, inverse from promotion", action,
                      &query, err));
    status = query_step(&query, err);
    if (status != STATUS_OK)
        return status;
    if (!copy_fingerprint(&query, 0, ret->fingerprint))
        return journal_damaged(journal, "its promotion cannot be read", err);
    ret->forward = column_copy(&query, 1);
    ret->inverse = column_copy(&query, 2);
    return load_steps(journal, &ret->steps, err);
}

Status journal_load_promotion(Journal *journal, PromotionPlan *ret, Error *err)
{
    PromotionPlan promotion = {0};
    Status status = STATUS_OK;

    TRY(view_begin(journal, err));
    status = load_promotion(journal, &promotion, err);
    view_end(journal);
    if (status != STATUS_OK) {
        promotion_plan_release(&promotion);
        return status;
    }
    *ret = promotion;
    return STATUS_OK;
}
