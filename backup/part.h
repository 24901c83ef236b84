/*
 * A part: data/0001.tar.zst, a tar (pax restricted) compressed by zstd, which `tar --zstd` reads.
 * Each tar entry, header and padding included, is exactly one zstd frame with a content size and a
 * checksum; the end of the archive is one more frame. So an entry can be read alone by its offset,
 * and a part that a crash has torn ends cleanly at a frame.
 *
 * Writing: a part is written by one writer, grows under NAME.tmp (engine/base/new_file.h) and is
 * sealed: end of archive, fsync, rename. Parts are never opened again to go on. What the ledger says
 * to be durable was synced before (P1); what lies behind it is cut off by part_repair().
 *
 * Sources: POSIX pax (IEEE 1003.1, "pax"), RFC 8878 (zstd frames).
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/text.h"

#define PART_BYTES ((uint64_t)4 * 1024 * 1024 * 1024) /* a part this long is sealed */

enum {
    PART_MAX_NUMBER = 99999999,
};

/* Where an entry lies, and what it holds. */
typedef struct PartEntry {
    uint64_t offset;             /* of its frame */
    uint64_t stored;             /* bytes of the frame */
    uint64_t raw;                /* bytes of the content */
    uint8_t sha256[SHA256_SIZE]; /* of the content */
} PartEntry;

/* A sealed part. */
typedef struct PartSummary {
    uint32_t number;
    uint64_t bytes;     /* of the file */
    uint64_t raw_bytes; /* of the contents of all entries */
    uint64_t entries;
    char sha256[SHA256_HEX_SIZE]; /* of the file */
} PartSummary;

/* Appends "data/0001.tar.zst": its place in the folder of the backup. */
void part_path(uint32_t number, Text *ret);

typedef struct PartWriter PartWriter;

/* Creates part `number` below folder (the backup's), whose data/ must exist. Times of all entries
 * are mtime (seconds). STATUS_FAILED when that part exists, also as NAME.tmp. */
Status part_writer_open(const char *folder, uint32_t number, int64_t mtime, PartWriter **ret,
                        Error *err);
void part_writer_free(PartWriter *writer); /* what is not sealed stays NAME.tmp. NULL is fine */
DEFINE_AUTO_FREE(PartWriter, part_writer_free);

/*
 * An entry: an ordinary file of exactly size bytes. The name is relative, without "." or ".." or
 * empty components, at most 4096 bytes; any other bytes are fine. Level is that of zstd, 1 to 19.
 * begin, write as often as wanted, end. STATUS_FAILED when more or fewer bytes come than announced.
 * After any failure only part_writer_back() or free may follow.
 */
Status part_writer_begin(PartWriter *writer, const char *name, uint64_t size, int level,
                         Error *err);
Status part_writer_write(PartWriter *writer, const void *data, size_t size, Error *err);
Status part_writer_end(PartWriter *writer, PartEntry *ret, Error *err);

/* The three in one. */
Status part_writer_add(PartWriter *writer, const char *name, const void *data, size_t size,
                       int level, PartEntry *ret, Error *err);

/* What was added so far stays; back() takes away what was added since. Neither is durable. After a
 * failed sync() or seal() back() fails, too: what the disk holds is known after part_repair(). */
void part_writer_keep(PartWriter *writer);
Status part_writer_back(PartWriter *writer, Error *err);

/* Makes all that was added durable: before the ledger says so (P1). */
Status part_writer_sync(PartWriter *writer, Error *err);

uint64_t part_writer_bytes(const PartWriter *writer); /* stored so far */
uint64_t part_writer_entries(const PartWriter *writer);
uint32_t part_writer_number(const PartWriter *writer);

/* Ends, syncs and names the part. Only part_writer_free() may follow. A part without entries may be
 * sealed too. */
Status part_writer_seal(PartWriter *writer, PartSummary *ret, Error *err);

/*
 * After a crash: makes part `number` hold exactly its first `bytes` bytes, which the ledger says to
 * be durable, sealed. Every entry is read again on the way: ret says how many there are, for the
 * caller to compare with the ledger. A part that was sealed already is only read. With bytes 0 it is
 * removed, and STATUS_DONE. STATUS_INVALID (ERROR_DIFFERENT) when less is there than the ledger says,
 * or a frame does not decode.
 */
Status part_repair(const char *folder, uint32_t number, uint64_t bytes, PartSummary *ret,
                   Error *err);
