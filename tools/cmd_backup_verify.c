#include <unistd.h>

#include "backup/check.h"
#include "backup/hold.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/progress.h"
#include "tools/backup_session.h"
#include "tools/command.h"

enum {
    MOST_JOBS = 8, /* when nobody says how many: a disk has enough of them then */
};

static unsigned jobs_of(const Options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (options->jobs > 0)
        return (unsigned)options->jobs;
    return cores < 1 ? 1 : cores > MOST_JOBS ? MOST_JOBS : (unsigned)cores;
}

static CheckLevel level_of(const Options *options)
{
    return option_given(options, "level") ? (CheckLevel)options->backup.level : CHECK_DATA;
}

/* ---- what was found ---- */

static Json *report_json(const Backup *backup, CheckLevel level, const CheckReport *report,
                         Status status)
{
    Json *json = json_object();
    Json *damages = json_array();

    json_set_string(json, "name", backup->name);
    json_set_string(json, "label", backup->label);
    json_set_string(json, "level", check_level_name(level));
    json_set_bool(json, "whole", status >= 0);
    json_set_unsigned(json, "files", report->files);
    json_set_unsigned(json, "segments", report->segments);
    json_set_unsigned(json, "rows", report->rows);
    json_set_unsigned(json, "bytes_read", report->bytes_read);
    json_set_unsigned(json, "damage_total", report->damage_total);
    for (size_t i = 0; i < report->damage_count; i++) {
        Json *damage = json_object();

        json_set_string(damage, "path", report->damages[i].path);
        json_set_string(damage, "object", report->damages[i].object);
        json_set_string(damage, "what", report->damages[i].what);
        json_add(damages, damage);
    }
    json_set(json, "damage", damages);
    return json;
}

static void print_report(const Backup *backup, CheckLevel level, const CheckReport *report,
                         Status status, Text *ret)
{
    char files[32];
    char rows[32];
    char bytes[32];

    for (size_t i = 0; i < report->damage_count; i++) {
        const Damage *damage = &report->damages[i];

        text_append_format(ret, "%s: damaged: %s: %s", backup->name, damage->path, damage->what);
        if (damage->object != NULL)
            text_append_format(ret, " (hits %s)", damage->object);
        text_append(ret, "\n");
    }
    format_things(report->files, "file", files, sizeof(files));
    format_things(report->rows, "row", rows, sizeof(rows));
    format_bytes(report->bytes_read, bytes, sizeof(bytes));
    text_append_format(ret, "%s: %s: ", backup->name, status >= 0 ? "whole" : "DAMAGED");
    if (level == CHECK_QUICK)
        text_append_format(ret, "%s and the manifest are as they should be by size (quick)",
                           status >= 0 ? files : "not all files");
    else
        text_append_format(ret, "%s, %s, %s read (data)", files, rows, bytes);
    text_append(ret, "\n");
}

/* ---- one backup ---- */

typedef struct Watch {
    Progress *progress;
    uint64_t shown;
} Watch;

static void show_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    Watch *watch = context;

    (void)bytes_total; /* known since the beginning */
    if (bytes_done > watch->shown)
        progress_add(watch->progress, bytes_done - watch->shown, 0);
    watch->shown = bytes_done;
}

/* Evidence cannot be kept where nothing can be written: that is no reason to say less. */
static void keep_evidence(const Backup *backup, CheckLevel level, const CheckReport *report,
                          int64_t started_us)
{
    Error problem = {0};

    if (evidence_write(backup->directory, level, report, started_us, clock_wall_us(), &problem) < 0)
        log_warn("what was found is not recorded beside the backup: %s", problem.message);
}

static Status refuse_incomplete(const Backup *backup, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "backup \"%s\" is not complete: there is nothing to verify", backup->name);
    error_hint(err, "Remove it with `stopover backup delete %s` when it is not gone on with.",
               backup->name);
    return STATUS_INVALID;
}

static Status verify_one(const Options *options, Repository *repository, const char *wanted,
                         Reply *reply, Json *reports, Error *err)
{
    AUTO_HELD_BACKUP HeldBackup held = {0};
    AUTO_CHECK_REPORT CheckReport report = {0};
    CheckOptions check = {.level = level_of(options), .jobs = jobs_of(options)};
    Watch watch = {0};
    int64_t started_us = clock_wall_us();
    Status status = STATUS_OK;

    TRY(backup_hold(repository, wanted, backup_lock_wait_ms(options), &held, err));
    if (held.backup.state == STATE_INCOMPLETE)
        return refuse_incomplete(&held.backup, err);
    if (!options->quiet && check.level == CHECK_DATA)
        watch.progress = progress_start("verify", held.backup.stored_bytes, 0, 0, 0);
    check.progress = show_progress;
    check.context = &watch;
    status = check_backup(held.backup.directory, &check, &report, NULL, err);
    progress_stop(&watch.progress);
    if (status < 0 && err->kind != ERROR_DIFFERENT)
        return status;
    keep_evidence(&held.backup, check.level, &report, started_us);
    json_add(reports, report_json(&held.backup, check.level, &report, status));
    print_report(&held.backup, check.level, &report, status, &reply->text);
    return status;
}

/* ---- all of them ---- */

/* What is being made or was cut off is not verified, and said so; after damage the next one comes. */
static Status verify_all(const Options *options, Repository *repository, Reply *reply,
                         Json *reports, Error *err)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    size_t damaged = 0;

    TRY(repository_list(repository, &list, NULL, err));
    for (size_t i = 0; i < list.count; i++) {
        const Backup *backup = &list.items[i];
        Status status = STATUS_OK;
        Error problem = {0};

        if (backup->state == STATE_RUNNING || backup->state == STATE_INCOMPLETE) {
            log_info("%s is %s: not verified", backup->name, backup_state_name(backup->state));
            continue;
        }
        status = verify_one(options, repository, backup->label, reply, reports, &problem);
        if (status < 0 && (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_LOCKED)) {
            log_info("%s: not verified: %s", backup->name, problem.message);
            continue; /* it is being removed, or has been */
        }
        if (status < 0 && problem.kind != ERROR_DIFFERENT) {
            *err = problem;
            return status;
        }
        damaged += status < 0;
    }
    if (json_count(reports) == 0)
        text_append(&reply->text, "there is nothing to verify\n");
    if (damaged == 0)
        return STATUS_OK;
    (void)error_kind(err, ERROR_DIFFERENT, "%zu of %zu backups are damaged", damaged,
                     json_count(reports));
    error_hint(err, "What is damaged is named above; make a new backup of what they were of.");
    return STATUS_INVALID;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    Json *reports = json_array();

    json_set(reply->document, "backups", reports);
    if ((options->backup.wanted == NULL) != options->backup.all) {
        (void)error_kind(err, ERROR_USAGE, "either one backup is named, or --all is given");
        error_hint(err, "It is used as: stopover backup verify BACKUP | --all");
        return STATUS_INVALID;
    }
    TRY(backup_session_open(options, reply, &repository, err));
    if (options->backup.all)
        return verify_all(options, repository, reply, reports, err);
    return verify_one(options, repository, options->backup.wanted, reply, reports, err);
}

const Command command_backup_verify = {
    .name = "backup verify",
    .usage = "BACKUP | --all [--level quick|data]",
    .purpose = "prove that a backup is whole, or name what is damaged",
    .help =
        "quick: the manifest proves itself, and every file is there with its size. data: every\n"
        "byte is read and compared, and every table's rows are counted anew. All damage is\n"
        "named (exit 4). What was found is kept beside the backup and shown by `list`; nobody\n"
        "removes the backup meanwhile.\n\n"
        "Example:\n"
        "  stopover backup verify latest\n"
        "  stopover backup verify --all --level quick",
    .operand = OPERAND_BACKUP_OPTIONAL,
    .run = run,
};
