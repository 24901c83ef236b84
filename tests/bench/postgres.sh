#!/usr/bin/env bash
# PostgreSQL to PostgreSQL, against the other ways, alternating in one run:
#   tests/bench/postgres.sh PROGRAM [SCALE] [WIDE_ROWS] [ROUNDS]
# PROGRAM is a release build of stopover. Two private clusters of the installed PostgreSQL hold
# pgbench tables of SCALE and WIDE_ROWS rows of (uuid, text, jsonb, 256 floats). Prints the median
# seconds of each way and the ratio of ours to it.
#   PGCOPYDB=PATH    a pgcopydb to compare with (that of the PATH else); one that knows
#                    --use-copy-binary is measured with it too
#   JOBS=N           workers of every way (4)
#   GIANT=1          one table alone: pgbench_accounts
#   SERVER_SETTINGS  words "name=value" for both clusters
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
trap 'pg_cleanup; cd / && rm -rf "$here"' EXIT
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
source_uri=$(pg_uri source bench)
target_uri=$(pg_uri target bench)

PGCLIENTENCODING=UTF8 "$bin/pgbench" -i -q -s "$scale" "$source_uri" >/dev/null 2>&1
if [ -z "${GIANT:-}" ]; then
    pg_sql source bench >/dev/null <<SQL
CREATE TABLE wide (id uuid PRIMARY KEY, title text NOT NULL, body jsonb, vector real[]);
INSERT INTO wide SELECT gen_random_uuid(), 'document ' || i || repeat(md5(i::text), 4),
    jsonb_build_object('n', i, 'tags', jsonb_build_array(md5(i::text), 'x'), 'at', now()),
    (SELECT array_agg(random()::real) FROM generate_series(1, 256) WHERE i > 0)
    FROM generate_series(1, $wide_rows) AS i;
CREATE INDEX wide_title ON wide (title);
SQL
else
    pg_sql source bench -c 'DROP TABLE pgbench_history, pgbench_tellers, pgbench_branches' >/dev/null
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
    local table
    for table in $tables; do
        pg_sql source bench -AtF ' ' -c "SELECT '$table', b, CASE WHEN b + step >= blocks THEN 4294967295 ELSE b + step END
            FROM (SELECT greatest(pg_relation_size('$table') / 8192, 1) AS blocks,
                greatest((67108864 * (pg_relation_size('$table') / 8192) / greatest(pg_table_size('$table'), 1))::bigint, 1) AS step) AS s,
            LATERAL generate_series(0, blocks - 1, step) AS b"
    done
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

ways=(ours_sample ours_count ours_none pipes pg_dump_pipe)
if [ -n "$copydb" ]; then
    ways+=(pgcopydb_default pgcopydb_split)
    if "$copydb" clone --help 2>&1 | grep -q -- --use-copy-binary; then ways+=(pgcopydb_binary); fi
fi
[ -z "${WAYS:-}" ] || read -ra ways <<<"$WAYS"

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

rm -f ./*.times
for ((round = 0; round < rounds; round++)); do
    for way in "${ways[@]}"; do
        fresh_target
        sync
        started=$EPOCHREALTIME
        if ! $way >"$way.log" 2>&1; then
            echo "$way failed:" && tail -5 "$way.log" copydb.log 2>/dev/null
            ways=("${ways[@]/$way/}")
            continue
        fi
        ended=$EPOCHREALTIME
        check_rows "$way"
        awk -v a="$started" -v b="$ended" 'BEGIN { printf "%.3f\n", b - a }' >>"$way.times"
    done
done
median() { sort -n "$1.times" 2>/dev/null | awk '{ t[NR] = $1 } END { print NR ? t[int((NR + 1) / 2)] : 0 }' || true; }
ours=$(median ours_sample || true)
printf '%-18s %8s %8s %8s %18s\n' way median least most 'ours_sample / way'
for way in "${ways[@]}"; do
    [ -s "$way.times" ] || continue
    printf '%-18s %8.2f %8.2f %8.2f %18.2f\n' "$way" "$(median "$way")" "$(sort -n "$way.times" | head -1)" \
        "$(sort -n "$way.times" | tail -1)" "$(awk -v o="$ours" -v w="$(median "$way")" 'BEGIN { print o / w }')"
done
echo "source: $(pg_sql source bench -Atc "SELECT pg_size_pretty(pg_database_size('bench'))"), $rounds rounds, $jobs jobs"
