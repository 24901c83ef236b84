/*
 * What stages say to people while they work.
 */
#pragma once

#include "engine/flow/findings.h"
#include "journal/journal.h"

/* Each refusal and warning as a warning with its remedy, each note as information. */
void report_findings(const Findings *findings);

/* ERROR_REFUSED: "verify needs a staged migration; shop is prepared", with the command to run. */
Status refuse_phase(const JournalRecord *record, const char *stage, const char *needs,
                    const char *first, Error *err);
