#include "engine/connect/sqlite/preflight.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/promotion_plan.h"

/* "." when the path has no directory; the caller frees. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* SQLite makes its journal beside the file: the directory must be writable too. */
static void check_rights(const char *path, const char *directory, Findings *findings)
{
    struct stat info;

    if (stat(directory, &info) != 0 || !S_ISDIR(info.st_mode)) {
        finding_once(findings, FINDING_REFUSAL, path, "Create the directory, or check the path.",
                     "the directory \"%s\" does not exist", directory);
        return;
    }
    if (access(directory, W_OK | X_OK) != 0)
        finding_once(findings, FINDING_REFUSAL, path,
                     "Allow this user to write the directory: SQLite makes its journal there.",
                     "the directory \"%s\" cannot be written: %s", directory,
                     strerrordesc_np(errno));
    if (access(path, F_OK) == 0 && access(path, W_OK) != 0)
        finding_once(findings, FINDING_REFUSAL, path, "Allow this user to write the file.",
                     "the target cannot be written: %s", strerrordesc_np(errno));
}

static void check_space(const char *directory, const Catalog *catalog, Findings *findings)
{
    struct statvfs space;
    uint64_t needed = 0;
    char needed_text[32];
    char free_text[32];

    if (statvfs(directory, &space) != 0)
        return; /* a guess that cannot be made is no reason to refuse */
    for (size_t i = 0; i < catalog->table_count; i++)
        needed += catalog->tables[i].byte_estimate;

    uint64_t available = (uint64_t)space.f_bavail * space.f_frsize;

    format_bytes(needed + needed / 10, needed_text, sizeof(needed_text));
    format_bytes(available, free_text, sizeof(free_text));
    /* Estimates may be too high by what the source has lost to fragmentation, not by more. */
    if (available < needed - needed / 5)
        finding_once(findings, FINDING_REFUSAL, directory, "Free space there, or use another disk.",
                     "about %s are needed, %s are free", needed_text, free_text);
    else if (available < needed + needed / 10)
        finding_once(findings, FINDING_WARNING, directory, "Free space there to be sure.",
                     "about %s are needed, %s are free", needed_text, free_text);
}

static Status check_encoding(Db *db, const Catalog *catalog, Findings *findings, Error *err)
{
    const char *wanted = catalog_setting(catalog, "encoding");
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    int64_t pages = 0;

    TRY(db_integer(db, "pragma main.page_count", 0, &pages, "look at the target", err));
    if (wanted == NULL || pages == 0)
        return STATUS_OK;
    TRY(db_prepare(db, "pragma main.encoding", &query, "look at the target", err));
    TRY(db_step(db, query, "look at the target", err));

    const char *encoding = db_column_text(query, 0);

    if (encoding != NULL && strcmp(encoding, wanted) != 0)
        finding_once(findings, FINDING_REFUSAL, db->path,
                     "Use a target file that does not exist yet: it is made with the source's "
                     "encoding.",
                     "its encoding is %s, that of the source is %s; changing it could change text",
                     encoding, wanted);
    return STATUS_OK;
}

static Status check_schema(Db *db, const RunIdentity *identity, const Catalog *catalog,
                           Findings *findings, Error *err)
{
    AUTO_SCHEMA Schema live = {0};
    AUTO_SWAP_PAIR SwapPair pair = {0};

    if (db != NULL) {
        TRY(schema_load(db, &live, err));
        TRY(ledger_mark_ours(db, &live, err));
    } else {
        schema_index(&live);
    }
    TRY(swap_pair_plan(db, &live, catalog, identity->id, &pair, findings, err));
    if (findings_count(findings, FINDING_REFUSAL) > 0)
        return STATUS_OK;
    return swap_pair_try(&live, catalog, &pair, findings, err);
}

Status sqlite_preflight(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                        Findings *findings, Error *err)
{
    SqliteTarget *target = stager_target(stager);
    AUTO_FREE_MEMORY char *directory = directory_of(target->path);
    AUTO_FREE(db_free) Db *db = NULL;
    bool ignored = false;

    target_configure_new_file(target, catalog);
    check_rights(target->path, directory, findings);
    if (findings_count(findings, FINDING_REFUSAL) > 0)
        return STATUS_OK; /* SQLite would say the same, less clearly */
    check_space(directory, catalog, findings);
    TRY(target_open_to_read(target, &db, err));
    if (db != NULL) {
        TRY(ledger_check(db, &ignored, err));
        TRY(check_encoding(db, catalog, findings, err));
    }
    return check_schema(db, identity, catalog, findings, err);
}
