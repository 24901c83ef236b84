#include "engine/connect/sqlite/staging_plan.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/roles.h"
#include "engine/connect/sqlite/sql_text.h"

/* Structure first: what follows the data may come and go without another task changing its id. */
static Status plan_tables(const RunIdentity *identity, Plan *plan, Error *err)
{
    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        Table *table = &plan->catalog.tables[i];
        AUTO_FREE_MEMORY char *sql = NULL;
        AUTO_FREE_MEMORY char *staged = NULL;

        TRY(role_table(table->definition, table->name, NAME_STAGING, identity->id, &staged, &sql,
                       err));
        free(table->staged_name);
        table->staged_name = TAKE(staged);

        Task *task = plan_add_task(plan);

        task->task_class = TASK_CREATE;
        task->table_id = table->id;
        task->name = xasprintf("table %s", table->name);
        task->statement = TAKE(sql);
    }
    return STATUS_OK;
}

static Status plan_indexes(const RunIdentity *identity, Plan *plan, Error *err)
{
    for (size_t i = 0; i < plan->catalog.object_count; i++) {
        const Object *object = &plan->catalog.objects[i];
        AUTO_FREE_MEMORY char *sql = NULL;
        AUTO_FREE_MEMORY char *staged = NULL;

        if (object->kind != OBJECT_INDEX)
            continue;
        TRY(role_index(object->definition, catalog_table(&plan->catalog, object->table_id)->name,
                       object->name, NAME_STAGING, identity->id, &staged, &sql, err));

        Task *task = plan_add_task(plan);

        task->task_class = TASK_INDEX;
        task->table_id = object->table_id;
        task->object_id = object->id;
        task->name = xasprintf("index %s", object->name);
        task->statement = TAKE(sql);
    }
    return STATUS_OK;
}

/* Per table id the object of this kind, or NULL; the caller frees. */
static const Object **objects_by_table(const Catalog *catalog, ObjectKind kind)
{
    const Object **objects = xcalloc(catalog->table_count + 1, sizeof(const Object *));

    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->kind == kind && object->table_id != 0)
            objects[object->table_id] = object;
    }
    return objects;
}

/* A table without a value of its own must not keep the one that copying its rows has left. */
static char *sequence_statement(const Table *table, const Object *value)
{
    AUTO_TEXT Text sql = {0};

    text_append(&sql, "delete from sqlite_sequence where name = ");
    sql_append_literal(&sql, table->staged_name);
    if (value != NULL) {
        uint64_t number = 0;
        bool is_number = parse_unsigned(value->definition, INT64_MAX, &number);

        text_append(&sql, "; insert into sqlite_sequence(name, seq) values (");
        sql_append_literal(&sql, table->staged_name);
        text_append(&sql, ", ");
        if (is_number)
            text_append(&sql, value->definition);
        else
            sql_append_literal(&sql, value->definition);
        text_append(&sql, ")");
    }
    return text_take(&sql);
}

static void plan_sequences(Plan *plan)
{
    AUTO_FREE_MEMORY const Object **values = objects_by_table(&plan->catalog, OBJECT_SEQUENCE);

    for (size_t i = 0; i < plan->catalog.table_count; i++) {
        const Table *table = &plan->catalog.tables[i];

        if (!sql_has_keyword(table->definition, "autoincrement"))
            continue;

        Task *task = plan_add_task(plan);

        task->task_class = TASK_SEQUENCE;
        task->table_id = table->id;
        task->object_id = values[table->id] != NULL ? values[table->id]->id : 0;
        task->name = xasprintf("sequence of %s", table->name);
        task->statement = sequence_statement(table, values[table->id]);
    }
}

/* An index in sqlite_stat1: automatic, the table itself (its key, WITHOUT ROWID), or one by name.
 */
static char *staged_index_name(const Table *table, const char *index, const char *id)
{
    char *automatic = role_auto_index(index, table->name, table->staged_name);

    return automatic != NULL ? automatic : name_for_role(index, NAME_STAGING, id, 0);
}

static void append_statistics_line(Text *sql, const Table *table, const Json *line, const char *id)
{
    const char *index = json_get_string(line, "index");
    const char *stat = json_get_string(line, "stat");
    AUTO_FREE_MEMORY char *staged = index == NULL ? NULL : staged_index_name(table, index, id);

    text_append(sql, "; insert into sqlite_stat1(tbl, idx, stat) values (");
    sql_append_literal(sql, table->staged_name);
    text_append(sql, ", ");
    if (staged == NULL)
        text_append(sql, "null");
    else
        sql_append_literal(sql, staged);
    text_append(sql, ", ");
    if (stat == NULL)
        text_append(sql, "null");
    else
        sql_append_literal(sql, stat);
    text_append(sql, ")");
}

static Status plan_statistics(const RunIdentity *identity, Plan *plan, Error *err)
{
    for (size_t i = 0; i < plan->catalog.object_count; i++) {
        const Object *object = &plan->catalog.objects[i];
        AUTO_FREE(json_free) Json *lines = NULL;
        AUTO_TEXT Text sql = {0};

        if (object->kind != OBJECT_STATISTICS || object->table_id == 0)
            continue;
        TRY(json_parse(object->definition, &lines, err));

        const Table *table = catalog_table(&plan->catalog, object->table_id);

        text_append(&sql, "delete from sqlite_stat1 where tbl = ");
        sql_append_literal(&sql, table->staged_name);
        for (const Json *line = json_at(lines, 0); line != NULL; line = json_next(line))
            append_statistics_line(&sql, table, line, identity->id);

        Task *task = plan_add_task(plan);

        task->task_class = TASK_STATISTICS;
        task->table_id = table->id;
        task->object_id = object->id;
        task->name = xasprintf("statistics of %s", table->name);
        task->statement = text_take(&sql);
    }
    return STATUS_OK;
}

Status sqlite_plan_staging(Stager *stager, const RunIdentity *identity, Plan *plan, Error *err)
{
    target_configure_new_file(stager_target(stager), &plan->catalog);
    TRY(plan_tables(identity, plan, err));
    TRY(plan_indexes(identity, plan, err));
    plan_sequences(plan);
    return plan_statistics(identity, plan, err);
}

/* ---- is it there as planned? ---- */

static const char stage_again[] = "Copy the table again, with `stage --again`.";

typedef struct Check {
    const Schema *schema;
    const RunIdentity *identity;
    Findings *findings;
} Check;

/* What a task was to make for a table: a row of that name with that statement. Counts it when it is
 * there. */
static void check_made(const Check *check, const Task *task, const Table *table, const char *name,
                       size_t *found)
{
    const SchemaRow *row = schema_find(check->schema, name);

    if (row == NULL || row->sql == NULL) {
        findings_add(check->findings, FINDING_REFUSAL, table->name, stage_again,
                     "%s is missing: there is no \"%s\"", task->name, name);
        return;
    }
    (*found)++;
    if (!sql_same_statement(row->sql, task->statement))
        findings_add(check->findings, FINDING_REFUSAL, table->name, stage_again,
                     "%s was changed after it was built, as \"%s\"", task->name, name);
}

/* Indexes and triggers that somebody has put on a staging table. */
static void check_added(const Check *check, const Table *table, size_t expected)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(check->schema, table->staged_name, &count);
    size_t with_statement = 0;

    for (size_t i = 0; i < count; i++)
        with_statement += rows[i]->sql != NULL;
    if (with_statement > expected)
        findings_add(check->findings, FINDING_REFUSAL, table->name, stage_again,
                     "its staging table \"%s\" has an index or a trigger that is not in the source",
                     table->staged_name);
}

static void check_structure(const Check *check, const Plan *plan)
{
    AUTO_FREE_MEMORY size_t *found = xcalloc(plan->catalog.table_count + 1, sizeof(*found));

    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];
        const Table *table = NULL;

        if (task->task_class != TASK_CREATE && task->task_class != TASK_INDEX)
            continue;
        table = catalog_table(&plan->catalog, task->table_id);
        if (task->task_class == TASK_CREATE) {
            check_made(check, task, table, table->staged_name, &found[table->id]);
        } else {
            const char *index = plan->catalog.objects[task->object_id - 1].name;
            AUTO_FREE_MEMORY char *staged =
                name_for_role(index, NAME_STAGING, check->identity->id, 0);

            check_made(check, task, table, staged, &found[table->id]);
        }
    }
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        check_added(check, &plan->catalog.tables[i], found[plan->catalog.tables[i].id]);
}

static Status read_sequence(Db *db, const char *name, char **ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    const char *action = "read a sequence";

    *ret = NULL;
    if (!schema_has_table(db, "sqlite_sequence"))
        return STATUS_OK;
    TRY(db_prepare(db, "select seq from main.sqlite_sequence where name = ?1", &query, action,
                   err));
    (void)sqlite3_bind_text(query, 1, name, -1, SQLITE_STATIC); /* in range: cannot fail */

    Status status = db_step(db, query, action, err);

    TRY(status);
    if (status == STATUS_OK)
        *ret = xstrdup(db_column_text(query, 0));
    return STATUS_OK;
}

static Status check_sequences(const Check *check, Db *db, const Plan *plan, Error *err)
{
    for (size_t i = 0; i < plan->catalog.object_count; i++) {
        const Object *object = &plan->catalog.objects[i];
        const Table *table = NULL;
        AUTO_FREE_MEMORY char *value = NULL;

        if (object->kind != OBJECT_SEQUENCE)
            continue;
        table = catalog_table(&plan->catalog, object->table_id);
        TRY(read_sequence(db, table->staged_name, &value, err));
        if (value == NULL || strcmp(value, object->definition) != 0)
            findings_add(check->findings, FINDING_REFUSAL, table->name, stage_again,
                         "the next AUTOINCREMENT value of its staging table is not the source's");
    }
    return STATUS_OK;
}

Status sqlite_check_schema(Stager *stager, const RunIdentity *identity, const Plan *plan,
                           Findings *findings, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    AUTO_SCHEMA Schema schema = {0};
    Check check = {&schema, identity, findings};

    TRY(target_open_to_read(stager_target(stager), &db, err));
    if (db != NULL)
        TRY(schema_load(db, &schema, err));
    check_structure(&check, plan);
    return db != NULL ? check_sequences(&check, db, plan, err) : STATUS_OK;
}
