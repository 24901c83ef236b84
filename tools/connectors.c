#include "tools/connectors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backup/archive.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/connect/postgres/postgres.h"
#include "engine/connect/sqlite/sqlite.h"

static Status refuse(const Uri *uri, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "%s is not supported yet: \"%s\"", uri->scheme,
                     uri->display);
    error_hint(err, "Use postgresql://... or sqlite:PATH.");
    return STATUS_INVALID;
}

static Status refuse_source(const Uri *uri, Source **ret, Error *err)
{
    (void)ret;
    return refuse(uri, err);
}

static Status refuse_target(const Uri *uri, Target **ret, Error *err)
{
    (void)ret;
    return refuse(uri, err);
}

static Status open_archive(const Uri *uri, Source **ret, Error *err)
{
    static const ArchiveSelector selectors[] = {{"postgresql", postgres_select}, {0}};

    return archive_open_source(uri, selectors, ret, err);
}

ConnectorTable connectors_all(void)
{
    static const Connector connectors[] = {
        {"sqlite", sqlite_open_source, sqlite_open_target},
        {"postgresql", postgres_open_source, postgres_open_target},
        {ARCHIVE_SCHEME, open_archive, archive_open_target}, /* for our own use */
        {"lightrag", refuse_source, refuse_target},
        {0},
    };

    return connectors;
}

Status connectors_complete(const Uri *uri, const char *text, char **ret, Error *err)
{
    bool is_path = strcmp(uri->scheme, "sqlite") == 0 || strcmp(uri->scheme, ARCHIVE_SCHEME) == 0;
    AUTO_FREE_MEMORY char *directory = NULL;
    const char *rest = uri->rest;

    if (!is_path || uri->rest[0] == '/' || uri->rest[0] == ':') { /* ":memory:" is refused later */
        *ret = xstrdup(text);
        return STATUS_OK;
    }
    if (strncmp(uri->given, "env:", 4) == 0) {
        (void)error_kind(err, ERROR_USAGE, "%s holds a relative path: \"%s\"", uri->given,
                         uri->display);
        error_hint(err,
                   "Write an absolute path there: a migration is gone on with from any place.");
        return STATUS_INVALID;
    }
    directory = getcwd(NULL, 0);
    if (directory == NULL)
        return file_error(err, errno, "resolve", uri->rest);
    while (strncmp(rest, "./", 2) == 0) /* the same file is not another source */
        rest += 2 + strspn(rest + 2, "/");
    *ret = xasprintf("%s:%s/%s", uri->scheme, strcmp(directory, "/") == 0 ? "" : directory, rest);
    return STATUS_OK;
}
