#include "backup/prune.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/prune_inside.h"
#include "engine/base/memory.h"

Status prune_policy_check(const PrunePolicy *policy, Error *err)
{
    if ((policy->keep_last | policy->keep_daily | policy->keep_weekly | policy->keep_monthly |
         policy->keep_within_s) != 0)
        return STATUS_OK;
    (void)error_kind(err, ERROR_USAGE, "no rule says which backups to keep");
    error_hint(err, "Give one or more of --keep-last, --keep-daily, --keep-weekly, --keep-monthly "
                    "and --keep-within.");
    return STATUS_INVALID;
}

void prune_policy_describe(const PrunePolicy *policy, Text *ret)
{
    const struct {
        const char *name;
        uint64_t count;
    } rules[] = {{"last", policy->keep_last},
                 {"daily", policy->keep_daily},
                 {"weekly", policy->keep_weekly},
                 {"monthly", policy->keep_monthly}};
    const char *before = "";
    char within[32];

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].count == 0)
            continue;
        text_append_format(ret, "%skeep-%s %" PRIu64, before, rules[i].name, rules[i].count);
        before = ", ";
    }
    if (policy->keep_within_s > 0) {
        format_duration(policy->keep_within_s, within, sizeof(within));
        text_append_format(ret, "%skeep-within %s", before, within);
    }
}

void needed_list_add(NeededList *list, const char *backup, const char *migration)
{
    GROW(list->items, list->count, list->capacity);
    list->items[list->count++] =
        (NeededBackup){.backup = xstrdup(backup), .migration = xstrdup(migration)};
}

void needed_list_release(NeededList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].backup);
        free(list->items[i].migration);
    }
    free(list->items);
    *list = (NeededList){0};
}

const char *needed_by(const NeededList *list, const Backup *backup)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].backup, backup->name) == 0)
            return list->items[i].migration;
    return NULL;
}

/* ---- series ---- */

static void series_release(PruneSeries *series)
{
    for (size_t i = 0; i < series->count; i++)
        text_list_release(&series->items[i].reasons);
    free(series->items);
    free(series->name);
}

void prune_plan_release(PrunePlan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        series_release(&plan->series[i]);
    free(plan->series);
    *plan = (PrunePlan){0};
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static PruneSeries *find_series(PrunePlan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (is_same(plan->series[i].name, name))
            return &plan->series[i];
    GROW(plan->series, plan->count, plan->capacity);
    plan->series[plan->count] = (PruneSeries){.name = xstrdup(name)};
    return &plan->series[plan->count++];
}

static int compare_series(const void *a, const void *b)
{
    const char *one = ((const PruneSeries *)a)->name;
    const char *other = ((const PruneSeries *)b)->name;

    if (one == NULL || other == NULL)
        return (one == NULL) - (other == NULL);
    return strcmp(one, other);
}

static void sort_into_series(const BackupList *list, const char *only_series, PrunePlan *plan)
{
    for (size_t i = 0; i < list->count; i++) {
        const Backup *backup = &list->items[i];
        PruneSeries *series = NULL;

        if (only_series != NULL && !is_same(only_series, backup->series))
            continue;
        series = find_series(plan, backup->series);
        GROW(series->items, series->count, series->capacity);
        series->items[series->count++] = (PruneItem){.backup = backup, .verdict = PRUNE_REMOVE};
    }
    if (plan->count > 1)
        qsort(plan->series, plan->count, sizeof(*plan->series), compare_series);
}

/* ---- decision ---- */

bool prune_is_good(const Backup *backup, int64_t now_us)
{
    return backup->state == STATE_COMPLETE && backup->verification.damaged_us == 0 &&
           backup->series != NULL && backup->completed_us <= now_us;
}

/* What PR3 and PR4 promise, looked at once more from the outside: a mistake above must not cost
 * anybody a backup. */
static void assert_promises(const PruneSeries *series, int64_t now_us)
{
    size_t good = 0;
    size_t good_left = 0;

    for (size_t i = 0; i < series->count; i++) {
        const PruneItem *item = &series->items[i];
        bool is_good = prune_is_good(item->backup, now_us);
        bool stays = item->verdict != PRUNE_REMOVE;

        good += is_good;
        good_left += is_good && stays;
        assert(stays || (is_good && !series->is_refused));
        assert(stays || pin_list_first(&item->backup->pins, now_us) == NULL);
        assert(!stays || item->reasons.count > 0);
    }
    assert(good == 0 || good_left > 0);
}

static void decide_series(const PrunePolicy *policy, const NeededList *needed, int64_t now_us,
                          PruneSeries *series)
{
    bool is_any_good = false;
    bool is_any_kept = false;

    prune_apply_rules(policy, now_us, series);
    for (size_t i = 0; i < series->count; i++) {
        is_any_good |= prune_is_good(series->items[i].backup, now_us);
        is_any_kept |= series->items[i].verdict == PRUNE_KEEP;
    }
    series->is_refused = is_any_good && !is_any_kept;
    prune_apply_guards(needed, now_us, series);
    assert_promises(series, now_us);
}

Status prune_decide(const PrunePolicy *policy, const BackupList *list, const NeededList *needed,
                    const char *only_series, int64_t now_us, PrunePlan *ret, Error *err)
{
    TRY(prune_policy_check(policy, err));
    sort_into_series(list, only_series, ret);
    for (size_t i = 0; i < ret->count; i++)
        decide_series(policy, needed, now_us, &ret->series[i]);
    return STATUS_OK;
}
