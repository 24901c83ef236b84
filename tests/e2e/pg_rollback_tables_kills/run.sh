#!/usr/bin/env bash
# rollback --table dies, fails, or loses the answer at each of its fault points: the same command goes on,
# whatever was asked between, and the journal knows what the target holds.
# label: soak
# timeout: 1800
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
for side in source target; do
    pg_sql $side postgres -c 'CREATE DATABASE people'
    pg_sql $side people -o /dev/null <<SQL || die "$side"
CREATE TABLE a (id serial PRIMARY KEY, words text);
INSERT INTO a (words) VALUES ('$side');
CREATE TABLE b (id serial PRIMARY KEY, words text);
INSERT INTO b (words) VALUES ('$side');
SQL
done
pg_ends people
pg_remember
expect 0 run shop "${ends[@]}"

# What may come between an interruption and the next try
meanwhile() { # NUMBER
    case $(($1 % 3)) in
    0) expect 0 run shop ;;
    1) pg_restart target ;;
    *) expect 0 status shop ;;
    esac
}

try_fault() { # MODE NUMBER
    STOPOVER_FAULT=$1:$2 "$STOPOVER" rollback shop --table a --yes >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
    status=$?
    case $status in 0 | 1 | 3 | 137) ;; *) die "exit $status: $1:$2" ;; esac
    meanwhile "$2"
    expect 0 rollback shop --table a --yes
    phase_is shop promoted
    json_is '$.status.taken_back' public.a
    json_is '$.status.unsettled' ''
    [ "$(pg_sql target people -c 'SELECT (SELECT words FROM a), (SELECT words FROM b)')" = 'target|source' ] ||
        die "what is live after $1:$2"
}

begin_again() {
    expect 0 rollback shop --yes
    pg_untouched
    expect 0 finish shop --yes
    pg_nothing_left
    expect 0 forget shop --yes
    expect 0 run shop "${ends[@]}"
}

# A killed process is known by its exit code: they tell how many points there are.
points=0
status=137
while [ $status -eq 137 ]; do
    points=$((points + 1))
    try_fault kill $points
    begin_again
done
[ $points -gt 10 ] || die "only $points fault points"
for mode in fail fatal lose; do
    for ((number = 1; number < points; number++)); do
        try_fault $mode $number
        begin_again
    done
done
echo "killed, failed and lost at each of $((points - 1)) points"
