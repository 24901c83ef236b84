/*
 * The promotion: planned, done, completed. The stager's operations of these names.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_plan_promotion(Stager *stager, const RunIdentity *identity, const Plan *plan,
                         PromotionPlan *ret, Findings *findings, Error *err);
Status pg_promote(Stager *stager, const RunIdentity *identity, const Plan *plan,
                  const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                  Error *err);
Status pg_complete(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);
