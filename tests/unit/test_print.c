#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "tools/print.h"

static void expect_text(const Text *text, const char *expected)
{
    assert_string_equal(text_string(text), expected);
}

static void expect_json(const Json *json, const char *expected)
{
    AUTO_FREE_MEMORY char *printed = json_print(json, false);

    assert_string_equal(printed, expected);
}

static void add_every_kind(Fields *fields)
{
    fields_add(fields, FOR_ALL, "name", cell_text("shop"));
    fields_add(fields, FOR_ALL, "attempt", cell_number(1234));
    fields_add(fields, FOR_ALL, "row_count", cell_count(1234));
    fields_add(fields, FOR_ALL, "size", cell_bytes(1536));
    fields_add(fields, FOR_ALL, "progress", cell_percent(43));
    fields_add(fields, FOR_ALL, "finished", cell_bool(false));
    fields_add(fields, FOR_ALL, "at", cell_time(INT64_C(1795185065000000)));
    fields_add(fields, FOR_ALL, "chunks", cell_count_share(5, 1200));
    fields_add(fields, FOR_ALL, "moved", cell_bytes_share(1024, 2048));
    fields_add(fields, FOR_ALL, "intent", cell_text(NULL));
}

static void fields_print_values_for_people(void **state)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_TEXT Text text = {0};

    (void)state;
    add_every_kind(&fields);
    fields_print(&fields, "  ", false, &text);
    expect_text(&text, "  name       shop\n"
                       "  attempt    1234\n"
                       "  row count  1,234\n"
                       "  size       1.5 KiB\n"
                       "  progress   43 %\n"
                       "  finished   no\n"
                       "  at         2026-11-20T14:31:05Z\n"
                       "  chunks     5 of 1,200\n"
                       "  moved      1.0 KiB of 2.0 KiB\n");
}

static void fields_give_programs_exact_values_and_every_key(void **state)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_FREE(json_free) Json *object = json_object();

    (void)state;
    add_every_kind(&fields);
    fields_set(&fields, object);
    expect_json(object, "{\"name\":\"shop\",\"attempt\":1234,\"row_count\":1234,\"size\":1536,"
                        "\"progress\":43,\"finished\":false,\"at\":\"2026-11-20T14:31:05Z\","
                        "\"chunks\":{\"done\":5,\"total\":1200},"
                        "\"moved\":{\"done\":1024,\"total\":2048},\"intent\":null}");
}

static void people_and_programs_may_get_other_words(void **state)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_FREE(json_free) Json *object = json_object();
    AUTO_TEXT Text text = {0};

    (void)state;
    fields_add(&fields, FOR_PEOPLE, "running", cell_text("yes, by process 7"));
    fields_add(&fields, FOR_PROGRAMS, "running", cell_bool(true));
    fields_print(&fields, "", false, &text);
    fields_set(&fields, object);
    expect_text(&text, "running  yes, by process 7\n");
    expect_json(object, "{\"running\":true}");
}

static const char *const keys[] = {"name", "row_count", "problem", NULL};

static void fill_grid(Grid *table)
{
    grid_add(table, cell_text("caf\xc3\xa9"));
    grid_add(table, cell_count(5));
    grid_add(table, cell_null());
    grid_add(table, cell_text("shop"));
    grid_add(table, cell_count(1234567));
    grid_add(table, cell_null());
}

static void grids_align_by_characters_and_leave_empty_columns_out(void **state)
{
    AUTO_GRID Grid table = grid(keys);
    AUTO_TEXT Text text = {0};

    (void)state;
    fill_grid(&table);
    grid_print(&table, false, &text);
    expect_text(&text, "NAME  ROW COUNT\n"
                       "caf\xc3\xa9          5\n"
                       "shop  1,234,567\n");
}

static void grids_are_arrays_of_objects_for_programs(void **state)
{
    AUTO_GRID Grid table = grid(keys);
    AUTO_FREE(json_free) Json *rows = NULL;

    (void)state;
    fill_grid(&table);
    rows = grid_json(&table);
    expect_json(rows, "[{\"name\":\"caf\xc3\xa9\",\"row_count\":5,\"problem\":null},"
                      "{\"name\":\"shop\",\"row_count\":1234567,\"problem\":null}]");
}

static void an_empty_cell_shows_as_a_dash(void **state)
{
    AUTO_GRID Grid table = grid(keys);
    AUTO_TEXT Text text = {0};

    (void)state;
    fill_grid(&table);
    grid_add(&table, cell_text("x"));
    grid_add(&table, cell_null());
    grid_add(&table, cell_text("damaged"));
    grid_print(&table, false, &text);
    assert_non_null(strstr(text_string(&text), "x             -  damaged\n"));
    assert_non_null(strstr(text_string(&text), "shop  1,234,567  -\n"));
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_TEXT Text text = {0};

    (void)state;
    fields_add(&fields, FOR_ALL, "name", cell_text("a\033[31m\nb"));
    fields_print(&fields, "", false, &text);
    expect_text(&text, "name  a [31m b\n");
}

static void only_toned_cells_are_coloured(void **state)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_TEXT Text text = {0};

    (void)state;
    fields_add(&fields, FOR_ALL, "phase", cell_toned(cell_text("verified"), TONE_GOOD));
    fields_add(&fields, FOR_ALL, "name", cell_text("shop"));
    fields_print(&fields, "", true, &text);
    expect_text(&text, "phase  \033[32mverified\033[0m\nname   shop\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_print_values_for_people),
        cmocka_unit_test(fields_give_programs_exact_values_and_every_key),
        cmocka_unit_test(people_and_programs_may_get_other_words),
        cmocka_unit_test(grids_align_by_characters_and_leave_empty_columns_out),
        cmocka_unit_test(grids_are_arrays_of_objects_for_programs),
        cmocka_unit_test(an_empty_cell_shows_as_a_dash),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(only_toned_cells_are_coloured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
