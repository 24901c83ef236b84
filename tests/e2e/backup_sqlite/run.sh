#!/usr/bin/env bash
# A backup of a SQLite file is made, proven and restored: into a new file, over what is live, a
# single table of it; and what is said when that cannot be.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases

expect 0 backup create one --from sqlite:a.db --chunk-size 4KiB
says 'backup one: a: 23 tables'
says 'complete: 23 tables'
cmp a.db a.before || die "the source was written to"
[ -z "$(ls -A "$STOPOVER_HOME"/backups-in-work/*/migrations)" ] || die "a journal was left"
expect 0 status
says_not 'one'
expect 0 backup verify one
says 'one: whole'
expect 5 backup create one --from sqlite:a.db
one_error
says 'there is a backup "one" already'

# into a file that does not exist yet
expect 0 backup restore one --to sqlite:new.db --dry-run
[ ! -e new.db ] || die "the dry run made the target"
expect 0 backup restore one --to sqlite:new.db
phase_is restore-one promoted
expect 0 finish restore-one --yes
oracle_equal a.db new.db "restored into a new file" || exit 1

# over what is live, and back
expect 0 backup restore one --to sqlite:b.db --name over
phase_is over promoted
expect 0 rollback over --yes
expect 0 finish over --yes
oracle_equal b.before b.db "the way back from a restore" || exit 1
expect 0 run over
phase_is over promoted
expect 0 finish over --yes
oracle_equal expected.db b.db "restored over what was live" || exit 1

# one table of it, into what has others
cp b.before c.db
expect 0 backup restore one --to sqlite:c.db --name some --table prices
says '1 table'
[ "$(oracle_sql c.db 'SELECT count(*) FROM prices')" = 200 ] || die "prices"
[ "$(oracle_sql c.db 'SELECT count(*) FROM users')" = 2 ] || die "users were touched"
expect 2 backup restore one --to sqlite:c.db --name none --table pricesx
one_error
no_migration none

# a migration is finished, and still there is a way back: to what was backed up before; also from a
# home that knows nothing but the repository
cp b.before f.db
expect 0 backup create before --from sqlite:f.db
expect 0 run shop --from sqlite:a.db --to sqlite:f.db
expect 0 finish shop --yes
expect 5 rollback shop --backup before
one_error
expect 5 rollback shop --backup before --yes # what came with the migration would not work with it
one_error
says 'view best_users'
sqlite3 f.db 'DROP VIEW best_users; DROP VIEW good_users'
expect 0 rollback shop --backup before --yes
says 'backup before is good'
phase_is back-shop promoted
expect 0 finish back-shop --yes
for table in $(oracle_sql b.before "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"); do
    oracle_sql f.db "SELECT * FROM \"$table\"" | sort >rows.now
    oracle_sql b.before "SELECT * FROM \"$table\"" | sort >rows.before
    cmp -s rows.now rows.before || die "$table is not as it was"
done
cp b.before g.db
expect 10 rollback shop --backup one --home "$TMPDIR/elsewhere" --repo "$STOPOVER_HOME/repository" --yes
one_error
expect 0 rollback shop --backup one --home "$TMPDIR/elsewhere" --repo "$STOPOVER_HOME/repository" --to sqlite:g.db --yes
expect 0 finish back-shop --home "$TMPDIR/elsewhere" --yes
oracle_equal expected.db g.db "from elsewhere" || exit 1
expect 2 rollback shop --to sqlite:g.db
one_error

# a backup of some tables; without a name it is called after the database
expect 0 backup create --from sqlite:a.db --table 'log*' --table prices
says 'backup a_[0-9]+T[0-9]+Z'
expect 0 backup list --json
json_is '$.backups[4].kind' tables

# refusals leave nothing behind
expect 1 backup create gone --from sqlite:nothing.db
one_error
expect 10 backup show gone
expect 2 backup create nothing
one_error
expect 10 backup restore gone --to sqlite:d.db
one_error
expect 2 run x --from sqlite:a.db --to "backup:$STOPOVER_HOME/repository/x"
one_error

# a damaged backup is not restored
part=$(ls "$STOPOVER_HOME"/repository/backups/*-one/data/*.tar.zst | head -1)
chmod u+w "$part"
# in its first entry: a small part is hardly longer, and its end is not read to restore
printf '\x55' | dd of="$part" bs=1 seek=60 conv=notrunc status=none
expect 4 backup verify one
expect 4 backup restore one --to sqlite:e.db --name damaged
one_error
says 'table '
expect 0 rollback damaged
expect 0 finish damaged --yes
echo "backup and restore of SQLite hold"
