/*
 * Writing the plan: as a whole, and the done flags after reconciling with the ledger.
 */
#include <assert.h>
#include <inttypes.h>

#include "engine/base/memory.h"
#include "journal/internal.h"

static const char action[] = "save the plan in";

static Status delete_plan(Journal *journal, Error *err)
{
    return journal_execute(journal,
                           "delete from plan; delete from plan_table; delete from plan_column;"
                           "delete from plan_object; delete from plan_chunk;"
                           "delete from plan_total; delete from plan_task;"
                           "delete from plan_task_after; delete from verdict",
                           action, err);
}

Status plan_forget(Journal *journal, Error *err)
{
    TRY(delete_plan(journal, err));
    return journal_execute(
        journal, "delete from evidence; delete from promotion; delete from promotion_step", action,
        err);
}

/* With the plan the snapshot changes. What a table held then it still holds when it has the same
 * shape and the caller found all its chunks to be as they were copied. */
static Status delete_stale_evidence(Journal *journal, Error *err)
{
    return journal_execute(journal,
                           "delete from evidence where not exists"
                           " (select 1 from plan_table t join plan_total p on p.table_id = t.id"
                           " where t.id = evidence.table_id"
                           " and t.fingerprint = evidence.fingerprint"
                           " and p.chunks > 0 and p.chunks_done = p.chunks)",
                           action, err);
}

static Status insert_columns(Query *query, const Table *table, Error *err)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];

        query_integer(query, table->id);
        query_unsigned(query, i);
        query_text(query, column->name);
        query_text(query, column->type);
        query_integer(query, column->is_generated);
        query_integer(query, column->key_position);
        TRY(query_run(query, err));
    }
    return STATUS_OK;
}

static Status insert_table(Query *query, const Table *table, Error *err)
{
    query_integer(query, table->id);
    query_text(query, table->schema);
    query_text(query, table->name);
    query_text(query, table->staged_name);
    query_integer(query, table->key);
    query_integer(query, table->format);
    query_unsigned(query, table->row_estimate);
    query_unsigned(query, table->byte_estimate);
    query_text(query, table->fingerprint);
    query_integer(query, table->load_late);
    query_text(query, table->private_data);
    query_text(query, table->definition);
    return query_run(query, err);
}

static Status save_tables(Journal *journal, const Catalog *catalog, Error *err)
{
    AUTO_QUERY Query tables = {0};
    AUTO_QUERY Query columns = {0};

    TRY(query_prepare(journal,
                      "insert into plan_table(id, schema, name, staged_name, key, format,"
                      " row_estimate, byte_estimate, fingerprint, load_late, private_data,"
                      " definition) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      action, &tables, err));
    TRY(query_prepare(journal,
                      "insert into plan_column(table_id, position, name, type, is_generated,"
                      " key_position) values (?, ?, ?, ?, ?, ?)",
                      action, &columns, err));
    for (size_t i = 0; i < catalog->table_count; i++) {
        TRY(insert_table(&tables, &catalog->tables[i], err));
        TRY(insert_columns(&columns, &catalog->tables[i], err));
    }
    return STATUS_OK;
}

static Status save_objects(Journal *journal, const Catalog *catalog, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal,
                      "insert into plan_object(id, kind, table_id, schema, name, private_data,"
                      " definition) values (?, ?, ?, ?, ?, ?, ?)",
                      action, &query, err));
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        query_integer(&query, object->id);
        query_integer(&query, object->kind);
        query_integer(&query, object->table_id);
        query_text(&query, object->schema);
        query_text(&query, object->name);
        query_text(&query, object->private_data);
        query_text(&query, object->definition);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

/* done, rows, bytes, digest: a result only while the chunk is done (J8). room holds the digest. */
static void bind_result(Query *query, const Chunk *chunk, char room[33])
{
    if (chunk->done)
        digest_format(&chunk->digest, room);
    query_integer(query, chunk->done);
    query_unsigned(query, chunk->done ? chunk->digest.rows : 0);
    query_unsigned(query, chunk->done ? chunk->bytes : 0);
    query_text(query, chunk->done ? room : NULL);
}

static Status save_chunks(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};
    char room[33];

    TRY(query_prepare(journal,
                      "insert into plan_chunk(done, rows, bytes, digest, table_id, number,"
                      " byte_estimate, lower, upper) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      action, &query, err));
    for (size_t i = 0; i < plan->chunk_count; i++) {
        const Chunk *chunk = &plan->chunks[i];

        bind_result(&query, chunk, room);
        query_integer(&query, chunk->table_id);
        query_integer(&query, chunk->number);
        query_unsigned(&query, chunk->byte_estimate);
        query_bytes(&query, chunk->lower);
        query_bytes(&query, chunk->upper);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

static Status insert_total(Query *query, const Plan *plan, const Table *table, Error *err)
{
    size_t count = 0;
    const Chunk *chunks = plan_table_chunks(plan, table->id, &count);
    Digest digest = {0};
    uint64_t bytes = 0;
    uint64_t planned = 0;
    uint64_t planned_done = 0;
    uint64_t done = 0;

    plan_table_totals(plan, table->id, &digest, &bytes);
    for (size_t i = 0; i < count; i++) {
        planned += chunks[i].byte_estimate;
        planned_done += chunks[i].done ? chunks[i].byte_estimate : 0;
        done += chunks[i].done;
    }
    query_integer(query, table->id);
    query_unsigned(query, count);
    query_unsigned(query, done);
    query_unsigned(query, digest.rows);
    query_unsigned(query, bytes);
    query_unsigned(query, table->row_estimate);
    query_unsigned(query, planned);
    query_unsigned(query, planned_done);
    return query_run(query, err);
}

static Status save_totals(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal,
                      "insert into plan_total(table_id, chunks, chunks_done, rows_done,"
                      " bytes_done, rows_planned, bytes_planned, bytes_planned_done)"
                      " values (?, ?, ?, ?, ?, ?, ?, ?)",
                      action, &query, err));
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        TRY(insert_total(&query, plan, &plan->catalog.tables[i], err));
    return STATUS_OK;
}

static Status insert_after(Query *query, const Task *task, Error *err)
{
    for (size_t i = 0; i < task->after_count; i++) {
        query_integer(query, task->id);
        query_unsigned(query, i);
        query_integer(query, task->after[i]);
        TRY(query_run(query, err));
    }
    return STATUS_OK;
}

static Status save_tasks(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};
    AUTO_QUERY Query after = {0};

    TRY(query_prepare(journal,
                      "insert into plan_task(id, done, task_class, table_id, other_table_id,"
                      " object_id, after_lower, name, statement)"
                      " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      action, &query, err));
    TRY(query_prepare(journal,
                      "insert into plan_task_after(task_id, position, after_id) values (?, ?, ?)",
                      action, &after, err));
    for (size_t i = 0; i < plan->task_count; i++) {
        const Task *task = &plan->tasks[i];

        query_integer(&query, task->id);
        query_integer(&query, task->done);
        query_integer(&query, task->task_class);
        query_integer(&query, task->table_id);
        query_integer(&query, task->other_table_id);
        query_integer(&query, task->object_id);
        query_integer(&query, task->after_lower);
        query_text(&query, task->name);
        query_text(&query, task->statement);
        TRY(query_run(&query, err));
        TRY(insert_after(&after, task, err));
    }
    return STATUS_OK;
}

static Status save_promotion(Journal *journal, const PromotionPlan *promotion, Error *err)
{
    AUTO_QUERY Query whole = {0};
    AUTO_QUERY Query step = {0};

    TRY(journal_execute(journal, "delete from promotion; delete from promotion_step", action, err));
    TRY(query_prepare(journal,
                      "insert into promotion(id, fingerprint, forward, inverse)"
                      " values (1, ?, ?, ?)",
                      action, &whole, err));
    query_text(&whole, promotion->fingerprint);
    query_text(&whole, promotion->forward);
    query_text(&whole, promotion->inverse);
    TRY(query_run(&whole, err));
    TRY(query_prepare(journal, "insert into promotion_step(position, step) values (?, ?)", action,
                      &step, err));
    for (size_t i = 0; i < promotion->steps.count; i++) {
        query_unsigned(&step, i);
        query_text(&step, promotion->steps.items[i]);
        TRY(query_run(&step, err));
    }
    return STATUS_OK;
}

Status journal_save_promotion(Journal *journal, const PromotionPlan *promotion, Error *err)
{
    TRY(transaction_begin(journal, err));
    return transaction_commit(journal, "journal.promotion", save_promotion(journal, promotion, err),
                              err);
}

static Status save_head(Journal *journal, const Plan *plan, const char *snapshot_token,
                        int64_t snapshot_us, Error *err)
{
    AUTO_FREE_MEMORY char *message = NULL;
    AUTO_QUERY Query head = {0};
    AUTO_QUERY Query snapshot = {0};

    TRY(query_prepare(journal, "insert into plan(id, catalog_fingerprint) values (1, ?)", action,
                      &head, err));
    query_text(&head, plan->catalog.fingerprint);
    TRY(query_run(&head, err));
    TRY(query_prepare(journal, "update migration set snapshot_token = ?, snapshot_us = ?", action,
                      &snapshot, err));
    query_text(&snapshot, snapshot_token);
    query_integer(&snapshot, snapshot_us);
    TRY(query_run(&snapshot, err));
    message = xasprintf("%zu tables in %zu chunks, %zu tasks", plan->catalog.table_count,
                        plan->chunk_count, plan->task_count);
    return event_insert(journal, "plan", NULL, message, err);
}

static Status save_everything(Journal *journal, const Plan *plan, const char *snapshot_token,
                              int64_t snapshot_us, Error *err)
{
    TRY(delete_plan(journal, err));
    TRY(save_head(journal, plan, snapshot_token, snapshot_us, err));
    TRY(save_tables(journal, &plan->catalog, err));
    TRY(save_objects(journal, &plan->catalog, err));
    TRY(save_chunks(journal, plan, err));
    TRY(save_totals(journal, plan, err));
    TRY(delete_stale_evidence(journal, err));
    return save_tasks(journal, plan, err);
}

Status journal_save_plan(Journal *journal, const Plan *plan, const char *snapshot_token,
                         int64_t snapshot_us, Error *err)
{
    assert(journal_record(journal)->phase != PHASE_INITIAL); /* J5 */
    TRY(transaction_begin(journal, err));
    return transaction_end(journal, "journal.plan",
                           save_everything(journal, plan, snapshot_token, snapshot_us, err), err);
}

/* Only rows that change are written: most are as they were. */
static Status update_chunks(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};
    char room[33];

    TRY(query_prepare(journal,
                      "update plan_chunk set done = ?1, rows = ?2, bytes = ?3, digest = ?4"
                      " where table_id = ?5 and number = ?6"
                      " and (done, rows, bytes, digest) is not (?1, ?2, ?3, ?4)",
                      action, &query, err));
    for (size_t i = 0; i < plan->chunk_count; i++) {
        bind_result(&query, &plan->chunks[i], room);
        query_integer(&query, plan->chunks[i].table_id);
        query_integer(&query, plan->chunks[i].number);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

static Status update_tasks(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "update plan_task set done = ?1 where id = ?2 and done <> ?1",
                      action, &query, err));
    for (size_t i = 0; i < plan->task_count; i++) {
        query_integer(&query, plan->tasks[i].done);
        query_integer(&query, plan->tasks[i].id);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

static Status drop_evidence_of(Journal *journal, const Catalog *catalog, const bool *drop,
                               Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "delete from evidence where table_id = ?", action, &query, err));
    for (size_t i = 0; i < catalog->table_count; i++) {
        if (!drop[i])
            continue;
        query_unsigned(&query, i + 1);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

static Status expect_same_plan(Journal *journal, const Plan *plan, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal,
                      "select coalesce(sum(chunks), 0), (select count(*) from plan_task)"
                      " from plan_total",
                      action, &query, err));
    TRY(query_step(&query, err));
    if (column_unsigned(&query, 0) != plan->chunk_count ||
        column_unsigned(&query, 1) != plan->task_count)
        return error_set(err, STATUS_FATAL, "journal \"%s\" holds another plan", journal->path);
    return STATUS_OK;
}

static Status save_done(Journal *journal, const Plan *plan, const bool *drop_evidence, Error *err)
{
    TRY(expect_same_plan(journal, plan, err));
    TRY(update_chunks(journal, plan, err));
    TRY(update_tasks(journal, plan, err));
    return drop_evidence != NULL ? drop_evidence_of(journal, &plan->catalog, drop_evidence, err)
                                 : STATUS_OK;
}

Status journal_save_done(Journal *journal, const Plan *plan, const bool *drop_evidence, Error *err)
{
    TRY(transaction_begin(journal, err));
    return transaction_commit(journal, "journal.done", save_done(journal, plan, drop_evidence, err),
                              err);
}
