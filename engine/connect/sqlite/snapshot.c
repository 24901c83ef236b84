/*
 * The state token. What proves that nothing was committed between two equal tokens:
 *
 *  S1  Rollback journal: every commit raises the change counter in the file's header.
 *  S2  WAL: every commit moves the header of the wal-index (number of the last committed frame and
 *      its checksum under the WAL's salts), which is the very thing that readers go by: a commit is
 *      visible to new readers exactly when that header says so. The WAL file itself is ahead of it
 *      for a moment, so looking there could call two readers equal that are not.
 *  S3  A WAL without frames says nothing (no file, an empty one and a leftover are the same), so
 * that opening and closing does not count. Then the file's own size, times and header must tell; a
 *      commit that was checkpointed meanwhile has written the file, and snapshot_settle() sees to
 * it that this shows in its time stamp. S4  The file replaced by another, or written by something
 * that is not SQLite: inode, size, mtime, ctime. The device is left out: its number may differ
 * after a reboot.
 *
 * A checkpoint moves content from the WAL into the file without changing it; the token differs all
 * the same. That is a false "changed", which is allowed; a false "unchanged" is not.
 *
 * The file is read through SQLite's own descriptor: closing any other descriptor of it would drop
 * the POSIX locks of this whole process, and with them the pinned snapshot.
 */
#include "engine/connect/sqlite/snapshot.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/flow/big_endian.h"

enum {
    HEADER_SIZE = 100,
    HEADER_FORMAT_AT = 18, /* write version, then read version: 2 is WAL */
    HEADER_CHANGE_AT = 24,
    HEADER_COOKIE_AT = 40,
    HEADER_VALID_FOR_AT = 92,
    FORMAT_WAL = 2,
    /* The wal-index ("WAL-mode File Format", section 2.1): two copies of a header of 48 bytes. */
    INDEX_REGION_SIZE = 32768,
    INDEX_HEADER_WORDS = 12,
    INDEX_FLAGS_WORD = 3, /* isInit, bigEndCksum, page size */
    INDEX_FRAMES_WORD = 4,
    INDEX_CHECKSUM_WORD = 6,
    INDEX_SALT_WORD = 8,
    INDEX_TRIES = 1000,
    SETTLE_GRAIN_MS = 20, /* coarse clocks tick every 1 to 10 ms */
    SETTLE_COARSE_MS = 2000,
};

typedef struct WalState {
    uint32_t words[INDEX_HEADER_WORDS];
    bool has_frames;
} WalState;

void snapshot_state_release(SnapshotState *state)
{
    free(state->token);
    state->token = NULL;
}

static Status file_of(Db *db, sqlite3_file **ret, Error *err)
{
    int rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, ret);
    if (rc != SQLITE_OK)
        return db_error(db, rc, "find the open file", err);
    return STATUS_OK;
}

/* A file without a page yet reads as zeros. */
static Status read_header(Db *db, uint8_t ret[HEADER_SIZE], Error *err)
{
    sqlite3_file *file = NULL;
    TRY(file_of(db, &file, err));
    int rc = file->pMethods->xRead(file, ret, HEADER_SIZE, 0);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return db_error(db, rc, "read the file's header", err);
    return STATUS_OK;
}

/*
 * Writers change the second copy first and the first one last; who reads the first and then an
 * equal second one has a header that was current in between (as SQLite itself reads it).
 */
static bool copy_index_header(sqlite3_file *file, const volatile uint32_t *index,
                              uint32_t ret[INDEX_HEADER_WORDS])
{
    bool is_equal = true;
    for (size_t i = 0; i < INDEX_HEADER_WORDS; i++)
        ret[i] = index[i];
    file->pMethods->xShmBarrier(file);
    for (size_t i = 0; i < INDEX_HEADER_WORDS; i++)
        is_equal = index[INDEX_HEADER_WORDS + i] == ret[i] && is_equal;
    return is_equal;
}

static Status map_index(Db *db, const volatile uint32_t **ret, Error *err)
{
    sqlite3_file *file = NULL;
    TRY(file_of(db, &file, err));
    volatile void *region = NULL;
    int rc = file->pMethods->xShmMap(file, 0, INDEX_REGION_SIZE, 0, &region);
    if (rc != SQLITE_OK && rc != SQLITE_READONLY)
        return db_error(db, rc, "read the WAL's index", err);
    if (!region)
        return db_error(db, SQLITE_READONLY_CANTINIT, "read the WAL's index", err);
    *ret = region;
    return STATUS_OK;
}

static Status read_wal(Db *db, WalState *ret, Error *err)
{
    const volatile uint32_t *index = NULL;
    sqlite3_file *file = NULL;
    TRY(map_index(db, &index, err));
    TRY(file_of(db, &file, err));
    for (int i = 0; i < INDEX_TRIES; i++) {
        if (copy_index_header(file, index, ret->words)) {
            const uint8_t *flags = (const uint8_t *)&ret->words[INDEX_FLAGS_WORD];
            ret->has_frames = ret->words[INDEX_FRAMES_WORD] > 0;
            if (flags[0])
                return STATUS_OK;
        }
        (void)sched_yield(); /* always succeeds on Linux */
    }
    return error_set(err, STATUS_RETRY,
                     "could not read the state of database \"%s\": its WAL is being recovered",
                     db->path);
}

static Status stat_file(const Db *db, struct stat *ret, Error *err)
{
    if (stat(db->path, ret) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_FAILED, "could not look at database \"%s\": %s", db->path,
                     strerrordesc_np(errno));
}

static void append_wal(Text *token, const WalState *wal)
{
    if (!wal->has_frames) { /* S3 */
        text_append(token, " wal=empty");
        return;
    }
    text_append_format(token, " wal=%08x%08x.%u.%08x%08x", wal->words[INDEX_SALT_WORD],
                       wal->words[INDEX_SALT_WORD + 1], wal->words[INDEX_FRAMES_WORD],
                       wal->words[INDEX_CHECKSUM_WORD], wal->words[INDEX_CHECKSUM_WORD + 1]);
}

static char *make_token(const struct stat *info, const uint8_t *header, const WalState *wal)
{
    AUTO_TEXT Text token = {0};
    text_append_format(&token, "sqlite1 inode=%ju size=%jd mtime=%jd.%09ld ctime=%jd.%09ld",
                       (uintmax_t)info->st_ino, (intmax_t)info->st_size,
                       (intmax_t)info->st_mtim.tv_sec, info->st_mtim.tv_nsec,
                       (intmax_t)info->st_ctim.tv_sec, info->st_ctim.tv_nsec);
    text_append_format(&token, " format=%u.%u change=%u cookie=%u valid=%u",
                       header[HEADER_FORMAT_AT], header[HEADER_FORMAT_AT + 1],
                       load_be32(header + HEADER_CHANGE_AT), load_be32(header + HEADER_COOKIE_AT),
                       load_be32(header + HEADER_VALID_FOR_AT));
    if (wal)
        append_wal(&token, wal);
    return text_take(&token);
}

Status snapshot_state_read(Db *db, SnapshotState *ret, Error *err)
{
    /* Inside a transaction this changes nothing; outside it makes SQLite open, and after a crash
     * recover, the WAL. */
    int64_t ignored = 0;
    TRY(db_integer(db, "select 1 from sqlite_schema limit 1", 0, &ignored, "read the state", err));

    uint8_t header[HEADER_SIZE] = {0};
    struct stat info;
    TRY(read_header(db, header, err));
    TRY(stat_file(db, &info, err));
    SnapshotState state = {.is_wal = header[HEADER_FORMAT_AT + 1] == FORMAT_WAL};
    if (state.is_wal) {
        WalState wal = {0};
        TRY(read_wal(db, &wal, err));
        memcpy(state.commits, wal.words, sizeof(wal.words));
        state.needs_settling = !wal.has_frames;
        state.token = make_token(&info, header, &wal);
    } else {
        memcpy(state.commits, header + HEADER_CHANGE_AT, sizeof(state.commits));
        state.token = make_token(&info, header, NULL);
    }
    *ret = state;
    return STATUS_OK;
}

bool snapshot_same_commit(const SnapshotState *a, const SnapshotState *b)
{
    return a->is_wal == b->is_wal && memcmp(a->commits, b->commits, sizeof(a->commits)) == 0;
}

static int64_t age_ms(const struct timespec *stamp)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* stamps are this time, or up to a tick behind */
    return ((int64_t)now.tv_sec - (int64_t)stamp->tv_sec) * 1000 +
           (now.tv_nsec - stamp->tv_nsec) / 1000000;
}

Status snapshot_settle(Db *db, Error *err)
{
    struct stat info;
    TRY(stat_file(db, &info, err));
    bool is_coarse = info.st_mtim.tv_nsec == 0;
    int64_t grain_ms = is_coarse ? SETTLE_COARSE_MS : SETTLE_GRAIN_MS;
    int64_t age = age_ms(&info.st_mtim);
    if (age >= 0 && age < grain_ms)
        clock_sleep_ms((uint64_t)(grain_ms - age));
    return STATUS_OK;
}
