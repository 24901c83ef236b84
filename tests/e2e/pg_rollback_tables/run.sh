#!/usr/bin/env bash
# After a promotion single tables are taken back, where they can be cut from the rest: what hangs
# together is refused by name; killed at any point, the records tell; a whole rollback takes the rest,
# and finish drops all that is kept.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair wal_level=logical
structure() { # WORDS
    cat <<SQL
CREATE SCHEMA "Odd one";
CREATE TABLE audit (id serial PRIMARY KEY, words text);
CREATE INDEX audit_words ON audit (words);
CREATE STATISTICS audit_stats ON id, words FROM audit;
INSERT INTO audit (words) SELECT '$1' FROM generate_series(1, 10);
CREATE TABLE "Odd one"."The Log" (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, words text);
INSERT INTO "Odd one"."The Log" (words) SELECT '$1' FROM generate_series(1, 5);
CREATE TABLE events (at integer, words text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);
INSERT INTO events SELECT n, '$1' FROM generate_series(1, 199) n;
CREATE TABLE customers (id integer PRIMARY KEY, words text);
INSERT INTO customers SELECT n, '$1' FROM generate_series(1, 10) n;
CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers, words text);
INSERT INTO orders SELECT n, n, '$1' FROM generate_series(1, 10) n;
CREATE TABLE seen (id integer PRIMARY KEY, words text);
CREATE VIEW look AS SELECT words FROM seen;
CREATE TYPE mood AS ENUM ('$1', 'other');
CREATE TABLE moods (id integer PRIMARY KEY, mood mood);
CREATE SEQUENCE shared;
CREATE TABLE numbers (id integer PRIMARY KEY DEFAULT nextval('shared'), words text);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE stamped (id integer PRIMARY KEY, words text);
CREATE TRIGGER stamped_stamp BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TABLE secret (id integer PRIMARY KEY, words text);
CREATE POLICY all_of_it ON secret USING (true);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
INSERT INTO secret SELECT n, '$1' FROM generate_series(1, 3) n;
SELECT format('CREATE TABLE bulk_%s (id serial PRIMARY KEY, words text DEFAULT ''$1'')', n) FROM generate_series(1, 30) n \\gexec
INSERT INTO bulk_7 SELECT FROM generate_series(1, 7);
SQL
}
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql target postgres -c 'CREATE DATABASE people'
structure new | pg_sql source people -o /dev/null || die "the source"
pg_sql source people -c "CREATE TABLE extra (id integer PRIMARY KEY); INSERT INTO extra VALUES (1)"
structure old | pg_sql target people -o /dev/null || die "the target"
pg_sql target people -o /dev/null <<'SQL' || die "what is outside"
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (200) TO (300);
CREATE TABLE beside (id integer PRIMARY KEY);
CREATE TABLE leans (id integer REFERENCES customers);
ALTER TABLE moods ADD COLUMN beside integer REFERENCES beside;
CREATE PUBLICATION told FOR TABLE orders;
SQL
published=$(pg_sql target people -c "SELECT CASE WHEN current_setting('server_version_num')::integer < 150000 THEN '' ELSE ' (id, words) WHERE (id > 0)' END")
pg_sql target people -c "ALTER PUBLICATION told ADD TABLE audit$published"
pg_ends people
ends+=(--no-archive) # what is kept here are the renamed tables
pg_remember

ask() { # SQL
    pg_sql target people -c "$1"
}

is() { # QUERY ANSWER
    local found
    found=$(ask "$1") || die "$1"
    [ "$found" = "$2" ] || die "$1 gives $found, not $2"
}

refused() { # TABLE PATTERN
    expect 5 rollback shop --yes --table "$1"
    one_error
    says "$2"
    phase_is shop promoted
    json_is '$.status.taken_back' ''
    json_is '$.status.unsettled' ''
}

expect 10 rollback none --table audit --yes
expect 0 run shop "${ends[@]}" --stop-after verified
expect 5 rollback shop --table audit --yes
one_error
says 'needs a migration that is promoted'
expect 0 run shop
promoted=$(pg_sql target people -c "SELECT inverse FROM stopover.marker WHERE kind = 'promoted'" | md5sum)

# ---- what cannot be cut ----

refused orders 'orders_customer_fkey on table (public[.])?orders: uses .*customers, which stays promoted'
refused customers 'leans.* uses .*customers.* would stay behind'
refused seen 'view (public[.])?look: uses .*seen'
refused moods 'uses type (public[.])?mood, which stays promoted'
refused numbers 'uses sequence (public[.])?shared'
refused stamped 'stamped_stamp.*uses function (public[.])?stamp'
refused events_1 'uses table (public[.])?events, which stays promoted'
refused 'no*such' 'no promoted table has a name like that'
refused '*' 'names every table'
expect 5 rollback shop --table audit
one_error
says 'takes back what matches "audit"'
[ "$(pg_sql target people -c "SELECT inverse FROM stopover.marker WHERE kind = 'promoted'" | md5sum)" = "$promoted" ] ||
    die "a refusal has changed the stored way back"

# ---- some go back ----

ask "INSERT INTO audit (words) VALUES ('newest')"
expect 0 rollback shop --table audit --table 'Odd one.The Log' --yes
says 'audit: 10 rows when it was promoted, 11 now'
phase_is shop promoted
json_is '$.status.taken_back' '"Odd one"."The Log", public.audit'
is "SELECT count(*), min(words), max(words) FROM audit" '10|old|old'
is "SELECT count(*), max(words) FROM \"Odd one\".\"The Log\"" '5|old'
is "SELECT max(words) FROM events" new
is "SELECT max(words) FROM orders" new
ask "INSERT INTO audit (words) VALUES ('old')" # its own sequence goes on
is "SELECT max(id) FROM audit" 11
ask "DELETE FROM audit WHERE id = 11; SELECT setval('audit_id_seq', 10)" >/dev/null
is "SELECT stxnamespace::regnamespace FROM pg_statistic_ext WHERE stxrelid = 'audit'::regclass" public
is "SELECT count(*) FROM pg_publication_rel WHERE prrelid = 'audit'::regclass" 1
[ -z "$published" ] || is "SELECT prqual IS NOT NULL, prattrs::text FROM pg_publication_rel WHERE prrelid = 'audit'::regclass" 't|1 2'
expect 0 rollback shop --table audit --yes
says_not 'live tables were locked'
expect 0 rollback shop --table events --table extra --table secret --yes
is "SELECT count(*), max(words) FROM events" '199|old'
is "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass" 3
is "SELECT to_regclass('extra') IS NULL" t
is "SELECT max(words) FROM secret" old
expect 0 status shop
says 'taken back +"Odd one"."The Log", public.audit, public.events, public.extra, public.secret'

# many at once, for which the server is asked in another way
expect 0 rollback shop --table 'bulk_?' --table 'bulk_2*' --table 'bulk_1*' --yes
is "SELECT count(*), max(words) FROM bulk_7" '7|old'
is "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '_retired_' AND c.relkind = 'r' AND relname ~ '^bulk'" 1
expect 5 rollback shop --table 'events' --table 'bulk_30' --table 'orders' --yes
says 'orders_customer_fkey'
is "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '_retired_' AND c.relkind = 'r' AND relname ~ '^bulk'" 1

# a whole rollback takes the rest; what somebody put between our things is not taken for ours
id=$(pg_sql target people -c "SELECT id FROM stopover.run")
ask "CREATE TABLE public_undone_$id.mine (n integer)"
expect 5 rollback shop --yes
one_error
says 'did not make: table.*mine'
ask "DROP TABLE public_undone_$id.mine"
expect 0 rollback shop --yes
phase_is shop rolled_back
json_is '$.status.taken_back' ''
pg_untouched
expect 0 finish shop --yes
pg_nothing_left
expect 0 forget shop --yes

# ---- finish with a part taken back: what is live stays live ----

expect 0 run shop "${ends[@]}"
expect 0 rollback shop --table audit --yes
expect 0 finish shop --yes
says 'undone'
is "SELECT max(words) FROM audit" old
is "SELECT max(words) FROM orders" new
is "SELECT count(*) FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}\$'" 0
expect 0 forget shop --yes

# ---- interrupted at any point ----

ask 'UPDATE orders SET words = words'
for fault in kill:1 fail:1 fatal:1 lose:1; do
    for point in begin lock commit; do
        expect 0 run shop "${ends[@]}"
        STOPOVER_FAULT=$fault:postgres.swap_cut_$point "$STOPOVER" rollback shop --table secret --yes >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
        status=$?
        case $status in 0 | 1 | 3 | 137) ;; *) die "exit $status: $fault at $point" ;; esac
        expect 0 rollback shop --table secret --yes
        phase_is shop promoted
        json_is '$.status.taken_back' public.secret
        json_is '$.status.unsettled' ''
        [ "$(pg_sql target people -c "SELECT count(*) FROM pg_namespace WHERE nspname ~ '_undone_[0-9a-f]{6}\$'")" = 1 ] || die "undone schemas: $fault at $point"
        expect 0 rollback shop --yes
        phase_is shop rolled_back
        expect 0 finish shop --yes
        expect 0 forget shop --yes
    done
done
# the journal hears of it from the target, whatever command comes next
expect 0 run shop "${ends[@]}"
STOPOVER_FAULT=kill:1:journal.option "$STOPOVER" rollback shop --table secret --yes >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
[ $? -eq 137 ] || die "not killed before it is recorded"
expect 0 run shop
says 'which tables the interrupted rollback took back'
phase_is shop promoted
json_is '$.status.taken_back' public.secret
echo "single tables go back where they can be cut from the rest"
