/*
 * First and last row of each chunk of a table that is cut by its key: in the order of the key, since
 * it is at the bounds that a range would lose a row or have it twice. Each is looked up by the index
 * of the key, in the same snapshot as the scan; entries of their own, whatever else a row is chosen
 * for.
 */
#include "engine/connect/postgres/probe.h"

#include "engine/base/memory.h"
#include "engine/base/stop.h"

enum {
    BATCH_CHUNKS = 50, /* in one statement */
};

static Status take_row(Probe *probe, const uint8_t *row, size_t size, void *context, Error *err)
{
    (void)context;
    Digest digest = {0};
    TRY(row_parts_read(&probe->parts, probe->request->table->format, row, size,
                       probe->relation.column_count, err));
    text_clear(&probe->key_bytes);
    row_parts_append(&probe->parts, probe->key, probe->key_count, &probe->key_bytes);
    digest_add(&digest, row, size);
    *probe_result_add(&probe->result) = (ProbeEntry){
        .key_hash = key_hash(probe->key_bytes.data, probe->key_bytes.size, probe->request->seed),
        .row_low = digest.low,
        .row_high = digest.high,
        .reasons = CHOSEN_EDGE};
    return STATUS_OK;
}

static Status append_edge(Text *sql, const Probe *probe, const Chunk *chunk, const char *order,
                          Error *err)
{
    text_append_format(sql, "%s(SELECT %s FROM ", sql->size ? " UNION ALL " : "COPY (",
                       probe->relation.columns);
    pg_relation_append_from(sql, &probe->relation);
    TRY(pg_relation_append_key_range(sql, &probe->relation, chunk, err));
    text_append_format(sql, " ORDER BY %s %s LIMIT 1)", probe->relation.range_key, order);
    return STATUS_OK;
}

static Status look_up(Probe *probe, const Chunk *chunks, size_t count, Error *err)
{
    AUTO_TEXT Text sql = {0};
    for (size_t i = 0; i < count; i++) {
        TRY(append_edge(&sql, probe, &chunks[i], "ASC", err));
        TRY(append_edge(&sql, probe, &chunks[i], "DESC", err));
    }
    text_append(&sql, ")");
    pg_append_copy_options(&sql, probe->request->table->format,
                           pg_server_encoding(probe->connection));
    return probe_copy(probe, text_string(&sql), take_row, NULL, err);
}

Status probe_edges(Probe *probe, Error *err)
{
    const ProbeRequest *request = probe->request;
    if (!probe->picks_risk || !probe->relation.range_key)
        return STATUS_OK;
    for (size_t done = 0; done < request->chunk_count; done += BATCH_CHUNKS) {
        size_t left = request->chunk_count - done;
        TRY(stop_check(err));
        TRY(look_up(probe, request->chunks + done, left < BATCH_CHUNKS ? left : BATCH_CHUNKS, err));
    }
    return STATUS_OK;
}
