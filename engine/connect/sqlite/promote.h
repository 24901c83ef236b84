/*
 * The promotion, the way back, and where an attempt stands.
 */
#pragma once

#include "engine/connect/sqlite/target_state.h"

Status sqlite_promote(Stager *stager, const RunIdentity *identity, const Plan *plan,
                      const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                      Error *err);
Status sqlite_swap_back(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                        Findings *notes, Error *err);
Status sqlite_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err);
