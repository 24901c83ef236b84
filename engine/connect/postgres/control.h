/*
 * Making the control schema. Looking for it is in target.h.
 */
#pragma once

#include "engine/connect/postgres/connection.h"

/* Inside a transaction that holds pg_control_lock(): makes it when it is missing. */
Status control_create(PgConnection *connection, Error *err);
