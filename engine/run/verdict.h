/*
 * What a run ends with: its first failure. A failure counts more than a wish to stop, whichever
 * came first: a stopped run is healthy, and this one is not. Starts as {0}.
 */
#pragma once

#include "engine/base/error.h"

typedef struct Verdict {
    Status status;
    Error error; /* when status < 0 */
} Verdict;

static inline void verdict_note(Verdict *verdict, Status status, const Error *error)
{
    if (status >= 0)
        return;
    if (verdict->status < 0 && (verdict->status != STATUS_STOPPED || status == STATUS_STOPPED))
        return;
    verdict->status = status;
    verdict->error = *error;
}

/* Hands it over: STATUS_OK leaves err alone. */
static inline Status verdict_give(const Verdict *verdict, Error *err)
{
    if (verdict->status < 0)
        *err = verdict->error;
    return verdict->status;
}
