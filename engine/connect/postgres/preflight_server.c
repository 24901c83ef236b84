/*
 * The target's server and database: may we write there, and can it hold what comes?
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/preflight_parts.h"
#include "engine/connect/postgres/preflight_server.sql.h"

enum {
    CONNECTIONS_WANTED = 6, /* the default number of jobs, one to look at progress, one to spare */
    CONNECTIONS_NEEDED = 1, /* besides the one that asks */
    LOCKS_SPARE = 200,      /* catalogs, and other sessions' */
};

enum {
    COLUMN_RECOVERY,
    COLUMN_MAY_CREATE,
    COLUMN_DATABASE,
    COLUMN_USER,
    COLUMN_SUPERUSER,
    COLUMN_ENCODING,
    COLUMN_LOCALE,
    COLUMN_FREE_CONNECTIONS,
    COLUMN_LOCKS,
    COLUMN_HAS_ICU,
};

static const char *find_setting(const Catalog *catalog, const char *name)
{
    for (size_t i = catalog->object_count; i > 0; i--) {
        const Object *object = &catalog->objects[i - 1];

        if (object->kind == OBJECT_SETTING && strcmp(object->name, name) == 0)
            return object->definition;
    }
    return NULL;
}

static void check_rights(const Preflight *preflight, const PgRows *rows)
{
    const char *database = pg_value(rows, 0, COLUMN_DATABASE);
    const char *user = pg_value(rows, 0, COLUMN_USER);

    if (pg_is_true(rows, 0, COLUMN_RECOVERY)) {
        findings_add(preflight->findings, FINDING_REFUSAL, NULL,
                     "Connect to the primary server of this standby.",
                     "the target is in recovery: it takes no changes");
        return;
    }
    if (!pg_is_true(rows, 0, COLUMN_MAY_CREATE)) {
        AUTO_TEXT Text remedy = {0};

        text_append(&remedy, "Run there, as its owner: GRANT CREATE ON DATABASE ");
        pg_quote_name(&remedy, NULL, database);
        text_append(&remedy, " TO ");
        pg_quote_name(&remedy, NULL, user);
        text_append(&remedy, ";");
        findings_add(preflight->findings, FINDING_REFUSAL, NULL, text_string(&remedy),
                     "role \"%s\" may not create schemas in the target database \"%s\"", user,
                     database);
    }
}

/* What a newer server's pg_dump writes is not always understood by an older one. */
static void check_version(const Preflight *preflight)
{
    const char *text = find_setting(preflight->catalog, "server_version");
    int target = pg_server_major(preflight->connection);
    uint64_t source = 0;

    if (text == NULL || !parse_unsigned(text, 1000, &source) || (uint64_t)target >= source)
        return;
    findings_add(preflight->findings, FINDING_REFUSAL, NULL,
                 "Migrate to a server of the source's version or a newer one.",
                 "the target's server is of version %d, older than the source's %s", target, text);
}

/* Conversion could change text, or fail in the middle of the copy. */
static void check_encoding(const Preflight *preflight, const PgRows *rows)
{
    const char *source = find_setting(preflight->catalog, "encoding");
    const char *target = pg_value(rows, 0, COLUMN_ENCODING);

    if (source == NULL || strcmp(source, target) == 0)
        return;

    AUTO_FREE_MEMORY char *remedy = xasprintf(
        "Create the target database with CREATE DATABASE ... ENCODING '%s' TEMPLATE template0.",
        source);

    findings_add(preflight->findings, FINDING_REFUSAL, NULL, remedy,
                 "between databases of different encodings nothing is migrated: the source has "
                 "%s, the target %s",
                 source, target);
}

static void check_locale(const Preflight *preflight, const PgRows *rows)
{
    const char *source = find_setting(preflight->catalog, "locale");
    const char *target = pg_value(rows, 0, COLUMN_LOCALE);

    if (source != NULL && strcmp(source, target) != 0)
        findings_add(preflight->findings, FINDING_NOTE, NULL,
                     "Nothing has to be done when that is meant; else create the target database "
                     "with the source's locale.",
                     "text without a collation of its own is sorted otherwise: by %s in the "
                     "source, by %s in the target",
                     source, target);
}

static void check_icu(const Preflight *preflight, const PgRows *rows)
{
    if (pg_is_true(rows, 0, COLUMN_HAS_ICU))
        return;
    for (size_t i = 0; i < preflight->catalog->object_count; i++) {
        const Object *object = &preflight->catalog->objects[i];

        if (object->kind != OBJECT_OTHER ||
            strncmp(object->definition, "CREATE COLLATION", strlen("CREATE COLLATION")) != 0 ||
            strcasestr(object->definition, "provider = icu") == NULL)
            continue;

        AUTO_FREE_MEMORY char *name = xasprintf("collation %s.%s", object->schema, object->name);

        findings_add(preflight->findings, FINDING_REFUSAL, name,
                     "Use a target server that was built with ICU.",
                     "needs ICU, which the target's server does not have");
        return;
    }
}

/* One for whom and one for what he writes: with fewer, even one job waits for ever. */
static void check_connections(const Preflight *preflight, const PgRows *rows)
{
    int64_t free_ones = pg_integer(rows, 0, COLUMN_FREE_CONNECTIONS);

    if (preflight->is_superuser || free_ones >= CONNECTIONS_WANTED)
        return;
    if (free_ones < CONNECTIONS_NEEDED)
        findings_add(preflight->findings, FINDING_REFUSAL, NULL,
                     "End other sessions, or raise max_connections on the target.",
                     "the target has no connection to spare");
    else
        findings_add(preflight->findings, FINDING_WARNING, NULL,
                     "Use fewer --jobs, end other sessions, or raise max_connections there.",
                     "the target has only %lld more connections to spare", (long long)free_ones);
}

static size_t count_type(const Preflight *preflight, const char *words)
{
    size_t count = 0;

    for (size_t i = 0; i < preflight->catalog->object_count; i++) {
        const char *definition = preflight->catalog->objects[i].definition;

        count += definition != NULL && strstr(definition, words) != NULL;
    }
    return count;
}

/* Our transactions are small, but what spans partitions locks all of them and their indexes. */
static void check_locks(const Preflight *preflight, const PgRows *rows)
{
    uint64_t locks = pg_unsigned(rows, 0, COLUMN_LOCKS);
    size_t partitions = count_type(preflight, " ATTACH PARTITION ");

    if (partitions + LOCKS_SPARE > locks)
        findings_add(preflight->findings, FINDING_WARNING, NULL,
                     "Raise max_locks_per_transaction on the target and restart it.",
                     "the target's table of locks has room for %llu; a partitioned table with all "
                     "its partitions and indexes may need %zu",
                     (unsigned long long)locks, partitions);
}

static void note_size(const Preflight *preflight)
{
    uint64_t bytes = 0;
    char text[32];

    for (size_t i = 0; i < preflight->catalog->table_count; i++)
        bytes += preflight->catalog->tables[i].byte_estimate;
    if (bytes < UINT64_C(1) << 30)
        return;
    format_bytes(bytes, text, sizeof(text));
    findings_add(preflight->findings, FINDING_NOTE, NULL,
                 "Make sure that there is as much free, and half of it again for indexes and WAL.",
                 "about %s will be written; how much the target's disk has left cannot be seen "
                 "from here",
                 text);
}

Status preflight_server(Preflight *preflight, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(pg_query(preflight->connection, preflight_server_sql, &rows, err));
    if (pg_row_count(rows) != 1)
        return error_set(err, STATUS_FAILED, "the target's database is not in its catalog");
    preflight->is_superuser = pg_is_true(rows, 0, COLUMN_SUPERUSER);
    check_rights(preflight, rows);
    check_version(preflight);
    check_encoding(preflight, rows);
    check_locale(preflight, rows);
    check_icu(preflight, rows);
    check_connections(preflight, rows);
    check_locks(preflight, rows);
    note_size(preflight);
    return STATUS_OK;
}
