/*
 * --table and the like, applied to a catalog that was described earlier, as a whole: with the same
 * rules as describing with that selection (source_relations.c, describe_entries.c), but from what the
 * notes say. Ids are given anew, also inside the notes.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/postgres.h"

typedef struct Selecting {
    const Selection *selection;
    Catalog *from;
    Catalog kept;
    uint32_t *tables;  /* new ids, by old id - 1; 0: left out */
    uint32_t *objects; /* likewise */
    uint32_t *old_ids; /* of tables, by new id - 1 */
    Findings *findings;
} Selecting;

static void selecting_release(Selecting *selecting)
{
    catalog_release(&selecting->kept);
    free(selecting->tables);
    free(selecting->objects);
    free(selecting->old_ids);
}

/* ---- patterns ---- */

/* Views and sequences are called by name, too. */
static Status check_patterns(const Selecting *selecting, Error *err)
{
    AUTO_CATALOG Catalog all = {0};
    for (size_t i = 0; i < selecting->from->table_count; i++) {
        Table *table = catalog_add_table(&all);
        table->schema = xstrdup(selecting->from->tables[i].schema);
        table->name = xstrdup(selecting->from->tables[i].name);
    }
    for (size_t i = 0; i < selecting->from->object_count; i++) {
        const Object *object = &selecting->from->objects[i];
        if (object->kind != OBJECT_VIEW && object->kind != OBJECT_SEQUENCE)
            continue;
        Table *table = catalog_add_table(&all);
        table->schema = xstrdup(object->schema);
        table->name = xstrdup(object->name);
    }
    return selection_check(selecting->selection, &all, err);
}

static bool is_named(const Selecting *selecting, const char *schema, const char *name)
{
    return selection_has(selecting->selection, schema, name);
}

static bool is_schema_named(const Selection *selection, const char *schema)
{
    for (size_t i = 0; schema && i < selection->schemas.count; i++) {
        if (pattern_matches(selection->schemas.items[i], schema))
            return true;
    }
    return selection->schemas.count == 0;
}

/* ---- tables ---- */

static Status refuse_partition(Selecting *selecting, const char *schema, const char *name)
{
    AUTO_FREE_MEMORY char *object = xasprintf("table %s.%s", schema, name);
    findings_add(selecting->findings, FINDING_REFUSAL, object,
                 "Restore the whole backup, into an empty database where that is too much.",
                 "partitions are restored with all that is in the backup only");
    return STATUS_OK;
}

static Status keep_table(Selecting *selecting, size_t index, Error *err)
{
    Table *table = &selecting->from->tables[index];
    AUTO_TABLE_NOTES PgTableNotes notes = {0};
    if (!is_named(selecting, table->schema, table->name))
        return STATUS_OK;
    TRY(pg_table_notes_read(table, &notes, err));
    if (notes.is_partition || notes.kind == 'p')
        TRY(refuse_partition(selecting, table->schema, table->name));
    Table *kept = catalog_add_table(&selecting->kept);
    uint32_t id = kept->id;
    *kept = *table;
    kept->id = id;
    selecting->tables[index] = id;
    selecting->old_ids[id - 1] = table->id;
    *table = (Table){0};
    return STATUS_OK;
}

/* ---- objects ---- */

static bool is_type(const PgObjectNotes *notes, const char *type)
{
    return strcmp(notes->type, type) == 0;
}

/* What is on no relation goes along when no single tables were asked for. */
static bool is_free_kept(const Selecting *selecting, const Object *object,
                         const PgObjectNotes *notes)
{
    const Selection *selection = selecting->selection;
    if (object->kind == OBJECT_SETTING)
        return true;
    if (selection->include.count > 0)
        return false;
    if (is_type(notes, "SCHEMA"))
        return is_schema_named(selection, object->name);
    return is_type(notes, "EXTENSION") || is_schema_named(selection, object->schema);
}

static bool is_relation(const Object *object, const PgObjectNotes *notes)
{
    return object->kind == OBJECT_VIEW || object->kind == OBJECT_SEQUENCE ||
           is_type(notes, "SEQUENCE") || is_type(notes, "TABLE");
}

static bool is_kept(const Selecting *selecting, const Object *object, const PgObjectNotes *notes)
{
    if (object->table_id > 0)
        return selecting->tables[object->table_id - 1] != 0;
    if (is_relation(object, notes))
        return is_named(selecting, object->schema, object->name);
    if (notes->relation_name)
        return is_named(selecting, notes->relation_schema, notes->relation_name);
    return is_free_kept(selecting, object, notes);
}

/* A foreign key to a table that is left out: as describe_objects.c has it. */
static bool is_reference_lost(Selecting *selecting, const Object *object,
                              const PgObjectNotes *notes)
{
    if (notes->other_table_id == 0 || selecting->tables[notes->other_table_id - 1] != 0)
        return false;
    AUTO_FREE_MEMORY char *name = xasprintf("foreign key %s of %s.%s", object->name,
                                            notes->relation_schema, notes->relation_name);
    if (selecting->selection->lenient)
        findings_add(selecting->findings, FINDING_NOTE, name, NULL,
                     "left out: it references a table that is not selected");
    else
        findings_add(selecting->findings, FINDING_REFUSAL, name,
                     "Select both tables, or leave out the one with the foreign key, too.",
                     "it references a table that is not selected");
    return true;
}

/* Ids of what stays change; of what does not, they are dropped. */
static void renumber(const Selecting *selecting, PgObjectNotes *notes)
{
    size_t count = 0;
    if (notes->other_table_id > 0)
        notes->other_table_id = selecting->tables[notes->other_table_id - 1];
    for (size_t i = 0; i < notes->after_count; i++) {
        if (selecting->objects[notes->after[i] - 1] > 0)
            notes->after[count++] = selecting->objects[notes->after[i] - 1];
    }
    notes->after_count = count;
}

static Status choose_object(Selecting *selecting, size_t index, uint32_t *count, Error *err)
{
    const Object *object = &selecting->from->objects[index];
    AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
    TRY(pg_object_notes_read(object, &notes, err));
    if (!is_kept(selecting, object, &notes) || is_reference_lost(selecting, object, &notes))
        return STATUS_OK;
    if (is_type(&notes, "TABLE") && selecting->selection->include.count > 0)
        TRY(refuse_partition(selecting, object->schema, object->name));
    selecting->objects[index] = ++*count;
    return STATUS_OK;
}

static Status keep_object(Selecting *selecting, size_t index, Error *err)
{
    Object *object = &selecting->from->objects[index];
    AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
    if (selecting->objects[index] == 0)
        return STATUS_OK;
    TRY(pg_object_notes_read(object, &notes, err));
    renumber(selecting, &notes);
    free(object->private_data);
    object->private_data = pg_object_notes_write(&notes);
    Object *kept = catalog_add_object(&selecting->kept);
    uint32_t id = kept->id;
    *kept = *object;
    kept->id = id;
    if (kept->table_id > 0)
        kept->table_id = selecting->tables[kept->table_id - 1];
    *object = (Object){0};
    return STATUS_OK;
}

static Status select_all(Selecting *selecting, Error *err)
{
    uint32_t count = 0;
    TRY(check_patterns(selecting, err));
    for (size_t i = 0; i < selecting->from->table_count; i++)
        TRY(keep_table(selecting, i, err));
    for (size_t i = 0; i < selecting->from->object_count; i++)
        TRY(choose_object(selecting, i, &count, err));
    for (size_t i = 0; i < selecting->from->object_count; i++)
        TRY(keep_object(selecting, i, err));
    catalog_seal(&selecting->kept);
    return STATUS_OK;
}

Status postgres_select(const Selection *selection, Catalog *catalog, uint32_t **ret_ids,
                       Findings *findings, Error *err)
{
    __attribute__((cleanup(selecting_release)))
    Selecting selecting = {.selection = selection, .from = catalog, .findings = findings};
    selecting.tables = xcalloc(catalog->table_count + 1, sizeof(uint32_t));
    selecting.old_ids = xcalloc(catalog->table_count + 1, sizeof(uint32_t));
    selecting.objects = xcalloc(catalog->object_count + 1, sizeof(uint32_t));
    TRY(select_all(&selecting, err));
    catalog_release(catalog);
    *catalog = selecting.kept;
    selecting.kept = (Catalog){0};
    *ret_ids = TAKE(selecting.old_ids);
    return STATUS_OK;
}
