-- A target of pg_people.sql that is in use: older tables, types, functions and sequences of the same
-- names, and around them whatever can depend on such, each kind of which a promotion has to bind anew.
-- Owners and grants are those that the target is to keep. Nothing in here is refused.
SET client_min_messages = error;
SET check_function_bodies = off;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['people_reader', 'people_writer', 'people_owner', 'people_tenant'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA app;
CREATE SCHEMA "Sales Dept";
CREATE SCHEMA outside;
CREATE SCHEMA "Out Side";
CREATE EXTENSION citext SCHEMA public;
GRANT CREATE, USAGE ON SCHEMA public, app, "Sales Dept" TO people_owner;
GRANT USAGE ON SCHEMA public, app, outside TO people_reader, people_writer, people_tenant;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT ON TABLES TO people_writer;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO people_writer;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO people_reader;

-- ---- what is replaced ----

CREATE TYPE public.color AS ENUM ('red', 'purple');
CREATE TYPE app.state AS ENUM ('paid', 'lost');
CREATE DOMAIN public.percent AS numeric(5, 2);
CREATE SEQUENCE public.shared_numbers START 7;
SELECT nextval('public.shared_numbers') \gset
CREATE TABLE public.a_lookup (code text PRIMARY KEY, factor numeric NOT NULL, label text, old_only integer);
INSERT INTO public.a_lookup SELECT 'c' || n, -1, 'old label ' || n FROM generate_series(1, 20) n;
CREATE FUNCTION public.factor_of(wanted text) RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT factor FROM public.a_lookup WHERE code = wanted';
CREATE FUNCTION public.label_of(wanted text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''old''::text';
CREATE FUNCTION app.tenant() RETURNS integer LANGUAGE sql STABLE AS 'SELECT -1';
CREATE FUNCTION app.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the old function';
END $$;
CREATE FUNCTION app.secret() RETURNS text LANGUAGE sql AS 'SELECT ''old''::text';
CREATE TABLE public.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email public.citext NOT NULL UNIQUE,
    name text,
    favourite public.color,
    referred_by bigint REFERENCES public.customers);
INSERT INTO public.customers (email, name, favourite) SELECT 'old' || n, 'old ' || n, 'purple' FROM generate_series(1, 500) n;
COMMENT ON TABLE public.customers IS 'who bought';
CREATE INDEX customers_open ON public.customers (name);
CREATE TABLE public."Orders" (id bigserial PRIMARY KEY, customer_id bigint REFERENCES public.customers, "State" app.state);
INSERT INTO public."Orders" (customer_id, "State") SELECT n, 'paid' FROM generate_series(1, 100) n;
CREATE TABLE public.order_lines (order_id bigint REFERENCES public."Orders", line smallint, sku text, PRIMARY KEY (order_id, line));
INSERT INTO public.order_lines SELECT n, 1, 'old' FROM generate_series(1, 50) n;
CREATE TABLE app.departments (id integer PRIMARY KEY, name text);
INSERT INTO app.departments SELECT n, 'old ' || n FROM generate_series(1, 300) n;
CREATE TABLE app.audit (at timestamptz DEFAULT now(), what text, id bigint);
CREATE TABLE public.events (id bigint, at timestamptz NOT NULL, kind text NOT NULL, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE public.events_2022 PARTITION OF public.events FOR VALUES FROM ('2022-01-01 00:00+00') TO ('2023-01-01 00:00+00');
INSERT INTO public.events SELECT n, '2024-01-01 00:00+00'::timestamptz + n * interval '1 hour', 'old' FROM generate_series(1, 100) n;
CREATE MATERIALIZED VIEW public.factors AS SELECT code, factor FROM public.a_lookup;
CREATE VIEW public.open_orders AS SELECT id, customer_id FROM public."Orders";
CREATE TABLE public.text_key (key text PRIMARY KEY, value text);
ALTER TABLE public.text_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_old ON public.text_key USING (value = current_user);
CREATE TABLE app.accounts_rls (id integer PRIMARY KEY, owner text, tenant integer);
ALTER TABLE app.accounts_rls ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY old_policy ON app.accounts_rls USING (true);

ALTER TABLE public.customers OWNER TO people_owner;
ALTER TABLE app.departments OWNER TO people_owner;
ALTER VIEW public.open_orders OWNER TO people_owner;
ALTER MATERIALIZED VIEW public.factors OWNER TO people_owner;
ALTER SEQUENCE public.shared_numbers OWNER TO people_owner;
ALTER FUNCTION public.factor_of(text) OWNER TO people_owner;
ALTER TYPE public.color OWNER TO people_owner;
ALTER DOMAIN public.percent OWNER TO people_owner;
GRANT SELECT ON public.customers TO people_reader WITH GRANT OPTION;
GRANT SELECT ON public."Orders" TO people_owner;
GRANT INSERT ON app.audit TO people_owner;
GRANT SELECT, INSERT, UPDATE ON public.customers, public.a_lookup, public."Orders" TO people_writer;
GRANT SELECT (id), UPDATE (email) ON public.customers TO people_tenant;
GRANT SELECT ON app.departments, public.open_orders, public.factors TO PUBLIC;
REVOKE DELETE, TRUNCATE ON app.departments FROM people_owner;
GRANT USAGE ON SEQUENCE public.shared_numbers TO people_writer;
GRANT ALL ON SEQUENCE public.customers_id_seq TO people_writer;
REVOKE EXECUTE ON FUNCTION public.factor_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.factor_of(text) TO people_writer, people_owner;
REVOKE USAGE ON TYPE public.color FROM PUBLIC;
GRANT USAGE ON TYPE public.color TO people_writer;

-- ---- tables beside them: other things in the same schemas ----

CREATE TABLE public.beside (id integer PRIMARY KEY, code text REFERENCES public.a_lookup, note text DEFAULT 'stays');
INSERT INTO public.beside SELECT n, 'c' || n FROM generate_series(1, 10) n;
CREATE FUNCTION app.beside() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.beside';
COMMENT ON TABLE public.beside IS 'stays as it is';

-- ---- what depends on what is replaced ----

-- views: on tables, on views, with options, with triggers, over an enum, by a primary key
CREATE VIEW outside.codes WITH (security_barrier) AS SELECT code, factor FROM public.a_lookup;
CREATE VIEW outside.many_codes AS SELECT c.code, c.factor, public.label_of(c.code) AS label FROM outside.codes c;
CREATE VIEW "Out Side"."View of ""views""" AS SELECT m.*, d.name AS department FROM outside.many_codes m LEFT JOIN app.departments d ON d.id = length(m.code);
CREATE VIEW outside.purple AS SELECT id, email, (favourite = 'red'::public.color) AS is_red, favourite::text AS favourite FROM public.customers WHERE favourite::text <> 'purple' OR favourite = ANY ('{red}'::public.color[]);
CREATE VIEW outside.grouped AS SELECT c.id, c.email, count(o.*) AS orders FROM public.customers c LEFT JOIN public.open_orders o ON o.customer_id = c.id GROUP BY c.id;
CREATE VIEW outside.checked AS SELECT id, name FROM app.departments WHERE id > 3 WITH CASCADED CHECK OPTION;
ALTER VIEW outside.checked ALTER COLUMN name SET DEFAULT 'unnamed';
CREATE RECURSIVE VIEW outside.chain (id, referred_by, depth) AS
    SELECT id, referred_by, 1 FROM public.customers WHERE referred_by IS NULL
    UNION ALL SELECT c.id, c.referred_by, depth + 1 FROM public.customers c JOIN chain ON c.referred_by = chain.id;
CREATE VIEW outside.of_partitions AS SELECT id, at FROM public.events UNION ALL SELECT id, at FROM public.events_2024;
CREATE VIEW outside.of_matview AS SELECT factor FROM public.factors;
COMMENT ON VIEW outside.codes IS 'of the outside';
COMMENT ON COLUMN outside.codes.code IS 'a code';
ALTER VIEW outside.codes OWNER TO people_tenant;
GRANT SELECT ON public.a_lookup TO people_tenant;
GRANT SELECT ON outside.codes TO people_reader, people_owner;
GRANT SELECT (code) ON outside.many_codes TO people_reader;

-- tables with foreign keys: simple, of several columns, deferrable, not valid, to themselves as well
CREATE TABLE outside.uses (
    id integer PRIMARY KEY,
    code text CONSTRAINT to_code REFERENCES public.a_lookup ON UPDATE CASCADE ON DELETE SET NULL,
    department integer REFERENCES app.departments DEFERRABLE INITIALLY DEFERRED,
    order_id bigint,
    line smallint,
    number bigint DEFAULT nextval('public.shared_numbers'),
    label text DEFAULT public.label_of('c1'),
    parent integer REFERENCES outside.uses,
    tenant integer);
ALTER TABLE outside.uses ADD CONSTRAINT to_line FOREIGN KEY (order_id, line) REFERENCES public.order_lines MATCH FULL NOT VALID;
COMMENT ON CONSTRAINT to_code ON outside.uses IS 'a code that is known';
INSERT INTO outside.uses (id, code, department, number, label) SELECT n, 'c' || n, n, n, 'l' FROM generate_series(1, 9) n;
CREATE TABLE outside.of_events (event bigint, at timestamptz, kind text, FOREIGN KEY (event, at, kind) REFERENCES public.events ON DELETE CASCADE);

-- functions
CREATE FUNCTION outside.atomic(wanted text DEFAULT 'c1') RETURNS numeric LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT l.factor + public.factor_of(l.code) FROM public.a_lookup l WHERE l.code = wanted;
END;
CREATE PROCEDURE outside.atomic_procedure(wanted integer)
BEGIN ATOMIC
    INSERT INTO app.departments (id, name) VALUES (wanted, 'by a procedure');
    UPDATE app.departments SET name = 'changed by a procedure' WHERE id = wanted;
END;
CREATE FUNCTION outside.is_red(wanted text) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT wanted = 'red'::public.color::text;
END;
CREATE FUNCTION outside.by_name() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    one public.customers%ROWTYPE;
BEGIN
    SELECT * INTO one FROM public.customers ORDER BY id LIMIT 1;
    RETURN one.id;
END $$;
CREATE FUNCTION outside.number_after(base bigint DEFAULT nextval('public.shared_numbers')) RETURNS bigint LANGUAGE sql AS 'SELECT base';
COMMENT ON FUNCTION outside.atomic(text) IS 'twice the factor';
REVOKE EXECUTE ON FUNCTION outside.atomic(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outside.atomic(text) TO people_reader;

-- triggers by functions that are replaced, rules that write to tables that are, policies that read them
CREATE TRIGGER noted AFTER INSERT ON outside.uses FOR EACH ROW WHEN (new.id > 1000) EXECUTE FUNCTION app.note_change('outside');
CREATE TRIGGER unused BEFORE DELETE ON outside.uses FOR EACH ROW EXECUTE FUNCTION app.note_change();
ALTER TABLE outside.uses DISABLE TRIGGER unused;
COMMENT ON TRIGGER noted ON outside.uses IS 'large ones';
CREATE TRIGGER instead INSTEAD OF INSERT ON outside.many_codes FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE RULE copied AS ON DELETE TO outside.uses WHERE old.id > 2000 DO ALSO INSERT INTO app.audit (what, id) VALUES ('gone', old.id);
CREATE RULE off AS ON UPDATE TO outside.uses WHERE new.id < 0 DO INSTEAD INSERT INTO app.audit (what) VALUES (public.label_of('c2'));
ALTER TABLE outside.uses DISABLE RULE off;
COMMENT ON RULE copied ON outside.uses IS 'audited';
CREATE TABLE outside.closed (id integer PRIMARY KEY, code text, tenant integer);
INSERT INTO outside.closed SELECT n, 'c' || n, n FROM generate_series(1, 30) n;
ALTER TABLE outside.closed ENABLE ROW LEVEL SECURITY;
CREATE POLICY known ON outside.closed FOR SELECT TO people_reader USING (code IN (SELECT l.code FROM public.a_lookup l WHERE l.factor > 0));
CREATE POLICY mine ON outside.closed AS RESTRICTIVE USING (tenant <> app.tenant()) WITH CHECK (tenant > app.tenant());
COMMENT ON POLICY known ON outside.closed IS 'known ones';
GRANT SELECT ON outside.closed, public.a_lookup TO people_reader;

-- publications
CREATE PUBLICATION told FOR TABLE public.a_lookup (code, factor) WHERE (code <> 'c3'), outside.uses;
CREATE PUBLICATION told_whole FOR TABLE app.departments, public.events WITH (publish_via_partition_root);
CREATE PUBLICATION told_schema FOR TABLES IN SCHEMA "Sales Dept";
CREATE PUBLICATION told_all FOR ALL TABLES WITH (publish = 'insert');
COMMENT ON PUBLICATION told IS 'of codes';
ANALYZE;
