#!/usr/bin/env bash
# For how long live tables are locked by a promotion and by the way back, against what nothing can be faster
# than: the bare SET SCHEMA statements of the same tables by psql, in one transaction, alternating in one run:
#   tests/bench/postgres_promotion.sh PROGRAM [ROUNDS] [TABLES...]
# PROGRAM is a release build of stopover; TABLES are numbers of tables (2 100 1000), of two columns with a
# primary key and a serial one, which replace as many older ones. Prints medians.
set -euo pipefail
program=$(realpath "${1:?usage: tests/bench/postgres_promotion.sh PROGRAM [ROUNDS] [TABLES...]}")
rounds=${2:-5}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- 2 100 1000
here=$(mktemp -d "${TMPDIR:-/tmp}/stopover-bench.XXXXXX")
chmod 755 "$here"
export TMPDIR=$here
STOPOVER_SUPPORT=$(realpath "$(dirname "$0")/../support")
export STOPOVER_SUPPORT
# shellcheck source=tests/support/postgres.sh
. "$STOPOVER_SUPPORT/postgres.sh"
trap 'ended=$?; pg_cleanup; cd / && rm -rf "$here"; exit $ended' EXIT
cd "$here"
export STOPOVER_HOME=$here/home
pg_start target full_page_writes=on fsync=on synchronous_commit=on shared_buffers=512MB max_wal_size=8GB \
    max_locks_per_transaction=1024 autovacuum=off

make_tables() { # DATABASE TABLES [SCHEMA]
    pg_sql target "$1" >/dev/null <<SQL
SET search_path = ${3:-public};
DO \$\$ BEGIN FOR i IN 1..$2 LOOP
    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, words text)', i);
    EXECUTE format('INSERT INTO t%s (words) SELECT md5(g::text) FROM generate_series(1, 20) AS g', i);
    IF i % 100 = 0 THEN COMMIT; END IF;
END LOOP; END \$\$;
SQL
}

bare() { # TABLES FROM-LIVE-TO FROM-TO-LIVE: in ms, from before the first statement to after the commit
    {
        echo 'SELECT clock_timestamp() AS began \gset'
        echo 'BEGIN;'
        for ((i = 1; i <= $1; i++)); do echo "ALTER TABLE public.t$i SET SCHEMA $2;"; done
        for ((i = 1; i <= $1; i++)); do echo "ALTER TABLE $3.t$i SET SCHEMA public;"; done
        echo 'COMMIT;'
        echo "SELECT round(extract(epoch FROM clock_timestamp() - :'began') * 1000, 1);"
    } >bare.sql
    pg_sql target bare -f bare.sql
}

ours() { # COMMAND...: in ms, as it says
    "$program" "$@" >out 2>err </dev/null || { cat out err >&2; exit 1; }
    sed -nE 's/.*live tables were locked for ([0-9.]+) ms.*/\1/p' err
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

ratios() { # FILE FILE
    paste "$1" "$2" | awk '{ print $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

printf '%7s %12s %12s %7s %12s %12s %7s\n' tables 'promote ms' 'bare ms' ratio 'rollback ms' 'bare ms' ratio
for tables; do
    for database in source live bare; do pg_sql target postgres -c "CREATE DATABASE $database"; done
    make_tables source "$tables"
    make_tables live "$tables"
    make_tables bare "$tables"
    pg_sql target bare -c 'CREATE SCHEMA staging' -c 'CREATE SCHEMA retired' -c 'CREATE SCHEMA undone'
    make_tables bare "$tables" staging
    rm -f ./*.ms
    for ((round = 0; round < rounds; round++)); do
        ours run bench --from "$(pg_uri target source)" --to "$(pg_uri target live)" --jobs 2 --verify none --stop-after verified
        ours promote bench >>promote.ms
        bare "$tables" retired staging >>bare_there.ms
        ours rollback bench --yes >>rollback.ms
        bare "$tables" staging retired >>bare_back.ms
        ours finish bench --yes
        ours forget bench --yes
    done
    printf '%7s %12s %12s %7s %12s %12s %7s\n' "$tables" "$(median <promote.ms)" "$(median <bare_there.ms)" "$(ratios promote.ms bare_there.ms)" \
        "$(median <rollback.ms)" "$(median <bare_back.ms)" "$(ratios rollback.ms bare_back.ms)"
    for database in source live bare; do pg_sql target postgres -c "DROP DATABASE $database"; done
done
