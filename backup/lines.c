#include "backup/lines.h"

#include <inttypes.h>
#include <string.h>

#include "backup/frame.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

#define LINES_LEVEL 3

struct LineWriter {
    NewFile *file;
    FrameWriter *frame;
    bool is_finished;
};

void line_writer_free(LineWriter *writer)
{
    Error ignored = {0};

    if (writer == NULL)
        return;
    if (writer->file != NULL && !writer->is_finished)
        (void)new_file_discard(new_file_path(writer->file), &ignored); /* the next one would, too */
    frame_writer_free(writer->frame);
    new_file_free(writer->file);
    free(writer);
}

Status line_writer_open(const char *path, LineWriter **ret, Error *err)
{
    AUTO_FREE(line_writer_free) LineWriter *writer = xcalloc(1, sizeof(*writer));

    TRY(new_file_discard(path, err));
    TRY(new_file_create(path, &writer->file, err));
    writer->frame = frame_writer_new(writer->file);
    TRY(frame_writer_begin(writer->frame, LINES_LEVEL, FRAME_ANY, err));
    *ret = TAKE(writer);
    return STATUS_OK;
}

Status line_writer_add(LineWriter *writer, const Json *line, Error *err)
{
    AUTO_FREE_MEMORY char *text = json_print(line, false);
    size_t size = strlen(text);

    if (size >= LINES_MAX_LINE)
        return error_set(err, STATUS_INVALID, "could not write \"%s\": a line of %zu bytes",
                         new_file_path(writer->file), size);
    text[size] = '\n'; /* in place of the NUL, which nobody needs any more */
    return frame_writer_write(writer->frame, text, size + 1, err);
}

Status line_writer_finish(LineWriter *writer, FileFacts *ret, Error *err)
{
    TRY(frame_writer_end(writer->frame, err));
    ret->bytes = new_file_size(writer->file);
    TRY(new_file_publish(writer->file, ret->sha256, err));
    writer->is_finished = true;
    return STATUS_OK;
}

struct LineReader {
    FrameReader *frame;
    Text line;         /* the beginning of a line that went on in the next piece */
    const char *piece; /* decoded and not taken yet; borrowed from frame */
    size_t piece_size;
    uint64_t count;
};

void line_reader_free(LineReader *reader)
{
    if (reader == NULL)
        return;
    frame_reader_free(reader->frame);
    text_release(&reader->line);
    free(reader);
}

Status line_reader_open(const char *path, LineReader **ret, Error *err)
{
    AUTO_FREE(line_reader_free) LineReader *reader = xcalloc(1, sizeof(*reader));

    TRY(frame_reader_open(path, &reader->frame, err));
    TRY(frame_reader_begin(reader->frame, 0, FRAME_ANY, FRAME_ANY, err));
    *ret = TAKE(reader);
    return STATUS_OK;
}

uint64_t line_reader_line(const LineReader *reader)
{
    return reader->count;
}

static Status damage(const LineReader *reader, const char *what, Error *err)
{
    return error_kind(err, ERROR_DIFFERENT, "\"%s\" is damaged at line %" PRIu64 ": %s",
                      frame_reader_path(reader->frame), reader->count + 1, what);
}

/* Adds the piece up to its first newline, or all of it, to the line. */
static Status take_piece(LineReader *reader, bool *ret_is_whole, Error *err)
{
    const char *newline = memchr(reader->piece, '\n', reader->piece_size);
    size_t size = newline != NULL ? (size_t)(newline - reader->piece) : reader->piece_size;

    if (size > LINES_MAX_LINE - reader->line.size)
        return damage(reader, "the line is too long", err);
    if (memchr(reader->piece, '\0', size) != NULL)
        return damage(reader, "it holds a NUL", err);
    text_append_bytes(&reader->line, reader->piece, size);
    if (newline != NULL)
        size++;
    reader->piece += size;
    reader->piece_size -= size;
    *ret_is_whole = newline != NULL;
    return STATUS_OK;
}

/* The frame has ended: so must the line and the file. */
static Status check_end(const LineReader *reader, Error *err)
{
    if (reader->line.size > 0)
        return damage(reader, "it ends in the middle of a line", err);
    if (frame_reader_stored(reader->frame) != frame_reader_size(reader->frame))
        return damage(reader, "there are bytes behind the end", err);
    return STATUS_DONE;
}

Status line_reader_next(LineReader *reader, Json **ret, Error *err)
{
    bool is_whole = false;

    text_clear(&reader->line);
    while (!is_whole) {
        if (reader->piece_size == 0) {
            const void *data = NULL;
            Status status = frame_reader_read(reader->frame, &data, &reader->piece_size, err);

            TRY(status);
            if (status == STATUS_DONE)
                return check_end(reader, err);
            reader->piece = data;
        }
        TRY(take_piece(reader, &is_whole, err));
    }
    if (json_parse(text_string(&reader->line), ret, err) < 0)
        return damage(reader, "malformed JSON", err);
    reader->count++;
    return STATUS_OK;
}

/*
 * Strings that JSON cannot carry as they are go as hex.
 */
static bool is_utf8(const char *value)
{
    AUTO_TEXT Text text = {0};

    text_append_utf8(&text, value, strlen(value));
    return strcmp(text_string(&text), value) == 0;
}

void json_set_exact(Json *object, const char *key, const char *value)
{
    AUTO_FREE_MEMORY char *other_key = NULL;
    AUTO_FREE_MEMORY char *hex = NULL;

    if (value == NULL)
        return;
    if (is_utf8(value)) {
        json_set_string(object, key, value);
        return;
    }
    other_key = xasprintf("%s_hex", key);
    hex = xmalloc(2 * strlen(value) + 1);
    hex_encode(value, strlen(value), hex);
    json_set_string(object, other_key, hex);
}

static bool decode(const char *hex, char **ret)
{
    size_t size = strlen(hex) / 2;
    AUTO_FREE_MEMORY char *value = xcalloc(size + 1, 1);

    if (!hex_decode(hex, (uint8_t *)value, size) || strlen(value) != size)
        return false;
    *ret = TAKE(value);
    return true;
}

bool json_get_exact(const Json *object, const char *key, char **ret)
{
    AUTO_FREE_MEMORY char *other_key = xasprintf("%s_hex", key);
    const Json *plain = json_get(object, key);
    const Json *hex = json_get(object, other_key);

    *ret = NULL;
    if (hex != NULL)
        return plain == NULL && json_string(hex) != NULL && decode(json_string(hex), ret);
    if (plain == NULL)
        return true;
    *ret = xstrdup(json_string(plain));
    return *ret != NULL;
}
