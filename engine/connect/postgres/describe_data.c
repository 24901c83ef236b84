/*
 * What follows the data, last in the catalog so that ids of the structure do not depend on it:
 * values of sequences and settings of the database; and remarks that nobody has to act upon.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/notes.h"

enum {
    SEQUENCES_MAX = 200, /* asked in one statement */
    SHOWN_MAX = 3,       /* names in one finding */
};

/* ---- sequences ---- */

static void add_sequence(Describer *describer, const SourceRelation *sequence, const char *value,
                         bool is_called)
{
    const SourceRelation *owner = source_relations_find(&describer->relations, sequence->owner);
    Object *object = catalog_add_object(describer->catalog);
    char type[] = "SEQUENCE SET";
    const PgObjectNotes notes = {
        .type = type,
        .order = (uint32_t)describer->dump.count + object->id,
        .relation_schema = owner ? owner->schema : NULL,
        .relation_name = owner ? owner->name : NULL,
        .relation_column = owner ? sequence->owner_column : NULL,
        .label = sequence->name,
    };
    object->kind = OBJECT_SEQUENCE;
    object->schema = xstrdup(sequence->schema);
    object->name = xstrdup(sequence->name);
    object->table_id = owner ? owner->table_id : 0;
    object->definition = xasprintf("%s %c", value, is_called ? 't' : 'f');
    object->private_data = pg_object_notes_write(&notes);
}

/* pg_sequences does not tell is_called: only the sequence itself does. */
static Status read_batch(Describer *describer, const SourceRelation *const *sequences, size_t count,
                         Error *err)
{
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    for (size_t i = 0; i < count; i++) {
        text_append_format(&sql, "%sselect %zu, last_value, is_called from ",
                           i ? " union all " : "", i);
        pg_quote_name(&sql, sequences[i]->schema, sequences[i]->name);
    }
    text_append(&sql, " order by 1");
    TRY(pg_query(describer->connection, text_string(&sql), &rows, err));
    if (pg_row_count(rows) != count)
        return error_set(err, STATUS_FAILED, "a sequence of the source has no value or several");
    for (size_t i = 0; i < count; i++)
        add_sequence(describer, sequences[i], pg_value(rows, i, 1), pg_is_true(rows, i, 2));
    return STATUS_OK;
}

static int compare_relations(const void *left, const void *right)
{
    const SourceRelation *a = *(const SourceRelation *const *)left;
    const SourceRelation *b = *(const SourceRelation *const *)right;
    int order = strcmp(a->schema, b->schema);
    return order ? order : strcmp(a->name, b->name);
}

Status describe_sequences(Describer *describer, Error *err)
{
    const SourceRelations *relations = &describer->relations;
    AUTO_FREE_MEMORY const SourceRelation **sequences =
        xcalloc(relations->count + 1, sizeof(const SourceRelation *));
    size_t count = 0;
    for (size_t i = 0; i < relations->count; i++) {
        if (relations->items[i].kind == 'S' && relations->items[i].is_selected)
            sequences[count++] = &relations->items[i];
    }
    qsort(sequences, count, sizeof(const SourceRelation *), compare_relations);
    for (size_t i = 0; i < count; i += SEQUENCES_MAX) {
        size_t left = count - i;
        TRY(read_batch(describer, sequences + i, left < SEQUENCES_MAX ? left : SEQUENCES_MAX, err));
    }
    return STATUS_OK;
}

/* ---- settings ---- */

static void add_setting(Describer *describer, const char *name, const char *value)
{
    Object *object = catalog_add_object(describer->catalog);
    char type[] = "DATABASE";
    const PgObjectNotes notes = {.type = type,
                                 .order = (uint32_t)describer->dump.count + object->id};
    object->kind = OBJECT_SETTING;
    object->name = xstrdup(name);
    object->definition = xstrdup(value);
    object->private_data = pg_object_notes_write(&notes);
}

static Status add_settings(Describer *describer, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(
        describer->connection,
        "select pg_encoding_to_char(d.encoding),"
        " case to_jsonb(d) ->> 'datlocprovider' when 'i' then 'icu' when 'b' then 'builtin'"
        " else 'libc' end || format(' \"%s\" \"%s\" \"%s\"', d.datcollate, d.datctype,"
        " coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'))"
        " from pg_database d where d.datname = current_database()",
        &rows, err));
    if (pg_row_count(rows) != 1)
        return error_set(err, STATUS_FAILED, "the source's database is not in its catalog");
    AUTO_FREE_MEMORY char *version = xasprintf("%d", pg_server_major(describer->connection));
    add_setting(describer, "encoding", pg_value(rows, 0, 0));
    add_setting(describer, "locale", pg_value(rows, 0, 1));
    add_setting(describer, "server_version", version);
    return STATUS_OK;
}

Status describe_data(Describer *describer, Error *err)
{
    TRY(describe_sequences(describer, err));
    return add_settings(describer, err);
}

/* ---- remarks ---- */

/* "3 (a, b, c, ...)" of the first column; a row with an OID in the second column that no carried
 * entry of class_oid made is left out. Empty when nothing is left. */
static void list_names(const Describer *describer, const PgRows *rows, uint32_t class_oid,
                       Text *ret)
{
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        const DumpEntry *entry =
            class_oid ? describer_entry(describer, class_oid, (uint32_t)pg_unsigned(rows, row, 1))
                      : NULL;
        if (class_oid && (!entry || !describer_notes(describer, entry)->is_carried))
            continue;
        if (count++ < SHOWN_MAX)
            text_append_format(&names, "%s%s", names.size ? ", " : "", pg_value(rows, row, 0));
    }
    if (count > 0)
        text_append_format(ret, "%zu (%s%s)", count, text_string(&names),
                           count > SHOWN_MAX ? ", ..." : "");
}

static Status remark(Describer *describer, const char *sql, uint32_t class_oid, Severity severity,
                     const char *message, const char *remedy, Error *err)
{
    AUTO_TEXT Text names = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(describer->connection, sql, &rows, err));
    list_names(describer, rows, class_oid, &names);
    if (names.size > 0)
        findings_add(describer->findings, severity, NULL, remedy, "%s: %s", message,
                     text_string(&names));
    return STATUS_OK;
}

static Status remark_owners(Describer *describer, Error *err)
{
    if (describer->selection->with_owner)
        return STATUS_OK;
    return remark(describer,
                  "select distinct pg_get_userbyid(c.relowner) as name from pg_class c"
                  " join pg_namespace n on n.oid = c.relnamespace"
                  " where c.relkind in ('r', 'p', 'v', 'm', 'S') and left(n.nspname, 3) <> 'pg_'"
                  " and n.nspname not in ('information_schema', 'stopover')"
                  " and c.relpersistence <> 't' and pg_get_userbyid(c.relowner) <> current_user"
                  " order by 1",
                  0, FINDING_NOTE,
                  "owners are not carried: what is new on the target will belong to the user who "
                  "migrates; other owners in the source",
                  "Use --with-owner to take them along, where the roles exist on the target.", err);
}

static Status remark_row_security(Describer *describer, Error *err)
{
    (void)err;
    AUTO_TEXT Text names = {0};
    size_t count = 0;
    for (size_t i = 0; i < describer->relations.count; i++) {
        const SourceRelation *relation = &describer->relations.items[i];
        if (!relation->is_selected || !relation->has_row_security)
            continue;
        if (count++ < SHOWN_MAX)
            text_append_format(&names, "%s%s.%s", names.size ? ", " : "", relation->schema,
                               relation->name);
    }
    if (count > 0)
        findings_add(describer->findings, FINDING_WARNING, NULL,
                     "Make sure that applications do not connect to the target as the tables' "
                     "owner, for whom it does not hold unless it is forced.",
                     "tables with row security, which the promotion switches on: %zu (%s%s)", count,
                     text_string(&names), count > SHOWN_MAX ? ", ..." : "");
    return STATUS_OK;
}

/* As pg_dump does. */
static Status remark_invalid_indexes(Describer *describer, Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    TRY(pg_query(describer->connection,
                 "select i.indrelid, x.relname from pg_index i"
                 " join pg_class x on x.oid = i.indexrelid"
                 " where not i.indisvalid and x.relkind = 'i' order by x.oid",
                 &rows, err));
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        const SourceRelation *relation =
            source_relations_find(&describer->relations, (uint32_t)pg_unsigned(rows, row, 0));
        if (!relation || !relation->is_selected)
            continue;
        AUTO_FREE_MEMORY char *object = xasprintf("index %s of %s.%s", pg_value(rows, row, 1),
                                                  relation->schema, relation->name);
        findings_add(describer->findings, FINDING_WARNING, object,
                     "Build it with REINDEX, or drop it, in the source.",
                     "it is not valid and is left behind");
    }
    return STATUS_OK;
}

Status describe_remarks(Describer *describer, Error *err)
{
    TRY(remark_invalid_indexes(describer, err));
    TRY(remark(describer,
               "select format('%s.%s', n.nspname, p.proname), p.oid from pg_proc p"
               " join pg_namespace n on n.oid = p.pronamespace"
               " where p.prosecdef and p.oid >= 16384 order by n.nspname collate \"C\","
               " p.proname collate \"C\", p.oid",
               CLASS_PROC, FINDING_WARNING,
               "functions that run with their owner's rights, and will have another owner's on the "
               "target",
               "Look at who may execute them, and at the rights of the user who migrates.", err));
    TRY(remark_row_security(describer, err));
    TRY(remark_owners(describer, err));
    TRY(remark(describer,
               "select distinct split_part(c.setting, '=', 1) as name from pg_db_role_setting s"
               " cross join unnest(s.setconfig) c(setting) join pg_database d"
               " on d.oid = s.setdatabase where d.datname = current_database() order by 1",
               0, FINDING_NOTE, "settings of the database or of roles in it are not carried",
               "Set them on the target with ALTER DATABASE ... SET or ALTER ROLE ... IN DATABASE.",
               err));
    return STATUS_OK;
}
