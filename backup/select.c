#include "backup/select.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"

/* What stays: items move from here to a new catalog. */
typedef struct Selecting {
    const Selection *selection;
    Catalog *from;
    Catalog kept;
    uint32_t *new_ids; /* of tables, by old id - 1; 0: left out */
    uint32_t *old_ids; /* by new id - 1 */
    TextList left_out; /* names of tables and views */
    Findings *findings;
} Selecting;

static void selecting_release(Selecting *selecting)
{
    catalog_release(&selecting->kept);
    free(selecting->new_ids);
    free(selecting->old_ids);
    text_list_release(&selecting->left_out);
}

static bool is_everything(const Selection *selection)
{
    return selection->include.count + selection->exclude.count + selection->schemas.count == 0;
}

/* Does it name what is taken, instead of what is left out? */
static bool names_tables(const Selection *selection)
{
    return selection->include.count + selection->schemas.count > 0;
}

static void note(Selecting *selecting, const Object *object, const char *why)
{
    AUTO_FREE_MEMORY char *name = xasprintf("%s %s", object_kind_name(object->kind), object->name);

    findings_add(selecting->findings, FINDING_NOTE, name, NULL, "left out: %s", why);
}

/* ---- tables ---- */

static void keep_tables(Selecting *selecting)
{
    for (size_t i = 0; i < selecting->from->table_count; i++) {
        Table *table = &selecting->from->tables[i];

        if (!selection_has(selecting->selection, table->schema, table->name)) {
            text_list_add(&selecting->left_out, table->name);
            continue;
        }
        Table *kept = catalog_add_table(&selecting->kept);
        uint32_t id = kept->id;

        *kept = *table;
        kept->id = id;
        selecting->new_ids[i] = id;
        selecting->old_ids[id - 1] = (uint32_t)i + 1;
        *table = (Table){0};
    }
}

/* ---- objects ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_' || (unsigned char)c >= 0x80;
}

/* Does the statement name it? Rather once too often: what is taken by mistake fails to be made. */
static bool has_name(const char *statement, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = statement; (at = strcasestr(at, name)) != NULL; at++) {
        bool begins = at == statement || !is_word(at[-1]);

        if (begins && !is_word(at[size]))
            return true;
    }
    return false;
}

static const char *left_out_name(const Selecting *selecting, const char *statement)
{
    for (size_t i = 0; statement != NULL && i < selecting->left_out.count; i++)
        if (has_name(statement, selecting->left_out.items[i]))
            return selecting->left_out.items[i];
    return NULL;
}

static bool keep_view(Selecting *selecting, const Object *object)
{
    const char *name = NULL;

    if (names_tables(selecting->selection)) {
        note(selecting, object, "views are not carried with single tables");
        return false;
    }
    name = left_out_name(selecting, object->definition);
    if (name != NULL)
        note(selecting, object, "it reads what is left out");
    return name == NULL;
}

/* Of those without a table: views, what is on views, and what is of the whole database. */
static bool keep_lonely(Selecting *selecting, const Object *object)
{
    switch (object->kind) {
    case OBJECT_VIEW:
        return keep_view(selecting, object);
    case OBJECT_TRIGGER:
        return left_out_name(selecting, object->definition) == NULL;
    case OBJECT_SETTING:
        return !names_tables(selecting->selection) || strcmp(object->name, "encoding") == 0;
    case OBJECT_INDEX:
    case OBJECT_CONSTRAINT:
    case OBJECT_FOREIGN_KEY:
    case OBJECT_SEQUENCE:
    case OBJECT_STATISTICS:
    case OBJECT_OTHER:
        break;
    }
    return true;
}

static void keep_objects(Selecting *selecting)
{
    for (size_t i = 0; i < selecting->from->object_count; i++) {
        Object *object = &selecting->from->objects[i];
        uint32_t table = object->table_id > 0 ? selecting->new_ids[object->table_id - 1] : 0;

        if (object->table_id > 0 ? table == 0 : !keep_lonely(selecting, object)) {
            if (object->kind == OBJECT_VIEW)
                text_list_add(&selecting->left_out, object->name);
            continue;
        }
        Object *kept = catalog_add_object(&selecting->kept);
        uint32_t id = kept->id;

        *kept = *object;
        kept->id = id;
        kept->table_id = table;
        *object = (Object){0};
    }
}

static Status refuse_engine(const char *engine, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED,
                     "restoring single tables from a backup of %s is not supported yet", engine);
    error_hint(err, "Restore all of it into an empty database, and copy the tables from there with "
                    "`stopover run NAME --from ... --to ... --table ...`.");
    return STATUS_INVALID;
}

static Status select_tables(Selecting *selecting, Error *err)
{
    size_t count = selecting->from->table_count;

    TRY(selection_check(selecting->selection, selecting->from, err));
    selecting->new_ids = xcalloc(count + 1, sizeof(uint32_t));
    selecting->old_ids = xcalloc(count + 1, sizeof(uint32_t));
    keep_tables(selecting);
    keep_objects(selecting);
    return STATUS_OK;
}

/* *ret_ids is the caller's when it wants it. */
static Status select_with(const ArchiveSelector *selector, const Selection *selection,
                          Catalog *catalog, uint32_t **ret_ids, Findings *findings, Error *err)
{
    AUTO_FREE_MEMORY uint32_t *ids = NULL;

    TRY(selector->select(selection, catalog, &ids, findings, err));
    if (ret_ids != NULL)
        *ret_ids = TAKE(ids);
    return STATUS_OK;
}

Status select_from_catalog(const char *engine, const ArchiveSelector *selectors,
                           const Selection *selection, Catalog *catalog, uint32_t **ret_ids,
                           Findings *findings, Error *err)
{
    static const Selection everything = {0};
    __attribute__((cleanup(selecting_release))) Selecting selecting = {
        .selection = selection != NULL ? selection : &everything,
        .from = catalog,
        .findings = findings,
    };

    if (is_everything(selecting.selection)) {
        uint32_t *ids = xcalloc(catalog->table_count + 1, sizeof(*ids));

        for (size_t i = 0; i < catalog->table_count; i++)
            ids[i] = catalog->tables[i].id;
        if (ret_ids != NULL)
            *ret_ids = TAKE(ids);
        free(ids);
        return STATUS_OK;
    }
    for (; selectors != NULL && selectors->engine != NULL; selectors++)
        if (strcmp(selectors->engine, engine) == 0)
            return select_with(selectors, selecting.selection, catalog, ret_ids, findings, err);
    if (strcmp(engine, "sqlite") != 0) /* others know ids in their notes, and more dependents */
        return refuse_engine(engine, err);
    TRY(select_tables(&selecting, err));
    catalog_seal(&selecting.kept);
    catalog_release(catalog);
    *catalog = selecting.kept;
    selecting.kept = (Catalog){0};
    if (ret_ids != NULL)
        *ret_ids = TAKE(selecting.old_ids);
    return STATUS_OK;
}
