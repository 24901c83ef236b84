/*
 * promoted -> promoted, with less in it: some tables are taken back alone. The target's records say
 * which (I6); the journal follows them, also after an interruption.
 */
#include "stages/rollback_tables.h"

#include <string.h>

#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "stages/intent.h"
#include "stages/report.h"
#include "stages/stages.h"

typedef struct TakeBack {
    const TextList *patterns;
    Findings notes;
} TakeBack;

static void take_back_release(TakeBack *take_back)
{
    findings_release(&take_back->notes);
}

/* ---- what the journal says of it ---- */

static Status list_step(Migration *migration, void *context, Error *err)
{
    TextList *names = context;

    text_list_release(names); /* of an earlier try */
    *names = (TextList){0};
    return stager_list_taken_back(migration->target->stager, &migration->identity, names, err);
}

static Status save_names(Migration *migration, const TextList *names, Error *err)
{
    const char *before = journal_option(migration->journal, TAKEN_BACK_OPTION);
    AUTO_TEXT Text joined = {0};

    for (size_t i = 0; i < names->count; i++)
        text_append_format(&joined, "%s%s", i == 0 ? "" : "\n", names->items[i]);
    if (strcmp(text_string(&joined), before != NULL ? before : "") == 0)
        return STATUS_OK;
    TRY(journal_add_event(migration->journal, "note", NULL, "tables were taken back", err));
    return journal_set_option(migration->journal, TAKEN_BACK_OPTION,
                              names->count > 0 ? text_string(&joined) : NULL, err);
}

Status rollback_tables_settle(Migration *migration, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};

    TRY(migration_retry(migration, list_step, &names, err));
    TRY(save_names(migration, &names, err));
    return journal_set_intent(migration->journal, NULL, err);
}

/* ---- the stage ---- */

static Status take_back_step(Migration *migration, void *context, Error *err)
{
    LockPolicy policy = migration_lock_policy(migration);
    TakeBack *take_back = context;
    Outcome outcome = OUTCOME_NONE;

    /* Of an earlier try nobody is about to commit any more. */
    TRY(stager_outcome(migration->target->stager, &migration->identity, &outcome, err));
    findings_release(&take_back->notes);
    take_back->notes = (Findings){0};
    return stager_swap_back_tables(migration->target->stager, &migration->identity,
                                   take_back->patterns, &policy, &take_back->notes, err);
}

static Status refuse_unpromoted(const JournalRecord *record, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "rollback --table needs a migration that is promoted%s; \"%s\" is %s",
                     record->finished ? " and not finished" : "", record->identity.migration,
                     record->finished ? "finished" : phase_name(record->phase));
    error_hint(err, record->finished
                        ? "Restore the tables from a copy of your own, if you keep one."
                        : "Leave out --table: before a promotion nothing live has changed, and the "
                          "whole staging is dropped.");
    return STATUS_INVALID;
}

static Status refuse_unsupported(const Migration *migration, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "rollback --table is not supported with a %s target",
                     migration->target->ops->name);
    error_hint(err, "Leave out --table: all tables are taken back together.");
    return STATUS_INVALID;
}

Status stage_rollback_tables(Migration *migration, const TextList *patterns, Error *err)
{
    const JournalRecord *record = journal_record(migration->journal);
    __attribute__((cleanup(take_back_release))) TakeBack take_back = {.patterns = patterns};
    Error later = {0}; /* the first error is the one that is told */

    log_context("rollback", NULL);
    if (migration->target->stager->ops->swap_back_tables == NULL)
        return refuse_unsupported(migration, err);
    TRY(migration_settle(migration, err));
    if (record->phase != PHASE_PROMOTED || record->finished)
        return refuse_unpromoted(record, err);
    TRY(migration_claim(migration, err));
    TRY(journal_set_intent(migration->journal, INTENT_TABLES, err));

    Status status = migration_retry(migration, take_back_step, &take_back, err);

    report_findings(&take_back.notes);
    if (status < 0) { /* it may have happened all the same: only the target knows */
        (void)rollback_tables_settle(migration, &later);
        return status;
    }
    TRY(rollback_tables_settle(migration, err));
    log_info("taken back: what was live before under these names is live again; the rest of the "
             "promotion stands");
    return migration_complete(migration, err);
}
