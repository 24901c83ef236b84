# shellcheck shell=bash
# For e2e scenarios: runs the program as a user would, in $TMPDIR, and checks what it says.
#   expect EXIT ARGUMENT...     runs stopover; out and err are kept in $TMPDIR/out and $TMPDIR/err
#   says PATTERN / says_not     extended regular expression over out and err
#   one_error                   err holds exactly one "error:" line, and a hint
#   phase_is NAME PHASE
#   json_is EXPRESSION VALUE    over the document in out, for example '$.status.phase'
. "$STOPOVER_SUPPORT/oracle.sh"

cd "$TMPDIR" || exit 1
export STOPOVER_HOME=$TMPDIR/home
export NO_COLOR=1

die() {
    echo "FAILED: $*" >&2
    for file in out err; do
        [ -s "$TMPDIR/$file" ] && { echo "--- $file"; cat "$TMPDIR/$file"; }
    done >&2
    exit 1
}

expect() {
    local wanted=$1 status
    shift
    "$STOPOVER" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
    status=$?
    [ $status -eq "$wanted" ] || die "exit $status instead of $wanted: stopover $*"
    ! grep -qE 'Sanitizer|runtime error' "$TMPDIR/err" || die "sanitizer: stopover $*"
}

says() {
    cat "$TMPDIR/out" "$TMPDIR/err" | grep -qE -- "$1" || die "nothing says: $1"
}

says_not() {
    ! cat "$TMPDIR/out" "$TMPDIR/err" | grep -qE -- "$1" || die "something says: $1"
}

one_error() {
    [ "$(grep -c '^error: ' "$TMPDIR/err")" -eq 1 ] || die "not exactly one error"
    [ "$(grep -c '^hint: ' "$TMPDIR/err")" -eq 1 ] || die "not exactly one hint"
}

json_is() {
    local value
    value=$(sqlite3 :memory: "SELECT json_extract(readfile('$TMPDIR/out'), '$1')") || die "not JSON"
    [ "$value" = "$2" ] || die "$1 is \"$value\", not \"$2\""
}

phase_is() {
    expect 0 status "$1" --json
    json_is '$.status.phase' "$2"
}

no_migration() {
    [ ! -e "$STOPOVER_HOME/migrations/$1" ] || die "migration $1 was left behind"
}

sample_databases() {
    sqlite3 -batch a.db <"$STOPOVER_DATA/everything_source.sql" || die "source"
    sqlite3 -batch b.db <"$STOPOVER_DATA/everything_target.sql" || die "target"
    cp a.db a.before
    cp b.db b.before
    oracle_expect a.db expected.db || die "expected"
}

# Runs stopover and checks that its memory stays within 64 MiB + 16 MiB per worker + 4 times the
# largest row, whatever the size (kilobytes). Sanitizers need more: there only the exit code counts.
expect_within() { # JOBS LARGEST_ROW_KB EXIT ARGUMENT...
    local limit=$((65536 + 16384 * $1 + 4 * $2)) jobs=$1 wanted=$3 status peak
    shift 3
    "$BUILD_DIR/support/peak" "$TMPDIR/peak" "$STOPOVER" "$@" --jobs "$jobs" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
    status=$?
    [ $status -eq "$wanted" ] || die "exit $status instead of $wanted: stopover $*"
    peak=$(cat "$TMPDIR/peak")
    echo "memory: $peak kB of $limit kB: stopover $*"
    ldd "$STOPOVER" | grep -qE 'lib(asan|tsan)' || [ "$peak" -le $limit ] || die "$peak kB, more than $limit kB"
}
