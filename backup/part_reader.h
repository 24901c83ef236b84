/*
 * Reading parts (backup/part.h), which may be damaged or hostile: nothing is taken on trust, memory
 * is bounded whatever the file says, and only ordinary files with the expected name and size are
 * read. Damage is STATUS_INVALID with ERROR_DIFFERENT; a disk that cannot be read is STATUS_FAILED.
 * Nothing is ever written to a file system.
 */
#pragma once

#include <stdint.h>

#include "backup/part.h"

typedef struct PartReader PartReader;

/* path: of the part. One thread at a time; one reader can read any number of entries. */
Status part_reader_open(const char *path, PartReader **ret, Error *err);
void part_reader_free(PartReader *reader); /* NULL is fine */
DEFINE_AUTO_FREE(PartReader, part_reader_free);

uint64_t part_reader_size(const PartReader *reader); /* bytes of the file, when it was opened */

/*
 * One entry, where the index says that it is: entry->offset, stored, raw and sha256 are what is
 * expected. begin, then read until STATUS_DONE, which says that the content was what was expected:
 * its length, its hash, nothing behind it in the frame. Data is borrowed until the next call. A
 * begin() ends what was under way.
 */
Status part_reader_begin(PartReader *reader, const PartEntry *entry, const char *name, Error *err);
Status part_reader_read(PartReader *reader, const void **ret_data, size_t *ret_size, Error *err);

/* The whole content into ret, emptied first; for entries of at most max_size bytes. */
Status part_reader_content(PartReader *reader, const PartEntry *entry, const char *name,
                           size_t max_size, Text *ret, Error *err);

/*
 * A walk over all entries without an index: next() begins the next entry, whose size is what its
 * header says and at most max_raw; part_reader_read() gives its content, which must be read until
 * STATUS_DONE; then part_reader_found() tells where it lay and what its hash is. next() gives
 * STATUS_DONE at the end of the archive, behind which nothing may come. *ret_name is borrowed until
 * the next call.
 */
Status part_reader_next(PartReader *reader, uint64_t max_raw, const char **ret_name, Error *err);
const PartEntry *part_reader_found(const PartReader *reader);

/* Reads only the first size bytes, which end with an entry: no end of the archive is expected. */
Status part_reader_limit(PartReader *reader, uint64_t size, Error *err);

/*
 * Hash of the whole file, by one pass when entries are read in order: what was not read yet is read
 * now. Asked for once, by part_reader_hash_all() right after open.
 */
void part_reader_hash_all(PartReader *reader);
Status part_reader_hash(PartReader *reader, char ret[SHA256_HEX_SIZE], Error *err);

/* The frame behind all entries: `bytes` at offset to the end of the file must be one frame that
 * holds the end of an archive. */
Status part_reader_end(PartReader *reader, uint64_t offset, Error *err);
