#include "engine/connect/postgres/preflight.h"

#include "engine/base/json.h"
#include "engine/connect/postgres/preflight_parts.h"

char *preflight_json(const TextList *list)
{
    AUTO_FREE(json_free) Json *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_add_string(array, list->items[i]);
    return json_print(array, false);
}

static Status look(Preflight *preflight, Error *err)
{
    TRY(preflight_server(preflight, err));
    TRY(preflight_watchers(preflight, err));
    TRY(preflight_schemas(preflight, err));
    TRY(preflight_extensions(preflight, err));
    TRY(preflight_privileges(preflight, err));
    TRY(preflight_roles(preflight, err));
    TRY(preflight_types(preflight, err));
    return preflight_routines(preflight, err);
}

Status pg_preflight(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                    Findings *findings, Error *err)
{
    AUTO_STAGING_MAP StagingMap map = {0};
    Preflight preflight = {
        .identity = identity, .catalog = catalog, .map = &map, .findings = findings};

    TRY(pg_target_control(pg_target_of_stager(stager), &preflight.connection, err));
    TRY(staging_map_make(preflight.connection, identity, catalog, &map, err));
    return look(&preflight, err);
}
