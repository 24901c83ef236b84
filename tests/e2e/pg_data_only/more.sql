-- What pg_shop.sql has not: partitions of both kinds, a domain, a generated column, odd names.
SET client_min_messages = warning;
CREATE TABLE public.events (at date NOT NULL, id bigserial, what text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE public.events_2023 PARTITION OF public.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO public.events (at, what) SELECT '2023-06-01'::date + n % 500, 'event ' || n FROM generate_series(1, 5000) n;
CREATE TABLE public.by_state (state sales.state NOT NULL, n integer) PARTITION BY HASH (state);
CREATE TABLE public.by_state_0 PARTITION OF public.by_state FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.by_state_1 PARTITION OF public.by_state FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.by_state SELECT (enum_range(NULL::sales.state))[n % 3 + 1], n FROM generate_series(1, 3000) n;
CREATE DOMAIN public.percent AS numeric(5, 2) CHECK (VALUE <= 100);
CREATE TABLE public."Odd ""Names"" [*]" ("a b" integer PRIMARY KEY, share public.percent, twice integer GENERATED ALWAYS AS ("a b" * 2) STORED, old text);
INSERT INTO public."Odd ""Names"" [*]" ("a b", share) SELECT n, n % 100 FROM generate_series(1, 700) n;
CREATE SEQUENCE public.shared START 500;
SELECT nextval('public.shared') \g /dev/null
ANALYZE;
