#!/usr/bin/env bash
# Event triggers of the target run at our statements: plan says so; one that only watches changes nothing;
# one that refuses leaves everything as it was; one whose function would be replaced is refused by name.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql target postgres -c 'CREATE DATABASE people'
for words in new old; do
    cluster=source
    [ $words = new ] || cluster=target
    pg_sql $cluster people -o /dev/null <<SQL || die "$cluster"
CREATE TABLE orders (id serial PRIMARY KEY, words text);
INSERT INTO orders (words) SELECT '$words' FROM generate_series(1, 10);
CREATE FUNCTION hook() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
SQL
done
pg_sql target people -o /dev/null <<'SQL' || die "what watches"
CREATE SCHEMA watch;
CREATE TABLE watch.seen (tag text, path text);
CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO watch.seen VALUES (tg_tag, current_setting(''search_path'')); END';
CREATE FUNCTION watch.refuse() RETURNS event_trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''not today''; END';
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch.note();
CREATE EVENT TRIGGER dropping ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA') EXECUTE FUNCTION watch.note();
CREATE EVENT TRIGGER hooked ON ddl_command_start EXECUTE FUNCTION hook();
CREATE EVENT TRIGGER off ON ddl_command_start EXECUTE FUNCTION watch.refuse();
ALTER EVENT TRIGGER off DISABLE;
SQL
pg_ends people

expect 5 plan "${ends[@]}"
says 'event trigger watching.*runs watch.note\(\).*ddl_command_end'
says 'event trigger dropping.*sql_drop: DROP TABLE, DROP SCHEMA'
says_not 'event trigger off'
says 'event trigger hooked.*depends on function (public[.])?hook\(\), which is replaced'
expect 5 run shop "${ends[@]}"
one_error
pg_sql target people -c 'DROP EVENT TRIGGER hooked'

# it watches, from the first statement to the last, and what is live is the same
expect 0 run shop "${ends[@]}" --stop-after verified
pg_sql target people -c 'TRUNCATE watch.seen'
expect 0 run shop
[ "$(pg_sql target people -c "SELECT count(*) > 0 FROM watch.seen WHERE tag = 'ALTER TABLE'")" = t ] || die "it did not see the promotion"
[ "$(pg_sql target people -c 'SELECT max(words) FROM orders')" = new ] || die "not promoted"
expect 0 rollback shop --yes
[ "$(pg_sql target people -c 'SELECT max(words) FROM orders')" = old ] || die "not taken back"
expect 0 run shop --stop-after verified

# one that refuses while live tables are locked: nothing has happened, and it can be tried again
pg_sql target people -c 'ALTER EVENT TRIGGER off ENABLE'
expect 1 promote shop
one_error
says_not 'not today'
phase_is shop verified
[ "$(pg_sql target people -c 'SELECT max(words) FROM orders')" = old ] || die "half promoted"
pg_sql target people -c 'ALTER EVENT TRIGGER off DISABLE'
expect 0 promote shop
pg_sql target people -c 'ALTER EVENT TRIGGER off ENABLE'
expect 1 rollback shop --yes
phase_is shop promoted
expect 1 finish shop --yes
pg_sql target people -c 'ALTER EVENT TRIGGER off DISABLE'
[ "$(pg_sql target people -c 'SELECT max(words) FROM orders')" = new ] || die "half taken back"
expect 0 finish shop --yes
[ -z "$(pg_sql target people -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}\$'")" ] || die "something of ours is left"
echo "event triggers are told of, and do no harm"
