/*
 * zstd as parts and line files need it: frames with a checksum, written to a file that grows, and
 * read from a file that may be damaged or hostile, in bounded memory. The only home of zstd.h.
 * Source of the format: RFC 8878.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/new_file.h"

#define FRAME_ANY UINT64_MAX /* a size that is not known beforehand */

enum {
    FRAME_MIN_LEVEL = 1,
    FRAME_MAX_LEVEL = 19,
};

typedef struct FrameWriter FrameWriter;

/* Appends frames to file, which must outlive it. */
FrameWriter *frame_writer_new(NewFile *file);
void frame_writer_free(FrameWriter *writer); /* NULL is fine */
DEFINE_AUTO_FREE(FrameWriter, frame_writer_free);

/* begin, write, end. size (or FRAME_ANY) is recorded in the frame, and must then be met: else
 * STATUS_FAILED. A begin() forgets what was under way. */
Status frame_writer_begin(FrameWriter *writer, int level, uint64_t size, Error *err);
Status frame_writer_write(FrameWriter *writer, const void *data, size_t size, Error *err);
Status frame_writer_end(FrameWriter *writer, Error *err);

typedef struct FrameReader FrameReader;

/* An ordinary file (no link, device or pipe); damage as ERROR_DIFFERENT. */
Status frame_reader_open(const char *path, FrameReader **ret, Error *err);
void frame_reader_free(FrameReader *reader); /* NULL is fine */
DEFINE_AUTO_FREE(FrameReader, frame_reader_free);

const char *frame_reader_path(const FrameReader *reader); /* borrowed */
uint64_t frame_reader_size(const FrameReader *reader);    /* of the file, when it was opened */

/* Behaves as if the file ended there. */
void frame_reader_limit(FrameReader *reader, uint64_t size);

/*
 * One frame at offset. begin, then read until STATUS_DONE, when the frame has ended with the right
 * checksum. A frame that takes more than max_stored bytes of the file or decodes to more than
 * max_raw bytes is refused, without decoding on. Data is borrowed until the next call.
 */
Status frame_reader_begin(FrameReader *reader, uint64_t offset, uint64_t max_stored,
                          uint64_t max_raw, Error *err);
Status frame_reader_read(FrameReader *reader, const void **ret_data, size_t *ret_size, Error *err);

uint64_t frame_reader_stored(const FrameReader *reader); /* bytes of the frame taken so far */
uint64_t frame_reader_raw(const FrameReader *reader);    /* decoded so far */

/* Hashes the file on the way from its start, as far as it is read in order; hash() reads what was
 * passed over or not read yet. Decided right after open. */
void frame_reader_hash_all(FrameReader *reader);
Status frame_reader_hash(FrameReader *reader, char ret[SHA256_HEX_SIZE], Error *err);
