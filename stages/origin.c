#include "stages/origin.h"

#include "engine/base/memory.h"

Status origin_note(Migration *migration, const Plan *plan, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    const Source *source = migration->source;
    AUTO_FREE_MEMORY char *identity = NULL;
    AUTO_SCRIPTS SchemaScripts scripts = {0};
    Error ignored = {0};

    if (!migration->target->ops->is_archive)
        return STATUS_OK;
    if (source->ops->write_scripts != NULL)
        TRY(source->ops->write_scripts(migration->source, &plan->catalog, &scripts, err));
    if (source_identity(migration->source, &identity, &ignored) < 0)
        identity = NULL;

    const Origin origin = {
        .engine = source->ops->name,
        .source = record->source_display,
        .source_identity = identity,
        .snapshot = record->snapshot_token,
        .snapshot_us = record->snapshot_us,
        .tool_version = record->tool_version,
        .scripts = &scripts,
    };

    migration->target->ops->note_origin(migration->target, &origin);
    return STATUS_OK;
}
