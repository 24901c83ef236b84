#include "backup/check_inside.h"
#include "engine/base/stop.h"

/*
 * Without an index: the names of the entries tell whose rows they are, and how many there are is
 * counted. Where a frame is damaged the walk ends: the next one cannot be found. The tables that
 * lack rows by that are found by their numbers.
 */
static Status count_rows(RowFormat format, const Text *content, uint64_t *ret, Error *err)
{
    const uint8_t *data = (const uint8_t *)content->data;
    size_t at = 0;
    size_t size = 0;

    *ret = 0;
    while (at < content->size) {
        TRY(row_next(format, data + at, content->size - at, &size, err));
        at += size;
        ++*ret;
    }
    return STATUS_OK;
}

static Status read_content(PartReader *reader, Text *ret, Error *err)
{
    const void *data = NULL;
    size_t size = 0;
    Status status = STATUS_OK;

    text_clear(ret);
    while ((status = part_reader_read(reader, &data, &size, err)) == STATUS_OK)
        text_append_bytes(ret, data, size);
    return status < 0 ? status : STATUS_OK;
}

static Status count_entry(Check *check, PartJob *job, const char *name, Segment *ret, Error *err)
{
    TableCount count = {0};

    if (!segment_parse_name(name, ret) || ret->table_id > check->manifest.object_count)
        return error_kind(err, ERROR_DIFFERENT, "it holds an entry of no table of this backup");
    if (ret->kind == SEGMENT_ROWS && count_rows(check->manifest.objects[ret->table_id - 1].format,
                                                &job->content, &ret->rows, err) < 0) {
        err->kind = ERROR_DIFFERENT;
        return STATUS_INVALID;
    }
    TRY(check_count(check, ret, &job->content, &count, err));
    check_add_count(check, ret, &count);
    return STATUS_OK;
}

Status check_walk(Check *check, PartReader *reader, PartJob *job, Error *err)
{
    uint64_t most = check->manifest.parts[job->position].raw_bytes; /* of all its entries */

    for (;;) {
        const char *name = NULL;
        Segment segment = {0};
        Error cause = {0};
        Status status = STATUS_OK;

        TRY(stop_check(err));
        status =
            part_reader_next(reader, most < SEGMENT_LIMIT ? most : SEGMENT_LIMIT, &name, &cause);
        if (status == STATUS_DONE)
            return STATUS_OK;
        if (status >= 0)
            status = read_content(reader, &job->content, &cause);
        if (status < 0) {
            check_note_segment(check, job, &segment, &cause);
            return STATUS_OK;
        }
        if (count_entry(check, job, name, &segment, &cause) < 0)
            check_note_segment(check, job, &segment, &cause);
    }
}
