#include "stages/adopt.h"

Status stage_adopt(Migration *migration, Catalog *catalog, Findings *findings, Error *err)
{
    if (!migration->selection.data_only || findings_count(findings, FINDING_REFUSAL) > 0)
        return STATUS_OK;
    return stager_adopt_schema(migration->target->stager, catalog, findings, err);
}
