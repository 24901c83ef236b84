/*
 * What the source names and the target must have or must not have.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/named_roles.h"
#include "engine/connect/postgres/preflight_parts.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/sql_fill.h"

/* ---- our schemas ---- */

Status preflight_schemas(const Preflight *preflight, Error *err)
{
    AUTO_FREE_MEMORY char *names = preflight_json(&preflight->map->staging);
    const SqlValue value = {.name = "names", .text = names};
    AUTO_TEXT Text sql = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    bool exists = false;

    TRY(pg_control_exists(preflight->connection, &exists, err));
    sql_fill(&sql,
             "select n.nspname from pg_catalog.pg_namespace n where n.nspname in"
             " (select pg_catalog.json_array_elements_text(:names::json))",
             preflight->identity, &value, 1);
    if (exists)
        sql_fill(&sql,
                 " and not exists (select from stopover.object o where o.run = :run"
                 " and o.class_oid = 'pg_catalog.pg_namespace'::regclass"
                 " and o.object_oid = n.oid)",
                 preflight->identity, NULL, 0);
    TRY(pg_query(preflight->connection, text_string(&sql), &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object = xasprintf("schema %s", pg_value(rows, i, 0));

        findings_add(preflight->findings, FINDING_REFUSAL, object,
                     "Rename it, or drop it if it is a leftover that nobody needs.",
                     "is in the target, has the name of a staging schema, and is not ours");
    }
    return STATUS_OK;
}

/* ---- extensions ---- */

static void check_installed(const Preflight *preflight, const StagedExtension *extension,
                            const char *object)
{
    if (extension->version != NULL && strcmp(extension->version, extension->installed_version) != 0)
        findings_add(preflight->findings, FINDING_WARNING, object,
                     "Make sure that both behave alike, or update the older one.",
                     "is of version %s in the source and of version %s in the target",
                     extension->version, extension->installed_version);
}

static void check_missing(const Preflight *preflight, const StagedExtension *extension,
                          const char *object)
{
    AUTO_FREE_MEMORY char *remedy =
        xasprintf("Install the package that has it on the target's server (as postgresql-%d-%s, or "
                  "postgresql-contrib), or choose a service that offers it.",
                  pg_server_major(preflight->connection), extension->name);

    if (!extension->is_available)
        findings_add(preflight->findings, FINDING_REFUSAL, object, remedy,
                     "is not available on the target's server");
    else if (extension->version != NULL && !extension->is_version_available)
        findings_add(preflight->findings, FINDING_WARNING, object,
                     "Make sure that both behave alike, or install that version.",
                     "version %s of the source is not available on the target: its default "
                     "version will be created",
                     extension->version);
}

/* Services let others than superusers create some of them: no refusal. */
static Status check_superuser(const Preflight *preflight, const StagedExtension *extension,
                              const char *object, Error *err)
{
    const char *parameters[] = {extension->name};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    if (preflight->is_superuser || !extension->is_available)
        return STATUS_OK;
    TRY(pg_query_bound(
        preflight->connection,
        "select 1 from pg_catalog.pg_available_extension_versions v"
        " join pg_catalog.pg_available_extensions e"
        " on e.name = v.name and e.default_version = v.version where v.name = $1"
        " and v.superuser and coalesce(pg_catalog.to_jsonb(v) ->> 'trusted', 'false')"
        " <> 'true'",
        parameters, 1, &rows, err));
    if (pg_row_count(rows) > 0)
        findings_add(preflight->findings, FINDING_WARNING, object,
                     "Have it created in the target before, if staging is refused.",
                     "has to be created in the target, which usually takes a superuser");
    return STATUS_OK;
}

Status preflight_extensions(const Preflight *preflight, Error *err)
{
    for (size_t i = 0; i < preflight->map->extension_count; i++) {
        const StagedExtension *extension = &preflight->map->extensions[i];
        AUTO_FREE_MEMORY char *object = xasprintf("extension %s", extension->name);

        if (extension->installed_schema != NULL) {
            check_installed(preflight, extension, object);
            continue;
        }
        check_missing(preflight, extension, object);
        TRY(check_superuser(preflight, extension, object, err));
    }
    return STATUS_OK;
}

/* ---- roles ---- */

static void collect_roles(const Preflight *preflight, TextList *owners, TextList *all)
{
    catalog_owner_roles(preflight->catalog, owners);
    for (size_t i = 0; i < owners->count; i++)
        text_list_add(all, owners->items[i]);
    for (size_t i = 0; i < preflight->catalog->object_count; i++) {
        const char *definition = preflight->catalog->objects[i].definition;

        if (definition != NULL &&
            (strncmp(definition, "GRANT", 5) == 0 || strncmp(definition, "REVOKE", 6) == 0 ||
             strncmp(definition, "CREATE POLICY", strlen("CREATE POLICY")) == 0))
            add_granted_roles(definition, all);
    }
}

static void report_role(const Preflight *preflight, const TextList *owners, const char *name,
                        bool exists, bool is_member)
{
    AUTO_FREE_MEMORY char *object = xasprintf("role %s", name);

    if (!exists)
        findings_add(preflight->findings, FINDING_REFUSAL, object,
                     "Create the role on the target's server; without --with-owner and --with-acl "
                     "only policies name roles.",
                     "does not exist on the target, and the source's owners, grants or policies "
                     "name it");
    else if (!is_member && text_list_has(owners, name))
        findings_add(preflight->findings, FINDING_REFUSAL, object,
                     "Grant us this role on the target, or migrate without --with-owner.",
                     "owns something in the source, and we may not make it an owner in the target");
}

Status preflight_roles(const Preflight *preflight, Error *err)
{
    AUTO_TEXT_LIST TextList owners = {0};
    AUTO_TEXT_LIST TextList all = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    collect_roles(preflight, &owners, &all);
    if (all.count == 0)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *names = preflight_json(&all);
    const char *parameters[] = {names};

    TRY(pg_query_bound(preflight->connection,
                       "select w.name, r.oid is not null,"
                       " coalesce(pg_catalog.pg_has_role(current_user, r.oid, 'member'), false)"
                       " from pg_catalog.json_array_elements_text($1::json) w(name)"
                       " left join pg_catalog.pg_roles r on r.rolname = w.name order by 1",
                       parameters, 1, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++)
        report_role(preflight, &owners, pg_value(rows, i, 0), pg_is_true(rows, i, 1),
                    pg_is_true(rows, i, 2));
    return STATUS_OK;
}

/* ---- types ---- */

/* Of an extension that is still to be created? Its types come with it. */
static bool may_come(const Preflight *preflight, const char *type)
{
    for (size_t i = 0; i < preflight->map->extension_count; i++) {
        const StagedExtension *extension = &preflight->map->extensions[i];
        AUTO_FREE_MEMORY char *prefix = NULL;

        if (extension->installed_schema != NULL || extension->schema == NULL)
            continue;
        prefix = xasprintf("%s.", extension->schema);
        if (strncmp(type, prefix, strlen(prefix)) == 0 || type[0] == '"')
            return true;
    }
    return false;
}

/* Types of columns that are neither migrated nor built in: "public.mood". */
static Status collect_types(const Preflight *preflight, TextList *ret, Error *err)
{
    for (size_t i = 0; i < preflight->catalog->table_count; i++) {
        const Table *table = &preflight->catalog->tables[i];

        for (size_t j = 0; j < table->column_count; j++) {
            const char *type = table->columns[j].type;
            AUTO_TEXT Text mapped = {0};
            AUTO_FREE_MEMORY char *plain = NULL;
            bool is_changed = false;

            if (type == NULL || strchr(type, '.') == NULL)
                continue;
            plain = xstrndup(type, strchr(type, '"') != NULL ? strlen(type) : strcspn(type, "("));
            if (text_list_has(ret, plain) || may_come(preflight, plain))
                continue;

            AUTO_FREE_MEMORY char *cast = xasprintf("SELECT NULL::%s", plain);

            TRY(retarget(preflight->map->forward, cast, &mapped, &is_changed, err));
            if (!is_changed)
                text_list_add(ret, plain);
        }
    }
    return STATUS_OK;
}

Status preflight_types(const Preflight *preflight, Error *err)
{
    AUTO_TEXT_LIST TextList types = {0};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

    TRY(collect_types(preflight, &types, err));
    if (types.count == 0)
        return STATUS_OK;

    AUTO_FREE_MEMORY char *names = preflight_json(&types);
    const char *parameters[] = {names};

    TRY(pg_query_bound(preflight->connection,
                       "select w.name from pg_catalog.json_array_elements_text($1::json) w(name)"
                       " where pg_catalog.to_regtype(w.name) is null order by 1",
                       parameters, 1, &rows, err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        AUTO_FREE_MEMORY char *object = xasprintf("type %s", pg_value(rows, i, 0));

        findings_add(preflight->findings, FINDING_REFUSAL, object,
                     "Create it there first, or migrate whole schemas instead of single tables.",
                     "is needed by a selected table, is not migrated itself, and is not in the "
                     "target");
    }
    return STATUS_OK;
}
