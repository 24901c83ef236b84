/*
 * Where things that stand on a relation belong: indexes, constraints, triggers, defaults, rules,
 * policies, statistics.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/connect/postgres/connection.h"

/* OIDs of the catalogs themselves, the same in every server. */
enum {
    CLASS_TYPE = 1247,
    CLASS_PROC = 1255,
    CLASS_RELATION = 1259,
    CLASS_ATTRDEF = 2604,
    CLASS_CONSTRAINT = 2606,
    CLASS_OPERATOR = 2617,
    CLASS_REWRITE = 2618,
    CLASS_TRIGGER = 2620,
};

typedef enum PlaceKind {
    PLACE_INDEX = 'i',
    PLACE_CHECK = 'c',
    PLACE_FOREIGN_KEY = 'f',
    PLACE_PRIMARY_KEY = 'p',
    PLACE_UNIQUE = 'u',
    PLACE_EXCLUSION = 'x',
    PLACE_CONSTRAINT_TRIGGER = 't',
    PLACE_TRIGGER = 'T',
    PLACE_DEFAULT = 'D',
    PLACE_GENERATED = 'G',
    PLACE_RULE = 'R',
    PLACE_POLICY = 'P',
    PLACE_STATISTICS = 'S',
} PlaceKind;

typedef struct Place {
    uint32_t class_oid;
    uint32_t oid;
    PlaceKind kind;
    uint32_t relation;
    uint32_t other; /* relation referenced by a foreign key, or 0 */
    char *name;     /* of columns' defaults: the column's */
    uint32_t
        index; /* of an index itself; of a key its index, of a foreign key the one it refers to */
} Place;

typedef struct SourcePlaces {
    Place *items; /* by class and OID */
    size_t count;
    size_t capacity;
} SourcePlaces;

Status source_places_read(PgConnection *connection, SourcePlaces *ret, Error *err);
void source_places_release(SourcePlaces *places);
const Place *source_places_find(const SourcePlaces *places, uint32_t class_oid, uint32_t oid);
