#!/usr/bin/env bash
# What cannot be done is said before anything is: one clear error with the remedy, the right exit code,
# and a target as it was.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
printf 'local all postgres trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 trust\n' >hba
pg_pair hba="$TMPDIR/hba" tcp=on
pg_fixture pg_shop.sql
pg_remember
from=$(pg_uri source people)
to=$(pg_uri target people)

refuse() { # EXIT PATTERN ARGUMENT...
    local code=$1 pattern=$2
    shift 2
    expect "$code" "$@"
    one_error
    says "$pattern"
    pg_nothing_left
    rm -rf home
    echo "refused: $pattern"
}

# addresses and logins
pg_sql source postgres -c "CREATE ROLE people_app LOGIN PASSWORD 'right'"
pg_sql target postgres -c "CREATE ROLE people_app LOGIN PASSWORD 'right'"
PGPASSWORD=wrong refuse 5 'password' run m --from "$(pg_uri source people people_app)" --to "$to"
PGPASSWORD=wrong refuse 5 'password' run m --from "$from" --to "$(pg_uri target people people_app)"
refuse 5 'password' run m --from "$from" --to "$(pg_uri target people people_app)"
refuse 5 'nowhere.*does not exist' run m --from "$(pg_uri source nowhere)" --to "$to"
refuse 5 'nowhere.*does not exist' run m --from "$from" --to "$(pg_uri target nowhere)"
refuse 5 'nobody' run m --from "$from" --to "postgresql://nobody@127.0.0.1:${pg_port[target]}/people"
refuse 3 'No such file|could not connect|refused' run m --from 'postgresql:///people?host=/tmp/nowhere' --to "$to" --retry-for 1s
refuse 3 'refused' run m --from "$from" --to "postgresql://postgres@127.0.0.1:1/people" --retry-for 1s
refuse 2 'nonsense' run m --from "$from&nonsense=1" --to "$to"
refuse 5 'same database' run m --from "$from" --to "$from"
refuse 5 'same database' run m --from "$from" --to "postgresql://postgres@127.0.0.1:${pg_port[source]}/people"
# a pooler announces other processes than those that answer, and its name may tell
"$BUILD_DIR/support/tcp_proxy" port "${pg_socket[target]}/.s.PGSQL.${pg_port[target]}" 0 7 &
proxy=$!
until [ -s port ]; do sleep 0.05; done
refuse 5 'ep-1[.]example[.]org' run m --from "$from" --to "postgresql://postgres@ep-1-pooler.example.org:$(cat port)/people?hostaddr=127.0.0.1"
expect 0 run m --from "$from" --to "postgresql://postgres@127.0.0.1:$(cat port)/people" --stop-after verified # a session each
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
rm -rf home
kill $proxy
refuse 2 'mysql' run m --from "$from" --to mysql://host/db

# rights
refuse 5 'people_app|CREATE|permission' run m --from "$from" --to "postgresql://people_app@127.0.0.1:${pg_port[target]}/people"
refuse 5 'sales|permission|SELECT' run m --from "postgresql://people_app@127.0.0.1:${pg_port[source]}/people" --to "$to"

# pg_dump
STOPOVER_PG_DUMP=/nonexistent/pg_dump refuse 5 'pg_dump' run m --from "$from" --to "$to"
says 'install|Install'
printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 11.3"\n' >pg_dump
cp pg_dump pg_restore
chmod +x pg_dump pg_restore
STOPOVER_PG_DUMP=$TMPDIR/pg_dump refuse 5 'pg_dump.*11|11.*pg_dump' run m --from "$from" --to "$to"
printf '#!/bin/sh\nif [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.1"; else echo "pg_dump: error: it broke" >&2; exit 1; fi\n' >pg_dump
cp pg_dump pg_restore
STOPOVER_PG_DUMP=$TMPDIR/pg_dump expect 1 run m --from "$from" --to "$to"
says 'it broke'
pg_nothing_left
rm -rf home

# the target: in recovery, another encoding, no such extension, tables that are not ours in our schema
pg_sql target postgres -c "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
refuse 5 'LATIN1' run m --from "$from" --to "$(pg_uri target latin)"
pg_sql target postgres -c 'CREATE DATABASE stopover_not_ours'
pg_sql target stopover_not_ours -c 'CREATE SCHEMA stopover' -c 'CREATE TABLE stopover.run (mine integer)'
expect 5 run m --from "$from" --to "$(pg_uri target stopover_not_ours)"
one_error
says 'stopover'
[ "$(pg_sql target stopover_not_ours -c "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text ~ '^stopover|_staging_'")" = 1 ] ||
    die "somebody else's schema was written to"
rm -rf home
pg_stop target
touch "${pg_data[target]}/standby.signal"
[ "$(id -u)" -ne 0 ] || chown "$pg_user" "${pg_data[target]}/standby.signal"
pg_launch target
refuse 5 'recovery|standby' run m --from "$from" --to "$to"
pg_stop target
rm "${pg_data[target]}/standby.signal"
pg_launch target

# the source: kinds of objects that can neither be carried nor be left out in silence
pg_sql source people -c 'CREATE TABLE public.bound (what regclass)' -c "INSERT INTO public.bound VALUES ('sales.orders')"
refuse 5 'bound' run m --from "$from" --to "$to"
pg_sql source people -c 'DROP TABLE public.bound' -c 'CREATE FUNCTION public.dynamic(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS '"\$\$
    DECLARE r boolean; BEGIN EXECUTE 'SELECT true FROM public.settings WHERE name = ' || quote_literal(\$1) INTO r; RETURN r; END \$\$" \
    -c 'CREATE INDEX behind_dynamic ON public.no_key (public.dynamic(b))'
refuse 5 'dynamic' run m --from "$from" --to "$to"
pg_sql source people -c 'DROP FUNCTION public.dynamic CASCADE'

# the lock table of the target
pg_sql source postgres -c 'CREATE DATABASE many'
pg_sql source many -v tables=1000 -o many.out -f "$STOPOVER_DATA/pg_many.sql"
pg_restart source max_locks_per_transaction=10 max_connections=10
expect 5 run many --from "$(pg_uri source many)" --to "$to"
one_error
says 'max_locks_per_transaction'
pg_nothing_left
rm -rf home
pg_restart source max_locks_per_transaction=512
pg_restart target max_locks_per_transaction=10 max_connections=10
"$STOPOVER" run many --from "$(pg_uri source many)" --to "$to" --stop-after verified >out 2>err </dev/null
status=$?
case $status in
    0) phase_is many verified ;;
    5)
        one_error
        says 'max_locks_per_transaction'
        ;;
    *) die "exit $status with a small lock table" ;;
esac
expect 0 rollback many
expect 0 finish many --yes
pg_nothing_left
echo "every refusal is said"
