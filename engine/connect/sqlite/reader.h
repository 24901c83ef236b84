/*
 * A Reader over one pinned connection of a source. Made by source.c only.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/source.h"

/* Takes db over on success; when the reader is freed, give_back(context, db) takes it back. */
typedef void (*GiveBack)(void *context, Db *db);
Status sqlite_reader_new(Db *db, GiveBack give_back, void *context, Reader **ret, Error *err);
