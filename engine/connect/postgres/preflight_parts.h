/*
 * The parts of the preflight. Private to preflight*.c.
 */
#pragma once

#include "engine/connect/postgres/staging_map.h"
#include "engine/flow/findings.h"

typedef struct Preflight {
    PgConnection *connection;
    const RunIdentity *identity;
    const Catalog *catalog;
    const StagingMap *map;
    Findings *findings;
    bool is_superuser;
} Preflight;

/* Sets is_superuser. */
Status preflight_server(Preflight *preflight, Error *err);
Status preflight_watchers(const Preflight *preflight, Error *err);
Status preflight_schemas(const Preflight *preflight, Error *err);
Status preflight_extensions(const Preflight *preflight, Error *err);
Status preflight_roles(const Preflight *preflight, Error *err);
Status preflight_types(const Preflight *preflight, Error *err);
Status preflight_routines(const Preflight *preflight, Error *err);

Status preflight_privileges(const Preflight *preflight, Error *err);

/* Strings as a JSON array, for a parameter; the caller frees. */
char *preflight_json(const TextList *list);
