-- One of each shape of schema that pg_dump can write, with texts that look like its own comments. Run by a
-- superuser, on PostgreSQL 15 or newer, in an empty database.
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema ""x""";
CREATE SCHEMA users;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION btree_gist SCHEMA public;
CREATE EXTENSION hstore SCHEMA app;
COMMENT ON SCHEMA app IS 'of the application
--
-- TOC entry 99999 (class 1259 OID 99999)
-- Name: evil; Type: TABLE; Schema: app; Owner: evil
-- Dependencies: 1 2 3
';
CREATE TYPE app.mood AS ENUM ('sad', 'app.mood', 'public.orders');
CREATE TYPE public.pair AS (a integer, b app.mood);
CREATE TYPE public.float_range AS RANGE (subtype = double precision, subtype_diff = float8mi);
CREATE DOMAIN public.positive AS integer CONSTRAINT over_zero CHECK (VALUE > 0);
CREATE DOMAIN app.label AS text COLLATE "C" DEFAULT 'app.label' CHECK (VALUE <> 'public.positive');
CREATE COLLATION app.german (provider = icu, locale = 'de-DE');
CREATE FUNCTION public.double(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'select x * 2';
CREATE DOMAIN public.even AS integer CHECK (VALUE = public.double(VALUE / 2));

CREATE TABLE users.accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name public.citext NOT NULL,
    mail app.label, tags app.hstore, feeling app.mood DEFAULT 'sad'::app.mood);
COMMENT ON TABLE users.accounts IS 'it''s users.accounts; see "app.mood"';
COMMENT ON COLUMN users.accounts.name IS E'back\\slash';
CREATE TABLE public.orders (id serial PRIMARY KEY, account bigint NOT NULL REFERENCES users.accounts (id),
    amount numeric(12,2) CHECK (amount >= 0), qty public.positive DEFAULT 1, pair public.pair,
    twice integer GENERATED ALWAYS AS (public.double(1)) STORED,
    moods app.mood[] DEFAULT ARRAY['sad'::app.mood], during public.float_range,
    note text COLLATE app.german DEFAULT 'public.orders');
CREATE INDEX orders_note_trgm ON public.orders USING gin (note public.gin_trgm_ops);
CREATE INDEX orders_twice ON public.orders (public.double(qty)) WHERE (qty > 2);
CREATE UNIQUE INDEX orders_note_german ON public.orders (note COLLATE app.german, id) INCLUDE (qty);
CREATE TABLE public."Weird ""Table""" ("Col 1" integer, "sel.ect" text, "order" integer,
    CONSTRAINT "odd name" UNIQUE ("Col 1", "sel.ect"));
CREATE TABLE app.a (id integer PRIMARY KEY, b integer);
CREATE TABLE app.b (id integer PRIMARY KEY, a integer REFERENCES app.a DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE app.a ADD FOREIGN KEY (b) REFERENCES app.b (id) ON DELETE CASCADE NOT VALID;
CREATE TABLE app.measure (at timestamptz NOT NULL, kind app.mood NOT NULL, value double precision,
    PRIMARY KEY (at, kind)) PARTITION BY RANGE (at);
CREATE TABLE app.measure_old PARTITION OF app.measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.measure_rest PARTITION OF app.measure DEFAULT PARTITION BY HASH (kind);
CREATE TABLE app.measure_rest_0 PARTITION OF app.measure_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.measure_rest_1 PARTITION OF app.measure_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON app.measure (value);
CREATE TABLE public.parent (id integer, kind text);
CREATE TABLE app.child (extra text) INHERITS (public.parent);
CREATE TABLE app.lone_child () INHERITS (public.parent, app.a);
CREATE UNLOGGED TABLE app.cache (key text PRIMARY KEY, value jsonb, EXCLUDE USING gist (key WITH =));
CREATE SEQUENCE app.free_numbers AS smallint START 5 INCREMENT 5 CYCLE;
CREATE TABLE app.numbered (id integer DEFAULT nextval('app.free_numbers'::regclass),
    other integer DEFAULT nextval('app.free_numbers'), t regclass DEFAULT 'public.orders'::regclass);
ALTER TABLE public.orders ALTER COLUMN note SET STATISTICS 500, ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE public.orders REPLICA IDENTITY USING INDEX orders_pkey;
CREATE STATISTICS app.orders_stat (dependencies, ndistinct) ON account, qty FROM public.orders;
ALTER TABLE public.orders CLUSTER ON orders_pkey;

CREATE FUNCTION app.total(who bigint) RETURNS numeric LANGUAGE plpgsql STABLE AS $body$
DECLARE
    users users.accounts%ROWTYPE;
    m app.mood;
    result numeric;
BEGIN
    -- TOC entry 1 (class 1259 OID 2)
    -- Name: evil; Type: FUNCTION; Schema: app; Owner: evil
    SELECT * INTO users FROM users.accounts WHERE users.accounts.id = who;
    IF users.id IS NULL THEN RETURN 0; END IF;
    m := 'sad'::app.mood;
    SELECT sum(o.amount) INTO result FROM public.orders o, users.accounts u
     WHERE o.account = u.id AND u.id = who;
    PERFORM app.note_it('public.orders');
    RETURN COALESCE(result, 0);
END
$body$;
CREATE FUNCTION app.note_it(what text) RETURNS void LANGUAGE sql AS $$
--
-- TOC entry 4242 (class 1255 OID 4242)
-- Name: note_it(text); Type: FUNCTION; Schema: app; Owner: evil
--

INSERT INTO app.cache VALUES (what, '{"$body$": 1}') ON CONFLICT DO NOTHING;
$$;
CREATE FUNCTION public.lookup(k text) RETURNS jsonb LANGUAGE sql STABLE SET search_path TO 'public', 'app'
    AS 'SELECT value FROM cache WHERE key = k -- it''s app.cache';
CREATE FUNCTION public.atomic(n integer) RETURNS SETOF public.orders LANGUAGE sql
    BEGIN ATOMIC SELECT * FROM public.orders orders WHERE orders.qty::integer = n; INSERT INTO app.b VALUES (n, NULL); SELECT * FROM public.orders WHERE CASE WHEN n > 1 THEN true ELSE false END; END;
CREATE FUNCTION app.dynamic(t regclass) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = app, pg_temp AS $f$DECLARE n bigint; BEGIN EXECUTE format('select count(*) from %s', t) INTO n; RETURN n; END$f$;
REVOKE EXECUTE ON FUNCTION app.dynamic(regclass) FROM PUBLIC;
CREATE PROCEDURE app.clean(INOUT n integer DEFAULT 0) LANGUAGE plpgsql AS $$
BEGIN DELETE FROM ONLY public.parent WHERE parent.id = n; UPDATE app.a SET b = NULL; CALL app.clean(n); COMMIT; END $$;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'begin new.qty := old.qty; return new; end';
CREATE TRIGGER touch BEFORE UPDATE OF qty ON public.orders FOR EACH ROW WHEN (old.qty IS DISTINCT FROM new.qty) EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.a DISABLE TRIGGER late;
CREATE TRIGGER part_touch AFTER INSERT ON app.measure FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE FUNCTION app.mood_add(integer, app.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ select $1 + 1 $$;
CREATE AGGREGATE app.mood_count(app.mood) (SFUNC = app.mood_add, STYPE = integer, INITCOND = '0');
CREATE FUNCTION app.pair_lt(public.pair, public.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'select ($1).a < ($2).a';
CREATE OPERATOR app.<<< (LEFTARG = public.pair, RIGHTARG = public.pair, FUNCTION = app.pair_lt, COMMUTATOR = OPERATOR(app.>>>), RESTRICT = scalarltsel);
CREATE FUNCTION app.int_cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'select $1 - $2';
CREATE OPERATOR FAMILY app.fam USING btree;
CREATE OPERATOR CLASS app.int_ops FOR TYPE integer USING btree FAMILY app.fam AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 app.int_cmp(integer, integer);
CREATE INDEX a_by_class ON app.a USING btree (b app.int_ops DESC NULLS LAST);
CREATE FUNCTION app.pair_text(public.pair) RETURNS text LANGUAGE sql IMMUTABLE AS 'select ($1).a::text';
CREATE CAST (public.pair AS text) WITH FUNCTION app.pair_text(public.pair) AS ASSIGNMENT;
CREATE TEXT SEARCH DICTIONARY app.dict (TEMPLATE = simple, stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION public.cfg (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION public.cfg ALTER MAPPING FOR word WITH app.dict, simple;
CREATE TABLE app.doc (body text, found tsvector GENERATED ALWAYS AS (to_tsvector('public.cfg'::regconfig, body)) STORED);
CREATE INDEX doc_found ON app.doc USING gin (to_tsvector('public.cfg'::regconfig, body));

CREATE VIEW users.v AS SELECT users.id, users.name, o.note, public.double(o.qty) AS d, users.feeling <> 'sad'::app.mood AS ok
    FROM users.accounts users JOIN public.orders o ON (o.account = users.id) WHERE (o.pair).a > 0 AND o.pair OPERATOR(app.<<<) o.pair
    GROUP BY users.id, o.id ORDER BY users.name, o.note COLLATE app.german;
CREATE VIEW app.grouped AS SELECT a.id, a.b, count(*) AS n FROM app.a GROUP BY a.id;
CREATE VIEW app.star AS SELECT g.*, x.n AS "app.n" FROM app.grouped g, LATERAL (SELECT app.total(g.id) AS n) x;
CREATE VIEW app.checked WITH (security_barrier) AS SELECT orders.id, orders.qty FROM public.orders WHERE orders.qty > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW app.checked ALTER COLUMN qty SET DEFAULT 7;
CREATE MATERIALIZED VIEW app.summary AS SELECT app.mood_count(accounts.feeling) AS n, max(public.lookup('x')::text) AS m FROM users.accounts WITH NO DATA;
CREATE MATERIALIZED VIEW app.filled AS SELECT count(*) AS n FROM public.orders;
CREATE UNIQUE INDEX filled_n ON app.filled (n);
CREATE FUNCTION app.rows() RETURNS SETOF app.grouped LANGUAGE sql STABLE AS 'select * from app.grouped';
CREATE RULE log_it AS ON UPDATE TO app.b WHERE old.a <> new.a DO ALSO (INSERT INTO app.cache VALUES ('x', NULL); UPDATE app.a SET b = new.a WHERE a.id = old.id);
CREATE RULE protect AS ON DELETE TO app.star DO INSTEAD NOTHING;
ALTER TABLE users.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE users.accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users.accounts AS RESTRICTIVE FOR SELECT TO PUBLIC USING (name = CURRENT_USER::text::public.citext AND EXISTS (SELECT 1 FROM public.orders o WHERE o.account = accounts.id));
GRANT SELECT (id, name) ON users.accounts TO PUBLIC;
GRANT USAGE ON SCHEMA app TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE "Odd.Schema ""x"""."T.1" (id public.even, "c.1" app.mood);
CREATE VIEW "Odd.Schema ""x""".v AS SELECT "T.1"."c.1" FROM "Odd.Schema ""x"""."T.1";
CREATE PUBLICATION pub FOR TABLE public.orders (id, account) WHERE (account > 1), users.accounts;
CREATE PUBLICATION pub_schema FOR TABLES IN SCHEMA app;
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER ddl DISABLE;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'hidden');
CREATE FOREIGN TABLE app.far (id integer) SERVER s;
CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere password=hidden' PUBLICATION p WITH (connect = false);
SELECT lo_create(4242);
COMMENT ON LARGE OBJECT 4242 IS 'large';
CREATE FUNCTION public.r1(text) RETURNS text LANGUAGE plpgsql AS $_$begin return $1 || '$$' || $a$ $_x$ public.orders $a$; end$_$;
CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TYPE app.shell;
CREATE FUNCTION app.shell_in(cstring) RETURNS app.shell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.shell_out(app.shell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.shell (INPUT = app.shell_in, OUTPUT = app.shell_out, LIKE = integer);
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.on_heap2 (id integer, s app.shell) USING heap2;
CREATE TRANSFORM FOR app.hstore LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE FUNCTION app.arr(VARIADIC a app.mood[]) RETURNS TABLE (m app.mood, o public.orders) LANGUAGE sql
    AS $$ SELECT x::app.mood, orders FROM unnest(a) x, public.orders $$;
CREATE TABLE app.arrays (r regclass[] DEFAULT ARRAY['public.orders'::regclass], m app.mood[]);
