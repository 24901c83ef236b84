#!/usr/bin/env bash
# Extensions that stand in one schema of the source and in several of the target, or are still to be made
# there, and share names of operators and functions: each attempt finds the right ones, the next one too.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
folder=$(dirname "$(realpath "$0")")
pg_pair
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql source people -f "$folder/source.sql" || die "the source"
pg_control source people target control_people || die "the control copy"
pg_ends people
moved() { sed -E 's/"?extensions"?[.]/public./g'; }

try() { # EXTENSION...: which stand in a schema of their own on the target
    local extension
    rm -rf home
    pg_sql target postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS people' -c 'CREATE DATABASE people'
    pg_sql target people -c 'CREATE SCHEMA extensions'
    for extension in "$@"; do pg_sql target people -c "CREATE EXTENSION $extension SCHEMA extensions"; done
    pg_remember
    for _ in 1 2; do
        expect 0 run m "${ends[@]}" --stop-after verified
        pg_verified m people moved
        expect 0 rollback m
        says 'rolled back'
    done
    expect 0 run m
    [ "$(pg_sql target people -c 'SELECT count(*), sum(i), bool_or(e), bool_or(h), bool_or(n) FROM public.pairs' -c 'SELECT sum(near) FROM public.people' | xargs)" = \
        "$(pg_sql source people -c 'SELECT count(*), sum(i), bool_or(e), bool_or(h), bool_or(n) FROM public.pairs' -c 'SELECT sum(near) FROM public.people' | xargs)" ] ||
        die "what was promoted gives other answers"
    expect 0 rollback m --yes
    expect 0 finish m --yes
    echo "found: extensions elsewhere: $*"
}
try citext
try citext hstore pg_trgm ltree
try hstore pg_trgm
