#include "tests/support/list_connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

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

    text_append_format(text, "%u %u %u ", table_id, row, source->changed == table_id ? 2U : 1U);
    if (text->size - start + 1 < source->row_size) {
        size_t missing = source->row_size - 1 - (text->size - start);

        text_reserve(text, missing);
        memset(text->data + text->size, 'x', missing);
        text->size += missing;
        text->data[text->size] = '\0';
    }
    text_append(text, "\n");
}

static Status read_rows(Reader *reader, Block *ret, Error *err)
{
    ListReader *list = (ListReader *)reader;
    uint64_t rows = 0;

    TRY(fault_before("list.read", err));
    if (list->source->poisoned == list->table_id && list->next >= list->source->poisoned_row)
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

static bool is_held(Source *source)
{
    return !((ListSource *)source)->is_lost;
}

static void release_source(Source *source)
{
    ListSource *list = (ListSource *)source;

    assert_int_equal(atomic_load(&list->readers), 0);
    list->releases++;
}

static const SourceOps source_ops = {
    .name = "list", .open_reader = open_reader, .is_held = is_held, .release = release_source};

void list_source_init(ListSource *source)
{
    *source = (ListSource){.rows = 10, .chunk_rows = 4, .block_rows = 2};
    source->base.ops = &source_ops;
}
