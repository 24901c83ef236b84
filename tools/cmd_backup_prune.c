#include "backup/prune_run.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "tools/backup_session.h"
#include "tools/command.h"
#include "tools/print.h"
#include "tools/session.h"

static const char *const keys[] = {"verdict", "name", "created", "stored", "why", NULL};

static const char *verdict_name(PruneVerdict verdict, bool applied)
{
    switch (verdict) {
    case PRUNE_KEEP:
        return "keep";
    case PRUNE_REFUSED:
        return "refuse";
    case PRUNE_REMOVE:
        return applied ? "removed" : "remove";
    }
    return "";
}

static void join(const TextList *list, Text *ret)
{
    for (size_t i = 0; i < list->count; i++)
        text_append_format(ret, "%s%s", i > 0 ? "; " : "", list->items[i]);
}

/* ---- text ---- */

static void print_series(const PruneSeries *series, bool applied, Text *ret)
{
    AUTO_GRID Grid rows = grid(keys);

    for (size_t i = 0; i < series->count; i++) {
        const PruneItem *item = &series->items[i];
        AUTO_TEXT Text why = {0};

        join(&item->reasons, &why);
        grid_add(&rows, cell_text(verdict_name(item->verdict, applied)));
        grid_add(&rows, cell_text(item->backup->name));
        grid_add(&rows, cell_time(backup_time(item->backup)));
        grid_add(&rows, cell_bytes(item->backup->stored_bytes));
        grid_add(&rows, why.size > 0 ? cell_text(text_string(&why)) : cell_null());
    }
    text_append_format(ret, "series %s\n", series->name != NULL ? series->name : "(not known)");
    grid_print(&rows, wants_colour(), ret);
    text_append(ret, "\n");
}

static size_t count_removed(const PrunePlan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->series[i].count; j++)
            count += plan->series[i].items[j].verdict == PRUNE_REMOVE;
    return count;
}

static void print_sum(const PruneRequest *request, const PruneResult *result, Text *ret)
{
    const char *would = request->apply ? "" : "would be ";
    char backups[32];
    char moved[32];
    char freed[32];
    char left[32];

    format_things(count_removed(&result->plan), "backup", backups, sizeof(backups));
    format_bytes(result->moved, moved, sizeof(moved));
    format_bytes(result->freed, freed, sizeof(freed));
    format_bytes(result->space_left, left, sizeof(left));
    text_append_format(ret, "%s of %s %smoved to the trash, %s %sfreed now; %s are free\n", backups,
                       moved, would, freed, would, left);
    if (!request->apply)
        text_append(ret, "nothing was changed: --apply does it\n");
    else if (!request->purge && result->moved > 0)
        text_append(ret, "the trash gives its room back a day later, or with --purge; until then "
                         "`stopover backup undelete` brings a backup back\n");
}

static void print_result(const PruneRequest *request, const PruneResult *result, Text *ret)
{
    AUTO_TEXT Text policy = {0};

    prune_policy_describe(&request->policy, &policy);
    if (policy.size > 0)
        text_append_format(ret, "policy, for each series by itself: %s\n\n", text_string(&policy));
    for (size_t i = 0; i < result->plan.count; i++)
        print_series(&result->plan.series[i], request->apply, ret);
    print_sum(request, result, ret);
}

/* ---- JSON ---- */

static Json *strings_json(const TextList *list)
{
    Json *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_add_string(array, list->items[i]);
    return array;
}

static Json *items_json(const PruneSeries *series, PruneVerdict verdict)
{
    Json *array = json_array();

    for (size_t i = 0; i < series->count; i++) {
        const PruneItem *item = &series->items[i];
        Json *json = NULL;

        if (item->verdict != verdict)
            continue;
        json = json_object();
        json_set_string(json, "name", item->backup->name);
        json_set_string(json, "label", item->backup->label);
        if (verdict == PRUNE_REMOVE)
            json_set_unsigned(json, "bytes", item->backup->stored_bytes);
        else
            json_set(json, "reasons", strings_json(&item->reasons));
        json_add(array, json);
    }
    return array;
}

static void set_result(const PruneRequest *request, const PruneResult *result, Json *document)
{
    AUTO_TEXT Text policy = {0};
    Json *groups = json_array();

    prune_policy_describe(&request->policy, &policy);
    json_set_string(document, "policy", policy.size > 0 ? text_string(&policy) : NULL);
    json_set_bool(document, "dry_run", !request->apply);
    for (size_t i = 0; i < result->plan.count; i++) {
        const PruneSeries *series = &result->plan.series[i];
        Json *group = json_object();

        json_set_string(group, "series", series->name);
        json_set_bool(group, "refused_whole", series->is_refused);
        json_set(group, "keep", items_json(series, PRUNE_KEEP));
        json_set(group, "remove", items_json(series, PRUNE_REMOVE));
        json_set(group, "refused", items_json(series, PRUNE_REFUSED));
        json_add(groups, group);
    }
    json_set(document, "groups", groups);
    json_set(document, "unknown", strings_json(&result->unknown));
    json_set_unsigned(document, "bytes_moved", result->moved);
    json_set_unsigned(document, "bytes_freed", result->freed);
    json_set_unsigned(document, "space_left", result->space_left);
    json_set(document, "not_wholly_gone", strings_json(&result->left));
}

/* ---- doing it ---- */

/* What would be done is shown before anybody is asked. */
static Status confirm(const Options *options, Repository *repository, const PruneRequest *request,
                      Error *err)
{
    AUTO_PRUNE_RESULT PruneResult result = {0};
    AUTO_TEXT Text consequence = {0};
    PruneRequest dry = *request;
    Error refused = {0}; /* a refused series is told after the others were pruned */
    Status status = STATUS_OK;

    if (options->yes)
        return STATUS_OK;
    dry.apply = false;
    status = prune_run(repository, &dry, &result, &refused);
    if (status < 0 && refused.kind != ERROR_REFUSED) {
        *err = refused;
        return status;
    }
    if (count_removed(&result.plan) == 0 && result.freed == 0)
        return STATUS_OK;
    text_append_format(&consequence, "removes %zu:", count_removed(&result.plan));
    for (size_t i = 0; i < result.plan.count; i++)
        for (size_t j = 0; j < result.plan.series[i].count; j++)
            if (result.plan.series[i].items[j].verdict == PRUNE_REMOVE)
                text_append_format(&consequence, " %s",
                                   result.plan.series[i].items[j].backup->name);
    if (request->purge)
        text_append(&consequence, ", and empties the trash");
    return session_confirm(options, text_string(&consequence), err);
}

static Status check_options(const Options *options, const PrunePolicy *policy, Error *err)
{
    if (options->dry_run && options->backup.apply)
        return error_kind(err, ERROR_USAGE, "--dry-run and --apply exclude each other");
    return options->backup.purge ? STATUS_OK : prune_policy_check(policy, err);
}

static void say_strangers(const PruneResult *result)
{
    for (size_t i = 0; i < result->unknown.count; i++)
        log_warn("\"%s\" in the repository is no backup, and is left alone",
                 result->unknown.items[i]);
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE(repository_free) Repository *repository = NULL;
    AUTO_NEEDED_LIST NeededList needed = {0};
    AUTO_PRUNE_RESULT PruneResult result = {0};
    const BackupOptions *given = &options->backup;
    PruneRequest request = {
        .policy = {.keep_last = given->keep_last,
                   .keep_daily = given->keep_daily,
                   .keep_weekly = given->keep_weekly,
                   .keep_monthly = given->keep_monthly,
                   .keep_within_s = given->keep_within_s},
        .series = given->series,
        .needed = &needed,
        .apply = given->apply,
        .purge = given->purge,
        .lock_wait_ms = backup_lock_wait_ms(options),
    };
    Status status = STATUS_OK;

    TRY(check_options(options, &request.policy, err));
    TRY(backup_session_open(options, reply, &repository, err));
    TRY(backup_session_needed(options, &needed, err));
    request.now_us = clock_wall_us();
    if (request.apply)
        TRY(confirm(options, repository, &request, err));
    status = prune_run(repository, &request, &result, err);
    set_result(&request, &result, reply->document);
    print_result(&request, &result, &reply->text);
    say_strangers(&result);
    return status;
}

const Command command_backup_prune = {
    .name = "backup prune",
    .usage = "--keep-last N | --keep-daily N | ... [--series SERIES] [--apply [--purge]]",
    .purpose = "remove backups that no rule keeps; says what it would do unless --apply",
    .help =
        "Rules add up, and count for each series (backups of one database, by kind) by itself.\n"
        "Only complete backups count. Whatever the rules say, these stay, and are named: the last\n"
        "good one, the newest that was verified, what is being made, can be gone on with, is\n"
        "damaged, is being read, is pinned, is needed by a migration, or is of the future. Rules\n"
        "that would keep nothing of a series remove nothing of it (exit 5). What is removed stays\n"
        "in the trash for a day.\n\n"
        "Example:\n"
        "  stopover backup prune --keep-last 3 --keep-weekly 8\n"
        "  stopover backup prune --keep-last 3 --keep-weekly 8 --apply --yes",
    .operand = OPERAND_NONE,
    .run = run,
};
