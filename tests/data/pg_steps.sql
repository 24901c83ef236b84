-- A source that is written to while it is copied, so that its state says which one it is: after n calls
-- of step() every table is a function of n alone. A copy is consistent exactly when it equals another
-- database after as many steps as its counter says.
SET client_min_messages = warning;
CREATE TABLE public.counter (n bigint NOT NULL);
INSERT INTO public.counter VALUES (0);
CREATE TABLE public.accounts (id integer PRIMARY KEY, balance bigint NOT NULL, changed bigint NOT NULL DEFAULT 0, filler text);
INSERT INTO public.accounts SELECT n, 1000, 0, repeat('f', 60) FROM generate_series(0, 9999) n;
CREATE TABLE public.transfers (n bigint PRIMARY KEY, giver integer REFERENCES public.accounts, taker integer REFERENCES public.accounts, amount bigint);
CREATE TABLE public.queue (n bigint PRIMARY KEY, payload text);
INSERT INTO public.queue SELECT -n, 'old ' || n FROM generate_series(1, 3000) n;
CREATE TABLE public.days (n bigint, day integer) PARTITION BY LIST (day);
CREATE TABLE public.days_0 PARTITION OF public.days FOR VALUES IN (0, 1, 2);
CREATE TABLE public.days_1 PARTITION OF public.days DEFAULT;
CREATE TABLE public.still (id integer PRIMARY KEY, body text); -- never written to
INSERT INTO public.still SELECT n, md5(n::text) || repeat('s', 100) FROM generate_series(1, 30000) n;
CREATE TABLE public.last_of (what text PRIMARY KEY, n bigint);
INSERT INTO public.last_of VALUES ('step', 0);
CREATE INDEX transfers_by_taker ON public.transfers (taker);
CREATE INDEX still_body ON public.still (body);
CREATE VIEW public.sums AS SELECT count(*) AS n, sum(balance) AS total, max(changed) AS last FROM public.accounts;
-- numbers of sequences are no part of a transaction: these are only compared with their table
CREATE TABLE public.tickets (id bigserial PRIMARY KEY, n bigint);

CREATE PROCEDURE public.step() LANGUAGE plpgsql AS $$
DECLARE
    k bigint;
BEGIN
    UPDATE public.counter SET n = n + 1 RETURNING n INTO k;
    INSERT INTO public.transfers VALUES (k, k * 7919 % 10000, (k * 104729 + 17) % 10000, k % 100);
    UPDATE public.accounts SET balance = balance - k % 100, changed = k WHERE id = k * 7919 % 10000;
    UPDATE public.accounts SET balance = balance + k % 100, changed = k WHERE id = (k * 104729 + 17) % 10000;
    INSERT INTO public.queue VALUES (k, 'step ' || k);
    DELETE FROM public.queue WHERE n = (SELECT min(n) FROM public.queue);
    INSERT INTO public.days VALUES (k, k % 5);
    UPDATE public.days SET day = (day + 1) % 5 WHERE n = k - 50; -- rows move between partitions
    UPDATE public.last_of SET n = k;
    IF to_regclass('public.tickets') IS NOT NULL THEN
        INSERT INTO public.tickets (n) VALUES (k);
    END IF;
END $$;
CREATE PROCEDURE public.steps(wanted bigint, pause double precision) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..wanted LOOP
        CALL public.step();
        COMMIT;
        IF pause > 0 THEN
            PERFORM pg_sleep(pause);
        END IF;
    END LOOP;
END $$;
