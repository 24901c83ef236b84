#include "backup/prune_run.h"

#include "backup/check.h"
#include "engine/base/memory.h"

void prune_result_release(PruneResult *result)
{
    prune_plan_release(&result->plan);
    backup_list_release(&result->backups);
    text_list_release(&result->unknown);
    text_list_release(&result->left);
    *result = (PruneResult){0};
}

static bool has_rules(const PrunePolicy *policy)
{
    Error ignored = {0};

    return prune_policy_check(policy, &ignored) >= 0;
}

PruneRequest retention_request(const char *series)
{
    return (PruneRequest){
        .policy = {.keep_last = RETENTION_KEEP_LAST},
        .series = series,
        .only_of_migrations = true,
        .apply = true,
    };
}

static void leave_out_those_of_people(BackupList *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].migration == NULL)
            backup_release(&list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* Before others are removed for its sake: has a backup all its files still? That is cheap to see, and
 * what has not does not count (PR2). */
static Status check_presence(BackupList *list, int64_t now_us, Error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        Backup *backup = &list->items[i];
        AUTO_CHECK_REPORT CheckReport report = {0};
        CheckOptions quick = {.level = CHECK_QUICK};
        Error problem = {0};
        Status status = STATUS_OK;

        if (backup->state != STATE_COMPLETE || backup->verification.damaged_us != 0)
            continue;
        status = check_backup(backup->directory, &quick, &report, NULL, &problem);
        if (status == STATUS_STOPPED) {
            *err = problem;
            return status;
        }
        if (status < 0 && problem.kind != ERROR_NOT_FOUND) { /* it has gone meanwhile */
            backup->verification.damaged_us = now_us;
            backup->verification.damaged_level = CHECK_QUICK;
        }
    }
    return STATUS_OK;
}

static Status decide(const Repository *repository, const PruneRequest *request, PruneResult *ret,
                     Error *err)
{
    TRY(repository_list(repository, &ret->backups, &ret->unknown, err));
    if (request->series != NULL)
        TRY(backup_list_check_series(&ret->backups, request->series, err));
    if (request->only_of_migrations)
        leave_out_those_of_people(&ret->backups);
    if (!has_rules(&request->policy))
        return STATUS_OK;
    TRY(check_presence(&ret->backups, request->now_us, err));
    return prune_decide(&request->policy, &ret->backups, request->needed, request->series,
                        request->now_us, &ret->plan, err);
}

/* A guard that came up since the decision, or one that only trying finds. */
static void refuse_item(PruneItem *item, const Error *problem)
{
    item->verdict = PRUNE_REFUSED;
    text_list_add(&item->reasons, problem->message);
}

static Status remove_series(Repository *repository, const PruneRequest *request,
                            PruneSeries *series, uint64_t *moved, Error *err)
{
    for (size_t i = 0; i < series->count; i++) {
        PruneItem *item = &series->items[i];
        uint64_t bytes = 0;

        if (item->verdict != PRUNE_REMOVE)
            continue;
        if (request->apply) {
            Status status = backup_trash(repository, item->backup, request->needed, request->now_us,
                                         &bytes, err);

            if (status < 0 && (err->kind == ERROR_LOCKED || err->kind == ERROR_REFUSED)) {
                refuse_item(item, err);
                error_clear(err);
                continue;
            }
            TRY(status);
        }
        *moved += request->apply ? bytes : directory_bytes(item->backup->directory);
    }
    return STATUS_OK;
}

static Status remove_all(Repository *repository, const PruneRequest *request, PruneResult *ret,
                         Error *err)
{
    TRY(decide(repository, request, ret, err));
    for (size_t i = 0; i < ret->plan.count; i++)
        TRY(remove_series(repository, request, &ret->plan.series[i], &ret->moved, err));
    return STATUS_OK;
}

static Status apply(Repository *repository, const PruneRequest *request, PruneResult *ret,
                    Error *err)
{
    Status status = STATUS_OK;

    TRY(repository_lock(repository, SHARE_WRITE, request->lock_wait_ms, err));
    status = remove_all(repository, request, ret, err);
    repository_unlock(repository);
    TRY(status);
    return trash_empty(repository, request->purge, request->now_us, request->lock_wait_ms,
                       &ret->freed, &ret->left, err);
}

static Status look(Repository *repository, const PruneRequest *request, PruneResult *ret,
                   Error *err)
{
    AUTO_TRASH_LIST TrashList trash = {0};

    TRY(remove_all(repository, request, ret, err));
    TRY(trash_list(repository, &trash, err));
    for (size_t i = 0; i < trash.count; i++)
        if (trash_is_due(&trash.items[i], request->purge, request->now_us))
            ret->freed += trash.items[i].bytes;
    if (request->purge)
        ret->freed += ret->moved;
    return STATUS_OK;
}

static Status refuse_series(const PrunePlan *plan, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->series[i].is_refused)
            continue;
        (void)error_kind(err, ERROR_REFUSED,
                         "the policy would keep no good backup of series \"%s\": nothing of it is "
                         "removed",
                         plan->series[i].name);
        error_hint(err, "Add --keep-last, and see why there is no newer backup of it.");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

Status prune_run(Repository *repository, const PruneRequest *request, PruneResult *ret, Error *err)
{
    if (!request->purge)
        TRY(prune_policy_check(&request->policy, err));
    if (request->apply)
        TRY(apply(repository, request, ret, err));
    else
        TRY(look(repository, request, ret, err));
    ret->space_left = space_left(repository_path(repository));
    return refuse_series(&ret->plan, err);
}
