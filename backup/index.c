#include "backup/index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/index_inside.h"
#include "backup/part.h"
#include "engine/base/memory.h"

/*
 * What a line may say: entries follow each other without gaps or overlaps, heads and tails hold
 * what they always hold. Shared by the writer and the reader, so that what is written can be read.
 */
static const char *wrong_place(const IndexPosition *position, const Segment *segment)
{
    uint64_t expected = segment->part == position->part ? position->end : 0;

    if (segment->part == 0 || segment->part > PART_MAX_NUMBER || segment->part < position->part)
        return "its part is out of order";
    if (segment->offset != expected)
        return "it does not begin where the one before ends";
    if (segment->stored == 0 || segment->stored > INT64_MAX - segment->offset)
        return "its stored size is not possible";
    return NULL;
}

static const char *wrong_content(const Segment *segment)
{
    switch (segment->kind) {
    case SEGMENT_ROWS:
        if (segment->chunk == 0 || segment->number == 0)
            return "its chunk or number is missing";
        if (segment->rows == 0 || segment->raw < segment->rows || segment->raw > SEGMENT_LIMIT)
            return "its rows and bytes are not possible";
        return NULL;
    case SEGMENT_HEAD:
    case SEGMENT_TAIL:
        if (segment->chunk != 0 || segment->number != 0 || segment->rows != 0 ||
            segment->raw !=
                (segment->kind == SEGMENT_HEAD ? segment_head().size : segment_tail().size))
            return "a head or tail holds rows";
        return NULL;
    }
    return "its kind is unknown";
}

const char *index_wrong(IndexPosition *position, const Segment *segment)
{
    const char *wrong = wrong_place(position, segment);

    if (wrong == NULL && segment->table_id == 0)
        wrong = "its table is missing";
    if (wrong == NULL)
        wrong = wrong_content(segment);
    if (wrong == NULL)
        *position =
            (IndexPosition){.part = segment->part, .end = segment->offset + segment->stored};
    return wrong;
}

struct IndexWriter {
    LineWriter *lines;
    IndexPosition position;
};

void index_writer_free(IndexWriter *writer)
{
    if (writer == NULL)
        return;
    line_writer_free(writer->lines);
    free(writer);
}

Status index_writer_open(const char *folder, IndexWriter **ret, Error *err)
{
    AUTO_FREE(index_writer_free) IndexWriter *writer = xcalloc(1, sizeof(*writer));
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, INDEX_NAME);

    TRY(line_writer_open(path, &writer->lines, err));
    *ret = TAKE(writer);
    return STATUS_OK;
}

static Json *line_of(const Segment *segment, const char *name)
{
    Json *line = json_object();
    char hash[SHA256_HEX_SIZE];

    hex_encode(segment->sha256, sizeof(segment->sha256), hash);
    json_set_unsigned(line, "p", segment->part);
    json_set_unsigned(line, "o", segment->offset);
    json_set_unsigned(line, "c", segment->stored);
    json_set_unsigned(line, "r", segment->raw);
    json_set_unsigned(line, "t", segment->table_id);
    if (segment->kind == SEGMENT_ROWS) {
        json_set_unsigned(line, "n", segment->rows);
        json_set_unsigned(line, "k", segment->chunk);
        json_set_unsigned(line, "s", segment->number);
    } else {
        json_set_string(line, "kind", segment->kind == SEGMENT_HEAD ? "head" : "tail");
    }
    json_set_string(line, "name", name);
    json_set_string(line, "h", hash);
    return line;
}

Status index_writer_add(IndexWriter *writer, const Segment *segment, const char *table_folder,
                        Error *err)
{
    AUTO_FREE(json_free) Json *line = NULL;
    AUTO_TEXT Text name = {0};
    const char *wrong = NULL;

    segment_name(table_folder, segment, &name);
    wrong = segment_name_is(segment, text_string(&name), NULL)
                ? index_wrong(&writer->position, segment)
                : "its name is not the one of its table";
    if (wrong != NULL)
        return error_set(err, STATUS_INVALID, "could not index \"%s\" of part %" PRIu32 ": %s",
                         text_string(&name), segment->part, wrong);
    line = line_of(segment, text_string(&name));
    return line_writer_add(writer->lines, line, err);
}

Status index_writer_finish(IndexWriter *writer, FileFacts *ret, Error *err)
{
    return line_writer_finish(writer->lines, ret, err);
}
