/*
 * A migration between two databases of one throw-away PostgreSQL server, as far as it goes: for unit
 * tests of the target side. Every call fails the test when it fails; what should fail is called on
 * the parts.
 */
#pragma once

#include "engine/base/text.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"
#include "tests/support/pg_cluster.h"

typedef struct PgMigration {
    PgCluster *cluster;
    char from[16];
    char to[16];
    Selection selection;
    Source *source;
    Target *target;
    RunIdentity identity;
    Plan plan;
    Findings findings;
    bool is_held;
} PgMigration;

/* Two fresh databases with this in them, and both ends opened. */
void pg_migration_open(PgMigration *migration, PgCluster *cluster, const char *source_sql,
                       const char *target_sql);
/* Only the ends anew, as another process would. */
void pg_migration_reopen(PgMigration *migration);
void pg_migration_close(PgMigration *migration);

void pg_migration_describe(PgMigration *migration);  /* holds the source; the catalog */
void pg_migration_preflight(PgMigration *migration); /* findings */
void pg_migration_plan(PgMigration *migration);      /* all of these, and tasks: no refusal */
void pg_migration_claim(PgMigration *migration);
void pg_migration_copy(PgMigration *migration);  /* chunks and tasks, with two workers */
void pg_migration_stage(PgMigration *migration); /* all of it */
void pg_migration_check(PgMigration *migration); /* findings of check_schema only */
Outcome pg_migration_outcome(PgMigration *migration);
void pg_migration_drop(PgMigration *migration);

void pg_migration_source_sql(PgMigration *migration, const char *sql);
void pg_migration_target_sql(PgMigration *migration, const char *sql);
/* With ~ in it as "_staging_ID". */
void pg_migration_staging_sql(PgMigration *migration, const char *sql);
char *pg_migration_ask(PgMigration *migration, const char *sql); /* of the target, likewise; free */
void pg_migration_expect(PgMigration *migration, const char *sql, const char *answer);

/* A finding of that severity about the object (NULL: any) that holds the words, or NULL. */
const Finding *pg_migration_finding(const PgMigration *migration, Severity severity,
                                    const char *object, const char *words);
void pg_migration_expect_refusal(const PgMigration *migration, const char *object,
                                 const char *words);
