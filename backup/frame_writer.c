#include <assert.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "backup/frame.h"
#include "engine/base/memory.h"

#define OUTPUT_SIZE ((size_t)256 * 1024)

struct FrameWriter {
    NewFile *file; /* borrowed, as long as the writer lives */
    ZSTD_CCtx *context;
    uint8_t *output; /* OUTPUT_SIZE bytes */
    size_t used;
};

FrameWriter *frame_writer_new(NewFile *file)
{
    FrameWriter *writer = xcalloc(1, sizeof(*writer));

    writer->file = file;
    writer->context = ZSTD_createCCtx();
    writer->output = xmalloc(OUTPUT_SIZE);
    if (writer->context == NULL)
        out_of_memory();
    return writer;
}

void frame_writer_free(FrameWriter *writer)
{
    if (writer == NULL)
        return;
    (void)ZSTD_freeCCtx(writer->context); /* always 0 */
    free(writer->output);
    free(writer);
}

static Status compress_error(const FrameWriter *writer, size_t result, Error *err)
{
    ZSTD_ErrorCode code = ZSTD_getErrorCode(result);

    if (code == ZSTD_error_memory_allocation)
        out_of_memory();
    if (code == ZSTD_error_srcSize_wrong)
        return error_set(err, STATUS_FAILED,
                         "could not write \"%s\": more or fewer bytes came than were announced",
                         new_file_path(writer->file));
    return error_set(err, STATUS_FAILED, "could not compress for \"%s\": %s",
                     new_file_path(writer->file), ZSTD_getErrorName(result));
}

Status frame_writer_begin(FrameWriter *writer, int level, uint64_t size, Error *err)
{
    size_t results[4];

    assert(level >= FRAME_MIN_LEVEL && level <= FRAME_MAX_LEVEL);
    writer->used = 0;
    results[0] = ZSTD_CCtx_reset(writer->context, ZSTD_reset_session_only);
    results[1] = ZSTD_CCtx_setParameter(writer->context, ZSTD_c_compressionLevel, level);
    results[2] = ZSTD_CCtx_setParameter(writer->context, ZSTD_c_checksumFlag, 1);
    results[3] = ZSTD_CCtx_setPledgedSrcSize(writer->context,
                                             size == FRAME_ANY ? ZSTD_CONTENTSIZE_UNKNOWN : size);
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (ZSTD_isError(results[i]))
            return compress_error(writer, results[i], err);
    return STATUS_OK;
}

static Status flush_output(FrameWriter *writer, Error *err)
{
    TRY(new_file_append(writer->file, writer->output, writer->used, err));
    writer->used = 0;
    return STATUS_OK;
}

/* Compresses until all input is taken, or with ZSTD_e_end until the frame is complete. */
static Status compress(FrameWriter *writer, ZSTD_inBuffer *input, ZSTD_EndDirective mode,
                       Error *err)
{
    size_t left = 1;

    while (mode == ZSTD_e_end ? left != 0 : input->pos < input->size) {
        ZSTD_outBuffer output = {writer->output, OUTPUT_SIZE, writer->used};

        left = ZSTD_compressStream2(writer->context, &output, input, mode);
        if (ZSTD_isError(left))
            return compress_error(writer, left, err);
        writer->used = output.pos;
        if (writer->used == OUTPUT_SIZE)
            TRY(flush_output(writer, err));
    }
    return STATUS_OK;
}

Status frame_writer_write(FrameWriter *writer, const void *data, size_t size, Error *err)
{
    ZSTD_inBuffer input = {data, size, 0};

    return compress(writer, &input, ZSTD_e_continue, err);
}

Status frame_writer_end(FrameWriter *writer, Error *err)
{
    ZSTD_inBuffer input = {NULL, 0, 0};

    TRY(compress(writer, &input, ZSTD_e_end, err));
    return flush_output(writer, err);
}
