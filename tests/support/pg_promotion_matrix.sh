# shellcheck shell=bash disable=SC2034
# The matrix of pg_matrix.sh continued: promoted, taken back, promoted again, and the end, in a target
# that is in use (tests/data/pg_small_target.sql).
. "$STOPOVER_SUPPORT/pg_matrix.sh"

matrix_target_is_in_use() {
    pg_sql target small -o fixture.out -f "$STOPOVER_DATA/pg_small_target.sql" || die "could not make the target"
    pg_live target small >live.before
    matrix_keep
}

# Keys of other tables may be proven after the promotion itself; a part of them before 18 never is.
outside_is() { # new | old
    local found
    found=$(pg_sql target small -c "SELECT CASE WHEN count(*) = 400 AND min(email) LIKE 'user%' THEN 'new' WHEN count(*) = 30 AND max(email) LIKE 'old%' THEN 'old' ELSE 'mixed' END
        || ' ' || (SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = 'outside.uses'::regclass)
        || ' ' || (SELECT string_agg(prrelid::regclass::text, ',') FROM pg_publication_rel) FROM outside.emails")
    [ "$found" = "$1 true users" ] || { echo "outside: $found, not $1"; return 1; }
}

kept_is() { # ROLE...: of schemas that hold something
    local found
    found=$(pg_read target small -c "SELECT DISTINCT substring(nspname, '_(staging|retired|undone)_[0-9a-f]{6}\$') FROM pg_namespace
        WHERE nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}\$' AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = pg_namespace.oid) ORDER BY 1" | tr '\n' ' ')
    [ "$found" = "$*${*:+ }" ] || { echo "kept: $found, not: $*"; return 1; }
}

# ---- checks ----

promoted() {
    [ "$(matrix_phase)" = promoted ] || { echo "phase $(matrix_phase)"; return 1; }
    pg_equal target small control && outside_is new && kept_is retired
}

taken_back() {
    [ "$(matrix_phase)" = rolled_back ] || { echo "phase $(matrix_phase)"; return 1; }
    outside_is old && live_is_untouched && kept_is undone
}

promoted_again() {
    [ "$(matrix_phase)" = promoted ] || { echo "phase $(matrix_phase)"; return 1; }
    pg_equal target small control && outside_is new && kept_is retired undone
}

all_finished() {
    [ -z "$(pg_read target small -c "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover'")" ] ||
        { echo "the control schema is left"; return 1; }
    nothing_is_staged && pg_equal target small control && outside_is new
}

pg_matrix_promotion() { # MODE
    matrix_begin
    matrix_target_is_in_use
    matrix_setup "${matrix_first_run[@]}"
    matrix_run "$1" promoted promote shop
    matrix_setup promote shop
    matrix_run "$1" taken_back rollback shop --yes
    matrix_setup rollback shop --yes
    [ -n "${PG_MATRIX_SHORT:-}" ] || matrix_run "$1" promoted_again run shop --stop-after promoted
    matrix_setup run shop --stop-after promoted
    matrix_run "$1" all_finished finish shop --yes
    source_is_untouched
}
