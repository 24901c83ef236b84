/*
 * What a PostgreSQL database holds, as a catalog.
 *
 *  - Tables: relations that carry rows, in the order of the dump: ordinary tables, leaf partitions,
 *    and partitioned tables that are loaded through themselves (trap 15) instead of their leaves.
 *    Table.definition is their TABLE entry of pg_dump, Table.private_data PgTableNotes.
 *  - Objects: first every other entry that is carried or kept for the promotion, in the order of the
 *    dump, with PgObjectNotes; Object.table_id is the Table it is on: its own, of a partition that
 *    is loaded through its root that root. Then what follows the data, also with notes:
 *      OBJECT_SEQUENCE  notes.type "SEQUENCE SET"; definition "LAST_VALUE t|f" (is_called);
 *      OBJECT_SETTING   notes.type "DATABASE"; "encoding": "UTF8"; "locale":
 *                       "PROVIDER COLLATE CTYPE LOCALE", words in double quotes, PROVIDER one of
 *                       libc, icu, builtin;
 *                       "server_version": "15".
 *      OBJECT_SETTING   notes.type "TYPE", with data_only and of a target: what a type of a column is
 *                       made of: see describe_types.c.
 *  - Findings: everything that is left behind, refused, or to be known.
 * With Selection.data_only: tables without definitions and facts, and what follows the data of them.
 */
#pragma once

#include "engine/base/text.h"
#include "engine/connect/postgres/address.h"
#include "engine/connect/postgres/connection.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"

/*
 * As Source.describe. snapshot: the exported id of the snapshot that the connection's open
 * transaction reads. NULL: a transaction of its own is opened, and closed again; then the connection
 * must have none. selection NULL: everything.
 */
Status pg_describe(PgConnection *connection, const PgAddress *address, const char *snapshot,
                   const Selection *selection, Catalog *ret, Findings *findings, Error *err);

/*
 * The structure of a target's live tables that have the names of those in `wanted`, the catalog of a
 * source. Tables, objects and findings as above, but only of these tables, of partitioned tables above
 * them and all partitions of those; without grants and settings. A partition that no table in `wanted`
 * has the name of is an object, as partitioned tables are. The connection's open transaction reads the
 * snapshot. Which tables are missing, or of another kind, the caller sees from the catalog.
 */
Status pg_describe_target(PgConnection *connection, const PgAddress *address, const char *snapshot,
                          const Catalog *wanted, Catalog *ret, Findings *findings, Error *err);

/*
 * The relations that hold() has to lock: all ordinary and partitioned tables of the selection, in
 * order of their OIDs: "schema"."name" in one list, and in the other, at the same places, the OIDs
 * as decimal text. To be asked again under the snapshot: the same lists mean that all is locked.
 */
Status pg_describe_lock_list(PgConnection *connection, const Selection *selection,
                             TextList *ret_names, TextList *ret_oids, Error *err);
