/*
 * Where a server is, and the secret that opens it. Made from postgresql://... as given on the
 * command line or behind env:, with everything libpq itself looks at (PG* variables, PGPASSFILE,
 * service files). Keeps a password that was asked for, so that it is asked for once; nothing here
 * is ever printed, but display.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/base/uri.h"
#include "engine/connect/postgres/large_rows.h"

typedef struct PgAddress PgAddress;

/* ERROR_USAGE for what libpq cannot parse, with its reason and no secret in it. */
Status pg_address_new(const Uri *uri, PgAddress **ret, Error *err);
/* Whose turn it is to read large rows from there. Lives as long as the address. */
LargeRows *pg_address_large_rows(PgAddress *address);

void pg_address_free(PgAddress *address); /* wipes the password */
DEFINE_AUTO_FREE(PgAddress, pg_address_free);

const char *pg_address_display(const PgAddress *address); /* redacted; borrowed */

/*
 * What a child program of PostgreSQL (pg_dump) needs to reach the same place: a connection string
 * for its arguments in which no secret stands, and "NAME=value" entries for its environment, among
 * them the password. Known only once a connection has been made (host that answered, password that
 * fitted); both lists are replaced.
 */
Status pg_address_for_child(const PgAddress *address, char **ret_conninfo,
                            TextList *ret_environment, Error *err);
