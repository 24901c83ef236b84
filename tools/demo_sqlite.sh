# shellcheck shell=bash disable=SC2154
# Sourced by tools/demo: the story between two SQLite files.
ask_source() {
    sqlite3 shop.db "$1"
}
ask_target() {
    sqlite3 live.db "$1"
}

step "a source (shop.db), and a target (live.db) with older tables of the same names"
sqlite3 -bail shop.db <"$root/tests/data/sample.sql"
sqlite3 -bail live.db <"$root/tests/data/sample_older.sql"
show sqlite3 shop.db .tables
show sqlite3 live.db .tables
sqlite3 live.db .dump >before.sql

step "what would be done"
show stopover plan --from sqlite:shop.db --to sqlite:live.db

step "as far as verified: the live tables are still the older ones"
show stopover run shop --from sqlite:shop.db --to sqlite:live.db --stop-after verified
show sqlite3 live.db "SELECT count(*) AS books_that_are_live FROM book"

step "the evidence"
show stopover status shop --verbose

step "promotion: the new tables are live, the older ones are kept"
show stopover run shop
show sqlite3 live.db "SELECT count(*) AS books_that_are_live FROM book"
show sqlite3 live.db "SELECT name FROM sqlite_schema WHERE name LIKE 'book\_%' ESCAPE '\' AND type = 'table'"

step "taking it back: the older tables are live again"
show stopover rollback shop --yes
show sqlite3 live.db "SELECT count(*) AS books_that_are_live FROM book"

step "and forward again, as a second attempt"
show stopover run shop --quiet
show stopover status

step "is it the same? the same question to both databases"
questions=(
    "SELECT * FROM order_total ORDER BY id"
    "SELECT * FROM bestseller"
    "SELECT *, hex(cover) FROM book ORDER BY id"
    "SELECT *, typeof(note) FROM customer ORDER BY id"
)
for question in "${questions[@]}"; do compare "$question"; done

cat <<END

=== left for you to look at, in $here
shop.db is the source, live.db the target, before.sql what the target held at first, and home/ the
record of the migration.

  export STOPOVER_HOME=$here/home
  $program status shop --verbose
  $program status shop --json
  sqlite3 $here/live.db .tables
  sqlite3 $here/live.db 'SELECT * FROM bestseller'
  $program rollback shop
  $program finish shop
  $program forget shop
END
