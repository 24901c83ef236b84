/*
 * Retargeting: a pair is rewritten only where its place asks for what the map knows. Each case is a
 * statement and what becomes of it; no second text means that it stays byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/retarget.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Case {
    const char *input;
    const char *expected; /* NULL: as it is */
} Case;

/* public, app and users are staged as p, a and u; citext lies in public and stays, vector moves
 * from public to ext. */
static NameMap *make_map(void)
{
    static const struct {
        unsigned spaces;
        const char *schema;
        const char *names[16];
        const char *to;
    } known[] = {
        {SPACE_RELATION | SPACE_TYPE,
         "public",
         {"orders", "Weird \"Table\"", "parent", "t", "select"},
         "p"},
        {SPACE_RELATION, "public", {"orders_id_seq", "orders_pkey", "idx"}, "p"},
        {SPACE_RELATION | SPACE_TYPE,
         "app",
         {"a", "b", "cache", "measure", "measure_old", "child", "star", "summary", "users"},
         "a"},
        {SPACE_RELATION, "app", {"a_seq", "measure_pkey", "measure_old_pkey"}, "a"},
        {SPACE_RELATION | SPACE_TYPE, "users", {"accounts", "v"}, "u"},
        {SPACE_RELATION, "users", {"accounts_id_seq"}, "u"},
        {SPACE_TYPE, "public", {"pair", "positive", "range", "Mood"}, "p"},
        {SPACE_RELATION, "public", {"pair"}, "p"},
        {SPACE_ROUTINE, "public", {"range", "double", "f", "lookup", "both"}, "p"},
        {SPACE_TYPE, "app", {"mood", "label"}, "a"},
        {SPACE_ROUTINE,
         "app",
         {"f", "mood_add", "touch", "total", "clean", "pair_lt", "mood"},
         "a"},
        {SPACE_ROUTINE, "users", {"check_it", "id"}, "u"},
        {SPACE_OPERATOR, "app", {"<<<", ">>>", "="}, "a"},
        {SPACE_OTHER, "app", {"german", "int_ops", "fam", "dict", "stat"}, "a"},
        {SPACE_OTHER, "public", {"cfg", "orders"}, "p"},
        {SPACE_TYPE, "public", {"citext"}, "public"},
        {SPACE_ROUTINE, "public", {"citext", "lower", "both"}, "public"},
        {SPACE_OPERATOR, "public", {"="}, "public"},
        {SPACE_TYPE, "public", {"vector"}, "ext"},
        {SPACE_ROUTINE, "public", {"vector", "vector_dims"}, "ext"},
        {SPACE_OTHER, "public", {"vector_cosine_ops"}, "ext"},
        {SPACE_OPERATOR, "public", {"<=>"}, "ext"},
        {SPACE_RELATION, "public", {"twofold"}, "p"},
        {SPACE_ROUTINE, "public", {"twofold"}, "public"},
    };
    NameMap *map = name_map_new();

    for (size_t i = 0; i < COUNT(known); i++)
        for (size_t j = 0; j < COUNT(known[i].names) && known[i].names[j] != NULL; j++)
            name_map_add(map, known[i].spaces, known[i].schema, known[i].names[j], known[i].to);
    name_map_add_path(map, "public", "p");
    name_map_add_path(map, "app", "a");
    return map;
}

static void expect(const NameMap *map, const char *input, const char *expected)
{
    AUTO_TEXT Text text = {0};
    Error err = {0};
    bool changed = false;

    if (retarget(map, input, &text, &changed, &err) != STATUS_OK)
        fail_msg("%s: %s", input, err.message);
    assert_string_equal(text_string(&text), expected != NULL ? expected : input);
    assert_int_equal(changed, expected != NULL);
}

static void expect_all(const Case *cases, size_t count)
{
    AUTO_FREE(name_map_free) NameMap *map = make_map();

    for (size_t i = 0; i < count; i++)
        expect(map, cases[i].input, cases[i].expected);
}

static void tables_are_rewritten_with_everything_in_their_columns(void **state)
{
    static const Case cases[] = {
        {"CREATE TABLE public.orders (\n    id integer NOT NULL,\n    qty public.positive DEFAULT "
         "1,\n"
         "    pair public.pair,\n    twice integer GENERATED ALWAYS AS (public.double(1)) STORED,\n"
         "    moods app.mood[] DEFAULT ARRAY['sad'::app.mood],\n"
         "    note text DEFAULT 'public.orders'::text COLLATE app.german,\n"
         "    c public.citext, v public.vector(3),\n"
         "    CONSTRAINT x CHECK ((app.f(qty) OPERATOR(app.<<<) 1))\n);",
         "CREATE TABLE \"p\".orders (\n    id integer NOT NULL,\n    qty \"p\".positive DEFAULT "
         "1,\n"
         "    pair \"p\".pair,\n    twice integer GENERATED ALWAYS AS (\"p\".double(1)) STORED,\n"
         "    moods \"a\".mood[] DEFAULT ARRAY['sad'::\"a\".mood],\n"
         "    note text DEFAULT 'public.orders'::text COLLATE \"a\".german,\n"
         "    c public.citext, v \"ext\".vector(3),\n"
         "    CONSTRAINT x CHECK ((\"a\".f(qty) OPERATOR(\"a\".<<<) 1))\n);"},
        {"CREATE TABLE app.child (\n    extra text\n)\nINHERITS (public.parent, app.a);",
         "CREATE TABLE \"a\".child (\n    extra text\n)\nINHERITS (\"p\".parent, \"a\".a);"},
        {"CREATE TABLE app.b (type app.mood, view app.mood, update app.mood, sequence app.mood, "
         "\"order\" app.mood, function app.mood, by app.mood, set public.t);",
         "CREATE TABLE \"a\".b (type \"a\".mood, view \"a\".mood, update \"a\".mood, sequence "
         "\"a\".mood, \"order\" \"a\".mood, function \"a\".mood, by \"a\".mood, set \"p\".t);"},
        {"CREATE TABLE app.a (m app.mood) PARTITION BY LIST (m app.int_ops);",
         "CREATE TABLE \"a\".a (m \"a\".mood) PARTITION BY LIST (m \"a\".int_ops);"},
        {"CREATE TABLE app.a (m int) PARTITION BY RANGE (app.f(m) app.int_ops, m);",
         "CREATE TABLE \"a\".a (m int) PARTITION BY RANGE (\"a\".f(m) \"a\".int_ops, m);"},
        {"CREATE TABLE app.a OF public.pair;", "CREATE TABLE \"a\".a OF \"p\".pair;"},
        {"ALTER TABLE ONLY app.measure ATTACH PARTITION app.measure_old FOR VALUES FROM "
         "('sad'::app.mood) TO (MAXVALUE);",
         "ALTER TABLE ONLY \"a\".measure ATTACH PARTITION \"a\".measure_old FOR VALUES FROM "
         "('sad'::\"a\".mood) TO (MAXVALUE);"},
        {"ALTER INDEX app.measure_pkey ATTACH PARTITION app.measure_old_pkey;",
         "ALTER INDEX \"a\".measure_pkey ATTACH PARTITION \"a\".measure_old_pkey;"},
        {"ALTER TABLE public.\"Weird \"\"Table\"\"\" ALTER COLUMN x SET DEFAULT "
         "nextval('public.orders_id_seq'::regclass);",
         "ALTER TABLE \"p\".\"Weird \"\"Table\"\"\" ALTER COLUMN x SET DEFAULT "
         "nextval('\"p\".orders_id_seq'::regclass);"},
        {"ALTER TABLE users.accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    "
         "SEQUENCE NAME users.accounts_id_seq\n    START WITH 1\n);",
         "ALTER TABLE \"u\".accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    "
         "SEQUENCE NAME \"u\".accounts_id_seq\n    START WITH 1\n);"},
        {"ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;",
         "ALTER SEQUENCE \"p\".orders_id_seq OWNED BY \"p\".orders.id;"},
        {"ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT fk FOREIGN KEY (account) REFERENCES "
         "users.accounts(id) NOT VALID;",
         "ALTER TABLE ONLY \"p\".orders\n    ADD CONSTRAINT fk FOREIGN KEY (account) REFERENCES "
         "\"u\".accounts(id) NOT VALID;"},
        {"ALTER TABLE ONLY app.cache ADD CONSTRAINT e EXCLUDE USING gist (k app.int_ops WITH "
         "OPERATOR(app.=), public.double(k) WITH =);",
         "ALTER TABLE ONLY \"a\".cache ADD CONSTRAINT e EXCLUDE USING gist (k \"a\".int_ops WITH "
         "OPERATOR(\"a\".=), \"p\".double(k) WITH =);"},
        {"CREATE TABLE pg_catalog.orders (a pg_catalog.mood)", NULL},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void indexes_keep_columns_and_move_classes_and_functions(void **state)
{
    static const Case cases[] = {
        {"CREATE INDEX i ON public.orders USING gin (note public.gin_trgm_ops);",
         "CREATE INDEX i ON \"p\".orders USING gin (note public.gin_trgm_ops);"},
        {"CREATE INDEX i ON ONLY app.a USING btree (b app.int_ops DESC NULLS LAST, ((app.f(c))) "
         "app.int_ops, d COLLATE app.german app.int_ops) INCLUDE (e) WHERE (app.f(x) > 1);",
         "CREATE INDEX i ON ONLY \"a\".a USING btree (b \"a\".int_ops DESC NULLS LAST, "
         "((\"a\".f(c))) \"a\".int_ops, d COLLATE \"a\".german \"a\".int_ops) INCLUDE (e) WHERE "
         "(\"a\".f(x) > 1);"},
        {"CREATE UNIQUE INDEX i ON public.orders USING btree (public.double((qty)::integer)) WHERE "
         "((m)::app.mood = 'sad'::app.mood)",
         "CREATE UNIQUE INDEX i ON \"p\".orders USING btree (\"p\".double((qty)::integer)) WHERE "
         "((m)::\"a\".mood = 'sad'::\"a\".mood)"},
        {"CREATE INDEX i ON app.doc USING gin (to_tsvector('public.cfg'::regconfig, body));",
         "CREATE INDEX i ON app.doc USING gin (to_tsvector('\"p\".cfg'::regconfig, body));"},
        {"CREATE INDEX i ON public.t USING hnsw (e public.vector_cosine_ops) WITH (m='16');",
         "CREATE INDEX i ON \"p\".t USING hnsw (e \"ext\".vector_cosine_ops) WITH (m='16');"},
        {"CREATE STATISTICS app.stat (ndistinct) ON account, public.double(qty) FROM "
         "public.orders;",
         "CREATE STATISTICS \"a\".stat (ndistinct) ON account, \"p\".double(qty) FROM "
         "\"p\".orders;"},
        {"ALTER TABLE public.orders CLUSTER ON orders_pkey;",
         "ALTER TABLE \"p\".orders CLUSTER ON orders_pkey;"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void an_alias_named_like_a_schema_is_left_alone(void **state)
{
    static const Case cases[] = {
        {"CREATE VIEW users.v AS\n SELECT users.id,\n    users.name AS accounts,\n    "
         "users.accounts,"
         "\n    public.double(o.qty) AS d\n   FROM (users.accounts users\n     JOIN public.orders "
         "o "
         "ON ((o.account = users.id)))\n  WHERE (((o.pair).a > 0) AND users.check_it(users.id))\n"
         "  GROUP BY users.accounts, o.id\n  ORDER BY users.v, (o.note COLLATE app.german);",
         "CREATE VIEW \"u\".v AS\n SELECT users.id,\n    users.name AS accounts,\n    "
         "users.accounts,"
         "\n    \"p\".double(o.qty) AS d\n   FROM (\"u\".accounts users\n     JOIN \"p\".orders o "
         "ON ((o.account = users.id)))\n  WHERE (((o.pair).a > 0) AND \"u\".check_it(users.id))\n"
         "  GROUP BY users.accounts, o.id\n  ORDER BY users.v, (o.note COLLATE \"a\".german);"},
        /* a table called like a schema is an alias, too */
        {"SELECT users.accounts, users.id(1) FROM app.users WHERE users.v = 1;",
         "SELECT users.accounts, \"u\".id(1) FROM \"a\".users WHERE users.v = 1;"},
        {"SELECT 1 FROM users.accounts AS users, users.v x WHERE users.accounts > 1",
         "SELECT 1 FROM \"u\".accounts AS users, \"u\".v x WHERE users.accounts > 1"},
        {"DELETE FROM app.a USING users.accounts users WHERE users.accounts = 1;",
         "DELETE FROM \"a\".a USING \"u\".accounts users WHERE users.accounts = 1;"},
        {"SELECT users.accounts.id, users.accounts.* FROM users.accounts, app.users",
         "SELECT \"u\".accounts.id, \"u\".accounts.* FROM \"u\".accounts, \"a\".users"},
        {"SELECT users.* FROM app.a users", "SELECT users.* FROM \"a\".a users"},
        {"SELECT extract(year FROM users.accounts), trim(both FROM users.v) FROM app.users",
         "SELECT extract(year FROM users.accounts), trim(both FROM users.v) FROM \"a\".users"},
        {"SELECT 1 FROM app.users WHERE a IS DISTINCT FROM users.accounts",
         "SELECT 1 FROM \"a\".users WHERE a IS DISTINCT FROM users.accounts"},
        {"SELECT (users.accounts).id, x.users.accounts FROM app.users",
         "SELECT (users.accounts).id, x.users.accounts FROM \"a\".users"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void queries_are_followed_through_their_lists(void **state)
{
    static const Case cases[] = {
        {"SELECT * FROM public.orders o, users.accounts u, ONLY public.parent, LATERAL app.f(o.id) "
         "x "
         "LEFT JOIN (SELECT * FROM app.a, app.b) s ON s.id = o.id, public.t WHERE a, b.id",
         "SELECT * FROM \"p\".orders o, \"u\".accounts u, ONLY \"p\".parent, LATERAL \"a\".f(o.id) "
         "x LEFT JOIN (SELECT * FROM \"a\".a, \"a\".b) s ON s.id = o.id, \"p\".t WHERE a, b.id"},
        {"SELECT * FROM ((public.orders a JOIN public.t b USING (id)) CROSS JOIN app.a), ROWS FROM "
         "(public.f(1), app.f(2)) WITH ORDINALITY",
         "SELECT * FROM ((\"p\".orders a JOIN \"p\".t b USING (id)) CROSS JOIN \"a\".a), ROWS FROM "
         "(\"p\".f(1), \"a\".f(2)) WITH ORDINALITY"},
        {"WITH x AS (UPDATE public.orders SET a = 1 FROM app.a, app.b RETURNING app.f(1)) INSERT "
         "INTO public.t (a, b) SELECT app.f(a), (SELECT max(b) FROM app.b) FROM x ON CONFLICT (a) "
         "DO "
         "UPDATE SET a = app.f(1)",
         "WITH x AS (UPDATE \"p\".orders SET a = 1 FROM \"a\".a, \"a\".b RETURNING \"a\".f(1)) "
         "INSERT INTO \"p\".t (a, b) SELECT \"a\".f(a), (SELECT max(b) FROM \"a\".b) FROM x ON "
         "CONFLICT (a) DO UPDATE SET a = \"a\".f(1)"},
        {"MERGE INTO public.t USING app.a ON t.id = a.id WHEN MATCHED THEN DELETE",
         "MERGE INTO \"p\".t USING \"a\".a ON t.id = a.id WHEN MATCHED THEN DELETE"},
        {"SELECT CAST(app.f(x) AS app.mood), app.mood 'sad', x::public.citext, public.lower(x), "
         "x OPERATOR(public.=) y, public.vector('[1]') FROM app.f(1) AS t(type app.mood, b "
         "public.t)",
         "SELECT CAST(\"a\".f(x) AS \"a\".mood), \"a\".mood 'sad', x::public.citext, "
         "public.lower(x), x OPERATOR(public.=) y, \"ext\".vector('[1]') FROM \"a\".f(1) AS t(type "
         "\"a\".mood, b \"p\".t)"},
        {"select Public.Orders.id from PUBLIC . ORDERS, public/* c */./* d */orders, "
         "\"public\".\"orders\", \"Public\".orders, U&\"\\0070ublic\".orders",
         "select \"p\".Orders.id from \"p\" . ORDERS, \"p\"/* c */./* d */orders, "
         "\"p\".\"orders\", "
         "\"Public\".orders, \"p\".orders"},
        {"SELECT public.\"Mood\" 'x', 1::public.mood, public.\"select\".a FROM public.\"select\"",
         "SELECT \"p\".\"Mood\" 'x', 1::public.mood, \"p\".\"select\".a FROM \"p\".\"select\""},
        {"LOCK TABLE public.orders, public.t; TRUNCATE app.a, ONLY app.b; COPY public.t (a) TO "
         "STDOUT; REFRESH MATERIALIZED VIEW CONCURRENTLY app.summary;",
         "LOCK TABLE \"p\".orders, \"p\".t; TRUNCATE \"a\".a, ONLY \"a\".b; COPY \"p\".t (a) TO "
         "STDOUT; REFRESH MATERIALIZED VIEW CONCURRENTLY \"a\".summary;"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void each_kind_of_statement_asks_for_its_own(void **state)
{
    static const Case cases[] = {
        {"CREATE AGGREGATE app.mood(app.mood, b app.label ORDER BY app.mood) (\n    SFUNC = "
         "app.mood_add,\n    STYPE = app.mood,\n    SORTOP = OPERATOR(app.<<<)\n);",
         "CREATE AGGREGATE \"a\".mood(\"a\".mood, b \"a\".label ORDER BY \"a\".mood) (\n    SFUNC "
         "= "
         "\"a\".mood_add,\n    STYPE = \"a\".mood,\n    SORTOP = OPERATOR(\"a\".<<<)\n);"},
        {"CREATE OPERATOR app.<<< (\n    FUNCTION = app.pair_lt,\n    LEFTARG = public.pair,\n    "
         "COMMUTATOR = OPERATOR(app.>>>),\n    JOIN = app.f\n);",
         "CREATE OPERATOR \"a\".<<< (\n    FUNCTION = \"a\".pair_lt,\n    LEFTARG = \"p\".pair,\n  "
         "  "
         "COMMUTATOR = OPERATOR(\"a\".>>>),\n    JOIN = \"a\".f\n);"},
        {"CREATE OPERATOR CLASS app.int_ops\n    FOR TYPE public.pair USING btree FAMILY app.fam "
         "AS\n "
         "   STORAGE public.pair ,\n    OPERATOR 1 app.<<<(public.pair,public.pair) FOR ORDER BY "
         "app.fam ,\n    FUNCTION 1 (public.pair, public.pair) app.f(public.pair,public.pair);",
         "CREATE OPERATOR CLASS \"a\".int_ops\n    FOR TYPE \"p\".pair USING btree FAMILY "
         "\"a\".fam "
         "AS\n    STORAGE \"p\".pair ,\n    OPERATOR 1 \"a\".<<<(\"p\".pair,\"p\".pair) FOR ORDER "
         "BY \"a\".fam ,\n    FUNCTION 1 (\"p\".pair, \"p\".pair) \"a\".f(\"p\".pair,\"p\".pair);"},
        {"CREATE CAST (public.pair AS app.mood) WITH FUNCTION app.f(public.pair) AS ASSIGNMENT;",
         "CREATE CAST (\"p\".pair AS \"a\".mood) WITH FUNCTION \"a\".f(\"p\".pair) AS ASSIGNMENT;"},
        {"COMMENT ON CAST (public.pair AS text) IS 'public.pair';",
         "COMMENT ON CAST (\"p\".pair AS text) IS 'public.pair';"},
        {"CREATE DOMAIN public.positive AS app.label\n\tCONSTRAINT c CHECK ((VALUE <> app.f(1)));",
         "CREATE DOMAIN \"p\".positive AS \"a\".label\n\tCONSTRAINT c CHECK ((VALUE <> "
         "\"a\".f(1)));"},
        {"CREATE TYPE public.pair AS (\n\ta integer,\n\tb app.mood\n);",
         "CREATE TYPE \"p\".pair AS (\n\ta integer,\n\tb \"a\".mood\n);"},
        {"CREATE TYPE app.mood AS ENUM (\n    'app.mood',\n    'x'\n);",
         "CREATE TYPE \"a\".mood AS ENUM (\n    'app.mood',\n    'x'\n);"},
        {"CREATE TYPE public.range AS RANGE (\n    subtype = public.pair,\n    subtype_opclass = "
         "app.int_ops, collation = app.german, subtype_diff = app.f\n);",
         "CREATE TYPE \"p\".range AS RANGE (\n    subtype = \"p\".pair,\n    subtype_opclass = "
         "\"a\".int_ops, collation = \"a\".german, subtype_diff = \"a\".f\n);"},
        {"ALTER TEXT SEARCH CONFIGURATION public.cfg\n    ADD MAPPING FOR word WITH app.dict, "
         "simple;",
         "ALTER TEXT SEARCH CONFIGURATION \"p\".cfg\n    ADD MAPPING FOR word WITH \"a\".dict, "
         "simple;"},
        {"CREATE TRIGGER touch BEFORE UPDATE OF qty ON public.orders FOR EACH ROW WHEN ((old.qty "
         "IS "
         "DISTINCT FROM new.qty)) EXECUTE FUNCTION app.touch('public.orders');",
         "CREATE TRIGGER touch BEFORE UPDATE OF qty ON \"p\".orders FOR EACH ROW WHEN ((old.qty IS "
         "DISTINCT FROM new.qty)) EXECUTE FUNCTION \"a\".touch('public.orders');"},
        {"CREATE CONSTRAINT TRIGGER x AFTER INSERT ON app.a FROM app.b DEFERRABLE FOR EACH ROW "
         "EXECUTE PROCEDURE app.touch();",
         "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON \"a\".a FROM \"a\".b DEFERRABLE FOR EACH ROW "
         "EXECUTE PROCEDURE \"a\".touch();"},
        {"CREATE RULE log_it AS\n    ON UPDATE TO app.b\n   WHERE (old.a <> new.a) DO ( INSERT "
         "INTO "
         "app.cache (key) VALUES (app.f(1));\n UPDATE app.a SET b = new.a WHERE (a.id = "
         "old.id);\n);",
         "CREATE RULE log_it AS\n    ON UPDATE TO \"a\".b\n   WHERE (old.a <> new.a) DO ( INSERT "
         "INTO \"a\".cache (key) VALUES (\"a\".f(1));\n UPDATE \"a\".a SET b = new.a WHERE (a.id = "
         "old.id);\n);"},
        {"CREATE POLICY own ON users.accounts FOR DELETE USING ((app.f(id) AND (EXISTS ( SELECT "
         "1\n "
         "  FROM public.orders o\n  WHERE (o.account = accounts.id))))) WITH CHECK (app.f(1));",
         "CREATE POLICY own ON \"u\".accounts FOR DELETE USING ((\"a\".f(id) AND (EXISTS ( SELECT "
         "1\n"
         "   FROM \"p\".orders o\n  WHERE (o.account = accounts.id))))) WITH CHECK (\"a\".f(1));"},
        {"GRANT SELECT(id) ON TABLE users.accounts TO PUBLIC; REVOKE ALL ON FUNCTION app.f(n "
         "app.mood, VARIADIC public.pair[]) FROM PUBLIC; GRANT ALL ON TYPE app.mood TO app;",
         "GRANT SELECT(id) ON TABLE \"u\".accounts TO PUBLIC; REVOKE ALL ON FUNCTION \"a\".f(n "
         "\"a\".mood, VARIADIC \"p\".pair[]) FROM PUBLIC; GRANT ALL ON TYPE \"a\".mood TO app;"},
        {"COMMENT ON COLUMN public.orders.id IS 'x'; COMMENT ON COLUMN public.pair.a IS 'y'; "
         "COMMENT "
         "ON CONSTRAINT c ON app.a IS ''; COMMENT ON CONSTRAINT c ON DOMAIN public.positive IS ''; "
         "COMMENT ON OPERATOR app.<<< (public.pair, public.pair) IS ''; COMMENT ON TRIGGER t ON "
         "app.a IS ''; COMMENT ON INDEX public.idx IS ''; COMMENT ON OPERATOR CLASS app.int_ops "
         "USING btree IS ''; COMMENT ON STATISTICS app.stat IS '';",
         "COMMENT ON COLUMN \"p\".orders.id IS 'x'; COMMENT ON COLUMN \"p\".pair.a IS 'y'; COMMENT "
         "ON CONSTRAINT c ON \"a\".a IS ''; COMMENT ON CONSTRAINT c ON DOMAIN \"p\".positive IS "
         "''; "
         "COMMENT ON OPERATOR \"a\".<<< (\"p\".pair, \"p\".pair) IS ''; COMMENT ON TRIGGER t ON "
         "\"a\".a IS ''; COMMENT ON INDEX \"p\".idx IS ''; COMMENT ON OPERATOR CLASS \"a\".int_ops "
         "USING btree IS ''; COMMENT ON STATISTICS \"a\".stat IS '';"},
        {"CREATE TRANSFORM FOR app.mood LANGUAGE plpgsql (FROM SQL WITH FUNCTION app.f(internal));",
         "CREATE TRANSFORM FOR \"a\".mood LANGUAGE plpgsql (FROM SQL WITH FUNCTION "
         "\"a\".f(internal));"},
        {"CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM public.f;",
         "CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM \"p\".f;"},
        {"CREATE MATERIALIZED VIEW app.summary AS\n SELECT app.mood(feeling) AS n\n   FROM "
         "users.accounts\n  WITH NO DATA;",
         "CREATE MATERIALIZED VIEW \"a\".summary AS\n SELECT \"a\".mood(feeling) AS n\n   FROM "
         "\"u\".accounts\n  WITH NO DATA;"},
        {"ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;",
         NULL},
        {"CREATE SCHEMA app; CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;", NULL},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void the_same_name_is_another_thing_in_another_place(void **state)
{
    static const Case cases[] = {
        /* "orders" is a table and a statistics object, "mood" a type and a function */
        {"SELECT app.mood(x::app.mood), public.twofold(1) FROM public.twofold",
         "SELECT \"a\".mood(x::\"a\".mood), public.twofold(1) FROM \"p\".twofold"},
        /* a table that stays behind, with a function of its name that does not */
        {"SELECT app.f(1) FROM app.f", "SELECT \"a\".f(1) FROM app.f"},
        {"ALTER TABLE app.f ADD c app.f", NULL},
        {"COMMENT ON FUNCTION public.citext(text) IS ''; COMMENT ON TYPE public.pair IS ''",
         "COMMENT ON FUNCTION public.citext(text) IS ''; COMMENT ON TYPE \"p\".pair IS ''"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void literals_of_references_are_read_as_names(void **state)
{
    static const Case cases[] = {
        {"SELECT 'public.orders'::regclass, 'public.orders'::pg_catalog.regclass, "
         "'public.orders'::text, regclass 'public.orders', CAST('app.mood' AS regtype), "
         "'app.f(app.mood, public.pair)'::regprocedure, 'app.<<<(public.pair,public.pair)'"
         "::regoperator, 'app.german'::regcollation, 'app.dict'::regdictionary",
         "SELECT '\"p\".orders'::regclass, '\"p\".orders'::pg_catalog.regclass, "
         "'public.orders'::text, regclass '\"p\".orders', CAST('\"a\".mood' AS regtype), "
         "'\"a\".f(\"a\".mood, \"p\".pair)'::regprocedure, '\"a\".<<<(\"p\".pair,\"p\".pair)'"
         "::regoperator, '\"a\".german'::regcollation, '\"a\".dict'::regdictionary"},
        {"SELECT 'public.\"Weird \"\"Table\"\"\"'::regclass, E'public.\\x6frders'::regclass, "
         "$$public.orders$$::regclass",
         "SELECT '\"p\".\"Weird \"\"Table\"\"\"'::regclass, '\"p\".orders'::regclass, "
         "'\"p\".orders'::regclass"},
        {"SELECT nextval('public.orders_id_seq'), "
         "nextval(('public.orders_id_seq'::text)::regclass)",
         "SELECT nextval('\"p\".orders_id_seq'), "
         "nextval(('public.orders_id_seq'::text)::regclass)"},
        {"SELECT 'orders'::regclass, 'public.other'::regclass, 'public.citext'::regtype, "
         "'public.f('::regclass, '\"'::regclass, '16400'::regclass, '{pg_class}'::regclass[]",
         NULL},
        {"SELECT '{public.orders}'::text[], ARRAY['public.orders'::regclass], "
         "'public'::regnamespace",
         "SELECT '{public.orders}'::text[], ARRAY['\"p\".orders'::regclass], "
         "'public'::regnamespace"},
        {"SELECT 1 -- public.orders 'public.orders'::regclass\n/* public.orders */, 'it''s "
         "public.orders', $x$public.orders$x$",
         NULL},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

/* Schemas of extensions that are elsewhere on the target. */
static void more_schemas_come_at_the_end_of_a_pinned_path(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = name_map_new();
    AUTO_TEXT Text text = {0};
    Error err = {0};

    (void)state;
    name_map_add_path(map, "public", "p");
    name_map_add_path_end(map, "public", "ext");
    name_map_add_path_end(map, "public", "Ext 2");
    name_map_add_path_end(map, "other", "ext");
    assert_int_equal(retarget(map,
                              "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path TO "
                              "public, 'other', app AS $$SELECT 1$$; SET search_path = public",
                              &text, NULL, &err),
                     STATUS_OK);
    assert_string_equal(text_string(&text),
                        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path TO "
                        "\"p\", public, 'other', app, \"ext\", \"Ext 2\" AS $$SELECT 1$$; "
                        "SET search_path = \"p\", public, \"ext\", \"Ext 2\"");
}

static void bodies_are_rewritten_and_quoted_again(void **state)
{
    static const Case cases[] = {
        {"CREATE FUNCTION public.lookup(k text) RETURNS jsonb\n    LANGUAGE sql STABLE\n    SET "
         "search_path TO 'public', 'other', 'app'\n    AS $$SELECT value FROM app.cache WHERE key "
         "= "
         "k -- it's app.cache$$;",
         "CREATE FUNCTION \"p\".lookup(k text) RETURNS jsonb\n    LANGUAGE sql STABLE\n    SET "
         "search_path TO \"p\", 'public', 'other', \"a\", 'app'\n    AS $$SELECT value FROM "
         "\"a\".cache WHERE key = k -- it's app.cache$$;"},
        {"CREATE OR REPLACE FUNCTION app.f() RETURNS void LANGUAGE 'SQL' AS 'select ''it'''' s'' "
         "from "
         "public.t';",
         "CREATE OR REPLACE FUNCTION \"a\".f() RETURNS void LANGUAGE 'SQL' AS 'select ''it'''' s'' "
         "from \"p\".t';"},
        {"CREATE FUNCTION app.f() RETURNS void AS $x$select * from public.t$x$ LANGUAGE sql",
         "CREATE FUNCTION \"a\".f() RETURNS void AS $x$select * from \"p\".t$x$ LANGUAGE sql"},
        {"CREATE PROCEDURE app.clean(INOUT n app.mood DEFAULT app.f(1)) LANGUAGE plpgsql AS "
         "$$\nBEGIN "
         "DELETE FROM ONLY public.parent; CALL app.clean(n); COMMIT; END $$;",
         "CREATE PROCEDURE \"a\".clean(INOUT n \"a\".mood DEFAULT \"a\".f(1)) LANGUAGE plpgsql AS "
         "$$\nBEGIN DELETE FROM ONLY \"p\".parent; CALL \"a\".clean(n); COMMIT; END $$;"},
        {"CREATE FUNCTION app.f(users app.b) RETURNS TABLE(m app.mood, o public.orders)\n    "
         "LANGUAGE "
         "sql\n    AS $$ SELECT users.accounts, x::app.mood FROM public.orders $$;",
         "CREATE FUNCTION \"a\".f(users \"a\".b) RETURNS TABLE(m \"a\".mood, o \"p\".orders)\n    "
         "LANGUAGE sql\n    AS $$ SELECT users.accounts, x::\"a\".mood FROM \"p\".orders $$;"},
        {"CREATE FUNCTION public.f() RETURNS SETOF public.orders\n    LANGUAGE sql\n    BEGIN "
         "ATOMIC\n SELECT orders.id\n    FROM public.orders orders\n   WHERE "
         "((orders.qty)::integer "
         "= atomic.n);\n INSERT INTO app.b (id, a)\n   VALUES (atomic.n, NULL::app.mood);\nEND;",
         "CREATE FUNCTION \"p\".f() RETURNS SETOF \"p\".orders\n    LANGUAGE sql\n    BEGIN "
         "ATOMIC\n SELECT orders.id\n    FROM \"p\".orders orders\n   WHERE ((orders.qty)::integer "
         "= atomic.n);\n INSERT INTO \"a\".b (id, a)\n   VALUES (atomic.n, "
         "NULL::\"a\".mood);\nEND;"},
        {"CREATE FUNCTION app.f() RETURNS int LANGUAGE c AS 'public.orders', 'public.t';",
         "CREATE FUNCTION \"a\".f() RETURNS int LANGUAGE c AS 'public.orders', 'public.t';"},
        {"CREATE FUNCTION app.f() RETURNS int LANGUAGE plpython3u AS $$ public.orders $$;",
         "CREATE FUNCTION \"a\".f() RETURNS int LANGUAGE plpython3u AS $$ public.orders $$;"},
        {"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS "
         "'select "
         "public.x';",
         NULL},
        {"ALTER FUNCTION app.f() SET search_path = public, \"$user\"; SET LOCAL search_path TO "
         "DEFAULT",
         "ALTER FUNCTION \"a\".f() SET search_path = \"p\", public, \"$user\"; SET LOCAL "
         "search_path "
         "TO DEFAULT"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void plpgsql_is_understood(void **state)
{
    static const Case cases[] = {
        {"CREATE FUNCTION app.total(who bigint) RETURNS numeric LANGUAGE plpgsql AS $$\nDECLARE\n  "
         "users users.accounts%ROWTYPE;\n  m app.mood := 'sad'::app.mood;\n  t public.t.x%TYPE;\n  "
         "type CONSTANT app.mood;\n  view app.mood;\n  c CURSOR FOR SELECT * FROM "
         "public.t;\nBEGIN\n "
         " SELECT * INTO users FROM users.accounts WHERE users.accounts.id = who;\n  IF users.id "
         "IS "
         "NULL OR users.accounts > 1 THEN RETURN users.accounts; END IF;\n  SELECT a, b INTO "
         "users.accounts, m FROM public.t;\n  PERFORM app.f('public.orders');\n  users.accounts := "
         "app.total(1);\n  FOR m IN SELECT app.f(1) FROM app.a, app.b LOOP PERFORM a, users.v; END "
         "LOOP;\n  RETURN QUERY SELECT * FROM public.t;\n  FOR i IN app.f(1)..public.f(2) LOOP "
         "NULL; "
         "END LOOP;\n  INSERT INTO public.t VALUES (1);\n  CREATE TEMP TABLE x (a app.mood, LIKE "
         "public.t);\nEXCEPTION WHEN others THEN UPDATE app.a SET b = NULL;\nEND $$;",
         "CREATE FUNCTION \"a\".total(who bigint) RETURNS numeric LANGUAGE plpgsql AS "
         "$$\nDECLARE\n  "
         "users \"u\".accounts%ROWTYPE;\n  m \"a\".mood := 'sad'::\"a\".mood;\n  t "
         "\"p\".t.x%TYPE;\n  type CONSTANT \"a\".mood;\n  view \"a\".mood;\n  c CURSOR FOR SELECT "
         "* "
         "FROM \"p\".t;\nBEGIN\n  SELECT * INTO users FROM \"u\".accounts WHERE \"u\".accounts.id "
         "= "
         "who;\n  IF users.id IS NULL OR users.accounts > 1 THEN RETURN users.accounts; END IF;\n  "
         "SELECT a, b INTO users.accounts, m FROM \"p\".t;\n  PERFORM \"a\".f('public.orders');\n  "
         "users.accounts := \"a\".total(1);\n  FOR m IN SELECT \"a\".f(1) FROM \"a\".a, \"a\".b "
         "LOOP "
         "PERFORM a, users.v; END LOOP;\n  RETURN QUERY SELECT * FROM \"p\".t;\n  FOR i IN "
         "\"a\".f(1)..\"p\".f(2) LOOP NULL; END LOOP;\n  INSERT INTO \"p\".t VALUES (1);\n  CREATE "
         "TEMP TABLE x (a \"a\".mood, LIKE \"p\".t);\nEXCEPTION WHEN others THEN UPDATE \"a\".a "
         "SET "
         "b = NULL;\nEND $$;"},
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void a_tag_that_occurs_in_the_new_body_is_replaced(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = name_map_new();

    (void)state;
    name_map_add(map, SPACE_RELATION, "public", "t", "a$x$b");
    expect(map, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$select 1 from public.t$x$;",
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body_1$select 1 from "
           "\"a$x$b\".t$body_1$;");
    expect(map, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$select $1 from public.t$$;",
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$select $1 from \"a$x$b\".t$$;");
    expect(map,
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$select $body_1$ $body_1$ from "
           "public.t$x$;",
           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body_2$select $body_1$ $body_1$ from "
           "\"a$x$b\".t$body_2$;");
}

static void expect_refusal(const NameMap *map, const char *input, const char *part)
{
    AUTO_TEXT Text text = {0};
    Error err = {0};

    assert_int_equal(retarget(map, input, &text, NULL, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.message, part));
    assert_true(err.hint[0] != '\0');
    assert_int_equal(text.size, 0);
}

static void what_cannot_be_told_apart_is_refused_by_name(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = make_map();

    (void)state;
    expect_refusal(map, "SELECT public.both(1)", "\"public.both\"");
    expect_refusal(map,
                   "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'select public.both(1)'",
                   "body of a function");
    expect_refusal(map, "SELECT '{public.orders}'::regclass[]", "array");
    expect_refusal(map, "SELECT ARRAY['pg_class', 'public.orders']::pg_catalog.regclass[]",
                   "array");
    expect_refusal(map, "SELECT 'public.both'::regproc", "\"public.both\"");
}

static void what_does_not_end_fails_and_writes_nothing(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = make_map();
    static const char *const inputs[] = {"SELECT 'public.orders", "SELECT public.orders /* x",
                                         "SELECT \"public", "SELECT $x$ public.orders $y$"};

    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        AUTO_TEXT Text text = {0};
        Error err = {0};

        assert_int_equal(retarget(map, inputs[i], &text, NULL, &err), STATUS_FAILED);
        assert_int_equal(text.size, 0);
    }
}

static void a_schema_as_a_whole_can_be_brought_back(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = name_map_new();

    (void)state;
    name_map_add_schema(map, "public_staging_ab12cd", "public");
    name_map_add(map, SPACE_ROUTINE, "ext", "vector", "public");
    expect(map,
           "CREATE INDEX i ON public_staging_ab12cd.t USING btree (public_staging_ab12cd.f(a), "
           "ext.vector(b), ext.other(c), d public_staging_ab12cd.ops)",
           "CREATE INDEX i ON \"public\".t USING btree (\"public\".f(a), \"public\".vector(b), "
           "ext.other(c), d \"public\".ops)");
    expect(map, "CHECK ((a OPERATOR(public_staging_ab12cd.=) b))",
           "CHECK ((a OPERATOR(\"public\".=) b))");
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Words in any order, as no server would take them: all of it is read, and what is not known stays. */
static void any_words_are_survived_and_nothing_unknown_changes(void **state)
{
    static const char *const words[] = {"create",   "function", "table",
                                        "view",     "as",       "from",
                                        "select",   "(",        ")",
                                        "(",        ")",        ",",
                                        ";",        ".",        "public",
                                        "orders",   "app.f",    "public.orders",
                                        "::",       "regclass", "'x.y'",
                                        "[",        "]",        "$$x.y$$",
                                        "language", "sql",      "operator",
                                        "class",    "using",    "join",
                                        "on",       "set",      "search_path",
                                        "to",       "=",        "begin",
                                        "atomic",   "end",      "index",
                                        "users",    "%",        "type",
                                        "default",  "1",        "*"};
    AUTO_FREE(name_map_free) NameMap *none = name_map_new();
    AUTO_FREE(name_map_free) NameMap *map = make_map();
    uint32_t seed = 20260102;

    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        AUTO_TEXT Text text = {0};
        AUTO_TEXT Text rewritten = {0};
        Error err = {0};

        for (uint32_t i = next_random(&seed) % 40; i > 0; i--)
            text_append_format(&text, "%s%s", words[next_random(&seed) % COUNT(words)],
                               next_random(&seed) % 3 == 0 ? "" : " ");
        (void)retarget(map, text_string(&text), &rewritten, NULL, &err); /* may be refused */
        text_clear(&rewritten);
        if (retarget(none, text_string(&text), &rewritten, NULL, &err) == STATUS_OK)
            assert_string_equal(text_string(&rewritten), text_string(&text));
    }
}

static void the_map_answers_by_space(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = make_map();

    (void)state;
    assert_string_equal(name_map_find(map, SPACE_RELATION, "public", "orders"), "p");
    assert_null(name_map_find(map, SPACE_ROUTINE, "public", "orders"));
    assert_null(name_map_find(map, SPACE_TYPE, "public", "citext"));
    assert_null(name_map_find(map, SPACE_RELATION, "nobody", "orders"));
    assert_null(name_map_find(map, SPACE_ROUTINE, "public", "both"));
}

static void many_names_are_found_again(void **state)
{
    AUTO_FREE(name_map_free) NameMap *map = name_map_new();

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("n%u", i);
        AUTO_FREE_MEMORY char *to = xasprintf("to%u", i % 7);

        name_map_add(map, SPACE_RELATION, i % 2 == 0 ? "even" : "odd", name, to);
    }
    for (unsigned i = 0; i < 20000; i++) {
        AUTO_FREE_MEMORY char *name = xasprintf("n%u", i);
        AUTO_FREE_MEMORY char *to = xasprintf("to%u", i % 7);

        assert_string_equal(name_map_find(map, SPACE_RELATION, i % 2 == 0 ? "even" : "odd", name),
                            to);
        assert_null(name_map_find(map, SPACE_RELATION, i % 2 == 0 ? "odd" : "even", name));
    }
}

static void expect_dynamic(const char *entry, bool expected, const char *expected_language)
{
    AUTO_FREE_MEMORY char *language = NULL;
    Error err = {0};
    bool is_dynamic = !expected;

    assert_int_equal(routine_is_dynamic(entry, &is_dynamic, &language, &err), STATUS_OK);
    assert_int_equal(is_dynamic, expected);
    assert_string_equal(language, expected_language);
}

static void bodies_that_build_statements_are_known(void **state)
{
    Error err = {0};
    bool is_dynamic = false;

    (void)state;
    expect_dynamic("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$begin execute 'x'; end$$",
                   true, "plpgsql");
    expect_dynamic("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$begin return "
                   "query execute format('x'); end$$",
                   true, "plpgsql");
    expect_dynamic(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$begin -- execute x\n perform "
        "'execute'; end$$",
        false, "plpgsql");
    expect_dynamic(
        "CREATE PROCEDURE f() LANGUAGE plpgsql AS $$begin grant execute on function g() to "
        "x; create trigger t after insert on a execute function g(); end$$",
        false, "plpgsql");
    expect_dynamic("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$begin perform "
                   "set_config('search_path', 'public', true); end$$",
                   true, "plpgsql");
    expect_dynamic(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select set_config(''a.b'', ''x'', "
        "true)'",
        false, "sql");
    expect_dynamic("CREATE FUNCTION f() RETURNS xml LANGUAGE SQL AS 'select query_to_xml($1, true, "
                   "true, '''')'",
                   true, "sql");
    expect_dynamic("CREATE FUNCTION f(execute int DEFAULT 1) RETURNS int LANGUAGE sql BEGIN ATOMIC "
                   "SELECT 1; END",
                   false, "sql");
    expect_dynamic("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'execute'", false, "c");
    assert_int_equal(routine_is_dynamic("CREATE TABLE x ()", &is_dynamic, NULL, &err),
                     STATUS_FAILED);
}

static void entries_are_split_into_their_statements(void **state)
{
    static const char entry[] =
        "-- first\nCREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true "
        "THEN 1 END; SELECT ';'; END;\n\n/* x; */ CREATE RULE r AS ON UPDATE TO t DO ALSO (DELETE "
        "FROM a; DELETE FROM b;);\nSELECT $$;$$ ; begin; commit;\n  SELECT 2 -- end\n";
    static const char *const expected[] = {
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 "
        "END; SELECT ';'; END;",
        "CREATE RULE r AS ON UPDATE TO t DO ALSO (DELETE FROM a; DELETE FROM b;);",
        "SELECT $$;$$ ;",
        "begin;",
        "commit;",
        "SELECT 2",
    };
    AUTO_TEXT_LIST TextList statements = {0};
    Error err = {0};

    (void)state;
    assert_int_equal(split_statements(entry, &statements, &err), STATUS_OK);
    assert_int_equal(statements.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(statements.items[i], expected[i]);
}

/* Overloads of one name in two schemas: the server chooses. What has one answer keeps its schema. */
static void overloads_in_several_schemas_are_left_to_the_path(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"CREATE FUNCTION public.both(a public.pair) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT "
         "1; END;",
         "CREATE FUNCTION both(a \"p\".pair) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;"},
        {"ALTER TABLE public.t ADD CHECK (public . both(app.f(x)))",
         "ALTER TABLE \"p\".t ADD CHECK (both(\"a\".f(x)))"},
    };
    AUTO_FREE(name_map_free) NameMap *map = make_map();
    const char *sql = "SELECT public.both(x), public.f(x), a OPERATOR(public.+) public.both(y)";
    AUTO_TEXT_LIST TextList path = {0};
    AUTO_TEXT Text text = {0};
    Error err = {0};

    name_map_add(map, SPACE_OPERATOR, "public", "+", "p");
    name_map_add(map, SPACE_OPERATOR, "public", "+", "public");
    assert_int_equal(retarget_on_path(map, sql, &text, &path, &err), STATUS_OK);
    assert_string_equal(text_string(&text), "SELECT both(x), \"p\".f(x), a OPERATOR(+) both(y)");
    assert_int_equal(path.count, 2);
    assert_string_equal(path.items[0], "p");
    assert_string_equal(path.items[1], "public");
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_clear(&text);
        assert_int_equal(retarget_on_path(map, cases[i].input, &text, &path, &err), STATUS_OK);
        assert_string_equal(text_string(&text), cases[i].expected);
    }
    assert_int_equal(path.count, 2);
}

/* When it runs, its path is not ours. */
static void overloads_in_bodies_and_literals_are_refused(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT public.both(1)'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM public.both(1); "
        "END$$",
        "SELECT 'public.both'::regproc",
    };
    AUTO_FREE(name_map_free) NameMap *map = make_map();

    for (size_t i = 0; i < COUNT(statements); i++) {
        AUTO_TEXT_LIST TextList path = {0};
        AUTO_TEXT Text text = {0};
        Error err = {0};

        assert_int_equal(retarget_on_path(map, statements[i], &text, &path, &err), STATUS_INVALID);
        assert_int_equal(err.kind, ERROR_REFUSED);
        assert_int_equal(path.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overloads_in_several_schemas_are_left_to_the_path),
        cmocka_unit_test(overloads_in_bodies_and_literals_are_refused),
        cmocka_unit_test(tables_are_rewritten_with_everything_in_their_columns),
        cmocka_unit_test(indexes_keep_columns_and_move_classes_and_functions),
        cmocka_unit_test(an_alias_named_like_a_schema_is_left_alone),
        cmocka_unit_test(queries_are_followed_through_their_lists),
        cmocka_unit_test(each_kind_of_statement_asks_for_its_own),
        cmocka_unit_test(the_same_name_is_another_thing_in_another_place),
        cmocka_unit_test(literals_of_references_are_read_as_names),
        cmocka_unit_test(more_schemas_come_at_the_end_of_a_pinned_path),
        cmocka_unit_test(bodies_are_rewritten_and_quoted_again),
        cmocka_unit_test(plpgsql_is_understood),
        cmocka_unit_test(a_tag_that_occurs_in_the_new_body_is_replaced),
        cmocka_unit_test(what_cannot_be_told_apart_is_refused_by_name),
        cmocka_unit_test(what_does_not_end_fails_and_writes_nothing),
        cmocka_unit_test(a_schema_as_a_whole_can_be_brought_back),
        cmocka_unit_test(any_words_are_survived_and_nothing_unknown_changes),
        cmocka_unit_test(the_map_answers_by_space),
        cmocka_unit_test(many_names_are_found_again),
        cmocka_unit_test(bodies_that_build_statements_are_known),
        cmocka_unit_test(entries_are_split_into_their_statements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
