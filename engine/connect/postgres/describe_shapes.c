/*
 * The shapes of what others can depend on, for the plan of a promotion: it has to say before anything is
 * copied what will not fit (swap_uses.c).
 */
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/source_shapes.sql.h"

Status describe_read_shapes(Describer *describer, Error *err)
{
    return pg_query(describer->connection, source_shapes_sql, &describer->shapes, err);
}

static int compare(const PgRows *rows, size_t row, uint32_t class_oid, uint32_t oid)
{
    uint64_t found_class = pg_unsigned(rows, row, 0);
    uint64_t found = pg_unsigned(rows, row, 1);

    if (found_class != class_oid)
        return found_class < class_oid ? -1 : 1;
    return (found > oid) - (found < oid);
}

/* They are in the order of class and OID. */
void describe_add_shape(const Describer *describer, uint32_t class_oid, uint32_t oid, TextList *ret)
{
    const PgRows *rows = describer->shapes;
    size_t first = 0;
    size_t end = rows == NULL ? 0 : pg_row_count(rows);

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (compare(rows, middle, class_oid, oid) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    for (; rows != NULL && first < pg_row_count(rows); first++) {
        if (compare(rows, first, class_oid, oid) != 0)
            return;
        text_list_add(ret, pg_value(rows, first, 2));
    }
}
