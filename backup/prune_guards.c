#include <string.h>

#include "backup/prune_inside.h"
#include "engine/base/memory.h"

/* What no rule has kept is refused; a reason more for what one has. */
static void guard(PruneItem *item, const char *reason)
{
    text_list_add(&item->reasons, reason);
    if (item->verdict == PRUNE_REMOVE)
        item->verdict = PRUNE_REFUSED;
}

/* What is not complete is never for a policy to judge. */
static void guard_state(PruneItem *item, int64_t now_us)
{
    const Backup *backup = item->backup;

    switch (backup->state) {
    case STATE_RUNNING:
        guard(item, "in progress");
        return;
    case STATE_INCOMPLETE:
        guard(item, backup->is_resumable ? "incomplete: can be gone on with"
                                         : "incomplete: remove it by name");
        return;
    case STATE_DAMAGED:
        guard(item, "damaged: look at it, and remove it by name");
        return;
    case STATE_COMPLETE:
        break;
    }
    if (backup->verification.damaged_us != 0)
        guard(item, "found damaged: look at it, and remove it by name");
    else if (backup->completed_us > now_us)
        guard(item, "of the future: a clock was or is wrong");
    else if (backup->series == NULL)
        guard(item, "of no known series");
}

static void guard_use(const NeededList *needed, int64_t now_us, PruneItem *item)
{
    const Backup *backup = item->backup;
    const char *migration = needed_by(needed, backup);

    if (backup->is_read)
        guard(item, "being read");
    if (backup->pins_unknown)
        guard(item, "its pins cannot be read");
    for (size_t i = 0; i < backup->pins.count; i++) {
        AUTO_TEXT Text reason = {0};

        if (!pin_holds(&backup->pins.items[i], now_us))
            continue;
        text_append(&reason, "pinned by ");
        pin_describe(&backup->pins.items[i], &reason);
        guard(item, text_string(&reason));
    }
    if (migration != NULL) {
        AUTO_FREE_MEMORY char *reason = xasprintf("needed by migration %s", migration);

        guard(item, reason);
    }
}

/* The newest that was found whole, by whatever level or by its data: before newer ones are verified
 * nobody knows that they could take its place. */
static void guard_verified(bool by_data, int64_t now_us, PruneSeries *series)
{
    for (size_t i = series->count; i-- > 0;) {
        PruneItem *item = &series->items[i];
        const Verification *verification = &item->backup->verification;

        if (!prune_is_good(item->backup, now_us) ||
            (by_data ? verification->data_us : verification->quick_us) == 0)
            continue;
        guard(item, by_data ? "newest whose data was verified" : "newest that was verified");
        return;
    }
}

static void guard_last_good(int64_t now_us, PruneSeries *series)
{
    for (size_t i = series->count; i-- > 0;)
        if (prune_is_good(series->items[i].backup, now_us)) {
            guard(&series->items[i], "last good one");
            return;
        }
}

void prune_apply_guards(const NeededList *needed, int64_t now_us, PruneSeries *series)
{
    guard_last_good(now_us, series);
    guard_verified(false, now_us, series);
    guard_verified(true, now_us, series);
    for (size_t i = 0; i < series->count; i++) {
        PruneItem *item = &series->items[i];

        guard_state(item, now_us);
        guard_use(needed, now_us, item);
        if (series->is_refused && item->verdict == PRUNE_REMOVE)
            guard(item, "the policy would keep nothing of this series");
    }
}
