# shellcheck shell=bash
# Random kills: the program is killed by the kernel, wherever it is, and started again with the same
# command, until it ends by itself; then the oracle looks. Every third trial a writer changes the
# source between two starts; what is expected then is the source as it is at the end, because the
# last promotion refuses a source that changed and `stage --again` is the way on.
. "$STOPOVER_SUPPORT/matrix.sh"

# More rows, so that a run lasts long enough to be hit in the middle.
fill_source() {
    sqlite3 -batch source.db <<'SQL'
PRAGMA foreign_keys = OFF;
CREATE TABLE filler (id INTEGER PRIMARY KEY, payload TEXT, number REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO filler SELECT i, hex(randomblob(40)), i / 7.0 FROM n;
CREATE INDEX filler_number ON filler (number);
SQL
}

random_kills() { # TRIALS
    local trial kills=0 starts status delay
    matrix_begin
    fill_source
    oracle_expect source.db expected.db || die "could not make what is expected"
    for ((trial = 1; trial <= $1; trial++)); do
        rm -rf work
        cp -a setup work
        if ((trial % 3 == 0)); then sqlite3 -batch source.db 'PRAGMA journal_mode = WAL' >wal.out; fi
        starts=0
        while :; do
            starts=$((starts + 1))
            [ $starts -lt 200 ] || die "trial $trial: still not promoted after $starts starts"
            # the program itself, not a function: what is killed must be it, not a shell around it
            # shellcheck disable=SC2154 # both are set in matrix.sh
            "$STOPOVER" run shop "${matrix_ends[@]}" --jobs 4 --chunk-size 64KiB "${matrix_options[@]}" >run.out 2>&1 &
            # most kills within the time that a run takes; later starts get more and more of it
            delay=$(awk -v s=$RANDOM -v t=$starts 'BEGIN { srand(s); printf "%.3f", rand() * (0.2 + t * 0.05) }')
            sleep "$delay"
            if kill -9 $! 2>/dev/null; then kills=$((kills + 1)); fi
            wait $! 2>/dev/null
            status=$?
            [ $status -ne 137 ] || {
                # not once it is promoted, be it that the journal does not know yet
                if ((trial % 3 == 0 && RANDOM % 2 == 0)) &&
                    ! sqlite3 -batch work/target.db 'SELECT name FROM sqlite_schema' | grep -q _retired_; then
                    sqlite3 -batch source.db "UPDATE filler SET payload = 'changed in $trial' WHERE id % 9973 = $starts"
                fi
                continue
            }
            [ $status -ne 0 ] || break
            grep -q 'written to since its snapshot' run.out || {
                cat run.out
                die "trial $trial: start $starts ended with $status"
            }
            stopover stage shop --again --table filler >again.out 2>&1 || { cat again.out; die "trial $trial: --again"; }
        done
        ((trial % 3 != 0)) || oracle_expect source.db expected.db || die "could not make what is expected"
        promoted || { cat run.out; die "trial $trial after $starts starts"; }
    done
    [ $kills -gt "$1" ] || die "only $kills kills hit a running program in $1 trials"
    echo "$1 trials, $kills kills"
}
