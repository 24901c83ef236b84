/*
 * The PostgreSQL connector: postgresql:// addresses as source and target. What it can and cannot
 * carry stands in kinds.c; the traps it avoids are named where they are avoided.
 */
#pragma once

#include "engine/base/uri.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

/* Cheap: check the words of the address (ERROR_USAGE), connect to nothing yet. */
Status postgres_open_source(const Uri *uri, Source **ret, Error *err);
Status postgres_open_target(const Uri *uri, Target **ret, Error *err);
