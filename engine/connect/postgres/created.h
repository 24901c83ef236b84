/*
 * What a transaction has created, by xmin (L3 in target.h).
 */
#pragma once

#include "engine/base/text.h"
#include "engine/connect/postgres/connection.h"
#include "engine/flow/names.h"
#include "engine/flow/target.h"

/* Appends one statement, or nothing for a task of a class that creates nothing: pg_record_created()
 * as text, for those who send it together with others. */
void created_append(Text *sql, const RunIdentity *identity, const Task *task);

/* Inside the transaction that moves things into schemas of that role: records all that lies in them.
 * Those that it made hold nothing else; of those that were there already the caller has proven it. */
Status created_record_kept(PgConnection *connection, const RunIdentity *identity, NameRole role,
                           Error *err);
