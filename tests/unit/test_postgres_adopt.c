/*
 * engine/connect/postgres/adopt*: one catalog out of a source's rows and a target's structure, and what
 * is said when they do not fit. Without a server: e2e/pg_data_only has two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/adopt_parts.h"

typedef struct Sides {
    Catalog source;
    Catalog target;
    Findings findings;
} Sides;

static void sides_release(Sides *sides)
{
    catalog_release(&sides->source);
    catalog_release(&sides->target);
    findings_release(&sides->findings);
}
#define AUTO_SIDES __attribute__((cleanup(sides_release)))

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s", err->message);
}

static Table *set_table(Catalog *catalog, const char *name, const char *definition,
                        const char *leaf)
{
    Table *table = catalog_add_table(catalog);
    AUTO_TABLE_NOTES PgTableNotes notes = {.order = 7, .kind = leaf != NULL ? 'p' : 'r'};

    table->schema = xstrdup("public");
    table->name = xstrdup(name);
    table->definition = xstrdup(definition);
    table->key = KEY_PHYSICAL;
    table->format = ROW_PG_BINARY;
    if (leaf != NULL)
        text_list_add(&notes.leaves, leaf);
    if (definition[0] != '\0')
        text_list_add(&notes.facts, definition);
    table->private_data = pg_table_notes_write(&notes);
    return table;
}

static Column *set_column(Table *table, const char *name, const char *type, unsigned key_position)
{
    Column *column = table_add_column(table);

    column->name = xstrdup(name);
    column->type = xstrdup(type);
    column->key_position = key_position;
    return column;
}

static Object *set_object(Catalog *catalog, ObjectKind kind, const char *name,
                          const char *definition, const PgObjectNotes *notes)
{
    Object *object = catalog_add_object(catalog);

    object->kind = kind;
    object->schema = xstrdup("public");
    object->name = xstrdup(name);
    object->definition = xstrdup(definition);
    object->private_data = pg_object_notes_write(notes);
    return object;
}

static void set_sequence(Catalog *catalog, const char *name, const char *value, const char *column)
{
    char type[] = "SEQUENCE SET";
    char schema[] = "public";
    char relation[] = "t";
    AUTO_FREE_MEMORY char *owner = xstrdup(column);
    const PgObjectNotes notes = {.type = type,
                                 .relation_schema = schema,
                                 .relation_name = relation,
                                 .relation_column = owner};

    (void)set_object(catalog, OBJECT_SEQUENCE, name, value, &notes);
}

static void set_setting(Catalog *catalog, const char *name, const char *value)
{
    char type[] = "DATABASE";
    const PgObjectNotes notes = {.type = type};

    (void)set_object(catalog, OBJECT_SETTING, name, value, &notes);
}

static void set_type(Catalog *catalog, const char *name, const char *known_as, const char *made_of)
{
    char type[] = "TYPE";
    AUTO_FREE_MEMORY char *label = xstrdup(known_as);
    const PgObjectNotes notes = {.type = type, .label = label};

    (void)set_object(catalog, OBJECT_SETTING, name, made_of, &notes);
}

static void set_index(Catalog *catalog, const char *name)
{
    char type[] = "INDEX";
    const PgObjectNotes notes = {.type = type, .order = 9};

    set_object(catalog, OBJECT_INDEX, name, "CREATE INDEX", &notes)->table_id = 1;
}

static void merge(Sides *sides)
{
    Error err = {0};

    catalog_seal(&sides->source);
    catalog_seal(&sides->target);
    expect_ok(adopt_merge(&sides->source, &sides->target, &sides->findings, &err), &err);
}

static void expect_finding(const Findings *findings, Severity severity, const char *object,
                           const char *words)
{
    for (size_t i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->items[i];

        if (finding->severity == severity && strcmp(finding->object, object) == 0 &&
            strstr(finding->message, words) != NULL) {
            assert_non_null(finding->remedy);
            return;
        }
    }
    fail_msg("nothing is said of %s: %s", object, words);
}

static const Object *find_object(const Catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        assert_int_equal(catalog->objects[i].id, i + 1);
        if (strcmp(catalog->objects[i].name, name) == 0)
            return &catalog->objects[i];
    }
    return NULL;
}

/* ---- merging ---- */

static void structure_is_the_targets_and_reading_the_sources(void **state)
{
    AUTO_SIDES Sides sides = {0};
    Error err = {0};
    AUTO_TABLE_NOTES PgTableNotes notes = {0};

    (void)state;
    Table *from = set_table(&sides.source, "t", "", "\"public\".\"leaf_of_source\"");
    set_column(from, "b", "text", 0);
    set_column(from, "a", "public.vector(3)", 1);
    from->row_estimate = 12;
    from->byte_estimate = 1200;
    Table *to = set_table(&sides.target, "t", "CREATE TABLE t", "\"public\".\"leaf_of_target\"");
    set_column(to, "a", "ext.vector(3)", 0);
    set_column(to, "b", "text", 2);
    set_column(to, "more", "text", 0);
    set_index(&sides.target, "other_index");
    merge(&sides);

    const Table *table = &sides.target.tables[0];

    assert_string_equal(table->definition, "CREATE TABLE t");
    assert_int_equal(table->column_count, 2);
    assert_string_equal(table->columns[0].name, "b");
    assert_int_equal(table->columns[0].key_position, 0);
    assert_string_equal(table->columns[1].name, "a");
    assert_string_equal(table->columns[1].type, "ext.vector(3)");
    assert_int_equal(table->columns[1].key_position, 1);
    assert_int_equal(table->format, ROW_PG_BINARY);
    assert_int_equal(table->row_estimate, 12);
    assert_int_equal(table->byte_estimate, 1200);
    expect_ok(pg_table_notes_read(table, &notes, &err), &err);
    assert_int_equal(notes.order, 7);
    assert_int_equal(notes.leaves.count, 1);
    assert_string_equal(notes.leaves.items[0], "\"public\".\"leaf_of_source\"");
    assert_string_equal(notes.facts.items[0], "CREATE TABLE t");
    assert_non_null(find_object(&sides.target, "other_index"));
}

static void binary_is_for_what_both_sides_hold_to_be_the_same(void **state)
{
    AUTO_SIDES Sides sides = {0};

    (void)state;
    set_column(set_table(&sides.source, "both", "", NULL), "a", "integer", 0);
    set_column(set_table(&sides.source, "one", "", NULL), "a", "integer", 0);
    set_column(set_table(&sides.source, "other", "", NULL), "a", "integer", 0);
    set_column(set_table(&sides.target, "other", "t", NULL), "a", "integer", 0);
    set_column(set_table(&sides.target, "both", "t", NULL), "a", "integer", 0);
    set_column(set_table(&sides.target, "one", "t", NULL), "a", "integer", 0);
    sides.source.tables[1].format = ROW_PG_TEXT;
    sides.target.tables[0].format = ROW_PG_TEXT;
    merge(&sides);
    assert_int_equal(sides.target.tables[0].format, ROW_PG_TEXT);
    assert_int_equal(sides.target.tables[1].format, ROW_PG_BINARY);
    assert_int_equal(sides.target.tables[2].format, ROW_PG_TEXT);
}

static void a_key_is_one_only_as_a_whole(void **state)
{
    AUTO_SIDES Sides sides = {0};

    (void)state;
    Table *from = set_table(&sides.source, "t", "", NULL);
    set_column(from, "a", "integer", 1);
    set_column(from, "b", "integer", 2);
    Table *to = set_table(&sides.target, "t", "t", NULL);
    set_column(to, "a", "integer", 1);
    set_column(to, "b", "integer", 0)->is_generated = true;
    merge(&sides);
    assert_int_equal(sides.target.tables[0].column_count, 2);
    assert_int_equal(sides.target.tables[0].columns[0].key_position, 0);
    assert_int_equal(sides.target.tables[0].columns[1].key_position, 0);
    assert_true(sides.target.tables[0].columns[1].is_generated);
}

static void sequences_get_their_values_by_their_columns(void **state)
{
    AUTO_SIDES Sides sides = {0};

    (void)state;
    Table *from = set_table(&sides.source, "t", "", NULL);
    Table *to = set_table(&sides.target, "t", "t", NULL);
    for (const char *const *name = (const char *const[]){"a", "b", "c", NULL}; *name; name++) {
        set_column(from, *name, "bigint", 0);
        set_column(to, *name, "bigint", 0);
    }
    set_column(to, "d", "bigint", 0);
    set_sequence(&sides.source, "old_a", "41 t", "a");
    set_sequence(&sides.source, "old_b", "7 f", "b");
    set_index(&sides.target, "i");
    set_sequence(&sides.target, "new_a", "1 f", "a");
    set_sequence(&sides.target, "new_c", "1 f", "c");
    set_sequence(&sides.target, "new_d", "1 f", "d");
    merge(&sides);

    assert_int_equal(sides.target.object_count, 2);
    assert_int_equal(find_object(&sides.target, "i")->id, 1);
    assert_string_equal(find_object(&sides.target, "new_a")->definition, "41 t");
    assert_int_equal(sides.findings.count, 2);
    expect_finding(&sides.findings, FINDING_WARNING, "column c of public.t", "begins anew");
    expect_finding(&sides.findings, FINDING_WARNING, "column b of public.t", "is not carried");
}

static void settings_are_the_sources_but_its_version(void **state)
{
    AUTO_SIDES Sides sides = {0};

    (void)state;
    set_setting(&sides.source, "encoding", "LATIN1");
    set_setting(&sides.source, "server_version", "18");
    set_type(&sides.source, "public.mood", "public.mood", "{\"enum\":[\"a\"]}");
    set_type(&sides.target, "public.mood", "public.mood", "{\"enum\":[\"a\"]}");
    merge(&sides);
    assert_int_equal(sides.target.object_count, 1);
    assert_string_equal(find_object(&sides.target, "encoding")->definition, "LATIN1");
}

static void the_fingerprint_follows_the_target_and_not_the_values(void **state)
{
    char before[65];

    (void)state;
    for (int round = 0; round < 3; round++) {
        AUTO_SIDES Sides sides = {0};

        set_column(set_table(&sides.source, "t", "", NULL), "a", "bigint", 0);
        set_column(set_table(&sides.target, "t", "t", NULL), "a", "bigint", 0);
        set_sequence(&sides.source, "s", round == 0 ? "1 f" : "2 t", "a");
        set_sequence(&sides.target, "s", "9 t", "a");
        if (round == 2)
            set_index(&sides.target, "later");
        merge(&sides);
        if (round == 1)
            assert_string_equal(sides.target.fingerprint, before);
        if (round == 2)
            assert_string_not_equal(sides.target.fingerprint, before);
        memcpy(before, sides.target.fingerprint, sizeof(before));
    }
}

/* ---- what does not fit ---- */

static void check_columns(Sides *sides, const Prepared *prepared)
{
    Error err = {0};

    expect_ok(adopt_check_columns(&sides->source, &sides->target, prepared, &sides->findings, &err),
              &err);
}

static void columns_are_compared_by_name_and_type(void **state)
{
    AUTO_SIDES Sides sides = {0};
    Prepared prepared = {.kind = 'r'};

    (void)state;
    Table *from = set_table(&sides.source, "t", "", NULL);
    Table *to = set_table(&sides.target, "t", "t", NULL);
    set_column(from, "same", "numeric(12,2)", 0);
    set_column(from, "moved", "public.vector(3)[]", 0);
    set_column(from, "other", "numeric(12,2)", 0);
    set_column(from, "gone", "text", 0);
    set_column(from, "computed", "text", 0)->is_generated = true;
    set_column(from, "computed_there", "text", 0);
    set_column(from, "computed_here", "text", 0)->is_generated = true;
    set_column(to, "other", "numeric(12,4)", 0);
    set_column(to, "moved", "ext.vector(3)[]", 0);
    set_column(to, "same", "numeric(12,2)", 0);
    set_column(to, "must", "text", 0);
    set_column(to, "computed_there", "text", 0)->is_generated = true;
    set_column(to, "computed_here", "text", 0);
    set_type(&sides.source, "public.vector", "extension vector.vector", "{\"base\":-1}");
    set_type(&sides.target, "ext.vector", "extension vector.vector", "{\"base\":-1}");
    text_list_add(&prepared.must_be_given, "must");
    text_list_add(&prepared.must_be_given, "same");
    check_columns(&sides, &prepared);
    text_list_release(&prepared.must_be_given);

    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.t", "\"other\" is of type");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.t", "no column \"gone\"");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.t", "\"must\" must not be null");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.t",
                   "\"computed_here\" is generated in the source and not");
    expect_finding(&sides.findings, FINDING_NOTE, "table public.t",
                   "\"computed_there\" is not carried");
    assert_int_equal(sides.findings.count, 5);
}

static void a_name_that_begins_like_a_type_is_another_type(void **state)
{
    AUTO_SIDES Sides sides = {0};
    AUTO_TYPE_TABLE TypeTable types = {0};
    Error err = {0};

    (void)state;
    set_type(&sides.source, "public.vector", "extension v.vector", "{\"base\":-1}");
    expect_ok(type_table_read(&sides.source, &types, &err), &err);

    AUTO_FREE_MEMORY char *longer = type_table_name(&types, "public.vectors");
    AUTO_FREE_MEMORY char *array = type_table_name(&types, "public.vector[]");
    AUTO_FREE_MEMORY char *built_in = type_table_name(&types, "integer");

    assert_string_equal(longer, "public.vectors");
    assert_string_equal(array, "extension v.vector[]");
    assert_string_equal(built_in, "integer");
}

static void types_have_to_be_made_of_the_same(void **state)
{
    AUTO_SIDES Sides sides = {0};

    (void)state;
    set_type(&sides.source, "public.mood", "public.mood", "{\"enum\":[\"a\",\"it's \\\"b\\\"\"]}");
    set_type(&sides.target, "public.mood", "public.mood", "{\"enum\":[\"x\",\"a\"]}");
    set_type(&sides.source, "public.more", "public.more", "{\"enum\":[\"a\"]}");
    set_type(&sides.target, "public.more", "public.more", "{\"enum\":[\"b\",\"a\"]}");
    set_type(&sides.source, "public.d", "public.d", "{\"domain\" : \"integer\"}");
    set_type(&sides.target, "public.d", "public.d", "{\"domain\" : \"real\"}");
    set_type(&sides.source, "public.e", "public.e", "{\"domain\" : \"integer\"}");
    set_type(&sides.target, "public.e", "public.e", "{\"domain\":\"integer\"}");
    set_type(&sides.source, "public.f", "public.f", "{\"enum\":[\"a\"]}");
    set_type(&sides.target, "public.f", "public.f", "{\"domain\":\"text\"}");
    set_type(&sides.source, "public.only_here", "public.only_here", "{\"row\":[]}");
    check_columns(&sides, NULL);
    expect_finding(&sides.findings, FINDING_REFUSAL, "type public.mood", "\"it's \"b\"\"");
    expect_finding(&sides.findings, FINDING_REFUSAL, "type public.d", "made of something else");
    expect_finding(&sides.findings, FINDING_REFUSAL, "type public.f", "made of something else");
    assert_int_equal(sides.findings.count, 3);
}

static void tables_have_to_be_there_and_of_the_same_kind(void **state)
{
    AUTO_SIDES Sides sides = {0};
    Error err = {0};
    const Prepared prepared[] = {{.kind = 'r', .has_rows = true},
                                 {.kind = '\0'},
                                 {.kind = 'v'},
                                 {.kind = 'r', .is_partition = true},
                                 {.kind = 'p', .has_rows = true}};

    (void)state;
    set_table(&sides.source, "fine", "", NULL);
    set_table(&sides.source, "missing", "", NULL);
    set_table(&sides.source, "a_view", "", NULL);
    set_table(&sides.source, "a_part", "", NULL);
    set_table(&sides.source, "parted", "", "\"public\".\"leaf\"");
    expect_ok(adopt_check_tables(&sides.source, prepared, &sides.findings, &err), &err);
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.missing", "no table");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.a_view", "a view in the target");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.a_part",
                   "an ordinary table in the source and a partition in the target");
    assert_int_equal(findings_count(&sides.findings, FINDING_REFUSAL), 3);
    assert_int_equal(findings_count(&sides.findings, FINDING_NOTE), 1);
    assert_non_null(strstr(sides.findings.items[3].message, "5 prepared tables"));
    assert_non_null(strstr(sides.findings.items[3].message, " 2 hold rows"));
}

static void a_table_that_is_loaded_in_another_way_is_refused(void **state)
{
    AUTO_SIDES Sides sides = {0};
    const Prepared prepared = {.kind = 'r', .is_partition = true};

    (void)state;
    set_table(&sides.source, "leaf", "", NULL);
    set_table(&sides.target, "root", "t", "\"public\".\"leaf\"");
    check_columns(&sides, &prepared);
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.leaf", "by other rules");
    expect_finding(&sides.findings, FINDING_REFUSAL, "table public.root", "by other rules");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure_is_the_targets_and_reading_the_sources),
        cmocka_unit_test(binary_is_for_what_both_sides_hold_to_be_the_same),
        cmocka_unit_test(a_key_is_one_only_as_a_whole),
        cmocka_unit_test(sequences_get_their_values_by_their_columns),
        cmocka_unit_test(settings_are_the_sources_but_its_version),
        cmocka_unit_test(the_fingerprint_follows_the_target_and_not_the_values),
        cmocka_unit_test(columns_are_compared_by_name_and_type),
        cmocka_unit_test(a_name_that_begins_like_a_type_is_another_type),
        cmocka_unit_test(types_have_to_be_made_of_the_same),
        cmocka_unit_test(tables_have_to_be_there_and_of_the_same_kind),
        cmocka_unit_test(a_table_that_is_loaded_in_another_way_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
