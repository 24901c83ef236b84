/*
 * Probes a table: one scan of its own, then the chosen rows. The prober of a target has a
 * connection of its own, and one REPEATABLE READ transaction for each probe, so that scan and
 * look-ups see one state.
 */
#include "engine/connect/postgres/prober.h"

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/probe.h"
#include "engine/connect/postgres/target.h"

enum {
    LARGE_ROW_BYTES = 8 * 1024 * 1024, /* after one, libpq's buffer is given back */
};

typedef struct PgProber {
    Prober base;
    const PgProberSide *side;
    void *context;
} PgProber;

/* ---- a probe ---- */

static void probe_release(Probe *probe)
{
    pg_relation_release(&probe->relation);
    free(probe->key);
    copy_rows_release(&probe->rows);
    row_parts_release(&probe->parts);
    text_release(&probe->key_bytes);
    text_release(&probe->row_bytes);
    free(probe->leaf_oids);
    free(probe->edges);
    free(probe->wanted);
    probe_result_release(&probe->result);
}

/* Places of the key's parts among the carried columns. */
static Status find_key(Probe *probe, Error *err)
{
    const Table *table = probe->request->table;
    size_t carried = 0;
    for (size_t i = 0; i < table->column_count; i++)
        probe->key_count += table->columns[i].key_position > 0;
    probe->key = xcalloc(probe->key_count + 1, sizeof(size_t));
    for (size_t i = 0; i < table->column_count; i++) {
        unsigned position = table->columns[i].key_position;
        if (position > probe->key_count || (position > 0 && table->columns[i].is_generated))
            return error_set(err, STATUS_INVALID, "its key cannot be read");
        if (position > 0)
            probe->key[position - 1] = carried;
        carried += !table->columns[i].is_generated;
    }
    return STATUS_OK;
}

static Status count_rows(Probe *probe, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "select count(*) from ");
    pg_relation_append_from(&sql, &probe->relation);
    TRY(pg_query(probe->connection, text_string(&sql), &rows, err));
    probe->result.rows = pg_unsigned(rows, 0, 0);
    return STATUS_OK;
}

/* Where every row is looked at, or every column is of the key, reading once is cheaper. */
static bool reads_all(const Probe *probe)
{
    return probe->request->level == VERIFY_FULL || probe->request->modulus == 1 ||
           probe->key_count == 0 || probe->key_count == probe->relation.column_count;
}

static Status run_probe(Probe *probe, Error *err)
{
    const ProbeRequest *request = probe->request;
    TRY(pg_relation_read(request->table, request->staged, &probe->relation, err));
    if (request->level == VERIFY_NONE || request->level == VERIFY_COUNT)
        return count_rows(probe, err);
    TRY(find_key(probe, err));
    probe->picks_risk = request->pick_risk;
    probe->is_wide = reads_all(probe);
    probe->has_place = !probe->is_wide || probe->picks_risk;
    TRY(choice_begin(probe, err));
    TRY(probe_scan(probe, err));
    TRY(probe_fetch(probe, err));
    TRY(probe_edges(probe, err));
    probe_result_sort(&probe->result);
    return STATUS_OK;
}

static Status probe_between(PgProber *prober, Probe *probe, Error *err)
{
    TRY(prober->side->begin(prober->context, &probe->connection, err));
    pg_set_interruptible(probe->connection, true);
    Status status = run_probe(probe, err);
    pg_set_interruptible(probe->connection, false);
    return prober->side->end(prober->context, status, probe->largest_row, err);
}

/* Where no row is read, none is large. */
static Status probe_in_turn(PgProber *prober, Probe *probe, Error *err)
{
    bool reads_rows = probe->request->level > VERIFY_COUNT;
    LargeRows *large =
        reads_rows && prober->side->large_rows ? prober->side->large_rows(prober->context) : NULL;
    bool is_large = false;
    TRY(large_rows_enter(large, probe->request->table, &is_large, err));
    Status status = probe_between(prober, probe, err);
    large_rows_leave(large, &is_large);
    return status;
}

static Status prober_probe_table(Prober *base, const ProbeRequest *request, ProbeResult *ret,
                                 Error *err)
{
    __attribute__((cleanup(probe_release))) Probe probe = {.request = request};
    TRY(fault_before("postgres.probe", err));
    TRY(probe_in_turn((PgProber *)base, &probe, err));
    *ret = probe.result;
    probe.result = (ProbeResult){0};
    return STATUS_OK;
}

static void prober_free_all(Prober *base)
{
    PgProber *prober = (PgProber *)base;
    if (prober->side->free)
        prober->side->free(prober->context);
    free(prober);
}

static const ProberOps prober_ops = {
    .probe = prober_probe_table,
    .free = prober_free_all,
};

Prober *pg_prober_new(const PgProberSide *side, void *context)
{
    PgProber *prober = xcalloc(1, sizeof(*prober));
    *prober = (PgProber){.base = {.ops = &prober_ops}, .side = side, .context = context};
    return &prober->base;
}

/* ---- a connection of its own ---- */

typedef struct OwnSide {
    PgAddress *address;
    PgUse use;
    char *application_name;
    PgConnection *connection; /* NULL while there is none */
} OwnSide;

static void own_free(void *context)
{
    OwnSide *own = context;
    pg_close(own->connection);
    free(own->application_name);
    free(own);
}

static void disconnect(OwnSide *own)
{
    pg_close(own->connection);
    own->connection = NULL;
}

static Status connect_own(OwnSide *own, Error *err)
{
    if (own->connection && !pg_is_usable(own->connection))
        disconnect(own);
    if (own->connection)
        return STATUS_OK;
    return pg_connect(own->address, own->use, own->application_name, &own->connection, err);
}

static Status own_end(void *context, Status status, size_t largest_row, Error *err)
{
    (void)err; /* what was read is complete: the end of the transaction cannot take it back */
    OwnSide *own = context;
    Error ignored = {0};
    if (status < 0 || pg_run(own->connection, "COMMIT", &ignored) < 0)
        pg_reset(own->connection);
    if (!pg_is_usable(own->connection) || largest_row > LARGE_ROW_BYTES)
        disconnect(own);
    return status;
}

static Status own_begin(void *context, PgConnection **ret, Error *err)
{
    OwnSide *own = context;
    TRY(connect_own(own, err));
    Status status = pg_run(own->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    if (status < 0)
        return own_end(own, status, 0, err);
    *ret = own->connection;
    return STATUS_OK;
}

static LargeRows *own_large_rows(void *context)
{
    const OwnSide *own = context;
    return pg_address_large_rows(own->address);
}

static const PgProberSide own_side = {
    .begin = own_begin, .end = own_end, .large_rows = own_large_rows, .free = own_free};

/* ---- somebody else's connection, in the transaction it is in ---- */

static Status shared_begin(void *context, PgConnection **ret, Error *err)
{
    (void)err; /* nothing is done */
    *ret = context;
    return STATUS_OK;
}

static Status shared_end(void *context, Status status, size_t largest_row, Error *err)
{
    (void)context;
    (void)largest_row;
    (void)err; /* its owner settles what failed */
    return status;
}

static const PgProberSide shared_side = {.begin = shared_begin, .end = shared_end};

Status pg_prober_open(PgAddress *address, PgUse use, const char *application_name,
                      PgConnection *shared, Prober **ret, Error *err)
{
    if (shared) {
        *ret = pg_prober_new(&shared_side, shared);
        return STATUS_OK;
    }
    OwnSide *own = xcalloc(1, sizeof(*own));
    *own = (OwnSide){.address = address, .use = use, .application_name = xstrdup(application_name)};
    AUTO_FREE(prober_free) Prober *prober = pg_prober_new(&own_side, own);
    TRY(connect_own(own, err));
    *ret = TAKE(prober);
    return STATUS_OK;
}
