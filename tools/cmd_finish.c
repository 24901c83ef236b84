#include "stages/report.h"
#include "stages/stages.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/session.h"

/* What goes, for the last time: "drops for good what is kept in sqlite:/b.db: 3 tables; ..." */
static Status describe(Migration *migration, Text *ret, Error *err)
{
    AUTO_FINDINGS Findings notes = {0};
    uint64_t table_count = 0;
    uint64_t byte_count = 0;
    char tables[40];
    char bytes[32];

    if (migration->identity.epoch > 0)
        TRY(stager_describe_kept(migration->target->stager, &migration->identity, &notes,
                                 &table_count, &byte_count, err));
    report_findings(&notes);
    format_things(table_count, "table", tables, sizeof(tables));
    format_bytes(byte_count, bytes, sizeof(bytes));
    text_append_format(ret,
                       "drops for good what is kept in %s: %s%s%s; no rollback is possible then",
                       journal_record(migration->journal)->target_display, tables,
                       byte_count > 0 ? ", " : "", byte_count > 0 ? bytes : "");
    return STATUS_OK;
}

static Status confirm(const Options *options, Migration *migration, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    AUTO_TEXT Text consequence = {0};

    TRY(migration_settle(migration, err));
    if (record->finished || (record->phase != PHASE_PROMOTED && record->phase != PHASE_ROLLED_BACK))
        return STATUS_OK; /* there is nothing to do, or the stage refuses */
    TRY(describe(migration, &consequence, err));
    return session_confirm(options, text_string(&consequence), err);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    (void)reply;
    TRY(session_open(options, &migration, err));
    TRY(confirm(options, migration, err));
    return stage_finish(migration, err);
}

const Command command_finish = {
    .name = "finish",
    .usage = "NAME [--yes]",
    .purpose = "drop what is kept for a rollback: the end of the migration",
    .help =
        "After promotion or rollback: drops the retired and undone tables of all attempts, and\n"
        "our own records in the target. There is no way back after it, so it says what goes and\n"
        "asks, or needs --yes where nobody can be asked.\n\n"
        "Example:\n"
        "  stopover finish shop --yes",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
