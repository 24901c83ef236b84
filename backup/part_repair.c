#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/part_inside.h"
#include "backup/part_reader.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

/* Reads every entry of what is kept; counts go to ret. */
static Status read_entries(PartReader *reader, PartSummary *ret, Error *err)
{
    for (;;) {
        const char *name = NULL;
        const void *data = NULL;
        size_t size = 0;
        Status status = part_reader_next(reader, FRAME_ANY, &name, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        while ((status = part_reader_read(reader, &data, &size, err)) == STATUS_OK)
            continue;
        TRY(status);
        ret->entries++;
        ret->raw_bytes += part_reader_found(reader)->raw;
    }
}

static Status read_kept(const char *path, uint64_t bytes, PartSummary *ret, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;

    TRY(part_reader_open(path, &reader, err));
    TRY(part_reader_limit(reader, bytes, err));
    return read_entries(reader, ret, err);
}

static Status seal_torn(const char *path, const char *temporary, uint64_t bytes, PartSummary *ret,
                        Error *err)
{
    AUTO_FREE(new_file_free) NewFile *file = NULL;
    AUTO_FREE(frame_writer_free) FrameWriter *frame = NULL;

    TRY(read_kept(temporary, bytes, ret, err));
    TRY(new_file_reopen(path, bytes, &file, err));
    frame = frame_writer_new(file);
    TRY(part_append_end(frame, err));
    ret->bytes = new_file_size(file);
    return new_file_publish(file, ret->sha256, err);
}

/* It got its name before the crash: then its end is there, and nothing else behind what is kept. */
static Status read_sealed(const char *path, uint64_t bytes, PartSummary *ret, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;

    TRY(part_reader_open(path, &reader, err));
    part_reader_hash_all(reader);
    TRY(part_reader_limit(reader, bytes, err));
    TRY(read_entries(reader, ret, err));
    TRY(part_reader_end(reader, bytes, err));
    ret->bytes = part_reader_size(reader);
    return part_reader_hash(reader, ret->sha256, err);
}

static Status remove_part(const char *path, const char *temporary, Error *err)
{
    AUTO_FREE_MEMORY char *parent = file_parent(path);

    TRY(fault_before("part.remove", err));
    if ((unlink(temporary) != 0 && errno != ENOENT) || (unlink(path) != 0 && errno != ENOENT))
        return file_error(err, errno, "remove", path);
    TRY(fault_after("part.remove", err));
    TRY(directory_sync(parent, err));
    return STATUS_DONE;
}

static bool is_there(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0;
}

Status part_repair(const char *folder, uint32_t number, uint64_t bytes, PartSummary *ret,
                   Error *err)
{
    AUTO_FREE_MEMORY char *temporary = NULL;
    AUTO_TEXT Text path = {0};
    PartSummary found = {.number = number};

    text_append_format(&path, "%s/", folder);
    part_path(number, &path);
    temporary = xasprintf("%s.tmp", text_string(&path));
    if (bytes == 0)
        return remove_part(text_string(&path), temporary, err);
    if (is_there(text_string(&path)))
        TRY(read_sealed(text_string(&path), bytes, &found, err));
    else
        TRY(seal_torn(text_string(&path), temporary, bytes, &found, err));
    *ret = found;
    return STATUS_OK;
}
