/*
 * The parts of the staging plan that need no server: keys in two steps, names in statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/key_constraint.h"
#include "engine/connect/postgres/named_roles.h"
#include "engine/connect/postgres/staging_map.h"

static void expect_split(const char *entry, const char *index, const char *constraint)
{
    AUTO_FREE_MEMORY char *found_index = NULL;
    AUTO_FREE_MEMORY char *found_constraint = NULL;
    bool is_split = false;
    Error err = {0};

    assert_int_equal(key_constraint_split(entry, &is_split, &found_index, &found_constraint, &err),
                     STATUS_OK);
    assert_int_equal(is_split, index != NULL);
    if (index == NULL)
        return;
    assert_string_equal(found_index, index);
    assert_string_equal(found_constraint, constraint);
}

static void keys_are_taken_apart(void **state)
{
    (void)state;
    expect_split("ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);",
                 "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id);",
                 "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey;");
    expect_split(
        "ALTER TABLE ONLY \"S 1\".\"T\"\"x\"\n    ADD CONSTRAINT \"K (1)\" UNIQUE NULLS NOT"
        " DISTINCT (\"a,b\", c) INCLUDE (d) WITH (fillfactor='70') DEFERRABLE INITIALLY"
        " DEFERRED;\n\nALTER TABLE \"S 1\".\"T\"\"x\" CLUSTER ON \"K (1)\";",
        "CREATE UNIQUE INDEX \"K (1)\" ON \"S 1\".\"T\"\"x\" USING btree (\"a,b\", c)"
        " INCLUDE (d) NULLS NOT DISTINCT WITH (fillfactor='70');",
        "ALTER TABLE ONLY \"S 1\".\"T\"\"x\" ADD CONSTRAINT \"K (1)\" UNIQUE USING INDEX"
        " \"K (1)\" DEFERRABLE INITIALLY DEFERRED;\n"
        "ALTER TABLE \"S 1\".\"T\"\"x\" CLUSTER ON \"K (1)\";");
}

static void other_constraints_are_left_whole(void **state)
{
    (void)state;
    expect_split("ALTER TABLE ONLY s.t ADD CONSTRAINT c EXCLUDE USING gist (a WITH =);", NULL,
                 NULL);
    expect_split("ALTER TABLE ONLY s.t ADD CONSTRAINT c PRIMARY KEY (a, b WITHOUT OVERLAPS);", NULL,
                 NULL);
    expect_split("ALTER TABLE ONLY s.t ADD CONSTRAINT c UNIQUE (a) USING INDEX TABLESPACE x;", NULL,
                 NULL);
    expect_split("ALTER TABLE s.t ADD CONSTRAINT c CHECK ((a > 0)) NOT VALID;", NULL, NULL);
    expect_split("ALTER TABLE ONLY s.t ADD CONSTRAINT c NOT NULL a NO INHERIT;", NULL, NULL);
    expect_split("", NULL, NULL);
}

static void expect_created(const char *statement, const char *schema, const char *name)
{
    AUTO_FREE_MEMORY char *found_schema = NULL;
    AUTO_FREE_MEMORY char *found_name = NULL;

    assert_int_equal(created_name(statement, &found_schema, &found_name), schema != NULL);
    if (schema == NULL)
        return;
    assert_string_equal(found_schema, schema);
    assert_string_equal(found_name, name);
}

static void a_statement_says_what_it_makes(void **state)
{
    (void)state;
    expect_created("CREATE FUNCTION public.f(a.b) RETURNS c.d", "public", "f");
    expect_created("CREATE FUNCTION public.\"f(x).y\"(integer) RETURNS c.d", "public", "f(x).y");
    expect_created("CREATE OPERATOR app.<< (\n    FUNCTION = app.f", "app", "<<");
    expect_created("CREATE OPERATOR CLASS \"A b\".ops\n    FOR TYPE", "A b", "ops");
    expect_created("CREATE TEXT SEARCH CONFIGURATION public.words (\n", "public", "words");
    expect_created("CREATE CAST (a.b AS c.d) WITH INOUT;", NULL, NULL);
    expect_created("CREATE EXTENSION IF NOT EXISTS x WITH SCHEMA y;", NULL, NULL);
    expect_created("ALTER TABLE a.b OWNER TO c;", NULL, NULL);
}

static void expect_roles(const char *statements, const char *roles)
{
    AUTO_TEXT_LIST TextList found = {0};
    AUTO_TEXT Text text = {0};

    add_granted_roles(statements, &found);
    add_owner_roles(statements, &found);
    for (size_t i = 0; i < found.count; i++)
        text_append_format(&text, "%s%s", i > 0 ? "|" : "", found.items[i]);
    assert_string_equal(text_string(&text), roles);
}

static void roles_are_found_in_grants_policies_and_owners(void **state)
{
    (void)state;
    expect_roles("GRANT SELECT,INSERT(a, b) ON TABLE s.t TO reader;\n"
                 "GRANT ALL ON TABLE s.t TO \"Big, one\" WITH GRANT OPTION;",
                 "reader|Big, one");
    expect_roles("REVOKE ALL ON FUNCTION s.f(x integer, y text) FROM PUBLIC;", "");
    expect_roles("CREATE POLICY p ON s.t AS RESTRICTIVE FOR SELECT TO a, b USING ((c IN ( SELECT d"
                 " FROM s.e WHERE f = g)));",
                 "a|b");
    expect_roles(
        "CREATE TABLE s.t (owner text DEFAULT 'OWNER TO x');\nALTER TABLE s.t OWNER TO me;", "me");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_taken_apart),
        cmocka_unit_test(other_constraints_are_left_whole),
        cmocka_unit_test(a_statement_says_what_it_makes),
        cmocka_unit_test(roles_are_found_in_grants_policies_and_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
