#!/usr/bin/env bash
# Mistakes: one clear error, the right exit code, nothing half done.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
sample_databases
refuse() { # EXIT PATTERN ARGUMENT...
    local code=$1 pattern=$2
    shift 2
    expect "$code" "$@"
    one_error
    says "$pattern"
    no_migration m
    cmp -s a.db a.before || die "the source changed: $*"
    cmp -s b.db b.before || die "the target changed: $*"
}

# paths and files
refuse 1 'missing\.db' run m --from sqlite:missing.db --to sqlite:b.db
echo 'this is not a database, but it is long enough to look like one, or is it? certainly not at all' >text.db
refuse 1 'text\.db.*not a database' run m --from sqlite:text.db --to sqlite:b.db
refuse 1 'text\.db.*not a database' run m --from sqlite:a.db --to sqlite:text.db
refuse 5 'same database' run m --from sqlite:a.db --to sqlite:a.db
ln -s a.db link.db
refuse 5 'same database' run m --from sqlite:a.db --to sqlite:link.db
expect 1 run m --from sqlite:. --to sqlite:b.db
one_error
no_migration m

# a server that is not there: waited for, then given up; nothing is recorded
refuse 3 'could not connect' run m --from postgresql://127.0.0.1:1/db --to sqlite:b.db --retry-for 0s
refuse 3 'could not connect' run m --from sqlite:a.db --to postgresql://127.0.0.1:1/db --retry-for 1s

# words
refuse 2 'jbos' run m --from sqlite:a.db --to sqlite:b.db --jbos 4
refuse 2 'jobs' run m --from sqlite:a.db --to sqlite:b.db --jobs none
refuse 2 'verify' run m --from sqlite:a.db --to sqlite:b.db --verify everything
refuse 2 'mysql' run m --from mysql://host/db --to sqlite:b.db
refuse 2 'lightrag is not supported yet' run m --from lightrag:/store --to sqlite:b.db
refuse 2 'no schema of the source matches' run m --from sqlite:a.db --to sqlite:b.db --schema public
refuse 2 'NOT_SET' run m --from env:NOT_SET --to sqlite:b.db
refuse 10 'm' run m
refuse 10 'm' status m
refuse 10 'm' rollback m --yes
refuse 2 'name' run 'a/b' --from sqlite:a.db --to sqlite:b.db
refuse 2 'rnu' rnu m
expect 2
expect 0 --help
expect 0 help run
expect 0 run --help
says 'Exit codes'
expect 0 --version

# what preflight refuses leaves the migration in its first phase, and both files as they were
preflight() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    expect 5 "$@"
    one_error
    says "$pattern"
    cmp -s a.db a.before || die "the source changed: $*"
    expect 0 forget m --yes
    no_migration m
}
refuse 2 'no such table' run m --from sqlite:a.db --to sqlite:b.db --table 'no such table*'

cp a.db virtual.db
sqlite3 virtual.db 'CREATE VIRTUAL TABLE search USING fts5(text)'
preflight 'search' run m --from sqlite:virtual.db --to sqlite:b.db
expect 0 run m --from sqlite:virtual.db --to sqlite:v.db --exclude-table search
expect 0 finish m --yes
oracle_equal a.db v.db "without the virtual table" || exit 1
expect 0 forget m --yes

sqlite3 clash.db 'CREATE TABLE other (x); CREATE INDEX log_what ON other (x)'
preflight 'log_what' run m --from sqlite:a.db --to sqlite:clash.db
sqlite3 view.db 'CREATE VIEW users AS SELECT 1 AS id'
preflight 'users' run m --from sqlite:a.db --to sqlite:view.db
sqlite3 foreign.db 'CREATE TABLE stopover_run (mine)'
refuse 5 'stopover_run' run m --from sqlite:a.db --to sqlite:foreign.db
sqlite3 dependent.db 'CREATE TABLE users (id, email, old_column); CREATE VIEW v AS SELECT old_column FROM users'
preflight ' v|"v"' run m --from sqlite:a.db --to sqlite:dependent.db
sqlite3 utf16.db 'PRAGMA encoding = "UTF-16"; CREATE TABLE t (x)'
preflight 'encoding' run m --from sqlite:a.db --to sqlite:utf16.db

# locked by another program: waiting ends with exit 3, and the same command goes on
cp b.before locked.db
mkfifo hold
{ echo 'BEGIN EXCLUSIVE;'; echo '.shell touch held'; cat hold; } | sqlite3 locked.db &
holder=$!
exec 7>hold
until [ -e held ]; do sleep 0.05; done
expect 3 run lock --from sqlite:a.db --to sqlite:locked.db --retry-for 1s
one_error
exec 7>&-
wait $holder
expect 0 run lock --from sqlite:a.db --to sqlite:locked.db
phase_is lock promoted

# rights, as a user who has not all of them
other=()
[ "$(id -u)" -ne 0 ] || other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
mkdir theirs closed
cp a.db theirs/a.db
cp b.before theirs/b.db
cp b.before theirs/readonly.db
chmod a-w theirs/a.db theirs/readonly.db closed
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 theirs closed
as_other() { # EXIT ARGUMENT...
    local wanted=$1 status
    shift
    STOPOVER_HOME=$TMPDIR/theirs/home "${other[@]}" "$STOPOVER" "$@" >out 2>err </dev/null
    status=$?
    [ $status -eq "$wanted" ] || die "exit $status instead of $wanted: stopover $*"
}
if "${other[@]}" "$STOPOVER" --version >out 2>&1; then
    as_other 5 run ro --from sqlite:theirs/a.db --to sqlite:theirs/readonly.db
    one_error
    says 'readonly.db'
    cmp theirs/readonly.db b.before || die "a read-only target changed"
    as_other 5 run ro2 --from sqlite:theirs/a.db --to sqlite:closed/b.db
    one_error
    says 'closed'
    as_other 1 run ro3 --from sqlite:theirs/a.db --to sqlite:theirs/b.db --home closed/home
    one_error
    as_other 0 run rw --from sqlite:theirs/a.db --to sqlite:theirs/b.db # a read-only source is fine
fi

expect 5 run nodir --from sqlite:a.db --to sqlite:no/such/directory/b.db
one_error
says 'no/such/directory'
echo "every mistake is answered"
