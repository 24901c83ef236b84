#include "backup/manifest.h"

#include "engine/base/memory.h"

const char *backup_kind_name(BackupKind kind)
{
    switch (kind) {
    case BACKUP_TABLES:
        return "tables";
    case BACKUP_DATABASE:
        return "database";
    case BACKUP_FILES:
        return "files";
    }
    return "unknown";
}

void manifest_release(Manifest *manifest)
{
    char *strings[] = {
        manifest->backup_id, manifest->name,     manifest->label,           manifest->series,
        manifest->scope,     manifest->engine,   manifest->engine_version,  manifest->encoding,
        manifest->source,    manifest->snapshot, manifest->source_identity, manifest->consistency,
        manifest->migration, manifest->run,      manifest->tool_version,
    };

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        free(strings[i]);
    for (size_t i = 0; i < manifest->object_count; i++) {
        free(manifest->objects[i].schema);
        free(manifest->objects[i].name);
    }
    for (size_t i = 0; i < manifest->file_count; i++)
        free(manifest->files[i].path);
    free(manifest->objects);
    free(manifest->parts);
    free(manifest->files);
    text_list_release(&manifest->excluded);
    text_list_release(&manifest->warnings);
    *manifest = (Manifest){0};
}

ManifestObject *manifest_add_object(Manifest *manifest)
{
    ManifestObject *object = NULL;

    GROW(manifest->objects, manifest->object_count, manifest->object_capacity);
    object = &manifest->objects[manifest->object_count++];
    *object = (ManifestObject){.id = (uint32_t)manifest->object_count};
    return object;
}

PartSummary *manifest_add_part(Manifest *manifest)
{
    GROW(manifest->parts, manifest->part_count, manifest->part_capacity);
    manifest->parts[manifest->part_count] = (PartSummary){0};
    return &manifest->parts[manifest->part_count++];
}

ManifestFile *manifest_add_file(Manifest *manifest)
{
    GROW(manifest->files, manifest->file_count, manifest->file_capacity);
    manifest->files[manifest->file_count] = (ManifestFile){0};
    return &manifest->files[manifest->file_count++];
}

void manifest_totals(const Manifest *manifest, ManifestTotals *ret)
{
    *ret = (ManifestTotals){0};
    for (size_t i = 0; i < manifest->object_count; i++) {
        ret->rows += manifest->objects[i].digest.rows;
        ret->raw_bytes += manifest->objects[i].raw_bytes;
    }
    for (size_t i = 0; i < manifest->part_count; i++) {
        ret->stored_bytes += manifest->parts[i].bytes;
        ret->entries += manifest->parts[i].entries;
    }
    for (size_t i = 0; i < manifest->file_count; i++)
        ret->stored_bytes += manifest->files[i].bytes;
}

const ManifestObject *manifest_object(const Manifest *manifest, uint32_t id)
{
    return id >= 1 && id <= manifest->object_count ? &manifest->objects[id - 1] : NULL;
}

char *manifest_object_name(const ManifestObject *object)
{
    return object->schema == NULL ? xstrdup(object->name)
                                  : xasprintf("%s.%s", object->schema, object->name);
}
