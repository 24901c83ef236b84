/*
 * Outcome of every operation that can fail: what the caller should do next.
 * What happened, for a human, is in Error (engine/base/error.h).
 */
#pragma once

typedef enum Status {
    STATUS_OK = 0,
    STATUS_DONE = 1,     /* nothing more to read; not an error */
    STATUS_RETRY = -1,   /* transient: the same call may succeed later */
    STATUS_STOPPED = -2, /* asked to stop; everything recorded, resume later */
    STATUS_INVALID = -3, /* input, configuration or schema is unusable: repeating is useless */
    STATUS_FAILED = -4,  /* this unit cannot complete; others still can */
    STATUS_FATAL = -5,   /* state unknown: end the run, keep the journal */
} Status;

/* The only macro that hides a return. Resources in scope must be AUTO_FREE. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (call);                                                               \
        if (try_status_ < 0)                                                                       \
            return try_status_;                                                                    \
    } while (0)
