/*
 * A lock on a file that many may hold for reading, or one for writing, until it is given back or
 * the process ends: there are no stale locks. It belongs to an open file (Linux's OFD locks), so
 * that two threads exclude each other as two processes do, and who only asks disturbs nobody. Over
 * NFS it holds between hosts where the server locks. The file is never removed while it may be
 * locked; what stands in it names the last writer, for messages only.
 *
 * FileLock (engine/base/file.h) is for the one driver of a migration, whose process can be asked for.
 */
#pragma once

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef enum ShareMode {
    SHARE_NONE,
    SHARE_READ,
    SHARE_WRITE,
} ShareMode;

typedef struct ShareLock ShareLock;

/*
 * Takes it for SHARE_READ or SHARE_WRITE, making the file if there is none; waits up to wait_ms.
 * ERROR_LOCKED when others still hold it then, STATUS_STOPPED when asked to stop while waiting. On
 * a read-only file system a missing file is fine for reading: nobody can write there.
 */
Status share_lock_take(const char *path, ShareMode mode, uint64_t wait_ms, ShareLock **ret,
                       Error *err);
void share_lock_free(ShareLock *lock); /* gives it back; NULL is fine */
DEFINE_AUTO_FREE(ShareLock, share_lock_free);

/* How others hold it now. Takes nothing; a missing file is SHARE_NONE. */
Status share_lock_look(const char *path, ShareMode *ret, Error *err);
