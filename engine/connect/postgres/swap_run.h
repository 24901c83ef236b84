/*
 * One transaction that swaps, forth or back, tried until its locks are had (I6). What the two
 * directions do differently comes with it.
 */
#pragma once

#include "engine/connect/postgres/swap.h"
#include "engine/connect/postgres/target.h"

typedef struct SwapRun SwapRun;
typedef Status SwapPart(SwapRun *run, Error *err);

struct SwapRun {
    PgTarget *target;
    const RunIdentity *identity;
    const Plan *plan; /* or NULL */
    const Swap *swap;
    const LockPolicy *policy; /* or NULL */
    SwapPart *begin;     /* behind the fence: the marker; STATUS_DONE: it has happened already */
    SwapPart *check;     /* under all locks */
    SwapPart *record;    /* after the steps */
    const void *context; /* theirs */
    const char *begin_point;
    const char *locked_point;
    const char *commit_point;
    PgConnection *connection; /* set for the parts; borrowed */
    uint64_t tries;
    uint64_t locked_us; /* live tables, in the try that succeeded */
    uint64_t waited_us; /* the longest that anybody can have waited for one try of ours */
};

/*
 * STATUS_DONE when begin() said so. Locks not had before the deadline: ERROR_WAITING, nothing was
 * changed. STATUS_RETRY when the connection was lost: the outcome is to be asked.
 */
Status swap_run(SwapRun *run, Error *err);

/* "locked the live tables for 12 ms..." */
void swap_run_tell(const SwapRun *run, Findings *notes);
