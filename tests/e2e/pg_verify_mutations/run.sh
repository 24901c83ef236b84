#!/usr/bin/env bash
# Whatever is wrong in the staged tables is found: exit 4, by the table's name.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_people.sql
pg_remember
expect 0 run m "${ends[@]}" --stop-after staged --chunk-size 64KiB --jobs 4
phase_is m staged
id=$(pg_id)
cp -a home home.staged
public=public_staging_$id
app=app_staging_$id

# The target's database is put back from a copy of its files, so that it stays the same database.
pg_stop target
cp -a "${pg_data[target]}" "$TMPDIR/target.staged"
pg_launch target

found() { # TABLE SQL [EXITS]
    rm -rf home
    cp -a home.staged home
    pg_sql target people -o mutation.out -c 'SET session_replication_role = replica' -c "$2" || die "mutation: $2"
    "$STOPOVER" verify m >out 2>err </dev/null
    status=$?
    [[ " ${3:-4} " = *" $status "* ]] || die "exit $status: $2"
    says "$1"
    if [ $status -eq 4 ]; then
        one_error
        phase_is m verification_failed
        expect 4 run m --stop-after verified
        phase_is m verification_failed
    fi
    pg_crash target
    rm -rf "${pg_data[target]}"
    cp -a "$TMPDIR/target.staged" "${pg_data[target]}"
    pg_launch target
    echo "found: $2"
}

found customers "UPDATE $public.customers SET name = 'changed' WHERE id = 1003"
found customers "DELETE FROM $public.customers WHERE id = 1003"
found customers "INSERT INTO $public.customers (email, created) VALUES ('extra', now())"
found no_key "DELETE FROM $public.no_key WHERE ctid = '(0,1)'"
found no_key "INSERT INTO $public.no_key SELECT * FROM $public.no_key LIMIT 1"
found no_key "UPDATE $public.no_key SET b = '' WHERE ctid = (SELECT min(ctid) FROM $public.no_key WHERE b IS NULL)"
found text_key "UPDATE $public.text_key SET key = key || ' ' WHERE key = 'Z1'"
found empty "INSERT INTO $public.empty VALUES (1, 'no longer')"
found nothing "INSERT INTO $public.nothing SELECT"
found values "UPDATE $public.values SET jb = jb || '{\"x\": 1}' WHERE id = 2"
found documents "UPDATE $public.documents SET body = overlay(body placing 'x' from 900000) WHERE length(body) > 1000000"
found votes "UPDATE $public.votes SET shade = 'red' WHERE id = 1"
found events "DELETE FROM $public.events_2024_ab WHERE ctid = '(0,1)'"
found a_codes "TRUNCATE $app.a_codes CASCADE"
found customers "DROP INDEX $public.customers_trigrams"
found customers "ALTER TABLE $public.customers ADD COLUMN more integer"
found customers "ALTER TABLE $public.customers ALTER COLUMN favourite DROP DEFAULT"
found text_key "ALTER TABLE $public.text_key ALTER COLUMN value TYPE varchar"
found order_lines "ALTER TABLE $public.order_lines DROP CONSTRAINT order_lines_order_id_fkey"
found departments "DROP RULE also ON $app.departments"
found documents "DROP TRIGGER always ON $public.documents"
found accounts_rls "DROP POLICY mine ON $app.accounts_rls"
found customers "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$public.customers_open'::regclass"
found backwards "SELECT setval('$app.backwards', -9)"
found capitals "DROP TABLE $app.capitals"
found factors "DROP MATERIALIZED VIEW $public.factors CASCADE"
rm -rf home
cp -a home.staged home
expect 0 run m --stop-after verified
pg_verified m

# the way on: copied again, verified
pg_sql target people -o mutation.out -c "DELETE FROM $public.no_key WHERE ctid = '(0,1)'"
rm -rf home
cp -a home.staged home
expect 4 verify m
expect 0 stage m --again --table no_key
phase_is m staged
expect 0 run m --stop-after verified
pg_verified m

# emptying a table keeps its structure: where that was changed, all is staged again
again() { # SQL
    pg_sql target people -o mutation.out -c 'SET client_min_messages = warning' -c "$1"
    expect 4 verify m
    says 'stage m --again`'
    expect 5 stage m --again --table no_key
    one_error
    says 'without --table'
    phase_is m verification_failed
    expect 0 stage m --again
    says 'everything is staged again'
    expect 0 run m --stop-after verified
    pg_verified m
    echo "mended: $1"
}
again "DROP INDEX $public.customers_trigrams"
again "ALTER TABLE public_staging_$(pg_id).customers DROP COLUMN favourite CASCADE"
again "DROP MATERIALIZED VIEW public_staging_$(pg_id).factors CASCADE"
pg_sql target people -c "CREATE VIEW public.theirs AS SELECT * FROM public_staging_$(pg_id).no_key" -c "DROP INDEX public_staging_$(pg_id).customers_trigrams"
expect 5 stage m --again
one_error
says 'theirs'
phase_is m verified
# what was refused is not carried on by the next command
pg_sql target people -c 'DROP VIEW public.theirs'
expect 4 verify m
says_not 'completing'
phase_is m verification_failed
echo "every mutation is found"
