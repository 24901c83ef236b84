/*
 * Where a migration stands: what its journal says, and whether a process drives it now. Read only,
 * at any time, also while a run is on.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/cleanup.h"
#include "journal/journal.h"
#include "tools/options.h"
#include "tools/reply.h"

typedef struct Standing {
    char *name;
    Journal *journal;
    const JournalRecord *record; /* borrowed from the journal */
    bool has_plan;
    JournalProgress progress; /* zero without a plan */
    unsigned percent;
    pid_t driver;    /* 0: nobody drives it; -1: somebody without a process id here */
    char *statement; /* of the verification, or NULL when there was none */
    Text kept;
} Standing;

/* ERROR_NOT_FOUND with the names there are when there is no such migration. */
Status standing_read(const char *home, const char *name, Standing **ret, Error *err);
void standing_free(Standing *standing);
DEFINE_AUTO_FREE(Standing, standing_free);

/* A rollback or a finish was begun, and nobody knows yet how far it came. The intent is then the
 * name of the command that goes on with it. */
bool standing_is_unsettled(const Standing *standing);

/* The command that comes next, or NULL when none does; the caller frees. */
char *standing_next(const Options *options, const Standing *standing);

/* Everything of one migration, as text and under "status" in the document. With --verbose: every
 * table and its evidence. */
Status standing_show(const Options *options, const Standing *standing, Reply *reply, Error *err);

/* One line: "shop: prepared, 43 %, 12,345 of 30,000 rows, running". */
void standing_line(const Standing *standing, Text *ret);

/* Where the migration stands after a command: under "status", and as a few lines of text after
 * success and after a verification that found differences. */
void standing_conclude(const Options *options, Status status, Reply *reply);
