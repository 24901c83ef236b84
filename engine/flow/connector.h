/*
 * The table of connectors that tools/connectors.c hands down, so that no stage names a database.
 */
#pragma once

#include "engine/base/uri.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

typedef struct Connector {
    const char *scheme; /* "sqlite" */
    /* Cheap: checks the words of the URI (ERROR_USAGE), opens nothing yet. NULL: cannot be one. */
    Status (*open_source)(const Uri *uri, Source **ret, Error *err);
    Status (*open_target)(const Uri *uri, Target **ret, Error *err);
} Connector;

/* Ends with a row whose scheme is NULL. */
typedef const Connector *ConnectorTable;
