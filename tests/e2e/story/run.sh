#!/usr/bin/env bash
# The whole story with one migration: plan, run, status, rollback, run again, finish, forget; every
# command again in every phase.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
ends=(--from sqlite:a.db --to sqlite:b.db)

expect 0 plan "${ends[@]}"
says 'users'
expect 0 run shop "${ends[@]}" --dry-run
no_migration shop
cmp b.db b.before || die "the plan changed the target"

expect 0 run shop "${ends[@]}"
says 'every row was compared'
phase_is shop promoted
expect 0 run shop
says 'nothing to do'
for command in prepare stage verify promote; do
    expect 0 "$command" shop
    says 'nothing to do'
    phase_is shop promoted
done
expect 0 status
says 'shop'
expect 0 status shop
says 'promoted'
says '_retired_'
expect 5 stage shop --again
one_error
expect 5 forget shop --yes
one_error
expect 5 rollback shop # asks, and nobody is there to answer
one_error

expect 0 rollback shop --yes
phase_is shop rolled_back
expect 0 rollback shop --yes
says 'nothing to do'
expect 5 stage shop
one_error
oracle_sql b.db 'SELECT email FROM users ORDER BY id' | grep -q old@example.org || die "the old rows are not back"

expect 0 run shop
phase_is shop promoted
expect 2 rollback shop --table author --yes
one_error
says 'not supported with a sqlite target'
phase_is shop promoted
expect 5 finish shop
one_error
says 'goes \(retired, of attempt 2\): [0-9]+ tables, [0-9]+ rows: .*_retired_'
says 'no rollback is possible then'
expect 0 finish shop --yes
expect 0 finish shop --yes
says 'nothing to do'
oracle_equal expected.db b.db "after finish" || exit 1
expect 5 rollback shop --yes
one_error
expect 0 run shop
says 'nothing to do'
expect 0 forget shop --yes
no_migration shop
expect 10 status shop
one_error
cmp a.db a.before || die "the source was written to"

# stages one by one, into a file that does not exist yet
expect 0 prepare step "${ends[0]}" "${ends[1]}" --to sqlite:new.db
phase_is step prepared
[ ! -e new.db ] || die "prepare made the target"
expect 5 verify step
one_error
expect 5 promote step
one_error
expect 0 stage step
phase_is step staged
expect 5 promote step
one_error
expect 0 verify step
phase_is step verified
expect 0 verify step
phase_is step verified
expect 0 promote step
expect 0 finish step --yes
oracle_equal a.db new.db "a new target" || exit 1

# rollback before anything is promoted leaves the target as it was
cp b.before c.db
expect 0 run early --from sqlite:a.db --to sqlite:c.db --stop-after staged
phase_is early staged
expect 0 rollback early
phase_is early rolled_back
expect 0 finish early --yes
oracle_equal b.before c.db "rollback before promotion" || exit 1

# only some tables, and none verified
cp b.before d.db
expect 0 run some --from sqlite:a.db --to sqlite:d.db --table prices --table 'log*' --verify none
says 'unverified'
phase_is some promoted
[ "$(oracle_sql d.db 'SELECT count(*) FROM prices')" = 200 ] || die "prices"
[ "$(oracle_sql d.db 'SELECT count(*) FROM users')" = 2 ] || die "users were touched"
expect 0 rollback some --yes
expect 0 finish some --yes
oracle_equal b.before d.db "rollback of some tables" || exit 1
echo "the whole story holds"
