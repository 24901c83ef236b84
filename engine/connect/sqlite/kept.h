/*
 * What of ours lies in the target: staged, retired and undone tables, by the ledger. The stager's
 * operations of these names.
 */
#pragma once

#include "engine/connect/sqlite/target_state.h"

Status sqlite_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err);
Status sqlite_describe_kept(Stager *stager, const RunIdentity *identity, Findings *notes,
                            uint64_t *ret_tables, uint64_t *ret_bytes, Error *err);
