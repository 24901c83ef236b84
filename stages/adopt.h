/*
 * --data-only: the structure of what is staged is the target's.
 */
#pragma once

#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"
#include "stages/migration.h"

/* After the source was described, each time: nothing else may be compared with a recorded plan. Does
 * nothing without --data-only, or when something is refused already. */
Status stage_adopt(Migration *migration, Catalog *catalog, Findings *findings, Error *err);
