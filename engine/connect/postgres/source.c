/*
 * A PostgreSQL database as a source.
 *
 *            hold(): lock, take and export the snapshot
 *   +------+ ------------------------------------------> +------+
 *   | idle |                                             | held | --+ the holder's session ended:
 *   +------+ <------------------------------------------ +------+   | lost, until the next hold()
 *            release(): close the holder                     ^------+
 *
 *  H1  `holder` is in the transaction that has the locks and the snapshot, and does nothing else:
 *      whatever could fail or be cancelled happens on other connections, which import the snapshot.
 *  H2  Nothing that was read under the hold counts unless the snapshot could be imported once more
 *      afterwards (P1 in reader.c): locks and snapshot have stood all the time then.
 *  H3  `side` serves the driver: describe, changed, identity. While copying it is closed.
 *  H4  Nobody writes to a source; sessions of earlier processes of the same run are ended, because
 *      they hold locks for nobody.
 */
#include <assert.h>
#include <inttypes.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/describe.h"
#include "engine/connect/postgres/hold.h"
#include "engine/connect/postgres/identity.h"
#include "engine/connect/postgres/postgres.h"
#include "engine/connect/postgres/reader.h"
#include "engine/connect/postgres/scripts.h"
#include "engine/connect/postgres/sessions.h"
#include "engine/connect/postgres/snapshot.h"

typedef struct PgSource {
    Source base;
    PgAddress *address;
    RunIdentity identity; /* run[0] == 0 until introduced */
    PgConnection *holder; /* H1; NULL while nothing is held */
    PgConnection *side;   /* H3; NULL while there is none */
    PgHold hold;
} PgSource;

/* ---- connections ---- */

static char *name_connection(const PgSource *source)
{
    if (!source->identity.run[0])
        return xstrdup("stopover");
    return pg_application_name(&source->identity, "source");
}

static Status connect_as(PgSource *source, PgConnection **ret, Error *err)
{
    AUTO_FREE_MEMORY char *name = name_connection(source);
    return pg_connect(source->address, PG_SOURCE, name, ret, err);
}

static void close_side(PgSource *source)
{
    pg_close(source->side);
    source->side = NULL;
}

/* The side connection, ready for a statement. */
static Status get_side(PgSource *source, Error *err)
{
    if (source->side && !pg_is_usable(source->side))
        close_side(source);
    if (source->side)
        return STATUS_OK;
    return connect_as(source, &source->side, err);
}

static Status settle_side(PgSource *source, Status status)
{
    if (status < 0 && source->side)
        pg_reset(source->side);
    return status;
}

static void source_introduce_run(Source *base, const RunIdentity *identity)
{
    PgSource *source = (PgSource *)base;
    source->identity = *identity;
    free(source->hold.application_name);
    source->hold.application_name = name_connection(source);
    close_side(source);
    if (!source->holder)
        return;
    AUTO_TEXT Text sql = {0};
    Error ignored = {0};
    text_append(&sql, "SET application_name = ");
    pg_quote_literal(&sql, source->hold.application_name);
    (void)pg_run(source->holder, text_string(&sql), &ignored); /* a name is for people only */
}

/* ---- the hold ---- */

static void source_release_all(Source *base)
{
    PgSource *source = (PgSource *)base;
    pg_close(source->holder); /* its transaction ends with it */
    source->holder = NULL;
    free(source->hold.snapshot);
    source->hold.snapshot = NULL;
}

static void end_forgotten_sessions(PgSource *source)
{
    Error ignored = {0};
    if (!source->identity.run[0])
        return;
    /* H4. Where it is not permitted they stay until the server finds them dead. */
    (void)sessions_end(source->holder, &source->identity, NULL, source->identity.epoch, &ignored);
}

static Status hold(PgSource *source, const Selection *selection, Snapshot *ret, Error *err)
{
    AUTO_PG_SNAPSHOT PgSnapshot snapshot = {0};
    TRY(fault_before("postgres.hold", err));
    close_side(source);
    TRY(connect_as(source, &source->holder, err));
    end_forgotten_sessions(source);
    TRY(get_side(source, err));
    pg_set_interruptible(source->holder, true);
    Status status = pg_snapshot_take(source->holder, source->side, selection, &snapshot, err);
    pg_set_interruptible(source->holder, false);
    TRY(status);
    TRY(fault_after("postgres.hold", err));
    source->hold.snapshot = TAKE(snapshot.id);
    ret->token = TAKE(snapshot.token);
    ret->taken_us = clock_wall_us();
    return STATUS_OK;
}

static Status source_hold_all(Source *base, const Selection *selection, unsigned readers,
                              Snapshot *ret, Error *err)
{
    (void)readers; /* as many as are asked for can import a snapshot */
    PgSource *source = (PgSource *)base;
    assert(!source->holder && "already held");
    atomic_store(&source->hold.is_lost, false);
    Status status = hold(source, selection, ret, err);
    close_side(source); /* H3 */
    if (status < 0)
        source_release_all(base);
    return status;
}

static bool source_is_held_still(Source *base)
{
    PgSource *source = (PgSource *)base;
    Error ignored = {0};
    AUTO_FREE_MEMORY char *answer = NULL;
    if (!source->holder || atomic_load(&source->hold.is_lost))
        return false;
    /* It is asked, not only looked at: a session that ended is noticed by speaking to it. */
    if (pg_query_text(source->holder, "select 1", &answer, &ignored) == STATUS_OK)
        return true;
    atomic_store(&source->hold.is_lost, true);
    return false;
}

/* ---- describing ---- */

/* pg_dump locks what it reads once more, for as long as it runs. */
static Status warn_of_locks(PgConnection *connection, size_t tables, Findings *findings, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(connection,
                 "select current_setting('max_locks_per_transaction')::bigint * "
                 "(current_setting('max_connections')::bigint + "
                 "current_setting('max_prepared_transactions')::bigint), "
                 "current_setting('max_locks_per_transaction')::bigint",
                 &rows, err));
    uint64_t room = pg_unsigned(rows, 0, 0);
    uint64_t needed = (uint64_t)tables * 2;
    if (needed <= room || room == 0)
        return STATUS_OK;
    uint64_t setting = pg_unsigned(rows, 0, 1) * (needed / room + 1);
    AUTO_FREE_MEMORY char *remedy = xasprintf("Set max_locks_per_transaction = %" PRIu64
                                              " on the source and restart it, should "
                                              "locking its tables fail.",
                                              setting);
    findings_add(findings, FINDING_WARNING, NULL, remedy,
                 "%zu tables of the source are locked at once, and its lock table is made for "
                 "%" PRIu64 " locks",
                 tables, room);
    return STATUS_OK;
}

/* What the primary has done away with ends the sessions of a standby that still see it. */
static Status warn_of_standby(PgConnection *connection, Findings *findings, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(connection,
                 "select pg_is_in_recovery() and "
                 "current_setting('max_standby_streaming_delay') <> '-1'",
                 &rows, err));
    if (pg_is_true(rows, 0, 0))
        findings_add(findings, FINDING_WARNING, NULL,
                     "Set max_standby_streaming_delay = -1 on it while it is copied.",
                     "the source is a standby, which ends long reading when its primary has "
                     "cleaned up behind it");
    return STATUS_OK;
}

static Status describe_held(PgSource *source, const Selection *selection, Catalog *ret,
                            Findings *findings, Error *err)
{
    TRY(pg_hold_import(&source->hold, source->side, err));
    TRY(pg_describe(source->side, source->address, source->hold.snapshot, selection, ret, findings,
                    err));
    return pg_hold_import(&source->hold, source->side, err); /* H2 */
}

static Status describe_on_side(PgSource *source, const Selection *selection, Catalog *ret,
                               Findings *findings, Error *err)
{
    TRY(get_side(source, err));
    if (source->holder)
        return describe_held(source, selection, ret, findings, err);
    TRY(pg_describe(source->side, source->address, NULL, selection, ret, findings, err));
    TRY(warn_of_standby(source->side, findings, err));
    return warn_of_locks(source->side, ret->table_count, findings, err);
}

static Status source_describe_all(Source *base, const Selection *selection, Catalog *ret,
                                  Findings *findings, Error *err)
{
    PgSource *source = (PgSource *)base;
    AUTO_CATALOG Catalog catalog = {0};
    TRY(fault_before("postgres.describe", err));
    if (source->holder && atomic_load(&source->hold.is_lost))
        return pg_hold_lost(&source->hold, err);
    Status status = describe_on_side(source, selection, &catalog, findings, err);
    (void)settle_side(source, status);
    if (source->holder)
        close_side(source); /* H3 */
    TRY(status);
    *ret = catalog;
    catalog = (Catalog){0};
    return STATUS_OK;
}

/* ---- the rest ---- */

static Status source_tell_state(Source *base, char **ret, Error *err)
{
    PgSource *source = (PgSource *)base;
    TRY(fault_before("postgres.state", err));
    TRY(get_side(source, err));
    return settle_side(source, pg_snapshot_state(source->side, ret, err));
}

static Status source_has_changed(Source *base, const char *token, bool *ret_changed, Error *err)
{
    PgSource *source = (PgSource *)base;
    TRY(fault_before("postgres.changed", err));
    TRY(get_side(source, err));
    return settle_side(source, pg_snapshot_changed(source->side, token, ret_changed, err));
}

static Status source_open_reader_of_hold(Source *base, Reader **ret, Error *err)
{
    PgSource *source = (PgSource *)base;
    TRY(fault_before("postgres.open_reader", err));
    return pg_reader_new(&source->hold, ret, err);
}

static Status source_identify(Source *base, char **ret, Error *err)
{
    PgSource *source = (PgSource *)base;
    TRY(get_side(source, err));
    return settle_side(source, pg_identity(source->side, ret, err));
}

static void source_free_all(Source *base)
{
    PgSource *source = (PgSource *)base;
    source_release_all(base);
    close_side(source);
    pg_address_free(source->address);
    free(source->hold.application_name);
    free(source);
}

static const SourceOps source_ops = {
    .name = "postgresql",
    .introduce = source_introduce_run,
    .describe = source_describe_all,
    .hold = source_hold_all,
    .release = source_release_all,
    .is_held = source_is_held_still,
    .state = source_tell_state,
    .changed = source_has_changed,
    .open_reader = source_open_reader_of_hold,
    .write_scripts = pg_write_scripts,
    .identity = source_identify,
    .free = source_free_all,
};

Status postgres_open_source(const Uri *uri, Source **ret, Error *err)
{
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    TRY(pg_address_new(uri, &address, err));
    PgSource *source = xcalloc(1, sizeof(*source));
    source->base.ops = &source_ops;
    source->address = TAKE(address);
    source->hold.address = source->address;
    source->hold.application_name = xstrdup("stopover");
    *ret = &source->base;
    return STATUS_OK;
}
