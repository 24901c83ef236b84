/*
 * The connectors there are: the only place that names concrete ones.
 */
#pragma once

#include "engine/flow/connector.h"

ConnectorTable connectors_all(void);
