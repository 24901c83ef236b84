#include "backup/needed.h"

#include "engine/base/memory.h"
#include "journal/home.h"
#include "journal/journal.h"

static Status read_journal(const char *home, const char *name, Journal **ret, Error *err)
{
    AUTO_FREE_MEMORY char *directory = NULL;

    TRY(home_migration_path(home, name, &directory, err));
    return journal_open(directory, JOURNAL_READ, ret, err);
}

Status needed_read(const char *home, NeededList *ret, TextList *ret_unknown, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(home_list(home, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE(journal_free) Journal *journal = NULL;
        const JournalRecord *record = NULL;
        Error problem = {0};

        if (read_journal(home, names.items[i], &journal, &problem) < 0) {
            AUTO_FREE_MEMORY char *text = xasprintf("%s: %s", names.items[i], problem.message);

            text_list_add(ret_unknown, text);
            continue;
        }
        record = journal_record(journal);
        if (record->backup_name != NULL && !record->finished)
            needed_list_add(ret, record->backup_name, names.items[i]);
    }
    return STATUS_OK;
}

bool migration_is_open(const char *home, const char *migration)
{
    AUTO_FREE(journal_free) Journal *journal = NULL;
    Error ignored = {0};

    if (!home_has(home, migration))
        return false;
    return read_journal(home, migration, &journal, &ignored) < 0 ||
           !journal_record(journal)->finished;
}
