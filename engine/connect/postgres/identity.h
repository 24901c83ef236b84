/*
 * Which database this is, in words that are the same over every connection to it, whichever way it
 * was reached: the check that source and target are two.
 */
#pragma once

#include "engine/connect/postgres/connection.h"

/* "postgresql:SYSTEM:DATABASE"; the caller frees. Where the server hides its system identifier, its
 * start time stands for it. */
Status pg_identity(PgConnection *connection, char **ret, Error *err);
