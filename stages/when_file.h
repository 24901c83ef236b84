/*
 * promote --when-file: everything is ready, and somebody else says when.
 */
#pragma once

#include "stages/migration.h"

/* Recorded, so that whoever takes a run up again does not promote before the time. */
#define WHEN_FILE_OPTION "when-file"

/*
 * Waits until the marker file exists, if one was asked for, and asks meanwhile whether the source
 * was written to. Told once, with what to do. A source that is found to differ ends the wait with
 * the refusal that promotion would give: the copy does not become fresh by waiting, and whoever
 * hears of it now has time to copy again. A source that cannot be asked for a while does not.
 * STATUS_STOPPED on request; the phase is then what it was. The freshness that is asked for after
 * the wait is the caller's.
 */
Status when_file_wait(Migration *migration, Error *err);

/* Behind the promotion: what was asked for is done, a later attempt does not wait for it. */
Status when_file_forget(Migration *migration, Error *err);
