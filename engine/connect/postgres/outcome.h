/*
 * Where an attempt stands: what its markers in the target say, and what is kept there. Markers are
 * only added; the latest of their kinds counts.
 */
#pragma once

#include "engine/connect/postgres/target.h"

Status pg_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err);
Status pg_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err);

/* The driver's connection; NULL when the target has no records of anybody. */
Status outcome_open(Stager *stager, PgConnection **ret, Error *err);
Status outcome_read(PgConnection *connection, const RunIdentity *identity, Outcome *ret,
                    Error *err);
/* Inside a transaction. STATUS_DONE when it is there already. */
Status outcome_mark(PgConnection *connection, const RunIdentity *identity, Outcome outcome,
                    Error *err);
Status outcome_refuse(const RunIdentity *identity, const char *what, Outcome outcome, Error *err);
