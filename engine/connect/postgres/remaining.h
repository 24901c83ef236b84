/*
 * What follows a promotion or the way back in transactions of its own: foreign keys of tables outside
 * are validated, which takes long and stops nobody. Kept in the marker until it is done.
 */
#pragma once

#include "engine/connect/postgres/target.h"

/* Inside the transaction that made the marker. inverse may be NULL. */
Status remaining_store(PgConnection *connection, const RunIdentity *identity, Outcome outcome,
                       const char *inverse, const TextList *statements, Error *err);

/* In a transaction after the promotion: the ledger calls the promoted objects by their live names.
 * Those that it does already are not looked at again. */
Status remaining_rename(PgConnection *connection, const RunIdentity *identity, Error *err);
