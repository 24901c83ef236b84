/*
 * A SQLite file as a source, and how many readers get one snapshot.
 *
 *            hold(): open readers + 1 connections
 *   +------+ ------------------------------------> +--------+ --+ a commit came between:
 *   | idle |                                       | pinned |   | unpin all, pin again
 *   +------+ <------------------------------------ +--------+ <-+
 *            release(): close them
 *
 *  H1  Debian's SQLite lacks sqlite3_snapshot_open(), so every connection begins its own read
 *      transaction. They see one state if nothing was committed between the first and the last: the
 *      state (snapshot.c) is read before the first and after the last, and must be the same.
 *  H2  The token is read while all are pinned, and no commit came since the first pin: so it is the
 *      token of what the readers see.
 *  H3  With a rollback journal a pinned connection keeps all writers out; in WAL mode writers go
 * on, and the WAL grows until release(). H4  `control` is pinned like the others and serves the
 * driver (describe, changed); readers take their connections from `free` and give them back. A
 * reader that outlives release() closes its own.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/sqlite/describe.h"
#include "engine/connect/sqlite/reader.h"
#include "engine/connect/sqlite/scripts.h"
#include "engine/connect/sqlite/snapshot.h"
#include "engine/connect/sqlite/sqlite.h"

enum {
    HOLD_TRIES = 60,
    HOLD_WAIT_MAX_MS = 20, /* between tries; grows from 1 */
};

typedef struct SqliteSource {
    Source base;
    char *path;
    Db *control; /* H4; NULL while nothing is held */
    unsigned readers;
    pthread_mutex_t lock; /* of the list: readers may be freed by their own threads */
    Db **free;
    size_t free_count;
    unsigned lent; /* connections that readers have now */
} SqliteSource;

static Status open_connection(const SqliteSource *source, Db **ret, Error *err)
{
    TRY(fault_before("source.open", err));
    return db_open(source->path, DB_READ, ret, err);
}

static Status pin(Db *db, Error *err)
{
    int64_t ignored = 0;
    TRY(db_exec(db, "begin", "begin to read", err));
    /* Only the first read takes the snapshot. */
    return db_integer(db, "select 1 from sqlite_schema limit 1", 0, &ignored, "begin to read", err);
}

static void unpin(Db *db)
{
    (void)sqlite3_exec(db->handle, "rollback", NULL, NULL, NULL); /* fails when it never began */
}

static void unpin_all(SqliteSource *source)
{
    unpin(source->control);
    for (size_t i = 0; i < source->free_count; i++)
        unpin(source->free[i]);
}

static Status pin_all(SqliteSource *source, Error *err)
{
    TRY(pin(source->control, err));
    for (size_t i = 0; i < source->free_count; i++) {
        /* Who is in the way now waits for the pins we have: waiting would be for nothing. */
        db_wait_for_locks(source->free[i], false);
        Status status = pin(source->free[i], err);
        db_wait_for_locks(source->free[i], true);
        TRY(status);
    }
    return STATUS_OK;
}

/* Where the time stamp must tell (S3 in snapshot.c), it has to be old enough to tell. */
static Status read_settled(SqliteSource *source, SnapshotState *ret, Error *err)
{
    AUTO_SNAPSHOT_STATE SnapshotState state = {0};
    TRY(snapshot_state_read(source->control, &state, err));
    if (state.needs_settling) {
        TRY(snapshot_settle(source->control, err));
        snapshot_state_release(&state);
        TRY(snapshot_state_read(source->control, &state, err));
    }
    *ret = state;
    state.token = NULL;
    return STATUS_OK;
}

/* One try (H1): STATUS_OK with the token, STATUS_DONE when a commit came between. */
static Status try_snapshot(SqliteSource *source, Snapshot *ret, Error *err)
{
    AUTO_SNAPSHOT_STATE SnapshotState before = {0};
    AUTO_SNAPSHOT_STATE SnapshotState after = {0};
    TRY(snapshot_state_read(source->control, &before, err));
    TRY(pin_all(source, err));
    TRY(read_settled(source, &after, err));
    if (!snapshot_same_commit(&before, &after))
        return STATUS_DONE;
    ret->token = TAKE(after.token);
    ret->taken_us = clock_wall_us();
    return STATUS_OK;
}

static Status take_snapshot(SqliteSource *source, Snapshot *ret, Error *err)
{
    for (unsigned i = 0; i < HOLD_TRIES; i++) {
        Error busy = {0};
        Status status = try_snapshot(source, ret, &busy);
        if (status == STATUS_OK)
            return STATUS_OK;
        unpin_all(source);
        if (status < 0 && status != STATUS_RETRY) {
            *err = busy;
            return status;
        }
        TRY(stop_check(err));
        clock_sleep_ms(i < HOLD_WAIT_MAX_MS ? i + 1 : HOLD_WAIT_MAX_MS);
    }
    error_set(err, STATUS_RETRY,
              "could not take one snapshot of database \"%s\": another program writes to it all "
              "the time",
              source->path);
    error_hint(err, "Let that program pause for a moment, then run the same command again; fewer "
                    "--jobs help too.");
    return STATUS_RETRY;
}

static void give_back(void *context, Db *db)
{
    SqliteSource *source = context;
    (void)pthread_mutex_lock(&source->lock); /* cannot fail: an ordinary mutex, never nested */
    source->lent--;
    bool has_room = source->control && source->free_count < source->readers;
    if (has_room)
        source->free[source->free_count++] = db;
    (void)pthread_mutex_unlock(&source->lock);
    if (!has_room)
        db_free(db);
}

static void source_release_all(Source *base)
{
    SqliteSource *source = (SqliteSource *)base;
    (void)pthread_mutex_lock(&source->lock); /* as in give_back() */
    for (size_t i = 0; i < source->free_count; i++)
        db_free(source->free[i]);
    free(source->free);
    source->free = NULL;
    source->free_count = 0;
    source->readers = 0;
    db_free(source->control);
    source->control = NULL;
    (void)pthread_mutex_unlock(&source->lock);
}

static Status hold(SqliteSource *source, unsigned readers, Snapshot *ret, Error *err)
{
    TRY(fault_before("source.hold", err));
    TRY(open_connection(source, &source->control, err));
    source->free = xcalloc(readers + 1, sizeof(Db *));
    source->readers = readers;
    while (source->free_count < readers) {
        TRY(open_connection(source, &source->free[source->free_count], err));
        source->free_count++;
    }
    __attribute__((cleanup(snapshot_release))) Snapshot snapshot = {0};
    TRY(take_snapshot(source, &snapshot, err));
    TRY(fault_after("source.hold", err));
    *ret = snapshot;
    snapshot = (Snapshot){0};
    return STATUS_OK;
}

static Status source_hold_all(Source *base, const Selection *selection, unsigned readers,
                              Snapshot *ret, Error *err)
{
    (void)selection; /* a snapshot is of the whole file */
    SqliteSource *source = (SqliteSource *)base;
    assert(!source->control && "already held");
    assert(source->lent == 0 && "a reader would come back to another snapshot");
    Status status = hold(source, readers, ret, err);
    if (status < 0)
        source_release_all(base);
    return status;
}

static Status source_describe_all(Source *base, const Selection *selection, Catalog *ret,
                                  Findings *findings, Error *err)
{
    SqliteSource *source = (SqliteSource *)base;
    TRY(fault_before("source.describe", err));
    if (source->control)
        return sqlite_describe(source->control, selection, ret, findings, err);
    AUTO_FREE(db_free) Db *db = NULL;
    TRY(open_connection(source, &db, err));
    TRY(pin(db, err));
    return sqlite_describe(db, selection, ret, findings, err);
}

static Status compare_token(Db *db, const char *token, bool *ret_changed, Error *err)
{
    AUTO_SNAPSHOT_STATE SnapshotState state = {0};
    TRY(snapshot_state_read(db, &state, err));
    *ret_changed = strcmp(state.token, token) != 0;
    return STATUS_OK;
}

static Status source_has_changed(Source *base, const char *token, bool *ret_changed, Error *err)
{
    SqliteSource *source = (SqliteSource *)base;
    TRY(fault_before("source.changed", err));
    if (source->control)
        return compare_token(source->control, token, ret_changed, err);
    AUTO_FREE(db_free) Db *db = NULL;
    TRY(open_connection(source, &db, err));
    return compare_token(db, token, ret_changed, err);
}

static Status source_lend_reader(Source *base, Reader **ret, Error *err)
{
    SqliteSource *source = (SqliteSource *)base;
    (void)pthread_mutex_lock(&source->lock); /* as in give_back() */
    Db *db = source->free_count ? source->free[--source->free_count] : NULL;
    source->lent += db != NULL;
    (void)pthread_mutex_unlock(&source->lock);
    if (!db)
        return error_set(err, STATUS_FAILED, "no reader is left of the %u that were asked for",
                         source->readers);
    Status status = sqlite_reader_new(db, give_back, source, ret, err);
    if (status < 0)
        give_back(source, db);
    return status;
}

static Status source_identify(Source *base, char **ret, Error *err)
{
    SqliteSource *source = (SqliteSource *)base;
    struct stat info;
    if (stat(source->path, &info) != 0) {
        error_set(err, STATUS_INVALID, "could not open database \"%s\": %s", source->path,
                  strerrordesc_np(errno));
        error_hint(err, "Check the path of the source.");
        return STATUS_INVALID;
    }
    *ret = xasprintf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return STATUS_OK;
}

static void sqlite_source_free(Source *base)
{
    SqliteSource *source = (SqliteSource *)base;
    source_release_all(base);
    (void)pthread_mutex_destroy(&source->lock); /* nobody holds it */
    free(source->path);
    free(source);
}

static const SourceOps source_ops = {
    .name = "sqlite",
    .describe = source_describe_all,
    .hold = source_hold_all,
    .release = source_release_all,
    .changed = source_has_changed,
    .open_reader = source_lend_reader,
    .write_scripts = sqlite_write_scripts,
    .identity = source_identify,
    .free = sqlite_source_free,
};

Status sqlite_open_source(const Uri *uri, Source **ret, Error *err)
{
    if (!uri->rest[0] || strcmp(uri->rest, ":memory:") == 0) {
        error_kind(err, ERROR_USAGE, "\"%s\" names no file", uri->display);
        error_hint(err, "Write sqlite:PATH, for example sqlite:shop.db.");
        return STATUS_INVALID;
    }
    SqliteSource *source = xcalloc(1, sizeof(*source));
    source->base.ops = &source_ops;
    source->path = xstrdup(uri->rest);
    (void)pthread_mutex_init(&source->lock, NULL); /* cannot fail with default attributes */
    *ret = &source->base;
    return STATUS_OK;
}
