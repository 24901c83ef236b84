/*
 * Runs over a plan with a pool of workers: the copy with its tasks and evidence, planning of
 * chunks, digesting again, and probes of the staged tables. The calling thread is the driver: it
 * alone touches plan, recorder and progress.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/notice.h"
#include "engine/base/progress.h"
#include "engine/flow/recorder.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

typedef struct RunOptions {
    unsigned jobs;     /* workers, >= 1 */
    uint64_t max_rate; /* bytes a second, 0 = no limit */
    uint64_t retry_for_ms;
    Notice *notice; /* tells why workers wait; borrowed, or NULL */
} RunOptions;

typedef struct RunInput {
    Plan *plan;     /* done flags reconciled with the ledger */
    Source *source; /* held, with at least options.jobs readers; NULL where nothing is to be read */
    Target *target; /* claimed */
    const RunIdentity *identity;
    Recorder *recorder;
    Progress *progress; /* or NULL */
    RunOptions options;
    /* Evidence wanted of the source: one request per table (index id - 1), or NULL for none at all.
     * Entries with table NULL are done; each becomes so when it is recorded. */
    ProbeRequest *evidence;
    /* Of a table with so many rows; NULL: requests stay as they are. A probe that is handed out asks
     * again when what was copied by then shows that the table's row estimate is far off. */
    uint64_t (*sample_modulus)(uint64_t row_count);
    bool *ret_is_read; /* set to true when the source is let go: see run_copy() */
} RunInput;

/*
 * Copies every chunk, runs every task and takes all evidence that is not done; records each when it
 * is durable. On STATUS_STOPPED or a failure everything under way has ended and is recorded;
 * calling again goes on. The first failure is reported, with the table's name.
 *
 * As soon as nothing is left to read, and the snapshot still lives, the source is released: hours
 * of building indexes hold nothing on it and lose nothing with it. A snapshot that does not live
 * then is a failure.
 */
Status run_copy(const RunInput *input, Error *err);

/* Plans the chunks of all tables in parallel; appends them, in table order, to the plan, which has
 * none yet. Sets the tables' estimates. On failure the plan gains no chunk. */
Status run_plan_chunks(Plan *plan, Source *source, const RunOptions *options, uint64_t chunk_bytes,
                       Error *err);

/*
 * Digests the done chunks again from the source as it is held now; ret_same[id - 1] becomes false
 * for each table with a chunk that differs. Tables without done chunks stay true.
 */
Status run_digest_again(const Plan *plan, Source *source, const RunOptions *options,
                        Progress *progress, bool *ret_same, Error *err);

/*
 * Probes the target's staged tables, requests[i] into ret[i]. Requests with table NULL are skipped.
 * Sets all of ret, which the caller releases, also after a failure.
 */
Status run_probe_target(Target *target, const RunOptions *options, const ProbeRequest *requests,
                        size_t count, ProbeResult *ret, Progress *progress, Error *err);
