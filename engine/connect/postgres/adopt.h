/*
 * --data-only: the structure of what is staged is the target's.
 */
#pragma once

#include "engine/flow/stager.h"

/* As StagerOps.adopt_schema. */
Status pg_adopt_schema(Stager *stager, Catalog *catalog, Findings *findings, Error *err);
