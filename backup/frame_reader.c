#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "backup/frame.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

#define INPUT_SIZE  ((size_t)256 * 1024)
#define OUTPUT_SIZE ((size_t)256 * 1024)

/* The largest window that our levels make is 8 MiB; a frame that asks for more is not ours, and
 * would cost that much memory. */
#define MAX_WINDOW_LOG 24

struct FrameReader {
    char *path;
    int fd;
    uint64_t size;  /* of the file */
    uint64_t limit; /* where it is taken to end */

    uint8_t *input; /* INPUT_SIZE bytes: what lies at input_offset of the file */
    uint64_t input_offset;
    size_t input_size;
    uint8_t *output; /* OUTPUT_SIZE bytes */
    ZSTD_DCtx *context;

    uint64_t begin; /* of the frame */
    uint64_t end;   /* as far as it may reach */
    uint64_t at;    /* what is read next */
    uint64_t raw;
    uint64_t max_raw;
    bool is_begun; /* the first bytes were looked at */
    bool is_ended;

    Sha256 *hash; /* NULL unless asked for */
    uint64_t hashed;
};

void frame_reader_free(FrameReader *reader)
{
    if (reader == NULL)
        return;
    if (reader->fd >= 0)
        (void)close(reader->fd); /* only read from */
    (void)ZSTD_freeDCtx(reader->context);
    sha256_free(reader->hash);
    free(reader->input);
    free(reader->output);
    free(reader->path);
    free(reader);
}

static Status damage(const FrameReader *reader, const char *what, Error *err)
{
    return error_kind(err, ERROR_DIFFERENT, "\"%s\" is damaged at byte %" PRIu64 ": %s",
                      reader->path, reader->begin, what);
}

/* O_NONBLOCK: a pipe in its place must not make us wait. */
static Status open_file(FrameReader *reader, Error *err)
{
    struct stat found;

    reader->fd = open(reader->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (reader->fd < 0 && errno == ENOENT)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is missing", reader->path);
    if (reader->fd < 0 && errno == ELOOP)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is a link", reader->path);
    if (reader->fd < 0)
        return file_error(err, errno, "open", reader->path);
    if (fstat(reader->fd, &found) != 0)
        return file_error(err, errno, "look at", reader->path);
    if (!S_ISREG(found.st_mode))
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is not an ordinary file", reader->path);
    reader->size = (uint64_t)found.st_size;
    reader->limit = reader->size;
    return STATUS_OK;
}

Status frame_reader_open(const char *path, FrameReader **ret, Error *err)
{
    AUTO_FREE(frame_reader_free) FrameReader *reader = xcalloc(1, sizeof(*reader));

    reader->path = xstrdup(path);
    reader->fd = -1;
    TRY(open_file(reader, err));
    reader->context = ZSTD_createDCtx();
    if (reader->context == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(reader->context, ZSTD_d_windowLogMax, MAX_WINDOW_LOG)))
        out_of_memory();
    reader->input = xmalloc(INPUT_SIZE);
    reader->output = xmalloc(OUTPUT_SIZE);
    *ret = TAKE(reader);
    return STATUS_OK;
}

const char *frame_reader_path(const FrameReader *reader)
{
    return reader->path;
}

uint64_t frame_reader_size(const FrameReader *reader)
{
    return reader->size;
}

void frame_reader_limit(FrameReader *reader, uint64_t size)
{
    reader->limit = size < reader->size ? size : reader->size;
}

uint64_t frame_reader_stored(const FrameReader *reader)
{
    return reader->at - reader->begin;
}

uint64_t frame_reader_raw(const FrameReader *reader)
{
    return reader->raw;
}

/* Fills the input from offset on, with at most INPUT_SIZE bytes up to end. */
static Status fill(FrameReader *reader, uint64_t offset, uint64_t end, Error *err)
{
    uint64_t wanted = end - offset < INPUT_SIZE ? end - offset : INPUT_SIZE;
    size_t got = 0;

    reader->input_size = 0;
    reader->input_offset = offset;
    while (got < wanted) {
        ssize_t piece =
            pread(reader->fd, reader->input + got, (size_t)wanted - got, (off_t)(offset + got));

        if (piece < 0 && errno == EINTR)
            continue;
        if (piece < 0)
            return file_error(err, errno, "read", reader->path);
        if (piece == 0)
            return damage(reader, "the file became shorter while it was read", err);
        got += (size_t)piece;
    }
    reader->input_size = got;
    return STATUS_OK;
}

/* Takes what the input holds into the hash, unless it has been there already. */
static void hash_input(FrameReader *reader)
{
    uint64_t end = reader->input_offset + reader->input_size;

    if (end <= reader->hashed)
        return;
    size_t skip = (size_t)(reader->hashed - reader->input_offset);

    sha256_update(reader->hash, reader->input + skip, reader->input_size - skip);
    reader->hashed = end;
}

/* What lies before offset and was passed over is hashed first. */
static Status hash_until(FrameReader *reader, uint64_t offset, Error *err)
{
    while (reader->hashed < offset) {
        TRY(fill(reader, reader->hashed, offset, err));
        hash_input(reader);
    }
    return STATUS_OK;
}

static Status read_input(FrameReader *reader, uint64_t offset, uint64_t end, Error *err)
{
    if (reader->hash != NULL)
        TRY(hash_until(reader, offset, err));
    TRY(fill(reader, offset, end, err));
    if (reader->hash != NULL)
        hash_input(reader);
    return STATUS_OK;
}

void frame_reader_hash_all(FrameReader *reader)
{
    if (reader->hash == NULL)
        reader->hash = sha256_new();
}

Status frame_reader_hash(FrameReader *reader, char ret[SHA256_HEX_SIZE], Error *err)
{
    reader->begin = reader->hashed;
    TRY(hash_until(reader, reader->size, err));
    sha256_finish_hex(reader->hash, ret);
    return STATUS_OK;
}

Status frame_reader_begin(FrameReader *reader, uint64_t offset, uint64_t max_stored,
                          uint64_t max_raw, Error *err)
{
    reader->begin = offset;
    reader->at = offset;
    reader->raw = 0;
    reader->max_raw = max_raw;
    reader->is_begun = false;
    reader->is_ended = false;
    if (offset > reader->limit || (max_stored != FRAME_ANY && max_stored > reader->limit - offset))
        return damage(reader, "the file ends before", err);
    reader->end = max_stored == FRAME_ANY ? reader->limit : offset + max_stored;
    if (ZSTD_isError(ZSTD_DCtx_reset(reader->context, ZSTD_reset_session_only)))
        return error_set(err, STATUS_FAILED, "could not begin to decompress \"%s\"", reader->path);
    return STATUS_OK;
}

/* The bytes from reader->at on, at least one. */
static Status have_input(FrameReader *reader, ZSTD_inBuffer *ret, Error *err)
{
    uint64_t held_end = reader->input_offset + reader->input_size;

    if (reader->at >= reader->end)
        return damage(reader, "it is cut off, or longer than the index says", err);
    if (reader->at < reader->input_offset || reader->at >= held_end) {
        TRY(read_input(reader, reader->at, reader->end, err));
        held_end = reader->input_offset + reader->input_size;
    }
    if (held_end > reader->end)
        held_end = reader->end;
    *ret = (ZSTD_inBuffer){reader->input + (reader->at - reader->input_offset),
                           (size_t)(held_end - reader->at), 0};
    return STATUS_OK;
}

static Status decompress_error(const FrameReader *reader, size_t result, Error *err)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        out_of_memory();
    return damage(reader, ZSTD_getErrorName(result), err);
}

/* Refused by its own head, before anything is decoded. */
static Status check_head(FrameReader *reader, const ZSTD_inBuffer *input, Error *err)
{
    unsigned long long said = ZSTD_getFrameContentSize(input->src, input->size);

    reader->is_begun = true;
    if (said != ZSTD_CONTENTSIZE_ERROR && said != ZSTD_CONTENTSIZE_UNKNOWN &&
        said > reader->max_raw)
        return damage(reader, "it says to hold more than the index says", err);
    return STATUS_OK;
}

Status frame_reader_read(FrameReader *reader, const void **ret_data, size_t *ret_size, Error *err)
{
    ZSTD_outBuffer output = {reader->output, OUTPUT_SIZE, 0};

    while (!reader->is_ended && output.pos == 0) {
        ZSTD_inBuffer input = {0};
        size_t left = 0;

        TRY(have_input(reader, &input, err));
        if (!reader->is_begun)
            TRY(check_head(reader, &input, err));
        left = ZSTD_decompressStream(reader->context, &output, &input);
        reader->at += input.pos;
        if (ZSTD_isError(left))
            return decompress_error(reader, left, err);
        reader->is_ended = left == 0;
    }
    if (output.pos > reader->max_raw - reader->raw)
        return damage(reader, "it holds more than the index says", err);
    reader->raw += output.pos;
    *ret_data = reader->output;
    *ret_size = output.pos;
    return output.pos > 0 ? STATUS_OK : STATUS_DONE;
}
