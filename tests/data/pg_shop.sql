-- A database that its owner can make without being a superuser, with the extension citext, which is
-- trusted; about 2 MB.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA sales;
CREATE TYPE sales.state AS ENUM ('new', 'paid', 'sent');
CREATE TABLE sales.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email public.citext UNIQUE NOT NULL, name text);
INSERT INTO sales.customers (email, name) SELECT 'User' || n || '@example.org', repeat('name ', 5) || n FROM generate_series(1, 3000) n;
CREATE TABLE sales.orders (id uuid PRIMARY KEY, customer bigint NOT NULL REFERENCES sales.customers, state sales.state DEFAULT 'new', total numeric(12, 2), placed timestamptz);
INSERT INTO sales.orders SELECT md5(n::text)::uuid, n % 3000 + 1, (enum_range(NULL::sales.state))[n % 3 + 1], n / 7.0, '2024-01-01'::timestamptz + n * interval '1 minute'
FROM generate_series(1, 12000) n;
CREATE INDEX orders_by_customer ON sales.orders (customer, placed);
CREATE TABLE sales.lines (order_id uuid REFERENCES sales.orders ON DELETE CASCADE, line integer, what text, PRIMARY KEY (order_id, line));
INSERT INTO sales.lines SELECT id, 1, 'thing ' || customer FROM sales.orders;
CREATE FUNCTION sales.total_of(wanted bigint) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM sales.orders WHERE customer = wanted';
CREATE VIEW sales.best AS SELECT id, email, sales.total_of(id) AS total FROM sales.customers;
CREATE MATERIALIZED VIEW sales.by_state AS SELECT state, count(*) AS n, sum(total) AS total FROM sales.orders GROUP BY state;
CREATE UNIQUE INDEX by_state_key ON sales.by_state (state);
CREATE TABLE public.settings (name text PRIMARY KEY, value jsonb, seen_by sales.state[]);
INSERT INTO public.settings SELECT 'setting ' || n, jsonb_build_object('n', n), '{new,sent}' FROM generate_series(1, 100) n;
CREATE TABLE public.no_key (a integer, b text);
INSERT INTO public.no_key SELECT n % 50, 'row ' || n % 7 FROM generate_series(1, 3000) n;
ANALYZE sales.customers, sales.orders, sales.lines, public.settings, public.no_key;
