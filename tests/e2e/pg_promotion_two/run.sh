#!/usr/bin/env bash
# Two promoters at once: of one home, of a copy of it, and of two migrations into the same tables. What is
# live is always one of the states, and each home knows it after its next command.
# timeout: 300
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
for name in one two; do
    pg_sql source postgres -c "CREATE DATABASE $name"
    pg_sql source $name -o /dev/null -c 'CREATE TABLE a (id integer PRIMARY KEY, words text)' \
        -c 'CREATE TABLE b (id serial PRIMARY KEY, a integer REFERENCES a)' \
        -c "INSERT INTO a SELECT n, '$name' FROM generate_series(1, 10) n" -c 'INSERT INTO b (a) SELECT id FROM a'
done
pg_sql target postgres -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null <<'SQL' || die "the target"
CREATE TABLE a (id integer PRIMARY KEY, words text);
INSERT INTO a SELECT n, 'old' FROM generate_series(1, 10) n;
CREATE TABLE b (id serial PRIMARY KEY, a integer REFERENCES a);
CREATE TABLE outside (a integer REFERENCES a);
CREATE VIEW w AS SELECT words FROM a;
-- each statement of an exchange takes a moment more
CREATE SCHEMA slow;
CREATE FUNCTION slow.down() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') LIKE '% control' THEN PERFORM pg_sleep(0.1); END IF;
END $$;
CREATE EVENT TRIGGER slow_down ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow.down();
SQL
pg_remember
ends_of() { # SOURCE
    ends=(--from "$(pg_uri source "$1")" --to "$(pg_uri target people)")
}

live() { # what the tables, the view, and the key from outside lead to
    pg_sql target people -c "SELECT string_agg(DISTINCT words, ',') FROM (SELECT words FROM a UNION ALL SELECT words FROM w
        UNION ALL SELECT CASE WHEN confrelid <> 'a'::regclass THEN 'astray' END FROM pg_constraint WHERE conrelid IN ('b'::regclass, 'outside'::regclass) AND contype = 'f') x"
}

live_is() { # WANTED...
    local found
    found=$(live)
    [[ " $* " = *" $found "* ]] || die "live is \"$found\", not one of: $*"
}

at_once() { # runs the commands in the files first and second at the same time; leaves their exit codes
    "$STOPOVER" "${first[@]}" >first.out 2>first.err </dev/null &
    local one=$!
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
    "$STOPOVER" "${second[@]}" >second.out 2>second.err </dev/null
    exits[1]=$?
    live_is old one two
    wait $one
    exits[0]=$?
    echo "${first[*]}: ${exits[0]}, ${second[*]}: ${exits[1]}"
    ! grep -qE 'Sanitizer|runtime error' first.err second.err || { cat first.err second.err; die "sanitizer"; }
}

ended() { # EXIT...: both with one of these
    local status
    for status in "${exits[@]}"; do
        [[ " $* " = *" $status "* ]] || { cat first.err second.err; die "exits ${exits[*]}, not of: $*"; }
    done
}
exits=()

# ---- of one home, there and back ----

ends_of one
expect 0 run one "${ends[@]}" --stop-after verified
first=(promote one) second=(promote one)
at_once
ended 0 11
live_is one
expect 0 promote one
phase_is one promoted
first=(rollback one --yes) second=(rollback one --yes)
at_once
ended 0 11
live_is old
phase_is one rolled_back
pg_untouched

# ---- of a home and its copy, which think that they are the same ----

for ((i = 0; i < 3; i++)); do
    expect 0 run one --stop-after verified
    rm -rf copy
    cp -a home copy
    first=(promote one) second=(promote one --home "$TMPDIR/copy")
    at_once
    ended 0 3 11
    expect 0 promote one
    live_is one
    phase_is one promoted
    expect 0 promote one --home "$TMPDIR/copy"
    says 'nothing to do|promoted'
    live_is one
    first=(rollback one --yes --home "$TMPDIR/copy") second=(rollback one --yes)
    at_once
    ended 0 3 11
    expect 0 rollback one --yes
    live_is old
    pg_untouched
done

# ---- of two migrations, into the same tables ----

expect 0 run one --stop-after verified
ends_of two
expect 0 run two "${ends[@]}" --home "$TMPDIR/other" --stop-after verified
first=(promote one) second=(promote two --home "$TMPDIR/other")
at_once
ended 0 3 5
[ $((exits[0] + exits[1])) -gt 0 ] || echo "one after the other"
expect 0 promote one
expect 0 promote two --home "$TMPDIR/other"
top=$(live)
live_is one two
if [ "$top" = two ]; then
    upper=(rollback two --yes --home "$TMPDIR/other") lower=(rollback one --yes)
else
    upper=(rollback one --yes) lower=(rollback two --yes --home "$TMPDIR/other")
fi
expect 5 "${lower[@]}"
one_error
says 'the way back is not free: .*public_retired_'
live_is "$top"
expect 0 "${upper[@]}"
[ "$(live)" != "$top" ] || die "the upper one is still live"
live_is one two
expect 0 "${lower[@]}"
live_is old
pg_untouched
expect 0 finish one --yes
expect 0 finish two --yes --home "$TMPDIR/other"
pg_nothing_left
echo "one of the states at each time"
