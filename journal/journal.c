/*
 * NOTES ON THE STATE OF A MIGRATION
 *
 *   initial --prepare--> prepared --stage--> staged --verify--> verified --promote--> promoted
 *      ^                     ^                |   ^                |                     |
 *      | a new               |         verify |   | repair         |                     |
 *      | attempt             |                v   |                |                     |
 *      |                     +-------- verification_failed         |                     |
 *      |                     |  stage --again                      |                     |
 *      |                     +-------------------------------------+                     |
 *      |                        stage --again, from staged, too                          |
 *      |                                                                                 |
 *   rolled_back <------------------ rollback, from each of the others -------------------+
 *
 *   verify may be repeated: verified and verification_failed follow each other and themselves.
 *   phase_may_follow() has the edges.
 *
 *   transition                      performed by
 *   (none) -> initial               journal_create()
 *   rolled_back -> initial          journal_begin_attempt()
 *   every other                     journal_set_phase()
 *
 * Invariants
 *
 *  J1  The file appears whole, by one rename: there is a journal in phase initial, or there is
 *      none. An empty file is a damaged journal, never a new one.
 *  J2  Every change is one transaction, durable (WAL, synchronous=FULL) when the call returns. The
 *      state in memory is read inside that transaction, so it is never ahead of the disk. When the
 *      outcome is unknown the call gives STATUS_FATAL: the run ends, and the next one reads.
 *  J3  A phase, a chunk, a task or evidence is recorded after its effect is durable; an intent
 *      before. An intent stays until the phase changes or it is settled: who finds one asks the
 *      target for the outcome first (I2, I6).
 *  J4  Inside a group there are only records. A group counts as a whole or not at all.
 *  J5  staged, verified, verification_failed and promoted have a plan; initial has none, and no
 *      snapshot.
 *  J6  Only promoted and rolled_back can be finished. What is finished has no intent, and only a
 *      new attempt leaves it.
 *  J7  plan_total holds the sums over plan_chunk: it changes in the same transaction, by a trigger.
 *  J8  A chunk has a result (rows, bytes, digest) exactly while it is done.
 *  J9  Events are only ever appended, each in the transaction of what it tells.
 *
 * assert_journal_state() checks J5 and J6 before each commit, the schema J6 to J9 on every row.
 */
#include "journal/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "journal/internal.h"

static bool needs_plan(Phase phase)
{
    switch (phase) {
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_ROLLED_BACK:
        return false;
    case PHASE_STAGED:
    case PHASE_VERIFIED:
    case PHASE_PROMOTED:
    case PHASE_VERIFICATION_FAILED:
        return true;
    }
    return false;
}

const char *state_defect(const JournalState *state)
{
    const JournalRecord *record = &state->record;

    if (needs_plan(record->phase) && !state->has_plan)
        return "its phase needs a plan, and there is none"; /* J5 */
    if (record->phase == PHASE_INITIAL && (state->has_plan || record->snapshot_token != NULL))
        return "a new attempt has a plan or a snapshot already"; /* J5 */
    if (record->finished && record->phase != PHASE_PROMOTED && record->phase != PHASE_ROLLED_BACK)
        return "its phase cannot be finished"; /* J6 */
    if (record->finished && record->intent != NULL)
        return "it is finished and has a step under way"; /* J6 */
    return NULL;
}

void assert_journal_state(const JournalState *state)
{
    assert(state->record.identity.attempt > 0);
    assert(state->option_names.count == state->option_values.count);
    assert(state_defect(state) == NULL);
}

const JournalRecord *journal_record(const Journal *journal)
{
    return &journal->state.record;
}

bool journal_has_plan(const Journal *journal)
{
    return journal->state.has_plan;
}

const char *journal_option(const Journal *journal, const char *name)
{
    const JournalState *state = &journal->state;

    for (size_t i = 0; i < state->option_names.count; i++)
        if (strcmp(state->option_names.items[i], name) == 0)
            return state->option_values.items[i];
    return NULL;
}

Status journal_refresh(Journal *journal, Error *err)
{
    JournalState next = {0};
    Status status = STATUS_OK;

    TRY(view_begin(journal, err));
    status = state_load(journal, &next, err);
    view_end(journal);
    if (status < 0)
        return status;
    state_release(&journal->state);
    journal->state = next;
    return STATUS_OK;
}

/* One change of the record with the event that tells it. sql takes text as ?1 and number as ?2. */
typedef struct Change {
    const char *point;
    const char *sql;
    const char *text;
    uint64_t number;
    const char *kind; /* of the event; NULL: none */
    const char *object;
    const char *message;
} Change;

static Status update_record(Journal *journal, const Change *change, Error *err)
{
    AUTO_QUERY Query query = {0};
    int parameters = 0;

    TRY(query_prepare(journal, change->sql, "write to", &query, err));
    parameters = sqlite3_bind_parameter_count(query.statement);
    if (parameters > 0)
        query_text(&query, change->text);
    if (parameters > 1)
        query_unsigned(&query, change->number);
    TRY(query_run(&query, err));
    if (change->kind == NULL)
        return STATUS_OK;
    return event_insert(journal, change->kind, change->object, change->message, err);
}

static Status apply_change(Journal *journal, const Change *change, Error *err)
{
    TRY(transaction_begin(journal, err));
    return transaction_end(journal, change->point, update_record(journal, change, err), err);
}

Status journal_set_phase(Journal *journal, Phase phase, const char *message, Error *err)
{
    const JournalRecord *record = journal_record(journal);
    Change change = {
        .point = "journal.phase",
        .sql = "update migration set phase = ?1, intent = null",
        .text = phase_name(phase),
        .kind = "phase",
        .object = phase_name(phase),
        .message = message != NULL ? message : "",
    };

    assert(phase_may_follow(record->phase, phase));
    assert(phase != PHASE_INITIAL); /* by journal_begin_attempt() only */
    assert(!record->finished);      /* J6 */
    return apply_change(journal, &change, err);
}

Status journal_set_intent(Journal *journal, const char *intent, Error *err)
{
    const char *settled = journal_record(journal)->intent;
    Change change = {
        .point = "journal.intent",
        .sql = "update migration set intent = ?1",
        .text = intent,
        .kind = "intent",
        .object = intent != NULL ? intent : settled,
        .message = intent != NULL ? "about to begin" : "settled",
    };

    if (intent == NULL && settled == NULL)
        return STATUS_OK;
    return apply_change(journal, &change, err);
}

Status journal_set_epoch(Journal *journal, uint64_t epoch, Error *err)
{
    AUTO_FREE_MEMORY char *message = xasprintf("epoch %" PRIu64, epoch);
    Change change = {
        .point = "journal.epoch",
        .sql = "update migration set epoch = ?2",
        .number = epoch,
        .kind = "claim",
        .message = message,
    };

    return apply_change(journal, &change, err);
}

Status journal_set_level(Journal *journal, VerifyLevel level, Error *err)
{
    Change change = {
        .point = "journal.level",
        .sql = "update migration set level = ?1",
        .text = verify_level_name(level),
        .kind = "level",
        .message = verify_level_name(level),
    };

    if (journal_record(journal)->level == level)
        return STATUS_OK;
    return apply_change(journal, &change, err);
}

Status journal_set_backup(Journal *journal, const char *name, Error *err)
{
    Change change = {
        .point = "journal.backup",
        .sql = "update migration set backup_name = ?1",
        .text = name,
        .kind = "backup",
        .object = name,
        .message = name != NULL ? "kept" : "no longer kept",
    };

    return apply_change(journal, &change, err);
}

Status journal_set_catalog_fingerprint(Journal *journal, const char *fingerprint, Error *err)
{
    Change change = {
        .point = "journal.catalog",
        .sql = "update migration set catalog_fingerprint = ?1",
        .text = fingerprint,
    };

    return apply_change(journal, &change, err);
}

Status journal_set_finished(Journal *journal, const char *message, Error *err)
{
    Change change = {
        .point = "journal.finish",
        .sql = "update migration set finished = 1, intent = null",
        .kind = "finish",
        .message = message != NULL ? message : "",
    };

    return apply_change(journal, &change, err);
}

Status journal_set_option(Journal *journal, const char *name, const char *value, Error *err)
{
    AUTO_QUERY Query query = {0};
    const char *recorded = journal_option(journal, name);
    Status status = STATUS_OK;

    if (value == recorded || (value != NULL && recorded != NULL && strcmp(value, recorded) == 0))
        return STATUS_OK;
    TRY(transaction_begin(journal, err));
    status =
        query_prepare(journal,
                      value != NULL ? "insert or replace into option(name, value) values (?, ?)"
                                    : "delete from option where name = ?",
                      "record an option in", &query, err);
    if (status >= 0) {
        query_text(&query, name);
        if (value != NULL)
            query_text(&query, value);
        status = query_run(&query, err);
    }
    return transaction_end(journal, "journal.option", status, err);
}

/* What the attempt that ends had reached, for those who read the events later. */
static Status note_end_of_attempt(Journal *journal, Error *err)
{
    AUTO_FREE_MEMORY char *message = NULL;
    JournalProgress progress = {0};

    TRY(journal_progress(journal, &progress, err));
    message = xasprintf("ended with %" PRIu64 " of %" PRIu64 " chunks and %" PRIu64
                        " rows of %" PRIu64 " tables copied",
                        progress.chunks_done, progress.chunks, progress.rows_done, progress.tables);
    return event_insert(journal, "attempt", NULL, message, err);
}

static Status start_attempt(Journal *journal, Error *err)
{
    AUTO_QUERY Query query = {0};
    char seed[17];

    TRY(note_end_of_attempt(journal, err));
    TRY(plan_forget(journal, err));
    TRY(query_prepare(journal,
                      "update migration set attempt = attempt + 1, phase = 'initial',"
                      " finished = 0, intent = null, snapshot_token = null, snapshot_us = 0,"
                      " catalog_fingerprint = null, backup_name = null, seed = ?1",
                      "begin an attempt in", &query, err));
    query_hex(&query, random_u64(), seed);
    TRY(query_run(&query, err));
    return event_insert(journal, "phase", phase_name(PHASE_INITIAL), "a new attempt", err);
}

Status journal_begin_attempt(Journal *journal, Error *err)
{
    assert(phase_may_follow(journal_record(journal)->phase, PHASE_INITIAL));
    TRY(transaction_begin(journal, err));
    return transaction_end(journal, "journal.attempt", start_attempt(journal, err), err);
}
