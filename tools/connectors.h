/*
 * The connectors there are: the only place that names concrete ones.
 */
#pragma once

#include "engine/flow/connector.h"

ConnectorTable connectors_all(void);

/*
 * The text of a SOURCE or TARGET with its path made absolute: the journal outlives the directory that
 * a relative one is relative to. Behind env: it cannot be, and is ERROR_USAGE. The caller frees.
 */
Status connectors_complete(const Uri *uri, const char *text, char **ret, Error *err);
