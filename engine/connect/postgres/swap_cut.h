/*
 * The way back for some of the promoted tables, where that set can be cut from the rest. The stager's
 * operations of these names.
 */
#pragma once

#include "engine/connect/postgres/target.h"

Status pg_swap_back_tables(Stager *stager, const RunIdentity *identity, const TextList *patterns,
                           const LockPolicy *policy, Findings *notes, Error *err);
Status pg_list_taken_back(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err);
