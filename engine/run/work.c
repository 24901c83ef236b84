#include "engine/run/work.h"

#include <assert.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"

typedef struct Worker {
    unsigned number; /* of its reader, too */
    ReadAhead ahead;
} Worker;

static Status open_worker(void *shared, unsigned number, void **ret_state, Error *err)
{
    Worker *worker = xcalloc(1, sizeof(*worker));

    (void)shared;
    (void)err; /* the driver has opened what can fail */
    worker->number = number;
    *ret_state = worker;
    return STATUS_OK;
}

static void close_worker(void *shared, void *state)
{
    Worker *worker = state;

    (void)shared;
    if (worker != NULL)
        read_ahead_release(&worker->ahead);
    free(worker);
}

/* Names a task in front of its error, with its table when it has one. */
static void prefix_task(Error *err, const Work *work)
{
    AUTO_FREE_MEMORY char *table = work->table == NULL ? NULL : table_display_name(work->table);

    if (work->task->name != NULL)
        error_prefix(err, "%s", work->task->name);
    if (table != NULL)
        error_prefix(err, "table \"%s\"", table);
}

static Status attempt_task(const CopyContext *context, const Work *work, Error *err)
{
    Writer *writer = NULL;
    Status status = STATUS_OK;

    TRY(fault_before("run.task", err));
    TRY(writers_lease(context->writers, &writer, err));
    status = writer_run_task(writer, work->task, work->table, err);
    if (status < 0)
        writer_abort(writer);
    writers_settle(context->writers, writer, status);
    TRY(status);
    return fault_after("run.task", err);
}

/* A task may be repeated blindly: one that is in the ledger changes nothing. */
static Status run_task(const CopyContext *context, const Work *work, Error *err)
{
    Retry retry = copy_retry(context);
    Status status = STATUS_OK;

    do {
        status = attempt_task(context, work, err);
    } while (retry_again(&retry, &status, err));
    if (status < 0)
        prefix_task(err, work);
    return status;
}

static Status probe_source(const CopyContext *context, Reader *reader, WorkItem *item, Error *err)
{
    Retry retry = copy_retry(context);
    Status status = STATUS_OK;

    assert(reader->prober != NULL);
    do {
        probe_result_release(&item->evidence);
        status = prober_probe(reader->prober, item->request, &item->evidence, err);
    } while (retry_again(&retry, &status, err));
    if (status < 0) {
        AUTO_FREE_MEMORY char *name = table_display_name(item->work.table);

        error_prefix(err, "table \"%s\"", name);
    }
    return status;
}

static Status do_work(void *shared, void *state, void *item, Error *err)
{
    const WorkShared *run = shared;
    Worker *worker = state;
    WorkItem *own = item;

    switch (own->work.kind) {
    case WORK_CHUNK:
        return copy_chunk(&run->copy, &worker->ahead, readers_at(run->readers, worker->number),
                          own->work.table, own->work.chunk, err);
    case WORK_TASK:
        return run_task(&run->copy, &own->work, err);
    case WORK_PROBE:
        return probe_source(&run->copy, readers_at(run->readers, worker->number), own, err);
    }
    return error_set(err, STATUS_FATAL, "unknown kind of work %d", (int)own->work.kind);
}

const PoolOps work_ops = {.open = open_worker, .work = do_work, .close = close_worker};
