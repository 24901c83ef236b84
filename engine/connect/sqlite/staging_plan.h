/*
 * The tasks that build the staging tables, and the check that they are what was planned.
 */
#pragma once

#include "engine/connect/sqlite/target_state.h"

Status sqlite_plan_staging(Stager *stager, const RunIdentity *identity, Plan *plan, Error *err);
Status sqlite_check_schema(Stager *stager, const RunIdentity *identity, const Plan *plan,
                           Findings *findings, Error *err);
