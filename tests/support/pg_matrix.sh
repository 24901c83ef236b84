# shellcheck shell=bash disable=SC2034
# The fault matrix of matrix.sh between two PostgreSQL clusters: tests/data/pg_small.sql into an empty
# database. Each try begins with the target's files as they were, so that it is the same database, and
# ends in the oracle.
. "$STOPOVER_SUPPORT/postgres.sh"
. "$STOPOVER_SUPPORT/pg_oracle.sh"
. "$STOPOVER_SUPPORT/matrix.sh"

# The points that other databases share are tried with SQLite, too: here only in the soak test.
MATRIX_POINTS=${MATRIX_POINTS-^postgres}

# The control copy stays as it is; the structure says what a dump says.
pg_control_stays=yes

matrix_begin() {
    pg_start source
    pg_start target autovacuum=off
    pg_sql source postgres -c 'CREATE DATABASE small'
    pg_sql source small -o fixture.out -f "$STOPOVER_DATA/pg_small.sql" || die "could not make the source"
    pg_sql target postgres -c 'CREATE DATABASE small'
    pg_control source small target control || die "could not make the control copy"
    pg_live target small >live.before
    pg_source_content >source.before
    matrix_ends=(--from "$(pg_uri source small)" --to "$(pg_uri target small)")
    matrix_first_run=(run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 8KiB --retry-for 30s --stop-after verified --no-archive)
    mkdir -p work/home
    matrix_keep
}

pg_source_content() {
    pg_schemas source small >source.schemas
    : >none.sed
    pg_structure source small source.schemas none.sed
    pg_contents source small source.schemas none.sed
}

matrix_keep() {
    pg_stop target
    rm -rf setup
    cp -a work setup
    cp -a "${pg_data[target]}" setup/data
    pg_launch target
}

matrix_reset() {
    pg_crash target
    rm -rf work "${pg_data[target]}"
    cp -a setup work
    mv work/data "${pg_data[target]}"
    pg_launch target
}

# Once at the end is enough.
matrix_source_is_untouched() {
    true
}

source_is_untouched() {
    pg_source_content | cmp -s - source.before || die "the source was written to"
}

live_is_untouched() {
    pg_live target small >live.after
    cmp -s live.before live.after || {
        echo "what is live in the target has changed"
        diff live.before live.after | head
        return 1
    }
}

nothing_is_staged() {
    ! pg_schemas target small | grep -E '_(staging|retired|undone)_[0-9a-f]{6}$'
}

# ---- checks ----

verified() {
    [ "$(matrix_phase)" = verified ] || { echo "phase $(matrix_phase)"; return 1; }
    live_is_untouched && pg_staged_equal target small control
}

staged_again() {
    [ "$(matrix_phase)" = staged ] || { echo "phase $(matrix_phase)"; return 1; }
    stopover run shop --stop-after verified >run.out 2>&1 || { cat run.out; return 1; }
    verified
}

rolled_back() {
    [ "$(matrix_phase)" = rolled_back ] || { echo "phase $(matrix_phase)"; return 1; }
    nothing_is_staged && live_is_untouched || return 1
    stopover finish shop --yes >finish.out 2>&1 || { cat finish.out; return 1; }
    finished
}

finished() {
    [ -z "$(pg_read target small -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover'")" ] ||
        { echo "the control schema is left"; return 1; }
    nothing_is_staged && live_is_untouched
}

# ---- what is tried ----

pg_matrix_run() { # MODE
    matrix_begin
    matrix_run "$1" verified "${matrix_first_run[@]}"
    source_is_untouched
}

pg_matrix_afterwards() { # MODE
    matrix_begin
    matrix_setup "${matrix_first_run[@]}"
    matrix_run "$1" rolled_back rollback shop
    matrix_run "$1" staged_again stage shop --again --table users
    matrix_setup rollback shop
    matrix_run "$1" finished finish shop --yes
    source_is_untouched
}
