/*
 * Taking a run: lock, zombies, epoch. See claim.c.
 */
#pragma once

#include "engine/connect/postgres/target.h"

Status claim_target(PgTarget *target, RunIdentity *identity, Error *err);

/* On a new control connection, after claim(): takes the lock again (L4), for the epoch that was
 * claimed. ERROR_LOCKED when another one drives the run now. */
Status claim_again(PgConnection *connection, const RunIdentity *claimed, Error *err);
