#include "engine/connect/sqlite/chunks.h"

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/sqlite/layout.h"
#include "engine/connect/sqlite/range.h"

enum {
    SAMPLE_POINTS = 64,
    SAMPLE_ROWS = 4, /* at each point */
    /* Where a bound cannot be sought, each may cost a scan of what lies before it. */
    UNSEEKABLE_SAMPLE_POINTS = 8,
    UNSEEKABLE_CHUNKS_MAX = 32,
};

__extension__ typedef unsigned __int128 Wide; /* the span of rowids does not fit 64 bits */

typedef struct Planner {
    Db *db;
    Table *table;
    Plan *plan;
    Layout layout;
    uint64_t rows;
    int64_t first_rowid; /* with key_is_rowid, of a table with rows */
    int64_t last_rowid;
    uint64_t sampled_rows;
    uint64_t sampled_bytes;
} Planner;

static void planner_release(Planner *planner)
{
    layout_release(&planner->layout);
}

static const Bytes open_bound = {0};

static Status count_rows(Planner *planner, Error *err)
{
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "select count(*) from ");
    range_append_from(&sql, planner->table->name);
    int64_t rows = 0;
    TRY(db_integer(planner->db, text_string(&sql), 0, &rows, "count rows", err));
    planner->rows = (uint64_t)rows;
    return STATUS_OK;
}

static Status read_end(Planner *planner, const char *function, int64_t *ret, Error *err)
{
    AUTO_TEXT Text sql = {0};
    text_append_format(&sql, "select %s(", function);
    layout_append_key_part(&sql, &planner->layout, 0);
    text_append(&sql, ") from ");
    range_append_from(&sql, planner->table->name);
    return db_integer(planner->db, text_string(&sql), 0, ret, "find the ends of a table", err);
}

/* `select fields from table [where key >= ?] order by key limit L offset O`. */
static Status prepare_from(Planner *planner, bool has_lower, const char *tail, DbStatement **ret,
                           Error *err)
{
    const Bytes some_bound = {.size = 1}; /* only its being there counts */
    AUTO_TEXT Text sql = {0};
    text_append(&sql, "select ");
    layout_append_select(&sql, &planner->layout);
    text_append(&sql, " from ");
    range_append_from(&sql, planner->table->name);
    range_append_where(&sql, &planner->layout, has_lower ? &some_bound : &open_bound, &open_bound);
    layout_append_order(&sql, &planner->layout, false);
    text_append(&sql, tail);
    return db_prepare(planner->db, text_string(&sql), ret, "plan a table", err);
}

static void encode_rowid(Text *text, int64_t rowid)
{
    const Value value = {.type = VALUE_INTEGER, .integer = rowid};
    text_clear(text);
    encode_row(text, 1);
    encode_value(text, &value);
}

static Bytes view_bytes(const Text *text)
{
    return (Bytes){.data = (uint8_t *)text->data, .size = text->size};
}

static Status measure_rows(Planner *planner, DbStatement *statement, Error *err)
{
    for (;;) {
        Status status = db_step(planner->db, statement, "measure rows", err);
        TRY(status);
        if (status == STATUS_DONE)
            break;
        planner->sampled_rows++;
        planner->sampled_bytes += row_size(planner->db, statement, planner->layout.field_count);
    }
    (void)sqlite3_reset(statement); /* at its end: nothing to report */
    return STATUS_OK;
}

static Wide rowid_span(const Planner *planner)
{
    return (Wide)((uint64_t)planner->last_rowid - (uint64_t)planner->first_rowid) + 1;
}

/* The i-th of n even steps from the first rowid. */
static int64_t rowid_at(const Planner *planner, uint64_t i, uint64_t n)
{
    uint64_t offset = (uint64_t)(rowid_span(planner) * i / n);
    return (int64_t)((uint64_t)planner->first_rowid + offset);
}

static Status measure_by_rowid(Planner *planner, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *statement = NULL;
    AUTO_TEXT Text key = {0};
    AUTO_FREE_MEMORY char *tail = xasprintf(" limit %d", SAMPLE_ROWS);
    TRY(read_end(planner, "min", &planner->first_rowid, err));
    TRY(read_end(planner, "max", &planner->last_rowid, err));
    TRY(prepare_from(planner, true, tail, &statement, err));
    for (uint64_t i = 0; i < SAMPLE_POINTS; i++) {
        encode_rowid(&key, rowid_at(planner, i, SAMPLE_POINTS));
        const Bytes lower = view_bytes(&key);
        TRY(range_bind(planner->db, statement, &planner->layout, &lower, &open_bound, err));
        TRY(measure_rows(planner, statement, err));
    }
    return STATUS_OK;
}

/*
 * One step along the key: the row that lies `step` rows after the one with key *at (empty: after
 * the first row), whose key replaces it. STATUS_DONE when there is none.
 */
typedef struct Walk {
    Planner *planner;
    DbStatement *first;
    DbStatement *next;
    uint64_t step;
    Text at;
} Walk;

static void walk_release(Walk *walk)
{
    db_finalize(walk->first);
    db_finalize(walk->next);
    text_release(&walk->at);
}

static Status walk_begin(Planner *planner, uint64_t step, Walk *ret, Error *err)
{
    AUTO_FREE_MEMORY char *tail = xasprintf(" limit 1 offset %llu", (unsigned long long)step);
    ret->planner = planner;
    ret->step = step;
    TRY(prepare_from(planner, false, tail, &ret->first, err));
    return prepare_from(planner, true, tail, &ret->next, err);
}

static Status walk_step(Walk *walk, Error *err)
{
    Planner *planner = walk->planner;
    AUTO_TEXT Text key = {0};
    DbStatement *statement = walk->at.size ? walk->next : walk->first;
    const Bytes lower = view_bytes(&walk->at);
    TRY(stop_check(err));
    TRY(range_bind(planner->db, statement, &planner->layout, &lower, &open_bound, err));
    Status status = db_step(planner->db, statement, "walk along a key", err);
    TRY(status);
    if (status == STATUS_OK) {
        row_append_key(&key, planner->db, statement, &planner->layout);
        planner->sampled_rows++;
        planner->sampled_bytes += row_size(planner->db, statement, planner->layout.field_count);
    }
    (void)sqlite3_reset(statement); /* at a row or its end: nothing to report */
    text_clear(&walk->at);
    text_append_bytes(&walk->at, text_string(&key), key.size);
    return status;
}

static Status measure_by_walking(Planner *planner, Error *err)
{
    __attribute__((cleanup(walk_release))) Walk walk = {0};
    bool can_seek = range_can_seek(&planner->layout);
    uint64_t step = planner->rows / (can_seek ? SAMPLE_POINTS : UNSEEKABLE_SAMPLE_POINTS);
    TRY(walk_begin(planner, step ? step : 1, &walk, err));
    Status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = walk_step(&walk, err);
        TRY(status);
    }
    return STATUS_OK;
}

static Status measure(Planner *planner, Error *err)
{
    if (planner->rows == 0)
        return STATUS_OK;
    if (planner->layout.key_is_rowid)
        TRY(measure_by_rowid(planner, err));
    else if (planner->layout.key_count && planner->rows > SAMPLE_POINTS)
        TRY(measure_by_walking(planner, err));
    else {
        AUTO_FREE(db_finalize) DbStatement *statement = NULL;
        AUTO_FREE_MEMORY char *tail = xasprintf(" limit %d", SAMPLE_POINTS);
        TRY(prepare_from(planner, false, tail, &statement, err));
        TRY(measure_rows(planner, statement, err));
    }
    double average = planner->sampled_rows
                         ? (double)planner->sampled_bytes / (double)planner->sampled_rows
                         : 1.0;
    planner->table->row_estimate = planner->rows;
    planner->table->byte_estimate = (uint64_t)(average * (double)planner->rows);
    return STATUS_OK;
}

/* lower is taken over; the chunk's upper bound is set by the next one. */
static void add_chunk(Planner *planner, uint32_t number, uint64_t bytes, const Text *bound)
{
    Plan *plan = planner->plan;
    Chunk *chunk = plan_add_chunk(plan);
    chunk->table_id = planner->table->id;
    chunk->number = number;
    chunk->byte_estimate = bytes;
    if (!bound)
        return;
    chunk->lower = bytes_copy(bound->data, bound->size);
    plan->chunks[plan->chunk_count - 2].upper = bytes_copy(bound->data, bound->size);
}

static void cut_by_arithmetic(Planner *planner, uint64_t chunk_count)
{
    AUTO_TEXT Text bound = {0};
    uint64_t bytes = planner->table->byte_estimate / chunk_count;
    add_chunk(planner, 1, bytes, NULL);
    for (uint64_t i = 1; i < chunk_count; i++) {
        encode_rowid(&bound, rowid_at(planner, i, chunk_count));
        add_chunk(planner, (uint32_t)(i + 1), bytes, &bound);
    }
}

static Status cut_by_walking(Planner *planner, uint64_t chunk_count, Error *err)
{
    __attribute__((cleanup(walk_release))) Walk walk = {0};
    uint64_t step = (planner->rows + chunk_count - 1) / chunk_count;
    uint64_t bytes = planner->table->byte_estimate / chunk_count;
    TRY(walk_begin(planner, step, &walk, err));
    add_chunk(planner, 1, bytes, NULL);
    for (uint32_t number = 2;; number++) {
        Status status = walk_step(&walk, err);
        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        add_chunk(planner, number, bytes, &walk.at);
    }
}

static Status cut(Planner *planner, uint64_t chunk_bytes, Error *err)
{
    const Table *table = planner->table;
    uint64_t wanted = chunk_bytes ? chunk_bytes : 1;
    uint64_t chunk_count = table->byte_estimate / wanted + (table->byte_estimate % wanted != 0);
    if (chunk_count > planner->rows)
        chunk_count = planner->rows;
    if (!range_can_seek(&planner->layout) && chunk_count > UNSEEKABLE_CHUNKS_MAX)
        chunk_count = UNSEEKABLE_CHUNKS_MAX;
    if (chunk_count > UINT32_MAX)
        return error_set(err, STATUS_INVALID, "chunks of table \"%s\" would be too many",
                         table->name);
    if (chunk_count <= 1 || planner->layout.key_count == 0) {
        add_chunk(planner, 1, table->byte_estimate, NULL);
        return STATUS_OK;
    }
    bool is_dense = planner->layout.key_is_rowid && (Wide)planner->rows * 2 >= rowid_span(planner);
    if (!is_dense)
        return cut_by_walking(planner, chunk_count, err);
    cut_by_arithmetic(planner, chunk_count);
    return STATUS_OK;
}

Status sqlite_plan_chunks(Db *db, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err)
{
    __attribute__((cleanup(planner_release)))
    Planner planner = {.db = db, .table = table, .plan = plan};
    TRY(layout_read(table, &planner.layout, err));
    TRY(count_rows(&planner, err));
    TRY(measure(&planner, err));
    return cut(&planner, chunk_bytes, err);
}
