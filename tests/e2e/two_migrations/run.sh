#!/usr/bin/env bash
# Two migrations promote the same table, one after the other: each way back brings back what its own
# promotion replaced, in the order in which that can be, and refuses any other.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
columns='id INTEGER PRIMARY KEY, x'
sqlite3 p.db "CREATE TABLE t ($columns); INSERT INTO t VALUES (1, 'p'); CREATE TABLE u (y); INSERT INTO u VALUES ('p')"
sqlite3 q.db "CREATE TABLE t ($columns); INSERT INTO t VALUES (1, 'q')"
sqlite3 old.db "CREATE TABLE t ($columns); INSERT INTO t VALUES (1, 'old'); CREATE TABLE u (y); INSERT INTO u VALUES ('old')"

holds() { # ROWS OF T, OF U
    local found
    found=$(oracle_sql b.db 'SELECT group_concat(x) FROM t'),$(oracle_sql b.db 'SELECT group_concat(y) FROM u')
    [ "$found" = "$1,$2" ] || die "t and u hold $found instead of $1,$2"
}

promote_both() {
    cp old.db b.db
    rm -rf "$STOPOVER_HOME"
    expect 0 run p --from sqlite:p.db --to sqlite:b.db
    expect 0 run q --from sqlite:q.db --to sqlite:b.db
    holds q p
}

promote_both
expect 5 rollback p --yes
one_error
says 'table "t" was promoted again since, by migration "q"'
says 'stopover rollback q'
holds q p
phase_is p promoted
expect 0 rollback q --yes
holds p p
expect 0 rollback p --yes
holds old old
expect 0 run q
expect 0 run p
holds p p
expect 5 rollback q --yes
expect 0 rollback p --yes
holds q old
expect 0 rollback q --yes
expect 0 finish q --yes
expect 0 finish p --yes
oracle_equal old.db b.db "both ways back" || exit 1

# the later one is finished: its table is nobody's to set aside
promote_both
expect 0 finish q --yes
expect 5 rollback p --yes
one_error
says 'table "t" was replaced after migration "p" promoted it'
holds q p
phase_is p promoted
expect 0 finish p --yes
holds q p

# the earlier one is finished: what it promoted comes back
promote_both
expect 0 finish p --yes
expect 0 rollback q --yes
holds p p
expect 0 finish q --yes
oracle_equal p.db b.db "the earlier promotion" || exit 1

# a table that somebody dropped and another migration brought again is that one's
cp old.db b.db
rm -rf "$STOPOVER_HOME"
expect 0 run p --from sqlite:p.db --to sqlite:b.db
sqlite3 b.db 'DROP TABLE t'
expect 0 run q --from sqlite:q.db --to sqlite:b.db
expect 5 rollback p --yes
says 'by migration "q"'
holds q p
echo "no two migrations are mixed"
