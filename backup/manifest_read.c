#include <string.h>

#include "backup/lines.h"
#include "backup/manifest_inside.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

#define LAST_LINE_BEGIN "\"manifest_sha256\":\""
#define LAST_LINE_END   "\"}\n"
#define LAST_LINE_SIZE                                                                             \
    (sizeof(LAST_LINE_BEGIN) - 1 + SHA256_HEX_SIZE - 1 + sizeof(LAST_LINE_END) - 1)

static Status damaged(Error *err, const char *what)
{
    return error_kind(err, ERROR_DIFFERENT, "%s", what);
}

/* The hash first: nothing of a manifest that does not prove itself is looked at. */
static Status check_own_hash(const Text *text, Error *err)
{
    const char *last = NULL;
    char hash[SHA256_HEX_SIZE];

    if (text->size <= LAST_LINE_SIZE || strlen(text_string(text)) != text->size)
        return damaged(err, "it is cut off, or not a manifest");
    last = text->data + text->size - LAST_LINE_SIZE;
    if (last[-1] != '\n' || strncmp(last, LAST_LINE_BEGIN, strlen(LAST_LINE_BEGIN)) != 0 ||
        strcmp(text->data + text->size - strlen(LAST_LINE_END), LAST_LINE_END) != 0)
        return damaged(err, "its last line does not hold its SHA-256: it is cut off or was edited");
    sha256_hex(text->data, text->size - LAST_LINE_SIZE, hash);
    if (strncmp(last + strlen(LAST_LINE_BEGIN), hash, strlen(hash)) != 0)
        return damaged(err, "its own SHA-256 is wrong: it was damaged or edited");
    return STATUS_OK;
}

static Status check_version(const Json *json, Error *err)
{
    const char *format = json_get_string(json, "format");
    uint64_t version = json_get_unsigned(json, "format_version", 0);

    if (format == NULL || strcmp(format, "stopover backup") != 0 || version == 0)
        return damaged(err, "it is not a manifest of a backup");
    if (version > MANIFEST_VERSION) {
        (void)error_kind(err, ERROR_REFUSED,
                         "it is of format %ju, and this program knows formats up to %d",
                         (uintmax_t)version, MANIFEST_VERSION);
        error_hint(err, "Use a newer stopover for this backup.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* Reading single values. What is missing or of another type is damage. */
static Status take_count(const Json *object, const char *key, uint64_t *ret, Error *err)
{
    *ret = json_get_unsigned(object, key, UINT64_MAX);
    if (*ret == UINT64_MAX)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is missing or no number", key);
    return STATUS_OK;
}

static Status take_small(const Json *object, const char *key, uint32_t *ret, Error *err)
{
    uint64_t value = 0;

    TRY(take_count(object, key, &value, err));
    if (value > UINT32_MAX)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is too large", key);
    *ret = (uint32_t)value;
    return STATUS_OK;
}

static Status take_time(const Json *object, const char *key, int64_t *ret, Error *err)
{
    *ret = json_get_integer(object, key, -1);
    if (*ret < 0)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is missing or no time", key);
    return STATUS_OK;
}

static Status take_exact(const Json *object, const char *key, char **ret, Error *err)
{
    if (!json_get_exact(object, key, ret))
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is malformed", key);
    return STATUS_OK;
}

static Status take_sha256(const Json *object, const char *key, char ret[SHA256_HEX_SIZE],
                          Error *err)
{
    const char *hex = json_get_string(object, key);

    if (hex == NULL || strlen(hex) >= SHA256_HEX_SIZE)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is no SHA-256", key);
    memcpy(ret, hex, strlen(hex) + 1);
    return STATUS_OK;
}

static Status take_kind(const Json *json, BackupKind *ret, Error *err)
{
    static const BackupKind kinds[] = {BACKUP_TABLES, BACKUP_DATABASE, BACKUP_FILES};
    const char *name = json_get_string(json, "kind");

    for (size_t i = 0; name != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(name, backup_kind_name(kinds[i])) == 0) {
            *ret = kinds[i];
            return STATUS_OK;
        }
    }
    return damaged(err, "its kind is unknown");
}

static Status take_format(const Json *object, RowFormat *ret, Error *err)
{
    static const RowFormat formats[] = {ROW_TAGGED, ROW_PG_BINARY, ROW_PG_TEXT};
    const char *name = json_get_string(object, "format");

    for (size_t i = 0; name != NULL && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(name, row_format_name(formats[i])) == 0) {
            *ret = formats[i];
            return STATUS_OK;
        }
    }
    return damaged(err, "the row format of an object is unknown");
}

static Status read_head(const Json *json, Manifest *ret, Error *err)
{
    ret->format_version = (unsigned)json_get_unsigned(json, "format_version", 0);
    ret->tool_version = xstrdup(json_get_string(json, "tool_version"));
    ret->backup_id = xstrdup(json_get_string(json, "backup_id"));
    ret->name = xstrdup(json_get_string(json, "name"));
    ret->label = xstrdup(json_get_string(json, "label"));
    ret->series = xstrdup(json_get_string(json, "series"));
    ret->scope = xstrdup(json_get_string(json, "scope"));
    ret->migration = xstrdup(json_get_string(json, "migration"));
    ret->run = xstrdup(json_get_string(json, "run"));
    ret->consistency = xstrdup(json_get_string(json, "consistency"));
    TRY(take_kind(json, &ret->kind, err));
    TRY(take_count(json, "sequence", &ret->sequence, err));
    TRY(take_count(json, "resumed", &ret->resumed, err));
    TRY(take_time(json, "started_at_us", &ret->started_us, err));
    TRY(take_time(json, "completed_at_us", &ret->completed_us, err));
    return take_sha256(json, "catalog_fingerprint", ret->catalog_fingerprint, err);
}

static Status read_source(const Json *json, Manifest *ret, Error *err)
{
    const Json *source = json_get(json, "source");

    ret->engine = xstrdup(json_get_string(source, "engine"));
    ret->engine_version = xstrdup(json_get_string(source, "engine_version"));
    ret->encoding = xstrdup(json_get_string(source, "encoding"));
    ret->source = xstrdup(json_get_string(source, "uri"));
    TRY(take_exact(source, "identity", &ret->source_identity, err));
    TRY(take_exact(source, "snapshot", &ret->snapshot, err));
    return take_time(source, "snapshot_at_us", &ret->snapshot_us, err);
}

static Status read_object(const Json *line, Manifest *manifest, Error *err)
{
    ManifestObject *ret = manifest_add_object(manifest);
    const char *digest = json_get_string(line, "digest");
    uint64_t rows = 0;

    TRY(take_small(line, "id", &ret->id, err));
    TRY(take_exact(line, "schema", &ret->schema, err));
    TRY(take_exact(line, "name", &ret->name, err));
    TRY(take_format(line, &ret->format, err));
    TRY(take_count(line, "rows", &rows, err));
    TRY(take_count(line, "raw_bytes", &ret->raw_bytes, err));
    TRY(take_count(line, "segments", &ret->segments, err));
    if (digest == NULL || !digest_parse(digest, rows, &ret->digest))
        return damaged(err, "the digest of an object is malformed");
    return STATUS_OK;
}

static Status read_part(const Json *line, Manifest *manifest, Error *err)
{
    PartSummary *ret = manifest_add_part(manifest);
    const char *path = json_get_string(line, "path");
    AUTO_TEXT Text expected = {0};

    TRY(take_small(line, "number", &ret->number, err));
    TRY(take_count(line, "bytes", &ret->bytes, err));
    TRY(take_count(line, "raw_bytes", &ret->raw_bytes, err));
    TRY(take_count(line, "entries", &ret->entries, err));
    TRY(take_sha256(line, "sha256", ret->sha256, err));
    part_path(ret->number, &expected);
    if (path == NULL || strcmp(path, text_string(&expected)) != 0)
        return error_kind(err, ERROR_DIFFERENT, "the path of part %u is not allowed: \"%s\"",
                          ret->number, path != NULL ? path : "");
    return STATUS_OK;
}

static Status read_file(const Json *line, Manifest *manifest, Error *err)
{
    ManifestFile *ret = manifest_add_file(manifest);

    ret->path = xstrdup(json_get_string(line, "path"));
    TRY(take_count(line, "bytes", &ret->bytes, err));
    return take_sha256(line, "sha256", ret->sha256, err);
}

static Status read_items(const Json *json, const char *key, Manifest *manifest,
                         Status (*read)(const Json *, Manifest *, Error *), Error *err)
{
    const Json *array = json_get(json, key);

    if (array == NULL)
        return error_kind(err, ERROR_DIFFERENT, "\"%s\" is missing", key);
    for (const Json *item = json_at(array, 0); item != NULL; item = json_next(item))
        TRY(read(item, manifest, err));
    return STATUS_OK;
}

static Status read_list(const Json *json, const char *key, TextList *ret, Error *err)
{
    const Json *array = json_get(json, key);

    for (const Json *item = json_at(array, 0); item != NULL; item = json_next(item)) {
        if (json_string(item) == NULL)
            return error_kind(err, ERROR_DIFFERENT, "\"%s\" is malformed", key);
        text_list_add(ret, json_string(item));
    }
    return STATUS_OK;
}

/* Texts for people are printed as they are: whoever wrote them has tidied them up. */
static Status check_remarks(const Manifest *manifest, Error *err)
{
    const char *const texts[] = {
        manifest->scope,       manifest->engine_version, manifest->encoding,
        manifest->source,      manifest->migration,      manifest->run,
        manifest->consistency, manifest->tool_version,
    };
    const TextList *const lists[] = {&manifest->excluded, &manifest->warnings};
    bool is_tidy = true;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_tidy &= texts[i] == NULL || !has_control_characters(texts[i]);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            is_tidy &= !has_control_characters(lists[i]->items[j]);
    return is_tidy ? STATUS_OK : damaged(err, "a remark holds control characters");
}

/* What it says in sum must be the sum of what it says. */
static Status check_totals(const Json *json, const Manifest *manifest, Error *err)
{
    const Json *said = json_get(json, "totals");
    ManifestTotals totals;

    manifest_totals(manifest, &totals);
    const struct {
        const char *key;
        uint64_t value;
    } sums[] = {
        {"objects", manifest->object_count},
        {"parts", manifest->part_count},
        {"rows", totals.rows},
        {"raw_bytes", totals.raw_bytes},
        {"stored_bytes", totals.stored_bytes},
        {"entries", totals.entries},
    };

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        if (json_get_unsigned(said, sums[i].key, UINT64_MAX) != sums[i].value)
            return error_kind(err, ERROR_DIFFERENT, "its total of %s is not the sum", sums[i].key);
    return STATUS_OK;
}

static Status read_all(const Text *text, Manifest *ret, Error *err)
{
    AUTO_FREE(json_free) Json *json = NULL;

    TRY(check_own_hash(text, err));
    if (json_parse(text_string(text), &json, err) < 0) {
        err->kind = ERROR_DIFFERENT;
        return STATUS_INVALID;
    }
    TRY(check_version(json, err));
    TRY(read_head(json, ret, err));
    TRY(read_source(json, ret, err));
    TRY(read_items(json, "objects", ret, read_object, err));
    TRY(read_items(json, "parts", ret, read_part, err));
    TRY(read_items(json, "files", ret, read_file, err));
    TRY(read_list(json, "excluded", &ret->excluded, err));
    TRY(read_list(json, "warnings", &ret->warnings, err));
    TRY(check_remarks(ret, err));
    TRY(manifest_validate(ret, err));
    return check_totals(json, ret, err);
}

Status manifest_read(const char *folder, Manifest *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, MANIFEST_NAME);
    AUTO_MANIFEST Manifest manifest = {0};
    AUTO_TEXT Text text = {0};
    Status status = STATUS_OK;

    TRY(file_read(path, MANIFEST_MAX_BYTES, &text, err));
    status = read_all(&text, &manifest, err);
    if (status < 0) {
        error_prefix(err, "\"%s\" cannot be used", path);
        if (err->hint[0] == '\0')
            error_hint(err, "Use another backup; this one cannot be relied on.");
        return status;
    }
    *ret = manifest;
    manifest = (Manifest){0};
    return STATUS_OK;
}
