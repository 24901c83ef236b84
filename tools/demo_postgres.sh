# shellcheck shell=bash disable=SC2154
# Sourced by tools/demo: the story between two PostgreSQL servers of its own, which run as an
# unprivileged user, listen on sockets only, and end with this script.
TMPDIR=$(mktemp -d /tmp/stopover-demo.XXXXXX)
export TMPDIR
. "$root/tests/support/postgres.sh"
end_servers() {
    pg_cleanup
    rm -rf "$TMPDIR"
}
trap end_servers EXIT

ask_source() {
    pg_sql source shop -c "$1"
}
ask_target() {
    pg_sql target shop -c "$1"
}
look() { # SQL
    printf '$ psql "$TO" -c "%s"\n' "$1"
    psql -X -P footer=off -d "$TO" -c "$1"
}
live() {
    look "SELECT count(*) AS customers_that_are_live FROM sales.customers"
}

step "two servers: the shop, and a target with an older shop and a help desk that depends on it"
pg_start source
pg_start target
for side in source target; do pg_sql $side postgres -c "CREATE DATABASE shop"; done
pg_sql source shop -o /dev/null -f "$root/tests/data/pg_shop.sql"
pg_sql target shop -o /dev/null -f "$root/tests/data/pg_shop_older.sql"
FROM=$(pg_uri source shop)
TO=$(pg_uri target shop)
export FROM TO
pg_dump_of target shop >before.sql
echo "\$ export FROM=\"$FROM\""
echo "\$ export TO=\"$TO\""
live

step "what would be done"
show stopover plan --from env:FROM --to env:TO

step "as far as verified: all of it is staged beside the older tables, which are still live"
show stopover run shop --from env:FROM --to env:TO --stop-after verified
look "\dn"
live

step "the evidence"
show stopover status shop --verbose

step "promotion: one short transaction; the older tables are kept"
show stopover promote shop
live
look "SELECT count(*) AS tickets_of_customers_that_are_live FROM desk.open"

step "is it the same? the same question to both servers"
questions=(
    "SELECT * FROM sales.customers ORDER BY id"
    "SELECT * FROM sales.orders ORDER BY id"
    "SELECT * FROM sales.best ORDER BY id"
    "SELECT * FROM sales.by_state ORDER BY state"
    "SELECT * FROM public.settings ORDER BY name"
)
for question in "${questions[@]}"; do compare "$question"; done

step "taking it back: the older tables are live again"
show stopover rollback shop --yes
live

step "and forward again, as a second attempt"
show stopover run shop --quiet
live
for question in "${questions[@]}"; do compare "$question"; done
show stopover status
pg_dump_of target shop --exclude-schema='*_retired_*' --exclude-schema='*_undone_*' \
    --exclude-schema='*_staging_*' --exclude-schema=stopover >after.sql

cat <<END

=== left for you to look at, in $here
before.sql and after.sql are dumps of what was live in the target, and home/ the record of the migration.

  export STOPOVER_HOME=$here/home
  $program status shop --verbose
  $program status shop --json
END
if [ -t 0 ]; then
    cat <<END

The two servers run until you press Enter; in another terminal:

  export STOPOVER_HOME=$here/home FROM="$FROM" TO="$TO"
  psql "\$TO"
  $program rollback shop
  $program finish shop
END
    read -r _
fi
