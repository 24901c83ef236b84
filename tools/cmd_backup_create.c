#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "journal/home.h"
#include "stages/backup_create.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/connectors.h"

static Status open_repository(const Options *options, const char *home, Reply *reply,
                              Repository **ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = NULL;
    const TextList *warnings = NULL;

    TRY(repository_locate(home, options->backup.repo, &path, err));
    json_set_string(reply->document, "repository", path);
    TRY(repository_create(path, ret, err));
    warnings = repository_warnings(*ret);
    for (size_t i = 0; i < warnings->count; i++)
        log_warn("%s", warnings->items[i]);
    return STATUS_OK;
}

static Status show(const Repository *repository, const char *label, Reply *reply, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    const Backup *backup = NULL;
    char rows[40];
    char raw[32];
    char stored[32];

    TRY(repository_list(repository, &list, NULL, err));
    TRY(backup_list_find(&list, label, &backup, err));
    json_set(reply->document, "backup", backup_json(backup, clock_wall_us()));
    format_things(backup->rows, "row", rows, sizeof(rows));
    format_bytes(backup->raw_bytes, raw, sizeof(raw));
    format_bytes(backup->stored_bytes, stored, sizeof(stored));
    text_append_format(&reply->text, "backup %s: %s, %s, %s stored as %s\n", backup->name,
                       backup->scope != NULL ? backup->scope : "", rows, raw, stored);
    return STATUS_OK;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE_MEMORY char *label = NULL;
    AUTO_FREE(repository_free) Repository *repository = NULL;
    MigrationOptions given = options_for_migration(options);

    TRY(home_resolve(options->home, &home, err));
    TRY(open_repository(options, home, reply, &repository, err));

    const BackupCreate request = {
        .home = home,
        .connectors = connectors_all(),
        .repository = repository,
        .name = options->backup.wanted,
        .options = &given,
        .tool_version = STOPOVER_VERSION,
        .lock_wait_ms = backup_lock_wait_ms(options),
    };

    TRY(backup_create(&request, &label, err));
    return show(repository, label, reply, err);
}

const Command command_backup_create = {
    .name = "backup create",
    .usage = "[NAME] --from SOURCE [OPTION...]",
    .purpose = "make a named backup of a database, or of some of its tables",
    .help =
        "Copies SOURCE, which is only read, into a new backup of the repository, compares what "
        "was\n"
        "stored with it, and only then calls it complete. All rows are of one snapshot. After an\n"
        "interruption of any kind the same command goes on, when the backup was given a NAME; an\n"
        "unfinished one counts for nothing. Without a NAME it is called after the database and\n"
        "the time.\n\n"
        "Example:\n"
        "  stopover backup create before-upgrade --from sqlite:/data/shop.db\n"
        "  stopover backup create --from env:DATABASE_URL --table accounts --table 'order*'",
    .operand = OPERAND_BACKUP_OPTIONAL,
    .run = run,
};
