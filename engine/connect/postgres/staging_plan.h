/*
 * The tasks that build the staging schemas; see stager.c.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_plan_staging(Stager *stager, const RunIdentity *identity, Plan *plan, Error *err);
