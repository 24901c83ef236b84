#!/usr/bin/env bash
# Somebody interrupts one command and types another: nothing is taken away that was not asked for,
# and no hint leads in a circle.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
expect 0 run m --from sqlite:a.db --to sqlite:b.db --stop-after verified --quiet
cp -a home home.verified
cp b.db b.verified
expect 0 promote m
cp -a home home.promoted
cp b.db b.promoted

at() { # PHASE
    rm -rf home b.db
    cp -a "home.$1" home
    cp "b.$1" b.db
}

retired() {
    oracle_names b.db | grep -c '_retired_'
}

# a finish that dropped nothing yet is not carried on by any other command
kept=$(retired)
for command in rollback verify run; do
    at promoted
    STOPOVER_FAULT=kill:1:target.finish expect 137 finish m --yes
    expect 0 "$command" m --yes
    says 'had dropped nothing'
    [ "$command" = rollback ] || [ "$(retired)" -eq "$kept" ] || die "$command dropped what is kept"
done
at promoted
STOPOVER_FAULT=kill:1:target.finish expect 137 finish m --yes
expect 0 rollback m --yes
phase_is m rolled_back
expect 0 finish m --yes
oracle_equal b.before b.db "rollback after an interrupted finish" || exit 1

# one that had begun to drop is: there is no way back any more
at promoted
STOPOVER_FAULT=kill:4:target.finish expect 137 finish m --yes
expect 5 rollback m --yes
one_error
says 'is finished'
oracle_equal expected.db b.db "a finish that had begun" || exit 1

# a swap that did not happen is not called finished, and status names the command that goes on
at promoted
STOPOVER_FAULT=kill:1:target.swap_back.swap expect 137 rollback m --yes
expect 0 status m
says 'next +stopover rollback m '
expect 0 run m
says 'rollback that was interrupted did not happen'
says_not 'finishing the rollback'
phase_is m promoted

# a rollback that was refused, or stopped before it dropped anything, is not carried on either
at verified
sqlite3 b.db "UPDATE stopover_object SET name = 'mine' WHERE name = (SELECT min(name) FROM stopover_object WHERE type = 'table')"
expect 5 rollback m
one_error
expect 0 status m --json
json_is '$.status.unsettled' ''
cp b.verified b.db
expect 0 promote m
says_not "completing|interrupted"
phase_is m promoted
at verified
STOPOVER_FAULT=kill:1:target.drop expect 137 rollback m
cp b.db b.killed
expect 0 promote m
phase_is m promoted
at verified
STOPOVER_FAULT=kill:2:target.drop expect 137 rollback m
expect 5 promote m
one_error
phase_is m rolled_back
expect 0 finish m --yes
oracle_equal b.before b.db "a rollback that had begun" || exit 1

# the target went away, or an older copy came back: each hint leads on
at verified
rm b.db
expect 5 run m
one_error
says 'stage m --again'
expect 0 stage m --again
expect 0 run m
phase_is m promoted
at verified
rm b.db
expect 0 rollback m
says 'the target does not exist'
says_not 'nothing had been written'
at promoted
rm b.db
expect 5 run m
one_error
says 'forget m'
expect 0 forget m --yes
no_migration m
at promoted
expect 5 forget m --yes
one_error

# hints of a verification that failed can be typed as they stand
id=$(sqlite3 b.verified "SELECT name FROM sqlite_schema WHERE name LIKE 'prices_staging_%' LIMIT 1")
id=${id#prices_staging_}
at verified
sqlite3 b.db "DELETE FROM \"Größe été_staging_$id\" WHERE rowid = 1"
expect 4 verify m
says 'stage m --again. to copy'
expect 5 promote m
says 'hint: .*stage --again m'
at verified
sqlite3 b.db "DELETE FROM prices_staging_$id; DELETE FROM log_staging_$id"
expect 4 verify m
says 'stage m --again. to copy'
expect 0 stage m --again
expect 0 run m

# a lost piece of the copy is found although nothing was to be verified
rm -rf home b.db
cp b.before b.db
expect 0 run m --from sqlite:a.db --to sqlite:b.db --verify none --stop-after staged
sqlite3 b.db "DELETE FROM stopover_chunk WHERE (table_id, chunk) IN
    (SELECT table_id, chunk FROM stopover_chunk LIMIT 1)" || die "the ledger"
expect 4 verify m
one_error
says 'not complete'
expect 0 stage m --again
expect 0 run m
phase_is m promoted

# the source is gone after it was copied: the way on is named
at verified
mv a.db away.db
expect 1 run m
one_error
says 'accept-stale-source'
expect 0 promote m --accept-stale-source
mv away.db a.db

# an empty file is no reason to be silent
: >empty.db
expect 0 run nothing --from sqlite:./empty.db --to sqlite:new.db
says 'holds no tables'
expect 0 run nothing --from sqlite:empty.db --to sqlite:.//new.db

# an attempt that cannot go on does not stand in the way of finish
at promoted
expect 0 rollback m --yes
mv a.db away.db
expect 1 run m
expect 5 finish m --yes
one_error
says 'stopover rollback m'
expect 0 rollback m --yes
expect 0 finish m --yes
oracle_equal b.before b.db "finish without a source" || exit 1
echo "second thoughts are harmless"
