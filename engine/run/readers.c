#include "engine/run/readers.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/base/retry.h"

struct Readers {
    Reader **items;
    unsigned count;
};

static Status open_reader(Source *source, uint64_t retry_for_ms, Reader **ret, Error *err)
{
    Retry retry;
    Status status = STATUS_OK;

    retry_begin(&retry, retry_for_ms);
    do {
        status = source_open_reader(source, ret, err);
    } while (retry_again(&retry, &status, err));
    return status;
}

Status readers_open(Source *source, unsigned count, uint64_t retry_for_ms, Readers **ret,
                    Error *err)
{
    AUTO_FREE(readers_free) Readers *readers = xcalloc(1, sizeof(*readers));

    readers->items = xcalloc(count, sizeof(Reader *));
    for (; readers->count < count; readers->count++)
        TRY(open_reader(source, retry_for_ms, &readers->items[readers->count], err));
    *ret = TAKE(readers);
    return STATUS_OK;
}

void readers_free(Readers *readers)
{
    if (readers == NULL)
        return;
    for (unsigned i = 0; i < readers->count; i++)
        reader_free(readers->items[i]);
    free(readers->items);
    free(readers);
}

Reader *readers_at(const Readers *readers, unsigned worker)
{
    assert(worker < readers->count);
    return readers->items[worker];
}
