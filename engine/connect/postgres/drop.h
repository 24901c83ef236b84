/*
 * Giving up and the end: what of ours is dropped, and the records of it. The operations of the stager
 * of the same names.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_drop_staging(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);
Status pg_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);
Status pg_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err);
Status pg_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err);
