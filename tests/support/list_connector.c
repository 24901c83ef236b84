#include "tests/support/list_connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

/* ---- the plan ---- */

void list_add_tables(Plan *plan, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        Table *table = catalog_add_table(&plan->catalog);

        table->name = xasprintf("t%u", i);
        table->format = ROW_PG_TEXT;
    }
}

static Task *add_task(Plan *plan, TaskClass task_class, uint32_t table_id)
{
    Task *task = plan_add_task(plan);

    task->task_class = task_class;
    task->table_id = table_id;
    task->name = xasprintf("%s of t%u", task_class_name(task_class), table_id);
    return task;
}

void list_add_tasks(Plan *plan)
{
    static const TaskClass classes[] = {TASK_CREATE, TASK_INDEX, TASK_STATISTICS};
    uint32_t table_count = (uint32_t)plan->catalog.table_count;
    Task *view = NULL;

    for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++)
        for (uint32_t id = 1; id <= table_count; id++)
            (void)add_task(plan, classes[c], id);
    for (uint32_t id = 1; id <= table_count && table_count > 1; id++)
        add_task(plan, TASK_FOREIGN_KEY, id)->other_table_id = id % table_count + 1;
    view = add_task(plan, TASK_VIEW, 0);
    for (uint32_t id = 1; id < view->id; id++)
        task_add_after(view, id);
}

/* ---- the source ---- */

typedef struct ListReader {
    Reader base;
    Prober prober;
    ListSource *source;
    uint32_t table_id;
    uint32_t next;
    uint32_t end; /* past the last row of the chunk */
    Text block;
} ListReader;

/* A prober is inside its reader. */
static ListReader *reader_of_prober(Prober *prober)
{
    return (ListReader *)(void *)((char *)prober - offsetof(ListReader, prober));
}

static uint32_t read_bound(const Bytes *bound, uint32_t open)
{
    uint32_t row = open;

    if (bound->size == sizeof(row))
        memcpy(&row, bound->data, sizeof(row));
    return row;
}

static Status plan_table(Reader *reader, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err)
{
    const ListSource *source = ((ListReader *)reader)->source;

    (void)chunk_bytes;
    TRY(fault_before("list.plan", err));
    if (source->poisoned == table->id)
        return error_set(err, STATUS_FAILED, "could not plan");
    table->row_estimate = source->rows;
    for (uint32_t row = 1, number = 1; row <= source->rows; row += source->chunk_rows, number++) {
        Chunk *chunk = plan_add_chunk(plan);
        uint32_t upper = row + source->chunk_rows;

        *chunk =
            (Chunk){.table_id = table->id, .number = number, .byte_estimate = 1000 - table->id};
        if (number > 1)
            chunk->lower = bytes_copy(&row, sizeof(row));
        if (upper <= source->rows)
            chunk->upper = bytes_copy(&upper, sizeof(upper));
    }
    return STATUS_OK;
}

static Status begin_reading(Reader *reader, const Table *table, const Chunk *chunk, Error *err)
{
    ListReader *list = (ListReader *)reader;

    (void)err;
    if (list->source->meeting != NULL && table->id <= 2)
        (void)pthread_barrier_wait(list->source->meeting);
    list->table_id = table->id;
    list->next = read_bound(&chunk->lower, 1);
    list->end = read_bound(&chunk->upper, list->source->rows + 1);
    return STATUS_OK;
}

static void append_row(const ListSource *source, uint32_t table_id, uint32_t row, Text *text)
{
    size_t start = text->size;

    text_append_format(text, "%u %u %u ", table_id, row, source->changed == table_id);
    while (text->size - start + 1 < source->row_size) {
        static const char filler[4096] = {[0 ... 4095] = 'x'};
        size_t missing = source->row_size - 1 - (text->size - start);

        text_append_bytes(text, filler, missing < sizeof(filler) ? missing : sizeof(filler));
    }
    text_append(text, "\n");
}

static Status read_rows(Reader *reader, Block *ret, Error *err)
{
    ListReader *list = (ListReader *)reader;
    uint64_t rows = 0;

    TRY(fault_before("list.read", err));
    if (list->source->poisoned == list->table_id)
        return error_set(err, STATUS_FAILED, "could not read");
    if (list->next >= list->end)
        return STATUS_DONE;
    text_clear(&list->block); /* the last block is gone, as the contract says */
    for (; rows < list->source->block_rows && list->next < list->end; rows++)
        append_row(list->source, list->table_id, list->next++, &list->block);
    atomic_fetch_add(&list->source->reads, 1);
    *ret =
        (Block){.data = (const uint8_t *)list->block.data, .size = list->block.size, .rows = rows};
    return STATUS_OK;
}

static void end_reading(Reader *reader)
{
    ListReader *list = (ListReader *)reader;

    text_release(&list->block); /* who reads it now is found by the sanitizer */
    list->table_id = 0;
    list->next = list->end = 0;
}

static void free_reader(Reader *reader)
{
    end_reading(reader);
    atomic_fetch_sub(&((ListReader *)reader)->source->readers, 1);
    free(reader);
}

static Status probe_source(Prober *prober, const ProbeRequest *request, ProbeResult *ret,
                           Error *err)
{
    const ListSource *source = reader_of_prober(prober)->source;

    TRY(fault_before("list.probe", err));
    if (source->poisoned == request->table->id)
        return error_set(err, STATUS_FAILED, "could not probe");
    ret->rows = source->rows;
    probe_result_add(ret)->key_hash = request->table->id;
    return fault_after("list.probe", err);
}

static void free_prober_with_reader(Prober *prober)
{
    (void)prober; /* a part of its reader */
}

static const ReaderOps reader_ops = {.plan = plan_table,
                                     .begin = begin_reading,
                                     .read = read_rows,
                                     .end = end_reading,
                                     .free = free_reader};
static const ProberOps source_prober_ops = {.probe = probe_source, .free = free_prober_with_reader};

static Status open_reader(Source *source, Reader **ret, Error *err)
{
    ListReader *reader = NULL;

    TRY(fault_before("list.open_reader", err));
    reader = xcalloc(1, sizeof(*reader));
    reader->base.ops = &reader_ops;
    reader->base.prober = &reader->prober;
    reader->prober.ops = &source_prober_ops;
    reader->source = (ListSource *)source;
    atomic_fetch_add(&reader->source->readers, 1);
    *ret = &reader->base;
    return STATUS_OK;
}

static const SourceOps source_ops = {.name = "list", .open_reader = open_reader};

void list_source_init(ListSource *source)
{
    *source = (ListSource){.rows = 10, .chunk_rows = 4, .block_rows = 2};
    source->base.ops = &source_ops;
}

/* ---- the target ---- */

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

static const ChunkResult *find_in_ledger(const ListTarget *target, uint32_t table_id,
                                         uint32_t number)
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

    if (find_in_ledger(target, chunk->table_id, chunk->number) != NULL) {
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

    for (size_t i = 0; i < task->after_count; i++)
        if (!target->tasks[task->after[i]])
            violate(target, "task %u runs before task %u", task->id, task->after[i]);
    for (size_t t = 0; t < 2; t++) {
        if (tables[t] == 0)
            continue;
        if (target->is_taken[tables[t]])
            violate(target, "task %u runs while table %u is taken", task->id, tables[t]);
        for (size_t i = 0; task->task_class != TASK_CREATE && i < plan->chunk_count; i++)
            if (plan->chunks[i].table_id == tables[t] &&
                find_in_ledger(target, tables[t], plan->chunks[i].number) == NULL)
                violate(target, "task %u runs before table %u is loaded", task->id, tables[t]);
        for (size_t i = 0; i < plan->task_count; i++)
            if (plan->tasks[i].table_id == tables[t] &&
                plan->tasks[i].task_class < task->task_class && !target->tasks[plan->tasks[i].id])
                violate(target, "task %u runs before task %u", task->id, plan->tasks[i].id);
    }
}

static void set_taken(ListTarget *target, const Task *task, bool is_taken)
{
    if (task->table_id != 0)
        target->is_taken[task->table_id] = is_taken;
    if (task->other_table_id != 0)
        target->is_taken[task->other_table_id] = is_taken;
}

static Status run_task(Writer *writer, const Task *task, const Table *table, Error *err)
{
    ListTarget *target = ((ListWriter *)writer)->target;

    (void)table;
    TRY(fault_before("list.task", err));
    (void)pthread_mutex_lock(&target->lock);
    if (!target->tasks[task->id]) {
        check_task(target, task);
        set_taken(target, task, true);
        (void)pthread_mutex_unlock(&target->lock);
        sched_yield();
        (void)pthread_mutex_lock(&target->lock);
        set_taken(target, task, false);
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
    found = find_in_ledger(target, chunk->table_id, chunk->number);
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
        const ChunkResult *result = find_in_ledger(target, chunk->table_id, chunk->number);

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
        assert_non_null(find_in_ledger(target, plan->chunks[i].table_id, plan->chunks[i].number));
    for (size_t i = 0; i < plan->task_count; i++)
        assert_true(target->tasks[plan->tasks[i].id]);
    for (uint32_t id = 1; id <= plan->catalog.table_count; id++)
        for (uint32_t row = 1; row <= LIST_ROWS; row++)
            assert_int_equal(target->copies[id][row], row <= source->rows);
}

/* ---- the recorder ---- */

static Status begin_group(Recorder *base, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;

    TRY(fault_before("list.record", err));
    assert_false(recorder->is_open);
    recorder->is_open = true;
    memset(recorder->new_chunks, 0, recorder->plan->chunk_count);
    memset(recorder->new_tasks, 0, recorder->plan->task_count);
    memset(recorder->new_evidence, 0, recorder->plan->catalog.table_count);
    return STATUS_OK;
}

static Status end_group(Recorder *base, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    const Plan *plan = recorder->plan;

    TRY(fault_before("list.record_end", err));
    assert_true(recorder->is_open);
    recorder->is_open = false;
    recorder->groups++;
    for (size_t i = 0; i < plan->chunk_count; i++)
        recorder->chunks[i] = recorder->chunks[i] || recorder->new_chunks[i];
    for (size_t i = 0; i < plan->task_count; i++)
        recorder->tasks[i] = recorder->tasks[i] || recorder->new_tasks[i];
    for (size_t i = 0; i < plan->catalog.table_count; i++)
        recorder->evidence[i] = recorder->evidence[i] || recorder->new_evidence[i];
    return fault_after("list.record_end", err);
}

/* I2: only what is in the ledger is recorded. */
static Status record_chunk(Recorder *base, const Chunk *chunk, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    const ChunkResult *result = NULL;

    (void)err;
    (void)pthread_mutex_lock(&recorder->target->lock);
    result = find_in_ledger(recorder->target, chunk->table_id, chunk->number);
    assert_non_null(result);
    assert_true(digest_equal(&result->digest, &chunk->digest));
    assert_int_equal(result->bytes, chunk->bytes);
    (void)pthread_mutex_unlock(&recorder->target->lock);
    assert_true(recorder->is_open && !chunk->done);
    recorder->new_chunks[chunk - recorder->plan->chunks] = true;
    recorder->records++;
    return STATUS_OK;
}

static Status record_task(Recorder *base, const Task *task, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;

    (void)err;
    (void)pthread_mutex_lock(&recorder->target->lock);
    assert_true(recorder->target->tasks[task->id]);
    (void)pthread_mutex_unlock(&recorder->target->lock);
    assert_true(recorder->is_open && !task->done);
    recorder->new_tasks[task - recorder->plan->tasks] = true;
    recorder->records++;
    return STATUS_OK;
}

static Status record_evidence(Recorder *base, const ProbeRequest *request,
                              const ProbeResult *result, Error *err)
{
    ListRecorder *recorder = (ListRecorder *)base;
    size_t at = request->table->id - 1;

    (void)err;
    assert_true(recorder->is_open && !recorder->evidence[at]);
    assert_int_equal(result->entry_count, 1);
    assert_int_equal(result->entries[0].key_hash, request->table->id);
    recorder->new_evidence[at] = true;
    recorder->records++;
    return STATUS_OK;
}

static const RecorderOps recorder_ops = {.begin = begin_group,
                                         .end = end_group,
                                         .chunk_done = record_chunk,
                                         .task_done = record_task,
                                         .evidence = record_evidence};

void list_recorder_init(ListRecorder *recorder, Plan *plan, ListTarget *target)
{
    *recorder = (ListRecorder){.base.ops = &recorder_ops, .plan = plan, .target = target};
    recorder->chunks = xcalloc(plan->chunk_count + 1, sizeof(bool));
    recorder->tasks = xcalloc(plan->task_count + 1, sizeof(bool));
    recorder->evidence = xcalloc(plan->catalog.table_count + 1, sizeof(bool));
    recorder->new_chunks = xcalloc(plan->chunk_count + 1, 1);
    recorder->new_tasks = xcalloc(plan->task_count + 1, 1);
    recorder->new_evidence = xcalloc(plan->catalog.table_count + 1, 1);
}

void list_recorder_release(ListRecorder *recorder)
{
    free(recorder->chunks);
    free(recorder->tasks);
    free(recorder->evidence);
    free(recorder->new_chunks);
    free(recorder->new_tasks);
    free(recorder->new_evidence);
    *recorder = (ListRecorder){0};
}
