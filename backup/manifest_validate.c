#include <string.h>

#include "backup/manifest_inside.h"

/*
 * What a manifest may say. Numbers and their sums are bounded: none can overflow, and each is exact
 * for readers that keep numbers as doubles.
 */
#define MAX_COUNT ((uint64_t)1 << 53)
#define MAX_ITEMS 1000000

static Status refuse(Error *err, const char *what, const char *value)
{
    return error_kind(err, ERROR_DIFFERENT, "%s is not allowed: \"%s\"", what, value);
}

static Status check_count(const char *what, uint64_t count, Error *err)
{
    if (count > MAX_COUNT)
        return error_kind(err, ERROR_DIFFERENT, "%s is too large: %ju", what, (uintmax_t)count);
    return STATUS_OK;
}

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* A file name of ours: no separator, nothing hidden, nothing that a shell or a terminal reads. */
static bool is_plain_name(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > 255 || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_word_character(name[i]))
            return false;
    return true;
}

static bool is_file_path(const char *path)
{
    static const char schema[] = "schema/";

    if (strcmp(path, "segments.jsonl.zst") == 0 || strcmp(path, "catalog.jsonl.zst") == 0)
        return true;
    return strncmp(path, schema, strlen(schema)) == 0 && is_plain_name(path + strlen(schema));
}

static bool is_sha256(const char *hex)
{
    uint8_t raw[SHA256_SIZE];

    return hex_decode(hex, raw, sizeof(raw));
}

static Status check_text(const char *what, const char *value, Error *err)
{
    if (value == NULL || value[0] == '\0')
        return error_kind(err, ERROR_DIFFERENT, "%s is missing", what);
    if (has_control_characters(value))
        return refuse(err, what, value);
    return STATUS_OK;
}

/* What a backup is found and counted by. All else is for people: see manifest_write(). */
static Status check_texts(const Manifest *manifest, Error *err)
{
    TRY(check_text("the name", manifest->name, err));
    TRY(check_text("the label", manifest->label, err));
    TRY(check_text("the series", manifest->series, err));
    return check_text("the engine", manifest->engine, err);
}

static Status check_identity(const Manifest *manifest, Error *err)
{
    uint8_t id[16];

    if (manifest->backup_id == NULL || !hex_decode(manifest->backup_id, id, sizeof(id)))
        return error_kind(err, ERROR_DIFFERENT, "the backup id is not 32 hex digits");
    TRY(check_texts(manifest, err));
    if (!is_plain_name(manifest->label))
        return refuse(err, "the label", manifest->label);
    if (manifest->sequence == 0)
        return error_kind(err, ERROR_DIFFERENT, "the sequence number is missing");
    TRY(check_count("the sequence number", manifest->sequence, err));
    TRY(check_count("the count of resumptions", manifest->resumed, err));
    if (manifest->started_us <= 0 || manifest->completed_us <= 0 || manifest->snapshot_us < 0)
        return error_kind(err, ERROR_DIFFERENT, "a time is missing");
    return STATUS_OK;
}

static Status check_object(const ManifestObject *object, size_t position, Error *err)
{
    bool is_empty = object->digest.rows == 0;

    if (object->id != position + 1 || object->name == NULL)
        return error_kind(err, ERROR_DIFFERENT, "object %zu has no name or another id",
                          position + 1);
    if (object->format != ROW_TAGGED && object->format != ROW_PG_BINARY &&
        object->format != ROW_PG_TEXT)
        return refuse(err, "a row format of", object->name);
    TRY(check_count("a number of rows", object->digest.rows, err));
    TRY(check_count("a number of bytes", object->raw_bytes, err));
    if (object->segments > object->digest.rows || is_empty != (object->segments == 0) ||
        is_empty != (object->raw_bytes == 0) ||
        (is_empty && (object->digest.low != 0 || object->digest.high != 0)))
        return error_kind(err, ERROR_DIFFERENT,
                          "the numbers of \"%s\" contradict each other: %ju rows in %ju bytes and "
                          "%ju segments",
                          object->name, (uintmax_t)object->digest.rows,
                          (uintmax_t)object->raw_bytes, (uintmax_t)object->segments);
    return STATUS_OK;
}

static Status check_objects(const Manifest *manifest, Error *err)
{
    uint64_t rows = 0;
    uint64_t raw_bytes = 0;
    uint64_t segments = 0;
    ManifestTotals totals;

    if (manifest->object_count > MAX_ITEMS)
        return error_kind(err, ERROR_DIFFERENT, "too many objects");
    for (size_t i = 0; i < manifest->object_count; i++) {
        TRY(check_object(&manifest->objects[i], i, err));
        rows += manifest->objects[i].digest.rows;
        raw_bytes += manifest->objects[i].raw_bytes;
        segments += manifest->objects[i].segments; /* never more than rows */
        TRY(check_count("the number of rows", rows, err));
        TRY(check_count("the number of bytes", raw_bytes, err));
    }
    manifest_totals(manifest, &totals);
    if (manifest->kind != BACKUP_FILES && totals.entries < segments)
        return error_kind(err, ERROR_DIFFERENT, "the parts hold %ju entries, fewer than segments",
                          (uintmax_t)totals.entries);
    return STATUS_OK;
}

static Status check_parts(const Manifest *manifest, Error *err)
{
    uint32_t before = 0;
    uint64_t stored = 0;
    uint64_t entries = 0;

    if (manifest->part_count > MAX_ITEMS)
        return error_kind(err, ERROR_DIFFERENT, "too many parts");
    for (size_t i = 0; i < manifest->part_count; i++) {
        const PartSummary *part = &manifest->parts[i];

        if (part->number <= before || part->number > PART_MAX_NUMBER)
            return error_kind(err, ERROR_DIFFERENT, "part %u is out of order", part->number);
        if (part->bytes == 0 || !is_sha256(part->sha256))
            return error_kind(err, ERROR_DIFFERENT, "part %u has no size or SHA-256", part->number);
        TRY(check_count("the size of a part", part->bytes, err));
        TRY(check_count("the content of a part", part->raw_bytes, err));
        TRY(check_count("the entries of a part", part->entries, err));
        TRY(check_count("the size of all parts", stored += part->bytes, err));
        TRY(check_count("the number of entries", entries += part->entries, err));
        before = part->number;
    }
    return STATUS_OK;
}

static bool has_file(const Manifest *manifest, const char *path)
{
    for (size_t i = 0; i < manifest->file_count; i++)
        if (strcmp(manifest->files[i].path, path) == 0)
            return true;
    return false;
}

static Status check_files(const Manifest *manifest, Error *err)
{
    const char *before = "";
    uint64_t stored = 0;

    if (manifest->file_count > MAX_ITEMS)
        return error_kind(err, ERROR_DIFFERENT, "too many files");
    for (size_t i = 0; i < manifest->file_count; i++) {
        const ManifestFile *file = &manifest->files[i];

        if (file->path == NULL || !is_file_path(file->path) || strcmp(file->path, before) <= 0)
            return refuse(err, "a path", file->path != NULL ? file->path : "");
        if (!is_sha256(file->sha256))
            return refuse(err, "a SHA-256 of", file->path);
        TRY(check_count("the size of a file", file->bytes, err));
        TRY(check_count("the size of all files", stored += file->bytes, err));
        before = file->path;
    }
    return STATUS_OK;
}

/* Whoever keeps tables keeps their catalog, and the index of their rows. */
static Status check_tables(const Manifest *manifest, Error *err)
{
    switch (manifest->kind) {
    case BACKUP_TABLES:
    case BACKUP_DATABASE:
        if (!has_file(manifest, "segments.jsonl.zst") || !has_file(manifest, "catalog.jsonl.zst") ||
            !is_sha256(manifest->catalog_fingerprint))
            return error_kind(err, ERROR_DIFFERENT, "the catalog or the index is missing");
        return STATUS_OK;
    case BACKUP_FILES:
        return STATUS_OK;
    }
    return error_kind(err, ERROR_DIFFERENT, "the kind is unknown");
}

Status manifest_validate(const Manifest *manifest, Error *err)
{
    TRY(check_identity(manifest, err));
    TRY(check_parts(manifest, err));
    TRY(check_files(manifest, err));
    TRY(check_tables(manifest, err));
    return check_objects(manifest, err);
}
