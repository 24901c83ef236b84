#!/usr/bin/env bash
# What promotion replaces is backed up before: held as long as the migration may need it, good for a
# way back after the end, made once; and not made where that is asked for.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
ends=(--from sqlite:a.db --to sqlite:b.db)

expect 0 prepare shop "${ends[@]}"
says 'backup shop_[0-9TZ]+ holds what promotion will replace'
expect 0 backup list --json
json_is '$.backups[0].status' complete
json_is '$.backups[0].migration' shop
json_is '$.backups[0].pins[0].pin' run-shop
name=$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.backups[0].name')")
expect 5 backup delete "$name" --yes
one_error
expect 0 run shop
says_not 'holds what promotion will replace'
expect 0 backup verify "$name"
expect 0 status shop
says "$name"

# nothing is written to the target by that
expect 0 rollback shop --yes
expect 0 finish shop --yes
oracle_equal b.before b.db "taken back" || exit 1
expect 0 backup list --json
json_is '$.backups[0].pins[0].pin' ''

# the end, and a way back after it: a single table
expect 0 run shop
expect 0 finish shop --yes
expect 0 backup list --json
json_is '$.backups[1].migration' shop
name=$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.backups[1].name')")
expect 0 status shop
says "rollback shop --backup $name"
sqlite3 b.db 'DROP VIEW best_users; DROP VIEW good_users'
expect 0 rollback shop --backup "$name" --table users --yes
oracle_sql b.db 'SELECT email FROM users ORDER BY id' | grep -q old@example.org || die "the old rows are not back"
[ "$(oracle_sql b.db 'SELECT count(*) FROM prices')" = 200 ] || die "other tables went back, too"

# an empty target, and one that wants none; elsewhere
expect 0 run new --from sqlite:a.db --to sqlite:new.db
says 'nothing to back up'
cp b.before c.db
expect 0 prepare none --from sqlite:a.db --to sqlite:c.db --no-archive
says_not 'holds what'
expect 0 run none
says_not 'holds what'
cp b.before d.db
expect 0 prepare other --from sqlite:a.db --to sqlite:d.db --repo "$TMPDIR/other"
expect 0 backup list --repo "$TMPDIR/other" --json
json_is '$.backups[0].migration' other
expect 0 rollback other
expect 0 finish other --yes

# of those made again and again the last three stay
cp expected.db again.db
for n in 1 2 3 4 5; do
    expect 0 run "again$n" --from sqlite:a.db --to sqlite:again.db
    expect 0 finish "again$n" --yes
done
expect 0 backup list
for n in 1 2; do says_not "^again${n}_"; done
for n in 3 4 5; do says "^again${n}_"; done
expect 0 backup undelete "$(cd home/repository/trash && echo *again1_* | sed 's/@.*//')"
expect 0 backup list
says '^again1_'
echo "what promotion replaces is backed up"
