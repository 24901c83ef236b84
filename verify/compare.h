/*
 * Compares what the source's evidence, the ledger and the staged tables say of each table, and says
 * how strong the finding is. No I/O: pure functions over evidence.
 */
#pragma once

#include <stdint.h>

#include "engine/flow/prober.h"
#include "journal/journal.h"

enum {
    SAMPLE_ROWS = 48000, /* aimed at; with 46,050 rows a bound of 1e-4 holds at 99 % */
};

/* Rows are chosen when key_hash % modulus == 0: 1 (all of them) for tables up to 2 * SAMPLE_ROWS.
 */
uint64_t sample_modulus(uint64_t row_count);

/*
 * Upper bound at 99 % confidence of the share of bad rows when none of n random rows differs:
 * 1 - (1 - 0.99)^(1/n), about 4.61 / n (facts: postgres.md c.4). 1.0 for n = 0.
 */
double sample_bound(uint64_t sampled);

/* The key hashes of the source's risk entries, sorted, for the target's request. The caller frees.
 */
uint64_t *risk_hashes(const ProbeResult *source, size_t *ret_count);

/*
 * One table. ledger is the sum over its chunks. Fills everything of ret but table_id and table.
 * With level COUNT only counts are compared; with NONE nothing is and `equal` says so by level.
 */
void compare_table(VerifyLevel level, const ProbeRequest *request, const ProbeResult *source,
                   const Digest *ledger, const ProbeResult *target, Verdict *ret);
