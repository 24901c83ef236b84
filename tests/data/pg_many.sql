-- A source with :tables small tables (psql variable), each with a key, an index and some rows; every tenth
-- refers to the one before it.
SET client_min_messages = warning;
SELECT format('CREATE TABLE public.table_%s (id integer PRIMARY KEY, a text DEFAULT ''x'', b integer%s)', n,
              CASE WHEN n % 10 = 0 THEN format(' REFERENCES public.table_%s', n - 1) ELSE '' END),
       format('CREATE INDEX index_%s ON public.table_%s (b)', n, n),
       format('INSERT INTO public.table_%s SELECT m, ''row %s'', m FROM generate_series(1, 3) m', n, n)
FROM generate_series(1, :tables) n
\gexec
