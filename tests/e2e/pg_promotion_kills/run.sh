#!/usr/bin/env bash
# The process dies, fails, or loses the answer at each point of a promotion, of the way back and of the
# end: always one of the two states is live, and the same command goes on.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair
pg_sql source postgres -c 'CREATE DATABASE people'
pg_sql source people -o /dev/null <<'SQL' || die "the source"
CREATE TABLE a (id integer PRIMARY KEY, words text);
INSERT INTO a SELECT n, 'new' FROM generate_series(1, 10) n;
CREATE TABLE b (id serial PRIMARY KEY, a integer REFERENCES a);
INSERT INTO b (a) SELECT n FROM generate_series(1, 10) n;
CREATE VIEW v AS SELECT words FROM a;
SQL
pg_sql target postgres -c 'CREATE DATABASE people'
pg_sql target people -o /dev/null <<'SQL' || die "the target"
CREATE TABLE a (id integer PRIMARY KEY, words text);
INSERT INTO a SELECT n, 'old' FROM generate_series(1, 10) n;
CREATE TABLE outside (a integer REFERENCES a);
INSERT INTO outside VALUES (1);
CREATE VIEW w AS SELECT words FROM a;
SQL
pg_ends people
pg_remember

is_live() { # new | old
    local found
    found=$(pg_sql target people -c "SELECT (SELECT min(words) || max(words) FROM a) || (SELECT min(words) || max(words) FROM w)
        || coalesce(to_regclass('public.b')::text, '') || coalesce(to_regclass('public.v')::text, '')
        || (SELECT bool_and(c.convalidated) FROM pg_constraint c WHERE c.conrelid = 'outside'::regclass)") || die "the live tables"
    case $1 in
    new) [ "$found" = newnewnewnewbvtrue ] ;;
    old) [ "$found" = oldoldoldoldtrue ] ;;
    esac
}

state() { # which of the two is live; after an interruption the outside key may be unproven still
    pg_sql target people -c "SELECT min(words) || max(words) FROM a"
}

faulty() { # MODE:N POINT COMMAND...
    local fault=$1:$2 status
    shift 2
    STOPOVER_FAULT=$fault "$STOPOVER" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null
    status=$?
    [[ $fault != kill:* || $status -eq 137 ]] || die "not killed: $fault"
    [ $status -eq 0 ] || [ $status -eq 137 ] || [ $status -eq 1 ] || [ $status -eq 3 ] || die "exit $status: $fault"
    case $(state) in newnew | oldold) ;; *) die "neither of the two states: $fault" ;; esac
}

faults=(kill:1 kill:2 fail:1 fatal:1 lose:1)
expect 0 run shop "${ends[@]}" --stop-after verified
for fault in "${faults[@]}"; do
    for point in promote_begin promote_lock promote_commit complete; do
        faulty "$fault" "postgres.$point" promote shop
        expect 0 promote shop
        phase_is shop promoted
        is_live new || die "not promoted after $fault at $point"
        point=${point/promote/swap_back}
        faulty "$fault" "postgres.$point" rollback shop --yes
        expect 0 rollback shop --yes
        phase_is shop rolled_back
        is_live old || die "not taken back after $fault at $point"
        expect 0 run shop --stop-after verified
    done
done
pg_untouched
for fault in "${faults[@]}"; do
    for point in finish finish_drop finished; do
        expect 0 run shop "${ends[@]}"
        expect 0 rollback shop --yes
        expect 0 run shop
        faulty "$fault" "postgres.$point" finish shop --yes
        expect 0 finish shop --yes
        is_live new || die "what is live went with finish after $fault at $point"
        [ -z "$(pg_read target people -c "SELECT nspname FROM pg_namespace
            WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")" ] || die "left after $fault at $point"
        expect 0 forget shop --yes
        pg_sql target people -o /dev/null -c 'UPDATE a SET words = words' # the next one retires these
    done
done
echo "always one of the two states"
