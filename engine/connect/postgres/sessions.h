/*
 * Our sessions as the server sees them: their names, and how those that nobody listens to any more
 * are ended (trap 17). A session is only ended when its name says that it is of the same run.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/connect/postgres/connection.h"
#include "engine/flow/target.h"

/* "stopover NAME RUN8 EPOCH ROLE", as application_name; RUN8 = the first 8 digits of the run. NAME
 * is cut so that all of the rest fits the server's 63 bytes. The caller frees. */
char *pg_application_name(const RunIdentity *identity, const char *role);

/*
 * Ends sessions of this run in this database, but this one, and waits until they are gone with their
 * transactions and locks. pids: "{1,2}", or NULL for all; max_epoch: only up to this one.
 * ERROR_LOCKED when the server does not permit it, STATUS_RETRY when they do not go away.
 */
Status sessions_end(PgConnection *connection, const RunIdentity *identity, const char *pids,
                    uint64_t max_epoch, Error *err);

/*
 * Server processes of connections that were lost here. The server may not have noticed: such a
 * process holds its locks, and the ledger's row of its chunk, until it does.
 */
typedef struct LostSessions {
    pthread_mutex_t lock;
    int *pids;
    size_t count;
    size_t capacity;
} LostSessions;

void lost_sessions_init(LostSessions *lost);
void lost_sessions_release(LostSessions *lost);
void lost_sessions_add(LostSessions *lost, int pid);

/* Before anything is asked or repeated: no lost session is at work afterwards. No round trip when
 * nothing was lost. */
Status lost_sessions_end(LostSessions *lost, PgConnection *connection, const RunIdentity *identity,
                         Error *err);
