/*
 * The SQLite connector: sqlite:PATH as source and target. Notes on the design are at the top of
 * source.c (snapshot) and stager.c (staging and promotion).
 */
#pragma once

#include "engine/flow/connector.h"

Status sqlite_open_source(const Uri *uri, Source **ret, Error *err);
Status sqlite_open_target(const Uri *uri, Target **ret, Error *err);
