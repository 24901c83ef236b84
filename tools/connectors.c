#include "tools/connectors.h"

#include "engine/connect/sqlite/sqlite.h"

static Status refuse(const Uri *uri, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "%s is not supported yet: \"%s\"", uri->scheme,
                     uri->display);
    error_hint(err, "Use sqlite:PATH.");
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

ConnectorTable connectors_all(void)
{
    static const Connector connectors[] = {
        {"sqlite", sqlite_open_source, sqlite_open_target},
        {"postgresql", refuse_source, refuse_target},
        {"postgres", refuse_source, refuse_target},
        {"lightrag", refuse_source, refuse_target},
        {0},
    };

    return connectors;
}
