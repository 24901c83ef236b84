# shellcheck shell=bash
# The fault matrix: a command is run with one of its fault points failing, killing the process or
# losing the acknowledgement; then the same command is run again without a fault and must end as if
# nothing had happened. One worker, so that the order of points is fixed.
#
#   matrix_begin                         fixtures: source.db, target.db, expected.db, original.db
#   matrix_setup COMMAND...              what has happened before the command under test
#   matrix_run MODE CHECK COMMAND...     each named point, the first and the last time it is reached;
#                                        with MATRIX=every every single one; those that
#                                        match MATRIX_POINTS; CHECK is a function called
#                                        after each second run
#
# Everything happens in $TMPDIR: source.db is never written; work/ (target.db and home/) is made anew
# each time. What differs for other databases are matrix_begin, matrix_keep, matrix_reset and
# matrix_source_is_untouched: pg_matrix.sh defines them again.
. "$STOPOVER_SUPPORT/oracle.sh"

cd "$TMPDIR" || exit 1
matrix_ends=(--from "sqlite:$TMPDIR/source.db" --to "sqlite:$TMPDIR/work/target.db")
matrix_options=(--home "$TMPDIR/work/home" --quiet)

stopover() {
    "$STOPOVER" "$@" "${matrix_options[@]}"
}

die() {
    echo "FAILED: $*" >&2
    exit 1
}

matrix_begin() {
    sqlite3 -batch source.db <"$STOPOVER_DATA/everything_source.sql" || die "could not make the source"
    sqlite3 -batch original.db <"$STOPOVER_DATA/everything_target.sql" || die "could not make the target"
    oracle_expect source.db expected.db || die "could not make what is expected"
    cp source.db source.before
    mkdir -p work/home
    cp original.db work/target.db
    matrix_keep
}

# What stands in work/ now is where each try begins.
matrix_keep() {
    rm -rf setup
    cp -a work setup
}

matrix_reset() {
    rm -rf work
    cp -a setup work
}

matrix_source_is_untouched() {
    cmp -s source.db source.before
}

matrix_setup() {
    matrix_reset
    stopover "$@" >setup.out 2>&1 || { cat setup.out; die "setup: $*"; }
    matrix_keep
}

matrix_phase() {
    stopover status shop --json | sed -n 's/.*"phase": *"\([a-z_]*\)".*/\1/p' | head -1
}

# One position: STOPOVER_FAULT, and what has to hold afterwards. Fails when the fault did not fire.
matrix_try() { # FAULT CHECK COMMAND...
    local fault=$1 check=$2 status
    shift 2
    matrix_reset
    rm -f fault.log
    STOPOVER_FAULT=$fault STOPOVER_FAULT_LOG=$TMPDIR/fault.log stopover "$@" >first.out 2>&1
    status=$?
    fired=$(grep '^fired ' fault.log) || return 1
    case $status in
        137) [ "${fault%%:*}" = kill ] || die "$fault ($fired): exit 137" ;;
        0 | 1 | 3) [ "${fault%%:*}" != kill ] || die "$fault ($fired): exit $status instead of 137" ;;
        *) cat first.out; die "$fault ($fired): exit $status" ;;
    esac
    stopover "$@" >second.out 2>&1 || {
        status=$?
        cat first.out second.out
        die "$fault ($fired): the same command again ended with $status"
    }
    $check || {
        cat first.out second.out
        die "$fault ($fired): $check"
    }
    matrix_source_is_untouched || die "$fault: the source was written to"
}

# Which hits of a named point to try, given how often it is hit: the first and the last of them, of
# both kinds where the mode matches both.
matrix_positions() { # MODE HITS
    if [ "$1" = kill ]; then
        printf '%s\n' 1 2 $(($2 - 1)) "$2"
    else
        printf '%s\n' 1 "$2"
    fi | awk -v hits="$2" '$1 >= 1 && $1 <= hits' | sort -nu
}

matrix_run() { # MODE CHECK COMMAND...
    local mode=$1 check=$2 n=0 kinds point hits tried=0
    shift 2
    matrix_reset
    rm -f fault.log
    STOPOVER_FAULT_LOG=$TMPDIR/fault.log stopover "$@" >first.out 2>&1 || {
        cat first.out
        die "$mode: without a fault: exit $?"
    }
    $check || die "$mode: without a fault: $check"
    if [ "${MATRIX:-}" = every ]; then
        while matrix_try "$mode:$((n + 1))" "$check" "$@"; do n=$((n + 1)); done
        tried=$n
    else
        case $mode in
            fail | fatal) kinds='^before ' ;;
            lose) kinds='^after ' ;;
            *) kinds='^' ;;
        esac
        grep -E "$kinds" fault.log | sed 's/^[a-z]* //' | grep -E "${MATRIX_POINTS:-.}" | sort | uniq -c >points.txt
        while read -r hits point; do
            for n in $(matrix_positions "$mode" "$hits"); do
                matrix_try "$mode:$n:$point" "$check" "$@" || die "$mode:$n:$point did not fire"
                tried=$((tried + 1))
            done
        done <points.txt
    fi
    [ $tried -gt 0 ] || die "$mode: no fault point was reached"
    echo "$mode: $tried fault positions tried: $*"
}

# ---- what is tried ----

matrix_first_run=(run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 4KiB --retry-for 30s --no-archive)

matrix_whole_run() { # MODE
    matrix_begin
    matrix_run "$1" promoted "${matrix_first_run[@]}"
}

matrix_afterwards() { # MODE
    matrix_begin
    matrix_setup "${matrix_first_run[@]}" --stop-after verified
    matrix_run "$1" rolled_back rollback shop --yes
    matrix_run "$1" staged_again stage shop --again --table users
    matrix_setup run shop
    matrix_run "$1" rolled_back rollback shop --yes
    matrix_run "$1" finished finish shop --yes
    matrix_setup rollback shop --yes
    matrix_run "$1" promoted run shop
}

# ---- checks ----

# What a promoted target holds besides what is expected must be kept or ours.
only_kept_besides() { # EXPECTED
    local extra
    extra=$(comm -13 <(oracle_names "$1") <(oracle_names work/target.db) |
        grep -vE '_(retired|undone)_[0-9a-f]{6}$|^stopover_')
    [ -z "$extra" ] || { echo "left in the target: $extra"; return 1; }
}

promoted() {
    [ "$(matrix_phase)" = promoted ] || { echo "phase $(matrix_phase)"; return 1; }
    only_kept_besides expected.db || return 1
    stopover finish shop --yes >finish.out 2>&1 || { cat finish.out; return 1; }
    oracle_equal expected.db work/target.db "after finish"
}

# After `stage --again` the migration is staged once more and goes on.
staged_again() {
    [ "$(matrix_phase)" = staged ] || { echo "phase $(matrix_phase)"; return 1; }
    stopover run shop >run.out 2>&1 || { cat run.out; return 1; }
    promoted
}

finished() {
    oracle_equal expected.db work/target.db "after finish"
}

# sqlite_sequence and statistics tables that SQLite itself keeps are content only by their rows.
rolled_back() {
    [ "$(matrix_phase)" = rolled_back ] || { echo "phase $(matrix_phase)"; return 1; }
    only_kept_besides original.db || return 1
    stopover finish shop --yes >finish.out 2>&1 || { cat finish.out; return 1; }
    oracle_equal original.db work/target.db "after rollback"
}
