/*
 * An archive is the folder of a backup as a target and as a source of the engine: backup:PATH, PATH
 * being the folder's final name in its repository. It is for this program's own use: `backup create`
 * copies into one, `backup restore` and `rollback --backup` out of one.
 *
 * As a target it is PATH.partial, which the caller has begun and holds the lock of
 * (backup/creation.h), with a ledger of what has arrived. Its "promotion" writes the manifest: the
 * backup is complete then, and has only to be given its name. A chunk is durable when it is
 * committed, so that ledger and journal never differ by more than what was under way.
 */
#pragma once

#include "engine/base/uri.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

#define ARCHIVE_SCHEME "backup"

/* How --table and the like are applied to the catalog of an engine; see backup/select.h. */
typedef struct ArchiveSelector {
    const char *engine; /* SourceOps.name; the list ends with NULL */
    Status (*select)(const Selection *selection, Catalog *catalog, uint32_t **ret_ids,
                     Findings *findings, Error *err);
} ArchiveSelector;

/* selectors lives for ever; of engines that have none, only what needs no notes is understood. */
Status archive_open_source(const Uri *uri, const ArchiveSelector *selectors, Source **ret,
                           Error *err);
Status archive_open_target(const Uri *uri, Target **ret, Error *err);
