#include "engine/connect/postgres/kinds.h"

#include <string.h>

#define CARRIED(type_, post_, object_, task_)                                                      \
    {                                                                                              \
        .type = (type_), .fate = KIND_CARRIED, .is_post_data = (post_), .object_kind = (object_),  \
        .task_class = (task_)                                                                      \
    }
#define AT_PROMOTION(type_, post_)                                                                 \
    {                                                                                              \
        .type = (type_), .fate = KIND_AT_PROMOTION, .is_post_data = (post_),                       \
        .object_kind = OBJECT_OTHER, .task_class = TASK_CREATE                                     \
    }
#define SKIPPED(type_, post_, words_, remedy_)                                                     \
    {                                                                                              \
        .type = (type_), .fate = KIND_SKIPPED, .is_post_data = (post_),                            \
        .object_kind = OBJECT_OTHER, .task_class = TASK_CREATE, .words = (words_),                 \
        .remedy = (remedy_)                                                                        \
    }
#define IGNORED(type_)                                                                             \
    {                                                                                              \
        .type = (type_), .fate = KIND_IGNORED, .object_kind = OBJECT_OTHER,                        \
        .task_class = TASK_CREATE                                                                  \
    }

#define REPUBLISH  "Create them again on the target once the migration is promoted."
#define RECONNECT  "Create it again on the target, with its connection, once that is wanted."
#define FOREIGN    "Create them on the target yourself: where they lead may differ there."
#define BEFOREHAND "Create them on the target before staging, if something migrated needs them."
#define LARGE      "Copy them yourself, or move them into columns of type bytea first."

/*
 * Sorted by type. The words are those of ArchiveEntry() in pg_dump 12 to 18, with those of older
 * archives that pg_restore still knows. What stands in pre-data only or in both sections (comments,
 * privileges) is not `post`.
 */
const EntryKind entry_kinds[] = {
    SKIPPED("ACCESS METHOD", false, "access methods", BEFOREHAND),
    CARRIED("ACL", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("AGGREGATE", false, OBJECT_OTHER, TASK_CREATE),
    SKIPPED("BLOB", false, "large objects", LARGE),
    SKIPPED("BLOB COMMENTS", false, "large objects", LARGE),
    SKIPPED("BLOB METADATA", false, "large objects", LARGE),
    SKIPPED("BLOBS", false, "large objects", LARGE),
    CARRIED("CAST", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("CHECK CONSTRAINT", true, OBJECT_CONSTRAINT, TASK_CONSTRAINT),
    CARRIED("COLLATION", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("COMMENT", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("CONSTRAINT", true, OBJECT_CONSTRAINT, TASK_CONSTRAINT),
    CARRIED("CONVERSION", false, OBJECT_OTHER, TASK_CREATE),
    IGNORED("DATABASE"),
    IGNORED("DATABASE PROPERTIES"),
    CARRIED("DEFAULT", false, OBJECT_OTHER, TASK_CREATE),
    SKIPPED("DEFAULT ACL", true, "default privileges",
            "Set them on the target with ALTER DEFAULT PRIVILEGES."),
    CARRIED("DOMAIN", false, OBJECT_OTHER, TASK_CREATE),
    IGNORED("ENCODING"),
    SKIPPED("EVENT TRIGGER", true, "event triggers",
            "Create them again on the target once the migration is finished."),
    CARRIED("EXTENSION", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("FK CONSTRAINT", true, OBJECT_FOREIGN_KEY, TASK_FOREIGN_KEY),
    SKIPPED("FOREIGN DATA WRAPPER", false, "foreign data wrappers", FOREIGN),
    SKIPPED("FOREIGN SERVER", false, "foreign servers", FOREIGN),
    SKIPPED("FOREIGN TABLE", false, "foreign tables", FOREIGN),
    CARRIED("FUNCTION", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("INDEX", true, OBJECT_INDEX, TASK_INDEX),
    CARRIED("INDEX ATTACH", true, OBJECT_INDEX, TASK_CONSTRAINT),
    SKIPPED("LARGE OBJECT", false, "large objects", LARGE),
    SKIPPED("LARGE OBJECTS", false, "large objects", LARGE),
    CARRIED("MATERIALIZED VIEW", false, OBJECT_VIEW, TASK_CREATE),
    CARRIED("MATERIALIZED VIEW DATA", true, OBJECT_VIEW, TASK_STATISTICS),
    CARRIED("OPERATOR", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("OPERATOR CLASS", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("OPERATOR FAMILY", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("POLICY", true, OBJECT_TRIGGER, TASK_TRIGGER),
    IGNORED("PROCACT_SCHEMA"),
    SKIPPED("PROCEDURAL LANGUAGE", false, "procedural languages", BEFOREHAND),
    CARRIED("PROCEDURE", false, OBJECT_OTHER, TASK_CREATE),
    SKIPPED("PUBLICATION", true, "publications", REPUBLISH),
    SKIPPED("PUBLICATION TABLE", true, "publications", REPUBLISH),
    SKIPPED("PUBLICATION TABLES IN SCHEMA", true, "publications", REPUBLISH),
    AT_PROMOTION("ROW SECURITY", true),
    CARRIED("RULE", true, OBJECT_TRIGGER, TASK_TRIGGER),
    AT_PROMOTION("SCHEMA", false),
    IGNORED("SEARCHPATH"),
    SKIPPED("SECURITY LABEL", false, "security labels",
            "Set them on the target with SECURITY LABEL once the migration is promoted."),
    CARRIED("SEQUENCE", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("SEQUENCE OWNED BY", false, OBJECT_OTHER, TASK_CREATE),
    IGNORED("SEQUENCE SET"),
    SKIPPED("SERVER", false, "foreign servers", FOREIGN),
    CARRIED("SHELL TYPE", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("STATISTICS", true, OBJECT_OTHER, TASK_CONSTRAINT),
    IGNORED("STATISTICS DATA"), /* the staged tables are analyzed */
    IGNORED("STDSTRINGS"),
    SKIPPED("SUBSCRIPTION", true, "subscriptions", RECONNECT),
    SKIPPED("SUBSCRIPTION TABLE", true, "subscriptions", RECONNECT),
    CARRIED("TABLE", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TABLE ATTACH", false, OBJECT_OTHER, TASK_CREATE),
    IGNORED("TABLE DATA"),
    CARRIED("TEXT SEARCH CONFIGURATION", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TEXT SEARCH DICTIONARY", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TEXT SEARCH PARSER", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TEXT SEARCH TEMPLATE", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TRANSFORM", false, OBJECT_OTHER, TASK_CREATE),
    CARRIED("TRIGGER", true, OBJECT_TRIGGER, TASK_TRIGGER),
    CARRIED("TYPE", false, OBJECT_OTHER, TASK_CREATE),
    SKIPPED("USER MAPPING", false, "user mappings", FOREIGN),
    CARRIED("VIEW", false, OBJECT_VIEW, TASK_CREATE),
    {.type = NULL, .object_kind = OBJECT_OTHER, .task_class = TASK_CREATE},
};

const EntryKind *entry_kind(const char *type)
{
    size_t low = 0;
    size_t high = sizeof(entry_kinds) / sizeof(entry_kinds[0]) - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(type, entry_kinds[middle].type);

        if (order == 0)
            return &entry_kinds[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
