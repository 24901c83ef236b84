#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/print.h"

static void add_text(Fields *fields, const char *key, Text *text)
{
    if (text->size > 0)
        fields_add(fields, FOR_PEOPLE, key, cell_text(text_string(text)));
    text_clear(text);
}

static void print_backup(const Backup *backup, const char *needed, int64_t now_us, Text *ret)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_TEXT Text text = {0};

    fields_add(&fields, FOR_PEOPLE, "backup", cell_text(backup->name));
    fields_add(&fields, FOR_PEOPLE, "label", cell_text(backup->label));
    backup_append_status(backup, &text);
    add_text(&fields, "status", &text);
    fields_add(&fields, FOR_PEOPLE, "problem", cell_toned(cell_text(backup->problem), TONE_BAD));
    fields_add(&fields, FOR_PEOPLE, "started", cell_time(backup->started_us));
    fields_add(&fields, FOR_PEOPLE, "completed", cell_time(backup->completed_us));
    if (backup->kind != 0)
        fields_add(&fields, FOR_PEOPLE, "kind", cell_text(backup_kind_name(backup->kind)));
    fields_add(&fields, FOR_PEOPLE, "series", cell_text(backup->series));
    fields_add(&fields, FOR_PEOPLE, "scope", cell_text(backup->scope));
    fields_add(&fields, FOR_PEOPLE, "source", cell_text(backup->source));
    fields_add(&fields, FOR_PEOPLE, "migration", cell_text(backup->migration));
    fields_add(&fields, FOR_PEOPLE, "rows", cell_count(backup->rows));
    fields_add(&fields, FOR_PEOPLE, "raw", cell_bytes(backup->raw_bytes));
    fields_add(&fields, FOR_PEOPLE, "stored", cell_bytes(backup->stored_bytes));
    backup_append_verified(backup, now_us, &text);
    if (text.size == 0)
        text_append(&text, "never");
    add_text(&fields, "verified", &text);
    backup_append_pins(backup, now_us, &text);
    add_text(&fields, "pinned_by", &text);
    fields_add(&fields, FOR_PEOPLE, "needed_by", cell_text(needed));
    fields_add(&fields, FOR_PEOPLE, "directory", cell_text(backup->directory));
    fields_print(&fields, "", wants_colour(), ret);
}

/* ---- what its manifest adds ---- */

static const char *const object_keys[] = {"object", "rows", "raw_bytes", "segments", NULL};

static void print_list(const char *title, const TextList *list, Text *ret)
{
    for (size_t i = 0; i < list->count; i++)
        text_append_format(ret, "%s: %s\n", title, list->items[i]);
}

static void set_list(Json *document, const char *key, const TextList *list)
{
    Json *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_add_string(array, list->items[i]);
    json_set(document, key, array);
}

static Status show_manifest(const Backup *backup, Json *document, Text *ret, Error *err)
{
    AUTO_MANIFEST Manifest manifest = {0};
    AUTO_GRID Grid objects = grid(object_keys);

    TRY(manifest_read(backup->directory, &manifest, err));
    for (size_t i = 0; i < manifest.object_count; i++) {
        const ManifestObject *object = &manifest.objects[i];
        AUTO_FREE_MEMORY char *name = manifest_object_name(object);

        grid_add(&objects, cell_text(name));
        grid_add(&objects, cell_count(object->digest.rows));
        grid_add(&objects, cell_bytes(object->raw_bytes));
        grid_add(&objects, cell_count(object->segments));
    }
    json_set(document, "tables", grid_json(&objects));
    json_set_string(document, "consistency", manifest.consistency);
    json_set_string(document, "engine", manifest.engine);
    json_set_string(document, "engine_version", manifest.engine_version);
    json_set_string(document, "tool_version", manifest.tool_version);
    json_set_unsigned(document, "resumed", manifest.resumed);
    json_set_unsigned(document, "parts", manifest.part_count);
    set_list(document, "excluded", &manifest.excluded);
    set_list(document, "warnings", &manifest.warnings);
    if (objects.count > 0) {
        text_append(ret, "\n");
        grid_print(&objects, wants_colour(), ret);
    }
    print_list("left out", &manifest.excluded, ret);
    print_list("warning", &manifest.warnings, ret);
    return STATUS_OK;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_NEEDED_LIST NeededList needed = {0};
    const Backup *backup = NULL;
    Json *document = NULL;
    int64_t now_us = clock_wall_us();

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(backup_session_needed(options, &needed, err));
    TRY(repository_list(repository, &list, NULL, err));
    backup_session_progress(options, repository, &list);
    TRY(backup_list_find(&list, options->backup.wanted, &backup, err));
    document = backup_json(backup, now_us);
    json_set(reply->document, "backup", document);
    json_set_string(document, "needed_by", needed_by(&needed, backup));
    print_backup(backup, needed_by(&needed, backup), now_us, &reply->text);
    if (backup->state != STATE_COMPLETE)
        return STATUS_OK;
    return show_manifest(backup, document, &reply->text, err);
}

const Command command_backup_show = {
    .name = "backup show",
    .usage = "BACKUP",
    .purpose = "one backup: what is in it, how it was made, who needs it",
    .help =
        "Tables with their rows and sizes, consistency, what was left out, the last check, pins\n"
        "and the migration that needs it. Needs no lock.\n\n"
        "Example:\n"
        "  stopover backup show latest",
    .operand = OPERAND_BACKUP,
    .run = run,
};
