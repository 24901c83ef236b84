/*
 * Files: the only place that creates directories, replaces files durably, and locks them.
 *
 * Replacing a file is: write a temporary file in the same directory, fsync it, rename it over the
 * name, fsync the directory. A reader sees the old or the new content, never a part. All files are
 * made with mode 0600, directories with 0700, descriptors with O_CLOEXEC.
 *
 * A full disk or quota is STATUS_FAILED with ERROR_WAITING; a failed fsync is STATUS_FATAL, because
 * what the disk holds is unknown then and a second fsync would not tell.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

/*
 * Writers of one path take turns. The temporary file is PATH.new: a killed process leaves at most
 * that one, and the next replacement uses it up. On failure the old content stands, or (when only
 * the last fsync failed) the new one, whole.
 */
Status file_replace(const char *path, const void *data, size_t size, Error *err);

/* Reads a whole file of at most max_size bytes into ret, which it empties first. Missing:
 * ERROR_NOT_FOUND; larger: STATUS_INVALID. */
Status file_read(const char *path, size_t max_size, Text *ret, Error *err);

/* The directory that holds path; the caller frees. */
char *file_parent(const char *path);

bool file_exists(const char *path); /* of any type; false also when it cannot be seen */

/* The path as an absolute one, without slashes at its end; it need not exist. The caller frees. */
Status path_absolute(const char *path, char **ret, Error *err);

/*
 * Maps an errno of a file operation, for code that writes files of its own: "could not WHAT "PATH":
 * REASON", with the status and kind described above.
 */
Status file_error(Error *err, int error_number, const char *what, const char *path);

/* The same for a failed fsync: STATUS_FATAL unless the disk is full. */
Status file_sync_error(Error *err, int error_number, const char *path);

/* mkdir -p, with fsync of each parent that gained an entry. */
Status directory_create(const char *path, Error *err);
Status directory_sync(const char *path, Error *err);

/* Names of the entries of a directory, sorted, without "." and "..". A missing directory is empty.
 */
Status directory_list(const char *path, TextList *ret, Error *err);

/* Removes a directory and all that is in it. A link in it is removed, never followed; path itself
 * must not be one. A missing directory is fine: a removal that was cut off is run again. */
Status directory_remove(const char *path, Error *err);

/*
 * An exclusive lock on a file for the life of this process (fcntl record lock: it dies with the
 * process, and the kernel names the holder, so there are no stale locks). The file is never
 * removed while it may be locked. One FileLock per path per process: closing any descriptor of the
 * same file would drop the lock, so the holder must not read or copy it, nor ask for its holder.
 */
typedef struct FileLock FileLock;

/* STATUS_OK, or ERROR_LOCKED with *ret_holder (if not NULL) set as by file_lock_holder(). */
Status file_lock(const char *path, FileLock **ret, pid_t *ret_holder, Error *err);
void file_lock_free(FileLock *lock); /* unlocks; NULL is fine */
DEFINE_AUTO_FREE(FileLock, file_lock_free);

/* Who holds the lock now: 0 when nobody does, or the file is missing; -1 when the holder has no
 * process id here (another container or host). Takes nothing. */
Status file_lock_holder(const char *path, pid_t *ret, Error *err);
