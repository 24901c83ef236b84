/*
 * What follows the data and is done again with each snapshot: statistics, contents of materialized
 * views, values of sequences; and privileges, which pg_dump gives last, too: an owner who has taken
 * rights from himself could not be loaded for any more.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/staging_work.h"

enum {
    PRIVILEGES_MAX = 20, /* entries in one task */
    SEQUENCES_MAX = 50,  /* values in one task */
    ONLY_VERSION = 18,   /* ANALYZE ONLY: since then a parent can be looked at without its parts */
};

static bool is_type(const StagingItem *item, const char *type)
{
    return item->object != NULL && strcmp(item->notes.type, type) == 0;
}

/* ---- privileges ---- */

static Status plan_privileges(StagingWork *work, Error *err)
{
    AUTO_TEXT Text sql = {0};
    size_t count = 0;
    Task *task = NULL;
    uint32_t before = 0;

    for (size_t i = 0; i < work->count; i++) {
        const StagingItem *item = &work->items[i];

        if (!is_type(item, "ACL") || staging_item_is_left(item))
            continue;
        if (count % PRIVILEGES_MAX == 0) {
            if (task != NULL)
                task->statement = text_take(&sql);
            task = staging_add_task(work, TASK_VIEW, 0, staging_item_name(item), NULL);
            task->after_lower = true;
            if (before != 0)
                task_add_after(task, before);
            before = task->id;
        }
        count++;
        TRY(staging_item_text(work, item, &sql, err));
        text_append(&sql, "\n");
    }
    if (task != NULL)
        task->statement = text_take(&sql);
    return STATUS_OK;
}

/* ---- statistics ---- */

static Task *add_analyze(StagingWork *work, TaskClass task_class, const Table *table)
{
    AUTO_FREE_MEMORY char *display = table_display_name(table);

    return staging_add_task(work, task_class, table->id, xasprintf("statistics of %s", display),
                            xasprintf("ANALYZE %s;", table->staged_name));
}

/* Statistics objects and settings of indexes say what is to be gathered. */
static void add_needs_of_analyzes(StagingWork *work, const uint32_t *analyze_of, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        const Task *task = &work->plan->tasks[i];

        if (task->table_id == 0 || task->task_class != TASK_CONSTRAINT)
            continue;
        if (analyze_of[task->table_id] != 0)
            task_add_after(plan_task(work->plan, analyze_of[task->table_id]), task->id);
    }
}

/* Partitions are analyzed with their parent where that cannot be looked at alone. */
static void plan_table_statistics(StagingWork *work)
{
    const Catalog *catalog = &work->plan->catalog;
    AUTO_FREE_MEMORY uint32_t *analyze_of = xcalloc(catalog->table_count + 1, sizeof(uint32_t));
    size_t before = work->plan->task_count;

    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        const PgTableNotes *notes = &work->tables[i];

        if (notes->kind == 'p' || notes->has_children)
            continue;
        if (work->server_version < ONLY_VERSION &&
            staging_is_attached(work, table->schema, table->name))
            continue;
        analyze_of[table->id] = add_analyze(work, TASK_CONSTRAINT, table)->id;
    }
    add_needs_of_analyzes(work, analyze_of, before);
}

static void plan_parent_statistics(StagingWork *work)
{
    bool has_only = work->server_version >= ONLY_VERSION;

    for (size_t i = 0; i < work->plan->catalog.table_count; i++) {
        const PgTableNotes *notes = &work->tables[i];

        if (notes->kind == 'p' || notes->has_children)
            add_analyze(work, TASK_STATISTICS, &work->plan->catalog.tables[i])->after_lower = true;
    }
    for (size_t i = 0; i < work->post_data; i++) {
        const StagingItem *item = &work->items[i];
        const char *schema = item->object != NULL ? item->object->schema : NULL;

        if (!is_type(item, "TABLE") || staging_item_is_left(item))
            continue;
        if (!has_only && staging_is_attached(work, schema, item->object->name))
            continue;

        AUTO_FREE_MEMORY char *staged =
            pg_qualified(staging_map_schema(&work->map, schema), item->object->name);
        Task *task = staging_add_task(work, TASK_STATISTICS, 0,
                                      xasprintf("statistics of %s.%s", schema, item->object->name),
                                      xasprintf("ANALYZE %s%s;", has_only ? "ONLY " : "", staged));

        task->object_id = item->object->id;
        task->after_lower = true;
    }
}

/* ---- materialized views ---- */

typedef struct Contents {
    size_t
        *items; /* index + 1 in the work's, by object id; 0: not a content, or one that is done */
    uint32_t before;
} Contents;

/* After those that it reads; a circle ends where it began. */
static Status plan_content(StagingWork *work, Contents *contents, uint32_t object_id, Error *err)
{
    const StagingItem *item = NULL;
    AUTO_TEXT Text sql = {0};

    if (contents->items[object_id] == 0)
        return STATUS_OK;
    item = &work->items[contents->items[object_id] - 1];
    contents->items[object_id] = 0;
    for (size_t i = 0; i < item->notes.after_count; i++)
        TRY(plan_content(work, contents, item->notes.after[i], err));
    TRY(staging_item_text(work, item, &sql, err));

    Task *task = staging_add_task(work, TASK_STATISTICS, 0, staging_item_name(item), NULL);
    const char *label = item->notes.label != NULL ? item->notes.label : item->object->name;
    AUTO_FREE_MEMORY char *staged =
        pg_qualified(staging_map_schema(&work->map, item->object->schema), label);

    text_append_format(&sql, "\nANALYZE %s;", staged);
    task->statement = text_take(&sql);
    task->object_id = object_id;
    task->after_lower = true;
    if (contents->before != 0)
        task_add_after(task, contents->before);
    contents->before = task->id;
    return STATUS_OK;
}

/* One after the other: one may read another. */
static Status plan_materialized_views(StagingWork *work, Error *err)
{
    AUTO_FREE_MEMORY size_t *items = xcalloc(work->plan->catalog.object_count + 1, sizeof(*items));
    Contents contents = {.items = items};

    for (size_t i = 0; i < work->count; i++) {
        const StagingItem *item = &work->items[i];

        if (is_type(item, "MATERIALIZED VIEW DATA") && !staging_item_is_left(item))
            items[item->object->id] = i + 1;
    }
    for (uint32_t id = 1; id <= work->plan->catalog.object_count; id++)
        TRY(plan_content(work, &contents, id, err));
    return STATUS_OK;
}

/* ---- sequences ---- */

bool staging_sequence_value(const char *definition, char **ret_value, bool *ret_called)
{
    const char *blank = strchr(definition, ' ');

    if (blank == NULL || (strcmp(blank, " t") != 0 && strcmp(blank, " f") != 0))
        return false;
    *ret_value = xstrndup(definition, (size_t)(blank - definition));
    *ret_called = blank[1] == 't';
    if ((*ret_value)[strspn(*ret_value, "-0123456789")] == '\0' && blank != definition)
        return true;
    free(*ret_value);
    *ret_value = NULL;
    return false;
}

static Status append_sequence(const StagingWork *work, const Object *object, Text *sql, Error *err)
{
    AUTO_FREE_MEMORY char *value = NULL;
    AUTO_FREE_MEMORY char *staged =
        pg_qualified(staging_map_schema(&work->map, object->schema), object->name);
    bool is_called = false;

    if (!staging_sequence_value(object->definition, &value, &is_called))
        return error_set(err, STATUS_FAILED, "the value of sequence %s.%s cannot be read",
                         object->schema, object->name);
    text_append(sql, "SELECT pg_catalog.setval(");
    pg_quote_literal(sql, staged);
    text_append_format(sql, ", %s, %s);\n", value, is_called ? "true" : "false");
    return STATUS_OK;
}

/* Rows that arrive do not move them: all their values are given. So they wait for no table. */
static Status plan_sequences(StagingWork *work, Error *err)
{
    const Catalog *catalog = &work->plan->catalog;
    AUTO_TEXT Text sql = {0};
    size_t count = 0;
    Task *task = NULL;

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->kind != OBJECT_SEQUENCE ||
            staging_map_schema(&work->map, object->schema) == NULL)
            continue;
        if (count++ % SEQUENCES_MAX == 0) {
            if (task != NULL)
                task->statement = text_take(&sql);
            task = staging_add_task(
                work, TASK_SEQUENCE, 0,
                xasprintf("values of sequences from %s.%s on", object->schema, object->name), NULL);
            if (work->last_in_chain != 0)
                task_add_after(task, work->last_in_chain);
        }
        TRY(append_sequence(work, object, &sql, err));
    }
    if (task != NULL)
        task->statement = text_take(&sql);
    return STATUS_OK;
}

Status staging_plan_contents(StagingWork *work, Error *err)
{
    TRY(plan_privileges(work, err));
    plan_table_statistics(work);
    plan_parent_statistics(work);
    TRY(plan_materialized_views(work, err));
    return plan_sequences(work, err);
}
