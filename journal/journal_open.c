/*
 * Making and opening the file. A new journal is built in memory and put in place by one rename
 * (J1), so that there is never half of one; whatever else lies there is refused, not mended.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "journal/internal.h"

enum {
    BUSY_TIMEOUT_MS = 5000,
};

void journal_free(Journal *journal)
{
    if (journal == NULL)
        return;
    state_release(&journal->state);
    (void)sqlite3_close(journal->db); /* what counts is committed; an open group is rolled back */
    free(journal->path);
    free(journal);
}

static Journal *new_journal(const char *path, JournalMode mode)
{
    Journal *journal = xcalloc(1, sizeof(*journal));

    journal->recorder.ops = &journal_recorder_ops;
    journal->path = xstrdup(path);
    journal->mode = mode;
    return journal;
}

static Status connect_to(Journal *journal, const char *name, int flags, Error *err)
{
    int rc = sqlite3_open_v2(name, &journal->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (journal->db == NULL)
        out_of_memory();
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(journal->db, BUSY_TIMEOUT_MS);
    if (rc != SQLITE_OK)
        return journal_error(journal, rc, "open", err);
    return journal_execute(journal,
                           "pragma trusted_schema = off; pragma cell_size_check = on;"
                           "pragma synchronous = full",
                           "open", err);
}

/* ---- create ---- */

/* An address that still shows a secret is recorded as it is displayed: it must be given again. */
static const char *choose_recorded(const Uri *uri)
{
    AUTO_FREE_MEMORY char *redacted = uri_redact(uri->given);

    return strcmp(redacted, uri->given) == 0 ? uri->given : uri->display;
}

static Status insert_migration(Journal *journal, const char *name, const Uri *source,
                               const Uri *target, const char *tool_version, Error *err)
{
    AUTO_QUERY Query query = {0};
    uint8_t random[16];
    char run[33];
    char seed[17];

    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), run);
    TRY(query_prepare(journal,
                      "insert into migration(id, attempt, epoch, phase, finished, snapshot_us,"
                      " level, name, run, source_given, source_display, target_given,"
                      " target_display, created_us, tool_version, seed)"
                      " values (1, 1, 0, 'initial', 0, 0, 'sample', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "create", &query, err));
    query_text(&query, name);
    query_text(&query, run);
    query_text(&query, choose_recorded(source));
    query_text(&query, source->display);
    query_text(&query, choose_recorded(target));
    query_text(&query, target->display);
    query_integer(&query, clock_wall_us());
    query_text(&query, tool_version);
    query_hex(&query, random_u64(), seed);
    return query_run(&query, err);
}

static Status set_application_id(Journal *journal, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("pragma application_id = %d", JOURNAL_APPLICATION_ID);

    return journal_execute(journal, sql, "create", err);
}

static Status build_in_memory(Journal *journal, const char *name, const Uri *source,
                              const Uri *target, const char *tool_version, Error *err)
{
    TRY(connect_to(journal, ":memory:", SQLITE_OPEN_READWRITE, err));
    TRY(set_application_id(journal, err));
    TRY(journal_execute(journal, "begin", "create", err));
    TRY(journal_upgrade_fully(journal, err));
    TRY(insert_migration(journal, name, source, target, tool_version, err));
    TRY(event_insert(journal, "phase", phase_name(PHASE_INITIAL), "created", err));
    return journal_execute(journal, "commit", "create", err);
}

/* Logs of a journal that is gone would be replayed onto the new one. */
static Status remove_leftovers(const char *path, Error *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        AUTO_FREE_MEMORY char *leftover = xasprintf("%s%s", path, suffixes[i]);

        if (unlink(leftover) != 0 && errno != ENOENT)
            return file_error(err, errno, "remove", leftover);
    }
    return STATUS_OK;
}

static Status write_file(const Journal *built, Error *err)
{
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(built->db, "main", &size, 0);
    Status status = STATUS_OK;

    if (image == NULL)
        out_of_memory();
    status = file_replace(built->path, image, (size_t)size, err);
    sqlite3_free(image);
    return status;
}

Status journal_create(const char *directory, const char *name, const Uri *source, const Uri *target,
                      const char *tool_version, Journal **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/journal.db", directory);
    AUTO_FREE(journal_free) Journal *built = new_journal(path, JOURNAL_WRITE);

    TRY(migration_name_check(name, err));
    if (file_exists(path))
        return error_kind(err, ERROR_REFUSED, "journal \"%s\" exists already", path);
    TRY(build_in_memory(built, name, source, target, tool_version, err));
    TRY(fault_before("journal.create", err));
    TRY(remove_leftovers(path, err));
    TRY(write_file(built, err));
    if (fault_after("journal.create", err) < 0)
        return STATUS_FATAL;
    return journal_open(directory, JOURNAL_WRITE, ret, err);
}

/* The journal first: logs without one are removed by whoever makes the next. */
Status journal_remove(const char *directory, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/journal.db", directory);

    TRY(fault_before("journal.remove", err));
    if (unlink(path) != 0 && errno != ENOENT)
        return file_error(err, errno, "remove", path);
    TRY(fault_after("journal.remove", err));
    TRY(remove_leftovers(path, err));
    return directory_sync(directory, err);
}

/* ---- open ---- */

static Status refuse_foreign(const Journal *journal, const char *reason, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "\"%s\" is not a journal of stopover: %s", journal->path,
                     reason);
    error_hint(err, "If this was a journal, put a copy of it in its place; else move the file away "
                    "or name another directory with --home.");
    return STATUS_INVALID;
}

/* A journal appears whole (J1), so an empty file was one: it must not be taken for a new start. */
static Status check_file(const Journal *journal, Error *err)
{
    struct stat found;

    if (stat(journal->path, &found) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return error_kind(err, ERROR_NOT_FOUND, "journal \"%s\" does not exist", journal->path);
        return file_error(err, errno, "open journal", journal->path);
    }
    if (!S_ISREG(found.st_mode))
        return refuse_foreign(journal, "it is not a file", err);
    return found.st_size == 0 ? journal_damaged(journal, "it is empty", err) : STATUS_OK;
}

static Status read_application_id(Journal *journal, int64_t *ret, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "pragma application_id", "open", &query, err));
    TRY(query_step(&query, err));
    *ret = column_integer(&query, 0);
    return STATUS_OK;
}

static bool has_log(const Journal *journal)
{
    AUTO_FREE_MEMORY char *log = xasprintf("%s-wal", journal->path);

    return file_exists(log);
}

static void append_uri_path(Text *uri, const char *path)
{
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) != NULL)
            text_append_format(uri, "%%%02x", (unsigned)(uint8_t)*path);
        else
            text_append_bytes(uri, path, 1);
    }
}

/*
 * On a medium that cannot be written SQLite cannot make the files that readers of a WAL database
 * share. Without a log no run is writing there, and the file alone is the whole journal.
 */
static Status connect_immutable(Journal *journal, Error *err)
{
    AUTO_TEXT Text uri = {0};

    (void)sqlite3_close(journal->db); /* nothing is open on it */
    journal->db = NULL;
    text_append(&uri, "file:");
    append_uri_path(&uri, journal->path);
    text_append(&uri, "?immutable=1");
    return connect_to(journal, text_string(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

/* Connects and reads the first page. */
static Status look_inside(Journal *journal, int64_t *ret_application_id, Error *err)
{
    int flags = journal->mode == JOURNAL_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

    TRY(connect_to(journal, journal->path, flags, err));
    return read_application_id(journal, ret_application_id, err);
}

static Status connect_for_mode(Journal *journal, int64_t *ret_application_id, Error *err)
{
    Status status = look_inside(journal, ret_application_id, err);
    int code = 0;

    if (status >= 0)
        return status;
    code = sqlite3_errcode(journal->db);
    if (code == SQLITE_NOTADB)
        return refuse_foreign(journal, sqlite3_errmsg(journal->db), err);
    if (journal->mode != JOURNAL_READ || has_log(journal) ||
        (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
        return status;
    TRY(connect_immutable(journal, err));
    return read_application_id(journal, ret_application_id, err);
}

static Status check_version(Journal *journal, Error *err)
{
    int version = 0;

    TRY(journal_read_version(journal, &version, err));
    if (version < 1)
        return journal_damaged(journal, "it has no version", err);
    if (version <= journal_version())
        return STATUS_OK;
    (void)error_kind(err, ERROR_REFUSED,
                     "journal \"%s\" has version %d, and this program knows up to version %d",
                     journal->path, version, journal_version());
    error_hint(err, "Use the newer release of stopover that wrote it.");
    return STATUS_INVALID;
}

static Status check_sound(Journal *journal, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "pragma quick_check(1)", "check", &query, err));
    TRY(query_step(&query, err));
    if (strcmp(column_text(&query, 0), "ok") == 0)
        return STATUS_OK;
    return journal_disk_fails(journal) ? journal_error(journal, SQLITE_IOERR, "check", err)
                                       : journal_damaged(journal, column_text(&query, 0), err);
}

/* Also the first time: what journal_create() put in place is not in this mode yet. */
static Status set_write_ahead(Journal *journal, Error *err)
{
    AUTO_QUERY Query query = {0};

    if (sqlite3_db_readonly(journal->db, "main") != 0)
        return journal_error(journal, SQLITE_READONLY, "write to", err);
    TRY(query_prepare(journal, "pragma journal_mode = wal", "open", &query, err));
    TRY(query_step(&query, err));
    if (strcmp(column_text(&query, 0), "wal") == 0)
        return journal_execute(journal, "pragma journal_size_limit = 16777216", "open", err);
    (void)error_kind(err, ERROR_REFUSED, "journal \"%s\" cannot be kept on this file system",
                     journal->path);
    error_hint(err, "Name a directory on a local disk with --home.");
    return STATUS_INVALID;
}

static Status upgrade_if_older(Journal *journal, Error *err)
{
    int version = 0;

    TRY(journal_read_version(journal, &version, err));
    if (version == journal_version())
        return STATUS_OK;
    TRY(transaction_begin(journal, err));
    return transaction_commit(journal, "journal.upgrade", journal_upgrade_fully(journal, err), err);
}

static Status load_checked(Journal *journal, Error *err)
{
    const char *defect = NULL;

    TRY(journal_refresh(journal, err));
    defect = state_defect(&journal->state);
    return defect == NULL ? STATUS_OK : journal_damaged(journal, defect, err);
}

Status journal_open(const char *directory, JournalMode mode, Journal **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/journal.db", directory);
    AUTO_FREE(journal_free) Journal *journal = new_journal(path, mode);
    int64_t application_id = 0;

    TRY(check_file(journal, err));
    TRY(connect_for_mode(journal, &application_id, err));
    if (application_id != JOURNAL_APPLICATION_ID)
        return refuse_foreign(journal, "it is the database of another program", err);
    TRY(check_version(journal, err));
    TRY(check_sound(journal, err));
    if (mode == JOURNAL_WRITE) {
        TRY(set_write_ahead(journal, err));
        TRY(upgrade_if_older(journal, err));
    }
    TRY(load_checked(journal, err));
    *ret = TAKE(journal);
    return STATUS_OK;
}
