/*
 * A Reader of this connector: a connection of its own that has imported the snapshot which the
 * source holds. See reader.c for what makes sure that the snapshot and its locks outlived each read.
 */
#pragma once

#include "engine/connect/postgres/hold.h"
#include "engine/flow/source.h"

/* hold is borrowed and must outlive the reader. Connects and imports the snapshot with its first use:
 * in the thread that uses it, at the same time as the others. */
Status pg_reader_new(PgHold *hold, Reader **ret, Error *err);
