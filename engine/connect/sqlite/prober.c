/*
 * Probes a table with one scan of its own, along the tree that holds it: no index may answer for it.
 *
 * A wide scan reads every column: for a digest of all rows, for the lengths and NULLs that risk
 * rows are picked by, and where the whole row is the key. Else a narrow scan reads the keys alone,
 * never touching long values, and looks up the few chosen rows by key.
 */
#include "engine/connect/sqlite/prober.h"

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/range.h"
#include "engine/flow/digest.h"

enum {
    STOP_CHECK_ROWS = 4096,
    RISK_ROWS = 3, /* of each kind */
};

typedef struct SqliteProber {
    Prober base;
    Db *db;
} SqliteProber;

/* The rows that are highest by some measure, so far. */
typedef struct Highest {
    uint32_t reason;
    size_t count;
    size_t measures[RISK_ROWS];
    ProbeEntry entries[RISK_ROWS];
} Highest;

typedef struct Probe {
    Db *db;
    const ProbeRequest *request;
    const char *name; /* of the table that is read */
    char *action;     /* "probe table orders" */
    Layout layout;
    bool is_wide;
    DbStatement *scan;   /* all fields, or the key's parts */
    DbStatement *lookup; /* narrow: all fields of the row with a key */
    Text key;
    Text row;
    Highest longest;
    Highest nulls;
    ProbeResult result;
} Probe;

static void probe_release(Probe *probe)
{
    db_finalize(probe->scan);
    db_finalize(probe->lookup);
    free(probe->action);
    layout_release(&probe->layout);
    text_release(&probe->key);
    text_release(&probe->row);
    probe_result_release(&probe->result);
}

static bool is_requested(const ProbeRequest *request, uint64_t hash)
{
    size_t low = 0;
    size_t high = request->also_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (request->also[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < request->also_count && request->also[low] == hash;
}

static uint32_t choose(const ProbeRequest *request, uint64_t hash)
{
    uint32_t reasons = 0;
    if (hash % request->modulus == 0)
        reasons |= CHOSEN_RANDOM;
    if (is_requested(request, hash))
        reasons |= CHOSEN_REQUESTED;
    return reasons;
}

static ProbeEntry make_entry(const Text *row, uint64_t hash, uint32_t reasons)
{
    Digest digest = {0};
    digest_add(&digest, row->data, row->size);
    return (ProbeEntry){
        .key_hash = hash, .row_low = digest.low, .row_high = digest.high, .reasons = reasons};
}

static void encode_whole_row(Probe *probe, DbStatement *statement)
{
    text_clear(&probe->row);
    row_append(&probe->row, probe->db, statement, 0, probe->layout.field_count);
}

/* Where a row with this measure would go; RISK_ROWS when it is not among the highest. */
static size_t place_for(const Highest *highest, size_t measure)
{
    if (highest->count < RISK_ROWS)
        return highest->count;
    size_t lowest = 0;
    for (size_t i = 1; i < RISK_ROWS; i++) {
        if (highest->measures[i] < highest->measures[lowest])
            lowest = i;
    }
    return measure > highest->measures[lowest] ? lowest : RISK_ROWS;
}

static void offer(Probe *probe, Highest *highest, size_t measure, uint64_t hash)
{
    size_t place = place_for(highest, measure);
    if (place == RISK_ROWS)
        return;
    encode_whole_row(probe, probe->scan);
    if (place == highest->count)
        highest->count++;
    highest->measures[place] = measure;
    highest->entries[place] = make_entry(&probe->row, hash, highest->reason);
}

static size_t count_nulls(const Probe *probe)
{
    size_t nulls = 0;
    for (size_t i = 0; i < probe->layout.field_count; i++)
        nulls += sqlite3_column_type(probe->scan, (int)i) == SQLITE_NULL;
    return nulls;
}

static void offer_risk(Probe *probe, uint64_t hash)
{
    size_t nulls = count_nulls(probe);
    offer(probe, &probe->longest, row_size(probe->db, probe->scan, probe->layout.field_count),
          hash);
    if (nulls > 0)
        offer(probe, &probe->nulls, nulls, hash);
}

static Status look_up(Probe *probe, Error *err)
{
    const Bytes key = {.data = (uint8_t *)probe->key.data, .size = probe->key.size};
    const Bytes none = {0};
    TRY(range_bind(probe->db, probe->lookup, &probe->layout, &key, &none, err));
    Status status = db_step(probe->db, probe->lookup, probe->action, err);
    TRY(status);
    if (status == STATUS_DONE)
        return error_set(err, STATUS_INVALID,
                         "table \"%s\" is damaged: a row is not found by its own key", probe->name);
    encode_whole_row(probe, probe->lookup);
    (void)sqlite3_reset(probe->lookup); /* at a row: nothing to report */
    return STATUS_OK;
}

static void add_entry(Probe *probe, uint64_t hash, uint32_t reasons)
{
    *probe_result_add(&probe->result) = make_entry(&probe->row, hash, reasons);
}

static Status take_narrow(Probe *probe, Error *err)
{
    text_clear(&probe->key);
    row_append(&probe->key, probe->db, probe->scan, 0, probe->layout.key_count);
    digest_add(&probe->result.keys, probe->key.data, probe->key.size);
    uint64_t hash = key_hash(probe->key.data, probe->key.size, probe->request->seed);
    uint32_t reasons = choose(probe->request, hash);
    if (!reasons)
        return STATUS_OK;
    TRY(look_up(probe, err));
    add_entry(probe, hash, reasons);
    return STATUS_OK;
}

static void take_wide(Probe *probe)
{
    text_clear(&probe->key);
    row_append_key(&probe->key, probe->db, probe->scan, &probe->layout);
    digest_add(&probe->result.keys, probe->key.data, probe->key.size);
    uint64_t hash = key_hash(probe->key.data, probe->key.size, probe->request->seed);
    uint32_t reasons = choose(probe->request, hash);
    if (probe->request->pick_risk)
        offer_risk(probe, hash);
    if (probe->request->level != VERIFY_FULL && !reasons)
        return;
    encode_whole_row(probe, probe->scan);
    if (probe->request->level == VERIFY_FULL)
        digest_add(&probe->result.all, probe->row.data, probe->row.size);
    if (reasons)
        add_entry(probe, hash, reasons);
}

static Status scan_rows(Probe *probe, Error *err)
{
    for (;;) {
        Status status = db_step(probe->db, probe->scan, probe->action, err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        probe->result.rows++;
        if (probe->is_wide)
            take_wide(probe);
        else
            TRY(take_narrow(probe, err));
        if (probe->result.rows % STOP_CHECK_ROWS == 0)
            TRY(stop_check(err));
    }
}

/* `select fields from table [range] order by key [desc] limit 1`: an end of a chunk. */
static Status add_edge(Probe *probe, const Chunk *chunk, bool is_last, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "select ");
    layout_append_select(&sql, &probe->layout);
    text_append(&sql, " from ");
    range_append_from(&sql, probe->name);
    range_append_where(&sql, &probe->layout, &chunk->lower, &chunk->upper);
    layout_append_order(&sql, &probe->layout, is_last);
    text_append(&sql, " limit 1");
    TRY(db_prepare(probe->db, text_string(&sql), &statement, probe->action, err));
    TRY(range_bind(probe->db, statement, &probe->layout, &chunk->lower, &chunk->upper, err));
    Status status = db_step(probe->db, statement, probe->action, err);
    TRY(status);
    if (status == STATUS_DONE)
        return STATUS_OK;
    text_clear(&probe->key);
    row_append_key(&probe->key, probe->db, statement, &probe->layout);
    encode_whole_row(probe, statement);
    add_entry(probe, key_hash(probe->key.data, probe->key.size, probe->request->seed), CHOSEN_EDGE);
    return STATUS_OK;
}

static Status add_edges(Probe *probe, Error *err)
{
    for (size_t i = 0; i < probe->request->chunk_count; i++) {
        TRY(stop_check(err));
        TRY(add_edge(probe, &probe->request->chunks[i], false, err));
        TRY(add_edge(probe, &probe->request->chunks[i], true, err));
    }
    return STATUS_OK;
}

static void add_highest(Probe *probe, const Highest *highest)
{
    for (size_t i = 0; i < highest->count; i++)
        *probe_result_add(&probe->result) = highest->entries[i];
}

static Status add_risk_rows(Probe *probe, Error *err)
{
    if (!probe->request->pick_risk)
        return STATUS_OK;
    add_highest(probe, &probe->longest);
    add_highest(probe, &probe->nulls);
    if (probe->layout.key_count == 0) /* without a key there is no first and no last */
        return STATUS_OK;
    return add_edges(probe, err);
}

static Status count_rows(Probe *probe, Error *err)
{
    AUTO_TEXT Text sql = {0};
    int64_t rows = 0;
    text_append(&sql, "select count(*) from ");
    range_append_from(&sql, probe->name);
    db_stop_on_request(probe->db, true);
    Status status = db_integer(probe->db, text_string(&sql), 0, &rows, probe->action, err);
    db_stop_on_request(probe->db, false);
    TRY(status);
    probe->result.rows = (uint64_t)rows;
    return STATUS_OK;
}

static Status prepare_scan(Probe *probe, Error *err)
{
    AUTO_TEXT Text fields = {0};
    AUTO_TEXT Text from = {0};
    AUTO_TEXT Text sql = {0};
    layout_append_select(&fields, &probe->layout);
    text_append(&from, " from ");
    range_append_from(&from, probe->name);
    if (probe->is_wide) {
        text_append_format(&sql, "select %s%s", text_string(&fields), text_string(&from));
        layout_append_order(&sql, &probe->layout, false);
        return db_prepare(probe->db, text_string(&sql), &probe->scan, probe->action, err);
    }
    text_append(&sql, "select ");
    for (size_t part = 0; part < probe->layout.key_count; part++) {
        text_append(&sql, part ? ", " : "");
        layout_append_key_part(&sql, &probe->layout, part);
    }
    text_append(&sql, text_string(&from));
    layout_append_order(&sql, &probe->layout, false);
    TRY(db_prepare(probe->db, text_string(&sql), &probe->scan, probe->action, err));
    text_clear(&sql);
    text_append_format(&sql, "select %s%s", text_string(&fields), text_string(&from));
    range_append_equal(&sql, &probe->layout);
    return db_prepare(probe->db, text_string(&sql), &probe->lookup, probe->action, err);
}

static Status run_probe(Probe *probe, Error *err)
{
    const ProbeRequest *request = probe->request;
    TRY(layout_read(request->table, &probe->layout, err));
    if (request->level == VERIFY_NONE || request->level == VERIFY_COUNT)
        return count_rows(probe, err);
    probe->is_wide =
        request->level == VERIFY_FULL || request->pick_risk || probe->layout.key_count == 0;
    TRY(prepare_scan(probe, err));
    TRY(scan_rows(probe, err));
    TRY(add_risk_rows(probe, err));
    probe_result_sort(&probe->result);
    return STATUS_OK;
}

static Status sqlite_probe(Prober *base, const ProbeRequest *request, ProbeResult *ret, Error *err)
{
    SqliteProber *prober = (SqliteProber *)base;
    TRY(fault_before("prober.probe", err));
    __attribute__((cleanup(probe_release))) Probe probe = {
        .db = prober->db,
        .request = request,
        .name = request->staged ? request->table->staged_name : request->table->name,
        .longest = {.reason = CHOSEN_LONGEST},
        .nulls = {.reason = CHOSEN_NULLS},
    };
    probe.action = xasprintf("probe table %s", probe.name);
    TRY(run_probe(&probe, err));
    *ret = probe.result;
    probe.result = (ProbeResult){0};
    return STATUS_OK;
}

static void sqlite_prober_free(Prober *base)
{
    free(base);
}

static const ProberOps prober_ops = {
    .probe = sqlite_probe,
    .free = sqlite_prober_free,
};

Status sqlite_prober_new(Db *db, Prober **ret, Error *err)
{
    (void)err; /* kept for the day when it prepares something */
    SqliteProber *prober = xcalloc(1, sizeof(*prober));
    *prober = (SqliteProber){.base = {.ops = &prober_ops}, .db = db};
    *ret = &prober->base;
    return STATUS_OK;
}
