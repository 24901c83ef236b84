/*
 * Prober: asks one side what it holds, to compare it with the other. On the source it reads under
 * the copy's snapshot; on the target it reads staging tables. Both sides choose sample rows by the
 * same rule on the same key bytes, so missing and extra rows show. A prober makes its own
 * whole-table scan: it shares no chunk bounds with the copy, so a hole in the plan shows too.
 *
 * Canonical bytes: keys and rows are hashed as rows of the table's format (engine/flow/rows.h), so
 * two sides agree exactly when they would send the same bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/flow/plan.h"

typedef enum VerifyLevel {
    VERIFY_NONE = 0,
    VERIFY_COUNT,
    VERIFY_SAMPLE,
    VERIFY_FULL,
} VerifyLevel;

const char *verify_level_name(VerifyLevel level);
bool verify_level_parse(const char *text, VerifyLevel *ret);

/* Why a row was looked at. */
enum {
    CHOSEN_RANDOM = 1,    /* key_hash(key, seed) % modulus == 0 */
    CHOSEN_EDGE = 2,      /* first or last row of a chunk */
    CHOSEN_LONGEST = 4,   /* the longest rows of the table */
    CHOSEN_NULLS = 8,     /* the rows with most NULLs */
    CHOSEN_REQUESTED = 16 /* asked for by hash: the other side chose it */
};

typedef struct ProbeRequest {
    const Table *table;
    bool staged;       /* read table->staged_name, on a target; else table->name */
    VerifyLevel level; /* COUNT: rows only. SAMPLE: keys and chosen rows too. FULL: and all rows */
    uint64_t seed;
    uint64_t modulus;    /* >= 1 */
    const Chunk *chunks; /* with pick_risk: their edges are chosen */
    size_t chunk_count;
    bool pick_risk;       /* choose risk rows too: edges, longest, most NULLs */
    const uint64_t *also; /* key hashes to look at besides, sorted ascending */
    size_t also_count;
} ProbeRequest;

typedef struct ProbeEntry {
    uint64_t key_hash;
    uint64_t row_low, row_high; /* hash of the row, as digest_add() of that one row */
    uint32_t reasons;           /* CHOSEN_... */
} ProbeEntry;

typedef struct ProbeResult {
    uint64_t rows;       /* counted in this scan */
    Digest keys;         /* over all keys, from SAMPLE on */
    Digest all;          /* over all rows, with FULL */
    ProbeEntry *entries; /* see probe_result_sort() */
    size_t entry_count;
    size_t entry_capacity;
} ProbeResult;

/*
 * What entries say about rows that are equal byte for byte (in a table without a key):
 *  - CHOSEN_RANDOM and CHOSEN_REQUESTED depend on the key hash alone: they hold for all rows of a
 *    hash or for none. A prober adds one entry for each such row it scans, so these count: three
 *    equal rows are three entries, and a side that has two of them differs.
 *  - CHOSEN_EDGE, _LONGEST and _NULLS belong to single rows and say only that there is such a row.
 *    A prober may put them on the row's entry, or add another equal entry for them (the same row
 *    twice, too). Of rows chosen for these alone, sides are compared by presence, not by number.
 * probe_result_sort() brings every result of the same rows to the same form: one entry for each row
 * chosen by hash, one for all equal rows that were not; the first of them has all reasons.
 */
void probe_result_release(ProbeResult *result);
ProbeEntry *probe_result_add(ProbeResult *result); /* zeroed; borrowed until the next add */
void probe_result_sort(ProbeResult *result);       /* by key_hash, row_low, row_high; merges */

typedef struct Prober Prober;

typedef struct ProberOps {
    /* Scans the table; checks stop_requested() now and then (STATUS_STOPPED). */
    Status (*probe)(Prober *prober, const ProbeRequest *request, ProbeResult *ret, Error *err);
    void (*free)(Prober *prober);
} ProberOps;

struct Prober {
    const ProberOps *ops;
};

static inline Status prober_probe(Prober *prober, const ProbeRequest *request, ProbeResult *ret,
                                  Error *err)
{
    return prober->ops->probe(prober, request, ret, err);
}

void prober_free(Prober *prober); /* NULL is fine */
DEFINE_AUTO_FREE(Prober, prober_free);
