/*
 * The way back after a promotion. The stager's operation of this name.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_swap_back(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                    Findings *notes, Error *err);
