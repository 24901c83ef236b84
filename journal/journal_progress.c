#include "engine/base/memory.h"
#include "journal/internal.h"

/* Estimates give way to what is known. */
#define ROWS_PLANNED                                                                               \
    "case when chunks_done = chunks then rows_done else max(rows_planned, rows_done) end"

static const char progress_sql[] =
    "select count(*), coalesce(sum(chunks_done = chunks), 0), coalesce(sum(chunks), 0),"
    " coalesce(sum(chunks_done), 0), coalesce(sum(" ROWS_PLANNED "), 0),"
    " coalesce(sum(rows_done), 0), coalesce(sum(bytes_planned), 0),"
    " coalesce(sum(bytes_done), 0), (select count(*) from plan_task),"
    " (select count(*) from plan_task where done = 1), (select count(*) from evidence),"
    " coalesce(sum(bytes_planned_done), 0)"
    " from plan_total";

Status journal_progress(Journal *journal, JournalProgress *ret, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, progress_sql, "read the progress of", &query, err));
    TRY(query_step(&query, err));
    *ret = (JournalProgress){
        .tables = column_unsigned(&query, 0),
        .tables_copied = column_unsigned(&query, 1),
        .chunks = column_unsigned(&query, 2),
        .chunks_done = column_unsigned(&query, 3),
        .rows_planned = column_unsigned(&query, 4),
        .rows_done = column_unsigned(&query, 5),
        .bytes_planned = column_unsigned(&query, 6),
        .bytes_done = column_unsigned(&query, 7),
        .tasks = column_unsigned(&query, 8),
        .tasks_done = column_unsigned(&query, 9),
        .evidence_tables = column_unsigned(&query, 10),
        .bytes_planned_done = column_unsigned(&query, 11),
    };
    return STATUS_OK;
}

typedef struct TableList {
    TableProgress *items;
    size_t count;
    size_t capacity;
} TableList;

static void release_list(TableList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].table);
    free(list->items);
}
#define AUTO_TABLE_LIST __attribute__((cleanup(release_list)))

static Status read_tables(Journal *journal, TableList *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select id, coalesce(schema || '.', '') || name, chunks, chunks_done,"
                      " rows_done, bytes_done, " ROWS_PLANNED
                      " from plan_table join plan_total on table_id = id order by id",
                      "read the progress of", &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK) {
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] = (TableProgress){
            .table_id = column_u32(&query, 0),
            .table = column_copy(&query, 1),
            .chunks = column_unsigned(&query, 2),
            .chunks_done = column_unsigned(&query, 3),
            .rows_done = column_unsigned(&query, 4),
            .bytes_done = column_unsigned(&query, 5),
            .rows_planned = column_unsigned(&query, 6),
        };
    }
    return status < 0 ? status : STATUS_OK;
}

/* All rows are read before the first is handed on: a sink may take its time, or use the journal. */
Status journal_tables(Journal *journal, JournalTableSink sink, void *context, Error *err)
{
    AUTO_TABLE_LIST TableList tables = {0};

    TRY(read_tables(journal, &tables, err));
    for (size_t i = 0; i < tables.count; i++)
        TRY(sink(context, &tables.items[i], err));
    return STATUS_OK;
}
