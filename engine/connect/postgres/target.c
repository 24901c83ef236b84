/*
 * The target as a whole: its connections, the ledger for the driver, and the one table of what it
 * can do. Rows go in by writer.c, a run is taken in claim.c, tables are staged by stager.c.
 */
#include "engine/connect/postgres/target.h"

#include <stddef.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/claim.h"
#include "engine/connect/postgres/identity.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/postgres.h"

enum {
    /* Two or more workers end together within seconds; a table below it arrives frozen. */
    DEFAULT_CHUNK_BYTES = 64 * 1024 * 1024,
};

static PgTarget *own(Target *target)
{
    return (PgTarget *)target; /* base is its first member */
}

static char *session_name(const PgTarget *target, const char *role)
{
    return target->claimed.epoch > 0 ? pg_application_name(&target->claimed, role)
                                     : xstrdup("stopover");
}

static Status connect_control(PgTarget *target, Error *err)
{
    AUTO_FREE_MEMORY char *name = session_name(target, "control");
    AUTO_FREE(pg_close) PgConnection *connection = NULL;

    TRY(pg_connect(target->address, PG_TARGET, name, &connection, err));
    if (target->claimed.epoch > 0)
        TRY(claim_again(connection, &target->claimed, err));
    target->control = TAKE(connection);
    return STATUS_OK;
}

Status pg_target_control(PgTarget *target, PgConnection **ret, Error *err)
{
    if (target->control != NULL && !pg_is_usable(target->control)) {
        pg_close(target->control);
        target->control = NULL;
    }
    if (target->control == NULL)
        TRY(connect_control(target, err));
    *ret = target->control;
    return STATUS_OK;
}

char *pg_staging_schema(const RunIdentity *identity, const char *schema)
{
    enum {
        NAME_MAX_BYTES = 63,
    };

    return name_for_role(schema, NAME_STAGING, identity->id, NAME_MAX_BYTES);
}

/* ---- operations ---- */

static Status claim(Target *base, RunIdentity *identity, Error *err)
{
    return claim_target(own(base), identity, err);
}

static Status read_inside(PgConnection *control, const RunIdentity *identity,
                          const LedgerSink *sink, Error *err)
{
    bool exists = false;

    /* Chunks and tasks of one state. */
    TRY(pg_run(control, "begin isolation level repeatable read, read only", err));
    TRY(pg_control_exists(control, &exists, err));
    if (exists)
        TRY(pg_ledger_read(control, identity, sink, err));
    return pg_run(control, "commit", err);
}

static Status read_ledger(Target *base, const RunIdentity *identity, const LedgerSink *sink,
                          Error *err)
{
    PgConnection *control = NULL;

    TRY(pg_target_control(own(base), &control, err));

    Status status = read_inside(control, identity, sink, err);

    if (status < 0)
        pg_reset(control);
    return status;
}

static Status open_writer(Target *base, const RunIdentity *identity, Writer **ret, Error *err)
{
    return pg_writer_open(own(base), identity, ret, err);
}

static Status open_prober(Target *base, Prober **ret, Error *err)
{
    PgTarget *target = own(base);
    AUTO_FREE_MEMORY char *name = session_name(target, "prober");

    return pg_prober_open(target->address, PG_TARGET, name, NULL, ret, err);
}

static Status identity_of(Target *base, char **ret, Error *err)
{
    PgConnection *control = NULL;

    TRY(pg_target_control(own(base), &control, err));
    return pg_identity(control, ret, err);
}

static void free_target(Target *base)
{
    PgTarget *target = own(base);

    pg_close(target->control);
    pg_address_free(target->address);
    lost_sessions_release(&target->lost);
    free(target);
}

static const TargetOps target_ops = {
    .name = "postgresql",
    .row_formats = ROW_PG_BINARY | ROW_PG_TEXT,
    .max_writers = 0,
    .default_chunk_bytes = DEFAULT_CHUNK_BYTES,
    .claim = claim,
    .read_ledger = read_ledger,
    .open_writer = open_writer,
    .open_prober = open_prober,
    .identity = identity_of,
    .free = free_target,
};

Status postgres_open_target(const Uri *uri, Target **ret, Error *err)
{
    PgAddress *address = NULL;
    PgTarget *target = NULL;

    TRY(pg_address_new(uri, &address, err));
    target = xcalloc(1, sizeof(*target));
    target->base.ops = &target_ops;
    target->base.stager = &target->stager;
    target->stager.ops = &pg_stager_ops;
    target->address = address;
    lost_sessions_init(&target->lost);
    *ret = &target->base;
    return STATUS_OK;
}
