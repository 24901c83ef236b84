#include "engine/flow/source.h"

#include "engine/base/memory.h"

void snapshot_release(Snapshot *snapshot)
{
    free(snapshot->token);
    snapshot->token = NULL;
}

void source_free(Source *source)
{
    if (source != NULL)
        source->ops->free(source);
}

void reader_free(Reader *reader)
{
    if (reader != NULL)
        reader->ops->free(reader);
}
