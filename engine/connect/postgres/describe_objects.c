/*
 * The objects of the catalog: every entry of the dump that is carried or kept for the promotion, in
 * the order of the dump; and what is said about those that are neither.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/describer.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/flow/names.h"

enum {
    SHOWN_MAX = 3, /* names in one finding */
};

/* What is left behind, by the words that are said about it. */
typedef struct LeftBehind {
    const EntryKind *kind; /* the first of these words */
    size_t count;
    TextList names; /* the first few */
} LeftBehind;

typedef struct Left {
    LeftBehind *items;
    size_t count;
    size_t capacity;
    size_t grants; /* entries of privileges that were dropped or cut */
} Left;

static void left_release(Left *left)
{
    for (size_t i = 0; i < left->count; i++)
        text_list_release(&left->items[i].names);
    free(left->items);
}

static bool is_type(const DumpEntry *entry, const char *type)
{
    return strcmp(entry->type, type) == 0;
}

static char *lower_case_type(const DumpEntry *entry)
{
    char *type = xstrdup(entry->type);
    for (char *at = type; *at; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    }
    return type;
}

static char *display_name(const DumpEntry *entry)
{
    return entry->schema ? xasprintf("%s.%s", entry->schema, entry->name) : xstrdup(entry->name);
}

static char *display_entry(const DumpEntry *entry)
{
    AUTO_FREE_MEMORY char *type = lower_case_type(entry);
    AUTO_FREE_MEMORY char *name = display_name(entry);
    return xasprintf("%s %s", type, name);
}

/* ---- what is left behind ---- */

static void leave_behind(Left *left, const DumpEntry *entry, const EntryKind *kind)
{
    AUTO_FREE_MEMORY char *name = display_name(entry);
    LeftBehind *found = NULL;
    for (size_t i = 0; i < left->count && !found; i++) {
        if (strcmp(left->items[i].kind->words, kind->words) == 0)
            found = &left->items[i];
    }
    if (!found) {
        GROW(left->items, left->count, left->capacity);
        found = &left->items[left->count++];
        *found = (LeftBehind){.kind = kind};
    }
    found->count++;
    if (found->names.count < SHOWN_MAX)
        text_list_add(&found->names, name);
}

static void tell_left_behind(Describer *describer, const Left *left)
{
    for (size_t i = 0; i < left->count; i++) {
        const LeftBehind *item = &left->items[i];
        AUTO_TEXT Text names = {0};
        for (size_t j = 0; j < item->names.count; j++)
            text_append_format(&names, "%s%s", j ? ", " : "", item->names.items[j]);
        findings_add(describer->findings, FINDING_WARNING, NULL, item->kind->remedy,
                     "%s are left behind: %zu (%s%s)", item->kind->words, item->count,
                     text_string(&names), item->count > item->names.count ? ", ..." : "");
    }
    if (left->grants > 0)
        findings_add(describer->findings, FINDING_NOTE, NULL,
                     "Use --with-acl to take them along, where the roles exist on the target.",
                     "grants are not carried, only what was revoked from PUBLIC is: %zu objects "
                     "have some",
                     left->grants);
}

/* ---- privileges (trap 13) ---- */

/* REVOKE ... FROM PUBLIC; and the GRANT ... TO PUBLIC behind it, which leaves the rest of it. */
static bool is_about_public(const char *statement, bool *ret_revokes)
{
    Error ignored = {0}; /* what cannot be read is not kept */
    SqlLexer lexer = {0};
    SqlToken token = {0};
    bool after_to = false;
    bool is_public = false;
    bool is_first = true;
    sql_lexer_begin(&lexer, statement, strlen(statement));
    while (sql_lexer_next(&lexer, &token, &ignored) == STATUS_OK && token.kind != SQL_END) {
        if (token.kind == SQL_SPACE)
            continue;
        if (is_first)
            *ret_revokes = sql_is_word(&token, "revoke");
        is_first = false;
        is_public = is_public || (after_to && sql_is_word(&token, "public"));
        after_to = sql_is_word(&token, "from") || sql_is_word(&token, "to");
    }
    return is_public;
}

/* Schemas on the target keep their own privileges; new ones give PUBLIC none. */
static Status keep_public_only(const DumpEntry *entry, Text *ret, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};
    bool has_revoked = false;
    if (strncmp(entry->name, "SCHEMA ", 7) == 0)
        return STATUS_OK;
    TRY(split_statements(entry->text, &statements, err));
    for (size_t i = 0; i < statements.count; i++) {
        bool revokes = false;
        if (!is_about_public(statements.items[i], &revokes))
            continue;
        has_revoked = has_revoked || revokes;
        if (has_revoked)
            text_append_format(ret, "%s%s", ret->size ? "\n" : "", statements.items[i]);
    }
    return STATUS_OK;
}

/* ---- what comes first ---- */

static void add_after(const Describer *describer, const DumpEntry *entry, PgObjectNotes *notes,
                      size_t *capacity)
{
    uint32_t id = entry && entry->is_post_data ? describer_notes(describer, entry)->object_id : 0;
    for (size_t i = 0; i < notes->after_count; i++) {
        if (notes->after[i] == id)
            return;
    }
    if (id == 0)
        return;
    GROW(notes->after, notes->after_count, *capacity);
    notes->after[notes->after_count++] = id;
}

/* The index of a key has no entry of its own: that of its constraint makes it. */
static const DumpEntry *entry_that_makes(const Describer *describer, Thing thing)
{
    const DumpEntry *entry = describer_entry(describer, thing.class_oid, thing.oid);
    size_t count = 0;
    if (entry || thing.class_oid != CLASS_RELATION)
        return entry;
    const Thing *needs = source_reach_needs(describer->reach, thing, &count);
    for (size_t i = 0; i < count && !entry; i++) {
        if (needs[i].class_oid == CLASS_CONSTRAINT)
            entry = describer_entry(describer, needs[i].class_oid, needs[i].oid);
    }
    return entry;
}

/* A content is filled after those it reads, through views and functions, and into its indexes. */
static void add_after_content(const Describer *describer, const DumpEntry *entry,
                              PgObjectNotes *notes, size_t *capacity)
{
    AUTO_THINGS Things reached = {0};
    source_reach_walk(describer->reach, (Thing){CLASS_RELATION, entry->oid}, &reached);
    for (size_t i = 0; i < describer->dump.count; i++) {
        const DumpEntry *other = &describer->dump.entries[i];
        if (other == entry)
            continue;
        const Place *place = describer->entries[i].place;
        bool is_index = place && place->kind == PLACE_INDEX && place->relation == entry->oid;
        bool is_read = false;
        for (size_t j = 0; j < reached.count && !is_index && !is_read; j++)
            is_read = reached.items[j].class_oid == CLASS_RELATION &&
                      reached.items[j].oid == other->oid &&
                      is_type(other, "MATERIALIZED VIEW DATA");
        if (is_index || is_read)
            add_after(describer, other, notes, capacity);
    }
    add_after(describer, describer_entry(describer, CLASS_RELATION, entry->oid), notes, capacity);
}

static void find_after(const Describer *describer, const DumpEntry *entry, const EntryNotes *known,
                       PgObjectNotes *notes)
{
    size_t capacity = 0;
    size_t count = 0;
    Thing thing = {entry->class_oid, entry->oid};
    if (!entry->is_post_data)
        return;
    if (is_type(entry, "MATERIALIZED VIEW DATA"))
        add_after_content(describer, entry, notes, &capacity);
    if (is_type(entry, "INDEX ATTACH") && known->place) {
        thing = (Thing){known->place->class_oid, known->place->oid};
        add_after(describer, entry_that_makes(describer, thing), notes, &capacity);
    }
    const Thing *needs = source_reach_needs(describer->reach, thing, &count);
    for (size_t i = 0; i < count; i++)
        add_after(describer, entry_that_makes(describer, needs[i]), notes, &capacity);
    if (known->subject)
        add_after(describer, &describer->dump.entries[known->subject - 1], notes, &capacity);
    for (size_t i = 0; i < entry->after_count; i++)
        add_after(describer, describer_entry_of_id(describer, entry->after[i]), notes, &capacity);
}

/* ---- objects ---- */

/* The table that the entry is on: of a sequence its owner; not the relation that it makes. */
static const SourceRelation *relation_under(const Describer *describer, const DumpEntry *entry,
                                            const EntryNotes *known)
{
    const SourceRelation *relation = known->relation;
    bool is_it = entry->class_oid == CLASS_RELATION && relation && relation->oid == entry->oid;
    if (relation && relation->kind == 'S')
        return source_relations_find(&describer->relations, relation->owner);
    return is_it || is_type(entry, "MATERIALIZED VIEW DATA") ? NULL : relation;
}

static uint32_t table_of(const Describer *describer, const DumpEntry *entry,
                         const EntryNotes *known)
{
    const SourceRelation *under = relation_under(describer, entry, known);
    const SourceRelation *relation = under ? under : known->relation;
    return relation ? relation->table_id : 0;
}

static void find_extension(const Describer *describer, uint32_t oid, char **ret_schema,
                           char **ret_version)
{
    const PgRows *rows = describer->extensions;
    for (size_t row = 0; row < pg_row_count(rows); row++) {
        if (pg_unsigned(rows, row, 0) != oid)
            continue;
        *ret_schema = xstrdup(pg_value(rows, row, 1));
        *ret_version = xstrdup(pg_value(rows, row, 2));
        return;
    }
}

/* The rest cannot be overloaded, and is found in the target once the extension is there. */
static void add_members(const Describer *describer, const char *name, const char *schema,
                        TextList *ret)
{
    const PgRows *rows = describer->members;
    for (size_t row = 0; rows && schema && row < pg_row_count(rows); row++) {
        unsigned spaces = (unsigned)pg_unsigned(rows, row, 3);
        if (strcmp(pg_value(rows, row, 0), name) != 0 ||
            strcmp(pg_value(rows, row, 1), schema) != 0 ||
            (spaces & (SPACE_ROUTINE | SPACE_OPERATOR)) == 0)
            continue;
        AUTO_FREE_MEMORY char *member = xasprintf("%u %s", spaces, pg_value(rows, row, 2));
        text_list_add(ret, member);
    }
}

static void write_notes(Describer *describer, const DumpEntry *entry, const EntryNotes *known,
                        Object *object)
{
    const SourceRelation *under = relation_under(describer, entry, known);
    AUTO_FREE_MEMORY char *schema = NULL;
    AUTO_FREE_MEMORY char *version = NULL;
    if (is_type(entry, "EXTENSION"))
        find_extension(describer, entry->oid, &schema, &version);
    PgObjectNotes notes = {
        .order = (uint32_t)(entry - describer->dump.entries) + 1,
        .type = entry->type,
        .relation_schema = under ? under->schema : NULL,
        .relation_name = under ? under->name : NULL,
        .label = object->name,
        .other_table_id = known->other ? known->other->table_id : 0,
        .after_data = describe_is_after_data(describer, entry, known),
        .extension_version = version,
        .extension_schema = schema,
    };
    describe_add_shape(describer, entry->class_oid, entry->oid, &notes.shape);
    find_after(describer, entry, known, &notes);
    if (is_type(entry, "EXTENSION"))
        add_members(describer, entry->name, schema, &notes.extension_members);
    object->private_data = pg_object_notes_write(&notes);
    text_list_release(&notes.extension_members);
    free(notes.after);
    text_list_release(&notes.shape);
}

static void add_object(Describer *describer, const DumpEntry *entry, const char *definition)
{
    Error bad = {0};
    EntryNotes *known = describer_notes(describer, entry);
    Object *object = catalog_add_object(describer->catalog);
    object->kind = known->kind->object_kind;
    object->schema = xstrdup(entry->schema);
    object->name = xstrdup(known->label);
    object->table_id = table_of(describer, entry, known);
    object->definition = xstrdup(definition);
    write_notes(describer, entry, known, object);
    known->object_id = object->id;
    known->is_carried = true;
    if (name_check(object_kind_name(object->kind), object->name, &bad) != STATUS_OK)
        findings_add(describer->findings, FINDING_REFUSAL, NULL, "Rename it in the source.", "%s",
                     bad.message);
}

/* May it be left out without a word? With what it is about, or is on, which has its own. */
static bool goes_with_another(const Describer *describer, const DumpEntry *entry,
                              const EntryNotes *known)
{
    if (known->subject && !describer->entries[known->subject - 1].is_carried)
        return true;
    if (strncmp(entry->type, "PUBLICATION ", 12) == 0)
        return true;
    return known->relation && known->relation->kind == 'f' && !is_type(entry, "FOREIGN TABLE");
}

static void refuse_reference(Describer *describer, const DumpEntry *entry, const EntryNotes *known)
{
    AUTO_FREE_MEMORY char *object = xasprintf("foreign key %s of %s.%s", known->label,
                                              known->relation->schema, known->relation->name);
    (void)entry;
    if (describer->selection->lenient) {
        findings_add(describer->findings, FINDING_NOTE, object, NULL,
                     "left out: it references table %s.%s, which is not selected",
                     known->other->schema, known->other->name);
        return;
    }
    findings_add(describer->findings, FINDING_REFUSAL, object,
                 "Select both tables, or leave out the one with the foreign key, too.",
                 "it references table %s.%s, which is not selected", known->other->schema,
                 known->other->name);
}

static Status carry(Describer *describer, const DumpEntry *entry, Left *left, Error *err)
{
    AUTO_TEXT Text kept = {0};
    const EntryNotes *known = describer_notes(describer, entry);
    const char *definition = entry->text;
    if (known->other && !known->other->is_selected) {
        refuse_reference(describer, entry, known);
        return STATUS_OK;
    }
    if (is_type(entry, "ACL") && describer->wanted)
        return STATUS_OK; /* they stay, with the owner (trap 11) */
    if (is_type(entry, "ACL") && !describer->selection->with_acl) {
        left->grants++;
        TRY(keep_public_only(entry, &kept, err));
        if (kept.size == 0)
            return STATUS_OK;
        definition = text_string(&kept);
    }
    add_object(describer, entry, definition);
    return STATUS_OK;
}

static void refuse(Describer *describer, const DumpEntry *entry, const char *message,
                   const char *remedy)
{
    AUTO_FREE_MEMORY char *object = display_entry(entry);
    findings_add(describer->findings, FINDING_REFUSAL, object, remedy, "%s", message);
}

static Status settle(Describer *describer, const DumpEntry *entry, Left *left, Error *err)
{
    const EntryNotes *known = describer_notes(describer, entry);
    if (known->is_carried || !known->is_selected || goes_with_another(describer, entry, known))
        return STATUS_OK;
    if (!known->kind) {
        refuse(describer, entry, "it is of a kind that this version does not know",
               "Drop it in the source, or use a newer version of this program.");
        return STATUS_OK;
    }
    switch (known->kind->fate) {
    case KIND_CARRIED:
    case KIND_AT_PROMOTION:
        return carry(describer, entry, left, err);
    case KIND_SKIPPED:
        leave_behind(left, entry, known->kind);
        return STATUS_OK;
    case KIND_REFUSED:
        refuse(describer, entry, "objects of this kind cannot be carried", known->kind->remedy);
        return STATUS_OK;
    case KIND_IGNORED:
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* A content may read, through functions, one that comes after it in the dump. */
static void link_contents(Describer *describer)
{
    for (size_t i = 0; i < describer->dump.count; i++) {
        const DumpEntry *entry = &describer->dump.entries[i];
        const EntryNotes *known = &describer->entries[i];
        if (!is_type(entry, "MATERIALIZED VIEW DATA") || known->object_id == 0)
            continue;
        Object *object = &describer->catalog->objects[known->object_id - 1];
        free(object->private_data);
        write_notes(describer, entry, known, object);
    }
}

Status describe_objects(Describer *describer, Error *err)
{
    __attribute__((cleanup(left_release))) Left left = {0};
    for (size_t i = 0; i < describer->dump.count; i++)
        TRY(settle(describer, &describer->dump.entries[i], &left, err));
    link_contents(describer);
    tell_left_behind(describer, &left);
    return STATUS_OK;
}
