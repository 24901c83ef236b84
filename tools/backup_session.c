#include "tools/backup_session.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "journal/home.h"
#include "stages/backup_create.h"
#include "tools/standing.h"

enum {
    DEFAULT_WAIT_S = 60,
};

Status backup_session_open(const Options *options, Reply *reply, Repository **ret, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *path = NULL;
    const TextList *warnings = NULL;

    if (options->backup.repo == NULL)
        TRY(home_resolve(options->home, &home, err));
    TRY(repository_locate(home, options->backup.repo, &path, err));
    json_set_string(reply->document, "repository", path);
    TRY(repository_open(path, ret, err));
    warnings = repository_warnings(*ret);
    for (size_t i = 0; i < warnings->count; i++)
        log_warn("%s", warnings->items[i]);
    return STATUS_OK;
}

uint64_t backup_lock_wait_ms(const Options *options)
{
    if (option_given(options, "lock-wait"))
        return options->backup.lock_wait_s * 1000;
    return UINT64_C(1000) * DEFAULT_WAIT_S;
}

Status backup_session_needed(const Options *options, NeededList *ret, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_TEXT_LIST TextList unknown = {0};

    TRY(home_resolve(options->home, &home, err));
    TRY(needed_read(home, ret, &unknown, err));
    for (size_t i = 0; i < unknown.count; i++)
        log_warn("which backup a migration needs is known only by its pin: %s", unknown.items[i]);
    return STATUS_OK;
}

static void read_progress(const char *home, Backup *backup)
{
    AUTO_FREE(standing_free) Standing *standing = NULL;
    Error ignored = {0}; /* made from elsewhere, or not begun to be copied */

    if (backup->state != STATE_INCOMPLETE && backup->state != STATE_RUNNING)
        return;
    if (standing_read(home, backup->name, &standing, &ignored) < 0 || !standing->has_plan)
        return;
    backup->has_percent = true;
    backup->percent = standing->percent;
}

void backup_session_progress(const Options *options, const Repository *repository, BackupList *list)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *work = NULL;
    Error ignored = {0};

    if (home_resolve(options->home, &home, &ignored) < 0)
        return;
    work = backup_create_home(home, repository);
    for (size_t i = 0; i < list->count; i++)
        read_progress(work, &list->items[i]);
}

static Json *check_json(const char *level, int64_t when_us)
{
    Json *check = NULL;
    char when[32];

    if (when_us == 0)
        return NULL;
    check = json_object();
    clock_format(when_us, when, sizeof(when));
    json_set_string(check, "level", level);
    json_set_string(check, "at", when);
    return check;
}

static void set_or_null(Json *object, const char *key, Json *value)
{
    if (value != NULL)
        json_set(object, key, value);
    else
        json_set_string(object, key, NULL);
}

static void set_time(Json *object, const char *key, int64_t time_us)
{
    char formatted[32];

    clock_format(time_us, formatted, sizeof(formatted));
    json_set_string(object, key, time_us != 0 ? formatted : NULL);
}

static Json *pins_json(const PinList *pins, int64_t now_us)
{
    Json *list = json_array();

    for (size_t i = 0; i < pins->count; i++) {
        const Pin *pin = &pins->items[i];
        Json *item = json_object();

        json_set_string(item, "pin", pin->token);
        json_set_string(item, "migration", pin->migration);
        json_set_string(item, "reason", pin->reason);
        set_time(item, "created", pin->created_us);
        set_time(item, "expires", pin->expires_us);
        json_set_bool(item, "holds", pin_holds(pin, now_us));
        json_set_string(item, "problem", pin->problem);
        json_add(list, item);
    }
    return list;
}

/* How long ago, in seconds; 0 for what is of the future. */
static uint64_t age_s(int64_t then_us, int64_t now_us)
{
    return then_us < now_us ? (uint64_t)(now_us - then_us) / 1000000 : 0;
}

/* The strongest check that found it whole. */
static Json *verified_json(const Verification *verification)
{
    if (verification->data_us != 0)
        return check_json(check_level_name(CHECK_DATA), verification->data_us);
    return check_json(check_level_name(CHECK_QUICK), verification->quick_us);
}

static Json *damaged_json(const Verification *verification)
{
    if (verification->damaged_us == 0)
        return NULL;
    return check_json(check_level_name(verification->damaged_level), verification->damaged_us);
}

Json *backup_json(const Backup *backup, int64_t now_us)
{
    Json *json = json_object();

    json_set_string(json, "name", backup->name);
    json_set_string(json, "label", backup->label);
    json_set_unsigned(json, "sequence", backup->sequence);
    json_set_string(json, "status", backup_state_name(backup->state));
    json_set_bool(json, "resumable", backup->is_resumable);
    if (backup->has_percent)
        json_set_unsigned(json, "percent", backup->percent);
    else
        json_set_string(json, "percent", NULL);
    json_set_bool(json, "being_read", backup->is_read);
    set_time(json, "started", backup->started_us);
    set_time(json, "completed", backup->completed_us);
    json_set_unsigned(json, "age_s", age_s(backup_time(backup), now_us));
    json_set_string(json, "kind", backup->kind != 0 ? backup_kind_name(backup->kind) : NULL);
    json_set_string(json, "series", backup->series);
    json_set_string(json, "scope", backup->scope);
    json_set_string(json, "source", backup->source);
    json_set_string(json, "migration", backup->migration);
    json_set_unsigned(json, "objects", backup->objects);
    json_set_unsigned(json, "rows", backup->rows);
    json_set_unsigned(json, "raw_bytes", backup->raw_bytes);
    json_set_unsigned(json, "stored_bytes", backup->stored_bytes);
    set_or_null(json, "verified", verified_json(&backup->verification));
    set_or_null(json, "damaged", damaged_json(&backup->verification));
    json_set(json, "pins", pins_json(&backup->pins, now_us));
    json_set_string(json, "directory", backup->directory);
    json_set_string(json, "problem", backup->problem);
    return json;
}

/* ---- words ---- */

void backup_append_status(const Backup *backup, Text *ret)
{
    text_append(ret, backup_state_name(backup->state));
    if (backup->has_percent)
        text_append_format(ret, ", %u %%", backup->percent);
    if (backup->is_resumable)
        text_append(ret, " (can be gone on with)");
    else if (backup->is_read)
        text_append(ret, " (in use)");
}

void backup_append_verified(const Backup *backup, int64_t now_us, Text *ret)
{
    const Verification *found = &backup->verification;
    bool by_data = found->data_us != 0;
    char ago[32];

    if (found->damaged_us != 0) {
        format_duration(age_s(found->damaged_us, now_us), ago, sizeof(ago));
        text_append_format(ret, "damaged, %s %s ago", check_level_name(found->damaged_level), ago);
    } else if (found->quick_us != 0) {
        format_duration(age_s(by_data ? found->data_us : found->quick_us, now_us), ago,
                        sizeof(ago));
        text_append_format(ret, "%s %s ago", check_level_name(by_data ? CHECK_DATA : CHECK_QUICK),
                           ago);
    }
}

void backup_append_pins(const Backup *backup, int64_t now_us, Text *ret)
{
    const char *before = "";

    if (backup->pins_unknown)
        text_append(ret, "cannot be read");
    for (size_t i = 0; i < backup->pins.count; i++) {
        if (!pin_holds(&backup->pins.items[i], now_us))
            continue;
        text_append(ret, before);
        pin_describe(&backup->pins.items[i], ret);
        before = ", ";
    }
}
