/*
 * A file of JSON lines compressed by zstd (one frame with a checksum): written durably under its
 * name at once, read line by line in bounded memory. The index and the catalog are such files.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/json.h"
#include "engine/base/sha256.h"

#define LINES_MAX_LINE ((size_t)64 * 1024 * 1024) /* of one line, written and read */

/* What a file is, as the manifest says it. */
typedef struct FileFacts {
    uint64_t bytes;
    char sha256[SHA256_HEX_SIZE];
} FileFacts;

typedef struct LineWriter LineWriter;

/* What a crash left at PATH.tmp, and PATH itself, are written anew. */
Status line_writer_open(const char *path, LineWriter **ret, Error *err);
void line_writer_free(LineWriter *writer); /* an unfinished file is removed. NULL is fine */
DEFINE_AUTO_FREE(LineWriter, line_writer_free);

Status line_writer_add(LineWriter *writer, const Json *line, Error *err);
Status line_writer_finish(LineWriter *writer, FileFacts *ret,
                          Error *err); /* only free may follow */

typedef struct LineReader LineReader;

Status line_reader_open(const char *path, LineReader **ret, Error *err);
void line_reader_free(LineReader *reader); /* NULL is fine */
DEFINE_AUTO_FREE(LineReader, line_reader_free);

/* The next line, which the caller frees; STATUS_DONE at the end of the file, whose checksum was
 * right. Damage is STATUS_INVALID with ERROR_DIFFERENT and says the line. */
Status line_reader_next(LineReader *reader, Json **ret, Error *err);
uint64_t line_reader_line(const LineReader *reader); /* lines read so far */

/* Strings that need not be UTF-8: written as KEY, or as KEY_hex when JSON cannot carry them. NULL is
 * left out. */
void json_set_exact(Json *object, const char *key, const char *value);

/* Sets *ret to a copy, or to NULL when neither is there; false when malformed. */
bool json_get_exact(const Json *object, const char *key, char **ret);
