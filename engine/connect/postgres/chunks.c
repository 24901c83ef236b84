/*
 * Chunks are ranges of blocks (ctid), so that reading a table by chunks costs no more than reading
 * it at once, needs no key and no index, and finds toasted values in the order they were written.
 *
 *  C1  Sizes come from the files (trap 22: relpages may be 0 for a table with rows), as they are
 *      now: they are at least what the snapshot sees. The first range is open below and the last
 *      one above, so no row can fall beside the plan, whatever the sizes said.
 *  C2  A block of the heap weighs its share of the table with its TOAST.
 *  C3  Before 14 a server answers each range of blocks with a scan of the whole table: describe has
 *      set KEY_COLUMNS there, for ranges of the key, where it has one that serves (key_ranges.c). All
 *      others stay one chunk, and so does, for all we know, a table that is no heap: it is read by
 *      one worker and begun again as a whole.
 */
#include "engine/connect/postgres/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/key_ranges.h"
#include "engine/connect/postgres/relation.h"

enum {
    SAMPLE_BLOCKS = 128,
};

__extension__ typedef unsigned __int128 Wide; /* bytes times blocks */

/* A table, or a leaf of one. */
typedef struct Leaf {
    uint64_t blocks;
    uint64_t bytes; /* with TOAST; 0 when it has no block */
    uint64_t rows;
} Leaf;

typedef struct Planner {
    PgConnection *connection;
    PgRelation relation;
    Leaf *leaves; /* one for a table that has none */
    size_t leaf_count;
    uint64_t blocks; /* of all leaves */
    uint64_t bytes;
    uint64_t rows;
    bool is_cuttable;
} Planner;

static void planner_release(Planner *planner)
{
    pg_relation_release(&planner->relation);
    free(planner->leaves);
}

static const char *leaf_name(const Planner *planner, size_t leaf)
{
    return planner->relation.is_partitioned ? planner->relation.leaves.items[leaf]
                                            : planner->relation.name;
}

/* ---- measuring ---- */

static Status query_sizes(const Planner *planner, PgRows **ret, Error *err)
{
    AUTO_TEXT Text sql = {0};
    text_append(&sql,
                "select pg_relation_size(c.oid) / current_setting('block_size')::bigint, "
                "pg_table_size(c.oid), c.relpages, c.reltuples::bigint, coalesce(a.amname, 'heap') "
                "from (values ");
    for (size_t i = 0; i < planner->leaf_count; i++) {
        text_append_format(&sql, "%s(%zu, ", i ? ", " : "", i);
        pg_quote_literal(&sql, leaf_name(planner, i));
        text_append(&sql, "::pg_catalog.regclass::pg_catalog.oid)");
    }
    text_append(&sql, ") as l(place, relation) join pg_class c on c.oid = l.relation "
                      "left join pg_am a on a.oid = c.relam order by l.place");
    return pg_query(planner->connection, text_string(&sql), ret, err);
}

/*
 * Of a table that was never analyzed: what about SAMPLE_BLOCKS blocks hold. The server's planner
 * would only guess, from the types of the columns, and the size of samples follows from this.
 */
static Status count_sample(const Planner *planner, size_t i, uint64_t *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};
    uint64_t blocks = planner->leaves[i].blocks;
    double percent = blocks > SAMPLE_BLOCKS ? 100.0 * SAMPLE_BLOCKS / (double)blocks : 100.0;
    text_append_format(&sql,
                       "select count(*) from only %s tablesample system (%.9f) repeatable (1)",
                       leaf_name(planner, i), percent);
    TRY(pg_query(planner->connection, text_string(&sql), &rows, err));
    *ret = (uint64_t)((double)pg_unsigned(rows, 0, 0) * 100.0 / percent);
    return STATUS_OK;
}

/* Columns of query_sizes(). Rows: the density at the last ANALYZE, for the size of now. */
static Status measure_leaf(Planner *planner, const PgRows *sizes, size_t i, Error *err)
{
    Leaf *leaf = &planner->leaves[i];
    int64_t pages = pg_integer(sizes, i, 2);
    int64_t tuples = pg_integer(sizes, i, 3);
    leaf->blocks = pg_unsigned(sizes, i, 0);
    bool is_heap = strcmp(pg_value(sizes, i, 4), "heap") == 0;
    if (!is_heap)
        planner->is_cuttable = false;
    if (leaf->blocks == 0)
        return STATUS_OK;
    leaf->bytes = pg_unsigned(sizes, i, 1);
    if (pages > 0 && tuples > 0)
        leaf->rows = (uint64_t)((double)tuples / (double)pages * (double)leaf->blocks);
    else if (is_heap)
        TRY(count_sample(planner, i, &leaf->rows, err));
    planner->blocks += leaf->blocks;
    planner->bytes += leaf->bytes;
    planner->rows += leaf->rows;
    return STATUS_OK;
}

static Status measure(Planner *planner, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *sizes = NULL;
    if (planner->leaf_count == 0)
        return STATUS_OK;
    TRY(query_sizes(planner, &sizes, err));
    if (pg_row_count(sizes) != planner->leaf_count)
        return error_set(err, STATUS_FAILED, "a part of the table cannot be measured");
    for (size_t i = 0; i < planner->leaf_count; i++)
        TRY(measure_leaf(planner, sizes, i, err));
    return STATUS_OK;
}

/* ---- cutting ---- */

/* The place at so many bytes of the whole: C2. */
static PgPlace place_at(const Planner *planner, uint64_t offset)
{
    uint32_t leaf = 0;
    while (leaf + 1 < planner->leaf_count && offset >= planner->leaves[leaf].bytes) {
        offset -= planner->leaves[leaf].bytes;
        leaf++;
    }
    const Leaf *found = &planner->leaves[leaf];
    uint64_t block = found->bytes ? (uint64_t)((Wide)offset * found->blocks / found->bytes) : 0;
    return (PgPlace){.leaf = leaf, .block = (uint32_t)block};
}

static bool is_before(PgPlace a, PgPlace b)
{
    return a.leaf < b.leaf || (a.leaf == b.leaf && a.block < b.block);
}

/* bound is empty for the first; it ends the chunk before. */
static void add_chunk(const Planner *planner, Plan *plan, uint32_t number, Bytes bound)
{
    Chunk *chunk = plan_add_chunk(plan);
    chunk->table_id = planner->relation.table->id;
    chunk->number = number;
    if (bound.size == 0)
        return;
    chunk->lower = bound;
    plan->chunks[plan->chunk_count - 2].upper = bytes_copy(bound.data, bound.size);
}

static uint64_t count_chunks(const Planner *planner, uint64_t chunk_bytes)
{
    uint64_t wanted = chunk_bytes ? chunk_bytes : 1;
    uint64_t count = planner->bytes / wanted + (planner->bytes % wanted != 0);
    if (!planner->is_cuttable || count == 0)
        return 1;
    return count < planner->blocks ? count : planner->blocks;
}

static void cut_by_place(const Planner *planner, uint64_t count, Plan *plan)
{
    uint32_t number = 1;
    PgPlace last = {0};
    for (uint64_t i = 1; i < count; i++) {
        PgPlace bound = place_at(planner, (uint64_t)((Wide)planner->bytes * i / count));
        if (!is_before(last, bound))
            continue;
        add_chunk(planner, plan, ++number, pg_place_bytes(&planner->relation, bound));
        last = bound;
    }
}

static void cut_by_key(const Planner *planner, const TextList *bounds, Plan *plan)
{
    for (size_t i = 0; i < bounds->count; i++)
        add_chunk(planner, plan, (uint32_t)i + 2,
                  bytes_copy(bounds->items[i], strlen(bounds->items[i])));
}

/* Nothing is added to the plan before all that may fail is done. */
static Status cut(const Planner *planner, uint64_t chunk_bytes, Plan *plan, Error *err)
{
    AUTO_TEXT_LIST TextList bounds = {0};
    uint64_t count = count_chunks(planner, chunk_bytes);
    bool is_by_key = planner->relation.range_key != NULL;
    size_t first = plan->chunk_count;
    if (is_by_key && count > 1)
        TRY(pg_key_bounds(planner->connection, &planner->relation, planner->blocks, count, &bounds,
                          err));
    add_chunk(planner, plan, 1, (Bytes){0});
    if (is_by_key)
        cut_by_key(planner, &bounds, plan);
    else
        cut_by_place(planner, count, plan);
    for (size_t i = first; i < plan->chunk_count; i++)
        plan->chunks[i].byte_estimate = planner->bytes / (plan->chunk_count - first);
    return STATUS_OK;
}

Status pg_plan_chunks(PgConnection *connection, Table *table, uint64_t chunk_bytes, Plan *plan,
                      Error *err)
{
    __attribute__((cleanup(planner_release))) Planner planner = {
        .connection = connection,
        .is_cuttable = table->key == KEY_COLUMNS || /* C3 */
                       pg_server_major(connection) >= PG_MAJOR_WITH_TID_RANGES,
    };
    TRY(pg_relation_read(table, false, &planner.relation, err));
    planner.leaf_count = planner.relation.is_partitioned ? planner.relation.leaves.count : 1;
    planner.leaves = xcalloc(planner.leaf_count + 1, sizeof(Leaf));
    TRY(measure(&planner, err));
    table->row_estimate = planner.rows;
    table->byte_estimate = planner.bytes;
    return cut(&planner, chunk_bytes, plan, err);
}
