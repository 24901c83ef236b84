/*
 * The end: what all attempts of a run keep is dropped, and the records of it. The stager's operation
 * of this name.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_describe_kept(Stager *stager, const RunIdentity *identity, Findings *notes,
                        uint64_t *ret_tables, uint64_t *ret_bytes, Error *err);
Status pg_finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);
