/*
 * What this process has seen of the source, kept so that it is not described once more while nothing
 * can have changed: describing costs the reading of all catalogs, on a long way minutes.
 *
 *     creating the journal -> prepare's look       the same moment: taken as it is
 *     prepare's look -> the snapshot is held       taken only when the snapshot's state proves that
 *                                                  nothing was written since before the look
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

typedef struct Migration Migration;

typedef struct Seen {
    bool is_there;
    Catalog catalog;
    Findings findings;
    char *state; /* of the source before it was described, see source_state(); NULL: not known */
} Seen;

void seen_release(Seen *seen); /* it can be filled again */

/* Describes the source for the first time, and keeps that. */
Status seen_describe(Migration *migration, const Selection *selection, Error *err);

/* What was just seen, else a new description. Appends to findings. */
Status seen_take(Migration *migration, Catalog *ret, Findings *findings, Error *err);

/* Takes over what was looked at, where it can be proven later to be the same; else leaves it. */
void seen_keep(Migration *migration, Catalog *catalog);

/* True with the catalog when nothing was written since; else forgets it. */
bool seen_take_unchanged(Migration *migration, const char *state, Catalog *ret);
