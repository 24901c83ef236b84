# shellcheck shell=bash
# The fault matrix: a command is run with its N-th fault point failing, killing the process or losing
# the acknowledgement, for N = 1, 2, 3... until none fires; then the same command is run again without
# a fault and must end as if nothing had happened. One worker, so that the order of points is fixed.
#
#   matrix_begin                         fixtures: source.db, target.db, expected.db, original.db
#   matrix_setup COMMAND...              what has happened before the command under test
#   matrix_run MODE CHECK COMMAND...     the loop; CHECK is a function called after each second run
#
# Everything happens in $TMPDIR: source.db is never written; work/ (target.db and home/) is made anew
# for each N.
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
    cp -a work setup
}

matrix_setup() {
    rm -rf work
    cp -a setup work
    stopover "$@" >setup.out 2>&1 || { cat setup.out; die "setup: $*"; }
    rm -rf setup
    cp -a work setup
}

matrix_phase() {
    stopover status shop --json | sed -n 's/.*"phase": *"\([a-z_]*\)".*/\1/p' | head -1
}

matrix_run() { # MODE CHECK COMMAND...
    local mode=$1 check=$2 n=0 status
    shift 2
    while :; do
        n=$((n + 1))
        rm -rf work fault.log
        cp -a setup work
        STOPOVER_FAULT=$mode:$n STOPOVER_FAULT_LOG=$TMPDIR/fault.log stopover "$@" >first.out 2>&1
        status=$?
        grep -q '^fired ' fault.log || break
        [ "$mode" != kill ] || [ $status -eq 137 ] || die "$mode:$n: exit $status instead of 137"
        case $status in
            0 | 1 | 3 | 137) ;;
            *) cat first.out; die "$mode:$n ($(grep '^fired' fault.log)): exit $status" ;;
        esac
        stopover "$@" >second.out 2>&1 || {
            status=$?
            cat first.out second.out
            die "$mode:$n ($(grep '^fired' fault.log)): the same command again ended with $status"
        }
        $check || {
            cat first.out second.out
            die "$mode:$n ($(grep '^fired' fault.log)): $check"
        }
        cmp -s source.db source.before || die "$mode:$n: the source was written to"
    done
    [ $status -eq 0 ] || { cat first.out; die "$mode: without a fault: exit $status"; }
    [ $n -gt 1 ] || die "$mode: no fault point was reached"
    echo "$mode: $((n - 1)) fault positions tried: $*"
    sort fault.log | uniq -c | sort -k3
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
