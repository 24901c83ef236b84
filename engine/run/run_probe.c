/*
 * Probing the staged tables of a target, the biggest first, so that none of them is begun when all
 * others are done. The target belongs to the driver thread, so the driver
 * opens the probers, one per worker.
 */
#include "engine/run/run.h"

#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/base/retry.h"
#include "engine/run/batch.h"

typedef struct Probing {
    Prober **probers;
    const ProbeRequest *requests;
    ProbeResult *results;
    size_t *order; /* of the requests that have a table */
    size_t count;  /* of these */
    size_t next;
    Progress *progress;
} Probing;

static Status open_prober(void *shared, unsigned worker, void **ret_state, Error *err)
{
    const Probing *probing = shared;

    (void)err; /* opened by the driver */
    *ret_state = probing->probers[worker];
    return STATUS_OK;
}

static void leave_prober(void *shared, void *state)
{
    (void)shared;
    (void)state; /* the driver closes it */
}

static int compare_size(const void *a, const void *b, void *context)
{
    const ProbeRequest *requests = context;
    size_t index_a = *(const size_t *)a;
    size_t index_b = *(const size_t *)b;
    uint64_t bytes_a = requests[index_a].table->byte_estimate;
    uint64_t bytes_b = requests[index_b].table->byte_estimate;

    if (bytes_a != bytes_b)
        return bytes_a > bytes_b ? -1 : 1;
    return index_a < index_b ? -1 : index_a > index_b;
}

static void put_in_order(Probing *probing, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (probing->requests[i].table != NULL)
            probing->order[probing->count++] = i;
    qsort_r(probing->order, probing->count, sizeof(*probing->order), compare_size,
            (void *)(uintptr_t)probing->requests);
}

/* An item is a result; its request stands at the same place. */
static void *next_request(void *shared)
{
    Probing *probing = shared;

    if (probing->next == probing->count)
        return NULL;
    return &probing->results[probing->order[probing->next++]];
}

static const ProbeRequest *request_of(const Probing *probing, const ProbeResult *result)
{
    return &probing->requests[result - probing->results];
}

static Status probe_table(void *shared, void *state, void *item, Error *err)
{
    const Probing *probing = shared;
    ProbeResult *result = item;
    const ProbeRequest *request = request_of(probing, result);
    Status status = STATUS_OK;

    probe_result_release(result); /* of an attempt before */
    status = prober_probe(state, request, result, err);
    if (status < 0) {
        AUTO_FREE_MEMORY char *name = table_display_name(request->table);

        error_prefix(err, "table \"%s\"", name);
    }
    return status;
}

static Status show_probe(void *shared, void *item, Error *err)
{
    Probing *probing = shared;
    const ProbeResult *result = item;
    const Table *table = request_of(probing, result)->table;
    AUTO_FREE_MEMORY char *name = table_display_name(table);

    (void)err;
    progress_note(probing->progress, name);
    progress_add(probing->progress, table->byte_estimate, result->rows);
    return STATUS_OK;
}

static Status probe_all(Probing *probing, const RunOptions *options, Error *err)
{
    Batch batch = {.ops = {.open = open_prober, .work = probe_table, .close = leave_prober},
                   .shared = probing,
                   .jobs = options->jobs,
                   .retry_for_ms = options->retry_for_ms,
                   .notice = options->notice,
                   .next = next_request,
                   .done = show_probe};

    return batch_run(&batch, err);
}

static Status open_prober_patiently(Target *target, const RunOptions *options, Prober **ret,
                                    Error *err)
{
    Retry retry;
    Status status = STATUS_OK;

    retry_begin(&retry, options->retry_for_ms);
    retry.notice = options->notice;
    do {
        status = target_open_prober(target, ret, err);
    } while (retry_again(&retry, &status, err));
    return status;
}

static Status open_probers(Target *target, Prober **probers, const RunOptions *options, Error *err)
{
    for (unsigned i = 0; i < options->jobs; i++)
        TRY(open_prober_patiently(target, options, &probers[i], err));
    return STATUS_OK;
}

Status run_probe_target(Target *target, const RunOptions *options, const ProbeRequest *requests,
                        size_t count, ProbeResult *ret, Progress *progress, Error *err)
{
    unsigned jobs = options->jobs;
    AUTO_FREE_MEMORY Prober **probers = xcalloc(jobs, sizeof(Prober *));
    AUTO_FREE_MEMORY size_t *order = xcalloc(count + 1, sizeof(*order));
    Probing probing = {.probers = probers,
                       .requests = requests,
                       .results = ret,
                       .order = order,
                       .progress = progress};
    Status status = STATUS_OK;

    put_in_order(&probing, count);

    for (size_t i = 0; i < count; i++)
        ret[i] = (ProbeResult){0};
    status = open_probers(target, probers, options, err);
    if (status >= 0)
        status = probe_all(&probing, options, err);
    for (unsigned i = 0; i < jobs; i++)
        prober_free(probers[i]);
    return status;
}
