/*
 * Where everything of a source is to be found while it is staged: each migrated (schema, name) in
 * the staging schema of its schema, members of extensions in the schema of the target's extension.
 * The same for the way back, when what was built is compared with the source.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/target.h"
#include "engine/flow/catalog.h"

/* An extension that the source needs, and where it stands on the target. */
typedef struct StagedExtension {
    char *name;
    char *schema;           /* the source's */
    TextList members;       /* in that, of the source: see notes.h */
    char *version;          /* the source's, or NULL when not known */
    char *installed_schema; /* the target's; NULL: not installed */
    char *installed_version;
    bool is_available;         /* in some version */
    bool is_version_available; /* in the source's */
    uint32_t object_id;
} StagedExtension;

typedef struct StagingMap {
    NameMap *forward;
    NameMap *back;    /* from staging to the source's words */
    TextList schemas; /* of the source, bytewise in order */
    TextList staging; /* their staging schemas, likewise */
    StagedExtension *extensions;
    size_t extension_count;
    size_t extension_capacity;
} StagingMap;

/* Reads the target's extensions. ERROR_REFUSED when two schemas would get one staging name. */
Status staging_map_make(PgConnection *target, const RunIdentity *identity, const Catalog *catalog,
                        StagingMap *ret, Error *err);
void staging_map_release(StagingMap *map);
#define AUTO_STAGING_MAP __attribute__((cleanup(staging_map_release)))

/* The staging schema of a source's schema; NULL when nothing of it is migrated. Borrowed. */
const char *staging_map_schema(const StagingMap *map, const char *schema);

/* Schema and name of what a CREATE statement makes, as it is written there; false when it names it
 * without a schema. The caller frees both. */
bool created_name(const char *statement, char **ret_schema, char **ret_name);
