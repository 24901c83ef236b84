#include "stages/seen.h"

#include <string.h>

#include "engine/base/memory.h"
#include "stages/migration.h"

void seen_release(Seen *seen)
{
    catalog_release(&seen->catalog);
    findings_release(&seen->findings);
    free(seen->state);
    *seen = (Seen){0};
}

/* The state comes first: what is written while it is described makes it another one. */
static Status describe(Migration *migration, const Selection *selection, Catalog *ret,
                       Findings *findings, Error *err)
{
    seen_release(&migration->seen);
    TRY(source_state(migration->source, &migration->seen.state, err));
    return source_describe(migration->source, selection, ret, findings, err);
}

Status seen_describe(Migration *migration, const Selection *selection, Error *err)
{
    Seen *seen = &migration->seen;

    TRY(describe(migration, selection, &seen->catalog, &seen->findings, err));
    seen->is_there = true;
    return STATUS_OK;
}

Status seen_take(Migration *migration, Catalog *ret, Findings *findings, Error *err)
{
    Seen *seen = &migration->seen;

    if (!seen->is_there)
        return describe(migration, &migration->selection, ret, findings, err);
    *ret = seen->catalog;
    *findings = seen->findings;
    seen->catalog = (Catalog){0};
    seen->findings = (Findings){0};
    seen->is_there = false;
    return STATUS_OK;
}

void seen_keep(Migration *migration, Catalog *catalog)
{
    Seen *seen = &migration->seen;

    /* With --data-only it is half of the target, which may change, too. */
    if (seen->state == NULL || migration->selection.data_only)
        return;
    seen->catalog = *catalog;
    *catalog = (Catalog){0};
    seen->is_there = true;
}

bool seen_take_unchanged(Migration *migration, const char *state, Catalog *ret)
{
    Seen *seen = &migration->seen;
    bool is_same = seen->is_there && seen->state != NULL && strcmp(seen->state, state) == 0;

    if (is_same) {
        *ret = seen->catalog;
        seen->catalog = (Catalog){0};
    }
    seen_release(seen);
    return is_same;
}
