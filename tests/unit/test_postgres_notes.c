/*
 * engine/connect/postgres/notes: what the connector keeps with tables and objects survives the
 * journal, and what is not its own is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"

static void expect_same_list(const TextList *a, const TextList *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_string_equal(a->items[i], b->items[i]);
}

static void reads_the_notes_on_a_table_as_written(void **state)
{
    (void)state;
    AUTO_TABLE_NOTES PgTableNotes written = {
        .order = 17, .kind = 'p', .is_unlogged = true, .is_partition = true, .has_children = true};
    text_list_add(&written.leaves, "\"odd \\ \"\"schema\"\"\".\"n\xC3\xA4me\"");
    text_list_add(&written.leaves, "\"public\".\"b\"");
    text_list_add(&written.facts, "column a 0123456789abcdef");
    for (size_t i = 0; i < NEED_PARTS; i++)
        text_list_add(&written.needs, i == 3 ? "" : "trigger a");
    AUTO_FREE_MEMORY char *text = pg_table_notes_write(&written);
    assert_null(strchr(text, '\n'));

    char name[] = "orders";
    const Table table = {.name = name, .private_data = text};
    AUTO_TABLE_NOTES PgTableNotes found = {0};
    Error err = {0};
    assert_int_equal(pg_table_notes_read(&table, &found, &err), STATUS_OK);
    assert_int_equal(found.order, 17);
    assert_int_equal(found.kind, 'p');
    assert_true(found.is_unlogged && found.is_partition && found.has_children);
    expect_same_list(&found.leaves, &written.leaves);
    expect_same_list(&found.facts, &written.facts);
    expect_same_list(&found.needs, &written.needs);
}

static void keeps_what_is_false_false(void **state)
{
    (void)state;
    const PgTableNotes written = {.order = 1, .kind = 'r'};
    AUTO_FREE_MEMORY char *text = pg_table_notes_write(&written);
    char name[] = "t";
    const Table table = {.name = name, .private_data = text};
    AUTO_TABLE_NOTES PgTableNotes found = {0};
    Error err = {0};
    assert_int_equal(pg_table_notes_read(&table, &found, &err), STATUS_OK);
    assert_int_equal(found.kind, 'r');
    assert_false(found.is_unlogged || found.is_partition || found.has_children);
    assert_int_equal(found.leaves.count + found.facts.count, 0);
}

static void reads_the_notes_on_an_object_as_written(void **state)
{
    (void)state;
    char type[] = "FK CONSTRAINT";
    char schema[] = "Odd \"Schema\"";
    char relation[] = "orders";
    char column[] = "user \"id\"";
    char label[] = "orders user";
    char version[] = "1.6";
    char path[] = "\"public\", app";
    char extension_schema[] = "public";
    uint32_t after[] = {3, 4294967295U, 9};
    const PgObjectNotes written = {.order = 5,
                                   .type = type,
                                   .relation_schema = schema,
                                   .relation_name = relation,
                                   .relation_column = column,
                                   .label = label,
                                   .other_table_id = 12,
                                   .after_data = true,
                                   .after = after,
                                   .after_count = 3,
                                   .path = path,
                                   .extension_version = version,
                                   .extension_schema = extension_schema};
    AUTO_FREE_MEMORY char *text = pg_object_notes_write(&written);
    const Object object = {.kind = OBJECT_FOREIGN_KEY, .name = label, .private_data = text};
    AUTO_OBJECT_NOTES PgObjectNotes found = {0};
    Error err = {0};
    assert_int_equal(pg_object_notes_read(&object, &found, &err), STATUS_OK);
    assert_int_equal(found.order, 5);
    assert_string_equal(found.type, type);
    assert_string_equal(found.relation_schema, schema);
    assert_string_equal(found.relation_name, relation);
    assert_string_equal(found.relation_column, column);
    assert_string_equal(found.label, label);
    assert_int_equal(found.other_table_id, 12);
    assert_true(found.after_data);
    assert_int_equal(found.after_count, 3);
    assert_memory_equal(found.after, after, sizeof(after));
    assert_string_equal(found.path, path);
    assert_string_equal(found.extension_version, version);
    assert_string_equal(found.extension_schema, extension_schema);
}

static void tells_nothing_from_something_in_an_objects_notes(void **state)
{
    (void)state;
    char type[] = "SCHEMA";
    const PgObjectNotes written = {.type = type};
    AUTO_FREE_MEMORY char *text = pg_object_notes_write(&written);
    char name[] = "app";
    const Object object = {.kind = OBJECT_OTHER, .name = name, .private_data = text};
    AUTO_OBJECT_NOTES PgObjectNotes found = {0};
    Error err = {0};
    assert_int_equal(pg_object_notes_read(&object, &found, &err), STATUS_OK);
    assert_null(found.relation_schema);
    assert_null(found.relation_name);
    assert_null(found.label);
    assert_null(found.path);
    assert_null(found.extension_version);
    assert_int_equal(found.other_table_id, 0);
    assert_int_equal(found.after_count, 0);
    assert_false(found.after_data);
}

static void expect_refused_table(char *text, const char *reason)
{
    char name[] = "orders";
    const Table table = {.name = name, .private_data = text};
    AUTO_TABLE_NOTES PgTableNotes found = {0};
    Error err = {0};
    assert_int_equal(pg_table_notes_read(&table, &found, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "\"orders\""));
    assert_non_null(strstr(err.message, reason));
}

static void refuses_notes_on_a_table_that_are_not_its_own(void **state)
{
    (void)state;
    char sqlite[] = "{\"rowid\":\"rowid\"}";
    char broken[] = "{\"kind\":";
    char numbers[] = "{\"kind\":\"r\",\"facts\":[1]}";
    expect_refused_table(NULL, "it has none");
    expect_refused_table(sqlite, "no such kind");
    expect_refused_table(broken, "could not read");
    expect_refused_table(numbers, "facts");
}

static void refuses_notes_on_an_object_that_are_not_its_own(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "[]", "{\"type\":\"INDEX\",\"after\":\"3 x\"}",
                                      "{\"type\":\"INDEX\",\"after\":\"0\"}",
                                      "{\"type\":\"INDEX\",\"after\":\"4294967296\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        AUTO_FREE_MEMORY char *text = xstrdup(bad[i]);
        char name[] = "orders_by_day";
        const Object object = {.kind = OBJECT_INDEX, .name = name, .private_data = text};
        AUTO_OBJECT_NOTES PgObjectNotes found = {0};
        Error err = {0};
        assert_int_equal(pg_object_notes_read(&object, &found, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "index \"orders_by_day\""));
        assert_null(found.type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_notes_on_a_table_as_written),
        cmocka_unit_test(keeps_what_is_false_false),
        cmocka_unit_test(reads_the_notes_on_an_object_as_written),
        cmocka_unit_test(tells_nothing_from_something_in_an_objects_notes),
        cmocka_unit_test(refuses_notes_on_a_table_that_are_not_its_own),
        cmocka_unit_test(refuses_notes_on_an_object_that_are_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
