/*
 * Which backups may go: a decision over a list of them and the time, that touches nothing. What is
 * shown by a dry run and what is done by an applied one are both made here.
 *
 * PR1  The policy is applied to each series by itself, and needs at least one rule.
 * PR2  Only complete backups that are not known to be damaged, and not of the future, count.
 * PR3  What a rule does not keep may still be held by a guard, and then stays: in progress or
 *      resumable, damaged or unreadable, being read, pinned, needed by a migration, of the future,
 *      the last good one, the newest that was verified (by any level, and by its data).
 * PR4  A policy that would keep nothing of a series removes nothing of it: that is a mistake, or
 *      backups have been failing for long.
 * PR5  Order is (completed, sequence), as recorded; names decide nothing.
 *
 * Days, weeks (from Monday) and months are those of UTC. A rule for days, weeks or months keeps the
 * last backup of each of the last N of them in which there is one; and as long as there are fewer
 * than N, the oldest backup as well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backup/backup.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

typedef struct PrunePolicy {
    uint64_t keep_last; /* 0: no such rule; likewise below */
    uint64_t keep_daily;
    uint64_t keep_weekly;
    uint64_t keep_monthly;
    uint64_t keep_within_s;
} PrunePolicy;

/* ERROR_USAGE without any rule. */
Status prune_policy_check(const PrunePolicy *policy, Error *err);

/* "keep-last 3, keep-daily 7": appends. */
void prune_policy_describe(const PrunePolicy *policy, Text *ret);

typedef enum PruneVerdict {
    PRUNE_KEEP = 1, /* by a rule */
    PRUNE_REFUSED,  /* no rule keeps it, but a guard does */
    PRUNE_REMOVE,
} PruneVerdict;

typedef struct PruneItem {
    const Backup *backup; /* borrowed from the list */
    PruneVerdict verdict;
    TextList reasons; /* rules, then guards: "last 1 of 3", "pinned by run:shop" */
} PruneItem;

typedef struct PruneSeries {
    char *name;       /* NULL: of backups whose series nobody knows */
    bool is_refused;  /* PR4 */
    PruneItem *items; /* oldest first */
    size_t count;
    size_t capacity;
} PruneSeries;

typedef struct PrunePlan {
    PruneSeries *series; /* in order of names */
    size_t count;
    size_t capacity;
} PrunePlan;

void prune_plan_release(PrunePlan *plan);
#define AUTO_PRUNE_PLAN __attribute__((cleanup(prune_plan_release)))

/* A backup, by name, that a migration still needs. */
typedef struct NeededBackup {
    char *backup;
    char *migration;
} NeededBackup;

typedef struct NeededList {
    NeededBackup *items;
    size_t count;
    size_t capacity;
} NeededList;

void needed_list_add(NeededList *list, const char *backup, const char *migration);
void needed_list_release(NeededList *list);
#define AUTO_NEEDED_LIST __attribute__((cleanup(needed_list_release)))

/* The migration that needs this backup, or NULL. */
const char *needed_by(const NeededList *list, const Backup *backup);

/*
 * Decides. list is in order (backup_list_sort()). only_series (or NULL for all) leaves out the
 * others. ret must be empty; it borrows from list.
 */
Status prune_decide(const PrunePolicy *policy, const BackupList *list, const NeededList *needed,
                    const char *only_series, int64_t now_us, PrunePlan *ret, Error *err);
