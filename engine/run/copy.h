/*
 * The one chunk loop: reads a chunk from a Reader and writes it through a leased Writer in one
 * target transaction, with the digest of its rows taken on the way. Where writers are few, it reads
 * ahead up to COPY_READ_AHEAD bytes before it leases one, so that reading overlaps with another
 * worker's writing; where every worker can have one, that would only cost a copy and memory.
 *
 * Exactly once (I1): when anything failed, the ledger is asked before the chunk is repeated; a
 * chunk found there is adopted with the result the ledger holds.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/notice.h"
#include "engine/base/retry.h"
#include "engine/flow/source.h"
#include "engine/run/throttle.h"
#include "engine/run/writers.h"

enum {
    COPY_READ_AHEAD = 8 * 1024 * 1024,
};

/* Counters that move while chunks are under way, for progress; shared by all workers. */
typedef struct CopyCounters {
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t rows;
} CopyCounters;

/* Blocks read ahead of their writing, at most COPY_READ_AHEAD bytes; its room serves chunk after
 * chunk of one worker. Starts as {0}. */
typedef struct ReadAhead {
    uint8_t *data;
    size_t size;
    size_t capacity;
    Block *blocks; /* data is set when they are written: the bytes may move until then */
    size_t block_count;
    size_t block_capacity;
} ReadAhead;

void read_ahead_release(ReadAhead *ahead);

typedef struct CopyContext {
    Writers *writers;
    bool reads_ahead;   /* a writer may have to be waited for */
    Throttle *throttle; /* or NULL */
    CopyCounters *counters;
    uint64_t retry_for_ms;
    Notice *notice;      /* or NULL */
    atomic_bool is_over; /* the run has failed: nobody tries again */
} CopyContext;

/* For what is transient in this copy. */
Retry copy_retry(const CopyContext *context);

/*
 * Copies one chunk, retrying what is transient. On STATUS_OK chunk->bytes and chunk->digest say
 * what moved, and the ledger has it; chunk->done is left to the driver. What counters gained for an
 * attempt that failed is taken back. A stop wish does not interrupt a chunk under way, except while
 * waiting to retry. Errors begin with the table's name. ahead belongs to the calling worker.
 */
Status copy_chunk(const CopyContext *context, ReadAhead *ahead, Reader *reader, const Table *table,
                  Chunk *chunk, Error *err);

/* Reads a chunk and only digests it (I5: is what was copied earlier still what the source holds?).
 * One attempt: what is transient is left to the caller. */
Status digest_chunk(Reader *reader, const Table *table, const Chunk *chunk, Digest *ret,
                    Error *err);
