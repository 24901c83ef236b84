/*
 * Runs the stages in order from wherever the journal stands.
 */
#pragma once

#include "stages/migration.h"

/* Until the given phase is reached (PHASE_PROMOTED: everything). From rolled_back it begins a new
 * attempt. In verification_failed it refuses, says what differs, and names `stage --again`. */
Status workflow_run(Migration *migration, Phase until, Error *err);
