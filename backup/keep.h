/*
 * The named backup of a migration as it is today: what promotion replaces is not copied away but
 * kept in the target under retired names until `finish`. This room names that backup and says what
 * it holds; archives (copies outside the target) are not supported yet.
 */
#pragma once

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "journal/journal.h"

/* "<migration>_<UTC timestamp>", for example shop_20261120T143105Z, and from the second attempt on
 * with its number, because two may begin within a second. The caller frees. */
char *keep_name(const char *migration, uint32_t attempt, int64_t now_us);

/* Gives the attempt its backup name when it has none yet, and records it. */
Status keep_begin(Journal *journal, int64_t now_us, Error *err);

/* One sentence for people: what is kept, where, and until when; for phase, finished and level.
 * repository: where the backup of what was replaced is; NULL when there was none to be made. */
void keep_describe(const JournalRecord *record, const char *repository, Text *ret);
