/*
 * Versions of the journal. A journal is made by all steps from version 0 and upgraded by those that
 * are missing, in one transaction: what is not wholly upgraded is as it was.
 */
#include <assert.h>

#include "engine/base/memory.h"
#include "journal/internal.h"
#include "journal/schema.sql.h"

/* Adding a version: one more .sql file and one more entry. */
static const UpgradeStep steps[] = {
    {1, schema_sql},
};

enum {
    STEP_COUNT = sizeof(steps) / sizeof(steps[0]),
};

int journal_version(void)
{
    return steps[STEP_COUNT - 1].version;
}

Status journal_read_version(Journal *journal, int *ret, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "pragma user_version", "read the version of", &query, err));
    TRY(query_step(&query, err));
    *ret = (int)column_integer(&query, 0);
    return STATUS_OK;
}

static Status set_version(Journal *journal, int version, Error *err)
{
    AUTO_FREE_MEMORY char *sql = xasprintf("pragma user_version = %d", version);

    return journal_execute(journal, sql, "upgrade", err);
}

Status journal_upgrade(Journal *journal, const UpgradeStep *upgrades, size_t count, Error *err)
{
    int version = 0;

    assert(sqlite3_get_autocommit(journal->db) == 0); /* in the caller's transaction */
    TRY(journal_read_version(journal, &version, err));
    for (size_t i = 0; i < count; i++) {
        if (upgrades[i].version <= version)
            continue;
        assert(upgrades[i].version == version + 1);
        TRY(journal_execute(journal, upgrades[i].sql, "upgrade", err));
        version = upgrades[i].version;
        TRY(set_version(journal, version, err));
    }
    return STATUS_OK;
}

Status journal_upgrade_fully(Journal *journal, Error *err)
{
    return journal_upgrade(journal, steps, STEP_COUNT, err);
}
