#include "engine/flow/rows.h"

#include "engine/flow/row_walk.h"

const char *row_format_name(RowFormat format)
{
    switch (format) {
    case ROW_TAGGED:
        return "tagged";
    case ROW_PG_BINARY:
        return "binary";
    case ROW_PG_TEXT:
        return "text";
    }
    return "unknown";
}

Status row_next(RowFormat format, const uint8_t *data, size_t size, size_t *ret_size, Error *err)
{
    size_t found;

    if (size == 0)
        return STATUS_DONE;
    found = format == ROW_PG_TEXT ? walk_text_row(data, size) : walk_binary_row(data, size);
    if (found == 0)
        return error_set(err, STATUS_FAILED, "not a whole row in %s format",
                         row_format_name(format));
    *ret_size = found;
    return STATUS_OK;
}
