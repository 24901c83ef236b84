/*
 * What may go, by examples; random histories are in test_prune_random.c.
 */
#include "tests/unit/prune_fixture.h"

#include <time.h>

static int64_t at(const char *text) /* "2026-11-20 14:31:05" in UTC */
{
    struct tm utc = {0};

    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &utc));
    return (int64_t)timegm(&utc) * SECOND;
}

/* "k" keep, "r" remove, "!" refused; of one series, oldest first. */
static void expect_verdicts(BackupList *list, const PrunePolicy *policy, const char *expected)
{
    AUTO_PRUNE_PLAN PrunePlan plan = {0};
    NeededList needed = {0};
    char got[64] = "";
    Error err = {0};

    backup_list_sort(list);
    expect_ok(prune_decide(policy, list, &needed, "shop", NOW_US, &plan, &err));
    assert_int_equal(plan.count, 1);
    for (size_t i = 0; i < plan.series[0].count; i++)
        got[i] = plan.series[0].items[i].verdict == PRUNE_KEEP     ? 'k'
                 : plan.series[0].items[i].verdict == PRUNE_REMOVE ? 'r'
                                                                   : '!';
    assert_string_equal(got, expected);
}

static void expect_reason(const BackupList *list, const PrunePolicy *policy, const char *name,
                          const char *reason)
{
    AUTO_PRUNE_PLAN PrunePlan plan = {0};
    NeededList needed = {0};
    Error err = {0};

    expect_ok(prune_decide(policy, list, &needed, NULL, NOW_US, &plan, &err));
    for (size_t i = 0; i < plan.count; i++)
        for (size_t j = 0; j < plan.series[i].count; j++) {
            const PruneItem *item = &plan.series[i].items[j];

            if (strcmp(item->backup->name, name) == 0 && text_list_has(&item->reasons, reason))
                return;
        }
    fail_msg("\"%s\" does not stay because \"%s\"", name, reason);
}

/* ---- examples ---- */

static void without_any_rule_nothing_is_decided(void **state)
{
    AUTO_PRUNE_PLAN PrunePlan plan = {0};
    PrunePolicy policy = {0};
    BackupList list = {0};
    NeededList needed = {0};
    Error err = {0};

    (void)state;
    expect_failure(prune_decide(&policy, &list, &needed, NULL, NOW_US, &plan, &err), ERROR_USAGE);
}

static void the_last_ones_stay(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    for (int64_t i = 5; i > 0; i--)
        (void)add(&list, "x", NOW_US - i * DAY);
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 2}, "rrrkk");
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 9}, "kkkkk");
}

static void order_is_time_then_sequence_never_the_name(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    (void)add(&list, "z", NOW_US - DAY);
    (void)add(&list, "a", NOW_US - HOUR);
    (void)add(&list, "m", NOW_US - HOUR);
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 1}, "rrk");
    assert_string_equal(list.items[2].name, "m");
}

static void only_whole_and_complete_ones_count(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    Backup *backup = NULL;

    (void)state;
    (void)add(&list, "old", NOW_US - 9 * DAY);
    (void)add(&list, "good", NOW_US - 8 * DAY);
    add(&list, "damaged", NOW_US - 4 * DAY)->state = STATE_DAMAGED;
    add(&list, "found", NOW_US - 3 * DAY)->verification =
        (Verification){.quick_us = 1, .damaged_us = 2, .damaged_level = CHECK_DATA};
    backup = add(&list, "cut", NOW_US - 2 * DAY);
    backup->state = STATE_INCOMPLETE;
    backup->is_resumable = true;
    add(&list, "running", NOW_US - DAY)->state = STATE_RUNNING;
    (void)add(&list, "future", NOW_US + DAY);
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 1}, "rk!!!!!");
}

static void a_policy_that_would_keep_nothing_removes_nothing(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    (void)add(&list, "a", NOW_US - 9 * DAY);
    (void)add(&list, "b", NOW_US - 8 * DAY);
    expect_verdicts(&list, &(PrunePolicy){.keep_within_s = 86400}, "!!");
    expect_reason(&list, &(PrunePolicy){.keep_within_s = 86400}, "b", "last good one");
    expect_reason(&list, &(PrunePolicy){.keep_within_s = 86400}, "a",
                  "the policy would keep nothing of this series");
    expect_verdicts(&list, &(PrunePolicy){.keep_within_s = 9 * 86400}, "rk");
}

static void days_weeks_and_months_are_those_of_the_calendar(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    (void)add(&list, "month", at("2026-09-30 23:59:59"));
    (void)add(&list, "first", at("2026-10-01 00:00:00"));
    (void)add(&list, "sunday", at("2026-11-15 23:59:59"));
    (void)add(&list, "monday", at("2026-11-16 00:00:00"));
    (void)add(&list, "night", at("2026-11-19 23:59:59"));
    (void)add(&list, "morning", at("2026-11-20 00:00:00"));
    (void)add(&list, "noon", at("2026-11-20 12:00:00"));
    expect_verdicts(&list, &(PrunePolicy){.keep_daily = 2}, "rrrrkrk");
    expect_verdicts(&list, &(PrunePolicy){.keep_daily = 3}, "rrrkkrk");
    expect_verdicts(&list, &(PrunePolicy){.keep_weekly = 2}, "rrkrrrk");
    expect_verdicts(&list, &(PrunePolicy){.keep_monthly = 2}, "rkrrrrk");
    expect_verdicts(&list, &(PrunePolicy){.keep_monthly = 3}, "kkrrrrk");
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 1, .keep_monthly = 2}, "rkrrrrk");
}

static void the_oldest_stays_while_there_are_too_few(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    (void)add(&list, "a", at("2026-11-20 01:00:00"));
    (void)add(&list, "b", at("2026-11-20 02:00:00"));
    (void)add(&list, "c", at("2026-11-20 03:00:00"));
    expect_verdicts(&list, &(PrunePolicy){.keep_daily = 7}, "krk");
    expect_verdicts(&list, &(PrunePolicy){.keep_daily = 1}, "rrk");
    expect_reason(&list, &(PrunePolicy){.keep_daily = 7}, "a", "oldest, for daily");
}

static void the_newest_verified_stays_while_newer_ones_are_not(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};

    (void)state;
    (void)add(&list, "a", NOW_US - 9 * DAY);
    add(&list, "b", NOW_US - 8 * DAY)->verification = (Verification){.quick_us = 1, .data_us = 1};
    add(&list, "c", NOW_US - 7 * DAY)->verification = (Verification){.quick_us = 1};
    (void)add(&list, "d", NOW_US - 6 * DAY);
    (void)add(&list, "e", NOW_US - 5 * DAY);
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 1}, "r!!rk");
    list.items[4].verification = (Verification){.quick_us = 1, .data_us = 1};
    expect_verdicts(&list, &(PrunePolicy){.keep_last = 1}, "rrrrk");
}

static void what_is_pinned_read_or_needed_stays_and_says_by_whom(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_PRUNE_PLAN PrunePlan plan = {0};
    AUTO_NEEDED_LIST NeededList needed = {0};
    PrunePolicy policy = {.keep_last = 1};
    Error err = {0};

    (void)state;
    set_pin(add(&list, "a", NOW_US - 9 * DAY), "move", 0, false);
    set_pin(add(&list, "b", NOW_US - 8 * DAY), NULL, NOW_US, false); /* just expired */
    set_pin(add(&list, "c", NOW_US - 7 * DAY), NULL, NOW_US + 1, false);
    set_pin(add(&list, "d", NOW_US - 6 * DAY), NULL, 1, true);
    add(&list, "e", NOW_US - 5 * DAY)->is_read = true;
    add(&list, "f", NOW_US - 4 * DAY)->pins_unknown = true;
    (void)add(&list, "g", NOW_US - 3 * DAY);
    (void)add(&list, "h", NOW_US - 2 * DAY);
    expect_verdicts(&list, &policy, "!r!!!!rk");
    expect_reason(&list, &policy, "a", "pinned by run:move");
    expect_reason(&list, &policy, "e", "being read");
    needed_list_add(&needed, "g", "move");
    expect_ok(prune_decide(&policy, &list, &needed, NULL, NOW_US, &plan, &err));
    assert_int_equal(plan.series[0].items[6].verdict, PRUNE_REFUSED);
    assert_string_equal(plan.series[0].items[6].reasons.items[0], "needed by migration move");
}

static void each_series_is_pruned_by_itself(void **state)
{
    AUTO_BACKUP_LIST BackupList list = {0};
    AUTO_PRUNE_PLAN PrunePlan plan = {0};
    AUTO_PRUNE_PLAN PrunePlan one = {0};
    NeededList needed = {0};
    PrunePolicy policy = {.keep_last = 1};
    Error err = {0};

    (void)state;
    for (int i = 0; i < 6; i++) {
        Backup *backup = add(&list, "x", NOW_US - (10 - i) * DAY);

        free(TAKE(backup->series));
        backup->series = i == 0 ? NULL : xstrdup(i % 2 == 0 ? "a" : "b");
    }
    expect_ok(prune_decide(&policy, &list, &needed, NULL, NOW_US, &plan, &err));
    assert_int_equal(plan.count, 3);
    assert_string_equal(plan.series[0].name, "a");
    assert_string_equal(plan.series[1].name, "b");
    assert_null(plan.series[2].name);
    assert_int_equal(plan.series[0].items[0].verdict, PRUNE_REMOVE);
    assert_int_equal(plan.series[0].items[1].verdict, PRUNE_KEEP);
    assert_int_equal(plan.series[1].items[2].verdict, PRUNE_KEEP);
    assert_int_equal(plan.series[2].items[0].verdict, PRUNE_REFUSED);
    expect_ok(prune_decide(&policy, &list, &needed, "b", NOW_US, &one, &err));
    assert_int_equal(one.count, 1);
    assert_int_equal(one.series[0].count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_rule_nothing_is_decided),
        cmocka_unit_test(the_last_ones_stay),
        cmocka_unit_test(order_is_time_then_sequence_never_the_name),
        cmocka_unit_test(only_whole_and_complete_ones_count),
        cmocka_unit_test(a_policy_that_would_keep_nothing_removes_nothing),
        cmocka_unit_test(days_weeks_and_months_are_those_of_the_calendar),
        cmocka_unit_test(the_oldest_stays_while_there_are_too_few),
        cmocka_unit_test(the_newest_verified_stays_while_newer_ones_are_not),
        cmocka_unit_test(what_is_pinned_read_or_needed_stays_and_says_by_whom),
        cmocka_unit_test(each_series_is_pruned_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
