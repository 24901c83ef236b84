#!/usr/bin/env bash
# Backups of PostgreSQL against pg_dump and pg_restore, alternating in one run:
#   tests/bench/backup.sh PROGRAM [SCALE] [WIDE_ROWS] [ROUNDS]
# PROGRAM is a release build of stopover. A private cluster of the installed PostgreSQL holds pgbench
# tables of SCALE and WIDE_ROWS rows of (uuid, text, jsonb, 256 floats). Prints seconds and sizes of each
# way, and the ratios of ours to it: medians of the ratios within one round.
#   JOBS=N           workers of every way that has any (2)
#   SERVER_SETTINGS  words "name=value" for the cluster
set -euo pipefail
program=$(realpath "${1:?usage: tests/bench/backup.sh PROGRAM [SCALE] [WIDE_ROWS] [ROUNDS]}")
scale=${2:-20}
wide_rows=${3:-80000}
rounds=${4:-3}
jobs=${JOBS:-2}
here=$(mktemp -d "${TMPDIR:-/tmp}/stopover-bench.XXXXXX")
chmod 755 "$here"
export TMPDIR=$here
STOPOVER_SUPPORT=$(realpath "$(dirname "$0")/../support")
export STOPOVER_SUPPORT
# shellcheck source=tests/support/postgres.sh
. "$STOPOVER_SUPPORT/postgres.sh"
clean_up() {
    pg_cleanup
    cd / && rm -rf "$here"
}
trap clean_up EXIT
cd "$here"
export STOPOVER_HOME=$here/home

read -ra settings <<<"${SERVER_SETTINGS:-}"
pg_start server full_page_writes=on shared_buffers=512MB max_wal_size=8GB checkpoint_timeout=30min fsync=on \
    synchronous_commit=on maintenance_work_mem=256MB max_connections=60 autovacuum=off "${settings[@]}"
bin=${pg_bin[server]}
pg_sql server postgres -c 'CREATE DATABASE bench' >/dev/null
from=$(pg_uri server bench)
to=$(pg_uri server restored)
PGCLIENTENCODING=UTF8 "$bin/pgbench" -i -q -s "$scale" "$from" >/dev/null 2>&1
pg_sql server bench >/dev/null <<SQL
CREATE TABLE wide (id uuid PRIMARY KEY, title text NOT NULL, body jsonb, vector real[]);
INSERT INTO wide SELECT gen_random_uuid(), 'document ' || i || repeat(md5(i::text), 4),
    jsonb_build_object('n', i, 'tags', jsonb_build_array(md5(i::text), 'x'), 'at', now()),
    (SELECT array_agg(random()::real) FROM generate_series(1, 256) WHERE i > 0)
    FROM generate_series(1, $wide_rows) AS i;
CREATE INDEX wide_title ON wide (title);
VACUUM (ANALYZE);
CHECKPOINT;
SQL
rows() { # DATABASE
    pg_sql server "$1" -c 'SELECT (SELECT count(*) FROM pgbench_accounts), (SELECT count(*) FROM wide)'
}

fresh() { # WAY
    rm -rf "$1.out"
    case $1 in
    *restore*) pg_sql server postgres >/dev/null 2>&1 <<<'DROP DATABASE IF EXISTS restored WITH (FORCE); CREATE DATABASE restored; CHECKPOINT;' ;;
    esac
}
ours_create() { "$program" backup create bench --from "$from" --repo ours_create.out --jobs "$jobs" --quiet; }
dump_Fc() { "$bin/pg_dump" -Fc -f dump_Fc.out "$from"; }
dump_Fd() { "$bin/pg_dump" -Fd -j "$jobs" -f dump_Fd.out "$from"; }
ours_restore() {
    rm -rf home
    "$program" backup restore bench --to "$to" --repo ours_create.out --jobs "$jobs" --quiet
}
ours_restore_count() {
    rm -rf home
    "$program" backup restore bench --to "$to" --repo ours_create.out --jobs "$jobs" --verify count --quiet
}
restore_Fc() { "$bin/pg_restore" -j "$jobs" -d "$to" dump_Fc.out && analyze; }
restore_Fd() { "$bin/pg_restore" -j "$jobs" -d "$to" dump_Fd.out && analyze; }
analyze() { "$bin/psql" -qX "$to" -c ANALYZE; }

creates=(ours_create dump_Fc dump_Fd)
restores=(ours_restore ours_restore_count restore_Fc restore_Fd)
expected=$(rows bench)
for ((round = 0; round < rounds; round++)); do
    for way in "${creates[@]}" "${restores[@]}"; do
        fresh "$way"
        sync
        started=$EPOCHREALTIME
        $way >"$way.log" 2>&1 || { tail -3 "$way.log" && exit 1; }
        sync
        awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }' >>"$way.times"
        [[ $way != *restore* ]] || [ "$(rows restored)" = "$expected" ] || { echo "$way: not all rows" && exit 1; }
    done
done

median() { sort -n | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }
show() { # OURS WAY...
    local ours=$1 way size
    shift
    printf '%-20s %8s %8s %8s %12s %12s\n' way median least most 'ours / way' bytes
    for way in "$@"; do
        size=-
        [ ! -e "$way.out" ] || size=$(du -sb "$way.out" | cut -f 1)
        printf '%-20s %8.2f %8.2f %8.2f %12s %12s\n' "$way" "$(median <"$way.times")" "$(sort -n "$way.times" | head -1)" \
            "$(sort -n "$way.times" | tail -1)" "$(paste "$ours.times" "$way.times" | awk '{ printf "%.2f\n", $1 / $2 }' | median)" "$size"
    done
}
show ours_create "${creates[@]}"
show ours_restore "${restores[@]}"
echo "source: $(pg_sql server bench -c "SELECT pg_size_pretty(pg_database_size('bench'))"), $rounds rounds, $jobs jobs"
