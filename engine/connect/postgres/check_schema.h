/*
 * Is what stands in staging what was planned? Structure, not rows.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_check_schema(Stager *stager, const RunIdentity *identity, const Plan *plan,
                       Findings *findings, Error *err);
