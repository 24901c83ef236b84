/*
 * Dumps taken apart: what looks like a header inside of texts is none, settings stay outside, and on
 * a real server every entry, run in order elsewhere or retargeted, makes the same schema again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/process.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/pg_dump.h"
#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "tests/support/pg_link.h"

#define SUFFIX "_staging_ab12cd"

static PgCluster *cluster;

static int start_cluster(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static int start_fresh(void **state)
{
    (void)state;
    stop_reset();
    return unsetenv("STOPOVER_PG_DUMP");
}

/* ---- taking apart ---- */

static const char head[] = "--\n-- PostgreSQL database dump\n--\n\n\\restrict 7'x\n\n"
                           "-- Dumped by pg_dump version 15.20\n\n-- Started on 2026-01-01\n\n"
                           "SET statement_timeout = 0;\n"
                           "SELECT pg_catalog.set_config('search_path', '', false);\n\n";
static const char tail[] =
    "-- Completed on 2026-01-01\n\n--\n-- PostgreSQL database dump complete\n"
    "--\n\n\\unrestrict 7'x\n\n";

static Status parse(const char *entries, Dump *ret, Error *err)
{
    AUTO_TEXT Text text = {0};

    text_append(&text, head);
    text_append(&text, entries);
    text_append(&text, tail);
    return dump_parse(text_string(&text), text.size, ret, err);
}

static void expect_entry(const DumpEntry *entry, uint32_t id, const char *type, const char *schema,
                         const char *name, const char *text)
{
    assert_int_equal(entry->id, id);
    assert_string_equal(entry->type, type);
    assert_string_equal(entry->name, name);
    if (schema == NULL)
        assert_null(entry->schema);
    else
        assert_string_equal(entry->schema, schema);
    assert_string_equal(entry->text, text);
}

static void entries_have_what_their_headers_say(void **state)
{
    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    (void)state;
    EXPECT_OK(
        parse("--\n-- TOC entry 6 (class 2615 OID 16385)\n-- Name: app; Type: SCHEMA; Schema: "
              "-; Owner: joe\n-- Data Pos: 0\n--\n\nCREATE SCHEMA app;\n\n\n"
              "ALTER SCHEMA app OWNER TO joe;\n\n"
              "--\n-- TOC entry 4136 (class 0 OID 0)\n-- Dependencies: 6 12\n-- Name: SCHEMA "
              "app; Type: COMMENT; Schema: -; Owner: -\n--\n\nCOMMENT ON SCHEMA app IS 'x';\n\n\n"
              "--\n-- TOC entry 215 (class 1259 OID 4294967295)\n-- Name: odd; Type: TABLE; "
              "Schema: x; Owner: y; Type: INDEX; Schema: s; Owner: -\n--\n\n"
              "CREATE INDEX i ON s.t USING btree (a);\n\n\n",
              &dump, &err));
    assert_int_equal(dump.count, 3);
    expect_entry(&dump.entries[0], 6, "SCHEMA", NULL, "app",
                 "CREATE SCHEMA app;\n\n\nALTER SCHEMA app OWNER TO joe;");
    assert_int_equal(dump.entries[0].class_oid, 2615);
    assert_int_equal(dump.entries[0].oid, 16385);
    expect_entry(&dump.entries[1], 4136, "COMMENT", NULL, "SCHEMA app",
                 "COMMENT ON SCHEMA app IS 'x';");
    assert_int_equal(dump.entries[1].after_count, 2);
    assert_int_equal(dump.entries[1].after[0], 6);
    assert_int_equal(dump.entries[1].after[1], 12);
    expect_entry(&dump.entries[2], 215, "INDEX", "s", "odd; Type: TABLE; Schema: x; Owner: y",
                 "CREATE INDEX i ON s.t USING btree (a);");
    assert_true(dump.entries[2].oid == UINT32_MAX);
    assert_false(dump.entries[1].is_post_data);
    assert_true(dump.entries[2].is_post_data);
}

#define EVIL                                                                                       \
    "--\n-- TOC entry 1 (class 1 OID 1)\n-- Name: evil; Type: TABLE; Schema: e; Owner: e\n--\n"    \
    "\\restrict evil\n"

static void texts_that_look_like_headers_are_none(void **state)
{
    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    (void)state;
    EXPECT_OK(
        parse("--\n-- TOC entry 5 (class 1255 OID 20)\n-- Name: f(); Type: FUNCTION; Schema: a; "
              "Owner: -\n--\n\nCREATE FUNCTION a.f() RETURNS int\n    LANGUAGE sql\n    AS "
              "$_$select 1;\n" EVIL "$_$;\n\n\n"
              "--\n-- TOC entry 7 (class 0 OID 0)\n-- Dependencies: 5\n-- Name: FUNCTION f(); "
              "Type: COMMENT; Schema: a; Owner: -\n--\n\nCOMMENT ON FUNCTION a.f() IS 'x;\n" EVIL
              "';\n\n\n"
              "--\n-- TOC entry 8 (class 2618 OID 21)\n-- Name: t r; Type: RULE; Schema: a; "
              "Owner: -\n--\n\nCREATE RULE r AS\n ON UPDATE TO a.t DO ( DELETE FROM a.x;\n" EVIL
              " DELETE FROM a.y;\n);\n\n\n",
              &dump, &err));
    assert_int_equal(dump.count, 3);
    expect_entry(&dump.entries[0], 5, "FUNCTION", "a", "f()",
                 "CREATE FUNCTION a.f() RETURNS int\n    LANGUAGE sql\n    AS $_$select 1;\n" EVIL
                 "$_$;");
    expect_entry(&dump.entries[1], 7, "COMMENT", "a", "FUNCTION f()",
                 "COMMENT ON FUNCTION a.f() IS 'x;\n" EVIL "';");
    assert_int_equal(dump.entries[2].id, 8);
}

static void settings_between_entries_belong_to_none(void **state)
{
    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    (void)state;
    EXPECT_OK(
        parse("SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n"
              "--\n-- TOC entry 1 (class 1259 OID 1)\n-- Name: a; Type: TABLE; Schema: s; Owner: "
              "-\n--\n\nCREATE TABLE s.a (\n);\n\n\n"
              "SET default_table_access_method = \"Odd\";\n\n"
              "--\n-- TOC entry 2 (class 1259 OID 2)\n-- Name: b; Type: TABLE; Schema: s; Owner: "
              "-\n--\n\nCREATE TABLE s.b (\n);\n\n\n"
              "--\n-- TOC entry 3 (class 0 OID 0)\n-- Name: TABLE b; Type: ACL; Schema: s; Owner: "
              "-\n--\n\nSET SESSION AUTHORIZATION joe;\nGRANT SELECT ON TABLE s.b TO x;\nRESET "
              "SESSION AUTHORIZATION;\n\n\n"
              "--\n-- TOC entry 4 (class 2606 OID 3)\n-- Name: b e; Type: CHECK CONSTRAINT; "
              "Schema: s; Owner: -\n--\n\n\n\n"
              "SET default_table_access_method = heap;\n\n"
              "--\n-- TOC entry 5 (class 1259 OID 4)\n-- Name: c; Type: TABLE; Schema: s; Owner: "
              "-\n--\n\nCREATE TABLE s.c (\n);\n\n\n",
              &dump, &err));
    assert_int_equal(dump.count, 5);
    expect_entry(&dump.entries[0], 1, "TABLE", "s", "a", "CREATE TABLE s.a (\n);");
    expect_entry(&dump.entries[1], 2, "TABLE", "s", "b",
                 "SET LOCAL default_table_access_method = \"Odd\";\nCREATE TABLE s.b (\n);\n"
                 "SET LOCAL default_table_access_method = heap;");
    expect_entry(&dump.entries[2], 3, "ACL", "s", "TABLE b",
                 "SET SESSION AUTHORIZATION joe;\nGRANT SELECT ON TABLE s.b TO x;\nRESET SESSION "
                 "AUTHORIZATION;");
    expect_entry(&dump.entries[3], 4, "CHECK CONSTRAINT", "s", "b e", "");
    expect_entry(&dump.entries[4], 5, "TABLE", "s", "c", "CREATE TABLE s.c (\n);");
}

static void what_holds_passwords_has_no_text(void **state)
{
    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    (void)state;
    EXPECT_OK(
        parse("--\n-- TOC entry 1 (class 6100 OID 1)\n-- Name: sub; Type: SUBSCRIPTION; Schema: "
              "-; Owner: -\n--\n\nCREATE SUBSCRIPTION sub CONNECTION 'password=hidden';\n\n\n"
              "--\n-- TOC entry 2 (class 1418 OID 1)\n-- Name: USER MAPPING x; Type: USER "
              "MAPPING; Schema: -; Owner: -\n--\n\nCREATE USER MAPPING FOR x SERVER s OPTIONS "
              "(password 'hidden');\n\n\n",
              &dump, &err));
    assert_int_equal(dump.count, 2);
    assert_string_equal(dump.entries[0].text, "");
    assert_string_equal(dump.entries[1].text, "");
}

static void an_empty_dump_has_no_entries(void **state)
{
    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    (void)state;
    EXPECT_OK(parse("", &dump, &err));
    assert_int_equal(dump.count, 0);
}

static void what_is_no_verbose_dump_or_a_part_of_one_fails(void **state)
{
    static const char *const entries[] = {
        "--\n-- Name: a; Type: TABLE; Schema: s; Owner: -\n--\n\nCREATE TABLE s.a ();\n\n\n",
        "--\n-- TOC entry x\n-- Name: a; Type: TABLE; Schema: s; Owner: -\n--\n\n",
        "--\n-- TOC entry 1 (class 0 OID 0)\n--\n\nCREATE TABLE s.a ();\n\n",
        "--\n-- TOC entry 1 (class 0 OID 0)\n-- Name: a; Type: TABLE\n--\n\n",
        "SELECT 'x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        AUTO_DUMP Dump dump = {0};
        Error err = {0};

        assert_int_equal(parse(entries[i], &dump, &err), STATUS_FAILED);
        assert_int_equal(dump.count, 0);
        assert_true(err.message[0] != '\0');
    }

    AUTO_DUMP Dump dump = {0};
    Error err = {0};

    assert_int_equal(dump_parse(head, strlen(head), &dump, &err), STATUS_FAILED);
}

static void kinds_are_in_order_and_found(void **state)
{
    (void)state;
    for (const EntryKind *kind = entry_kinds; kind->type != NULL; kind++) {
        assert_ptr_equal(entry_kind(kind->type), kind);
        if (kind[1].type != NULL)
            assert_true(strcmp(kind->type, kind[1].type) < 0);
        if (kind->fate == KIND_SKIPPED || kind->fate == KIND_REFUSED) {
            assert_non_null(kind->words);
            assert_non_null(kind->remedy);
        }
    }
    assert_null(entry_kind("TABLES"));
    assert_null(entry_kind(""));
}

/* ---- a real server ---- */

static PgAddress *connect_to(const char *database, PgUse use, PgConnection **ret)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    PgAddress *address = NULL;
    Error err = {0};

    EXPECT_OK(uri_parse(pg_cluster_uri(cluster, database), &uri, &err));
    EXPECT_OK(pg_address_new(uri, &address, &err));
    EXPECT_OK(pg_connect(address, use, "stopover test", ret, &err));
    return address;
}

static void dump_database(const char *database, Dump *ret)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = connect_to(database, PG_SOURCE, &connection);
    DumpOptions options = {0};
    Error err = {0};

    EXPECT_OK(pg_dump_run(address, pg_server_major(connection), &options, ret, &err));
}

static void run_file(const char *database, const char *name)
{
    AUTO_FREE_MEMORY char *psql = xasprintf("%s/psql", pg_cluster_bin_directory(cluster));
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", getenv("STOPOVER_DATA"), name);
    const char *const arguments[] = {
        psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-d", pg_cluster_uri(cluster, database),
        "-f", path,  NULL};
    const Process process = {.arguments = arguments};
    AUTO_PROCESS_OUTCOME ProcessOutcome outcome = {0};
    Error err = {0};

    EXPECT_OK(process_run(&process, &outcome, &err));
    if (outcome.exit_code != 0)
        fail_msg("%s: %s", name, text_string(&outcome.errors));
}

static void make_database(const char *database, const char *file)
{
    AUTO_FREE_MEMORY char *drop = xasprintf("DROP DATABASE IF EXISTS %s", database);
    AUTO_FREE_MEMORY char *create = xasprintf("CREATE DATABASE %s TEMPLATE template0", database);

    pg_cluster_run(cluster, NULL, drop);
    pg_cluster_run(cluster, NULL, create);
    if (file != NULL)
        run_file(database, file);
}

/* What has to be there before: by hand, as people are told. */
static bool is_beforehand(const DumpEntry *entry)
{
    return strcmp(entry->type, "ACCESS METHOD") == 0;
}

/* A comment or a grant on what is left behind stays there with it. */
static bool is_about_skipped(const Dump *dump, const DumpEntry *entry)
{
    if (strcmp(entry->type, "COMMENT") != 0 && strcmp(entry->type, "ACL") != 0)
        return false;
    for (size_t i = 0; i < dump->count; i++)
        for (size_t j = 0; j < entry->after_count; j++)
            if (dump->entries[i].id == entry->after[j] &&
                entry_kind(dump->entries[i].type)->fate == KIND_SKIPPED)
                return true;
    return false;
}

static bool is_made(const Dump *dump, const DumpEntry *entry)
{
    const EntryKind *kind = entry_kind(entry->type);

    if (kind == NULL)
        fail_msg("unknown kind: %s", entry->type);
    if (is_about_skipped(dump, entry))
        return false;
    return kind->fate == KIND_CARRIED || kind->fate == KIND_AT_PROMOTION || is_beforehand(entry);
}

/* Not ours to stage: schemas and what is said of them, extensions. */
static bool is_staged(const Dump *dump, const DumpEntry *entry)
{
    return is_made(dump, entry) && !is_beforehand(entry) && strcmp(entry->type, "SCHEMA") != 0 &&
           strcmp(entry->type, "EXTENSION") != 0 && strncmp(entry->name, "SCHEMA ", 7) != 0 &&
           strncmp(entry->name, "EXTENSION ", 10) != 0;
}

/* ---- texts in one spelling ---- */

static void append_spelling(Text *text, const char *sql);

static void append_token(Text *text, const SqlToken *token)
{
    AUTO_FREE_MEMORY char *value = sql_string_value(token);
    AUTO_FREE_MEMORY char *name = sql_identifier(token);

    if (value != NULL) {
        text_append(text, "'");
        append_spelling(text, value);
        text_append(text, "'");
    } else if (token->kind == SQL_WORD || token->kind == SQL_NAME) {
        text_append(text, name);
    } else {
        text_append_bytes(text, token->text, token->size);
    }
    text_append(text, " ");
}

/* Quoting and line ends aside; what is in strings, too. What is no SQL stays. */
static void append_spelling(Text *text, const char *sql)
{
    AUTO_TEXT Text spelling = {0};
    SqlLexer lexer;
    SqlToken token = {0};
    Error ignored = {0};

    sql_lexer_begin(&lexer, sql, strlen(sql));
    do {
        if (sql_lexer_next(&lexer, &token, &ignored) < 0) {
            text_append(text, sql);
            return;
        }
        if (token.kind != SQL_SPACE)
            append_token(&spelling, &token);
    } while (token.kind != SQL_END);
    text_append(text, text_string(&spelling));
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list_spellings(const Dump *dump, const NameMap *map,
                           bool (*has)(const Dump *, const DumpEntry *), TextList *ret)
{
    Error err = {0};

    for (size_t i = 0; i < dump->count; i++) {
        AUTO_TEXT Text text = {0};
        AUTO_TEXT Text spelling = {0};

        if (!has(dump, &dump->entries[i]) || dump->entries[i].text[0] == '\0')
            continue; /* "not creating schema public" is a comment only */
        EXPECT_OK(retarget(map, dump->entries[i].text, &text, NULL, &err));
        append_spelling(&spelling, text_string(&text));
        text_list_add(ret, text_string(&spelling));
    }
    qsort(ret->items, ret->count, sizeof(*ret->items), compare_texts);
}

static void expect_same_dump(const Dump *expected, const NameMap *expected_map, const Dump *found,
                             const NameMap *found_map, bool (*has)(const Dump *, const DumpEntry *))
{
    AUTO_TEXT_LIST TextList left = {0};
    AUTO_TEXT_LIST TextList right = {0};

    list_spellings(expected, expected_map, has, &left);
    list_spellings(found, found_map, has, &right);
    assert_true(left.count > 0);
    for (size_t i = 0; i < left.count && i < right.count; i++)
        assert_string_equal(right.items[i], left.items[i]);
    assert_int_equal(right.count, left.count);
}

/* ---- round trips ---- */

static void run_entry(PgConnection *connection, const char *sql)
{
    Error err = {0};

    if (pg_run(connection, sql, &err) < 0)
        fail_msg("%s\n%s", sql, err.message);
}

static void run_entries(PgConnection *connection, const Dump *dump, const NameMap *map,
                        bool (*has)(const Dump *, const DumpEntry *))
{
    Error err = {0};

    run_entry(connection, "SET check_function_bodies = off");
    for (size_t i = 0; i < dump->count; i++) {
        AUTO_TEXT Text text = {0};

        if (!has(dump, &dump->entries[i]))
            continue;
        EXPECT_OK(retarget(map, dump->entries[i].text, &text, NULL, &err));
        run_entry(connection, text_string(&text));
    }
}

/* What a database holds besides extensions and the system: schema, name, spaces. */
static const char names_sql[] =
    "with own as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> "
    "'information_schema'), mine as (select classid, objid from pg_depend where deptype = 'e')\n"
    "select o.nspname, x.name, x.spaces from own o join (\n"
    "  select relnamespace as n, relname::text as name, 3 as spaces, 'pg_class'::regclass as c, "
    "oid "
    "as i from pg_class\n"
    "  union all select typnamespace, typname, 2, 'pg_type'::regclass, oid from pg_type\n"
    "  union all select pronamespace, proname, 4, 'pg_proc'::regclass, oid from pg_proc\n"
    "  union all select oprnamespace, oprname, 8, 'pg_operator'::regclass, oid from pg_operator\n"
    "  union all select opcnamespace, opcname, 16, 'pg_opclass'::regclass, oid from pg_opclass\n"
    "  union all select opfnamespace, opfname, 16, 'pg_opfamily'::regclass, oid from pg_opfamily\n"
    "  union all select collnamespace, collname, 16, 'pg_collation'::regclass, oid from "
    "pg_collation\n"
    "  union all select connamespace, conname, 16, 'pg_conversion'::regclass, oid from "
    "pg_conversion\n"
    "  union all select cfgnamespace, cfgname, 16, 'pg_ts_config'::regclass, oid from "
    "pg_ts_config\n"
    "  union all select dictnamespace, dictname, 16, 'pg_ts_dict'::regclass, oid from pg_ts_dict\n"
    "  union all select stxnamespace, stxname, 16, 'pg_statistic_ext'::regclass, oid from "
    "pg_statistic_ext\n"
    ") x on x.n = o.oid where not exists (select from mine m where m.classid = x.c and m.objid = "
    "x.i)";

static void fill_map(PgConnection *source, NameMap *forward, NameMap *back, TextList *schemas)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    Error err = {0};

    EXPECT_OK(pg_query(source, "SET search_path = pg_catalog", &rows, &err));
    pg_rows_free(TAKE(rows));
    EXPECT_OK(pg_query(source, names_sql, &rows, &err));
    for (size_t i = 0; i < pg_row_count(rows); i++) {
        const char *schema = pg_value(rows, i, 0);
        AUTO_FREE_MEMORY char *staging = xasprintf("%.40s" SUFFIX, schema);

        name_map_add(forward, (unsigned)pg_unsigned(rows, i, 2), schema, pg_value(rows, i, 1),
                     staging);
        if (!text_list_has(schemas, schema)) {
            text_list_add(schemas, schema);
            name_map_add_schema(back, staging, schema);
        }
    }
}

static void make_schemas(PgConnection *target, const Dump *dump, const TextList *schemas)
{
    for (size_t i = 0; i < schemas->count; i++) {
        AUTO_FREE_MEMORY char *staging = xasprintf("%.40s" SUFFIX, schemas->items[i]);
        AUTO_FREE_MEMORY char *name = pg_qualified(NULL, staging);
        AUTO_FREE_MEMORY char *sql = xasprintf("CREATE SCHEMA %s", name);

        run_entry(target, sql);
    }
    for (size_t i = 0; i < dump->count; i++)
        if (strcmp(dump->entries[i].type, "SCHEMA") == 0 ||
            strcmp(dump->entries[i].type, "EXTENSION") == 0 || is_beforehand(&dump->entries[i]))
            run_entry(target, dump->entries[i].text);
}

/* Nothing in the staged schemas speaks of what was migrated where it was. */
static void expect_nothing_left(const Dump *dump, const NameMap *forward)
{
    Error err = {0};

    for (size_t i = 0; i < dump->count; i++) {
        AUTO_TEXT Text text = {0};
        bool changed = true;

        if (!is_staged(dump, &dump->entries[i]))
            continue;
        EXPECT_OK(retarget(forward, dump->entries[i].text, &text, &changed, &err));
        if (changed)
            fail_msg("still not staged: %s", dump->entries[i].text);
    }
}

static void go_there_and_back(const char *database, const char *file)
{
    AUTO_FREE(name_map_free) NameMap *none = name_map_new();
    AUTO_FREE(name_map_free) NameMap *forward = name_map_new();
    AUTO_FREE(name_map_free) NameMap *back = name_map_new();
    AUTO_TEXT_LIST TextList schemas = {0};
    AUTO_DUMP Dump dump = {0};
    AUTO_DUMP Dump copied = {0};
    AUTO_DUMP Dump staged = {0};

    make_database(database, file);
    make_database("copied", NULL);
    make_database("staged", NULL);
    dump_database(database, &dump);
    {
        AUTO_FREE(pg_close) PgConnection *source = NULL;
        AUTO_FREE(pg_close) PgConnection *copy = NULL;
        AUTO_FREE(pg_close) PgConnection *stage = NULL;

        pg_address_free(connect_to(database, PG_SOURCE, &source));
        pg_address_free(connect_to("copied", PG_TARGET, &copy));
        pg_address_free(connect_to("staged", PG_TARGET, &stage));
        run_entries(copy, &dump, none, is_made);
        fill_map(source, forward, back, &schemas);
        make_schemas(stage, &dump, &schemas);
        run_entries(stage, &dump, forward, is_staged);
    }
    dump_database("copied", &copied);
    expect_same_dump(&dump, none, &copied, none, is_made);
    dump_database("staged", &staged);
    expect_same_dump(&dump, none, &staged, back, is_staged);
    expect_nothing_left(&staged, forward);
}

static void every_shape_of_schema_goes_there_and_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    go_there_and_back("shapes", "pg_shapes.sql");
}

static void what_people_have_goes_there_and_back(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    go_there_and_back("people", "pg_people.sql");
}

static const DumpEntry *find_entry(const Dump *dump, const char *type, const char *name)
{
    for (size_t i = 0; i < dump->count; i++)
        if (strcmp(dump->entries[i].type, type) == 0 && strcmp(dump->entries[i].name, name) == 0)
            return &dump->entries[i];
    fail_msg("no %s %s", type, name);
    return NULL;
}

static bool comes_after(const DumpEntry *entry, const DumpEntry *other)
{
    for (size_t i = 0; i < entry->after_count; i++)
        if (entry->after[i] == other->id)
            return true;
    return false;
}

static void all_entries_have_their_dependencies(void **state)
{
    AUTO_DUMP Dump dump = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    make_database("needs", "pg_shapes.sql");
    dump_database("needs", &dump);
    assert_true(comes_after(find_entry(&dump, "FK CONSTRAINT", "orders orders_account_fkey"),
                            find_entry(&dump, "CONSTRAINT", "accounts accounts_pkey")));
    assert_true(comes_after(find_entry(&dump, "INDEX ATTACH", "measure_old_value_idx"),
                            find_entry(&dump, "INDEX", "measure_value_idx")));
    assert_true(comes_after(find_entry(&dump, "TABLE", "orders"),
                            find_entry(&dump, "FUNCTION", "double(integer)")));
    assert_true(comes_after(find_entry(&dump, "RULE", "grouped _RETURN"),
                            find_entry(&dump, "CONSTRAINT", "a a_pkey")));
    assert_false(find_entry(&dump, "TABLE ATTACH", "measure_old")->is_post_data);
    assert_true(find_entry(&dump, "MATERIALIZED VIEW DATA", "filled")->is_post_data);
    assert_string_equal(find_entry(&dump, "SUBSCRIPTION", "sub")->text, "");
    for (size_t i = 0; i < dump.count; i++)
        assert_null(strstr(dump.entries[i].text, "hidden"));
}

static void chosen_schemas_and_owners_are_asked_for(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_DUMP Dump dump = {0};
    DumpOptions options = {.with_owner = true};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    make_database("chosen", NULL);
    pg_cluster_run(
        cluster, "chosen",
        "CREATE SCHEMA \"a.b\"\"*\"; CREATE TABLE \"a.b\"\"*\".t (a int); CREATE SCHEMA ab; "
        "CREATE TABLE ab.t (a int); CREATE EXTENSION citext SCHEMA ab");
    address = connect_to("chosen", PG_SOURCE, &connection);
    text_list_add(&options.schemas, "a.b\"*");
    EXPECT_OK(pg_dump_run(address, pg_server_major(connection), &options, &dump, &err));
    text_list_release(&options.schemas);
    assert_string_equal(find_entry(&dump, "TABLE", "t")->schema, "a.b\"*");
    assert_non_null(strstr(find_entry(&dump, "TABLE", "t")->text, "OWNER TO postgres;"));
    (void)find_entry(&dump, "EXTENSION", "citext");
    for (size_t i = 0; i < dump.count; i++)
        assert_true(dump.entries[i].schema == NULL || strcmp(dump.entries[i].schema, "ab") != 0);
}

static void an_exported_snapshot_is_read(void **state)
{
    AUTO_FREE(pg_close) PgConnection *holder = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_FREE_MEMORY char *snapshot = NULL;
    AUTO_DUMP Dump dump = {0};
    DumpOptions options = {0};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    make_database("chosen", NULL);
    pg_cluster_run(cluster, "chosen", "CREATE TABLE before (a int)");
    address = connect_to("chosen", PG_SOURCE, &holder);
    EXPECT_OK(pg_run(holder, "BEGIN ISOLATION LEVEL REPEATABLE READ", &err));
    EXPECT_OK(pg_query_text(holder, "SELECT pg_catalog.pg_export_snapshot()", &snapshot, &err));
    pg_cluster_run(cluster, "chosen", "CREATE TABLE later (a int)");
    options.snapshot = snapshot;
    EXPECT_OK(pg_dump_run(address, pg_server_major(holder), &options, &dump, &err));
    assert_int_equal(dump.count, 1);
    assert_string_equal(dump.entries[0].name, "before");

    EXPECT_OK(pg_run(holder, "ROLLBACK", &err));
    assert_int_equal(pg_dump_run(address, pg_server_major(holder), &options, &dump, &err),
                     STATUS_RETRY);
}

static void a_missing_privilege_is_refused_with_the_remedy(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_DUMP Dump dump = {0};
    DumpOptions options = {0};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    pg_cluster_run(cluster, NULL,
                   "DROP ROLE IF EXISTS limited; CREATE ROLE limited LOGIN; DROP TABLE IF EXISTS "
                   "secret; CREATE TABLE secret (a int)");
    address = pg_link_address(cluster, NULL, "&user=limited");
    EXPECT_OK(pg_connect(address, PG_SOURCE, "stopover test", &connection, &err));
    assert_int_equal(pg_dump_run(address, pg_server_major(connection), &options, &dump, &err),
                     STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "permission denied for table secret"));
    assert_non_null(strstr(err.hint, "Grant SELECT"));
    pg_cluster_run(cluster, NULL, "DROP TABLE secret");
}

static void a_wish_to_stop_ends_it(void **state)
{
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = NULL;
    AUTO_DUMP Dump dump = {0};
    DumpOptions options = {0};
    Error err = {0};

    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    address = connect_to("postgres", PG_SOURCE, &connection);
    stop_request();
    assert_int_equal(pg_dump_run(address, pg_server_major(connection), &options, &dump, &err),
                     STATUS_STOPPED);
}

/* ---- programs that are not what they should be ---- */

static char *write_program(const char *name, const char *script)
{
    const char *directory = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    char *path = xasprintf("%s/%s", directory, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static void an_older_pg_dump_is_refused(void **state)
{
    AUTO_FREE_MEMORY char *dump =
        write_program("pg_dump", "echo 'pg_dump (PostgreSQL) 12.22 (Debian 12.22-1)'");
    AUTO_FREE_MEMORY char *restore = write_program("pg_restore", "exit 0");
    AUTO_FREE_MEMORY char *path = NULL;
    int major = 0;
    Error err = {0};

    (void)state;
    assert_int_equal(setenv("STOPOVER_PG_DUMP", dump, 1), 0);
    EXPECT_OK(pg_dump_find(12, &path, &major, &err));
    assert_int_equal(major, 12);
    assert_string_equal(path, dump);
    assert_int_equal(pg_dump_find(13, &path, &major, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, "(12)"));
    assert_non_null(strstr(err.hint, "postgresql-client-13"));

    assert_int_equal(unlink(restore), 0);
    assert_int_equal(pg_dump_find(12, &path, &major, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "without pg_restore"));
    assert_int_equal(unlink(dump), 0);
    assert_int_equal(pg_dump_find(12, &path, &major, &err), STATUS_INVALID);
}

static void expect_complaint(const char *words, Status expected, const char *part)
{
    AUTO_FREE_MEMORY char *script =
        xasprintf("[ \"$1\" = --version ] && { echo 'pg_dump (PostgreSQL) 99.1'; exit 0; }\n"
                  "echo 'pg_dump: reading schemas' >&2\ncat >&2 <<'END'\n%s\nEND\n"
                  "echo 'pg_dump: detail: Query was: SELECT hidden' >&2\nexit 1",
                  words);
    AUTO_FREE_MEMORY char *dump_path = write_program("pg_dump", script);
    AUTO_FREE_MEMORY char *restore = write_program("pg_restore", "exit 0");
    AUTO_FREE(pg_close) PgConnection *connection = NULL;
    AUTO_FREE(pg_address_free) PgAddress *address = connect_to("postgres", PG_SOURCE, &connection);
    AUTO_DUMP Dump dump = {0};
    DumpOptions options = {0};
    Error err = {0};

    assert_int_equal(setenv("STOPOVER_PG_DUMP", dump_path, 1), 0);
    assert_int_equal(pg_dump_run(address, 15, &options, &dump, &err), expected);
    assert_non_null(strstr(err.message, part));
    assert_null(strstr(err.message, "hidden"));
    assert_null(strstr(err.message, "reading schemas"));
}

static void its_complaints_tell_what_to_do(void **state)
{
    (void)state;
    PG_CLUSTER_OR_SKIP(cluster);
    expect_complaint(
        "pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout",
        STATUS_RETRY, "lock timeout");
    expect_complaint("pg_dump: error: connection to server at \"h\" (1.2.3.4), port 5432 failed: "
                     "Connection refused",
                     STATUS_RETRY, "Connection refused");
    expect_complaint("pg_dump: error: connection to server at \"h\", port 5432 failed: FATAL:  "
                     "password authentication failed for user \"x\"",
                     STATUS_INVALID, "password authentication failed");
    expect_complaint("pg_dump: error: aborting because of server version mismatch", STATUS_INVALID,
                     "version mismatch");
    expect_complaint("pg_dump: error: schema with OID 1 does not exist", STATUS_FAILED,
                     "schema with OID 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(entries_have_what_their_headers_say, start_fresh),
        cmocka_unit_test_setup(texts_that_look_like_headers_are_none, start_fresh),
        cmocka_unit_test_setup(settings_between_entries_belong_to_none, start_fresh),
        cmocka_unit_test_setup(what_holds_passwords_has_no_text, start_fresh),
        cmocka_unit_test_setup(an_empty_dump_has_no_entries, start_fresh),
        cmocka_unit_test_setup(what_is_no_verbose_dump_or_a_part_of_one_fails, start_fresh),
        cmocka_unit_test_setup(kinds_are_in_order_and_found, start_fresh),
        cmocka_unit_test_setup(every_shape_of_schema_goes_there_and_back, start_fresh),
        cmocka_unit_test_setup(what_people_have_goes_there_and_back, start_fresh),
        cmocka_unit_test_setup(all_entries_have_their_dependencies, start_fresh),
        cmocka_unit_test_setup(chosen_schemas_and_owners_are_asked_for, start_fresh),
        cmocka_unit_test_setup(an_exported_snapshot_is_read, start_fresh),
        cmocka_unit_test_setup(a_missing_privilege_is_refused_with_the_remedy, start_fresh),
        cmocka_unit_test_setup(a_wish_to_stop_ends_it, start_fresh),
        cmocka_unit_test_setup(an_older_pg_dump_is_refused, start_fresh),
        cmocka_unit_test_setup(its_complaints_tell_what_to_do, start_fresh),
    };

    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
