/*
 * Named points where a test can make the program fail, die, or lose an acknowledgement.
 *
 * A point stands before or after an effect:
 *     TRY(fault_before("target.commit", err));   - may fail the call or kill the process here
 *     rc = commit();
 *     TRY(fault_after("target.commit", err));    - the effect has happened; may kill the process,
 *                                                  or report failure although it succeeded
 * Both return STATUS_OK unless armed. Failures and lost acknowledgements are STATUS_RETRY: what a
 * dropped connection or a busy file looks like. The environment arms one point per process:
 *     STOPOVER_FAULT=MODE:N[:POINT]    MODE = fail | fatal | kill | lose
 * fires at the N-th matching hit (counted atomically over all threads; 1 is the first), of any
 * point or of the one named. `fail` and `fatal` (STATUS_FATAL instead of RETRY) match `before`
 * points only, `lose` matches `after` points only, `kill` matches both: _exit(137).
 * STOPOVER_FAULT_LOG=FILE appends one line "before NAME" or "after NAME" per hit, so that a test
 * knows the points of a scenario, and "fired NAME" when the armed point fires (before it kills).
 * Either variable being unusable ends the process at its start with exit code 2: a test that arms
 * nothing must not pass.
 *
 * Compiled to nothing unless the build defines FAULT_POINTS.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

#ifdef FAULT_POINTS
Status fault_before(const char *point, Error *err);
Status fault_after(const char *point, Error *err);

typedef enum FaultMode {
    FAULT_NONE,
    FAULT_FAIL,
    FAULT_FATAL,
    FAULT_KILL,
    FAULT_LOSE,
} FaultMode;

/* For unit tests in one process: arms the n-th match of point (NULL = any); FAULT_NONE disarms. */
void fault_arm(FaultMode mode, unsigned nth, const char *point);
bool fault_fired(void);             /* did it fire since it was armed? */
const char *fault_last_point(void); /* the point that fired last, for a test's message */
#else
static inline Status fault_before(const char *point, Error *err)
{
    (void)point;
    (void)err;
    return STATUS_OK;
}
static inline Status fault_after(const char *point, Error *err)
{
    (void)point;
    (void)err;
    return STATUS_OK;
}
#endif
