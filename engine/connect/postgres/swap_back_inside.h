/*
 * What the whole way back and that of some tables share. Private to swap_back.c and swap_cut.c.
 */
#pragma once

#include "engine/connect/postgres/swap.h"
#include "engine/connect/postgres/target.h"

/* The way back as it is stored with the marker. */
Status swap_back_read(PgConnection *connection, const RunIdentity *identity, Swap *ret, Error *err);

/* Where the promotion could not be completed, the names of today must do. */
Status swap_back_rename(PgConnection *connection, const RunIdentity *identity, Error *err);

/* Some tables were taken back before: then there are schemas for them, and all that lies in them is to
 * be ours still, before more of it is recorded as such. */
Status swap_back_prove(PgConnection *connection, const RunIdentity *identity, Error *err);

/* A warning for each table that has not as many rows as it had when it was promoted; relations: "{1,2}"
 * of those to look at, NULL: all that are still promoted. */
Status swap_back_note_rows(PgConnection *connection, const RunIdentity *identity,
                           const char *relations, Findings *notes, Error *err);

/* Inside the transaction: what is live again is not ours (I3); what went aside is, until finish(). */
Status swap_back_record(PgConnection *connection, const RunIdentity *identity, Error *err);
