/*
 * The options of a migration: what was recorded when it began, what is said now, and which of the
 * two holds. Only for migration.c.
 */
#pragma once

#include "stages/migration.h"

/*
 * Checks what is said now against what is recorded, records what is new, and fills migration's
 * selection, run options and chunk size. Tunables (jobs, rate, retry time, chunk size) may change
 * at any time; the selection only before the plan is made; the level of verification may be raised
 * only before the plan is made, because its evidence is taken while rows are copied. ERROR_REFUSED
 * else.
 */
Status options_record(Migration *migration, const MigrationOptions *options, Error *err);

/*
 * Do the options, given or recorded, go together, and can these two ends do what they ask? To be
 * asked before anything is recorded. ERROR_USAGE else.
 */
Status options_check(const Migration *migration, const MigrationOptions *options, Error *err);

/* As options_record(), without recording anything: for a dry run, with or without a journal. */
Status options_read(Migration *migration, const MigrationOptions *options, Error *err);
