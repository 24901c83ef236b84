#include "tools/preview.h"

#include "journal/home.h"
#include "stages/stages.h"
#include "tools/connectors.h"
#include "tools/print.h"

enum {
    SHOWN_TABLES = 100, /* in text; the document has all */
};

/* How many objects belong to each table, by its id. The caller frees. */
static uint64_t *count_objects(const Catalog *catalog)
{
    uint64_t *counts = xcalloc(catalog->table_count + 1, sizeof(*counts));

    for (size_t i = 0; i < catalog->object_count; i++)
        counts[catalog->objects[i].table_id]++;
    return counts;
}

static const char *describe_scope(const Migration *migration)
{
    if (migration->schema_only)
        return "structure only, no rows";
    if (migration->selection.data_only)
        return "into tables as the target has them; rows and bytes are estimates, - is not known "
               "yet";
    return "rows and bytes are estimates, - is not known yet";
}

static void write_tables(const Catalog *catalog, const Migration *migration, Json *plan, Text *text)
{
    static const char *const keys[] = {"table", "rows", "bytes", "objects", NULL};
    AUTO_FREE_MEMORY uint64_t *objects = count_objects(catalog);
    AUTO_GRID Grid list = grid(keys);
    Grid shown = {0};

    for (size_t i = 0; i < catalog->table_count; i++) {
        const Table *table = &catalog->tables[i];
        AUTO_FREE_MEMORY char *name = table_display_name(table);

        grid_add(&list, cell_text(name));
        grid_add(&list, table->row_estimate > 0 ? cell_count(table->row_estimate) : cell_null());
        grid_add(&list, table->byte_estimate > 0 ? cell_bytes(table->byte_estimate) : cell_null());
        grid_add(&list, cell_count(objects[table->id]));
    }
    json_set(plan, "tables", grid_json(&list));
    shown = list; /* borrowed: the first rows of it */
    if (catalog->table_count > SHOWN_TABLES)
        shown.count = SHOWN_TABLES * shown.column_count;
    json_set_bool(plan, "schema_only", migration->schema_only);
    json_set_bool(plan, "data_only", migration->selection.data_only);
    text_append_format(text, "%zu tables to copy (%s)\n", catalog->table_count,
                       describe_scope(migration));
    if (catalog->table_count > 0)
        grid_print(&shown, wants_colour(), text);
    if (catalog->table_count > SHOWN_TABLES)
        text_append_format(text, "... and %zu more; --json has them all\n",
                           catalog->table_count - SHOWN_TABLES);
}

static void write_findings(const Findings *findings, Json *plan, Text *text)
{
    static const char *const keys[] = {"severity", "object", "message", "remedy", NULL};
    AUTO_GRID Grid all = grid(keys);

    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        grid_add(&all, cell_toned(cell_text(severity_name(finding->severity)),
                                  finding->severity == FINDING_REFUSAL ? TONE_BAD : TONE_PLAIN));
        grid_add(&all, cell_text(finding->object));
        grid_add(&all, cell_text(finding->message));
        grid_add(&all, cell_text(finding->remedy));
        text_append_format(text, "%s: %s%s%s%s%s\n", severity_name(finding->severity),
                           finding->object != NULL ? finding->object : "",
                           finding->object != NULL ? ": " : "", finding->message,
                           finding->remedy != NULL ? ". " : "",
                           finding->remedy != NULL ? finding->remedy : "");
    }
    json_set(plan, "findings", grid_json(&all));
}

static void write_steps(const TextList *steps, Json *plan, Text *text)
{
    Json *list = json_array();

    if (steps->count > 0)
        text_append(text, "\npromotion, in one transaction\n");
    for (size_t i = 0; i < steps->count; i++) {
        json_add_string(list, steps->items[i]);
        text_append_format(text, "  %s\n", steps->items[i]);
    }
    json_set(plan, "steps", list);
}

Status preview_write(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE(migration_free) Migration *migration = NULL;
    __attribute__((cleanup(plan_preview_release))) PlanPreview preview = {0};
    MigrationOptions given = options_for_migration(options);
    Json *plan = NULL;

    TRY(home_resolve(options->home, &home, err));
    TRY(migration_open_dry(home, options->name, connectors_all(), &given, &migration, err));
    TRY(stage_preview(migration, &preview, err));
    plan = json_object();
    json_set(reply->document, "plan", plan);
    write_tables(&preview.catalog, migration, plan, &reply->text);
    if (preview.findings.count > 0)
        text_append(&reply->text, "\n");
    write_findings(&preview.findings, plan, &reply->text);
    write_steps(&preview.promotion.steps, plan, &reply->text);
    text_append(&reply->text, "\nThis is only a plan: nothing was changed.\n");
    return findings_refuse(&preview.findings, err);
}
