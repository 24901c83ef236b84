#include "engine/run/readers.h"

#include <assert.h>

#include "engine/base/memory.h"

struct Readers {
    Reader **items;
    unsigned count;
};

Status readers_open(Source *source, unsigned count, Readers **ret, Error *err)
{
    AUTO_FREE(readers_free) Readers *readers = xcalloc(1, sizeof(*readers));

    readers->items = xcalloc(count, sizeof(Reader *));
    for (; readers->count < count; readers->count++)
        TRY(source_open_reader(source, &readers->items[readers->count], err));
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
