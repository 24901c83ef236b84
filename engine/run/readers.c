#include "engine/run/readers.h"

#include <assert.h>

#include "engine/base/memory.h"
#include "engine/base/retry.h"

struct Readers {
    Reader **items;
    unsigned count;
};

static Status open_reader(Source *source, const RunOptions *options, Reader **ret, Error *err)
{
    Retry retry;
    Status status = STATUS_OK;

    retry_begin(&retry, options->retry_for_ms);
    retry.notice = options->notice;
    do {
        status = source_open_reader(source, ret, err);
    } while (retry_again(&retry, &status, err));
    return status;
}

Status readers_open(Source *source, const RunOptions *options, Readers **ret, Error *err)
{
    AUTO_FREE(readers_free) Readers *readers = xcalloc(1, sizeof(*readers));

    readers->items = xcalloc(options->jobs, sizeof(Reader *));
    for (; readers->count < options->jobs; readers->count++)
        TRY(open_reader(source, options, &readers->items[readers->count], err));
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
