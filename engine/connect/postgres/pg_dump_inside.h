/* What the files pg_dump*.c share. Private to them. */
#pragma once

#include "engine/base/error.h"

/* The pg_restore that lies beside a pg_dump; the caller frees. */
char *pg_restore_beside(const char *pg_dump);

/* What a failed pg_dump or pg_restore said, as an error: the one mapping of its words. */
Status pg_dump_failure(const char *program, int exit_code, const char *errors, Error *err);
