# shellcheck shell=bash disable=SC2034
# For e2e scenarios with PostgreSQL: e2e.sh, postgres.sh and pg_oracle.sh together, and
#   pg_pair [SETTING=VALUE...]     clusters "source" and "target", both with these settings
#   pg_fixture FILE [DATABASE]     makes the source's database from tests/data/FILE, and an empty one of
#                                  that name in the target; sets the array ends (--from ... --to ...)
#   pg_remember [DATABASE]         what the target holds now, for
#   pg_untouched [DATABASE]        nothing that is live in the target has changed since
#   pg_nothing_left [DATABASE]     nor is anything of ours left in it
#   pg_verified NAME [DATABASE [FILTER]]   phase verified, staged copy equal, live objects untouched
#   pg_id [DATABASE]               the six digits in the names of the staging schemas
. "$STOPOVER_SUPPORT/postgres.sh"
. "$STOPOVER_SUPPORT/pg_oracle.sh"
. "$STOPOVER_SUPPORT/e2e.sh"

pg_pair() {
    pg_start source "$@"
    pg_start target "$@"
}

pg_ends() { # DATABASE
    ends=(--from "$(pg_uri source "$1")" --to "$(pg_uri target "$1")")
}

pg_fixture() { # FILE [DATABASE]
    local database=${2:-people} role
    pg_sql source postgres -c "CREATE DATABASE $database"
    pg_sql source "$database" -v tables="${PG_TABLES:-100}" -o "$TMPDIR/fixture.out" -f "$STOPOVER_DATA/$1" || die "the source of $1"
    for role in $(pg_sql source postgres -c "SELECT rolname FROM pg_roles WHERE rolname ~ '^people_'"); do
        pg_sql target postgres -c "DO 'BEGIN CREATE ROLE $role; EXCEPTION WHEN duplicate_object THEN END'"
    done
    pg_sql target postgres -c "CREATE DATABASE $database"
    pg_control source "$database" target "control_$database" || die "the control copy"
    pg_ends "$database"
}

pg_remember() {
    pg_live target "${1:-people}" >"$TMPDIR/live.before"
}

pg_untouched() {
    pg_live target "${1:-people}" >"$TMPDIR/live.after"
    cmp -s "$TMPDIR/live.before" "$TMPDIR/live.after" && return
    diff "$TMPDIR/live.before" "$TMPDIR/live.after" | cut -c1-300 | head -20
    die "what is live in the target has changed"
}

pg_id() {
    pg_schemas target "${1:-people}" | sed -n 's/.*_staging_\([0-9a-f]\{6\}\)$/\1/p' | head -1
}

pg_nothing_left() {
    local left
    pg_untouched "$@"
    left=$(pg_read target "${1:-people}" -c "SELECT nspname FROM pg_namespace
        WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")
    [ -z "$left" ] || die "left in the target: $left"
}

pg_verified() { # NAME [DATABASE [FILTER]]
    local database=${2:-people}
    phase_is "$1" verified
    pg_staged_equal target "$database" "control_$database" "${3:-cat}" || die "the staged copy is not equal"
    pg_untouched "$database"
}
