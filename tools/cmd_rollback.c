#include "stages/stages.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/restore.h"
#include "tools/session.h"

static char *describe_tables(const Options *options, const JournalRecord *record)
{
    AUTO_TEXT Text text = {0};

    text_append(&text, "takes back what matches ");
    for (size_t i = 0; i < options->tables.count; i++)
        text_append_format(&text, "%s\"%s\"", i == 0 ? "" : ", ", options->tables.items[i]);
    text_append_format(&text,
                       " of what was promoted in %s: what was live before under these names is "
                       "live again; what was written to the promoted ones since is set aside with "
                       "them as *_undone_%s until finish; all other tables stay promoted",
                       record->target_display, record->identity.id);
    return text_take(&text);
}

/* Before promotion nothing that is in use goes away, so nobody needs to be asked. */
static Status confirm(const Options *options, Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_FREE_MEMORY char *consequence = NULL;

    TRY(migration_settle(migration, err));
    if (record->phase != PHASE_PROMOTED || record->finished ||
        (options->tables.count > 0 && migration->target->stager->ops->swap_back_tables == NULL))
        return STATUS_OK; /* there is nothing to ask, or the stage refuses */
    if (options->tables.count > 0)
        consequence = describe_tables(options, record);
    else
        consequence =
            xasprintf("makes the tables that were live before the promotion live again in "
                      "%s; what was written to the promoted ones since stays with them, "
                      "set aside as *_undone_%s until finish",
                      record->target_display, record->identity.id);
    return session_confirm(options, consequence, err);
}

/* What only makes sense with --backup. */
static Status check_options(const Options *options, Error *err)
{
    static const char *const names[] = {"to", "name", "dry-run", "repo", "lock-wait"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!option_given(options, names[i]))
            continue;
        (void)error_kind(err, ERROR_USAGE, "--%s of `rollback` goes with --backup", names[i]);
        error_hint(err, "See `stopover help rollback`.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status roll_back(const Options *options, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    TRY(check_options(options, err));
    TRY(session_open(options, &migration, err));
    TRY(confirm(options, migration, err));
    return options->tables.count > 0 ? stage_rollback_tables(migration, &options->tables, err)
                                     : stage_rollback(migration, err);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    if (options->backup.wanted != NULL)
        return restore_roll_back(options, reply, err);
    return roll_back(options, err);
}

const Command command_rollback = {
    .name = "rollback",
    .usage = "NAME [--table PATTERN]... [--backup BACKUP [--to TARGET]] [--yes]",
    .purpose = "back to what was live before, from any phase until finish",
    .help =
        "Before promotion: drops the staging tables. After promotion: one transaction makes the\n"
        "retired tables live again and sets the promoted ones aside, with whatever was written\n"
        "to them, until `finish`; this asks, or needs --yes where nobody can be asked.\n"
        "`stopover run NAME` then begins a new attempt.\n\n"
        "With --table only these tables are taken back (PostgreSQL, after promotion), with their\n"
        "indexes, owned sequences and partitions; the others stay promoted. What hangs together\n"
        "with others (foreign keys, views, functions, types) is refused by name.\n\n"
        "With --backup the tables of a backup are restored beside what is live, compared with the\n"
        "backup, and swapped in by one transaction, also after `finish`, and with --to also where\n"
        "NAME is not known. What was live is kept by the migration that does it, back-NAME, which\n"
        "`rollback` and `finish` know like any other.\n\n"
        "Example:\n"
        "  stopover rollback shop --yes\n"
        "  stopover rollback shop --backup before-upgrade\n"
        "  stopover rollback shop --table 'audit*'",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
