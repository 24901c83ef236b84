#!/usr/bin/env bash
# Whatever is wrong in the staged tables is found, is not promoted, and `stage --again` is the way on.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
"$STOPOVER" run m --from sqlite:a.db --to sqlite:b.db --stop-after verified --quiet || die "stage"
id=$(oracle_names b.db | sed -n 's/^prices_staging_//p')
[ -n "$id" ] || die "no staging table"
cp -a b.db b.staged
cp -a home home.staged

mutate() { # TABLE SQL
    rm -rf home b.db
    cp -a home.staged home
    cp -a b.staged b.db
    sqlite3 -batch b.db "PRAGMA foreign_keys = OFF; $2" || die "mutation: $2"
    expect 4 verify m
    one_error
    says "$1"
    phase_is m verification_failed
    expect 4 run m
    one_error
    says "$1"
    expect 4 verify m
    expect 5 promote m
    phase_is m verification_failed
    if oracle_names b.db | grep -q '_retired_'; then die "promoted: $2"; fi
    expect 0 stage m --again --table "$1"
    phase_is m staged
    expect 0 run m
    phase_is m promoted
    expect 0 finish m --yes
    oracle_equal expected.db b.db "after $2" || exit 1
    echo "found: $2"
}

mutate users "UPDATE users_staging_$id SET name = 'changed' WHERE id = 77"
mutate users "DELETE FROM users_staging_$id WHERE id = 1"
mutate users "INSERT INTO users_staging_$id (id, email) VALUES (9999, 'extra')"
mutate users "UPDATE users_staging_$id SET id = 9999 WHERE id = 300"
mutate log "UPDATE log_staging_$id SET rowid = 2 WHERE rowid = 1"
mutate log "UPDATE log_staging_$id SET what = '1' WHERE what = 1"
mutate prices "UPDATE prices_staging_$id SET cents = NULL WHERE cents = 1000"
mutate prices "UPDATE prices_staging_$id SET shop = upper(shop) WHERE cents = 1000"
mutate anything "UPDATE anything_staging_$id SET f = f || char(0) WHERE rowid = 1"
mutate anything "UPDATE anything_staging_$id SET e = cast(e AS BLOB) WHERE typeof(e) = 'text'"
mutate shadowed "DELETE FROM shadowed_staging_$id WHERE rowid IS NULL"
mutate shadowed "INSERT INTO shadowed_staging_$id VALUES ('a', 'b', 'c')"
mutate big "UPDATE big_staging_$id SET t = substr(t, 2) || 'y' WHERE id = 1"
mutate users "DROP INDEX users_lower_staging_$id"
mutate audit "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_staging_$id'"
mutate lines "ALTER TABLE lines_staging_$id ADD COLUMN more TEXT"
mutate nothing_here "INSERT INTO nothing_here_staging_$id VALUES (1, 'no longer empty')"
echo "every mutation is found"
