/*
 * Dropping what is ours: staging before promotion, everything at the end.
 */
#pragma once

#include "engine/connect/sqlite/target_state.h"

Status sqlite_drop_staging(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                           Findings *notes, Error *err);
Status sqlite_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);
