/*
 * What the files that plan the staging share: the catalog's entries in the order of the dump, and how
 * an entry becomes a task. Private to staging_*.c.
 */
#pragma once

#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/staging_map.h"
#include "engine/flow/plan.h"

/* One entry of the dump: a table or an object. */
typedef struct StagingItem {
    uint32_t order;
    Table *table;         /* or NULL */
    const Object *object; /* or NULL */
    PgObjectNotes notes;  /* of the object */
    const EntryKind *kind;
} StagingItem;

typedef struct StagingPartitions StagingPartitions;

typedef struct StagingWork {
    const RunIdentity *identity;
    Plan *plan;
    StagingMap map;
    StagingItem *items; /* in the order of the dump */
    size_t count;
    size_t capacity;
    size_t post_data;     /* index of the first item of post-data */
    uint32_t *task_of;    /* by object id: the task after which it is there, or 0 */
    PgTableNotes *tables; /* by table id - 1 */
    StagingPartitions *partitions;
    uint32_t last_in_chain;  /* id of the last task of pre-data, or 0 */
    unsigned server_version; /* major, of the target */
} StagingWork;

/* What the item is, in words: "table public.orders", "trigger t of public.orders". The caller frees. */
char *staging_item_name(const StagingItem *item);

/* What its definition says in the source's words, with the search_path that it needs in staging. */
Status staging_source_text(const Object *object, const PgObjectNotes *notes, Text *ret, Error *err);

/* What an item's statements begin with when a path tells overloads apart (retarget_on_path()). */
#define STAGING_PATH_HEAD "SET LOCAL search_path = "

/* Appends the item's statements in the target's words. */
Status staging_item_text(const StagingWork *work, const StagingItem *item, Text *ret, Error *err);

/* One of our own: the class, its table and its words; the statement is taken over. */
Task *staging_add_task(StagingWork *work, TaskClass task_class, uint32_t table_id, char *name,
                       char *statement);

/* Is it run when the tables are promoted, or made by other means? Then it has no task of its own. */
bool staging_item_is_left(const StagingItem *item);

/* The table whose rows it waits for, or 0: its own, or the partitioned one that takes the rows of its
 * partition. */
uint32_t staging_item_table(const StagingWork *work, const StagingItem *item);

/* Puts the entries that attach partitions last in pre-data, in an order that never scans rows. */
void staging_order_partitions(StagingWork *work);
void staging_partitions_free(StagingPartitions *partitions);
/* Is the relation attached to a partitioned table that is migrated, too? */
bool staging_is_attached(const StagingWork *work, const char *schema, const char *name);

/* From the first item of post-data on. */
Status staging_plan_post_data(StagingWork *work, Error *err);

/* What follows the data: statistics, contents of materialized views, sequences. */
Status staging_plan_contents(StagingWork *work, Error *err);

/* Takes "VALUE t" or "VALUE f" apart; false when it is something else. */
bool staging_sequence_value(const char *definition, char **ret_value, bool *ret_called);
