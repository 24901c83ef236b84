/*
 * What a transaction has created, by xmin (L3 in target.h).
 */
#pragma once

#include "engine/base/text.h"
#include "engine/flow/target.h"

/* Appends one statement, or nothing for a task of a class that creates nothing: pg_record_created()
 * as text, for those who send it together with others. */
void created_append(Text *sql, const RunIdentity *identity, const Task *task);
