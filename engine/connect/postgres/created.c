/*
 * By xmin a row shows both what was created and what was changed; so only what lies in a schema of
 * ours counts, where everything is created by us, and kinds without a schema that we never change.
 * Catalogs have no index for this: only those are scanned that a task of the class can write to.
 */
#include "engine/connect/postgres/created.h"

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/sql_fill.h"
#include "engine/connect/postgres/target.h"

/* The number of this transaction as it stands in xmin. */
#define OUR_XID "(select (pg_catalog.txid_current() % 4294967296)::text::pg_catalog.xid)"

enum {
    MAKES_RELATIONS = 1,
    MAKES_TYPES = 2,
    MAKES_CONSTRAINTS = 4,
    MAKES_STATISTICS = 8,
    MAKES_TRIGGERS = 16, /* and rules and policies */
    MAKES_OTHERS = 32,
    MAKES_ALL = 63,
};

typedef struct CatalogScan {
    unsigned makes;
    const char *catalog;
    const char *condition; /* on c */
    const char *kept;      /* the same for what was moved; NULL: no other */
} CatalogScan;

#define OUR_TYPES                                                                                  \
    "(select t.oid from pg_catalog.pg_type t where t.typnamespace in (select oid from ours))"

static const CatalogScan scans[] = {
    {MAKES_OTHERS, "pg_namespace", "c.oid in (select oid from ours)", NULL},
    {MAKES_RELATIONS, "pg_class", "c.relnamespace in (select oid from ours)", NULL},
    {MAKES_TYPES, "pg_type", "c.typnamespace in (select oid from ours)", NULL},
    /* NOT NULL counts as one since version 18: as before, it is a part of its table. */
    {MAKES_CONSTRAINTS, "pg_constraint",
     "c.contype <> 'n' and c.connamespace in (select oid from ours)", NULL},
    {MAKES_STATISTICS, "pg_statistic_ext", "c.stxnamespace in (select oid from ours)", NULL},
    {MAKES_TRIGGERS, "pg_trigger",
     "not c.tgisinternal and (select r.relnamespace from pg_catalog.pg_class r"
     " where r.oid = c.tgrelid) in (select oid from ours)",
     NULL},
    {MAKES_TRIGGERS, "pg_rewrite",
     "c.rulename <> '_RETURN' and (select r.relnamespace from pg_catalog.pg_class r"
     " where r.oid = c.ev_class) in (select oid from ours)",
     NULL},
    {MAKES_TRIGGERS, "pg_policy",
     "(select r.relnamespace from pg_catalog.pg_class r"
     " where r.oid = c.polrelid) in (select oid from ours)",
     NULL},
    {MAKES_OTHERS, "pg_proc", "c.pronamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_operator", "c.oprnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_opclass", "c.opcnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_opfamily", "c.opfnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_collation", "c.collnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_conversion", "c.connamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_ts_config", "c.cfgnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_ts_dict", "c.dictnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_ts_parser", "c.prsnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_ts_template", "c.tmplnamespace in (select oid from ours)", NULL},
    {MAKES_OTHERS, "pg_extension", "true", "false"},
    {MAKES_OTHERS, "pg_cast",
     "not exists (select 1 from pg_catalog.pg_depend d where d.deptype = 'e'"
     " and d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid)",
     "(c.castsource in " OUR_TYPES " or c.casttarget in " OUR_TYPES ")"},
    {MAKES_OTHERS, "pg_transform",
     "not exists (select 1 from pg_catalog.pg_depend d where d.deptype = 'e'"
     " and d.classid = 'pg_catalog.pg_transform'::pg_catalog.regclass and d.objid = c.oid)",
     "c.trftype in " OUR_TYPES},
};

static const char prologue_sql[] =
    "with ours as ("
    " select n.oid from pg_catalog.pg_namespace n"
    " where n.nspname::text ~ ('_staging_' || :id || '$') and (n.xmin = " OUR_XID " or exists ("
    " select 1 from stopover.object o where o.run = :run and o.attempt = :attempt"
    " and o.class_oid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.object_oid = n.oid)))"
    " insert into stopover.object (run, attempt, class_oid, object_oid, kind, name, task)"
    " select :run, :attempt, f.class_oid, f.oid, i.type, i.identity, nullif(:task, 0) from (";

static const char epilogue_sql[] =
    ") f, lateral pg_catalog.pg_identify_object(f.class_oid, f.oid, 0) i"
    " where i.identity is not null on conflict do nothing";

static unsigned makes(const Task *task)
{
    if (task == NULL)
        return MAKES_ALL;
    if (task->object_id == 0 && task->task_class != TASK_CREATE)
        return 0; /* ANALYZE, settings, privileges: half of all tasks */
    switch (task->task_class) {
    case TASK_CREATE:
        return task->table_id == 0 ? MAKES_ALL : MAKES_RELATIONS | MAKES_TYPES | MAKES_CONSTRAINTS;
    case TASK_INDEX:
        return MAKES_RELATIONS | MAKES_STATISTICS;
    case TASK_CONSTRAINT:
        return MAKES_RELATIONS | MAKES_CONSTRAINTS | MAKES_STATISTICS;
    case TASK_FOREIGN_KEY:
        return MAKES_CONSTRAINTS;
    case TASK_TRIGGER:
        return MAKES_TRIGGERS;
    case TASK_VIEW:
        return MAKES_ALL;
    case TASK_SEQUENCE:
    case TASK_STATISTICS:
        return 0;
    }
    return MAKES_ALL;
}

/* "select class, oid from each" of the catalogs that count, as one. */
static void append_scans(Text *sql, unsigned wanted)
{
    const char *joint = "";

    for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        if ((scans[i].makes & wanted) == 0)
            continue;
        text_append_format(sql,
                           "%sselect 'pg_catalog.%s'::pg_catalog.regclass as class_oid, c.oid"
                           " from pg_catalog.%s c where c.xmin = %s and %s",
                           joint, scans[i].catalog, scans[i].catalog, OUR_XID, scans[i].condition);
        joint = " union all ";
    }
}

void created_append(Text *sql, const RunIdentity *identity, const Task *task)
{
    const SqlValue id = {.name = "task", .number = task == NULL ? 0 : task->id};
    unsigned wanted = makes(task);

    if (wanted == 0)
        return;
    sql_fill(sql, prologue_sql, identity, &id, 1);
    append_scans(sql, wanted);
    text_append(sql, epilogue_sql);
}

/* ---- what is kept ---- */

static const char kept_sql[] =
    "with ours as ("
    " select n.oid from pg_catalog.pg_namespace n"
    " where n.nspname::text ~ ('_' || :role || '_' || :id || '$') and (n.xmin = " OUR_XID
    " or exists (select from stopover.object o where o.run = :run and o.attempt = :attempt"
    " and o.class_oid = 'pg_catalog.pg_namespace'::regclass and o.object_oid = n.oid"
    " and o.role = :role)))"
    " insert into stopover.object (run, attempt, class_oid, object_oid, kind, name, role)"
    " select :run, :attempt, f.class_oid, f.oid, '', '', :role from (";

/* Without names: others wait meanwhile. */
static const char kept_end_sql[] =
    ") f on conflict (run, attempt, class_oid, object_oid) do update set role = excluded.role";

Status created_record_kept(PgConnection *connection, const RunIdentity *identity, NameRole role,
                           Error *err)
{
    const SqlValue word = {.name = "role", .text = name_role_word(role)};
    const char *joint = "";
    AUTO_TEXT Text sql = {0};

    sql_fill(&sql, kept_sql, identity, &word, 1);
    for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        const CatalogScan *scan = &scans[i];

        text_append_format(&sql,
                           "%sselect 'pg_catalog.%s'::pg_catalog.regclass as class_oid, c.oid"
                           " from pg_catalog.%s c where %s",
                           joint, scan->catalog, scan->catalog,
                           scan->kept != NULL ? scan->kept : scan->condition);
        joint = " union all ";
    }
    text_append(&sql, kept_end_sql);
    return pg_run(connection, text_string(&sql), err);
}

Status pg_record_created(PgConnection *connection, const RunIdentity *identity, const Task *task,
                         Error *err)
{
    AUTO_TEXT Text sql = {0};

    created_append(&sql, identity, task);
    return sql.size == 0 ? STATUS_OK : pg_run(connection, text_string(&sql), err);
}
