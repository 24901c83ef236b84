/*
 * What can be said against a target before anything is written to it.
 */
#pragma once

#include "engine/connect/sqlite/target_state.h"

Status sqlite_preflight(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                        Findings *findings, Error *err);
