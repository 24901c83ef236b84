#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "backup/part.h"
#include "backup/part_inside.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

/*
 * libarchive makes the tar, and gives its bytes to take_bytes(): the headers of an entry are held
 * back, so that the size of the frame is known before it begins; content and padding go on at once.
 */
typedef enum Taking {
    TAKE_NOTHING, /* what libarchive still has to say is of no interest */
    TAKE_HEAD,
    TAKE_CONTENT,
} Taking;

struct PartWriter {
    uint32_t number;
    int64_t mtime;
    NewFile *file;
    FrameWriter *frame;
    struct archive *archive;
    struct archive_entry *entry;
    Taking taking;
    Text head;
    Sha256 *hash; /* of the content of the entry under way */
    bool is_open; /* an entry is under way */
    bool is_broken;
    Error failure; /* what take_bytes() met with status */
    Status failure_status;

    uint64_t offset; /* of the entry under way */
    uint64_t size;   /* it was announced with */
    uint64_t written;
    uint64_t entries, kept_entries;
    uint64_t raw_bytes, kept_raw_bytes;
};

static la_ssize_t take_bytes(struct archive *archive, void *context, const void *data, size_t size)
{
    PartWriter *writer = context;
    Status status = STATUS_OK;

    switch (writer->taking) {
    case TAKE_NOTHING:
        break;
    case TAKE_HEAD:
        text_append_bytes(&writer->head, data, size);
        break;
    case TAKE_CONTENT:
        status = frame_writer_write(writer->frame, data, size, &writer->failure);
        break;
    }
    if (status >= 0)
        return (la_ssize_t)size;
    writer->failure_status = status;
    archive_set_error(archive, EIO, "could not write");
    return -1;
}

/* What take_bytes() met, or what libarchive itself says. */
static Status tar_error(PartWriter *writer, const char *name, Error *err)
{
    const char *reason = archive_error_string(writer->archive);

    if (writer->failure_status < 0) {
        *err = writer->failure;
        return writer->failure_status;
    }
    return error_set(err, STATUS_FAILED, "could not add \"%s\" to \"%s\": %s", name,
                     new_file_path(writer->file), reason != NULL ? reason : "it was not taken");
}

static void close_archive(PartWriter *writer)
{
    writer->taking = TAKE_NOTHING;
    (void)archive_write_free(writer->archive); /* it may say that the last entry is not whole */
    writer->archive = NULL;
}

static Status open_archive(PartWriter *writer, Error *err)
{
    struct archive *archive = archive_write_new();

    if (archive == NULL)
        out_of_memory();
    writer->archive = archive;
    writer->failure_status = STATUS_OK;
    /* Unblocked: padding to tape blocks would follow the last frame. */
    if (archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
        archive_write_add_filter_none(archive) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(archive, 1) != ARCHIVE_OK ||
        archive_write_open2(archive, writer, NULL, take_bytes, NULL, NULL) != ARCHIVE_OK)
        return tar_error(writer, "an archive", err);
    return STATUS_OK;
}

void part_writer_free(PartWriter *writer)
{
    if (writer == NULL)
        return;
    if (writer->archive != NULL)
        close_archive(writer);
    archive_entry_free(writer->entry);
    text_release(&writer->head);
    sha256_free(writer->hash);
    frame_writer_free(writer->frame);
    new_file_free(writer->file);
    free(writer);
}

static Status refuse_existing(const char *path, Error *err)
{
    struct stat found;

    if (lstat(path, &found) == 0)
        return error_set(err, STATUS_FAILED, "\"%s\" exists already", path);
    return errno == ENOENT ? STATUS_OK : file_error(err, errno, "look at", path);
}

Status part_writer_open(const char *folder, uint32_t number, int64_t mtime, PartWriter **ret,
                        Error *err)
{
    AUTO_FREE(part_writer_free) PartWriter *writer = xcalloc(1, sizeof(*writer));
    AUTO_TEXT Text path = {0};

    assert(number >= 1 && number <= PART_MAX_NUMBER);
    text_append_format(&path, "%s/", folder);
    part_path(number, &path);
    writer->number = number;
    writer->mtime = mtime;
    TRY(refuse_existing(text_string(&path), err));
    TRY(new_file_create(text_string(&path), &writer->file, err));
    writer->frame = frame_writer_new(writer->file);
    writer->hash = sha256_new();
    writer->entry = archive_entry_new();
    if (writer->entry == NULL)
        out_of_memory();
    TRY(open_archive(writer, err));
    *ret = TAKE(writer);
    return STATUS_OK;
}

static void fill_entry(PartWriter *writer, const char *name, uint64_t size)
{
    archive_entry_clear(writer->entry);
    archive_entry_copy_pathname(writer->entry, name);
    archive_entry_set_size(writer->entry, (la_int64_t)size);
    archive_entry_set_filetype(writer->entry, AE_IFREG);
    archive_entry_set_perm(writer->entry, 0600);
    archive_entry_set_mtime(writer->entry, (time_t)writer->mtime, 0);
}

/* ARCHIVE_WARN: the name is no UTF-8. It is kept byte for byte all the same. */
static Status make_head(PartWriter *writer, const char *name, uint64_t size, Error *err)
{
    AUTO_LOCALE locale_t before = enter_utf8();
    int result = ARCHIVE_OK;

    text_clear(&writer->head);
    fill_entry(writer, name, size);
    writer->taking = TAKE_HEAD;
    result = archive_write_header(writer->archive, writer->entry);
    writer->taking = TAKE_CONTENT;
    if ((result != ARCHIVE_OK && result != ARCHIVE_WARN) || writer->head.size == 0 ||
        writer->head.size % TAR_BLOCK != 0 || writer->head.size > TAR_HEAD_ROOM)
        return tar_error(writer, name, err);
    return STATUS_OK;
}

static uint64_t padded(uint64_t size)
{
    return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static Status begin_entry(PartWriter *writer, const char *name, uint64_t size, int level,
                          Error *err)
{
    TRY(fault_before("part.entry", err));
    TRY(make_head(writer, name, size, err));
    writer->offset = new_file_size(writer->file);
    writer->size = size;
    writer->written = 0;
    TRY(frame_writer_begin(writer->frame, level, writer->head.size + padded(size), err));
    return frame_writer_write(writer->frame, writer->head.data, writer->head.size, err);
}

/* A failed step leaves a torn frame: only back() mends that. */
static Status note(PartWriter *writer, Status status)
{
    if (status < 0)
        writer->is_broken = true;
    return status;
}

Status part_writer_begin(PartWriter *writer, const char *name, uint64_t size, int level, Error *err)
{
    assert(!writer->is_open && !writer->is_broken);
    if (!part_name_is_safe(name) || size > INT64_MAX / 2)
        return note(writer, error_set(err, STATUS_INVALID,
                                      "could not add \"%s\" to \"%s\": no such name in an archive",
                                      name, new_file_path(writer->file)));
    writer->is_open = true;
    return note(writer, begin_entry(writer, name, size, level, err));
}

static Status write_content(PartWriter *writer, const void *data, size_t size, Error *err)
{
    /* libarchive would silently leave out what is too much. */
    if (size > writer->size - writer->written)
        return error_set(err, STATUS_FAILED, "an entry of \"%s\" gets more bytes than announced",
                         new_file_path(writer->file));
    if (size > 0 && archive_write_data(writer->archive, data, size) != (la_ssize_t)size)
        return tar_error(writer, "content", err);
    sha256_update(writer->hash, data, size);
    writer->written += size;
    return STATUS_OK;
}

Status part_writer_write(PartWriter *writer, const void *data, size_t size, Error *err)
{
    assert(writer->is_open && !writer->is_broken);
    return note(writer, write_content(writer, data, size, err));
}

static Status end_entry(PartWriter *writer, PartEntry *ret, Error *err)
{
    /* libarchive would silently fill up with zeros. */
    if (writer->written != writer->size)
        return error_set(err, STATUS_FAILED, "an entry of \"%s\" got fewer bytes than announced",
                         new_file_path(writer->file));
    if (archive_write_finish_entry(writer->archive) != ARCHIVE_OK)
        return tar_error(writer, "padding", err);
    TRY(frame_writer_end(writer->frame, err));
    *ret = (PartEntry){.offset = writer->offset,
                       .stored = new_file_size(writer->file) - writer->offset,
                       .raw = writer->size};
    sha256_finish(writer->hash, ret->sha256);
    writer->entries++;
    writer->raw_bytes += writer->size;
    writer->is_open = false;
    return fault_after("part.entry", err);
}

Status part_writer_end(PartWriter *writer, PartEntry *ret, Error *err)
{
    assert(writer->is_open && !writer->is_broken);
    return note(writer, end_entry(writer, ret, err));
}

Status part_writer_add(PartWriter *writer, const char *name, const void *data, size_t size,
                       int level, PartEntry *ret, Error *err)
{
    TRY(part_writer_begin(writer, name, size, level, err));
    TRY(part_writer_write(writer, data, size, err));
    return part_writer_end(writer, ret, err);
}

void part_writer_keep(PartWriter *writer)
{
    assert(!writer->is_open && !writer->is_broken);
    new_file_keep(writer->file);
    writer->kept_entries = writer->entries;
    writer->kept_raw_bytes = writer->raw_bytes;
}

Status part_writer_back(PartWriter *writer, Error *err)
{
    unsigned char ignored[SHA256_SIZE];

    TRY(new_file_back(writer->file, err));
    close_archive(writer);
    TRY(note(writer, open_archive(writer, err)));
    sha256_finish(writer->hash, ignored); /* it begins anew */
    writer->entries = writer->kept_entries;
    writer->raw_bytes = writer->kept_raw_bytes;
    writer->is_open = false;
    writer->is_broken = false;
    return STATUS_OK;
}

Status part_writer_sync(PartWriter *writer, Error *err)
{
    assert(!writer->is_open && !writer->is_broken);
    return new_file_sync(writer->file, err);
}

uint64_t part_writer_bytes(const PartWriter *writer)
{
    return new_file_size(writer->file);
}

uint64_t part_writer_entries(const PartWriter *writer)
{
    return writer->entries;
}

uint32_t part_writer_number(const PartWriter *writer)
{
    return writer->number;
}

static Status seal(PartWriter *writer, PartSummary *ret, Error *err)
{
    TRY(fault_before("part.seal", err));
    TRY(part_append_end(writer->frame, err));
    *ret = (PartSummary){.number = writer->number,
                         .bytes = new_file_size(writer->file),
                         .raw_bytes = writer->raw_bytes,
                         .entries = writer->entries};
    TRY(new_file_publish(writer->file, ret->sha256, err));
    return fault_after("part.seal", err);
}

Status part_writer_seal(PartWriter *writer, PartSummary *ret, Error *err)
{
    assert(!writer->is_open && !writer->is_broken);
    return note(writer, seal(writer, ret, err));
}
