#include "backup/keep.h"

#include "engine/base/clock.h"
#include "engine/base/memory.h"

char *keep_name(const char *migration, uint32_t attempt, int64_t now_us)
{
    char when[32];

    clock_format_compact(now_us, when, sizeof(when));
    /* A backup's name has 64 bytes at most. */
    return attempt > 1 ? xasprintf("%.36s_%s_%u", migration, when, attempt)
                       : xasprintf("%.47s_%s", migration, when);
}

Status keep_begin(Journal *journal, int64_t now_us, Error *err)
{
    const JournalRecord *record = journal_record(journal);

    if (record->backup_name != NULL)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *name =
        keep_name(record->identity.migration, record->identity.attempt, now_us);

    return journal_set_backup(journal, name, err);
}

void keep_describe(const JournalRecord *record, const char *repository, Text *ret)
{
    const char *name = record->backup_name != NULL ? record->backup_name : "(none)";
    const char *id = record->identity.id;

    switch (record->phase) {
    case PHASE_PROMOTED:
        if (record->finished && repository != NULL)
            text_append_format(ret,
                               "nothing in the target; `stopover rollback %s --backup %s` restores "
                               "what was replaced, as long as that backup is in %s",
                               record->identity.migration, name, repository);
        else if (record->finished)
            text_append(ret, "nothing is kept, there is no way back");
        else
            text_append_format(ret,
                               "backup %s: what was replaced is kept in the target as "
                               "*_retired_%s until finish",
                               name, id);
        return;
    case PHASE_ROLLED_BACK:
        if (record->finished)
            text_append(ret, "nothing is kept");
        else
            text_append_format(ret,
                               "what had been promoted, if anything, is kept in the target as "
                               "*_undone_%s until finish",
                               id);
        return;
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_STAGED:
    case PHASE_VERIFIED:
    case PHASE_VERIFICATION_FAILED:
        text_append_format(ret,
                           "backup %s: nothing is replaced yet; promotion will keep what it "
                           "replaces as *_retired_%s",
                           name, id);
        return;
    }
}
