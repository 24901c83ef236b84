/*
 * The tasks in their order, the ids of which follow from the catalog alone: nothing that the target
 * holds may add or remove one, else a resumed run would take one task's done for another's.
 *
 *   extensions -> staging schemas -> pre-data     one chain: each after the one before
 *   post-data                                     by class, table and what they need
 *   statistics, contents of matviews, sequences   follow the data
 */
#include "engine/connect/postgres/staging_plan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/named_roles.h"
#include "engine/connect/postgres/staging_work.h"

enum {
    BATCH_MAX = 20, /* small entries in one task */
};

/* ---- the entries in order ---- */

static void staging_work_release(StagingWork *work)
{
    for (size_t i = 0; i < work->count; i++)
        pg_object_notes_release(&work->items[i].notes);
    for (size_t i = 0; work->tables != NULL && i < work->plan->catalog.table_count; i++)
        pg_table_notes_release(&work->tables[i]);
    free(work->items);
    staging_partitions_free(work->partitions);
    free(work->tables);
    free(work->task_of);
    staging_map_release(&work->map);
}

static StagingItem *add_item(StagingWork *work)
{
    GROW(work->items, work->count, work->capacity);
    work->items[work->count] = (StagingItem){0};
    return &work->items[work->count++];
}

static Status load_tables(StagingWork *work, Error *err)
{
    Catalog *catalog = &work->plan->catalog;

    work->tables = xcalloc(catalog->table_count + 1, sizeof(*work->tables));
    for (size_t i = 0; i < catalog->table_count; i++) {
        Table *table = &catalog->tables[i];

        TRY(pg_table_notes_read(table, &work->tables[i], err));

        StagingItem *item = add_item(work);

        item->order = work->tables[i].order;
        item->table = table;
        item->kind = entry_kind("TABLE");
        free(table->staged_name);
        table->staged_name =
            pg_qualified(staging_map_schema(&work->map, table->schema), table->name);
    }
    return STATUS_OK;
}

static Status load_objects(StagingWork *work, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object_kind_is_data(object->kind))
            continue;

        StagingItem *item = add_item(work);

        item->object = object;
        TRY(pg_object_notes_read(object, &item->notes, err));
        item->order = item->notes.order;
        item->kind = entry_kind(item->notes.type);
        if (item->kind == NULL)
            return error_kind(err, ERROR_REFUSED, "%s is of an unknown kind: %s", object->name,
                              item->notes.type);
    }
    return STATUS_OK;
}

static int compare_items(const void *left, const void *right)
{
    const StagingItem *a = left;
    const StagingItem *b = right;

    return (a->order > b->order) - (a->order < b->order);
}

static Status load_items(StagingWork *work, Error *err)
{
    TRY(load_tables(work, err));
    TRY(load_objects(work, err));
    if (work->count > 0)
        qsort(work->items, work->count, sizeof(*work->items), compare_items);
    work->task_of = xcalloc(work->plan->catalog.object_count + 1, sizeof(*work->task_of));
    while (work->post_data < work->count && !work->items[work->post_data].kind->is_post_data)
        work->post_data++;
    staging_order_partitions(work);
    return STATUS_OK;
}

/* ---- the chain ---- */

static Task *add_to_chain(StagingWork *work, uint32_t table_id, char *name, char *statement)
{
    Task *task = staging_add_task(work, TASK_CREATE, table_id, name, statement);

    if (work->last_in_chain != 0)
        task_add_after(task, work->last_in_chain);
    work->last_in_chain = task->id;
    return task;
}

/* The schema is made only where it is missing, and never one of the system's. */
static char *extension_statement(const StagedExtension *extension)
{
    AUTO_TEXT Text sql = {0};
    bool has_schema = extension->schema != NULL && extension->installed_schema == NULL;

    if (has_schema && strncmp(extension->schema, "pg_", 3) != 0) {
        text_append(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        quote_identifier(&sql, extension->schema);
        text_append(&sql, ";\n");
    }
    text_append(&sql, "CREATE EXTENSION IF NOT EXISTS ");
    quote_identifier(&sql, extension->name);
    if (has_schema) {
        text_append(&sql, " WITH SCHEMA ");
        quote_identifier(&sql, extension->schema);
    }
    if (extension->is_version_available && extension->installed_schema == NULL) {
        text_append(&sql, " VERSION ");
        pg_quote_literal(&sql, extension->version);
    }
    text_append(&sql, ";");
    return text_take(&sql);
}

static void plan_extensions(StagingWork *work)
{
    for (size_t i = 0; i < work->map.extension_count; i++) {
        const StagedExtension *extension = &work->map.extensions[i];
        Task *task = add_to_chain(work, 0, xasprintf("extension %s", extension->name),
                                  extension_statement(extension));

        task->object_id = extension->object_id;
        work->task_of[extension->object_id] = task->id;
    }
}

/* A table's owner checks foreign keys and fills views as himself: he must get at the schema. */
static void plan_schemas(StagingWork *work)
{
    AUTO_TEXT_LIST TextList owners = {0};

    catalog_owner_roles(&work->plan->catalog, &owners);
    for (size_t i = 0; i < work->map.staging.count; i++) {
        const char *schema = work->map.staging.items[i];
        AUTO_TEXT Text sql = {0};

        text_append(&sql, "CREATE SCHEMA ");
        quote_identifier(&sql, schema);
        text_append(&sql, ";");
        for (size_t j = 0; j < owners.count; j++) {
            text_append(&sql, "\nGRANT USAGE, CREATE ON SCHEMA ");
            quote_identifier(&sql, schema);
            text_append(&sql, " TO ");
            quote_identifier(&sql, owners.items[j]);
            text_append(&sql, ";");
        }
        (void)add_to_chain(work, 0, xasprintf("schema %s", schema), text_take(&sql));
    }
}

typedef struct Batch {
    size_t count;
    uint32_t table_id;
    uint32_t object_id; /* of the first one */
    char *name;         /* of the first one */
    Text sql;
} Batch;

static void batch_release(Batch *batch)
{
    free(batch->name);
    text_release(&batch->sql);
}

static void end_batch(StagingWork *work, Batch *batch)
{
    if (batch->count == 0)
        return;

    char *name = batch->count == 1 ? TAKE(batch->name)
                                   : xasprintf("%s and %zu more", batch->name, batch->count - 1);
    Task *task = add_to_chain(work, batch->table_id, name, text_take(&batch->sql));

    task->object_id = batch->count == 1 ? batch->object_id : 0;
    batch_release(batch);
    *batch = (Batch){0};
}

/* Bodies of functions may name what comes later. */
static void begin_batch(const StagingWork *work, const StagingItem *item, Batch *batch)
{
    batch->table_id = staging_item_table(work, item);
    batch->object_id = item->object != NULL ? item->object->id : 0;
    batch->name = staging_item_name(item);
    if (batch->table_id == 0)
        text_append(&batch->sql, "SET LOCAL check_function_bodies = off;\n");
}

static Status plan_pre_data(StagingWork *work, Error *err)
{
    __attribute__((cleanup(batch_release))) Batch batch = {0};

    for (size_t i = 0; i < work->post_data; i++) {
        const StagingItem *item = &work->items[i];

        if (staging_item_is_left(item) || strcmp(item->kind->type, "ACL") == 0)
            continue;
        if (batch.count == BATCH_MAX || staging_item_table(work, item) != batch.table_id)
            end_batch(work, &batch);
        if (batch.count == 0)
            begin_batch(work, item, &batch);
        TRY(staging_item_text(work, item, &batch.sql, err));
        text_append(&batch.sql, "\n");
        batch.count++;
    }
    end_batch(work, &batch);
    return STATUS_OK;
}

static Status plan_all(StagingWork *work, Error *err)
{
    TRY(load_items(work, err));
    plan_extensions(work);
    plan_schemas(work);
    TRY(plan_pre_data(work, err));
    TRY(staging_plan_post_data(work, err));
    return staging_plan_contents(work, err);
}

Status pg_plan_staging(Stager *stager, const RunIdentity *identity, Plan *plan, Error *err)
{
    PgTarget *target = pg_target_of_stager(stager);
    PgConnection *connection = NULL;
    StagingWork work = {.identity = identity, .plan = plan};

    TRY(pg_target_control(target, &connection, err));
    TRY(staging_map_make(connection, identity, &plan->catalog, &work.map, err));
    work.server_version = (unsigned)pg_server_major(connection);

    Status status = plan_all(&work, err);

    staging_work_release(&work);
    return status;
}
