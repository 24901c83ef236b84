/*
 * The locks of a swap: on what is staged with patience, on live tables in short tries (trap 7), so
 * that nobody waits behind us for longer than one try. Who is in the way is named, never hurried.
 *
 * Before such a try the live tables are reserved: against vacuum, ANALYZE and changes of structure,
 * but not against readers and writers, who do not notice while this is waited for. An autovacuum
 * worker gives way to it after deadlock_timeout, and does not come back. Were it waited for in the
 * try itself, users would queue behind us for so long, and be hit by the server's search for
 * deadlocks.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/flow/stager.h"

typedef struct SwapLocks {
    PgConnection *connection;
    const TextList *staged; /* qualified names as in SQL; borrowed, as all of this */
    const TextList *live;
    uint64_t lock_timeout_ms; /* of a common try */
    const TextList *watched;  /* not to be locked as tables are: looked at, and locked when moved */
    char *relations;          /* the live and watched ones with their sequences, as "{1,2}" */
    uint64_t began_ns;        /* of the try under way: since then others may wait */
    unsigned passed_over;     /* tries not made, one after the other */
    bool is_blocked;          /* the last failure was of locks: worth another try */
} SwapLocks;

void swap_locks_release(SwapLocks *locks);

/* Outside of a transaction, before each try: STATUS_RETRY, naming them, when others have held locks
 * there for so long that a try would only make everybody wait. */
Status swap_locks_look(SwapLocks *locks, Error *err);

/* Inside the transaction, in this order: STATUS_OK, or STATUS_RETRY with is_blocked. */
Status swap_locks_take_staged(SwapLocks *locks, Error *err);
Status swap_locks_reserve_live(SwapLocks *locks, Error *err);
Status swap_locks_take_live(SwapLocks *locks, Error *err);
/* Then, for each lock that is taken besides: what is left of the try; and a limit for statements. */
Status swap_locks_limit_others(SwapLocks *locks, int statement_ms, Error *err);

/* Is that failure one of locks? Then is_blocked is set, and the answer is STATUS_RETRY. */
Status swap_locks_judge(SwapLocks *locks, Status status, const Error *err);

/* After the transaction is rolled back for such a failure: says who is in the way. */
void swap_locks_explain(SwapLocks *locks, Error *err);
