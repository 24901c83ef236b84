#include <stdlib.h>
#include <string.h>

#include "backup/lines.h"
#include "backup/manifest_inside.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

/* A moment twice: exactly, and for people. */
static void set_time(Json *object, const char *key, int64_t wall_us)
{
    AUTO_FREE_MEMORY char *exact = xasprintf("%s_us", key);
    char text[32];

    clock_format(wall_us, text, sizeof(text));
    json_set_string(object, key, wall_us != 0 ? text : NULL);
    json_set_integer(object, exact, wall_us);
}

/* A copy on one line that no terminal obeys: a backup must not fail in the end because a version or
 * a remark holds a line end. NULL gives NULL; the caller frees. */
static char *tidy(const char *value)
{
    AUTO_TEXT Text text = {0};

    if (value == NULL)
        return NULL;
    text_append_utf8(&text, value, strlen(value));
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_second = c == 0xC2 && (unsigned char)text.data[i + 1] < 0xA0; /* U+0080-009F */

        if (c < 0x20 || c == 0x7F)
            text.data[i] = ' ';
        else if (is_second)
            text.data[i] = text.data[i + 1] = ' ';
    }
    return xstrdup(text_string(&text));
}

static void set_remark(Json *object, const char *key, const char *value)
{
    AUTO_FREE_MEMORY char *text = tidy(value);

    json_set_string(object, key, text);
}

static void set_list(Json *object, const char *key, const TextList *list)
{
    Json *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        AUTO_FREE_MEMORY char *text = tidy(list->items[i]);

        json_add_string(array, text);
    }
    json_set(object, key, array);
}

static Json *source_of(const Manifest *manifest)
{
    Json *source = json_object();

    json_set_string(source, "engine", manifest->engine);
    set_remark(source, "engine_version", manifest->engine_version);
    set_remark(source, "encoding", manifest->encoding);
    set_remark(source, "uri", manifest->source);
    json_set_exact(source, "identity", manifest->source_identity);
    json_set_exact(source, "snapshot", manifest->snapshot);
    set_time(source, "snapshot_at", manifest->snapshot_us);
    return source;
}

static Json *objects_of(const Manifest *manifest)
{
    Json *array = json_array();

    for (size_t i = 0; i < manifest->object_count; i++) {
        const ManifestObject *object = &manifest->objects[i];
        Json *line = json_object();
        char digest[33];

        digest_format(&object->digest, digest);
        json_set_unsigned(line, "id", object->id);
        json_set_exact(line, "schema", object->schema);
        json_set_exact(line, "name", object->name);
        json_set_string(line, "format", row_format_name(object->format));
        json_set_unsigned(line, "rows", object->digest.rows);
        json_set_string(line, "digest", digest);
        json_set_unsigned(line, "raw_bytes", object->raw_bytes);
        json_set_unsigned(line, "segments", object->segments);
        json_add(array, line);
    }
    return array;
}

static Json *parts_of(const Manifest *manifest)
{
    Json *array = json_array();

    for (size_t i = 0; i < manifest->part_count; i++) {
        const PartSummary *part = &manifest->parts[i];
        AUTO_TEXT Text path = {0};
        Json *line = json_object();

        part_path(part->number, &path);
        json_set_string(line, "path", text_string(&path));
        json_set_unsigned(line, "number", part->number);
        json_set_unsigned(line, "bytes", part->bytes);
        json_set_unsigned(line, "raw_bytes", part->raw_bytes);
        json_set_unsigned(line, "entries", part->entries);
        json_set_string(line, "sha256", part->sha256);
        json_add(array, line);
    }
    return array;
}

static Json *files_of(const Manifest *manifest)
{
    Json *array = json_array();

    for (size_t i = 0; i < manifest->file_count; i++) {
        const ManifestFile *file = &manifest->files[i];
        Json *line = json_object();

        json_set_string(line, "path", file->path);
        json_set_unsigned(line, "bytes", file->bytes);
        json_set_string(line, "sha256", file->sha256);
        json_add(array, line);
    }
    return array;
}

static Json *totals_of(const Manifest *manifest)
{
    Json *line = json_object();
    ManifestTotals totals;

    manifest_totals(manifest, &totals);
    json_set_unsigned(line, "objects", manifest->object_count);
    json_set_unsigned(line, "parts", manifest->part_count);
    json_set_unsigned(line, "rows", totals.rows);
    json_set_unsigned(line, "raw_bytes", totals.raw_bytes);
    json_set_unsigned(line, "stored_bytes", totals.stored_bytes);
    json_set_unsigned(line, "entries", totals.entries);
    return line;
}

static void set_head(Json *json, const Manifest *manifest)
{
    json_set_string(json, "format", "stopover backup");
    json_set_unsigned(json, "format_version", MANIFEST_VERSION);
    set_remark(json, "tool_version", manifest->tool_version);
    json_set_string(json, "backup_id", manifest->backup_id);
    json_set_unsigned(json, "sequence", manifest->sequence);
    json_set_string(json, "name", manifest->name);
    json_set_string(json, "label", manifest->label);
    json_set_string(json, "kind", backup_kind_name(manifest->kind));
    json_set_string(json, "series", manifest->series);
    set_remark(json, "scope", manifest->scope);
    set_time(json, "started_at", manifest->started_us);
    set_time(json, "completed_at", manifest->completed_us);
    json_set_unsigned(json, "resumed", manifest->resumed);
    set_remark(json, "migration", manifest->migration);
    set_remark(json, "run", manifest->run);
    set_remark(json, "consistency", manifest->consistency);
}

static Json *manifest_json(const Manifest *manifest)
{
    Json *json = json_object();

    set_head(json, manifest);
    json_set(json, "source", source_of(manifest));
    json_set_string(json, "catalog_fingerprint", manifest->catalog_fingerprint);
    json_set(json, "totals", totals_of(manifest));
    json_set(json, "objects", objects_of(manifest));
    json_set(json, "parts", parts_of(manifest));
    json_set(json, "files", files_of(manifest));
    set_list(json, "excluded", &manifest->excluded);
    set_list(json, "warnings", &manifest->warnings);
    return json;
}

/* The last line holds the hash of all before it; the object is closed there. */
static void add_own_hash(Text *text, const char *printed)
{
    size_t size = strlen(printed);
    char hash[SHA256_HEX_SIZE];

    while (size > 0 && (printed[size - 1] == '}' || printed[size - 1] == '\n'))
        size--;
    text_append_bytes(text, printed, size);
    text_append(text, ",\n");
    sha256_hex(text->data, text->size, hash);
    text_append_format(text, "\"manifest_sha256\":\"%s\"}\n", hash);
}

Status manifest_write(const char *folder, const Manifest *manifest, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, MANIFEST_NAME);
    AUTO_FREE(json_free) Json *json = NULL;
    AUTO_FREE_MEMORY char *printed = NULL;
    AUTO_TEXT Text text = {0};
    Status status = manifest_validate(manifest, err);

    if (status < 0) {
        err->kind = ERROR_FAILED; /* a mistake of ours: nothing was damaged */
        error_prefix(err, "could not write \"%s\"", path);
        return status;
    }
    json = manifest_json(manifest);
    printed = json_print(json, true);
    add_own_hash(&text, printed);
    if (text.size > MANIFEST_MAX_BYTES)
        return error_set(err, STATUS_INVALID, "could not write \"%s\": %zu bytes are too many",
                         path, text.size);
    return file_replace(path, text.data, text.size, err);
}
