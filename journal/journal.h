/*
 * The journal: what a migration has done and where it stands; the only state of ours that outlives
 * a process on this side. One SQLite file per migration (invariant I2: WAL, synchronous=FULL,
 * STRICT, one writer, schema version, append-only events). It holds no secrets: sources and targets
 * stand in it as `given` (an env: reference stays one) and `display` (redacted).
 *
 * A journal opened for reading can be used while a run writes to it. All calls are from one thread.
 * Every call that changes something is durable when it returns. When one gives STATUS_FATAL it may
 * or may not have happened: end the run, and read what is recorded in the next one. A full disk is
 * STATUS_FAILED with kind ERROR_WAITING; a journal that another program holds is STATUS_RETRY after
 * 5 s.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/uri.h"
#include "engine/flow/plan.h"
#include "engine/flow/prober.h"
#include "engine/flow/recorder.h"
#include "engine/flow/target.h"
#include "journal/phase.h"

typedef struct Journal Journal;

typedef enum JournalMode {
    JOURNAL_READ,
    JOURNAL_WRITE, /* the caller holds the migration's lock */
} JournalMode;

/* What is recorded of the migration as a whole; borrowed from the journal until its next change. */
typedef struct JournalRecord {
    RunIdentity identity; /* epoch: of the last claim */
    Phase phase;
    bool finished;      /* what was kept is dropped: no way back any more */
    char *source_given; /* what --from said: "sqlite:/a.db", "env:SRC"; never a secret */
    char *source_display;
    char *target_given;
    char *target_display;
    int64_t created_us;
    char *tool_version;   /* that created it */
    char *snapshot_token; /* of the snapshot the rows come from, or NULL */
    int64_t snapshot_us;
    uint64_t seed;             /* of samples; chosen when the attempt begins */
    VerifyLevel level;         /* evidence taken by stage, or wished for */
    char *backup_name;         /* what prepare keeps, or NULL */
    char *intent;              /* an irreversible step that was begun ("promote"), or NULL */
    char *catalog_fingerprint; /* of the source when prepared, or NULL */
} JournalRecord;

/* A new journal for a migration that does not exist yet, in phase initial, attempt 1, with a fresh
 * run identity. directory is HOME/migrations/NAME and exists. It appears whole or not at all; one
 * that is there already is ERROR_REFUSED. source and target are recorded from given and display;
 * where uri_redact() still finds a secret in given, display stands for it, and the address must be
 * given again to go on. */
Status journal_create(const char *directory, const char *name, const Uri *source, const Uri *target,
                      const char *tool_version, Journal **ret, Error *err);

/*
 * Opens one. Refused by name with the remedy: not a journal of ours, damaged (quick_check), of a
 * newer version (ERROR_REFUSED); older versions are upgraded in one transaction when opened for
 * writing and read as they are otherwise where possible. A missing one is ERROR_NOT_FOUND.
 */
Status journal_open(const char *directory, JournalMode mode, Journal **ret, Error *err);

/* Removes the journal's files of a migration that has done nothing yet (the caller holds the lock
 * and has no journal open); the directory stays. Fine when there are none. */
Status journal_remove(const char *directory, Error *err);

void journal_free(Journal *journal); /* NULL is fine */
DEFINE_AUTO_FREE(Journal, journal_free);

const JournalRecord *journal_record(const Journal *journal);

/* Reads record and options again: for a reader that watches. */
Status journal_refresh(Journal *journal, Error *err);

/* Phase changes assert phase_may_follow() and clear the intent; message becomes the event's. From
 * staged on there must be a plan. initial comes by journal_begin_attempt() only. */
Status journal_set_phase(Journal *journal, Phase phase, const char *message, Error *err);

/* Before an irreversible step, and when it is settled (NULL). */
Status journal_set_intent(Journal *journal, const char *intent, Error *err);

Status journal_set_epoch(Journal *journal, uint64_t epoch, Error *err);
/* Not in phase initial. */
Status journal_set_level(Journal *journal, VerifyLevel level, Error *err);
Status journal_set_backup(Journal *journal, const char *name, Error *err);
Status journal_set_catalog_fingerprint(Journal *journal, const char *fingerprint, Error *err);
Status journal_set_finished(Journal *journal, const char *message, Error *err);

/* From rolled_back, finished or not: the next attempt, with a new seed, phase initial, no plan, no
 * snapshot. What earlier attempts recorded stays readable as events. */
Status journal_begin_attempt(Journal *journal, Error *err);

/* Options a run was started with, as words: "jobs" "4". Last one wins. NULL value removes. */
Status journal_set_option(Journal *journal, const char *name, const char *value, Error *err);
/* Borrowed; NULL when not recorded. */
const char *journal_option(const Journal *journal, const char *name);

/* ---- plan of the current attempt ---- */
bool journal_has_plan(const Journal *journal);
/* Stores catalog, chunks with done flags and tasks, replacing what was there. Verdicts
 * are forgotten, and so is evidence but that of tables with the same id and fingerprint whose
 * chunks are all done. One transaction together with the snapshot it belongs to. Not in phase
 * initial. A chunk that is not done is stored without result (bytes, digest). */
Status journal_save_plan(Journal *journal, const Plan *plan, const char *snapshot_token,
                         int64_t snapshot_us, Error *err);
/* STATUS_OK, or STATUS_DONE when there is none. */
Status journal_load_plan(Journal *journal, Plan *ret, Error *err);

/* The promotion of the current attempt, by itself: it is planned before there is a plan of chunks,
 * and again before it is done; with many tables it is large. */
Status journal_save_promotion(Journal *journal, const PromotionPlan *promotion, Error *err);
/* STATUS_OK, or STATUS_DONE when there is none. */
Status journal_load_promotion(Journal *journal, PromotionPlan *ret, Error *err);

/* The done flags of the plan become those given (after reconciling with the ledger), with the
 * results of chunks that are done; chunks and tasks keep everything else. Evidence of tables in
 * drop_evidence[id - 1] is forgotten (NULL: none). */
Status journal_save_done(Journal *journal, const Plan *plan, const bool *drop_evidence, Error *err);

/* ---- evidence ---- */
/* Lives as long as the journal. A record outside begin and end is durable by itself. When a record
 * in a group fails, the whole group is rolled back, and end() fails, too. No other call that
 * changes the journal may come between begin and end. */
Recorder *journal_recorder(Journal *journal);

/* Evidence of one table: STATUS_OK, or STATUS_DONE when there is none. request gets level, seed and
 * modulus; its table and chunks are left alone. */
Status journal_load_evidence(Journal *journal, uint32_t table_id, ProbeRequest *request,
                             ProbeResult *ret, Error *err);

/* Outcome of the last verification, one row per table, replaced as a whole. */
typedef struct Verdict {
    uint32_t table_id;
    char *table;
    VerifyLevel level;
    uint64_t source_rows, ledger_rows, target_rows;
    bool keys_compared, keys_equal;
    uint64_t sampled; /* rows chosen at random and compared; all rows when sample_is_all */
    bool sample_is_all;
    uint64_t risk_rows; /* looked at besides */
    uint64_t missing, extra, different;
    bool equal;
    char *detail; /* why not equal, in words; NULL when equal */
} Verdict;

typedef struct Verdicts {
    Verdict *items;
    size_t count;
    size_t capacity;
} Verdicts;

void verdicts_release(Verdicts *verdicts);
Verdict *verdicts_add(Verdicts *verdicts); /* zeroed */

Status journal_save_verdicts(Journal *journal, const Verdicts *verdicts, Error *err);
Status journal_load_verdicts(Journal *journal, Verdicts *ret, Error *err); /* empty when none */

/* ---- events ---- */
typedef struct Event {
    int64_t sequence;
    int64_t at_us;
    uint32_t attempt;
    uint64_t epoch;
    char *kind;   /* "phase", "note", "error", "claim", "reset"... */
    char *object; /* or NULL */
    char *message;
} Event;

Status journal_add_event(Journal *journal, const char *kind, const char *object,
                         const char *message, Error *err);
typedef Status (*JournalEventSink)(void *context, const Event *event, Error *err);
/* The newest `limit` events (0: all), oldest first. */
Status journal_events(Journal *journal, uint64_t limit, JournalEventSink sink, void *context,
                      Error *err);

/* ---- counts for status: single quick queries, whatever the size ---- */
typedef struct JournalProgress {
    uint64_t tables, tables_copied;
    uint64_t chunks, chunks_done;
    uint64_t tasks, tasks_done;
    uint64_t evidence_tables; /* tables with evidence */
    uint64_t rows_planned, rows_done;
    uint64_t bytes_planned, bytes_done;
    uint64_t bytes_planned_done; /* what was planned for the chunks that are done */
} JournalProgress;

Status journal_progress(Journal *journal, JournalProgress *ret, Error *err);

typedef struct TableProgress {
    uint32_t table_id;
    char *table;
    uint64_t chunks, chunks_done;
    uint64_t rows_done, bytes_done;
    uint64_t rows_planned;
} TableProgress;

typedef Status (*JournalTableSink)(void *context, const TableProgress *progress, Error *err);
Status journal_tables(Journal *journal, JournalTableSink sink, void *context, Error *err);
