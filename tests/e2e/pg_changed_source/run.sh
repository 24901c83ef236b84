#!/usr/bin/env bash
# The snapshot dies with the process. When the source was written to before the same command runs again,
# what changed is copied anew and what is proven unchanged is kept, as it says; the copy is the source of
# one moment.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_fixture pg_shop.sql
pg_remember
run=(run m "${ends[@]}" --stop-after verified --jobs 2 --chunk-size 64KiB)

control_again() {
    pg_sql target postgres -c 'DROP DATABASE control_people'
    pg_control source people target control_people || die "the control copy"
}

interrupted() { # NTH-COMMIT
    STOPOVER_FAULT=kill:$1:postgres.chunk_commit expect 137 "${run[@]}"
    pg_untouched
}

# nothing written: everything is kept
interrupted 20
expect 0 "${run[@]}"
says_not 'again'
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
expect 0 forget m --yes

# one table is written to, and a sequence moves
interrupted 20
pg_sql source people -o out.sql -c "UPDATE sales.orders SET total = total + 1 WHERE customer = 7" \
    -c "INSERT INTO sales.customers (email, name) VALUES ('late@example.org', 'late')" -c "DELETE FROM public.no_key WHERE a = 3"
control_again
expect 0 "${run[@]}"
says 'again'
says 'orders|customers|no_key|every table'
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
expect 0 forget m --yes

# again and again, with a kill in each
interrupted 10
for round in 1 2 3; do
    pg_sql source people -o out.sql -c "UPDATE sales.customers SET name = 'round $round' WHERE id % 50 = $round" -c "TRUNCATE public.no_key"
    interrupted $((round * 8))
done
control_again
expect 0 "${run[@]}"
pg_verified m

# the staged copy is of its snapshot; a later write changes nothing in it
pg_sql source people -c "UPDATE sales.customers SET name = 'later'"
expect 0 verify m
pg_verified m
expect 0 stage m --again
phase_is m staged
control_again
expect 0 run m --stop-after verified
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
expect 0 forget m --yes

# a changed structure is refused, with the way on
interrupted 10
pg_sql source people -c 'ALTER TABLE sales.customers ADD COLUMN added integer DEFAULT 3'
control_again
expect 5 "${run[@]}"
one_error
says 'customers|structure|schema'
expect 0 rollback m
expect 0 "${run[@]}"
pg_verified m
echo "no state is mixed with another"
