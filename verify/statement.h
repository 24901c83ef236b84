/*
 * The strength of a verification in words: what was compared, and what could still be wrong.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/text.h"
#include "journal/journal.h"

/*
 * For example:
 *   12 tables, 1,234,567 rows: counts equal, all keys equal; 0 of 96,050 sampled rows differ: at
 * most 0.0048 % of rows can be bad, at 99 % (9 tables were compared in full) or "promoted
 * unverified: no level was asked for" for VERIFY_NONE; "12 tables: structure only, no rows" where no
 * rows were to be copied; or what differs, first tables by name. The bound is that of the weakest
 * table.
 */
void verification_statement(const Verdicts *verdicts, VerifyLevel level, bool structure_only,
                            Text *ret);
