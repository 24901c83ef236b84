/*
 * Backups as a decision sees them, without a repository.
 */
#pragma once

#include "tests/unit/journal_fixture.h"

#include "backup/prune.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOW_US (INT64_C(1795185065) * SECOND) /* Friday 2026-11-20T14:31:05Z */

static inline Backup *add(BackupList *list, const char *name, int64_t completed_us)
{
    Backup *backup = backup_list_add(list);

    backup->name = xstrdup(name);
    backup->label = xasprintf("label-%zu", list->count);
    backup->directory = xstrdup("/nowhere");
    backup->sequence = list->count;
    backup->started_us = completed_us - HOUR;
    backup->completed_us = completed_us;
    backup->state = STATE_COMPLETE;
    backup->series = xstrdup("shop");
    return backup;
}

static inline void set_pin(Backup *backup, const char *migration, int64_t expires_us,
                           bool unreadable)
{
    PinList *pins = &backup->pins;

    GROW(pins->items, pins->count, pins->capacity);
    pins->items[pins->count++] = (Pin){.token = xstrdup(migration != NULL ? "run-x" : "user-1"),
                                       .migration = xstrdup(migration),
                                       .expires_us = expires_us,
                                       .problem = unreadable ? xstrdup("it is gnawed at") : NULL};
}
