/*
 * What stands against staging, asked before anything is written.
 */
#pragma once

#include "engine/flow/stager.h"

Status pg_preflight(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                    Findings *findings, Error *err);
