/*
 * The scan of a probe: one COPY over the whole table, with no regard to chunks. Fields of a narrow
 * row: the key's parts, then the extras; of a wide row: all carried columns, then the extras.
 * Extras: ctid, tableoid of a partitioned table; narrow only, where risk is wanted: bytes and NULLs,
 * in one number, because each field costs time in each row.
 */
#include "engine/connect/postgres/probe.h"

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/flow/names.h"

enum {
    ARGUMENTS_MAX = 100, /* of a function call, for any server */
    NULLS_ROOM = 2048,   /* more than a table has columns */
};

typedef struct Scan {
    Text sql;
    size_t own_count; /* fields of the key or the row */
    size_t extra_count;
    bool has_measures;
} Scan;

static void scan_release(Scan *scan)
{
    text_release(&scan->sql);
}

/* ---- the statement ---- */

static void append_key(Text *sql, const Probe *probe)
{
    const Table *table = probe->request->table;
    for (size_t part = 0; part < probe->key_count; part++) {
        size_t carried = 0;
        for (size_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].is_generated || carried++ != probe->key[part])
                continue;
            text_append(sql, part ? ", " : "");
            quote_identifier(sql, table->columns[i].name);
        }
    }
}

/* Sums, over columns of variable length, what they take up where they are stored. */
static void append_bytes(Text *sql, const PgRows *columns)
{
    text_append(sql, ", (0::pg_catalog.int8");
    for (size_t i = 0; i < pg_row_count(columns); i++) {
        bool may_be_null = pg_is_true(columns, i, 2);
        if (!pg_is_true(columns, i, 1))
            continue;
        text_append(sql, may_be_null ? " + coalesce(" : " + ");
        text_append(sql, "pg_catalog.pg_column_size(");
        quote_identifier(sql, pg_value(columns, i, 0));
        text_append(sql, may_be_null ? "), 0)" : ")");
    }
    text_append_format(sql, ") * %d", NULLS_ROOM);
}

static void append_nulls(Text *sql, const PgRows *columns)
{
    size_t count = 0;
    for (size_t i = 0; i < pg_row_count(columns); i++) {
        if (!pg_is_true(columns, i, 2))
            continue;
        text_append(sql, count % ARGUMENTS_MAX ? ", " : " + pg_catalog.num_nulls(");
        quote_identifier(sql, pg_value(columns, i, 0));
        if (++count % ARGUMENTS_MAX == 0)
            text_append(sql, ")");
    }
    text_append(sql, count % ARGUMENTS_MAX ? ")" : "");
}

static Status append_measures(Text *sql, const Probe *probe, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *columns = NULL;
    const char *name = probe->relation.name;
    TRY(pg_query_bound(probe->connection,
                       "select attname, attlen = -1, not attnotnull from pg_catalog.pg_attribute "
                       "where attrelid = $1::pg_catalog.regclass and attnum > 0 "
                       "and not attisdropped and attgenerated = '' order by attnum",
                       &name, 1, &columns, err));
    append_bytes(sql, columns);
    append_nulls(sql, columns);
    return STATUS_OK;
}

static Status make_statement(const Probe *probe, Scan *scan, Error *err)
{
    const char *encoding = pg_server_encoding(probe->connection);
    scan->own_count = probe->is_wide ? probe->relation.column_count : probe->key_count;
    if (!probe->has_place)
        return pg_relation_append_copy(&scan->sql, &probe->relation, NULL, encoding, err);
    text_append(&scan->sql, "COPY (SELECT ");
    if (probe->is_wide)
        text_append(&scan->sql, probe->relation.columns);
    else
        append_key(&scan->sql, probe);
    text_append(&scan->sql, scan->own_count ? ", ctid" : "ctid");
    text_append(&scan->sql, probe->relation.is_partitioned ? ", tableoid" : "");
    scan->extra_count = probe->relation.is_partitioned ? 2 : 1;
    scan->has_measures = probe->picks_risk && !probe->is_wide;
    if (scan->has_measures) {
        TRY(append_measures(&scan->sql, probe, err));
        scan->extra_count++;
    }
    text_append(&scan->sql, " FROM ");
    pg_relation_append_from(&scan->sql, &probe->relation);
    text_append(&scan->sql, ")");
    pg_append_copy_options(&scan->sql, probe->request->table->format, encoding);
    return STATUS_OK;
}

/* ---- a row ---- */

static void hash_row(ProbeEntry *entry, const void *row, size_t size)
{
    Digest digest = {0};
    digest_add(&digest, row, size);
    entry->row_low = digest.low;
    entry->row_high = digest.high;
}

static Status read_address(const Probe *probe, const Scan *scan, RowAddress *ret, Error *err)
{
    uint64_t leaf = 0;
    TRY(row_parts_tid(&probe->parts, scan->own_count, &ret->block, &ret->offset, err));
    if (probe->relation.is_partitioned)
        TRY(row_parts_number(&probe->parts, scan->own_count + 1, &leaf, err));
    ret->leaf = (uint32_t)leaf;
    return STATUS_OK;
}

static Status offer_measures(Probe *probe, const Scan *scan, const Candidate *candidate,
                             size_t row_size, Error *err)
{
    uint64_t bytes = row_size;
    uint64_t nulls = 0;
    if (scan->has_measures) {
        size_t at = scan->own_count + scan->extra_count - 1;
        TRY(row_parts_number(&probe->parts, at, &bytes, err));
        nulls = bytes % NULLS_ROOM;
        bytes /= NULLS_ROOM;
    } else {
        for (size_t i = 0; i < scan->own_count; i++)
            nulls += row_parts_is_null(&probe->parts, i);
    }
    choice_offer_measure(&probe->longest, bytes, candidate);
    choice_offer_measure(&probe->nulls, nulls, candidate);
    return STATUS_OK;
}

/* The key of a wide row, where it is not all of it. */
static void make_key(Probe *probe, const uint8_t *row, size_t size, const void **ret,
                     size_t *ret_size)
{
    *ret = row;
    *ret_size = size;
    if (probe->is_wide && probe->key_count == 0)
        return;
    text_clear(&probe->key_bytes);
    row_parts_append(&probe->parts, probe->is_wide ? probe->key : NULL, probe->key_count,
                     &probe->key_bytes);
    *ret = probe->key_bytes.data;
    *ret_size = probe->key_bytes.size;
}

/* The row itself, without the extras. */
static void strip_extras(Probe *probe, const Scan *scan, const uint8_t **row, size_t *size)
{
    if (!probe->is_wide || scan->extra_count == 0)
        return;
    if (probe->row_bytes.capacity > 4 * (size_t)BLOCK_TARGET_BYTES)
        text_release(&probe->row_bytes);
    text_clear(&probe->row_bytes);
    row_parts_append(&probe->parts, NULL, scan->own_count, &probe->row_bytes);
    *row = (const uint8_t *)probe->row_bytes.data;
    *size = probe->row_bytes.size;
}

static Status take_row(Probe *probe, const uint8_t *row, size_t size, void *context, Error *err)
{
    const Scan *scan = context;
    const void *key = NULL;
    size_t key_size = 0;
    Candidate candidate = {0};
    TRY(row_parts_read(&probe->parts, probe->request->table->format, row, size,
                       scan->own_count + scan->extra_count, err));
    strip_extras(probe, scan, &row, &size);
    make_key(probe, row, size, &key, &key_size);
    probe->result.rows++;
    digest_add(&probe->result.keys, key, key_size);
    candidate.entry.key_hash = key_hash(key, key_size, probe->request->seed);
    if (probe->is_wide)
        hash_row(&candidate.entry, row, size);
    if (probe->request->level == VERIFY_FULL)
        digest_add(&probe->result.all, row, size);
    if (probe->has_place)
        TRY(read_address(probe, scan, &candidate.at, err));
    uint32_t reasons = choice_by_hash(probe->request, candidate.entry.key_hash);
    if (reasons)
        choice_add(probe, &candidate, reasons);
    if (!probe->picks_risk)
        return STATUS_OK;
    choice_offer_edge(probe, &candidate);
    return offer_measures(probe, scan, &candidate, size, err);
}

/* ---- the scan ---- */

static Status take_block(Probe *probe, const Block *block, TakeRow take, void *context, Error *err)
{
    size_t at = 0;
    while (at < block->size) {
        size_t size = 0;
        TRY(row_next(probe->request->table->format, block->data + at, block->size - at, &size,
                     err));
        TRY(take(probe, block->data + at, size, context, err));
        at += size;
    }
    return STATUS_OK;
}

Status probe_copy(Probe *probe, const char *sql, TakeRow take, void *context, Error *err)
{
    uint64_t rows = 0;
    copy_rows_begin(&probe->rows, probe->request->table->format);
    TRY(pg_copy_out(probe->connection, sql, err));
    for (;;) {
        const uint8_t *data = NULL;
        size_t size = 0;
        Block block = {0};
        Status status = pg_copy_read(probe->connection, &data, &size, err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        TRY(copy_rows_take(&probe->rows, data, size, &block, err));
        TRY(take_block(probe, &block, take, context, err));
        rows += block.rows;
        if (block.rows > 0 && rows % STOP_CHECK_ROWS < block.rows)
            TRY(stop_check(err));
    }
    if (probe->rows.largest > probe->largest_row)
        probe->largest_row = probe->rows.largest;
    return copy_rows_end(&probe->rows, err);
}

Status probe_scan(Probe *probe, Error *err)
{
    __attribute__((cleanup(scan_release))) Scan scan = {0};
    TRY(make_statement(probe, &scan, err));
    TRY(probe_copy(probe, text_string(&scan.sql), take_row, &scan, err));
    choice_add_risk(probe);
    return STATUS_OK;
}
