/*
 * What may go, by random histories, policies, pins and clocks, against an oracle that says each rule
 * once more in its own way.
 */
#include "tests/unit/prune_fixture.h"

#include <inttypes.h>
#include <time.h>

enum {
    HISTORIES = 4000,
    MOST_BACKUPS = 16,
};

typedef struct Dice {
    uint64_t state;
} Dice;

static uint64_t roll(Dice *dice, uint64_t sides) /* xorshift64 (Marsaglia) */
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % sides;
}

static bool one_in(Dice *dice, uint64_t sides)
{
    return roll(dice, sides) == 0;
}

static void set_random_state(Dice *dice, Backup *backup)
{
    if (one_in(dice, 6))
        backup->state = (BackupState)(1 + roll(dice, 4));
    if (backup->state != STATE_COMPLETE && one_in(dice, 2))
        backup->completed_us = 0;
    backup->is_resumable = backup->state == STATE_INCOMPLETE && one_in(dice, 2);
    backup->is_read = one_in(dice, 10);
    backup->pins_unknown = one_in(dice, 30);
    if (one_in(dice, 4))
        backup->verification.quick_us = backup->started_us + HOUR;
    if (backup->verification.quick_us != 0 && one_in(dice, 2))
        backup->verification.data_us = backup->verification.quick_us;
    if (one_in(dice, 10))
        backup->verification.damaged_us = backup->started_us + 2 * HOUR;
    for (uint64_t pins = one_in(dice, 4) ? roll(dice, 3) : 0; pins > 0; pins--)
        set_pin(backup, one_in(dice, 2) ? "move" : NULL,
                one_in(dice, 2) ? 0 : NOW_US + ((int64_t)roll(dice, 5) - 2) * HOUR,
                one_in(dice, 8));
}

/* Steps from minutes to months, many at the same moment, and a clock that was wrong now and then. */
static void set_random_history(Dice *dice, BackupList *list, NeededList *needed)
{
    static const char *const series[] = {"shop", "shop/files", "other"};
    static const int64_t steps[] = {0, 60 * SECOND, HOUR, DAY, 7 * DAY, 31 * DAY};
    uint64_t count = roll(dice, MOST_BACKUPS + 1);
    int64_t time_us = NOW_US;

    for (uint64_t i = 0; i < count; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("b%" PRIu64, roll(dice, 1000));
        Backup *backup = NULL;

        time_us -= steps[roll(dice, 6)] * (int64_t)(1 + roll(dice, 3));
        backup =
            add(list, name, one_in(dice, 15) ? NOW_US + (int64_t)roll(dice, 9) * DAY : time_us);
        backup->sequence = count - i;
        free(TAKE(backup->series));
        backup->series = one_in(dice, 40) ? NULL : xstrdup(series[roll(dice, 3)]);
        set_random_state(dice, backup);
        if (one_in(dice, 12))
            needed_list_add(needed, name, "move");
    }
    backup_list_sort(list);
}

/* Often just at, before or behind the age of one that there is. */
static uint64_t random_age_s(Dice *dice, const BackupList *list)
{
    const Backup *backup = list->count > 0 ? &list->items[roll(dice, list->count)] : NULL;

    if (backup == NULL || backup->completed_us > NOW_US - SECOND || one_in(dice, 4))
        return 1 + roll(dice, 90 * 86400);
    return (uint64_t)((NOW_US - backup->completed_us) / SECOND) + roll(dice, 3) - 1;
}

static PrunePolicy random_policy(Dice *dice, const BackupList *list)
{
    PrunePolicy policy = {0};

    policy.keep_last = one_in(dice, 2) ? roll(dice, 5) : 0;
    policy.keep_daily = one_in(dice, 3) ? roll(dice, 8) : 0;
    policy.keep_weekly = one_in(dice, 3) ? roll(dice, 5) : 0;
    policy.keep_monthly = one_in(dice, 3) ? roll(dice, 5) : 0;
    policy.keep_within_s = one_in(dice, 3) ? random_age_s(dice, list) : 0;
    if (prune_policy_check(&policy, &(Error){0}) < 0)
        policy.keep_within_s = 1 + random_age_s(dice, list);
    return policy;
}

/* ---- the oracle ---- */

static bool is_of(const Backup *backup, const Backup *other)
{
    return backup->series != NULL && other->series != NULL &&
           strcmp(backup->series, other->series) == 0;
}

static bool is_good(const Backup *backup)
{
    return backup->state == STATE_COMPLETE && backup->verification.damaged_us == 0 &&
           backup->series != NULL && backup->completed_us <= NOW_US;
}

static bool is_newer(const Backup *backup, const Backup *other)
{
    return backup->completed_us > other->completed_us ||
           (backup->completed_us == other->completed_us && backup->sequence > other->sequence);
}

typedef enum Period {
    OF_DAY,
    OF_WEEK,
    OF_MONTH,
} Period;

/* Told by the C library's calendar. */
static void period_text(int64_t time_us, Period period, char *ret, size_t size)
{
    time_t seconds = (time_t)(time_us / SECOND);
    struct tm utc;
    size_t written = 0;

    assert_non_null(gmtime_r(&seconds, &utc));
    switch (period) {
    case OF_DAY:
        written = strftime(ret, size, "%Y-%m-%d", &utc);
        break;
    case OF_WEEK:
        written = strftime(ret, size, "%G-%V", &utc);
        break;
    case OF_MONTH:
        written = strftime(ret, size, "%Y-%m", &utc);
        break;
    }
    assert_true(written > 0);
}

static bool is_same_period(const Backup *a, const Backup *b, Period period)
{
    char one[32];
    char other[32];

    period_text(a->completed_us, period, one, sizeof(one));
    period_text(b->completed_us, period, other, sizeof(other));
    return strcmp(one, other) == 0;
}

/* In how many periods there is a good one of its series. */
static uint64_t count_periods(const BackupList *list, const Backup *backup, Period period)
{
    uint64_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool is_new = is_good(&list->items[i]) && is_of(backup, &list->items[i]);

        for (size_t j = 0; j < i && is_new; j++)
            is_new = !is_good(&list->items[j]) || !is_of(backup, &list->items[j]) ||
                     !is_same_period(&list->items[j], &list->items[i], period);
        count += is_new;
    }
    return count;
}

/* Is it the last of its period, and are there fewer than `wanted` later periods with a good one? */
static bool is_kept_by_period(const BackupList *list, const Backup *backup, Period period,
                              uint64_t wanted)
{
    uint64_t later = 0;

    for (size_t i = 0; i < list->count; i++) {
        const Backup *other = &list->items[i];
        bool is_first_seen = true;

        if (!is_good(other) || !is_of(backup, other) || !is_newer(other, backup))
            continue;
        if (is_same_period(other, backup, period))
            return false;
        for (size_t j = 0; j < i; j++)
            if (is_good(&list->items[j]) && is_of(backup, &list->items[j]) &&
                is_same_period(&list->items[j], other, period))
                is_first_seen = false;
        later += is_first_seen;
    }
    return later < wanted;
}

static uint64_t count_newer(const BackupList *list, const Backup *backup, int checked)
{
    uint64_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const Backup *other = &list->items[i];

        count += is_good(other) && is_of(backup, other) && is_newer(other, backup) &&
                 (checked == 0 || (checked == 1 && other->verification.quick_us != 0) ||
                  (checked == 2 && other->verification.data_us != 0));
    }
    return count;
}

static bool is_held(const Backup *backup, const NeededList *needed)
{
    if (backup->is_read || backup->pins_unknown || needed_by(needed, backup) != NULL)
        return true;
    for (size_t i = 0; i < backup->pins.count; i++)
        if (backup->pins.items[i].problem != NULL || backup->pins.items[i].expires_us == 0 ||
            backup->pins.items[i].expires_us > NOW_US)
            return true;
    return false;
}

static bool is_oldest(const BackupList *list, const Backup *backup)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_good(&list->items[i]) && is_of(backup, &list->items[i]) &&
            is_newer(backup, &list->items[i]))
            return false;
    return true;
}

/* The last of one of the last periods; or the oldest while these are too few: that is one whose own
 * period, were nothing else of it there, would still be wanted. */
static bool is_kept(const BackupList *list, const Backup *backup, Period period, uint64_t wanted)
{
    if (wanted == 0)
        return false;
    return is_kept_by_period(list, backup, period, wanted) ||
           (is_oldest(list, backup) && count_periods(list, backup, period) < wanted);
}

static const char *find_rule(const BackupList *list, const PrunePolicy *policy,
                             const Backup *backup)
{
    if (!is_good(backup))
        return NULL;
    if (count_newer(list, backup, 0) < policy->keep_last)
        return "keep-last";
    if ((uint64_t)((NOW_US - backup->completed_us) / SECOND) < policy->keep_within_s)
        return "keep-within";
    if (is_kept(list, backup, OF_DAY, policy->keep_daily))
        return "keep-daily";
    if (is_kept(list, backup, OF_WEEK, policy->keep_weekly))
        return "keep-weekly";
    if (is_kept(list, backup, OF_MONTH, policy->keep_monthly))
        return "keep-monthly";
    return NULL;
}

static const char *find_guard(const BackupList *list, const NeededList *needed,
                              const Backup *backup)
{
    const Verification *verification = &backup->verification;

    if (!is_good(backup))
        return "it does not count";
    if (is_held(backup, needed))
        return "it is held";
    if (count_newer(list, backup, 0) == 0)
        return "it is the last good one";
    if (verification->quick_us != 0 && count_newer(list, backup, 1) == 0)
        return "it is the newest verified one";
    if (verification->data_us != 0 && count_newer(list, backup, 2) == 0)
        return "it is the newest whose data was verified";
    return NULL;
}

/* Are there good ones in its series, and does no rule keep any of them? */
static bool is_of_refused_series(const BackupList *list, const PrunePolicy *policy,
                                 const Backup *backup)
{
    bool is_any_good = false;

    for (size_t i = 0; i < list->count; i++) {
        if (!is_of(backup, &list->items[i]))
            continue;
        is_any_good |= is_good(&list->items[i]);
        if (find_rule(list, policy, &list->items[i]) != NULL)
            return false;
    }
    return is_any_good;
}

static size_t count_removed(const PrunePlan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->series[i].count; j++)
            count += plan->series[i].items[j].verdict == PRUNE_REMOVE;
    return count;
}

static void expect_item(const BackupList *list, const PrunePolicy *policy, const NeededList *needed,
                        const PruneItem *item, uint64_t seed)
{
    const char *rule = find_rule(list, policy, item->backup);
    const char *guard = find_guard(list, needed, item->backup);
    PruneVerdict expected = PRUNE_REMOVE;

    if (rule != NULL)
        expected = PRUNE_KEEP;
    else if (guard != NULL || is_of_refused_series(list, policy, item->backup))
        expected = PRUNE_REFUSED;
    if (item->verdict != expected)
        fail_msg("seed %" PRIu64 ": %s gets verdict %u, but rule %s, guard %s", seed,
                 item->backup->label, item->verdict, rule != NULL ? rule : "none",
                 guard != NULL ? guard : "none");
    if ((item->verdict == PRUNE_REMOVE) != (item->reasons.count == 0))
        fail_msg("seed %" PRIu64 ": %s stays for no reason", seed, item->backup->label);
}

static void expect_plan(const BackupList *list, const PrunePolicy *policy, const NeededList *needed,
                        const PrunePlan *plan, uint64_t seed)
{
    size_t seen = 0;

    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->series[i].count; j++, seen++)
            expect_item(list, policy, needed, &plan->series[i].items[j], seed);
    assert_int_equal(seen, list->count);
}

/* What is left when the plan was carried out; borrows everything. */
static void expect_nothing_more_to_remove(const PrunePolicy *policy, const NeededList *needed,
                                          const PrunePlan *plan)
{
    AUTO_PRUNE_PLAN PrunePlan again = {0};
    BackupList left = {0};
    Error err = {0};

    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->series[i].count; j++)
            if (plan->series[i].items[j].verdict != PRUNE_REMOVE)
                *backup_list_add(&left) = *plan->series[i].items[j].backup;
    backup_list_sort(&left);
    expect_ok(prune_decide(policy, &left, needed, NULL, NOW_US, &again, &err));
    assert_int_equal(count_removed(&again), 0);
    free(left.items);
}

static void no_random_history_loses_what_must_stay(void **state)
{
    size_t removed = 0;
    size_t refused = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        AUTO_BACKUP_LIST BackupList list = {0};
        AUTO_NEEDED_LIST NeededList needed = {0};
        AUTO_PRUNE_PLAN PrunePlan plan = {0};
        Dice dice = {.state = seed * UINT64_C(0x9E3779B97F4A7C15)};
        PrunePolicy policy = {0};
        Error err = {0};

        set_random_history(&dice, &list, &needed);
        policy = random_policy(&dice, &list);
        expect_ok(prune_decide(&policy, &list, &needed, NULL, NOW_US, &plan, &err));
        expect_plan(&list, &policy, &needed, &plan, seed);
        expect_nothing_more_to_remove(&policy, &needed, &plan);
        removed += count_removed(&plan);
        for (size_t i = 0; i < plan.count; i++)
            refused += plan.series[i].is_refused;
    }
    /* Not for want of trying. */
    assert_true(removed > HISTORIES / 2);
    assert_true(refused > HISTORIES / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_random_history_loses_what_must_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
