/* The catalog's file: every field comes back, and what was changed is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backup/catalog_file.h"
#include "tests/support/capture.h"

static int enter_folder(void **state)
{
    *state = make_folder();
    return 0;
}

static int leave_folder(void **state)
{
    remove_folder(*state);
    return 0;
}

/* Texts that JSON, lines and locales stumble over; NULL and "" are not the same. */
static const char *const texts[] = {
    NULL,
    "",
    "plain",
    "two\nlines\r\n\t\"quoted\" \\ back",
    "\xe8\xbf\x81\xe7\xa7\xbb",
    "latin \xe9\xff",
    "\x01\x1f\x7f",
    "\xed\xa0\x80 surrogate",
    "{\"json\":[1]}",
};

static char *text_at(size_t i)
{
    return xstrdup(texts[i % (sizeof(texts) / sizeof(texts[0]))]);
}

static char *some_text_at(size_t i)
{
    char *text = text_at(i);

    return text != NULL ? text : xstrdup("some");
}

static void fill_table(Table *table, size_t i)
{
    static const KeyKind keys[] = {KEY_NONE, KEY_HIDDEN, KEY_COLUMNS, KEY_PHYSICAL};
    static const RowFormat formats[] = {ROW_TAGGED, ROW_PG_BINARY, ROW_PG_TEXT};

    table->schema = text_at(i);
    table->name = some_text_at(i + 1);
    table->staged_name = text_at(i + 2);
    table->definition = text_at(i + 3);
    table->private_data = text_at(i + 4);
    table->key = keys[i % 4];
    table->format = formats[i % 3];
    table->load_late = (uint32_t)i % 3;
    table->row_estimate = UINT64_MAX - 1 - i;
    table->byte_estimate = (UINT64_C(1) << 62) + i;
    for (size_t n = 0; n < i; n++) {
        Column *column = table_add_column(table);

        column->name = some_text_at(i + n);
        column->type = text_at(i + n + 1);
        column->is_generated = n % 2 == 1;
        column->key_position = n % 2 == 0 ? (unsigned)n + 1 : 0;
    }
}

static void fill_object(Object *object, size_t i)
{
    object->kind = (ObjectKind)(OBJECT_INDEX + i % OBJECT_OTHER);
    object->schema = text_at(i);
    object->name = text_at(i + 1);
    object->table_id = (uint32_t)i % 5;
    object->definition = text_at(i + 2);
    object->private_data = text_at(i + 3);
}

static void fill_catalog(Catalog *catalog)
{
    for (size_t i = 0; i < 12; i++)
        fill_table(catalog_add_table(catalog), i);
    for (size_t i = 0; i < 30; i++)
        fill_object(catalog_add_object(catalog), i);
    catalog_seal(catalog);
}

static void expect_same(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void expect_same_table(const Table *a, const Table *b)
{
    assert_int_equal(a->id, b->id);
    expect_same(a->schema, b->schema);
    expect_same(a->name, b->name);
    expect_same(a->staged_name, b->staged_name);
    expect_same(a->definition, b->definition);
    expect_same(a->private_data, b->private_data);
    expect_same(a->fingerprint, b->fingerprint);
    assert_int_equal(a->key, b->key);
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->load_late, b->load_late);
    assert_int_equal(a->row_estimate, b->row_estimate);
    assert_int_equal(a->byte_estimate, b->byte_estimate);
    assert_int_equal(a->column_count, b->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        expect_same(a->columns[i].name, b->columns[i].name);
        expect_same(a->columns[i].type, b->columns[i].type);
        assert_int_equal(a->columns[i].is_generated, b->columns[i].is_generated);
        assert_int_equal(a->columns[i].key_position, b->columns[i].key_position);
    }
}

static void every_field_comes_back(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_CATALOG Catalog read = {0};
    FileFacts facts;
    Error err = {0};

    fill_catalog(&catalog);
    assert_int_equal(catalog_file_write(*state, &catalog, &facts, &err), STATUS_OK);
    if (catalog_file_read(*state, &read, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(read.fingerprint, catalog.fingerprint);
    assert_int_equal(read.table_count, catalog.table_count);
    for (size_t i = 0; i < catalog.table_count; i++)
        expect_same_table(&read.tables[i], &catalog.tables[i]);
    assert_int_equal(read.object_count, catalog.object_count);
    for (size_t i = 0; i < catalog.object_count; i++) {
        const Object *a = &read.objects[i];
        const Object *b = &catalog.objects[i];

        assert_int_equal(a->id, b->id);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->table_id, b->table_id);
        expect_same(a->schema, b->schema);
        expect_same(a->name, b->name);
        expect_same(a->definition, b->definition);
        expect_same(a->private_data, b->private_data);
    }
}

static void the_facts_are_those_of_the_file(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, CATALOG_NAME);
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_TEXT Text content = {0};
    char hash[SHA256_HEX_SIZE];
    FileFacts facts;
    Error err = {0};

    fill_catalog(&catalog);
    assert_int_equal(catalog_file_write(*state, &catalog, &facts, &err), STATUS_OK);
    assert_int_equal(file_read(path, 1 << 20, &content, &err), STATUS_OK);
    sha256_hex(content.data, content.size, hash);
    assert_int_equal(facts.bytes, content.size);
    assert_string_equal(facts.sha256, hash);
}

static void an_empty_catalog_comes_back(void **state)
{
    AUTO_CATALOG Catalog catalog = {0};
    AUTO_CATALOG Catalog read = {0};
    FileFacts facts;
    Error err = {0};

    catalog_seal(&catalog);
    assert_int_equal(catalog_file_write(*state, &catalog, &facts, &err), STATUS_OK);
    assert_int_equal(catalog_file_read(*state, &read, &err), STATUS_OK);
    assert_int_equal(read.table_count + read.object_count, 0);
}

/* Writes the lines of the catalog again, one of them changed: 0 is the first. */
static void change_line(const char *folder, size_t which, const char *key, const char *value)
{
    AUTO_FREE_MEMORY char *path = path_in(folder, CATALOG_NAME);
    AUTO_FREE_MEMORY char *copy = path_in(folder, "copy");
    AUTO_FREE(line_reader_free) LineReader *reader = NULL;
    AUTO_FREE(line_writer_free) LineWriter *writer = NULL;
    FileFacts facts;
    Json *line = NULL;
    Error err = {0};

    assert_int_equal(line_reader_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(line_writer_open(copy, &writer, &err), STATUS_OK);
    for (size_t i = 0; line_reader_next(reader, &line, &err) == STATUS_OK; i++) {
        if (i == which && key != NULL)
            json_set_string(line, key, value);
        if (i != which || key != NULL) /* no key: the line is left out */
            assert_int_equal(line_writer_add(writer, line, &err), STATUS_OK);
        json_free(line);
    }
    assert_int_equal(line_writer_finish(writer, &facts, &err), STATUS_OK);
    assert_int_equal(rename(copy, path), 0);
}

static void what_was_changed_is_seen(void **state)
{
    static const struct {
        size_t line;
        const char *key;
        const char *value;
    } changes[] = {
        {0, "fingerprint", "00"}, {0, "catalog", "1"},       {0, "tables", "12"},
        {3, "name", "other"},     {3, "definition", "drop"}, {3, "fingerprint", "00"},
        {3, "columns", "none"},   {3, "key", "unknown"},     {3, "format", "xml"},
        {3, "table", "9"},        {13, "name", "other"},     {13, "kind", "unknown"},
        {0, NULL, NULL},          {3, NULL, NULL},           {20, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        AUTO_CATALOG Catalog catalog = {0};
        AUTO_CATALOG Catalog read = {0};
        FileFacts facts;
        Error err = {0};

        fill_catalog(&catalog);
        assert_int_equal(catalog_file_write(*state, &catalog, &facts, &err), STATUS_OK);
        change_line(*state, changes[i].line, changes[i].key, changes[i].value);
        if (catalog_file_read(*state, &read, &err) != STATUS_INVALID || err.kind != ERROR_DIFFERENT)
            fail_msg("change %zu went unseen", i);
    }
}

static void a_newer_format_is_refused(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, CATALOG_NAME);
    AUTO_FREE(line_writer_free) LineWriter *writer = NULL;
    AUTO_FREE(json_free) Json *line = json_object();
    AUTO_CATALOG Catalog read = {0};
    FileFacts facts;
    Error err = {0};

    json_set_unsigned(line, "catalog", 2);
    assert_int_equal(line_writer_open(path, &writer, &err), STATUS_OK);
    assert_int_equal(line_writer_add(writer, line, &err), STATUS_OK);
    assert_int_equal(line_writer_finish(writer, &facts, &err), STATUS_OK);
    assert_int_equal(catalog_file_read(*state, &read, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
}

#define CATALOG_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CATALOG_TEST(every_field_comes_back),      CATALOG_TEST(the_facts_are_those_of_the_file),
        CATALOG_TEST(an_empty_catalog_comes_back), CATALOG_TEST(what_was_changed_is_seen),
        CATALOG_TEST(a_newer_format_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
