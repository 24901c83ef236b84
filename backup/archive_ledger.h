/*
 * The ledger of an archive that is being written (invariant I1): ledger.db in its folder says which
 * chunks have arrived, and in which bytes of which parts they lie. What it does not say is not there,
 * whatever the parts hold.
 *
 *  A1  A part is synced before the ledger says that what was added to it counts.
 *  A2  A part has its row before it has a file: after a crash no file is unknown.
 *  A3  Whoever writes gives the epoch of its claim; one that is not the last is ERROR_LOCKED (I7).
 *
 * Each thread has a handle of its own. The only place in backup/ that includes sqlite3.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backup/part.h"
#include "backup/segment.h"
#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/flow/target.h"

#define ARCHIVE_LEDGER_NAME "ledger.db"

typedef struct ArchiveLedger ArchiveLedger;

bool archive_ledger_exists(const char *folder);

/* Makes it where there is none. */
Status archive_ledger_open(const char *folder, ArchiveLedger **ret, Error *err);
void archive_ledger_free(ArchiveLedger *ledger); /* NULL is fine */
DEFINE_AUTO_FREE(ArchiveLedger, archive_ledger_free);

/* It only takes room once the backup is complete: what cannot be removed stays. No handle is open. */
void archive_ledger_remove(const char *folder);

/* Sets identity->epoch. ERROR_REFUSED when another run has begun this archive. */
Status archive_ledger_claim(ArchiveLedger *ledger, RunIdentity *identity, Error *err);

Status archive_ledger_read(ArchiveLedger *ledger, const LedgerSink *sink, Error *err);
Status archive_ledger_find_chunk(ArchiveLedger *ledger, const Chunk *chunk, bool *ret_found,
                                 ChunkResult *ret, Error *err);

/* ---- parts ---- */

/* The next number; its row is there then (A2). */
Status archive_ledger_new_part(ArchiveLedger *ledger, const RunIdentity *identity,
                               uint32_t *ret_number, Error *err);

/* identity NULL: what a crash left is brought to an end, by whoever has the archive's lock. */
Status archive_ledger_seal_part(ArchiveLedger *ledger, const RunIdentity *identity,
                                const PartSummary *part, Error *err);
Status archive_ledger_forget_part(ArchiveLedger *ledger, uint32_t number, Error *err);

typedef struct ArchivePart {
    PartSummary summary; /* number and bytes only, unless it is sealed */
    bool is_sealed;
    uint64_t live; /* segments in it that count */
} ArchivePart;

typedef struct ArchivePartList {
    ArchivePart *items; /* in order of numbers */
    size_t count;
    size_t capacity;
} ArchivePartList;

void archive_part_list_release(ArchivePartList *list);
#define AUTO_ARCHIVE_PARTS __attribute__((cleanup(archive_part_list_release)))

Status archive_ledger_parts(ArchiveLedger *ledger, ArchivePartList *ret, Error *err);

/* How many bytes of a part count; 0 when it is unknown. */
Status archive_ledger_part_bytes(ArchiveLedger *ledger, uint32_t number, uint64_t *ret, Error *err);

/* ---- segments ---- */

typedef struct SegmentList {
    Segment *items;
    size_t count;
    size_t capacity;
} SegmentList;

void segment_list_release(SegmentList *list);
#define AUTO_SEGMENTS __attribute__((cleanup(segment_list_release)))

Segment *segment_list_add(SegmentList *list); /* zeroed; borrowed until the next add */

/* In one transaction: a chunk (NULL: none, only heads and tails), its segments, and how many bytes of
 * the part they all lie in count from now on. */
Status archive_ledger_add(ArchiveLedger *ledger, const RunIdentity *identity, const Chunk *chunk,
                          const ChunkResult *result, const SegmentList *segments, uint32_t part,
                          uint64_t part_bytes, Error *err);

/* Rows of one table (no head, no tail), in order of chunk and number. */
Status archive_ledger_table(ArchiveLedger *ledger, uint32_t table_id, SegmentList *ret, Error *err);

/* Everything in one part, in order of offsets. */
Status archive_ledger_part_segments(ArchiveLedger *ledger, uint32_t part, SegmentList *ret,
                                    Error *err);

Status archive_ledger_has_head(ArchiveLedger *ledger, uint32_t table_id, bool *ret, Error *err);

/* All chunks and segments of a table are forgotten; that it was read again is noted. */
Status archive_ledger_reset_table(ArchiveLedger *ledger, const RunIdentity *identity,
                                  uint32_t table_id, Error *err);

/* A part's segments lie in another part now, as given; the old one is forgotten. */
Status archive_ledger_move(ArchiveLedger *ledger, const RunIdentity *identity, uint32_t old_part,
                           const SegmentList *now, const PartSummary *part, Error *err);

/* ---- for the manifest ---- */

typedef struct ArchiveTotals {
    Digest digest;
    uint64_t raw_bytes;
    uint64_t segments;
} ArchiveTotals;

Status archive_ledger_totals(ArchiveLedger *ledger, uint32_t table_id, ArchiveTotals *ret,
                             Error *err);
Status archive_ledger_claims(ArchiveLedger *ledger, uint64_t *ret, Error *err);

typedef struct TableIds {
    uint32_t *items;
    size_t count;
    size_t capacity;
} TableIds;

/* Ascending; the caller frees items. */
Status archive_ledger_read_again(ArchiveLedger *ledger, TableIds *ret, Error *err);
