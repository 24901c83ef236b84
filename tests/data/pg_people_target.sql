-- What the target of pg_people.sql may already hold: tables of the same names with another structure
-- and other rows, things of its own beside them, and an extension in another schema.
SET client_min_messages = warning;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people_reader') THEN
        CREATE ROLE people_reader;
    END IF;
END
$$;
CREATE SCHEMA app;
CREATE SCHEMA "Sales Dept";
CREATE TYPE public.color AS ENUM ('red', 'purple');
CREATE TABLE public.a_lookup (code text PRIMARY KEY, factor numeric NOT NULL, label text);
INSERT INTO public.a_lookup SELECT 'c' || n, -1, 'old label ' || n FROM generate_series(1, 20) n;
CREATE TABLE public.customers (id serial PRIMARY KEY, name text, shade public.color);
INSERT INTO public.customers (name, shade) SELECT 'old ' || n, 'purple' FROM generate_series(1, 500) n;
CREATE INDEX customers_open ON public.customers (name);
CREATE TABLE public."Orders" (id integer PRIMARY KEY, customer integer REFERENCES public.customers);
INSERT INTO public."Orders" SELECT n, n FROM generate_series(1, 100) n;
CREATE TABLE app.departments (id text);
INSERT INTO app.departments VALUES ('old');
CREATE FUNCTION public.factor_of(wanted text) RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT factor FROM public.a_lookup WHERE code = wanted';
CREATE SCHEMA outside;
CREATE TABLE outside.stays (id integer PRIMARY KEY, what text);
INSERT INTO outside.stays VALUES (1, 'stays as it is');
