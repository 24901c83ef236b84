#include "backup/intent.h"

#include <string.h>

#include "backup/record.h"
#include "engine/base/memory.h"

void intent_release(Intent *intent)
{
    free(intent->backup_id);
    free(intent->name);
    free(intent->label);
    free(intent->series);
    free(intent->scope);
    free(intent->source);
    free(intent->migration);
    json_free(intent->options);
    *intent = (Intent){0};
}

Status intent_write(const char *directory, const Intent *intent, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" INTENT_NAME, directory);
    AUTO_FREE(json_free) Json *record = json_object();

    json_set_string(record, "backup_id", intent->backup_id);
    json_set_string(record, "name", intent->name);
    json_set_string(record, "label", intent->label);
    json_set_unsigned(record, "sequence", intent->sequence);
    record_set_time(record, "started", intent->started_us);
    json_set_string(record, "kind", backup_kind_name(intent->kind));
    json_set_string(record, "series", intent->series);
    json_set_string(record, "scope", intent->scope);
    json_set_string(record, "source", intent->source);
    json_set_string(record, "migration", intent->migration);
    if (intent->options != NULL)
        json_set(record, "options", json_copy(intent->options));
    return record_write(path, record, err);
}

static BackupKind parse_kind(const char *name)
{
    for (BackupKind kind = BACKUP_TABLES; kind <= BACKUP_FILES; kind++)
        if (name != NULL && strcmp(name, backup_kind_name(kind)) == 0)
            return kind;
    return 0;
}

static void take_record(const Json *record, Intent *ret)
{
    ret->backup_id = xstrdup(json_get_string(record, "backup_id"));
    ret->name = xstrdup(json_get_string(record, "name"));
    ret->label = xstrdup(json_get_string(record, "label"));
    ret->sequence = json_get_unsigned(record, "sequence", 0);
    ret->started_us = record_get_time(record, "started");
    ret->kind = parse_kind(json_get_string(record, "kind"));
    ret->series = xstrdup(json_get_string(record, "series"));
    ret->scope = xstrdup(json_get_string(record, "scope"));
    ret->source = xstrdup(json_get_string(record, "source"));
    ret->migration = xstrdup(json_get_string(record, "migration"));
    ret->options = json_copy(json_get(record, "options"));
}

Status intent_read(const char *directory, Intent *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/" INTENT_NAME, directory);
    AUTO_FREE(json_free) Json *record = NULL;

    TRY(record_read(path, &record, err));
    take_record(record, ret);
    if (ret->backup_id != NULL && ret->name != NULL && ret->label != NULL && ret->series != NULL &&
        ret->kind != 0 && ret->sequence != 0)
        return STATUS_OK;
    intent_release(ret);
    return error_set(err, STATUS_INVALID, "\"%s\" lacks what an intent holds", path);
}
