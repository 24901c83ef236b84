/*
 * Looks up the rows that a narrow scan has chosen, by their place, in the same snapshot: a batch is
 * asked for in the order of places and comes in that order, so that row and choice pair up.
 */
#include "engine/connect/postgres/probe.h"

#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/base/stop.h"

enum {
    BATCH_ROWS = 4000, /* a round trip each, and a sort of so many rows */
};

/* The places are known: a table of some size, read as a whole for each batch, would only look cheaper
 * to a planner that takes each place for a seek. */
static const char by_place_only[] = "SET LOCAL enable_seqscan = off; "
                                    "SET LOCAL enable_indexscan = off; "
                                    "SET LOCAL enable_bitmapscan = off; ";
static const char by_any_way[] = "; SET LOCAL enable_seqscan TO DEFAULT; "
                                 "SET LOCAL enable_indexscan TO DEFAULT; "
                                 "SET LOCAL enable_bitmapscan TO DEFAULT";

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_addresses(const RowAddress *a, const RowAddress *b)
{
    int order = compare_numbers(a->leaf, b->leaf);
    if (order == 0)
        order = compare_numbers(a->block, b->block);
    return order ? order : compare_numbers(a->offset, b->offset);
}

static int compare_wanted(const void *left, const void *right)
{
    const Wanted *a = left;
    const Wanted *b = right;
    return compare_addresses(&a->at, &b->at);
}

/* By place, each row once with all its reasons. */
static void put_in_order(Probe *probe)
{
    size_t kept = 0;
    qsort(probe->wanted, probe->wanted_count, sizeof(Wanted), compare_wanted);
    for (size_t i = 0; i < probe->wanted_count; i++) {
        const Wanted *next = &probe->wanted[i];
        if (kept > 0 && compare_addresses(&probe->wanted[kept - 1].at, &next->at) == 0)
            probe->wanted[kept - 1].reasons |= next->reasons;
        else
            probe->wanted[kept++] = *next;
    }
    probe->wanted_count = kept;
}

typedef struct Batch {
    const Wanted *wanted;
    size_t count;
    size_t found;
} Batch;

static Status lose_row(Error *err)
{
    return error_set(err, STATUS_FAILED, "a row is not found at the place where it was seen");
}

static Status take_row(Probe *probe, const uint8_t *row, size_t size, void *context, Error *err)
{
    Batch *batch = context;
    Digest digest = {0};
    if (batch->found == batch->count)
        return lose_row(err);
    const Wanted *wanted = &batch->wanted[batch->found++];
    digest_add(&digest, row, size);
    *probe_result_add(&probe->result) = (ProbeEntry){.key_hash = wanted->key_hash,
                                                     .row_low = digest.low,
                                                     .row_high = digest.high,
                                                     .reasons = wanted->reasons};
    return STATUS_OK;
}

static Status fetch_batch(Probe *probe, const char *name, Batch *batch, Error *err)
{
    AUTO_TEXT Text sql = {0};
    text_append(&sql, by_place_only);
    text_append_format(&sql, "COPY (SELECT %s FROM ONLY %s WHERE ctid = ANY ('{",
                       probe->relation.columns, name);
    for (size_t i = 0; i < batch->count; i++)
        text_append_format(&sql, "%s\"(%u,%u)\"", i ? "," : "", batch->wanted[i].at.block,
                           batch->wanted[i].at.offset);
    text_append(&sql, "}'::pg_catalog.tid[]) ORDER BY ctid)");
    pg_append_copy_options(&sql, probe->request->table->format,
                           pg_server_encoding(probe->connection));
    text_append(&sql, by_any_way);
    TRY(probe_copy(probe, text_string(&sql), take_row, batch, err));
    return batch->found == batch->count ? STATUS_OK : lose_row(err);
}

static Status name_leaf(Probe *probe, uint32_t leaf, char **ret, Error *err)
{
    AUTO_FREE_MEMORY char *sql =
        xasprintf("select %u::pg_catalog.regclass", leaf); /* with a schema where it needs one */
    if (!probe->relation.is_partitioned) {
        *ret = xstrdup(probe->relation.name);
        return STATUS_OK;
    }
    return pg_query_text(probe->connection, sql, ret, err);
}

static Status fetch_leaf(Probe *probe, const Wanted *wanted, size_t count, Error *err)
{
    AUTO_FREE_MEMORY char *name = NULL;
    TRY(name_leaf(probe, wanted->at.leaf, &name, err));
    for (size_t done = 0; done < count; done += BATCH_ROWS) {
        size_t left = count - done;
        Batch batch = {.wanted = wanted + done, .count = left < BATCH_ROWS ? left : BATCH_ROWS};
        TRY(stop_check(err));
        TRY(fetch_batch(probe, name, &batch, err));
    }
    return STATUS_OK;
}

Status probe_fetch(Probe *probe, Error *err)
{
    if (probe->wanted_count == 0)
        return STATUS_OK;
    put_in_order(probe);
    for (size_t first = 0, end = 0; first < probe->wanted_count; first = end) {
        while (end < probe->wanted_count &&
               probe->wanted[end].at.leaf == probe->wanted[first].at.leaf)
            end++;
        TRY(fetch_leaf(probe, &probe->wanted[first], end - first, err));
    }
    return STATUS_OK;
}
