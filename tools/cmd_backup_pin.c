/*
 * Pins: what has one is removed by nothing and nobody until it is taken away.
 */
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "journal/home.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/session.h"

/* Finds the backup under the lock; the caller unlocks. */
static Status lock_and_find(const Options *options, Repository *repository, BackupList *ret_list,
                            const Backup **ret, Error *err)
{
    TRY(repository_lock(repository, SHARE_WRITE, backup_lock_wait_ms(options), err));
    TRY(repository_list(repository, ret_list, NULL, err));
    return backup_list_find(ret_list, options->backup.wanted, ret, err);
}

static Status run_pin(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_FREE_MEMORY char *token = NULL;
    const Backup *backup = NULL;
    int64_t now_us = clock_wall_us();
    uint64_t for_s = options->backup.pinned_for_s;
    int64_t until_us = for_s > 0 ? now_us + (int64_t)for_s * 1000000 : 0;
    char until[32];

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(lock_and_find(options, repository, &list, &backup, err));
    TRY(pin_add(backup->directory, options->backup.reason, until_us, now_us, &token, err));
    repository_unlock(repository);
    json_set_string(reply->document, "backup", backup->name);
    json_set_string(reply->document, "pin", token);
    text_append_format(&reply->text, "backup \"%s\" is pinned: %s", backup->name, token);
    clock_format(until_us, until, sizeof(until));
    text_append_format(&reply->text, "%s%s\n", for_s > 0 ? ", until " : "", for_s > 0 ? until : "");
    return STATUS_OK;
}

const Command command_backup_pin = {
    .name = "backup pin",
    .usage = "BACKUP [--reason TEXT] [--for TIME]",
    .purpose = "keep a backup from every removal, until it is unpinned",
    .help =
        "prune passes over it, and delete refuses it. Migrations pin what they need themselves,\n"
        "until they have ended.\n\n"
        "Example:\n"
        "  stopover backup pin latest --reason \"before the audit\" --for 90d",
    .operand = OPERAND_BACKUP,
    .run = run_pin,
};

/* ---- unpin ---- */

/* A migration's own pin is taken away by its end. By hand only when nobody here knows of it any
 * more: its home was lost, or is another machine's. */
static Status check_run_pin(const Options *options, const Pin *pin, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *consequence = NULL;

    TRY(home_resolve(options->home, &home, err));
    if (migration_is_open(home, pin->migration)) {
        (void)error_kind(err, ERROR_REFUSED, "migration \"%s\" still needs this backup",
                         pin->migration);
        error_hint(err, "Its end takes the pin away: `stopover finish %s`.", pin->migration);
        return STATUS_INVALID;
    }
    consequence =
        xasprintf("takes away the pin of migration \"%s\", which is not open in %s: if it "
                  "is open elsewhere, its way back may be lost",
                  pin->migration, home);
    return session_confirm(options, consequence, err);
}

static Status refuse_missing(const Options *options, const Backup *backup, Error *err)
{
    AUTO_TEXT Text pins = {0};

    for (size_t i = 0; i < backup->pins.count; i++)
        text_append_format(&pins, "%s%s", i > 0 ? ", " : "", backup->pins.items[i].token);
    if (options->backup.pin != NULL)
        (void)error_kind(err, ERROR_NOT_FOUND, "backup \"%s\" has no pin \"%s\"", backup->name,
                         options->backup.pin);
    else
        (void)error_kind(err, ERROR_REFUSED, "backup \"%s\" is pinned by migrations only",
                         backup->name);
    if (pins.size > 0)
        error_hint(err, "Its pins are: %s.", text_string(&pins));
    else
        error_hint(err, "It has none.");
    return STATUS_INVALID;
}

/* With --pin that one; else all that people have set. */
static bool is_chosen(const Options *options, const Pin *pin)
{
    if (options->backup.pin != NULL)
        return strcmp(pin->token, options->backup.pin) == 0;
    return pin->migration == NULL;
}

static Status remove_pins(const Options *options, const Backup *backup, Reply *reply, Error *err)
{
    Json *removed = json_array();

    json_set(reply->document, "removed", removed);
    for (size_t i = 0; i < backup->pins.count; i++) {
        const Pin *pin = &backup->pins.items[i];

        if (!is_chosen(options, pin))
            continue;
        TRY(pin_remove(backup->directory, pin->token, err));
        json_add_string(removed, pin->token);
        text_append_format(&reply->text, "backup \"%s\": pin %s is gone\n", backup->name,
                           pin->token);
    }
    if (json_count(removed) > 0)
        return STATUS_OK;
    if (options->backup.pin != NULL || backup->pins.count > 0)
        return refuse_missing(options, backup, err);
    text_append_format(&reply->text, "backup \"%s\" is not pinned\n", backup->name);
    return STATUS_OK;
}

/* Before the lock is taken: people may think about it for long. */
static Status check_pins(const Options *options, const Repository *repository, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *backup = NULL;

    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, options->backup.wanted, &backup, err));
    for (size_t i = 0; i < backup->pins.count; i++)
        if (is_chosen(options, &backup->pins.items[i]) && backup->pins.items[i].migration != NULL)
            TRY(check_run_pin(options, &backup->pins.items[i], err));
    return STATUS_OK;
}

static Status run_unpin(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *backup = NULL;

    TRY(backup_session_open(options, reply, &repository, err));
    TRY(check_pins(options, repository, err));
    TRY(lock_and_find(options, repository, &list, &backup, err));
    json_set_string(reply->document, "backup", backup->name);
    return remove_pins(options, backup, reply, err);
}

const Command command_backup_unpin = {
    .name = "backup unpin",
    .usage = "BACKUP [--pin PIN]",
    .purpose = "take pins away",
    .help =
        "All that people have set, or the one of --pin. The pin of a migration goes with its end;\n"
        "by hand (--pin run-NAME --yes) only when no such migration is open in the home\n"
        "directory.\n\n"
        "Example:\n"
        "  stopover backup unpin shop_20261120T143105Z",
    .operand = OPERAND_BACKUP,
    .run = run_unpin,
};
