/*
 * A large file that grows piece by piece under PATH.tmp, hashed on the way, and gets its name only
 * when it is whole and on the disk: fsync, rename, fsync of the directory.
 *
 *   new_file_create()  append()...  keep()   - what is appended from here on can be taken back
 *                      append()...  back()   - cuts the file to where keep() was called last
 *                      sync()                - all that was appended, and the name, are durable
 *                      publish()             - PATH is there; only free() may follow
 *
 * A crash leaves PATH.tmp, or PATH, whole. After a failed append() only back() or free() may
 * follow. A failed sync() or publish() leaves unknown what the disk holds: only free() may follow,
 * and back() says so (STATUS_FATAL). Errors as in engine/base/file.h; a full disk is ERROR_WAITING. Used by one thread at a
 * time. Nobody may write to the same path at the same time: the caller holds a lock.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"

typedef struct NewFile NewFile;

/* STATUS_FAILED when PATH.tmp exists: what a crash left is looked at (new_file_reopen) or discarded
 * first. What is at PATH stays until publish(). */
Status new_file_create(const char *path, NewFile **ret, Error *err);

/* Opens what a crash left at PATH.tmp, cuts it to size bytes and hashes these. STATUS_INVALID
 * (ERROR_DIFFERENT) when it is shorter, or no ordinary file. */
Status new_file_reopen(const char *path, uint64_t size, NewFile **ret, Error *err);

/* Removes PATH.tmp; fine when there is none. */
Status new_file_discard(const char *path, Error *err);

void new_file_free(
    NewFile *file); /* closes; PATH.tmp stays unless it was published. NULL is fine */
DEFINE_AUTO_FREE(NewFile, new_file_free);

Status new_file_append(NewFile *file, const void *data, size_t size, Error *err);
void new_file_keep(NewFile *file);
Status new_file_back(NewFile *file, Error *err);
Status new_file_sync(NewFile *file, Error *err);

/* ret_sha256 (if not NULL) is that of the whole file. */
Status new_file_publish(NewFile *file, char ret_sha256[SHA256_HEX_SIZE], Error *err);

uint64_t new_file_size(const NewFile *file);
const char *new_file_path(const NewFile *file); /* PATH; borrowed */
