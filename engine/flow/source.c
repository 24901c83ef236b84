#include "engine/flow/source.h"

#include "engine/base/memory.h"

void snapshot_release(Snapshot *snapshot)
{
    free(snapshot->token);
    snapshot->token = NULL;
}

void schema_scripts_release(SchemaScripts *scripts)
{
    text_release(&scripts->before);
    text_release(&scripts->after);
    free(scripts->version);
    free(scripts->encoding);
    *scripts = (SchemaScripts){0};
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
