/*
 * What the files describe*.c share: one describe() under way. Private to them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/pg_dump.h"
#include "engine/connect/postgres/source_places.h"
#include "engine/connect/postgres/source_reach.h"
#include "engine/connect/postgres/source_relations.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

/* What is known of an entry of the dump; at the same place as the entry. */
typedef struct EntryNotes {
    const EntryKind *kind;          /* NULL: not one that we know */
    const SourceRelation *relation; /* it is on, or it is; NULL for none */
    const SourceRelation *other;    /* referenced by a foreign key */
    const Place *place;             /* of a thing that stands on a relation, or NULL */
    const char *label;              /* borrowed */
    size_t subject; /* index + 1 of the entry that a comment, ACL... is about, or 0 */
    bool is_selected;
    bool is_carried;    /* became a table or an object */
    uint32_t object_id; /* or 0 */
} EntryNotes;

typedef struct Describer {
    PgConnection *connection;
    const Selection *selection;
    const Catalog *wanted; /* of a target: the tables whose structure is asked for; else NULL */
    SourceRelations relations;
    SourcePlaces places;
    SourceReach *reach;
    Dump dump;
    EntryNotes *entries;
    PgRows *extensions;  /* OID, schema, version, and is it needed by what is selected? */
    PgRows *members;     /* of extensions: extension_members.sql */
    PgRows *shapes;      /* source_shapes.sql */
    uint32_t *by_id;     /* indexes of entries, by DumpEntry.id */
    uint32_t *by_object; /* indexes of entries, by class and OID */
    Catalog *catalog;
    Findings *findings;
} Describer;

/* The entry that makes an object of the database, or of that id in the dump; NULL for none. */
DumpEntry *describer_entry(const Describer *describer, uint32_t class_oid, uint32_t oid);
DumpEntry *describer_entry_of_id(const Describer *describer, uint32_t id);
static inline EntryNotes *describer_notes(const Describer *describer, const DumpEntry *entry)
{
    return &describer->entries[entry - describer->dump.entries];
}

/* A finding about a relation: "table public.orders". */
void describer_find(Describer *describer, Severity severity, const SourceRelation *relation,
                    const char *remedy, const char *message);

/* ---- the steps, in order ---- */

/* Chooses what is loaded through its root (trap 15). */
Status describe_roots(Describer *describer, Error *err);
/* Rights, row security, parents that are not selected. False when some may not be read: then
 * nothing else can be found out, since pg_dump locks what it looks at. */
bool describe_check_relations(Describer *describer);
/* Fills entries: what each entry of the dump is and whether it is selected. */
Status describe_resolve(Describer *describer, Error *err);
/* Of a source of rows alone: nothing is chosen that has none; tells which sequences are left out. */
void describe_choose_rows(Describer *describer);
/* Of a target, instead of the selection: chooses what is wanted, and what hangs together with it. */
void describe_choose_wanted(Describer *describer);
/* Then: tells of partitions that stay empty, refuses them where they are not now. */
Status describe_check_unfilled(Describer *describer, Error *err);
/* Adds the Tables. */
Status describe_tables(Describer *describer, Error *err);
/* The same without a dump, for reading rows: without definitions, but with their notes. */
Status describe_row_tables(Describer *describer, Error *err);
/* Adds what types of columns are made of, where they are not the server's own. */
Status describe_types(Describer *describer, Error *err);
/* Adds the Objects of the structure, and tells what is left behind. */
Status describe_objects(Describer *describer, Error *err);
/* PgObjectNotes.after_data of an entry. */
bool describe_is_after_data(const Describer *describer, const DumpEntry *entry,
                            const EntryNotes *known);
/* Sets load_late, and refuses what would read live tables while staging (trap 5). */
Status describe_reach(Describer *describer, Error *err);
/* What PgTableNotes.shape and PgObjectNotes.shape hold; the second appends that of one thing. */
Status describe_read_shapes(Describer *describer, Error *err);
void describe_add_shape(const Describer *describer, uint32_t class_oid, uint32_t oid,
                        TextList *ret);
/* Facts and private data of tables. */
Status describe_facts(Describer *describer, Error *err);
void describe_row_notes(Describer *describer); /* without facts */
/* Adds sequences' values and settings. */
Status describe_data(Describer *describer, Error *err);
Status describe_sequences(Describer *describer, Error *err);
/* What people should know: definer functions, row security, owners, settings. */
Status describe_remarks(Describer *describer, Error *err);
