/*
 * Shared by the manifest's files only: what a manifest is allowed to say.
 */
#pragma once

#include "backup/manifest.h"

#define MANIFEST_MAX_BYTES ((size_t)128 * 1024 * 1024)

/* STATUS_INVALID (ERROR_DIFFERENT) naming the first thing that no manifest of ours says. */
Status manifest_validate(const Manifest *manifest, Error *err);
