#!/usr/bin/env bash
# PostgreSQL to PostgreSQL, against the other ways, alternating in one run:
#   tests/bench/postgres.sh PROGRAM [SCALE] [WIDE_ROWS] [ROUNDS]
# PROGRAM is a release build of stopover. Two private clusters of the installed PostgreSQL hold
# pgbench tables of SCALE and WIDE_ROWS rows of (uuid, text, jsonb, 256 floats). Prints of each way
# seconds by the clock, seconds of CPU (client and both servers), and the ratios of ours to it: medians
# of the ratios within one round, because machines are busier at one time than at another.
#   PGCOPYDB=PATH    a pgcopydb to compare with (that of the PATH else); one that knows
#                    --use-copy-binary is measured with it too
#   JOBS=N           workers of every way (4)
#   GIANT=1          one table alone: pgbench_accounts
#   LINK_DELAY_MS=N  a round trip to the servers takes N ms more, by a proxy (support/delay_proxy.c);
#   LINK=WORDS       to which of them: "source target" (both)
#   MANY=N           N tables of 200 rows with a primary key instead of all of the above
#   SERVER_SETTINGS  words "name=value" for both clusters
#   WAYS=WORDS       only these ways, by the names that are printed
set -euo pipefail
program=$(realpath "${1:?usage: tests/bench/postgres.sh PROGRAM [SCALE] [WIDE_ROWS] [ROUNDS]}")
scale=${2:-50}
wide_rows=${3:-200000}
rounds=${4:-3}
jobs=${JOBS:-4}
here=$(mktemp -d "${TMPDIR:-/tmp}/stopover-bench.XXXXXX")
chmod 755 "$here"
export TMPDIR=$here
STOPOVER_SUPPORT=$(realpath "$(dirname "$0")/../support")
export STOPOVER_SUPPORT
# shellcheck source=tests/support/postgres.sh
. "$STOPOVER_SUPPORT/postgres.sh"
proxies=()
clean_up() {
    [ ${#proxies[@]} -eq 0 ] || kill "${proxies[@]}" 2>/dev/null || true
    pg_cleanup
    cd / && rm -rf "$here"
}
trap clean_up EXIT
cd "$here"
export STOPOVER_HOME=$here/home

read -ra settings <<<"${SERVER_SETTINGS:-}"
common=(full_page_writes=on shared_buffers=512MB max_wal_size=8GB checkpoint_timeout=30min fsync=on synchronous_commit=on
    maintenance_work_mem=256MB max_connections=60 autovacuum=off "${settings[@]}")
pg_start source "${common[@]}"
bin=${pg_bin[source]}
export bin
pg_start target "${common[@]}"
pg_sql source postgres -c 'CREATE DATABASE bench' >/dev/null
source_direct=$(pg_uri source bench)
delay=${LINK_DELAY_MS:-0}

# The address of a server, behind a long way where that is wanted.
reach() { # NAME
    if [ "$delay" = 0 ] || [[ " ${LINK:-source target} " != *" $1 "* ]]; then
        pg_uri "$1" bench
        return
    fi
    echo "postgresql://postgres@127.0.0.1:$(cat "$here/port.$1")/bench"
}
start_proxies() {
    local name tries
    [ "$delay" != 0 ] || return 0
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -o delay_proxy "$STOPOVER_SUPPORT/delay_proxy.c"
    for name in source target; do
        setpriv --pdeathsig TERM ./delay_proxy "port.$name" "${pg_socket[$name]}/.s.PGSQL.${pg_port[$name]}" "$delay" &
        proxies+=($!)
        for ((tries = 0; tries < 100; tries++)); do
            [ ! -s "port.$name" ] || break
            sleep 0.05
        done
    done
}
start_proxies
source_uri=$(reach source)
target_uri=$(reach target)

if [ -n "${MANY:-}" ]; then
    pg_sql source bench >/dev/null <<SQL
DO \$\$ BEGIN FOR i IN 1..$MANY LOOP
    EXECUTE format('CREATE TABLE t%s AS SELECT g AS a, md5(g::text) AS b FROM generate_series(1, 200) AS g', i);
    EXECUTE format('ALTER TABLE t%s ADD PRIMARY KEY (a)', i);
END LOOP; END \$\$;
SQL
else
    PGCLIENTENCODING=UTF8 "$bin/pgbench" -i -q -s "$scale" "$source_direct" >/dev/null 2>&1
fi
if [ -n "${GIANT:-}" ]; then
    pg_sql source bench -c 'DROP TABLE pgbench_history, pgbench_tellers, pgbench_branches' >/dev/null
elif [ -z "${MANY:-}" ]; then
    pg_sql source bench >/dev/null <<SQL
CREATE TABLE wide (id uuid PRIMARY KEY, title text NOT NULL, body jsonb, vector real[]);
INSERT INTO wide SELECT gen_random_uuid(), 'document ' || i || repeat(md5(i::text), 4),
    jsonb_build_object('n', i, 'tags', jsonb_build_array(md5(i::text), 'x'), 'at', now()),
    (SELECT array_agg(random()::real) FROM generate_series(1, 256) WHERE i > 0)
    FROM generate_series(1, $wide_rows) AS i;
CREATE INDEX wide_title ON wide (title);
SQL
fi
pg_sql source bench -c 'VACUUM (ANALYZE)' >/dev/null
pg_sql source bench -c 'CHECKPOINT' >/dev/null
tables=$(pg_sql source bench -Atc "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY pg_table_size(oid) DESC")

fresh_target() {
    rm -rf home copydb
    pg_sql target postgres >/dev/null 2>&1 <<<'DROP DATABASE IF EXISTS bench WITH (FORCE); CREATE DATABASE bench; CHECKPOINT;'
}

stage() { # LEVEL
    "$program" run bench --from "$source_uri" --to "$target_uri" --stop-after staged --verify "$1" --jobs "$jobs" --quiet
}
ours_sample() { stage sample; }
ours_count() { stage count; }
ours_none() { stage none; }

# One range of blocks of one table, raw: nothing looks at the bytes.
pipe_range() { # TABLE FIRST NEXT
    "$bin/psql" -qX "$source_uri" -c "COPY (SELECT * FROM ONLY $1 WHERE ctid >= '($2,0)' AND ctid < '($3,0)') TO STDOUT (FORMAT binary)" |
        "$bin/psql" -qX "$target_uri" -c "COPY $1 FROM STDIN (FORMAT binary)"
}
ranges() { # of about 64 MiB with their TOAST: "TABLE FIRST NEXT"
    pg_sql source bench -AtF ' ' <<SQL
SELECT relname, b, CASE WHEN b + step >= blocks THEN 4294967295 ELSE b + step END
FROM (SELECT relname, greatest(pg_relation_size(oid) / 8192, 1) AS blocks,
    greatest((67108864 * (pg_relation_size(oid) / 8192) / greatest(pg_table_size(oid), 1))::bigint, 1) AS step
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS s,
LATERAL generate_series(0, blocks - 1, step) AS b ORDER BY blocks * 8192 DESC, relname, b
SQL
}
schema_dump() { "$bin/pg_dump" -s --section="$1" "$source_uri"; }
# the floor: pre-data, parallel pipes, then indexes and ANALYZE side by side
pipes() {
    schema_dump pre-data | "$bin/psql" -qX "$target_uri" >/dev/null
    ranges >list
    export -f pipe_range
    export source_uri target_uri
    xargs -a list -P "$jobs" -L 1 bash -c 'pipe_range "$@"' _
    {
        schema_dump post-data | grep -v '^--' | tr '\n' ' ' | sed 's/;/;\n/g' | grep -E 'CREATE|ALTER TABLE' || true
    } >statements
    xargs -a statements -d '\n' -P "$jobs" -I{} "$bin/psql" -qX "$target_uri" -c '{}' >/dev/null
    # shellcheck disable=SC2086
    printf '%s\n' $tables | xargs -P "$jobs" -I{} "$bin/psql" -qX "$target_uri" -c 'ANALYZE {}'
}
pg_dump_pipe() {
    "$bin/pg_dump" "$source_uri" | "$bin/psql" -qX "$target_uri" >/dev/null
    "$bin/psql" -qX "$target_uri" -c ANALYZE
}
copydb=${PGCOPYDB:-$(command -v pgcopydb || true)}
copydb_clone() {
    PATH=$bin:$PATH "$copydb" clone --source "$source_uri" --target "$target_uri" \
        --dir "$here/copydb" --table-jobs "$jobs" --index-jobs "$jobs" "$@" >copydb.log 2>&1
}
pgcopydb_default() { copydb_clone; }
pgcopydb_split() { copydb_clone --split-tables-larger-than 64MB; }
pgcopydb_binary() { copydb_clone --split-tables-larger-than 64MB --use-copy-binary; }

declare -A skipped=()
ways=(ours_sample ours_count ours_none pipes pg_dump_pipe pgcopydb_default pgcopydb_split pgcopydb_binary)
[ -z "${WAYS:-}" ] || read -ra ways <<<"$WAYS"
if [ -z "$copydb" ]; then
    for way in pgcopydb_default pgcopydb_split pgcopydb_binary; do skipped[$way]='no pgcopydb is installed'; done
elif ! "$copydb" clone --help 2>&1 | grep -q -- --use-copy-binary; then
    skipped[pgcopydb_binary]='this pgcopydb does not know --use-copy-binary; give a newer one by PGCOPYDB'
fi

# Every way must have moved everything.
check_rows() { # WAY
    local table count staged
    for table in $tables; do
        staged=$(pg_sql target bench -c "SELECT c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
            WHERE relname = '$table' AND (nspname = 'public' OR nspname LIKE 'public_staging_%')")
        count=$(pg_sql target bench -c "SELECT count(*) FROM $staged")
        [ "$count" = "$(pg_sql source bench -c "SELECT count(*) FROM $table")" ] || { echo "$1: $table has $count rows" && exit 1; }
    done
}

# CPU seconds / 100 so far: children of this shell that have ended, and both servers with all of
# their processes, past and present.
cpu_of_stat() { # PID FIRST-FIELD FIELDS
    awk -v first="$2" -v fields="$3" '{ sub(/.*\) /, ""); for (i = 0; i < fields; i++) sum += $(first - 2 + i) } END { print sum + 0 }' \
        "/proc/$1/stat" 2>/dev/null || echo 0
}
cpu_now() {
    local name child sum
    sum=$(cpu_of_stat $$ 16 2)
    for name in source target; do
        sum=$((sum + $(cpu_of_stat "${pg_pid[$name]}" 14 4)))
        # shellcheck disable=SC2013
        for child in $(cat "/proc/${pg_pid[$name]}/task/${pg_pid[$name]}/children"); do
            sum=$((sum + $(cpu_of_stat "$child" 14 2)))
        done
    done
    echo "$sum"
}

measure() { # WAY
    local way=$1 cpu_before cpu_after started ended
    fresh_target
    sync
    cpu_before=$(cpu_now)
    started=$EPOCHREALTIME
    if ! $way >"$way.log" 2>&1; then
        skipped[$way]="it failed: $(tail -1 "$way.log") $(tail -1 copydb.log 2>/dev/null)"
        return
    fi
    ended=$EPOCHREALTIME
    sleep 0.3 # for the servers' processes to end
    cpu_after=$(cpu_now)
    check_rows "$way"
    awk -v a="$started" -v b="$ended" -v c="$cpu_before" -v d="$cpu_after" 'BEGIN { printf "%.3f %.2f\n", b - a, (d - c) / 100 }' >>"$way.times"
}

for ((round = 0; round < rounds; round++)); do
    read -r load _ </proc/loadavg
    loads+=" $load"
    for way in "${ways[@]}"; do
        [ -n "${skipped[$way]:-}" ] || measure "$way"
    done
done

median() { sort -n | awk '{ t[NR] = $1 } END { if (NR) print t[int((NR + 1) / 2)]; else print "-" }'; }
column() { awk -v c="$2" '{ print $c }' "$1.times"; }
ratio() { # WAY COLUMN: of ours to it, round by round
    [ -s ours_sample.times ] || { echo - && return; }
    paste -d ' ' ours_sample.times "$1.times" | awk -v c="$2" 'NF == 4 && $(c + 2) > 0 { printf "%.2f\n", $c / $(c + 2) }' | median
}
printf '%-18s %8s %8s %8s %8s %14s %14s\n' way median least most CPU 'ours / way' 'CPU: ours / way'
for way in "${ways[@]}"; do
    if [ -n "${skipped[$way]:-}" ]; then
        printf '%-18s skipped: %s\n' "$way" "${skipped[$way]}"
        continue
    fi
    printf '%-18s %8.2f %8.2f %8.2f %8.2f %14s %14s\n' "$way" "$(column "$way" 1 | median)" "$(column "$way" 1 | sort -n | head -1)" \
        "$(column "$way" 1 | sort -n | tail -1)" "$(column "$way" 2 | median)" "$(ratio "$way" 1)" "$(ratio "$way" 2)"
done
echo "source: $(pg_sql source bench -Atc "SELECT pg_size_pretty(pg_database_size('bench'))"), $rounds rounds, $jobs jobs," \
    "round trip $delay ms more, load when rounds began:${loads:-}"
