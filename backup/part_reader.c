#include "backup/part_reader.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "backup/part_inside.h"
#include "engine/base/memory.h"

/*
 * libarchive reads one frame at a time, as an archive of its own: a header, a content, and the end
 * of the bytes. Only its tar reader is there; whatever it does not find perfect is damage.
 */
struct PartReader {
    FrameReader *frame;
    struct archive *archive; /* of the frame under way, or NULL */
    Status failure_status;   /* what give_bytes() met */
    Error failure;
    Sha256 *hash; /* of the content */

    PartEntry entry;  /* under way: expected, or found by a walk */
    bool is_expected; /* its hash and stored size were known beforehand */
    bool is_open;
    uint64_t at; /* content read so far */

    uint64_t next; /* where a walk goes on */
    bool is_limited;
    uint64_t limit;
    char *name;
};

static void close_archive(PartReader *reader)
{
    if (reader->archive != NULL)
        (void)archive_read_free(reader->archive); /* nothing of it is wanted any more */
    reader->archive = NULL;
}

void part_reader_free(PartReader *reader)
{
    if (reader == NULL)
        return;
    close_archive(reader);
    frame_reader_free(reader->frame);
    sha256_free(reader->hash);
    free(reader->name);
    free(reader);
}

Status part_reader_open(const char *path, PartReader **ret, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = xcalloc(1, sizeof(*reader));

    TRY(frame_reader_open(path, &reader->frame, err));
    reader->hash = sha256_new();
    reader->limit = frame_reader_size(reader->frame);
    *ret = TAKE(reader);
    return STATUS_OK;
}

uint64_t part_reader_size(const PartReader *reader)
{
    return frame_reader_size(reader->frame);
}

static Status damage(const PartReader *reader, const char *what, Error *err)
{
    return error_kind(err, ERROR_DIFFERENT, "\"%s\" is damaged at byte %" PRIu64 ": %s",
                      frame_reader_path(reader->frame), reader->entry.offset, what);
}

Status part_reader_limit(PartReader *reader, uint64_t size, Error *err)
{
    if (size > frame_reader_size(reader->frame))
        return error_kind(err, ERROR_DIFFERENT,
                          "\"%s\" has %" PRIu64 " bytes, although %" PRIu64 " were on the disk",
                          frame_reader_path(reader->frame), frame_reader_size(reader->frame), size);
    frame_reader_limit(reader->frame, size);
    reader->is_limited = true;
    reader->limit = size;
    return STATUS_OK;
}

static la_ssize_t give_bytes(struct archive *archive, void *context, const void **ret_data)
{
    PartReader *reader = context;
    size_t size = 0;
    Status status = frame_reader_read(reader->frame, ret_data, &size, &reader->failure);

    if (status >= 0)
        return (la_ssize_t)size;
    reader->failure_status = status;
    archive_set_error(archive, EILSEQ, "damaged");
    return ARCHIVE_FATAL;
}

/* What give_bytes() met, or what libarchive itself says. */
static Status tar_error(PartReader *reader, Error *err)
{
    const char *reason = archive_error_string(reader->archive);

    if (reader->failure_status < 0) {
        *err = reader->failure;
        return reader->failure_status;
    }
    return damage(reader, reason != NULL ? reason : "it is no tar", err);
}

static Status open_archive(PartReader *reader, Error *err)
{
    close_archive(reader);
    reader->failure_status = STATUS_OK;
    reader->archive = archive_read_new();
    if (reader->archive == NULL || archive_read_support_format_tar(reader->archive) != ARCHIVE_OK)
        out_of_memory();
    if (archive_read_open(reader->archive, reader, NULL, give_bytes, NULL) != ARCHIVE_OK)
        return tar_error(reader, err);
    return STATUS_OK;
}

/* Ordinary files only: no links, no devices, no folders, no holes. */
static bool is_ordinary(struct archive_entry *entry)
{
    return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == NULL &&
           archive_entry_symlink(entry) == NULL && archive_entry_size_is_set(entry) &&
           archive_entry_size(entry) >= 0 && archive_entry_sparse_count(entry) == 0;
}

static bool is_ascii(const char *name)
{
    while (*name > 0 && *name < 0x7F)
        name++;
    return *name == '\0';
}

/* libarchive warns of a name that is not ASCII (see enter_bytes()), and must not of anything else. */
static bool is_read(int result, struct archive_entry *entry)
{
    const char *name = NULL;

    if (result == ARCHIVE_WARN)
        name = archive_entry_pathname(entry);
    return result == ARCHIVE_OK || (name != NULL && !is_ascii(name));
}

/* STATUS_OK with the name and size, or STATUS_DONE when the frame holds no entry. */
static Status read_head(PartReader *reader, const char **ret_name, uint64_t *ret_size, Error *err)
{
    AUTO_LOCALE locale_t before = enter_bytes();
    struct archive_entry *entry = NULL;
    int result = archive_read_next_header(reader->archive, &entry);

    if (result == ARCHIVE_EOF)
        return STATUS_DONE;
    if (!is_read(result, entry))
        return tar_error(reader, err);
    if (!is_ordinary(entry))
        return damage(reader, "it is no ordinary file", err);
    *ret_name = archive_entry_pathname(entry);
    *ret_size = (uint64_t)archive_entry_size(entry);
    if (*ret_name == NULL || !part_name_is_safe(*ret_name))
        return damage(reader, "its name is not allowed", err);
    return STATUS_OK;
}

static uint64_t room_for(uint64_t raw)
{
    return raw > UINT64_MAX / 2 ? FRAME_ANY : raw + TAR_BLOCK + TAR_HEAD_ROOM;
}

static void begin_content(PartReader *reader)
{
    unsigned char ignored[SHA256_SIZE];

    sha256_finish(reader->hash, ignored); /* of one that was given up: it begins anew */
    reader->at = 0;
    reader->is_open = true;
}

Status part_reader_begin(PartReader *reader, const PartEntry *entry, const char *name, Error *err)
{
    const char *found = "";
    uint64_t size = 0;
    Status status = STATUS_OK;

    reader->entry = *entry;
    reader->is_expected = true;
    reader->is_open = false;
    TRY(frame_reader_begin(reader->frame, entry->offset, entry->stored, room_for(entry->raw), err));
    TRY(open_archive(reader, err));
    status = read_head(reader, &found, &size, err);
    TRY(status);
    if (status == STATUS_DONE)
        return damage(reader, "it is empty", err);
    if (strcmp(found, name) != 0)
        return damage(reader, "its name is not the one in the index", err);
    if (size != entry->raw)
        return damage(reader, "its size is not the one in the index", err);
    begin_content(reader);
    return STATUS_OK;
}

/* Behind the content: nothing but padding, and the end of the frame with its checksum. */
static Status check_tail(PartReader *reader, Error *err)
{
    struct archive_entry *entry = NULL;
    const void *data = NULL;
    size_t size = 0;
    Status status = STATUS_OK;
    int result = archive_read_next_header(reader->archive, &entry);

    if (result == ARCHIVE_OK)
        return damage(reader, "its frame holds more than one entry", err);
    if (result != ARCHIVE_EOF)
        return tar_error(reader, err);
    status = frame_reader_read(reader->frame, &data, &size, err);
    TRY(status);
    if (status != STATUS_DONE)
        return damage(reader, "there are bytes behind its end", err);
    if (reader->is_expected && frame_reader_stored(reader->frame) != reader->entry.stored)
        return damage(reader, "its frame is shorter than the index says", err);
    return STATUS_OK;
}

static Status end_content(PartReader *reader, Error *err)
{
    uint8_t hash[SHA256_SIZE];

    if (reader->at != reader->entry.raw)
        return damage(reader, "it is shorter than its header says", err);
    TRY(check_tail(reader, err));
    sha256_finish(reader->hash, hash);
    if (reader->is_expected && memcmp(hash, reader->entry.sha256, sizeof(hash)) != 0)
        return damage(reader, "its SHA-256 is not the one in the index", err);
    memcpy(reader->entry.sha256, hash, sizeof(hash));
    reader->entry.stored = frame_reader_stored(reader->frame);
    reader->next = reader->entry.offset + reader->entry.stored;
    reader->is_open = false;
    return STATUS_DONE;
}

Status part_reader_read(PartReader *reader, const void **ret_data, size_t *ret_size, Error *err)
{
    assert(reader->is_open);
    for (;;) {
        la_int64_t offset = 0;
        int result = archive_read_data_block(reader->archive, ret_data, ret_size, &offset);

        if (result == ARCHIVE_EOF)
            return end_content(reader, err);
        if (result != ARCHIVE_OK)
            return tar_error(reader, err);
        if (*ret_size == 0)
            continue;
        if (offset < 0 || (uint64_t)offset != reader->at ||
            *ret_size > reader->entry.raw - reader->at)
            return damage(reader, "its content is not in one piece", err);
        sha256_update(reader->hash, *ret_data, *ret_size);
        reader->at += *ret_size;
        return STATUS_OK;
    }
}

Status part_reader_content(PartReader *reader, const PartEntry *entry, const char *name,
                           size_t max_size, Text *ret, Error *err)
{
    Status status = STATUS_OK;
    const void *data = NULL;
    size_t size = 0;

    text_clear(ret);
    if (entry->raw > max_size)
        return error_kind(err, ERROR_DIFFERENT,
                          "\"%s\" is damaged at byte %" PRIu64 ": %" PRIu64 " bytes are too many",
                          frame_reader_path(reader->frame), entry->offset, entry->raw);
    TRY(part_reader_begin(reader, entry, name, err));
    text_reserve(ret, (size_t)entry->raw);
    while ((status = part_reader_read(reader, &data, &size, err)) == STATUS_OK)
        text_append_bytes(ret, data, size);
    return status < 0 ? status : STATUS_OK;
}

/* A frame without an entry is the end of the archive, and the end of the file. */
static Status check_last(PartReader *reader, Error *err)
{
    const void *data = NULL;
    size_t size = 0;
    Status status = frame_reader_read(reader->frame, &data, &size, err);

    TRY(status);
    if (status != STATUS_DONE || frame_reader_raw(reader->frame) != TAR_END_SIZE)
        return damage(reader, "it is no end of an archive", err);
    if (reader->entry.offset + frame_reader_stored(reader->frame) !=
        frame_reader_size(reader->frame))
        return damage(reader, "there are bytes behind the end of the archive", err);
    return STATUS_DONE;
}

Status part_reader_next(PartReader *reader, uint64_t max_raw, const char **ret_name, Error *err)
{
    const char *name = NULL;
    Status status = STATUS_OK;

    assert(!reader->is_open); /* read until STATUS_DONE: else where the next begins is unknown */
    reader->entry = (PartEntry){.offset = reader->next};
    reader->is_expected = false;
    if (reader->is_limited && reader->next == reader->limit)
        return STATUS_DONE;
    TRY(frame_reader_begin(reader->frame, reader->next, FRAME_ANY, room_for(max_raw), err));
    TRY(open_archive(reader, err));
    status = read_head(reader, &name, &reader->entry.raw, err);
    TRY(status);
    if (status == STATUS_DONE)
        return check_last(reader, err);
    if (reader->entry.raw > max_raw)
        return damage(reader, "it is larger than allowed", err);
    begin_content(reader);
    free(reader->name);
    reader->name = xstrdup(name);
    *ret_name = reader->name;
    return STATUS_OK;
}

const PartEntry *part_reader_found(const PartReader *reader)
{
    return &reader->entry;
}

void part_reader_hash_all(PartReader *reader)
{
    frame_reader_hash_all(reader->frame);
}

Status part_reader_hash(PartReader *reader, char ret[SHA256_HEX_SIZE], Error *err)
{
    return frame_reader_hash(reader->frame, ret, err);
}

Status part_reader_end(PartReader *reader, uint64_t offset, Error *err)
{
    const char *name = NULL;
    uint64_t size = 0;
    Status status = STATUS_OK;

    reader->entry = (PartEntry){.offset = offset};
    reader->is_expected = false;
    reader->is_open = false;
    frame_reader_limit(reader->frame, frame_reader_size(reader->frame));
    TRY(frame_reader_begin(reader->frame, offset, FRAME_ANY, TAR_END_SIZE, err));
    TRY(open_archive(reader, err));
    status = read_head(reader, &name, &size, err);
    TRY(status);
    if (status != STATUS_DONE)
        return damage(reader, "there is more than the index says", err);
    status = check_last(reader, err);
    return status < 0 ? status : STATUS_OK;
}
