/*
 * What a migration would do, for `plan` and `run --dry-run`.
 */
#pragma once

#include "tools/options.h"
#include "tools/reply.h"

/* Writes it as text and under "plan" in the document. ERROR_REFUSED, also then written, when
 * something in it refuses the migration. */
Status preview_write(const Options *options, Reply *reply, Error *err);
