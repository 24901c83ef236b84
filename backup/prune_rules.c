#include <inttypes.h>
#include <stdint.h>

#include "backup/prune_inside.h"
#include "engine/base/memory.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* Which day, week or month of UTC a time falls into, as a number that grows with time. */
typedef int64_t (*Period)(int64_t time_us);

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t day_of(int64_t time_us)
{
    return divide_down(time_us, DAY_US);
}

/* 1970-01-01 was a Thursday: weeks begin three days before it. */
static int64_t week_of(int64_t time_us)
{
    return divide_down(day_of(time_us) + 3, 7);
}

/* Civil date from days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t month_of(int64_t time_us)
{
    int64_t day = day_of(time_us) + 719468; /* from 0000-03-01 */
    int64_t era = divide_down(day, 146097);
    int64_t day_of_era = day - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    return (era * 400 + year_of_era) * 12 + month_from_march;
}

static void keep(PruneItem *item, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void keep(PruneItem *item, const char *format, ...)
{
    AUTO_TEXT Text reason = {0};
    va_list arguments;

    va_start(arguments, format);
    text_append_arguments(&reason, format, arguments);
    va_end(arguments);
    text_list_add(&item->reasons, text_string(&reason));
    item->verdict = PRUNE_KEEP;
}

static void keep_last(uint64_t wanted, int64_t now_us, PruneSeries *series)
{
    uint64_t kept = 0;

    for (size_t i = series->count; i-- > 0 && kept < wanted;)
        if (prune_is_good(series->items[i].backup, now_us))
            keep(&series->items[i], "last %" PRIu64 " of %" PRIu64, ++kept, wanted);
}

static void keep_of_periods(const char *rule, Period period, uint64_t wanted, int64_t now_us,
                            PruneSeries *series)
{
    uint64_t kept = 0;
    int64_t last = INT64_MAX;
    PruneItem *oldest = NULL;

    for (size_t i = series->count; i-- > 0 && kept < wanted;) {
        PruneItem *item = &series->items[i];
        int64_t this = period(item->backup->completed_us);

        if (!prune_is_good(item->backup, now_us))
            continue;
        oldest = item;
        if (this == last)
            continue;
        last = this;
        keep(item, "%s %" PRIu64 " of %" PRIu64, rule, ++kept, wanted);
    }
    if (kept < wanted && oldest != NULL)
        keep(oldest, "oldest, for %s", rule);
}

static void keep_within(uint64_t within_s, int64_t now_us, PruneSeries *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const Backup *backup = series->items[i].backup;

        if (prune_is_good(backup, now_us) &&
            (uint64_t)(now_us - backup->completed_us) / 1000000 < within_s)
            keep(&series->items[i], "within the time to keep");
    }
}

void prune_apply_rules(const PrunePolicy *policy, int64_t now_us, PruneSeries *series)
{
    keep_last(policy->keep_last, now_us, series);
    if (policy->keep_daily > 0)
        keep_of_periods("daily", day_of, policy->keep_daily, now_us, series);
    if (policy->keep_weekly > 0)
        keep_of_periods("weekly", week_of, policy->keep_weekly, now_us, series);
    if (policy->keep_monthly > 0)
        keep_of_periods("monthly", month_of, policy->keep_monthly, now_us, series);
    keep_within(policy->keep_within_s, now_us, series);
}
