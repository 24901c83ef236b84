/*
 * engine/flow/catalog: identity, fingerprints, look-ups, and which tables a selection takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/flow/catalog.h"

static Table *set_table(Catalog *catalog, const char *schema, const char *name)
{
    Table *table = catalog_add_table(catalog);
    Column *column = table_add_column(table);

    table->schema = xstrdup(schema);
    table->name = xstrdup(name);
    table->format = ROW_TAGGED;
    table->key = KEY_HIDDEN;
    table->definition = xasprintf("create table %s (id integer)", name);
    column->name = xstrdup("id");
    column->type = xstrdup("integer");
    return table;
}

static Object *set_object(Catalog *catalog, ObjectKind kind, const char *name)
{
    Object *object = catalog_add_object(catalog);

    object->kind = kind;
    object->name = xstrdup(name);
    object->table_id = 1;
    object->definition = xasprintf("create %s %s", object_kind_name(kind), name);
    return object;
}

static void set_sample(Catalog *catalog)
{
    (void)set_table(catalog, NULL, "orders");
    (void)set_table(catalog, NULL, "customers");
    (void)set_object(catalog, OBJECT_INDEX, "orders_by_day");
    (void)set_object(catalog, OBJECT_SEQUENCE, "orders_seq");
}

static void replace(char **field, const char *value)
{
    free(*field);
    *field = xstrdup(value);
}

static void gives_ids_in_order(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)catalog_add_table(&catalog);
        (void)catalog_add_object(&catalog);
    }
    assert_int_equal(catalog.table_count, 100);
    for (uint32_t id = 1; id <= 100; id++) {
        assert_int_equal(catalog_table(&catalog, id)->id, id);
        assert_int_equal(catalog.objects[id - 1].id, id);
        assert_null(catalog_table(&catalog, id)->name);
    }
}

static void keeps_all_columns(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    Table *table = catalog_add_table(&catalog);

    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        table_add_column(table)->name = xasprintf("c%u", i);
    assert_int_equal(table->column_count, 2000);
    assert_string_equal(table->columns[0].name, "c0");
    assert_string_equal(table->columns[1999].name, "c1999");
    assert_int_equal(table->columns[1999].key_position, 0);
}

/* What each change does to the fingerprints of the sample's first table and of its catalog. */
typedef void Change(Catalog *catalog);

static void change_schema(Catalog *catalog)
{
    replace(&catalog->tables[0].schema, "");
}

static void change_column_name(Catalog *catalog)
{
    replace(&catalog->tables[0].columns[0].name, "key");
}

static void change_column_type(Catalog *catalog)
{
    replace(&catalog->tables[0].columns[0].type, "text");
}

static void change_generated(Catalog *catalog)
{
    catalog->tables[0].columns[0].is_generated = true;
}

static void change_key_position(Catalog *catalog)
{
    catalog->tables[0].columns[0].key_position = 1;
}

static void change_key(Catalog *catalog)
{
    catalog->tables[0].key = KEY_COLUMNS;
}

static void change_format(Catalog *catalog)
{
    catalog->tables[0].format = ROW_PG_TEXT;
}

static void change_definition(Catalog *catalog)
{
    replace(&catalog->tables[0].definition, "create table orders (id integer) strict");
}

static void move_a_letter_between_fields(Catalog *catalog)
{
    replace(&catalog->tables[0].columns[0].name, "idi");
    replace(&catalog->tables[0].columns[0].type, "nteger");
}

static void add_column(Catalog *catalog)
{
    table_add_column(&catalog->tables[0])->name = xstrdup("more");
}

static void change_object(Catalog *catalog)
{
    replace(&catalog->objects[0].definition, "create index on another");
}

static void change_object_table(Catalog *catalog)
{
    catalog->objects[0].table_id = 2;
}

static void add_view(Catalog *catalog)
{
    (void)set_object(catalog, OBJECT_VIEW, "today");
}

static void add_table(Catalog *catalog)
{
    (void)set_table(catalog, NULL, "more");
}

static void change_estimates(Catalog *catalog)
{
    catalog->tables[0].row_estimate = 5;
    catalog->tables[0].byte_estimate = 5;
}

static void change_staged_name(Catalog *catalog)
{
    replace(&catalog->tables[0].staged_name, "orders_staging_abc123");
}

static void change_notes(Catalog *catalog)
{
    replace(&catalog->tables[0].private_data, "{\"order\":7}");
    replace(&catalog->objects[0].private_data, "{\"order\":8}");
    catalog->tables[0].load_late = 2;
}

static void change_sequence(Catalog *catalog)
{
    replace(&catalog->objects[1].definition, "17");
}

static void add_statistics(Catalog *catalog)
{
    (void)set_object(catalog, OBJECT_STATISTICS, "orders");
}

static void expect_effect(Change *change, bool on_table, bool on_catalog)
{
    AUTO_CATALOG Catalog before = {0};
    AUTO_CATALOG Catalog after = {0};

    set_sample(&before);
    set_sample(&after);
    change(&after);
    catalog_seal(&before);
    catalog_seal(&after);
    assert_int_equal(strlen(after.fingerprint), 64);
    assert_int_equal(strlen(after.tables[0].fingerprint), 64);
    assert_int_equal(strcmp(before.tables[0].fingerprint, after.tables[0].fingerprint) != 0,
                     on_table);
    assert_int_equal(strcmp(before.fingerprint, after.fingerprint) != 0, on_catalog);
    assert_string_equal(before.tables[1].fingerprint, after.tables[1].fingerprint);
}

static void fingerprints_show_every_change_of_shape(void **state)
{
    static Change *const changes[] = {
        change_schema,       change_column_name,
        change_column_type,  change_generated,
        change_key_position, change_key,
        change_format,       change_definition,
        add_column,          move_a_letter_between_fields,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        expect_effect(changes[i], true, true);
}

static void objects_and_tables_show_in_the_catalog_fingerprint_alone(void **state)
{
    static Change *const changes[] = {change_object, change_object_table, add_view, add_table};

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        expect_effect(changes[i], false, true);
}

static void what_follows_the_data_and_notes_change_no_fingerprint(void **state)
{
    static Change *const changes[] = {change_estimates, change_staged_name, change_notes,
                                      change_sequence, add_statistics};

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        expect_effect(changes[i], false, false);
}

static void tells_data_from_structure(void **state)
{
    (void)state;
    assert_true(object_kind_is_data(OBJECT_SEQUENCE));
    assert_true(object_kind_is_data(OBJECT_STATISTICS));
    assert_true(object_kind_is_data(OBJECT_SETTING));
    for (ObjectKind kind = OBJECT_INDEX; kind <= OBJECT_TRIGGER; kind++)
        assert_false(object_kind_is_data(kind));
    assert_false(object_kind_is_data(OBJECT_OTHER));
    assert_string_equal(object_kind_name(OBJECT_FOREIGN_KEY), "foreign key");
}

static void expect_tables_found(const Catalog *catalog)
{
    assert_int_equal(catalog_find_table(catalog, NULL, "a")->id, 1);
    assert_int_equal(catalog_find_table(catalog, "s", "a")->id, 2);
    assert_int_equal(catalog_find_table(catalog, "r", "b")->id, 3);
    assert_int_equal(catalog_find_table(catalog, "", "a")->id, 4);
    assert_null(catalog_find_table(catalog, "s", "b"));
    assert_null(catalog_find_table(catalog, NULL, "A"));
    assert_null(catalog_find_table(catalog, "zz", "zz"));
}

static void finds_tables_by_schema_and_name(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};

    (void)state;
    assert_null(catalog_find_table(&catalog, NULL, "a"));
    catalog_seal(&catalog);
    assert_null(catalog_find_table(&catalog, NULL, "a"));
    (void)set_table(&catalog, NULL, "a");
    (void)set_table(&catalog, "s", "a");
    (void)set_table(&catalog, "r", "b");
    (void)set_table(&catalog, "", "a");
    expect_tables_found(&catalog);
    catalog_seal(&catalog);
    expect_tables_found(&catalog);
    (void)set_table(&catalog, "later", "t");
    assert_int_equal(catalog_find_table(&catalog, "later", "t")->id, 5);
    expect_tables_found(&catalog);
}

static void finds_each_of_ten_thousand_tables(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "table_%u", i * 7919 % 10007);
        (void)set_table(&catalog, NULL, name);
    }
    catalog_seal(&catalog);
    for (uint32_t id = 1; id <= 10000; id++) {
        const Table *table = catalog_find_table(&catalog, NULL, catalog_table(&catalog, id)->name);

        assert_int_equal(table->id, id);
    }
}

static void shows_tables_with_their_schema(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_FREE_MEMORY char *bare = table_display_name(set_table(&catalog, NULL, "orders"));
    AUTO_FREE_MEMORY char *full = table_display_name(set_table(&catalog, "shop", "orders"));

    (void)state;
    assert_string_equal(bare, "orders");
    assert_string_equal(full, "shop.orders");
}

#define AUTO_SELECTION __attribute__((cleanup(selection_release)))

static void takes_every_table_without_patterns(void **state)
{
    AUTO_SELECTION Selection selection = {0};

    (void)state;
    assert_true(selection_has(&selection, NULL, "orders"));
    assert_true(selection_has(&selection, "shop", "orders"));
}

static void takes_what_is_included_and_not_excluded(void **state)
{
    AUTO_SELECTION Selection selection = {0};

    (void)state;
    text_list_add(&selection.include, "order*");
    text_list_add(&selection.include, "shop.c?stomers");
    text_list_add(&selection.exclude, "*_old");
    text_list_add(&selection.exclude, "test.*");
    assert_true(selection_has(&selection, NULL, "orders"));
    assert_true(selection_has(&selection, "shop", "order_lines"));
    assert_true(selection_has(&selection, "shop", "customers"));
    assert_false(selection_has(&selection, "crm", "customers"));
    assert_false(selection_has(&selection, NULL, "customers"));
    assert_false(selection_has(&selection, NULL, "orders_old"));
    assert_false(selection_has(&selection, "test", "orders"));
    assert_false(selection_has(&selection, NULL, "Orders"));
}

static void takes_the_schemas_asked_for(void **state)
{
    AUTO_SELECTION Selection selection = {0};

    (void)state;
    text_list_add(&selection.schemas, "sh*");
    text_list_add(&selection.exclude, "log");
    assert_true(selection_has(&selection, "shop", "orders"));
    assert_false(selection_has(&selection, "shop", "log"));
    assert_false(selection_has(&selection, "crm", "orders"));
    assert_false(selection_has(&selection, NULL, "orders"));
}

static void set_shop(Catalog *catalog)
{
    (void)set_table(catalog, "shop", "Orders");
    (void)set_table(catalog, "shop", "customers");
    (void)set_table(catalog, "crm", "customers");
    (void)set_table(catalog, NULL, "log");
}

static void accepts_patterns_that_all_match(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_SELECTION Selection selection = {0};
    Error err = {0};

    (void)state;
    set_shop(&catalog);
    assert_int_equal(selection_check(&selection, &catalog, &err), STATUS_OK);
    text_list_add(&selection.include, "crm.*");
    text_list_add(&selection.exclude, "l[ou]g");
    text_list_add(&selection.schemas, "shop");
    assert_int_equal(selection_check(&selection, &catalog, &err), STATUS_OK);
    assert_int_equal(err.kind, ERROR_NONE);
}

static void expect_refused(const Selection *selection, const char *message, const char *hint)
{
    AUTO_CATALOG Catalog catalog = {0};
    Error err = {0};

    set_shop(&catalog);
    assert_int_equal(selection_check(selection, &catalog, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
}

static void names_the_first_pattern_that_matches_nothing(void **state)
{
    AUTO_SELECTION Selection include = {0};
    AUTO_SELECTION Selection exclude = {0};
    AUTO_SELECTION Selection schemas = {0};

    (void)state;
    text_list_add(&include.include, "log");
    text_list_add(&include.include, "invoices");
    text_list_add(&include.include, "bills");
    expect_refused(&include, "no table of the source matches --table \"invoices\"", "may hold *");
    text_list_add(&exclude.exclude, "shop.log");
    expect_refused(&exclude, "no table of the source matches --exclude-table \"shop.log\"",
                   "may hold *");
    text_list_add(&schemas.schemas, "warehouse");
    expect_refused(&schemas, "no schema of the source matches --schema \"warehouse\"",
                   "Use --table");
}

static void hints_names_that_are_close(void **state)
{
    AUTO_SELECTION Selection by_case = {0};
    AUTO_SELECTION Selection by_slip = {0};
    AUTO_SELECTION Selection by_schema = {0};

    (void)state;
    text_list_add(&by_case.include, "ORD*");
    expect_refused(&by_case, "no table of the source matches --table \"ORD*\"",
                   "Did you mean \"shop.Orders\"?");
    text_list_add(&by_slip.include, "custmoers");
    expect_refused(&by_slip, "no table of the source matches --table \"custmoers\"",
                   "Did you mean \"shop.customers\" or \"crm.customers\"?");
    text_list_add(&by_schema.schemas, "Shop");
    expect_refused(&by_schema, "no schema of the source matches --schema \"Shop\"",
                   "Did you mean \"shop\"?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_ids_in_order),
        cmocka_unit_test(keeps_all_columns),
        cmocka_unit_test(fingerprints_show_every_change_of_shape),
        cmocka_unit_test(objects_and_tables_show_in_the_catalog_fingerprint_alone),
        cmocka_unit_test(what_follows_the_data_and_notes_change_no_fingerprint),
        cmocka_unit_test(tells_data_from_structure),
        cmocka_unit_test(finds_tables_by_schema_and_name),
        cmocka_unit_test(finds_each_of_ten_thousand_tables),
        cmocka_unit_test(shows_tables_with_their_schema),
        cmocka_unit_test(takes_every_table_without_patterns),
        cmocka_unit_test(takes_what_is_included_and_not_excluded),
        cmocka_unit_test(takes_the_schemas_asked_for),
        cmocka_unit_test(accepts_patterns_that_all_match),
        cmocka_unit_test(names_the_first_pattern_that_matches_nothing),
        cmocka_unit_test(hints_names_that_are_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
