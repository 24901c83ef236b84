/*
 * What checks of a backup found, kept beside it: verify/<UTC time>-<random>.json, one for each check
 * that came to its end. Never changed; the newest counts.
 */
#pragma once

#include <stdint.h>

#include "backup/check.h"
#include "engine/base/error.h"

/* What all evidence together says. */
typedef struct Verification {
    int64_t quick_us;         /* last found whole, by level quick or data; 0: never */
    int64_t data_us;          /* by level data */
    int64_t damaged_us;       /* last found damaged, and not found whole by as much since; else 0 */
    CheckLevel damaged_level; /* of that check */
} Verification;

/* A missing folder, or a file that cannot be read, says nothing: a backup that was never checked. */
Status evidence_read(const char *directory, Verification *ret, Error *err);

/* Records a check that ended: without damage, or with all that is in the report. */
Status evidence_write(const char *directory, CheckLevel level, const CheckReport *report,
                      int64_t started_us, int64_t finished_us, Error *err);
