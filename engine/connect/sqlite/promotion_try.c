/*
 * Tries a promotion on schemas in memory: the one of today and the one that would be. What works in
 * the first and not in the second stands against it.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/promotion_plan.h"
#include "engine/connect/sqlite/sql_text.h"
#include "engine/connect/sqlite/works.h"

bool is_outside_dependent(const Schema *live, const Swap *swap, const SchemaRow *row)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(live, row->name, &count);

    if (row->is_ours || row_is_internal(row) || row_is_virtual(row) || swap_removes(swap, row))
        return false;
    if (row_is(row, "view"))
        return true;
    if (!row_is(row, "table") || row->sql == NULL || swap_find(swap, row->name) != NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (row_is(rows[i], "trigger"))
            return true;
    }
    return sql_has_keyword(row->sql, "references");
}

/* worked: what works today, by position in live. */
static void try_outside(const Schema *live, const unsigned *worked, sqlite3 *after,
                        Findings *findings)
{
    for (size_t i = 0; i < live->count; i++) {
        const SchemaRow *row = &live->rows[i];
        AUTO_FREE_MEMORY char *why = NULL;

        if (worked[i] == 0)
            continue;

        unsigned lost = worked[i] & ~works(after, row->name, &why);
        AUTO_FREE_MEMORY char *object = xasprintf("%s %s", row->type, row->name);

        if (lost != 0)
            finding_once(findings, FINDING_REFUSAL, object,
                         "Change or drop it in the target, or migrate it together with the tables "
                         "it uses.",
                         "it works today and would not with the new tables: %s",
                         why != NULL ? why : "it depends on what is replaced");
    }
}

static void warn_of_broken(const Catalog *catalog, sqlite3 *after, Findings *findings)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        AUTO_FREE_MEMORY char *why = NULL;
        AUTO_FREE_MEMORY char *label = xasprintf("view %s", object->name);

        if (object->kind != OBJECT_VIEW || (works(after, object->name, &why) & WORKS_SELECT) != 0)
            continue;
        finding_once(findings, FINDING_WARNING, label, NULL, "it will not work in the target: %s",
                     why != NULL ? why : "unknown reason");
    }
}

/* Its triggers come with a table, and may use others that were left out. */
static void warn_of_triggers(const Catalog *catalog, sqlite3 *after, Findings *findings)
{
    /* A parent that is missing is no fault of theirs. */
    (void)sqlite3_db_config(after, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];
        const char *table = NULL;
        AUTO_FREE_MEMORY char *why = NULL;

        if (object->kind != OBJECT_TRIGGER || object->table_id == 0)
            continue;
        table = catalog_table(catalog, object->table_id)->name;
        (void)works(after, table, &why); /* what matters is whether there is a reason */
        if (why != NULL)
            finding_once(findings, FINDING_WARNING, table,
                         "Make in the target what its triggers use, or migrate it too.",
                         "it cannot be written to in the target, by its triggers: %s", why);
    }
}

/* An index beside its table, such as that of full text search, knows nothing of an exchange. */
static void warn_of_virtual(const Schema *live, const SwapPair *pair, Findings *findings)
{
    for (size_t i = 0; i < live->count; i++) {
        const SchemaRow *row = &live->rows[i];

        for (size_t j = 0; row_is_virtual(row) && j < pair->forward.edit_count; j++) {
            const SwapEdit *edit = &pair->forward.edits[j];

            if (strcmp(edit->role, SWAP_LIVE) != 0 && strcmp(edit->type, "table") == 0 &&
                sql_mentions(row->sql, edit->from))
                finding_once(
                    findings, FINDING_WARNING, row->name,
                    "Rebuild it after promotion, and after a rollback.",
                    "this virtual table of the target may hold what the rows of \"%s\" were",
                    edit->from);
        }
    }
}

static void note_references(const Schema *live, const SwapPair *pair, Findings *findings)
{
    for (size_t i = 0; i < live->count; i++) {
        const SchemaRow *row = &live->rows[i];
        AUTO_TEXT_LIST TextList parents = {0};
        Error ignored = {0};

        if (!row_is(row, "table") || !is_outside_dependent(live, &pair->forward, row))
            continue;
        (void)sql_parents(row->sql, &parents, &ignored); /* only a note */
        for (size_t j = 0; j < parents.count; j++) {
            if (swap_find(&pair->forward, parents.items[j]) != NULL)
                finding_once(findings, FINDING_NOTE, row->name,
                             "Run `pragma foreign_key_check` in the target after promotion.",
                             "its foreign key will mean the new table \"%s\"", parents.items[j]);
        }
    }
}

/* What works today of the outside dependents, 0 for every other row. By itself, so that the two
 * schemas are not in memory at once; not at all where nothing depends. */
static Status try_today(const Schema *live, const SwapPair *pair, unsigned *ret_worked, Error *err)
{
    AUTO_FREE(works_close) sqlite3 *before = NULL;

    for (size_t i = 0; i < live->count; i++) {
        const SchemaRow *row = &live->rows[i];

        if (!is_outside_dependent(live, &pair->forward, row))
            continue;
        if (before == NULL)
            TRY(works_open_scratch(live, false, &before, err));
        ret_worked[i] = works(before, row->name, NULL);
    }
    return STATUS_OK;
}

/* What is kept aside only has to be readable. By itself, for the memory that a schema takes. */
static Status try_kept(const Schema *result, Error *err)
{
    AUTO_FREE(works_close) sqlite3 *kept = NULL;

    return works_open_scratch(result, true, &kept, err);
}

Status swap_pair_try(const Schema *live, const Catalog *catalog, const SwapPair *pair,
                     Findings *findings, Error *err)
{
    AUTO_FREE_MEMORY unsigned *worked = xcalloc(live->count + 1, sizeof(*worked));
    AUTO_FREE(works_close) sqlite3 *after = NULL;
    Error why = {0};

    TRY(try_today(live, pair, worked, err));
    if (try_kept(&pair->result, &why) < 0 ||
        works_open_scratch(&pair->result, false, &after, &why) < 0) {
        finding_once(findings, FINDING_REFUSAL, NULL,
                     "Leave out the object that it names, or use another target.",
                     "the target would not be readable with the new tables: %s", why.message);
        return STATUS_OK;
    }
    try_outside(live, worked, after, findings);
    warn_of_broken(catalog, after, findings);
    warn_of_virtual(live, pair, findings);
    warn_of_triggers(catalog, after, findings);
    note_references(live, pair, findings);
    return STATUS_OK;
}
