/*
 * What the files of journal/ share: the opened database, statements on it, transactions, and the
 * state that is kept in memory. Nobody else includes this, but the tests of the journal.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "journal/journal.h"

enum {
    JOURNAL_APPLICATION_ID = 0x53746f70, /* "Stop" */
};

/* The group of records that recorder_begin() opens. */
typedef enum Group {
    GROUP_NONE,
    GROUP_OPEN,
    GROUP_BROKEN, /* a record failed: all of the group is rolled back, recorder_end() says so */
} Group;

/* What is read again after each change: the record, the options, and whether there is a plan. */
typedef struct JournalState {
    JournalRecord record;
    bool has_plan;
    TextList option_names;
    TextList option_values;
} JournalState;

struct Journal {
    Recorder recorder; /* first: the journal is one */
    sqlite3 *db;
    char *path;
    JournalMode mode;
    Group group;
    JournalState state;
};

/* ---- journal_database.c ---- */

/*
 * The one mapping of SQLite's codes. action comes before the word journal: "record a chunk in".
 * Full disks wait (exit 3), what is busy may be retried, a damaged file is refused with its remedy.
 */
Status journal_error(const Journal *journal, int rc, const char *action, Error *err);
bool journal_disk_fails(const Journal *journal);
Status journal_damaged(const Journal *journal, const char *what, Error *err);
Status journal_execute(Journal *journal, const char *sql, const char *action, Error *err);

/*
 * A prepared statement. Parameters are bound in their order by the query_ functions; a failing bind
 * shows in the next step. A Query starts as {0}.
 */
typedef struct Query {
    Journal *journal;
    sqlite3_stmt *statement;
    const char *action;
    int bound;
    int bind_rc;
} Query;

Status query_prepare(Journal *journal, const char *sql, const char *action, Query *ret, Error *err);
void query_release(Query *query);
#define AUTO_QUERY __attribute__((cleanup(query_release)))

/* What is bound must stay until query_run(), or the last query_step(). */
void query_text(Query *query, const char *text);              /* NULL is NULL */
void query_bytes(Query *query, Bytes bytes);                  /* size 0 is NULL */
void query_blob(Query *query, const void *data, size_t size); /* size 0 is an empty blob */
void query_integer(Query *query, int64_t value);
void query_unsigned(Query *query, uint64_t value); /* fails when it does not fit an integer */
void query_hex(Query *query, uint64_t value, char room[17]);

Status query_step(Query *query, Error *err); /* STATUS_OK on a row, STATUS_DONE at the end */
Status query_run(Query *query, Error *err);  /* to the end; ready to be bound again */
void query_reset(Query *query);              /* gives up what is left; ready to be bound again */

/* Columns of the current row; the copies belong to the caller. */
char *column_copy(const Query *query, int column);       /* NULL stays NULL */
const char *column_text(const Query *query, int column); /* borrowed until the next step, or NULL */
Bytes column_bytes(const Query *query, int column);      /* a copy; NULL is size 0 */
int64_t column_integer(const Query *query, int column);
uint64_t column_unsigned(const Query *query, int column); /* the schema forbids negative ones */
uint32_t column_u32(const Query *query, int column);
bool column_hex(const Query *query, int column, uint64_t *ret); /* false when malformed */

/*
 * Changes come between begin and end: end commits when status is not a failure, else it rolls back
 * and gives status back. What is committed is the state in memory, too. point names the
 * fault points around the commit; a lost acknowledgement is STATUS_FATAL: the run ends, and the
 * next one reads what is recorded.
 */
Status transaction_begin(Journal *journal, Error *err);
Status transaction_end(Journal *journal, const char *point, Status status, Error *err);
/* The same for changes that leave the state in memory as it is. */
Status transaction_commit(Journal *journal, const char *point, Status status, Error *err);

/* One consistent view for several queries, beside a run that writes. Ended as soon as possible: a
 * view that stays keeps the writer's log from being used again. */
Status view_begin(Journal *journal, Error *err);
void view_end(Journal *journal);

/* ---- journal_state.c ---- */
Status state_load(Journal *journal, JournalState *ret, Error *err);
void state_release(JournalState *state);

/* ---- journal.c ---- */

/* Which of the invariants of the state does not hold, in words; NULL when all is well. */
const char *state_defect(const JournalState *state);
void assert_journal_state(const JournalState *state);

/* ---- journal_upgrade.c ---- */
typedef struct UpgradeStep {
    int version; /* that the statements lead to, from the one before */
    const char *sql;
} UpgradeStep;

/* The version this program reads and writes. */
int journal_version(void);

/* From version 0 (an empty database) or later to that of the last step, in the caller's
 * transaction. */
Status journal_upgrade(Journal *journal, const UpgradeStep *upgrades, size_t count, Error *err);
Status journal_upgrade_fully(Journal *journal, Error *err);
Status journal_read_version(Journal *journal, int *ret, Error *err);

/* ---- journal_events.c, journal_plan.c, journal_evidence.c: parts of what others do ---- */
Status event_insert(Journal *journal, const char *kind, const char *object, const char *message,
                    Error *err);
Status plan_forget(Journal *journal, Error *err); /* with evidence, verdicts and promotion */
extern const RecorderOps journal_recorder_ops;
