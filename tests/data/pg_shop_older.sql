-- What stands in the demonstration's target before pg_shop.sql comes: an older shop with fewer rows and
-- other columns, and a help desk beside it that is not migrated and depends on the shop's tables.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA sales;
CREATE TABLE sales.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email public.citext UNIQUE NOT NULL, phone text);
INSERT INTO sales.customers (email, phone) SELECT 'User' || n || '@example.org', n FROM generate_series(1, 900) n;
CREATE TABLE sales.orders (id uuid PRIMARY KEY, customer bigint NOT NULL REFERENCES sales.customers, total numeric(12, 2));
INSERT INTO sales.orders SELECT md5(n::text)::uuid, n % 900 + 1, n / 7.0 FROM generate_series(1, 2500) n;
CREATE SCHEMA desk;
CREATE TABLE desk.tickets (id integer PRIMARY KEY, customer bigint NOT NULL REFERENCES sales.customers, words text);
INSERT INTO desk.tickets SELECT n, n * 7, 'ticket ' || n FROM generate_series(1, 40) n;
CREATE VIEW desk.open AS SELECT t.id, c.email FROM desk.tickets t JOIN sales.customers c ON c.id = t.customer;
ANALYZE sales.customers, sales.orders, desk.tickets;
