/*
 * Which rows are looked at: by the hash of their key, and, where risk is wanted, the first and last
 * of each chunk, the longest, and those with the most NULLs.
 */
#include "engine/connect/postgres/probe.h"

#include "engine/base/memory.h"

/* ---- edges ---- */

static Status find_leaf_oids(Probe *probe, Error *err)
{
    const TextList *leaves = &probe->relation.leaves;
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};
    if (leaves->count == 0)
        return STATUS_OK;
    text_append(&sql, "select l.relation from (values ");
    for (size_t i = 0; i < leaves->count; i++) {
        text_append_format(&sql, "%s(%zu, ", i ? ", " : "", i);
        pg_quote_literal(&sql, leaves->items[i]);
        text_append(&sql, "::pg_catalog.regclass::pg_catalog.oid)");
    }
    text_append(&sql, ") as l(place, relation) order by l.place");
    TRY(pg_query(probe->connection, text_string(&sql), &rows, err));
    probe->leaf_oids = xcalloc(leaves->count, sizeof(uint32_t));
    for (size_t i = 0; i < leaves->count && i < pg_row_count(rows); i++)
        probe->leaf_oids[i] = (uint32_t)pg_unsigned(rows, i, 0);
    return STATUS_OK;
}

Status choice_begin(Probe *probe, Error *err)
{
    const ProbeRequest *request = probe->request;
    probe->longest.reason = CHOSEN_LONGEST;
    probe->nulls.reason = CHOSEN_NULLS;
    if (!probe->picks_risk || probe->relation.range_key)
        return STATUS_OK; /* edges by key: prober_edges.c */
    probe->edges = xcalloc(request->chunk_count + 1, sizeof(Edge));
    for (; probe->edge_count < request->chunk_count; probe->edge_count++) {
        const Bytes *lower = &request->chunks[probe->edge_count].lower;
        if (lower->size > 0)
            TRY(pg_place_parse(&probe->relation, lower, &probe->edges[probe->edge_count].lower,
                               err));
    }
    return find_leaf_oids(probe, err);
}

/* Rows come leaf by leaf: the one of the row before is tried first. */
static PgPlace place_of(Probe *probe, const RowAddress *at)
{
    PgPlace place = {.leaf = probe->last_leaf, .block = at->block};
    if (!probe->leaf_oids || probe->leaf_oids[place.leaf] == at->leaf)
        return place;
    for (place.leaf = 0; place.leaf + 1 < probe->relation.leaves.count; place.leaf++) {
        if (probe->leaf_oids[place.leaf] == at->leaf)
            break;
    }
    probe->last_leaf = place.leaf;
    return place;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(PgPlace a, PgPlace b)
{
    int order = compare_numbers(a.leaf, b.leaf);
    return order ? order : compare_numbers(a.block, b.block);
}

/* Chunks come in the order of their places, the first one open. */
static Edge *edge_at(Probe *probe, PgPlace place)
{
    size_t low = 0;
    size_t high = probe->edge_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(probe->edges[middle].lower, place) <= 0)
            low = middle;
        else
            high = middle;
    }
    return &probe->edges[low];
}

static int compare_rows(Probe *probe, const RowAddress *a, const RowAddress *b)
{
    int order = a->leaf == b->leaf ? compare_numbers(a->block, b->block)
                                   : compare_places(place_of(probe, a), place_of(probe, b));
    return order ? order : compare_numbers(a->offset, b->offset);
}

void choice_offer_edge(Probe *probe, const Candidate *candidate)
{
    if (probe->edge_count == 0)
        return;
    Edge *edge = edge_at(probe, place_of(probe, &candidate->at));
    if (!edge->is_found || compare_rows(probe, &candidate->at, &edge->first.at) < 0)
        edge->first = *candidate;
    if (!edge->is_found || compare_rows(probe, &candidate->at, &edge->last.at) > 0)
        edge->last = *candidate;
    edge->is_found = true;
}

/* ---- measures ---- */

/* Where a row with this measure would go; RISK_ROWS when it is not among the highest. */
static size_t place_for(const Highest *highest, uint64_t measure)
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

void choice_offer_measure(Highest *highest, uint64_t measure, const Candidate *candidate)
{
    size_t place = place_for(highest, measure);
    if (measure == 0 || place == RISK_ROWS)
        return;
    if (place == highest->count)
        highest->count++;
    highest->measures[place] = measure;
    highest->rows[place] = *candidate;
}

/* ---- hashes ---- */

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

uint32_t choice_by_hash(const ProbeRequest *request, uint64_t hash)
{
    uint32_t reasons = 0;
    if (hash % request->modulus == 0)
        reasons |= CHOSEN_RANDOM;
    if (is_requested(request, hash))
        reasons |= CHOSEN_REQUESTED;
    return reasons;
}

/* ---- what is chosen ---- */

void choice_add(Probe *probe, const Candidate *candidate, uint32_t reasons)
{
    if (probe->is_wide) {
        ProbeEntry *entry = probe_result_add(&probe->result);
        *entry = candidate->entry;
        entry->reasons = reasons;
        return;
    }
    GROW(probe->wanted, probe->wanted_count, probe->wanted_capacity);
    probe->wanted[probe->wanted_count++] =
        (Wanted){.at = candidate->at, .reasons = reasons, .key_hash = candidate->entry.key_hash};
}

static void add_highest(Probe *probe, const Highest *highest)
{
    for (size_t i = 0; i < highest->count; i++)
        choice_add(probe, &highest->rows[i], highest->reason);
}

void choice_add_risk(Probe *probe)
{
    add_highest(probe, &probe->longest);
    add_highest(probe, &probe->nulls);
    for (size_t i = 0; i < probe->edge_count; i++) {
        if (!probe->edges[i].is_found)
            continue;
        choice_add(probe, &probe->edges[i].first, CHOSEN_EDGE);
        choice_add(probe, &probe->edges[i].last, CHOSEN_EDGE);
    }
}
