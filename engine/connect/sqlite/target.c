/*
 * The target as a whole: opening the file, claiming it, reading its ledger. Rows go in by writer.c,
 * tables are staged and promoted by stager.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/prober.h"
#include "engine/connect/sqlite/sqlite.h"
#include "engine/connect/sqlite/target_state.h"

enum {
    DEFAULT_CHUNK_BYTES = 16 * 1024 * 1024,
};

static SqliteTarget *own(Target *target)
{
    return (SqliteTarget *)target; /* base is its first member */
}

Status target_open_to_read(const SqliteTarget *target, Db **ret, Error *err)
{
    *ret = NULL;
    if (access(target->path, F_OK) != 0 && errno == ENOENT)
        return STATUS_OK;
    if (access(target->path, W_OK) != 0)
        return db_open(target->path, DB_READ, ret, err);
    TRY(db_open(target->path, DB_WRITE, ret, err));
    /* Looking must not move a WAL's content into the file. */
    (void)sqlite3_db_config((*ret)->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return STATUS_OK;
}

Status target_open_to_write(const SqliteTarget *target, Db **ret, Error *err)
{
    return db_open(target->path, DB_WRITE, ret, err);
}

const char *catalog_setting(const Catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->kind == OBJECT_SETTING && strcmp(object->name, name) == 0)
            return object->definition;
    }
    return NULL;
}

void target_configure_new_file(SqliteTarget *target, const Catalog *catalog)
{
    const char *encoding = catalog_setting(catalog, "encoding");
    const char *page_size = catalog_setting(catalog, "page_size");
    uint64_t size = 0;

    if (encoding != NULL && strncmp(encoding, "UTF-", 4) == 0) {
        free(target->encoding);
        target->encoding = xstrdup(encoding);
    }
    if (page_size != NULL && parse_unsigned(page_size, 65536, &size))
        target->page_size = (int64_t)size;
}

static void configure(Target *target, const Catalog *catalog)
{
    target_configure_new_file(own(target), catalog);
}

/* A file without a page takes these; on any other they change nothing. */
static Status shape_new_file(const SqliteTarget *target, Db *db, Error *err)
{
    const char *action = "create the database";
    int64_t pages = 0;
    AUTO_TEXT Text sql = {0};

    TRY(db_integer(db, "pragma page_count", 0, &pages, action, err));
    if (pages > 0)
        return STATUS_OK;
    if (target->page_size > 0)
        text_append_format(&sql, "pragma page_size = %" PRId64 ";", target->page_size);
    if (target->encoding != NULL)
        text_append_format(&sql, "pragma encoding = '%s';", target->encoding);
    TRY(db_exec(db, text_string(&sql), action, err));
    return db_read_encoding(db, err);
}

static Status claim(Target *base, RunIdentity *identity, Error *err)
{
    SqliteTarget *target = own(base);
    AUTO_FREE(db_free) Db *db = NULL;

    TRY(fault_before("target.claim", err));
    TRY(db_open(target->path, DB_CREATE, &db, err));
    TRY(shape_new_file(target, db, err));
    TRY(ledger_claim(db, identity, err));
    return fault_after("target.claim", err);
}

static Status read_ledger(Target *base, const RunIdentity *identity, const LedgerSink *sink,
                          Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    bool exists = false;

    TRY(target_open_to_read(own(base), &db, err));
    if (db == NULL)
        return STATUS_OK;
    TRY(db_exec(db, "begin", "read the ledger", err)); /* chunks and tasks of one state */
    TRY(ledger_check(db, &exists, err));

    Status status = exists ? ledger_read(db, identity, sink, err) : STATUS_OK;

    ledger_rollback(db);
    return status;
}

static Status open_writer(Target *base, const RunIdentity *identity, Writer **ret, Error *err)
{
    return sqlite_open_writer(own(base), identity, ret, err);
}

/* Prober over a connection of its own. */
typedef struct TargetProber {
    Prober base;
    Db *db;
    Prober *inner;
} TargetProber;

static Status probe(Prober *base, const ProbeRequest *request, ProbeResult *ret, Error *err)
{
    TargetProber *prober = (TargetProber *)base;

    return prober_probe(prober->inner, request, ret, err);
}

static void free_prober(Prober *base)
{
    TargetProber *prober = (TargetProber *)base;

    prober_free(prober->inner);
    db_free(prober->db);
    free(prober);
}

static const ProberOps prober_ops = {.probe = probe, .free = free_prober};

static Status open_prober(Target *base, Prober **ret, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    Prober *inner = NULL;

    TRY(target_open_to_write(own(base), &db, err)); /* to recover, see target_open_to_read() */
    TRY(db_exec(db, "pragma query_only = on", "open a prober", err));
    TRY(sqlite_prober_new(db, &inner, err));

    TargetProber *prober = xcalloc(1, sizeof(*prober));

    prober->base.ops = &prober_ops;
    prober->inner = inner;
    prober->db = TAKE(db);
    *ret = &prober->base;
    return STATUS_OK;
}

static Status identity_of(Target *base, char **ret, Error *err)
{
    struct stat info;

    (void)err;
    *ret = NULL;
    if (stat(own(base)->path, &info) == 0)
        *ret = xasprintf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return STATUS_OK;
}

static void free_target(Target *base)
{
    SqliteTarget *target = own(base);

    free(target->path);
    free(target->encoding);
    free(target);
}

static const TargetOps target_ops = {
    .name = "sqlite",
    .row_formats = ROW_TAGGED,
    .max_writers = 1,
    .default_chunk_bytes = DEFAULT_CHUNK_BYTES,
    .configure = configure,
    .claim = claim,
    .read_ledger = read_ledger,
    .open_writer = open_writer,
    .open_prober = open_prober,
    .identity = identity_of,
    .free = free_target,
};

Status sqlite_open_target(const Uri *uri, Target **ret, Error *err)
{
    if (uri->rest[0] == '\0' || strcmp(uri->rest, ":memory:") == 0) {
        Status status = error_kind(err, ERROR_USAGE, "\"%s\" names no file", uri->display);

        error_hint(err, "Write sqlite:PATH, for example sqlite:shop.db.");
        return status;
    }

    SqliteTarget *target = xcalloc(1, sizeof(*target));

    target->base.ops = &target_ops;
    target->base.stager = &target->stager.base;
    target->stager.base.ops = &sqlite_stager_ops;
    target->stager.target = target;
    target->path = xstrdup(uri->rest);
    *ret = &target->base;
    return STATUS_OK;
}
