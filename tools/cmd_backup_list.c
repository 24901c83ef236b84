#include <string.h>

#include "backup/removal.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/print.h"

static const char *const keys[] = {"name",   "created", "age",      "kind", "scope", "raw",
                                   "stored", "status",  "verified", "pin",  NULL};

/* Null when nothing was appended. */
static Cell cell_of(Text *text)
{
    Cell cell = text->size > 0 ? cell_text(text_string(text)) : cell_null();

    text_clear(text);
    return cell;
}

static void add_row(Grid *list, const Backup *backup, int64_t now_us)
{
    AUTO_TEXT Text text = {0};
    bool is_bad = backup->state == STATE_DAMAGED || backup->verification.damaged_us != 0;
    int64_t age_us = now_us - backup_time(backup);
    char age[32] = "0s";

    if (age_us > 0)
        format_duration((uint64_t)age_us / 1000000, age, sizeof(age));
    grid_add(list, cell_text(backup->name));
    grid_add(list, cell_time(backup_time(backup)));
    grid_add(list, cell_text(age));
    grid_add(list, backup->kind != 0 ? cell_text(backup_kind_name(backup->kind)) : cell_null());
    grid_add(list, cell_text(backup->scope));
    grid_add(list, backup->raw_bytes != 0 ? cell_bytes(backup->raw_bytes) : cell_null());
    grid_add(list, cell_bytes(backup->stored_bytes));
    backup_append_status(backup, &text);
    grid_add(list, cell_toned(cell_of(&text), is_bad ? TONE_BAD : TONE_PLAIN));
    backup_append_verified(backup, now_us, &text);
    grid_add(list, cell_toned(cell_of(&text), is_bad ? TONE_BAD : TONE_PLAIN));
    backup_append_pins(backup, now_us, &text);
    grid_add(list, cell_of(&text));
}

static bool is_chosen(const Options *options, const BackupList *list, size_t i)
{
    const char *series = options->backup.series;
    uint64_t behind = 0;

    if (series != NULL &&
        (list->items[i].series == NULL || strcmp(list->items[i].series, series) != 0))
        return false;
    if (options->backup.latest == 0)
        return true;
    for (size_t j = i + 1; j < list->count; j++)
        behind += series == NULL ||
                  (list->items[j].series != NULL && strcmp(list->items[j].series, series) == 0);
    return behind < options->backup.latest;
}

static void show_backups(const Options *options, const BackupList *list, const TextList *unknown,
                         Reply *reply)
{
    AUTO_GRID Grid rows = grid(keys);
    Json *documents = json_array();
    Json *strangers = json_array();
    int64_t now_us = clock_wall_us();

    for (size_t i = 0; i < list->count; i++) {
        if (!is_chosen(options, list, i))
            continue;
        add_row(&rows, &list->items[i], now_us);
        json_add(documents, backup_json(&list->items[i], now_us));
        if (list->items[i].problem != NULL)
            log_warn("%s: %s", list->items[i].name, list->items[i].problem);
    }
    for (size_t i = 0; i < unknown->count; i++) {
        json_add_string(strangers, unknown->items[i]);
        log_warn("\"%s\" in the repository is no backup, and is left alone", unknown->items[i]);
    }
    json_set(reply->document, "backups", documents);
    json_set(reply->document, "unknown", strangers);
    if (rows.count > 0)
        grid_print(&rows, wants_colour(), &reply->text);
    else
        text_append(&reply->text, "there are no backups\n");
}

static Status check_series(const Options *options, const BackupList *list, Error *err)
{
    const char *series = options->backup.series;

    return series != NULL ? backup_list_check_series(list, series, err) : STATUS_OK;
}

/* ---- the trash ---- */

static const char *const trash_keys[] = {"label", "removed", "stored", "gone_from", NULL};

static Status show_trash(const Repository *repository, Reply *reply, Error *err)
{
    AUTO_TRASH_LIST TrashList trash = {0};
    AUTO_GRID Grid rows = grid(trash_keys);

    TRY(trash_list(repository, &trash, err));
    for (size_t i = 0; i < trash.count; i++) {
        const TrashEntry *entry = &trash.items[i];

        grid_add(&rows, cell_text(entry->label));
        grid_add(&rows, cell_time(entry->removed_us));
        grid_add(&rows, cell_bytes(entry->bytes));
        grid_add(&rows, entry->is_emptying ? cell_text("now")
                                           : cell_time(entry->removed_us + TRASH_KEPT_US));
    }
    json_set(reply->document, "trash", grid_json(&rows));
    if (rows.count > 0)
        grid_print(&rows, wants_colour(), &reply->text);
    else
        text_append(&reply->text, "the trash is empty\n");
    return STATUS_OK;
}

/* No repository at the usual place only means that there are no backups yet. */
static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_TEXT_LIST TextList unknown = {0};
    Status status = backup_session_open(options, reply, &repository, err);

    if (status < 0 && err->kind == ERROR_NOT_FOUND && options->backup.repo == NULL) {
        error_clear(err);
        show_backups(options, &list, &unknown, reply);
        return STATUS_OK;
    }
    TRY(status);
    if (options->backup.trash)
        return show_trash(repository, reply, err);
    TRY(repository_list(repository, &list, &unknown, err));
    TRY(check_series(options, &list, err));
    backup_session_progress(options, repository, &list);
    show_backups(options, &list, &unknown, reply);
    return STATUS_OK;
}

const Command command_backup_list = {
    .name = "backup list",
    .usage = "[--series SERIES] [--latest N] [--trash]",
    .purpose = "all backups, with their size, state, last check and pins",
    .help = "Oldest first, by the recorded time of their completion. What was cut off, is being\n"
            "made, or is damaged is shown as such; nothing is hidden. CREATED is in UTC. Needs no\n"
            "lock: it also works while a backup is made.\n\n"
            "Example:\n"
            "  stopover backup list\n"
            "  stopover backup list --json --latest 1",
    .operand = OPERAND_NONE,
    .run = run,
};
