#include "engine/connect/sqlite/promotion_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/ledger.h"
#include "engine/connect/sqlite/roles.h"
#include "engine/connect/sqlite/sql_text.h"

void swap_pair_release(SwapPair *pair)
{
    swap_release(&pair->forward);
    swap_release(&pair->inverse);
    text_list_release(&pair->steps);
    schema_release(&pair->result);
    *pair = (SwapPair){0};
}

void finding_once(Findings *findings, Severity severity, const char *object, const char *remedy,
                  const char *format, ...)
{
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments); /* cut: it is for people */
    va_end(arguments);
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        if (strcmp(finding->message, message) == 0 &&
            (finding->object == NULL) == (object == NULL) &&
            (object == NULL || strcmp(finding->object, object) == 0))
            return;
    }
    findings_add(findings, severity, object, remedy, "%s", message);
}

/* ---- the two swaps ---- */

typedef struct Planner {
    const Schema *live;
    const Catalog *catalog;
    const char *id;
    SwapPair *pair;
    Findings *findings;
    TextList shadows; /* names of shadow tables of live virtual tables */
} Planner;

static void planner_release(Planner *planner)
{
    text_list_release(&planner->shadows);
}

static void add_step(Planner *planner, const char *format, const char *a, const char *b)
{
    AUTO_TEXT Text step = {0};

    text_append(&step, format);
    text_append_format(&step, " \"%s\"", a);
    if (b != NULL)
        text_append_format(&step, " as \"%s\"", b);
    text_list_add(&planner->pair->steps, text_string(&step));
}

/* An exchange of names in one direction; takes nothing over. */
static void add_edit(Swap *swap, const char *type, const char *from, const char *old_sql,
                     const char *to, const char *table, const char *sql, const char *role)
{
    SwapEdit *edit = swap_add_edit(swap);

    edit->type = xstrdup(type);
    edit->from = xstrdup(from);
    edit->old_sql = xstrdup(old_sql);
    edit->to = xstrdup(to);
    edit->table = xstrdup(table);
    edit->sql = xstrdup(sql);
    edit->role = xstrdup(role);
}

/* A live row goes aside under its retired name, and the inverse brings it back as it was. */
static void retire_row(Planner *planner, const SchemaRow *row, const char *table,
                       const char *retired, const char *sql)
{
    AUTO_FREE_MEMORY char *new_table = name_for_role(table, NAME_RETIRED, planner->id, 0);
    const char *role = name_role_word(NAME_RETIRED);

    add_edit(&planner->pair->forward, row->type, row->name, row->sql, retired, new_table, sql,
             role);
    add_edit(&planner->pair->inverse, row->type, retired, sql, row->name, row->table, row->sql,
             SWAP_LIVE);
}

static void remove_row(Planner *planner, const SchemaRow *row)
{
    AUTO_FREE_MEMORY char *step = xasprintf("drop %s", row->type);

    (void)schema_add(&planner->pair->forward.removed, row);
    (void)schema_add(&planner->pair->inverse.added, row);
    add_step(planner, step, row->name, NULL);
}

/* The structure is the source's: a trigger that only the target has goes, and somebody may miss it. */
static void warn_of_lost_trigger(Planner *planner, const SchemaRow *row)
{
    AUTO_FREE_MEMORY char *object = xasprintf("trigger %s", row->name);

    for (size_t i = 0; i < planner->catalog->object_count; i++) {
        const Object *other = &planner->catalog->objects[i];

        if (other->kind == OBJECT_TRIGGER && sqlite3_stricmp(other->name, row->name) == 0)
            return;
    }
    finding_once(planner->findings, FINDING_WARNING, object,
                 "Create it again after promotion if it is needed.",
                 "the source has none of that name: it goes with the target's table \"%s\"",
                 row->table);
}

static Status retire_table(Planner *planner, const SchemaRow *row, Error *err)
{
    size_t count = 0;
    SchemaRow *const *attached = schema_of_table(planner->live, row->name, &count);
    AUTO_FREE_MEMORY char *retired = NULL;
    AUTO_FREE_MEMORY char *sql = NULL;

    TRY(role_table(row->sql, row->name, NAME_RETIRED, planner->id, &retired, &sql, err));
    retire_row(planner, row, row->name, retired, sql);
    add_step(planner, "keep the live table", row->name, retired);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE_MEMORY char *index = NULL;
        AUTO_FREE_MEMORY char *index_sql = NULL;

        if (row_is(attached[i], "trigger")) {
            warn_of_lost_trigger(planner, attached[i]);
            remove_row(planner, attached[i]);
        }
        if (!row_is(attached[i], "index") || attached[i]->sql == NULL)
            continue;
        TRY(role_index(attached[i]->sql, row->name, attached[i]->name, NAME_RETIRED, planner->id,
                       &index, &index_sql, err));
        retire_row(planner, attached[i], row->name, index, index_sql);
    }
    return STATUS_OK;
}

static const char elsewhere[] =
    "Rename one of the two, leave the table out with --exclude-table, or use another target.";

static bool can_replace(Planner *planner, const Table *table, const SchemaRow *row)
{
    const char *what = NULL;

    if (row->is_ours)
        what = "the target keeps records of migrations under that name";
    else if (row_is(row, "view"))
        what = "the target has a view of that name";
    else if (row_is_virtual(row))
        what = "the target has a virtual table of that name";
    else if (text_list_has(&planner->shadows, row->name))
        what = "the target's table of that name belongs to a virtual table";
    else if (!row_is(row, "table"))
        return false; /* an index: seen when all names are compared */
    if (what != NULL)
        finding_once(planner->findings, FINDING_REFUSAL, table->name, elsewhere, "%s", what);
    return what == NULL;
}

static Status promote_table(Planner *planner, const Table *table, Error *err)
{
    AUTO_FREE_MEMORY char *staged = NULL;
    AUTO_FREE_MEMORY char *staged_sql = NULL;
    AUTO_FREE_MEMORY char *undone = NULL;
    AUTO_FREE_MEMORY char *undone_sql = NULL;
    const char *name = table->name;
    const SchemaRow *row = schema_find(planner->live, name);

    if (row != NULL && can_replace(planner, table, row))
        TRY(retire_table(planner, row, err));
    TRY(role_table(table->definition, name, NAME_STAGING, planner->id, &staged, &staged_sql, err));
    TRY(role_table(table->definition, name, NAME_UNDONE, planner->id, &undone, &undone_sql, err));
    add_edit(&planner->pair->forward, "table", staged, staged_sql, name, name, table->definition,
             SWAP_LIVE);
    add_edit(&planner->pair->inverse, "table", name, table->definition, undone, undone, undone_sql,
             name_role_word(NAME_UNDONE));
    add_step(planner, "promote table", name, NULL);
    return STATUS_OK;
}

static Status promote_index(Planner *planner, const Object *object, Error *err)
{
    const char *table = catalog_table(planner->catalog, object->table_id)->name;
    AUTO_FREE_MEMORY char *staged = NULL;
    AUTO_FREE_MEMORY char *staged_sql = NULL;
    AUTO_FREE_MEMORY char *undone = NULL;
    AUTO_FREE_MEMORY char *undone_sql = NULL;
    AUTO_FREE_MEMORY char *undone_table = name_for_role(table, NAME_UNDONE, planner->id, 0);

    TRY(role_index(object->definition, table, object->name, NAME_STAGING, planner->id, &staged,
                   &staged_sql, err));
    TRY(role_index(object->definition, table, object->name, NAME_UNDONE, planner->id, &undone,
                   &undone_sql, err));
    add_edit(&planner->pair->forward, "index", staged, staged_sql, object->name, table,
             object->definition, SWAP_LIVE);
    add_edit(&planner->pair->inverse, "index", object->name, object->definition, undone,
             undone_table, undone_sql, name_role_word(NAME_UNDONE));
    return STATUS_OK;
}

static Status add_source_object(Planner *planner, const Object *object, Error *err)
{
    bool is_trigger = object->kind == OBJECT_TRIGGER;
    AUTO_FREE_MEMORY char *type = xstrdup(is_trigger ? "trigger" : "view");
    AUTO_FREE_MEMORY char *table = NULL;
    AUTO_FREE_MEMORY char *step = xasprintf("create %s", type);

    if (is_trigger)
        TRY(sql_trigger_table(object->definition, &table, err));
    else
        table = xstrdup(object->name);

    SchemaRow row = {.type = type, .name = object->name, .table = table, .sql = object->definition};

    (void)schema_add(&planner->pair->forward.added, &row);
    (void)schema_add(&planner->pair->inverse.removed, &row);
    add_step(planner, step, object->name, NULL);
    return STATUS_OK;
}

/* A live view that the source replaces goes with its INSTEAD OF triggers, as DROP VIEW does it. */
static Status promote_view(Planner *planner, const Object *object, Error *err)
{
    const SchemaRow *row = schema_find(planner->live, object->name);

    if (row_is(row, "view")) {
        size_t count = 0;
        SchemaRow *const *rows = schema_of_table(planner->live, row->name, &count);

        /* The view first: the inverse adds them in this order. */
        remove_row(planner, row);
        for (size_t i = 0; i < count; i++) {
            if (row_is(rows[i], "trigger"))
                remove_row(planner, rows[i]);
        }
    }
    return add_source_object(planner, object, err);
}

static Status promote_objects(Planner *planner, Error *err)
{
    for (size_t i = 0; i < planner->catalog->object_count; i++) {
        const Object *object = &planner->catalog->objects[i];

        switch (object->kind) {
        case OBJECT_INDEX:
            TRY(promote_index(planner, object, err));
            break;
        case OBJECT_VIEW:
            TRY(promote_view(planner, object, err));
            break;
        case OBJECT_TRIGGER:
            TRY(add_source_object(planner, object, err));
            break;
        case OBJECT_CONSTRAINT:
        case OBJECT_FOREIGN_KEY: /* part of the tables' statements */
        case OBJECT_SEQUENCE:
        case OBJECT_STATISTICS: /* with the staging tables */
        case OBJECT_SETTING:    /* plan_settings() */
        case OBJECT_OTHER:
            break;
        }
    }
    return STATUS_OK;
}

/* ---- settings of the whole file ---- */

static bool read_setting(const Catalog *catalog, const char *name, int64_t *ret)
{
    const char *text = catalog_setting(catalog, name);

    if (text == NULL)
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}

/* They are of the whole file: they move only into a file that held nothing. */
static Status plan_settings(Planner *planner, Db *db, Error *err)
{
    Swap *forward = &planner->pair->forward;
    Swap *inverse = &planner->pair->inverse;

    if (!read_setting(planner->catalog, "user_version", &forward->user_version) ||
        !read_setting(planner->catalog, "application_id", &forward->application_id))
        return STATUS_OK;
    if (db != NULL) {
        TRY(db_integer(db, "pragma main.user_version", 0, &inverse->user_version,
                       "read the settings", err));
        TRY(db_integer(db, "pragma main.application_id", 0, &inverse->application_id,
                       "read the settings", err));
    }
    if (forward->user_version == inverse->user_version &&
        forward->application_id == inverse->application_id)
        return STATUS_OK;
    if (schema_count_live_tables(planner->live) > 0) {
        finding_once(planner->findings, FINDING_NOTE, NULL, NULL,
                     "user_version and application_id of the target stay as they are: it holds "
                     "tables already");
        return STATUS_OK;
    }
    forward->has_settings = inverse->has_settings = true;
    text_list_add(&planner->pair->steps, "set user_version and application_id");
    return STATUS_OK;
}

/* ---- names ---- */

/* No name that we are going to use may belong to somebody else. */
static void check_role_names(Planner *planner, const Swap *swap)
{
    for (size_t i = 0; i < swap->edit_count; i++) {
        const SwapEdit *edit = &swap->edits[i];
        /* Only this side is a name of ours: the other one may look like it and be the user's. */
        const char *name = strcmp(edit->role, SWAP_LIVE) == 0 ? edit->from : edit->to;
        const SchemaRow *row = schema_find(planner->live, name);

        if (row == NULL || row->is_ours)
            continue;
        finding_once(
            planner->findings, FINDING_REFUSAL, row->name, "Rename or drop it if it is not needed.",
            "the target has a %s of that name, which this migration needs and did not make",
            row->type);
    }
}

static SchemaRow edited_row(const SwapEdit *edit, int64_t rowid)
{
    return (SchemaRow){.rowid = rowid,
                       .type = edit->type,
                       .name = edit->to,
                       .table = edit->table,
                       .sql = edit->sql,
                       .is_ours = strcmp(edit->role, SWAP_LIVE) != 0};
}

/* The schema after the swap. Automatic indexes are left out: they come with their tables. */
static void compute_result(Planner *planner)
{
    const Swap *forward = &planner->pair->forward;
    Schema *result = &planner->pair->result;

    for (size_t i = 0; i < planner->live->count; i++) {
        const SchemaRow *row = &planner->live->rows[i];
        bool is_trigger = row_is(row, "trigger");
        const SwapEdit *edit = is_trigger ? NULL : swap_find(forward, row->name);

        if (row->is_ours || row->sql == NULL || swap_removes(forward, row))
            continue;
        if (edit == NULL) {
            (void)schema_add(result, row);
            continue;
        }

        SchemaRow edited = edited_row(edit, row->rowid);

        (void)schema_add(result, &edited);
    }
    /* What comes: rowid 0 tells it from what was there. */
    for (size_t i = 0; i < forward->edit_count; i++) {
        SchemaRow edited = edited_row(&forward->edits[i], 0);

        if (strcmp(forward->edits[i].role, SWAP_LIVE) == 0)
            (void)schema_add(result, &edited);
    }
    for (size_t i = 0; i < forward->added.count; i++)
        (void)schema_add(result, &forward->added.rows[i]);
    schema_index(result);
}

static void check_names(Planner *planner)
{
    const Schema *result = &planner->pair->result;

    for (size_t i = 0; i + 1 < result->count; i++) {
        const SchemaRow *a = result->by_name[i];
        const SchemaRow *b = result->by_name[i + 1];

        if (row_is(a, "trigger") != row_is(b, "trigger") || sqlite3_stricmp(a->name, b->name) != 0)
            continue;

        const SchemaRow *coming = a->rowid == 0 ? a : b;
        const SchemaRow *staying = a->rowid == 0 ? b : a;
        AUTO_FREE_MEMORY char *object = xasprintf("%s %s", coming->type, coming->name);

        finding_once(planner->findings, FINDING_REFUSAL, object, elsewhere,
                     "the target has a %s of that name, on \"%s\", that stays", staying->type,
                     staying->table);
    }
}

static Status find_shadows(Db *db, TextList *ret, Error *err)
{
    AUTO_FREE(db_finalize) DbStatement *query = NULL;
    const char *action = "look for virtual tables";
    Status status = STATUS_OK;

    TRY(db_prepare(db,
                   "select name from pragma_table_list where schema = 'main' and type = 'shadow'",
                   &query, action, err));
    while ((status = db_step(db, query, action, err)) == STATUS_OK)
        text_list_add(ret, db_column_text(query, 0));
    return status < 0 ? status : STATUS_OK;
}

static bool has_virtual_tables(const Schema *live)
{
    for (size_t i = 0; i < live->count; i++) {
        if (row_is_virtual(&live->rows[i]))
            return true;
    }
    return false;
}

Status swap_pair_plan(Db *db, const Schema *live, const Catalog *catalog, const char *id,
                      SwapPair *ret, Findings *findings, Error *err)
{
    AUTO_SWAP_PAIR SwapPair pair = {0};
    __attribute__((cleanup(planner_release))) Planner planner = {
        .live = live, .catalog = catalog, .id = id, .pair = &pair, .findings = findings};

    if (db != NULL && has_virtual_tables(live))
        TRY(find_shadows(db, &planner.shadows, err));
    for (size_t i = 0; i < catalog->table_count; i++)
        TRY(promote_table(&planner, &catalog->tables[i], err));
    TRY(promote_objects(&planner, err));
    TRY(plan_settings(&planner, db, err));
    swap_index(&pair.forward);
    swap_index(&pair.inverse);
    check_role_names(&planner, &pair.forward);
    check_role_names(&planner, &pair.inverse);
    compute_result(&planner);
    check_names(&planner);
    *ret = pair;
    pair = (SwapPair){0};
    return STATUS_OK;
}

Status sqlite_plan_promotion(Stager *stager, const RunIdentity *identity, const Plan *plan,
                             PromotionPlan *ret, Findings *findings, Error *err)
{
    AUTO_FREE(db_free) Db *db = NULL;
    AUTO_SCHEMA Schema live = {0};
    AUTO_SWAP_PAIR SwapPair pair = {0};
    bool ignored = false;

    TRY(target_open_to_read(stager_target(stager), &db, err));
    if (db != NULL) {
        TRY(ledger_check(db, &ignored, err));
        TRY(schema_load(db, &live, err));
        TRY(ledger_mark_ours(db, &live, err));
    } else {
        schema_index(&live);
    }
    TRY(swap_pair_plan(db, &live, &plan->catalog, identity->id, &pair, findings, err));
    /* With ten thousand tables each of these is large: what has served goes at once. */
    db_free(TAKE(db));
    memory_trim();
    schema_fingerprint(&live, ret->fingerprint);
    if (findings_count(findings, FINDING_REFUSAL) == 0)
        TRY(swap_pair_try(&live, &plan->catalog, &pair, findings, err));
    schema_release(&pair.result);
    schema_release(&live);
    ret->forward = swap_print(&pair.forward);
    swap_release(&pair.forward);
    ret->inverse = swap_print(&pair.inverse);
    ret->steps = pair.steps;
    pair.steps = (TextList){0};
    return STATUS_OK;
}
