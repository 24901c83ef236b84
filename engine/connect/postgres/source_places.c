#include "engine/connect/postgres/source_places.h"

#include "engine/base/memory.h"
#include "engine/connect/postgres/source_places.sql.h"

/* The columns of source_places.sql. */
enum {
    COLUMN_CLASS,
    COLUMN_OID,
    COLUMN_KIND,
    COLUMN_RELATION,
    COLUMN_OTHER,
    COLUMN_NAME,
    COLUMN_INDEX,
};

void source_places_release(SourcePlaces *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->items[i].name);
    free(places->items);
    *places = (SourcePlaces){0};
}

static uint32_t oid_of(const PgRows *rows, size_t row, unsigned column)
{
    return (uint32_t)pg_unsigned(rows, row, column);
}

Status source_places_read(PgConnection *connection, SourcePlaces *ret, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    SourcePlaces places = {0};
    TRY(pg_query(connection, source_places_sql, &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        GROW(places.items, places.count, places.capacity);
        places.items[places.count++] = (Place){
            .class_oid = oid_of(rows, row, COLUMN_CLASS),
            .oid = oid_of(rows, row, COLUMN_OID),
            .kind = (PlaceKind)pg_value(rows, row, COLUMN_KIND)[0],
            .relation = oid_of(rows, row, COLUMN_RELATION),
            .other = oid_of(rows, row, COLUMN_OTHER),
            .name = xstrdup(pg_value(rows, row, COLUMN_NAME)),
            .index = oid_of(rows, row, COLUMN_INDEX),
        };
    }
    *ret = places;
    return STATUS_OK;
}

const Place *source_places_find(const SourcePlaces *places, uint32_t class_oid, uint32_t oid)
{
    size_t low = 0;
    size_t high = places->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Place *place = &places->items[middle];
        if (place->class_oid == class_oid && place->oid == oid)
            return place;
        if (place->class_oid < class_oid || (place->class_oid == class_oid && place->oid < oid))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
