/*
 * What stages say to people while they work.
 */
#pragma once

#include "engine/flow/findings.h"
#include "journal/journal.h"
#include "stages/migration.h"

/* Each refusal and warning as a warning with its remedy, each note as information. */
void report_findings(const Findings *findings);

/* Of a plan of which the notes were told before. */
void report_warnings(const Findings *findings);

/* Looks at both sides (stage_preview), says what was found, refuses, and records the catalog's
 * fingerprint and the promotion as it is planned now. In prepare.c. */
Status stage_look(Migration *migration, size_t *ret_tables, Error *err);

/* ERROR_REFUSED: "verify needs a staged migration; shop is prepared", with the command to run. */
Status refuse_phase(const JournalRecord *record, const char *stage, const char *needs,
                    const char *first, Error *err);
