-- Extensions that share a schema and names of operators, with overloads of people's own beside them.
SET client_min_messages = warning;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE FUNCTION public.similarity(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT abs(a - b); END;
COMMENT ON FUNCTION public.similarity(integer, integer) IS 'one of our own';
CREATE TYPE public.pair AS (a integer, b integer);
CREATE FUNCTION public.is_near(x public.pair, y public.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT x.a = y.a';
CREATE OPERATOR public.% (FUNCTION = public.is_near, LEFTARG = public.pair, RIGHTARG = public.pair);
COMMENT ON OPERATOR public.% (public.pair, public.pair) IS 'near';
CREATE TABLE public.people (id integer PRIMARY KEY, email public.citext NOT NULL UNIQUE CHECK (email <> ''), h public.hstore, path public.ltree, name text,
    p public.pair, near integer GENERATED ALWAYS AS (public.similarity(id, 7)) STORED,
    CONSTRAINT is_whole CHECK (h <> ''::public.hstore AND email > 'A'::public.citext AND path <> ''::public.ltree AND public.similarity(name, 'x') >= 0 AND p OPERATOR(public.%) p));
INSERT INTO public.people SELECT n, 'User' || n, public.hstore('a', n::text), ('top.n' || n)::public.ltree, 'name ' || n, ROW(n, n)::public.pair FROM generate_series(1, 100) n;
CREATE INDEX people_name ON public.people USING gin (name public.gin_trgm_ops);
CREATE INDEX people_h ON public.people USING gin (h);
CREATE INDEX people_path ON public.people USING gist (path);
CREATE INDEX people_part ON public.people (public.similarity(name, 'x'), public.similarity(id, 3)) WHERE email = 'x' AND h <> ''::public.hstore;
ALTER INDEX public.people_part ALTER COLUMN 1 SET STATISTICS 20;
CREATE VIEW public.pairs AS SELECT a.id, a.email = b.email AS e, a.h = b.h AS h, a.path <> b.path AS p, a.name % b.name AS s, public.similarity(a.name, b.name) AS t, public.similarity(a.id, b.id) AS i, a.p OPERATOR(public.%) b.p AS n
    FROM public.people a JOIN public.people b ON a.email <> b.email AND a.h <> b.h;
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) AS n, sum(i) AS i FROM public.pairs WHERE p;
CREATE FUNCTION public.same(a public.citext, b public.citext) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a = b';
CREATE FUNCTION public.same_h(a public.hstore, b public.hstore) RETURNS boolean LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT a = b; END;
CREATE INDEX people_same ON public.people (public.same(email, 'x'));
