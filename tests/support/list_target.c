#include "tests/support/list_connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

typedef struct ListWriter {
    Writer base;
    ListTarget *target;
    const Table *table; /* NULL: no chunk is open */
    const Chunk *chunk;
    uint8_t rows[LIST_ROWS + 1];
    Digest digest;
    uint64_t bytes;
} ListWriter;

/* With the lock held. */
static void violate(ListTarget *target, const char *format, uint32_t a, uint32_t b)
{
    if (target->violation[0] != '\0')
        return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(target->violation, sizeof(target->violation), format, a, b);
#pragma GCC diagnostic pop
}

const ChunkResult *list_find_chunk(const ListTarget *target, uint32_t table_id, uint32_t number)
{
    for (size_t i = 0; i < target->chunk_count; i++)
        if (target->chunks[i].table_id == table_id && target->chunks[i].number == number)
            return &target->chunks[i].result;
    return NULL;
}

static const Task *create_task_of(const ListTarget *target, uint32_t table_id)
{
    for (size_t i = 0; target->plan != NULL && i < target->plan->task_count; i++) {
        const Task *task = &target->plan->tasks[i];

        if (task->task_class == TASK_CREATE && task->table_id == table_id)
            return task;
    }
    return NULL;
}

static void leave_chunk(ListWriter *writer)
{
    if (writer->table == NULL)
        return;
    writer->table = NULL;
    (void)pthread_mutex_lock(&writer->target->lock);
    writer->target->writing--;
    (void)pthread_mutex_unlock(&writer->target->lock);
}

static Status begin_writing(Writer *writer, const Table *table, const Chunk *chunk, Error *err)
{
    ListWriter *list = (ListWriter *)writer;
    ListTarget *target = list->target;
    const Task *create = create_task_of(target, table->id);

    TRY(fault_before("list.begin", err));
    (void)pthread_mutex_lock(&target->lock);
    if (list->table != NULL)
        violate(target, "chunk %u.%u begins in an open one", table->id, chunk->number);
    if (create != NULL && !target->tasks[create->id])
        violate(target, "chunk %u.%u begins before its table is there", table->id, chunk->number);
    if (++target->writing > target->most_writing)
        target->most_writing = target->writing;
    if (target->source != NULL)
        target->reads_at_begin = atomic_load(&target->source->reads);
    (void)pthread_mutex_unlock(&target->lock);
    list->table = table;
    list->chunk = chunk;
    list->digest = (Digest){0};
    list->bytes = 0;
    memset(list->rows, 0, sizeof(list->rows));
    return fault_after("list.begin", err);
}

static void write_row(ListWriter *list, const char *line)
{
    uint32_t table_id = 0;
    uint32_t row = 0;
    char *rest = NULL;

    table_id = (uint32_t)strtoul(line, &rest, 10);
    row = (uint32_t)strtoul(rest, NULL, 10);
    assert_int_equal(table_id, list->table->id);
    assert_in_range(row, 1, LIST_ROWS);
    list->rows[row]++;
}

static Status write_rows(Writer *writer, const Block *block, Error *err)
{
    ListWriter *list = (ListWriter *)writer;
    size_t at = 0;

    TRY(fault_before("list.write", err));
    for (uint64_t i = 0; i < block->rows; i++) {
        size_t size = 0;

        TRY(row_next(ROW_PG_TEXT, block->data + at, block->size - at, &size, err));
        write_row(list, (const char *)block->data + at);
        at += size;
    }
    TRY(digest_add_block(&list->digest, ROW_PG_TEXT, block, err));
    list->bytes += block->size;
    sched_yield();
    return fault_after("list.write", err);
}

/* With the lock held: what a primary key of the ledger would do, and the commit itself. */
static Status apply_chunk(ListWriter *list, const ChunkResult *result, Error *err)
{
    ListTarget *target = list->target;
    const Chunk *chunk = list->chunk;

    if (list_find_chunk(target, chunk->table_id, chunk->number) != NULL) {
        violate(target, "chunk %u.%u is copied twice", chunk->table_id, chunk->number);
        return error_set(err, STATUS_FAILED, "chunk is in the ledger");
    }
    if (!digest_equal(&list->digest, &result->digest) || list->bytes != result->bytes)
        violate(target, "chunk %u.%u has another result than its rows", chunk->table_id,
                chunk->number);
    for (uint32_t row = 1; row <= LIST_ROWS; row++)
        target->copies[chunk->table_id][row] += list->rows[row];
    assert_true(target->chunk_count < sizeof(target->chunks) / sizeof(target->chunks[0]));
    target->chunks[target->chunk_count].table_id = chunk->table_id;
    target->chunks[target->chunk_count].number = chunk->number;
    target->chunks[target->chunk_count++].result = *result;
    if (++target->commits == target->stop_after_commits)
        stop_request();
    return STATUS_OK;
}

static Status commit_chunk(Writer *writer, const ChunkResult *result, Error *err)
{
    ListWriter *list = (ListWriter *)writer;
    Status status = STATUS_OK;

    TRY(fault_before("list.commit", err));
    (void)pthread_mutex_lock(&list->target->lock);
    status = apply_chunk(list, result, err);
    (void)pthread_mutex_unlock(&list->target->lock);
    TRY(status);
    leave_chunk(list);
    return fault_after("list.commit", err);
}

static void abort_chunk(Writer *writer)
{
    leave_chunk((ListWriter *)writer);
}

/* With the lock held: S1 to S3. */
static void check_task(ListTarget *target, const Task *task)
{
    const uint32_t tables[] = {task->table_id, task->other_table_id};
    const Plan *plan = target->plan;
    int least = task->task_class == TASK_INDEX ? LIST_TAKEN : LIST_SHARED;

    for (size_t i = 0; i < task->after_count; i++)
        if (!target->tasks[task->after[i]])
            violate(target, "task %u runs before task %u", task->id, task->after[i]);
    for (size_t t = 0; t < 2; t++) {
        if (tables[t] == 0)
            continue;
        if (target->taken[tables[t]] >= least)
            violate(target, "task %u runs while table %u is taken", task->id, tables[t]);
        for (size_t i = 0; task->task_class != TASK_CREATE && i < plan->chunk_count; i++)
            if (plan->chunks[i].table_id == tables[t] &&
                list_find_chunk(target, tables[t], plan->chunks[i].number) == NULL)
                violate(target, "task %u runs before table %u is loaded", task->id, tables[t]);
        for (size_t i = 0; i < plan->task_count; i++)
            if (plan->tasks[i].table_id == tables[t] &&
                plan->tasks[i].task_class < task->task_class && !target->tasks[plan->tasks[i].id])
                violate(target, "task %u runs before task %u", task->id, plan->tasks[i].id);
    }
}

/* sign 1: takes, -1: leaves. */
static void take_tables(ListTarget *target, const Task *task, int sign)
{
    int weight = sign * (task->task_class == TASK_INDEX ? LIST_SHARED : LIST_TAKEN);

    if (task->table_id != 0)
        target->taken[task->table_id] += weight;
    if (task->other_table_id != 0 && task->other_table_id != task->table_id)
        target->taken[task->other_table_id] += weight;
}

static Status run_task(Writer *writer, const Task *task, const Table *table, Error *err)
{
    ListTarget *target = ((ListWriter *)writer)->target;

    (void)table;
    TRY(fault_before("list.task", err));
    (void)pthread_mutex_lock(&target->lock);
    if (!target->tasks[task->id]) {
        check_task(target, task);
        if (target->source != NULL)
            target->readers_at_task = atomic_load(&target->source->readers);
        take_tables(target, task, 1);
        (void)pthread_mutex_unlock(&target->lock);
        sched_yield();
        (void)pthread_mutex_lock(&target->lock);
        take_tables(target, task, -1);
        target->tasks[task->id] = true;
    }
    (void)pthread_mutex_unlock(&target->lock);
    return fault_after("list.task", err);
}

static Status find_chunk(Writer *writer, const Chunk *chunk, bool *ret_found, ChunkResult *ret,
                         Error *err)
{
    ListTarget *target = ((ListWriter *)writer)->target;
    const ChunkResult *found = NULL;

    TRY(fault_before("list.find", err));
    (void)pthread_mutex_lock(&target->lock);
    found = list_find_chunk(target, chunk->table_id, chunk->number);
    *ret_found = found != NULL;
    if (found != NULL)
        *ret = *found;
    (void)pthread_mutex_unlock(&target->lock);
    return STATUS_OK;
}

static void free_writer(Writer *writer)
{
    ListTarget *target = ((ListWriter *)writer)->target;

    leave_chunk((ListWriter *)writer);
    (void)pthread_mutex_lock(&target->lock);
    target->writers--;
    (void)pthread_mutex_unlock(&target->lock);
    free(writer);
}

static const WriterOps writer_ops = {.begin = begin_writing,
                                     .write = write_rows,
                                     .commit = commit_chunk,
                                     .abort = abort_chunk,
                                     .run_task = run_task,
                                     .find_chunk = find_chunk,
                                     .free = free_writer};

static Status open_writer(Target *base, const RunIdentity *identity, Writer **ret, Error *err)
{
    ListTarget *target = (ListTarget *)base;
    ListWriter *writer = NULL;

    assert_ptr_equal(identity, &target->identity);
    TRY(fault_before("list.open_writer", err));
    writer = xcalloc(1, sizeof(*writer));
    writer->base.ops = &writer_ops;
    writer->target = target;
    (void)pthread_mutex_lock(&target->lock);
    target->opened++;
    target->writers++;
    if (target->ops.max_writers > 0 && target->writers > (int)target->ops.max_writers)
        violate(target, "%u writers are open, of %u", (uint32_t)target->writers,
                target->ops.max_writers);
    (void)pthread_mutex_unlock(&target->lock);
    *ret = &writer->base;
    return STATUS_OK;
}

typedef struct ListProber {
    Prober base;
    const ListTarget *target;
} ListProber;

static Status probe_target(Prober *prober, const ProbeRequest *request, ProbeResult *ret,
                           Error *err)
{
    const ListTarget *target = ((ListProber *)prober)->target;

    assert_int_equal(ret->entry_count, 0); /* nothing is left of an attempt before */
    probe_result_add(ret)->key_hash = request->table->id;
    TRY(fault_before("list.probe", err));
    for (uint32_t row = 1; row <= LIST_ROWS; row++)
        ret->rows += target->copies[request->table->id][row];
    return fault_after("list.probe", err);
}

static void free_prober(Prober *prober)
{
    free(prober);
}

static const ProberOps target_prober_ops = {.probe = probe_target, .free = free_prober};

static Status open_prober(Target *target, Prober **ret, Error *err)
{
    ListProber *prober = NULL;

    TRY(fault_before("list.open_prober", err));
    prober = xcalloc(1, sizeof(*prober));
    prober->base.ops = &target_prober_ops;
    prober->target = (const ListTarget *)target;
    *ret = &prober->base;
    return STATUS_OK;
}

void list_target_init(ListTarget *target, const Plan *plan)
{
    *target = (ListTarget){.plan = plan};
    target->ops = (TargetOps){.name = "list",
                              .row_formats = ROW_PG_TEXT,
                              .open_writer = open_writer,
                              .open_prober = open_prober};
    target->base.ops = &target->ops;
    (void)pthread_mutex_init(&target->lock, NULL);
}

void list_target_release(ListTarget *target)
{
    assert_int_equal(target->writers, 0);
    assert_int_equal(target->writing, 0);
    (void)pthread_mutex_destroy(&target->lock);
}

void list_reconcile(const ListTarget *target, Plan *plan)
{
    for (size_t i = 0; i < plan->chunk_count; i++) {
        Chunk *chunk = &plan->chunks[i];
        const ChunkResult *result = list_find_chunk(target, chunk->table_id, chunk->number);

        chunk->done = result != NULL;
        chunk->bytes = result != NULL ? result->bytes : 0;
        chunk->digest = result != NULL ? result->digest : (Digest){0};
    }
    for (size_t i = 0; i < plan->task_count; i++)
        plan->tasks[i].done = target->tasks[plan->tasks[i].id];
}

void list_expect_complete(const ListTarget *target, const ListSource *source)
{
    const Plan *plan = target->plan;

    assert_string_equal(target->violation, "");
    assert_int_equal(target->chunk_count, plan->chunk_count);
    for (size_t i = 0; i < plan->chunk_count; i++)
        assert_non_null(list_find_chunk(target, plan->chunks[i].table_id, plan->chunks[i].number));
    for (size_t i = 0; i < plan->task_count; i++)
        assert_true(target->tasks[plan->tasks[i].id]);
    for (uint32_t id = 1; id <= plan->catalog.table_count; id++)
        for (uint32_t row = 1; row <= LIST_ROWS; row++)
            assert_int_equal(target->copies[id][row], row <= source->rows);
}
