/*
 * Digesting again what was copied under an earlier snapshot (I5), chunk by chunk. A table that is
 * known to differ is not read any further.
 */
#include "engine/run/run.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/run/batch.h"
#include "engine/run/copy.h"
#include "engine/run/readers.h"

typedef struct DigestItem {
    const Chunk *chunk; /* NULL: the item is free */
    Digest digest;
} DigestItem;

typedef struct Digesting {
    const Plan *plan;
    Readers *readers;
    DigestItem *items; /* one per worker */
    unsigned jobs;
    size_t next_chunk;
    bool *same; /* by table id - 1; the driver's */
    Progress *progress;
} Digesting;

static Status open_reader(void *shared, unsigned worker, void **ret_state, Error *err)
{
    const Digesting *digesting = shared;

    (void)err; /* opened by the driver */
    *ret_state = readers_at(digesting->readers, worker);
    return STATUS_OK;
}

static void leave_reader(void *shared, void *state)
{
    (void)shared;
    (void)state; /* the driver closes it */
}

static DigestItem *free_item(const Digesting *digesting)
{
    for (unsigned i = 0; i < digesting->jobs; i++)
        if (digesting->items[i].chunk == NULL)
            return &digesting->items[i];
    assert(false); /* as many as can be under way */
    return NULL;
}

static void *next_chunk(void *shared)
{
    Digesting *digesting = shared;

    while (digesting->next_chunk < digesting->plan->chunk_count) {
        const Chunk *chunk = &digesting->plan->chunks[digesting->next_chunk++];
        DigestItem *item = NULL;

        if (!chunk->done || !digesting->same[chunk->table_id - 1])
            continue;
        item = free_item(digesting);
        *item = (DigestItem){.chunk = chunk};
        return item;
    }
    return NULL;
}

static Status digest_item(void *shared, void *state, void *item, Error *err)
{
    const Digesting *digesting = shared;
    DigestItem *own = item;

    return digest_chunk(state, catalog_table(&digesting->plan->catalog, own->chunk->table_id),
                        own->chunk, &own->digest, err);
}

static Status compare_item(void *shared, void *item, Error *err)
{
    Digesting *digesting = shared;
    DigestItem *own = item;

    (void)err;
    if (!digest_equal(&own->digest, &own->chunk->digest))
        digesting->same[own->chunk->table_id - 1] = false;
    progress_add(digesting->progress, own->chunk->bytes, own->chunk->digest.rows);
    own->chunk = NULL;
    return STATUS_OK;
}

Status run_digest_again(const Plan *plan, Source *source, const RunOptions *options,
                        Progress *progress, bool *ret_same, Error *err)
{
    unsigned jobs = options->jobs;
    AUTO_FREE(readers_free) Readers *readers = NULL;
    AUTO_FREE_MEMORY DigestItem *items = xcalloc(jobs, sizeof(*items));
    Digesting digesting = {
        .plan = plan, .items = items, .jobs = jobs, .same = ret_same, .progress = progress};
    Batch batch = {.ops = {.open = open_reader, .work = digest_item, .close = leave_reader},
                   .shared = &digesting,
                   .jobs = jobs,
                   .retry_for_ms = options->retry_for_ms,
                   .notice = options->notice,
                   .next = next_chunk,
                   .done = compare_item};

    for (size_t i = 0; i < plan->catalog.table_count; i++)
        ret_same[i] = true;
    TRY(readers_open(source, options, &readers, err));
    digesting.readers = readers;
    return batch_run(&batch, err);
}
