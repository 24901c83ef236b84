/*
 * The locks of a swap: on staging with patience, on live tables in short tries (trap 7), so that
 * nobody waits behind us for longer than one try. Who is in the way is named, never hurried.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/flow/stager.h"

typedef struct SwapLocks {
    PgConnection *connection;
    const TextList *staged; /* qualified names as in SQL; borrowed, as all of this */
    const TextList *live;
    uint64_t lock_timeout_ms; /* of a common try */
    uint64_t try_ms;          /* of the coming one */
    char *relations;          /* the live ones with their sequences, as "{1,2}" */
    int vacuum;               /* server process of the autovacuum worker that got its long try */
    unsigned passed_over;     /* tries not made, one after the other */
    bool is_blocked;          /* the last failure was of locks: worth another try */
} SwapLocks;

void swap_locks_release(SwapLocks *locks);

/*
 * Outside of a transaction, before each try: STATUS_RETRY, naming them, when others have held locks
 * there for so long that a try would only make everybody wait. An autovacuum worker gives way after
 * deadlock_timeout: the coming try then takes longer, once.
 */
Status swap_locks_look(SwapLocks *locks, Error *err);

/* Inside the transaction: all locks, or STATUS_RETRY with is_blocked. */
Status swap_locks_take_staged(SwapLocks *locks, Error *err);
Status swap_locks_take_live(SwapLocks *locks, Error *err);

/* Is that failure one of locks? Then is_blocked is set, and the answer is STATUS_RETRY. */
Status swap_locks_judge(SwapLocks *locks, Status status, const Error *err);

/* After the transaction is rolled back for such a failure: says who is in the way. */
void swap_locks_explain(SwapLocks *locks, Error *err);
