-- A PostgreSQL database with what people really have. Made by a superuser on a server of 15 or newer;
-- `pg_dump | psql` restores it without an error. Tables are named so that what a CHECK, a domain or a
-- generated column reads through a function comes first in pg_dump's order.
SET client_min_messages = warning;
SET timezone = 'UTC';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_reader') THEN
        CREATE ROLE people_reader;
    END IF;
END
$$;

CREATE SCHEMA app;
CREATE SCHEMA app_old; -- a name that another name begins
CREATE SCHEMA users;
CREATE SCHEMA "Sales Dept";
CREATE SCHEMA "größe";
CREATE SCHEMA a_schema_whose_name_is_as_long_as_a_name_may_be_in_postgresql_1;
COMMENT ON SCHEMA app IS 'what the application sees';

CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION btree_gist SCHEMA public;

-- ---- types ----

CREATE TYPE public.color AS ENUM ('red', 'green', 'blue', 'dark "red"', 'it''s');
ALTER TYPE public.color ADD VALUE 'orange' BEFORE 'green';
CREATE TYPE app.state AS ENUM ('new', 'paid', 'shipped');
COMMENT ON TYPE app.state IS 'of an order; it''s "final" when shipped';
CREATE DOMAIN public.percent AS numeric(5, 2) DEFAULT 0 CONSTRAINT percent_range CHECK (VALUE BETWEEN 0 AND 100);
COMMENT ON DOMAIN public.percent IS 'of a hundred';
COMMENT ON CONSTRAINT percent_range ON DOMAIN public.percent IS 'no more, no less';
CREATE DOMAIN app.small_percent AS public.percent CHECK (VALUE < 10);
CREATE TYPE public.address AS (street text, number integer, zip public.percent, shade public.color);
CREATE TYPE app.parcel AS (receiver public.address, lines public.address[], weight numeric);
CREATE FUNCTION app.price_difference(numeric, numeric) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT ($1 - $2)::double precision';
CREATE TYPE app.price_range AS RANGE (subtype = numeric, subtype_diff = app.price_difference, multirange_type_name = app.price_ranges);

-- ---- collations and text search ----

CREATE COLLATION public.case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION app.german_phone (provider = icu, locale = 'de-u-co-phonebk');
COMMENT ON COLLATION app.german_phone IS 'as in a phone book';
CREATE TEXT SEARCH DICTIONARY app.plain_words (TEMPLATE = pg_catalog.simple, stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION public.words ALTER MAPPING FOR asciiword WITH app.plain_words, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION public.words IS 'ours';

-- ---- what functions behind CHECKs, domains, indexes and generated columns read ----

CREATE TABLE public.a_lookup (code text PRIMARY KEY, factor numeric NOT NULL, label text);
INSERT INTO public.a_lookup SELECT 'c' || n, n * 1.5, 'label ' || n FROM generate_series(1, 20) n;
CREATE TABLE app.a_codes (code text PRIMARY KEY);
INSERT INTO app.a_codes SELECT 'k' || n FROM generate_series(1, 50) n;

CREATE FUNCTION public.factor_of(wanted text) RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT factor FROM public.a_lookup WHERE code = wanted';
CREATE FUNCTION public.label_of(wanted text) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = public, pg_temp AS 'SELECT label FROM a_lookup WHERE code = wanted';
CREATE FUNCTION app.code_exists(wanted text) RETURNS boolean LANGUAGE plpgsql STABLE AS $body$
DECLARE
    found_code app.a_codes.code%TYPE;
    whole app.a_codes%ROWTYPE;
BEGIN
    /* app.a_codes, in a comment */
    SELECT c.code INTO found_code FROM app.a_codes AS c WHERE c.code = wanted;
    RETURN found_code IS NOT NULL; -- and here: app.a_codes
END
$body$;
CREATE FUNCTION public.factor_atomic(wanted text) RETURNS numeric LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT l.factor FROM public.a_lookup l WHERE l.code = wanted;
END;
CREATE DOMAIN app.known_code AS text CONSTRAINT known CHECK (app.code_exists(VALUE));

CREATE TABLE app.uses_codes (id integer PRIMARY KEY, code app.known_code, codes app.known_code[]);
INSERT INTO app.uses_codes SELECT n, 'k' || (n % 50 + 1), ARRAY['k1', 'k2'] FROM generate_series(1, 300) n;
CREATE TABLE public.checked (id integer PRIMARY KEY, code text CONSTRAINT code_is_known CHECK (public.factor_of(code) > 0));
INSERT INTO public.checked SELECT n, 'c' || (n % 20 + 1) FROM generate_series(1, 400) n;
COMMENT ON CONSTRAINT code_is_known ON public.checked IS 'reads another table';
CREATE TABLE public.computed (
    id integer PRIMARY KEY,
    code text,
    factor numeric GENERATED ALWAYS AS (public.factor_of(code)) STORED,
    twice integer GENERATED ALWAYS AS (id * 2) STORED,
    note text DEFAULT public.label_of('c1'));
INSERT INTO public.computed (id, code) SELECT n, 'c' || (n % 20 + 1) FROM generate_series(1, 400) n;
CREATE TABLE public.indexed_by_function (id integer PRIMARY KEY, code text);
INSERT INTO public.indexed_by_function SELECT n, 'c' || (n % 20 + 1) FROM generate_series(1, 2000) n;
CREATE INDEX by_factor ON public.indexed_by_function (public.factor_of(code));
CREATE INDEX by_label ON public.indexed_by_function (public.label_of(code)) WHERE public.factor_of(code) > 3;
CREATE INDEX by_factor_atomic ON public.indexed_by_function (public.factor_atomic(code));
CREATE MATERIALIZED VIEW public.factors AS
    SELECT i.id, public.factor_of(i.code) AS factor, public.label_of(i.code) AS label FROM public.indexed_by_function i;
CREATE UNIQUE INDEX factors_key ON public.factors (id);
CREATE INDEX factors_by_factor ON public.factors (factor);
COMMENT ON MATERIALIZED VIEW public.factors IS 'filled through functions';

-- ---- tables with keys of all kinds ----

CREATE SEQUENCE public.shared_numbers AS bigint INCREMENT BY 10 START WITH 100 MAXVALUE 100000 CACHE 5 CYCLE;
CREATE SEQUENCE app.backwards INCREMENT BY -1 MINVALUE -1000 MAXVALUE -1 START WITH -5;
CREATE SEQUENCE app.never_used;
COMMENT ON SEQUENCE public.shared_numbers IS 'of two tables';
SELECT nextval('public.shared_numbers'), nextval('app.backwards') \gset

CREATE TABLE public.customers (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000 INCREMENT BY 3) PRIMARY KEY,
    email public.citext NOT NULL UNIQUE,
    name text COLLATE app.german_phone,
    nick text COLLATE public.case_blind UNIQUE,
    favourite public.color DEFAULT 'green',
    shades public.color[],
    discount public.percent,
    home public.address,
    addresses public.address[],
    settings public.hstore,
    valid daterange,
    prices app.price_range,
    more_prices app.price_ranges,
    created timestamptz NOT NULL DEFAULT now(),
    referred_by bigint REFERENCES public.customers ON DELETE SET NULL,
    CHECK (email <> ''));
INSERT INTO public.customers (email, name, nick, favourite, shades, discount, home, addresses, settings, valid, prices,
        more_prices, created)
SELECT 'User' || n || '@Example.org', 'Müller ' || n, 'Nick' || n, (enum_range(NULL::public.color))[n % 6 + 1],
    ARRAY['red', NULL, 'it''s']::public.color[], n % 100, ROW('Straße "' || n || '", \ ' || chr(9), n, 12.5, 'blue')::public.address,
    ARRAY[ROW('a', 1, 2, 'red')::public.address, NULL, ROW(NULL, NULL, NULL, NULL)::public.address],
    public.hstore(ARRAY['a', n::text, 'b', NULL]), daterange('2020-01-01'::date + n, NULL), app.price_range(n, n + 10.5),
    app.price_ranges(app.price_range(1, 2), app.price_range(n + 5, NULL)), '2024-01-01'::timestamptz + n * interval '1 hour'
FROM generate_series(1, 3000) n;
UPDATE public.customers SET referred_by = id - 3 WHERE id > 1100 AND id % 2 = 0;
DELETE FROM public.customers WHERE id % 7 = 0 AND referred_by IS NULL;
COMMENT ON TABLE public.customers IS 'who buys';
COMMENT ON COLUMN public.customers.nick IS 'A a are the same';
CREATE INDEX customers_trigrams ON public.customers USING gin (name public.gin_trgm_ops);
CREATE INDEX customers_near ON public.customers USING gist (name public.gist_trgm_ops);
CREATE INDEX customers_settings ON public.customers USING gin (settings);
CREATE INDEX customers_open ON public.customers (created DESC NULLS LAST, lower(name)) INCLUDE (favourite)
    WHERE referred_by IS NULL;
CREATE INDEX customers_words ON public.customers USING gin (to_tsvector('public.words'::regconfig, name));
CREATE UNIQUE INDEX customers_not_distinct ON public.customers (email, referred_by) NULLS NOT DISTINCT;
CREATE INDEX customers_recent ON public.customers USING brin (created) WITH (pages_per_range = 16);
CREATE INDEX customers_hash ON public.customers USING hash (name);
COMMENT ON INDEX public.customers_open IS 'nobody referred them';
CREATE STATISTICS public.customers_related (ndistinct, dependencies, mcv) ON favourite, discount FROM public.customers;
CREATE STATISTICS app.customers_lower ON lower(name), (id % 10) FROM public.customers;
ALTER STATISTICS public.customers_related SET STATISTICS 200;
COMMENT ON STATISTICS public.customers_related IS 'they go together';
ALTER TABLE public.customers ALTER COLUMN name SET STATISTICS 500;
ALTER TABLE public.customers ALTER COLUMN email SET (n_distinct = -1);
ALTER TABLE public.customers SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = off);
ALTER TABLE public.customers CLUSTER ON customers_pkey;
ALTER TABLE public.customers REPLICA IDENTITY USING INDEX customers_email_key;

CREATE TABLE public."Orders" (
    id bigserial,
    customer_id bigint NOT NULL,
    "State" app.state NOT NULL DEFAULT 'new',
    placed date NOT NULL,
    "total ""net""" numeric(12, 2),
    during tsrange,
    "größe" integer,
    "select" text,
    dropped_1 integer,
    dropped_2 text,
    CONSTRAINT "Orders pkey" PRIMARY KEY (id),
    CONSTRAINT orders_total_positive CHECK ("total ""net""" >= 0) NOT VALID,
    CONSTRAINT orders_do_not_overlap EXCLUDE USING gist (customer_id WITH =, during WITH &&) WHERE (during IS NOT NULL)
        DEFERRABLE INITIALLY DEFERRED);
INSERT INTO public."Orders" (customer_id, "State", placed, "total ""net""", during, "größe", "select", dropped_2)
SELECT c.id, (enum_range(NULL::app.state))[c.id % 3 + 1], '2024-01-01'::date + (c.id % 300)::integer, c.id / 7.0,
    tsrange('2024-01-01'::timestamp + n * interval '1 day', '2024-01-01'::timestamp + n * interval '1 day' + interval '1 hour'),
    n, E'tab\tnewline\nback\\slash \\N ' || c.id, 'x'
FROM public.customers c, generate_series(1, 2) n;
ALTER TABLE public."Orders" DROP COLUMN dropped_1, DROP COLUMN dropped_2;
ALTER TABLE public."Orders" ADD COLUMN added integer NOT NULL DEFAULT 17, ADD COLUMN added_text text DEFAULT 'später';
ALTER TABLE public."Orders" ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES public.customers
    ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE INITIALLY IMMEDIATE;
COMMENT ON COLUMN public."Orders"."total ""net""" IS 'a "quoted" name';
CREATE INDEX "Orders by state" ON public."Orders" ("State", placed);

-- composite key, foreign keys with more than one column, circular ones
CREATE TABLE public.order_lines (
    order_id bigint,
    line smallint,
    sku text NOT NULL,
    amount integer DEFAULT nextval('public.shared_numbers'),
    PRIMARY KEY (order_id, line),
    FOREIGN KEY (order_id) REFERENCES public."Orders" ON DELETE CASCADE);
INSERT INTO public.order_lines SELECT id, n, 'sku-' || (id * n) % 97, n FROM public."Orders", generate_series(1, 2) n;
CREATE TABLE public.returns (
    id uuid PRIMARY KEY,
    order_id bigint,
    line smallint,
    reason text,
    FOREIGN KEY (order_id, line) REFERENCES public.order_lines MATCH FULL ON DELETE SET NULL (order_id, line));
INSERT INTO public.returns SELECT md5(order_id || ' ' || line)::uuid, order_id, line, repeat('because ', line) FROM public.order_lines WHERE order_id % 5 = 0;
CREATE TABLE app.departments (id integer PRIMARY KEY, name text UNIQUE, head integer);
CREATE TABLE app.employees (id integer PRIMARY KEY, department integer NOT NULL REFERENCES app.departments DEFERRABLE, boss integer REFERENCES app.employees);
INSERT INTO app.departments SELECT n, 'department ' || n, NULL FROM generate_series(1, 10) n;
INSERT INTO app.employees SELECT n, n % 10 + 1, NULLIF(n / 2, 0) FROM generate_series(1, 200) n;
UPDATE app.departments SET head = id * 3;
ALTER TABLE app.departments ADD CONSTRAINT head_works_here FOREIGN KEY (head) REFERENCES app.employees DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.employees ADD CONSTRAINT same_again FOREIGN KEY (boss) REFERENCES app.employees NOT VALID;

CREATE TABLE public.text_key (key text COLLATE "C" PRIMARY KEY, value text);
INSERT INTO public.text_key SELECT CASE n % 4 WHEN 0 THEN 'ä' WHEN 1 THEN 'Z' WHEN 2 THEN '' ELSE E'\t' END || n, 'v' FROM generate_series(1, 3000) n;
CREATE TABLE public.no_key (a integer, b text);
INSERT INTO public.no_key SELECT n % 50, CASE WHEN n % 3 = 0 THEN NULL ELSE 'row ' || n % 7 END FROM generate_series(1, 3000) n;
CREATE TABLE public.empty (id integer PRIMARY KEY, what text);
CREATE TABLE public.nothing ();
INSERT INTO public.nothing SELECT FROM generate_series(1, 5);
CREATE TABLE public.only_generated (a integer GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO public.only_generated SELECT FROM generate_series(1, 3);
CREATE UNLOGGED TABLE app.cache (key text PRIMARY KEY, value bytea);
INSERT INTO app.cache SELECT 'key ' || n, sha256(n::text::bytea) FROM generate_series(1, 1000) n;
CREATE TABLE app_old.remains (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, customer bigint REFERENCES public.customers, what public.color);
INSERT INTO app_old.remains (customer, what) SELECT id, favourite FROM public.customers LIMIT 500;
CREATE TABLE app.serials (small smallserial, normal serial, big bigserial, text text);
INSERT INTO app.serials (text) SELECT 'row ' || n FROM generate_series(1, 10) n;
ALTER SEQUENCE app.serials_big_seq RESTART WITH 5000;

-- ---- values ----

CREATE TABLE public."values" (
    id integer PRIMARY KEY, i2 smallint, i8 bigint, n numeric, f4 real, f8 double precision, b boolean, t text, vc varchar(20),
    c char(10), "one" "char", by bytea, d date, ti time, tiz timetz, ts timestamp, tz timestamptz, iv interval, j json, jb jsonb,
    jp jsonpath, x xml, u uuid, ip inet, net cidr, mac macaddr, mac8 macaddr8, bits bit(5), vbits bit varying, p point, l line,
    ls lseg, bx box, pa path, po polygon, ci circle, tv tsvector, tq tsquery, lsn pg_lsn, ia integer[], ta text[], na numeric[],
    ir int4range, nr nummultirange, ct public.citext, hs public.hstore, snap pg_snapshot, nm name, mo money);
INSERT INTO public."values" (id) VALUES (0);
INSERT INTO public."values" VALUES
    (1, -32768, -9223372036854775808, 'NaN', 'NaN', 'NaN', true, '', '', '', '', '', 'infinity', '24:00', '24:00+15:59:59', 'infinity',
        'infinity', '0', 'null', 'null', '$', '', '00000000-0000-0000-0000-000000000000', '0.0.0.0', '0.0.0.0/0', '00:00:00:00:00:00',
        '00:00:00:00:00:00:00:00', '00000', '', '(0,0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1))',
        '<(0,0),1>', '', '', '0/0', '{}', '{}', '{}', 'empty', '{}', 'ABC', '', '10:20:10,14,15', 'name', 0),
    (2, 32767, 9223372036854775807, 'Infinity', 'Infinity', '-Infinity', false, E'tab\tnew\nline\\\r"''\x7F', E'\\N', 'x', 'y', '\x00ff5c0a0d09',
        '-infinity', '00:00', '00:00-15:59:59', '-infinity', '-infinity', '1 year -2 mons +3 days -04:05:06.789', ' {"b" : 1,  "a":[1,2]} ',
        '{"b": 1, "a": [1.10, "\u00e4", null], "c": 1e400}', '$.a[*] ? (@ > 1)', '<a b="c">ä</a>', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
        '::1/64', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', '10101', '1', '(NaN,Infinity)', '{1,-1,0}',
        '[(1.5,2),(3,4)]', '(3,4),(1,2)', '((0,0),(1,1))', '((0,0),(1,1),(2,0))', '<(1,2),3.25>', '''it''s'':1A,2 word:3', '''a'' & !b:*', 'FFFFFFFF/FFFFFFFF',
        '[2:4]={1,NULL,3}', E'{"a,b","\\"q\\"",NULL,"NULL","",  "back\\\\slash"}', '{NaN,Infinity,-Infinity,1.10}', '[1,)', '{[1,2),(3.5,]}',
        'Grün', 'a=>1, "b c"=>NULL, d=>"x\"y"', '1:1:', 'ä', -12.34),
    (3, 0, 0, '-Infinity', '-0', '-0', NULL, 'ünïcödé 🐘', 'é', 'padded    ', 'ä', '\x', '0044-03-15 BC', '23:59:59.999999', '12:00:00.5+05:30',
        '0044-03-15 12:00:00 BC', '4713-01-01 00:00:00+00 BC', '-178000000 years', '[]', '[]', 'lax $.x', 'text only', gen_random_uuid(), '192.168.1.5/24',
        '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '11111', '000', '(1e300,-1e-300)', '{0,1,-5}', '[(0,0),(0,0)]', '(0,0),(0,0)', '[(0,0)]', '((0,0))',
        '<(0,0),0>', 'a:1 b:2', '!a', '16/B374D848', '{{1,2},{3,4}}', '{{a,b},{c,d}}', NULL, '(,)', '{(,)}', '', 'k=>v', '5:5:', '', 1),
    (4, 1, 1, 1e130, 1.17549435e-38, 2.2250738585072014e-308, true, repeat('x', 3000), NULL, NULL, NULL, decode(repeat('00', 3000), 'hex'), '5874897-12-31',
        NULL, NULL, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '178000000 years', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (5, NULL, NULL, 0.000000000000000000000000000000001, 0.1, 0.1, NULL, E'\\.', NULL, NULL, NULL, '\x5c2e', '0001-01-01', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- TOASTed, compressed and external; wide in columns
CREATE TABLE public.documents (id uuid PRIMARY KEY, body text, raw bytea, meta jsonb, vectors double precision[]);
ALTER TABLE public.documents ALTER COLUMN raw SET STORAGE EXTERNAL, ALTER COLUMN body SET COMPRESSION pglz;
INSERT INTO public.documents
SELECT md5(n::text)::uuid, repeat(md5(n::text), n * 20), decode(repeat(md5(n::text), n * 10), 'hex'),
    jsonb_build_object('n', n, 'deep', jsonb_build_array(n / 3.0, repeat('y', n * 10), NULL)),
    (SELECT array_agg(sqrt(n * m)) FROM generate_series(1, 64) m)
FROM generate_series(1, 300) n;
INSERT INTO public.documents SELECT md5('big')::uuid, string_agg(md5(n::text), ''), NULL, NULL, NULL FROM generate_series(1, 60000) n;
CREATE INDEX documents_meta ON public.documents USING gin (meta jsonb_path_ops);
DO $$
BEGIN
    EXECUTE (SELECT 'CREATE TABLE public.very_wide (id integer PRIMARY KEY, ' || string_agg('"column ' || n || '" text', ', ') || ')'
             FROM generate_series(1, 400) n);
    EXECUTE (SELECT 'INSERT INTO public.very_wide SELECT m, ' || string_agg('CASE WHEN m % ' || n || ' = 0 THEN NULL ELSE m::text END', ', ') ||
             ' FROM generate_series(1, 200) m' FROM generate_series(1, 400) n);
END
$$;

-- ---- partitions and inheritance ----

CREATE TABLE public.events (id bigint GENERATED BY DEFAULT AS IDENTITY, at timestamptz NOT NULL, kind text NOT NULL, body jsonb, PRIMARY KEY (id, at, kind))
    PARTITION BY RANGE (at);
CREATE TABLE public.events_2023 PARTITION OF public.events FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00') PARTITION BY LIST (kind);
CREATE TABLE public.events_2024_ab PARTITION OF public.events_2024 FOR VALUES IN ('a', 'b');
CREATE TABLE "größe".events_2024_rest PARTITION OF public.events_2024 DEFAULT PARTITION BY HASH (id);
CREATE TABLE "größe".events_2024_rest_0 PARTITION OF "größe".events_2024_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "größe".events_2024_rest_1 PARTITION OF "größe".events_2024_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE public.events_later (body jsonb, kind text NOT NULL, gone integer, at timestamptz NOT NULL, id bigint NOT NULL); -- another order of columns
ALTER TABLE public.events_later DROP COLUMN gone;
ALTER TABLE public.events ATTACH PARTITION public.events_later FOR VALUES FROM ('2025-01-01 00:00+00') TO (MAXVALUE);
INSERT INTO public.events (at, kind, body)
SELECT '2023-06-01 00:00+00'::timestamptz + n * interval '6 hours', (ARRAY['a', 'b', 'c', 'd'])[n % 4 + 1], jsonb_build_object('n', n) FROM generate_series(1, 4000) n;
CREATE INDEX events_kind ON public.events (kind, at);
CREATE INDEX only_here ON public.events_2023 (body);
ALTER TABLE public.events_2024_ab ADD CONSTRAINT only_ab CHECK (kind < 'c');
CREATE TABLE public.event_notes (event bigint, at timestamptz, kind text, note text, FOREIGN KEY (event, at, kind) REFERENCES public.events ON DELETE CASCADE);
INSERT INTO public.event_notes SELECT id, at, kind, 'note' FROM public.events WHERE id % 10 = 0;
COMMENT ON TABLE "größe".events_2024_rest_0 IS 'a leaf';
CREATE TABLE public.votes (id integer, shade public.color NOT NULL, weight integer) PARTITION BY HASH (shade);
CREATE TABLE public.votes_0 PARTITION OF public.votes FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE public.votes_1 PARTITION OF public.votes FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE public.votes_2 PARTITION OF public.votes FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO public.votes SELECT n, (enum_range(NULL::public.color))[n % 6 + 1], n % 10 FROM generate_series(1, 3000) n;
CREATE INDEX votes_by_weight ON public.votes (weight);
CREATE TABLE public.nicks (nick text COLLATE public.case_blind, n integer) PARTITION BY HASH (nick);
CREATE TABLE public.nicks_0 PARTITION OF public.nicks FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.nicks_1 PARTITION OF public.nicks FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.nicks SELECT CASE n % 2 WHEN 0 THEN 'Nick' ELSE 'NICK' END || n / 2, n FROM generate_series(1, 1000) n;
CREATE TABLE public.regions (name text PRIMARY KEY, people integer DEFAULT 0) PARTITION BY LIST (name);
CREATE TABLE public.regions_north PARTITION OF public.regions (people DEFAULT 1) FOR VALUES IN ('north', 'Ost', 'it''s');
CREATE TABLE public.regions_none PARTITION OF public.regions DEFAULT;
INSERT INTO public.regions (name) VALUES ('north'), ('it''s'), ('south'), ('');
CREATE TABLE app.visits (customer bigint REFERENCES public.customers, day date) PARTITION BY RANGE (day); -- no partition yet
CREATE TABLE app.places (id serial PRIMARY KEY, name text NOT NULL, size integer CHECK (size > 0) NO INHERIT);
CREATE TABLE app.cities (people integer DEFAULT 0) INHERITS (app.places);
CREATE TABLE app.named (name text, alias text);
CREATE TABLE app.capitals (country char(2) PRIMARY KEY, name text) INHERITS (app.cities, app.named);
ALTER TABLE app.capitals ALTER COLUMN people SET DEFAULT 1000;
INSERT INTO app.places (name, size) SELECT 'place ' || n, n FROM generate_series(1, 100) n;
INSERT INTO app.cities (name, size, people) SELECT 'city ' || n, -n, n FROM generate_series(1, 100) n;
INSERT INTO app.capitals (name, country, alias) SELECT 'capital ' || n, chr(64 + n) || 'X', 'alias' FROM generate_series(1, 20) n;

-- ---- functions, aggregates, operators, casts ----

CREATE FUNCTION public.add_tax(amount numeric, VARIADIC rates numeric[] DEFAULT ARRAY[0.19]) RETURNS numeric LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5 AS $$
BEGIN
    RETURN amount * (1 + (SELECT sum(r) FROM unnest(rates) r));
END $$;
COMMENT ON FUNCTION public.add_tax(numeric, numeric[]) IS 'it''s fair';
CREATE FUNCTION public.orders_of(c public.customers) RETURNS SETOF public."Orders" LANGUAGE sql STABLE ROWS 3
    AS $$ SELECT o.* FROM public."Orders" o WHERE o.customer_id = c.id $$;
CREATE FUNCTION app.summary(OUT customers bigint, OUT orders bigint) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (SELECT count(*) FROM public.customers), (SELECT count(*) FROM public."Orders");
END;
CREATE FUNCTION app.report(since date DEFAULT '2024-01-01') RETURNS TABLE (day date, n bigint, last regclass) LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT SET work_mem = '8MB' AS $_$
DECLARE
    row_of public."Orders"%ROWTYPE;
    c CURSOR FOR SELECT * FROM public."Orders" ORDER BY id;
BEGIN
    RETURN QUERY SELECT o.placed, count(*), 'public."Orders"'::regclass FROM public."Orders" o WHERE o.placed >= since GROUP BY o.placed;
END $_$;
CREATE FUNCTION app.secret() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = app, "Sales Dept", pg_temp AS $$ SELECT 'secret' $$;
REVOKE EXECUTE ON FUNCTION app.secret() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.secret() TO people_reader;
CREATE PROCEDURE app.tidy(INOUT removed integer DEFAULT 0) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM app.cache WHERE key IS NULL;
    GET DIAGNOSTICS removed = ROW_COUNT;
END $$;
CREATE FUNCTION public.overloaded(integer) RETURNS text LANGUAGE sql AS 'SELECT ''integer''';
CREATE FUNCTION public.overloaded(public.color) RETURNS text LANGUAGE sql AS 'SELECT ''color''';
CREATE FUNCTION public.overloaded(public.color[], app.state) RETURNS text LANGUAGE sql AS 'SELECT ''colors''';
CREATE FUNCTION public.next_number(regclass DEFAULT 'public.shared_numbers'::regclass) RETURNS bigint LANGUAGE sql AS 'SELECT nextval($1)';
CREATE FUNCTION public.concat_state(text, public.color) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1 || ',', '') || $2::text $$;
CREATE AGGREGATE public.concat_colors(public.color) (SFUNC = public.concat_state, STYPE = text);
COMMENT ON AGGREGATE public.concat_colors(public.color) IS 'one after the other';
CREATE AGGREGATE app.total(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE);
CREATE FUNCTION app.address_lt(public.address, public.address) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).number < ($2).number';
CREATE FUNCTION app.address_eq(public.address, public.address) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).number = ($2).number';
CREATE OPERATOR app.<< (FUNCTION = app.address_lt, LEFTARG = public.address, RIGHTARG = public.address);
CREATE OPERATOR public.=== (FUNCTION = app.address_eq, LEFTARG = public.address, RIGHTARG = public.address, COMMUTATOR = OPERATOR(public.===));
COMMENT ON OPERATOR public.=== (public.address, public.address) IS 'the same number';
CREATE FUNCTION app.backwards_compare(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR FAMILY app.backwards USING btree;
CREATE OPERATOR CLASS app.backwards_ops FOR TYPE integer USING btree FAMILY app.backwards AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 app.backwards_compare(integer, integer);
COMMENT ON OPERATOR CLASS app.backwards_ops USING btree IS 'large ones first';
CREATE INDEX no_key_backwards ON public.no_key (a app.backwards_ops);
CREATE FUNCTION app.state_number(app.state) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT array_position(enum_range(NULL::app.state), $1) $$;
CREATE CAST (app.state AS integer) WITH FUNCTION app.state_number(app.state) AS ASSIGNMENT;

-- a CHECK over its own row type, a view and a function that need each other
CREATE TABLE app.selfish (a integer, b integer);
CREATE FUNCTION app.is_fine(app.selfish) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a <= ($1).b';
ALTER TABLE app.selfish ADD CONSTRAINT fine CHECK (app.is_fine(selfish.*));
INSERT INTO app.selfish SELECT n, n + 1 FROM generate_series(1, 100) n;
CREATE VIEW app.loop_view AS SELECT 1 AS n;
CREATE FUNCTION app.loop_function() RETURNS SETOF app.loop_view LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW app.loop_view AS SELECT f.n FROM app.loop_function() f;

-- ---- views ----

CREATE TABLE users.accounts (id integer PRIMARY KEY, name text, app text);
INSERT INTO users.accounts SELECT n, 'user ' || n, 'app' FROM generate_series(1, 100) n;
-- aliases and columns named like schemas
CREATE VIEW users.v AS SELECT users.id, users.name, app.code, public.app AS public
    FROM users.accounts users JOIN app.a_codes app ON app.code = 'k' || users.id JOIN users.accounts public ON public.id = users.id;
CREATE VIEW public.open_orders WITH (security_barrier) AS
    SELECT o.*, c.email, c.favourite FROM public."Orders" o JOIN public.customers c ON c.id = o.customer_id
    WHERE o."State" <> 'shipped'::app.state;
CREATE VIEW app.many_open AS SELECT customer_id, count(*) AS n, public.concat_colors(favourite) AS colors FROM public.open_orders GROUP BY 1 HAVING count(*) > 0;
CREATE VIEW "Sales Dept"."Every View" AS
    SELECT m.customer_id AS "Customer", m.n, 'public.customers'::regclass::text AS source, public.next_number IS NULL AS "?" FROM app.many_open m,
        LATERAL (SELECT public.add_tax(m.n) AS next_number) public;
COMMENT ON COLUMN "Sales Dept"."Every View"."Customer" IS 'by number';
CREATE VIEW public.cheap_customers AS SELECT id, email, name, discount FROM public.customers WHERE discount > 50 WITH LOCAL CHECK OPTION;
ALTER VIEW public.cheap_customers ALTER COLUMN discount SET DEFAULT 55;
CREATE RECURSIVE VIEW app.chain (id, boss, depth) AS
    SELECT id, boss, 1 FROM app.employees WHERE boss IS NULL UNION ALL SELECT e.id, e.boss, depth + 1 FROM app.employees e JOIN chain c ON e.boss = c.id;
CREATE VIEW app.by_operator AS SELECT a.id, b.id AS other FROM public.customers a JOIN public.customers b ON a.home OPERATOR(public.===) b.home
    AND a.home OPERATOR(app.<<) ROW('x', 5, 1, 'red')::public.address;
CREATE MATERIALIZED VIEW "Sales Dept".totals AS SELECT o."State", sum(o."total ""net""") AS total, count(*) AS n, max(v.n) AS most
    FROM public."Orders" o LEFT JOIN app.many_open v ON v.customer_id = o.customer_id GROUP BY 1;
CREATE UNIQUE INDEX totals_state ON "Sales Dept".totals ("State");
CREATE MATERIALIZED VIEW app.of_totals AS SELECT t.n, t.total, f.factor FROM "Sales Dept".totals t, public.factors f WHERE f.id = 7;
CREATE MATERIALIZED VIEW app.not_filled AS SELECT * FROM public.no_key WITH NO DATA;
CREATE INDEX not_filled_a ON app.not_filled (a);
CREATE VIEW app.on_matview AS SELECT * FROM app.of_totals;
ALTER TABLE ONLY app.of_totals ALTER COLUMN n SET STATISTICS 77;

-- ---- triggers, rules, policies ----

CREATE TABLE app.audit (at timestamptz DEFAULT '2024-01-01', what text, id bigint);
INSERT INTO app.audit (what, id) SELECT 'insert', n FROM generate_series(1, 50) n;
CREATE FUNCTION app.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.audit (what, id) VALUES (TG_OP || ' ' || TG_TABLE_SCHEMA || coalesce(TG_ARGV[0], ''), NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION app.note_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.audit (what, id) SELECT 'many', count(*) FROM new_rows;
    RETURN NULL;
END $$;
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a trigger must not run while staging''; END';
CREATE TRIGGER changed AFTER INSERT OR UPDATE OF email, name OR DELETE ON public.customers FOR EACH ROW EXECUTE FUNCTION app.note_change('argument', 'public.customers');
CREATE TRIGGER changed_many AFTER INSERT ON public.customers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.note_rows();
CREATE TRIGGER never BEFORE INSERT OR UPDATE OR DELETE ON public."Orders" FOR EACH ROW WHEN (pg_trigger_depth() < 10) EXECUTE FUNCTION app.refuse();
CREATE TRIGGER "off" BEFORE TRUNCATE ON public."Orders" EXECUTE FUNCTION app.refuse();
ALTER TABLE public."Orders" DISABLE TRIGGER "off";
CREATE TRIGGER always BEFORE INSERT ON public.documents FOR EACH ROW EXECUTE FUNCTION app.refuse();
ALTER TABLE public.documents ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER replica BEFORE INSERT ON public.returns FOR EACH ROW EXECUTE FUNCTION app.refuse();
ALTER TABLE public.returns ENABLE REPLICA TRIGGER replica;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.employees FROM app.departments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER on_partitions AFTER INSERT ON public.events FOR EACH ROW WHEN (new.kind = 'a') EXECUTE FUNCTION app.note_change();
CREATE TRIGGER on_leaf BEFORE INSERT ON public.events_2023 FOR EACH ROW EXECUTE FUNCTION app.refuse();
CREATE TRIGGER instead INSTEAD OF INSERT ON app.many_open FOR EACH ROW EXECUTE FUNCTION app.note_change();
COMMENT ON TRIGGER changed ON public.customers IS 'audit';
CREATE RULE also AS ON UPDATE TO app.departments DO ALSO (INSERT INTO app.audit (what) VALUES ('rule; one'); INSERT INTO app.audit (what) VALUES (new.name));
CREATE RULE instead_of AS ON DELETE TO app.departments WHERE old.id < 0 DO INSTEAD NOTHING;
CREATE RULE to_table AS ON INSERT TO public.open_orders DO INSTEAD INSERT INTO app.audit (what) VALUES (new.email::text) RETURNING NULL::bigint, NULL::bigint, NULL::app.state, NULL::date,
    NULL::numeric(12, 2), NULL::tsrange, NULL::integer, NULL::text, NULL::integer, NULL::text, NULL::public.citext, NULL::public.color;
ALTER TABLE app.departments DISABLE RULE instead_of;
COMMENT ON RULE also ON app.departments IS 'two at once';

CREATE TABLE app.accounts_rls (id integer PRIMARY KEY, owner text, tenant integer);
INSERT INTO app.accounts_rls SELECT n, CASE n % 2 WHEN 0 THEN 'people_reader' ELSE 'nobody' END, n % 5 FROM generate_series(1, 500) n;
CREATE FUNCTION app.tenant() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT min(u.id) FROM users.accounts u $$;
ALTER TABLE app.accounts_rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON app.accounts_rls FOR SELECT TO people_reader USING (owner = current_user);
CREATE POLICY tenants ON app.accounts_rls AS RESTRICTIVE USING (tenant = app.tenant()) WITH CHECK (EXISTS (SELECT FROM users.accounts u WHERE u.id = tenant));
COMMENT ON POLICY mine ON app.accounts_rls IS 'own rows';
CREATE TABLE app.forced (id integer PRIMARY KEY, what text);
INSERT INTO app.forced SELECT n, 'hidden ' || n FROM generate_series(1, 500) n;
ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON app.forced USING (false);
CREATE TABLE "größe".forced_only ("größe" integer);
INSERT INTO "größe".forced_only VALUES (1), (2);
ALTER TABLE "größe".forced_only FORCE ROW LEVEL SECURITY;

-- ---- names ----

CREATE TABLE "Sales Dept"."Ünïcode 🐘 ""quoted"" 'name' with.dot" ("Id" integer PRIMARY KEY, "a b" text DEFAULT 'x;y', "%s" integer, "\" integer, "$1" text);
INSERT INTO "Sales Dept"."Ünïcode 🐘 ""quoted"" 'name' with.dot" SELECT n, 'text', n, n, '$$' FROM generate_series(1, 100) n;
CREATE INDEX "index ""quoted"" ä" ON "Sales Dept"."Ünïcode 🐘 ""quoted"" 'name' with.dot" ("%s", "\");
CREATE TABLE a_schema_whose_name_is_as_long_as_a_name_may_be_in_postgresql_1.a_table_whose_name_is_as_long_as_a_name_may_be_in_postgresql_12 (
    a_column_whose_name_is_as_long_as_a_name_may_be_in_postgresql_1 serial PRIMARY KEY, "table" text UNIQUE);
INSERT INTO a_schema_whose_name_is_as_long_as_a_name_may_be_in_postgresql_1.a_table_whose_name_is_as_long_as_a_name_may_be_in_postgresql_12 ("table")
SELECT 'row ' || n FROM generate_series(1, 100) n;
CREATE TABLE app."user" ("order" integer PRIMARY KEY, "group" integer REFERENCES app."user", public text, app integer);
INSERT INTO app."user" SELECT n, n, 'public.customers', n FROM generate_series(1, 100) n;
CREATE TYPE "Sales Dept"."Mood" AS ENUM ('Good', 'bad; or not');
CREATE TABLE "Sales Dept".moods (mood "Sales Dept"."Mood", many "Sales Dept"."Mood"[] DEFAULT '{Good}', of_row app.selfish);
INSERT INTO "Sales Dept".moods VALUES ('Good', '{"bad; or not"}', ROW(1, 2)), (NULL, NULL, NULL);
CREATE TABLE public.same_name (id integer PRIMARY KEY);
CREATE TABLE app.same_name (id integer PRIMARY KEY REFERENCES public.same_name);
CREATE TABLE app_old.same_name (id integer PRIMARY KEY REFERENCES app.same_name);
INSERT INTO public.same_name SELECT generate_series(1, 10);
INSERT INTO app.same_name SELECT generate_series(1, 5);
INSERT INTO app_old.same_name SELECT generate_series(1, 2);

-- ---- rights: carried only when asked for, but what is closed stays closed ----

GRANT USAGE ON SCHEMA app TO people_reader;
GRANT SELECT ON public.customers, app.many_open TO people_reader;
GRANT SELECT (id, "State"), UPDATE ("State") ON public."Orders" TO people_reader;
GRANT USAGE ON SEQUENCE public.shared_numbers TO people_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO people_reader;
REVOKE USAGE ON TYPE app.state FROM PUBLIC;
REFRESH MATERIALIZED VIEW app.of_totals;
ANALYZE;
