# shellcheck shell=bash
# Promotion, the way back and the end under random kills: what is killed or cut is drawn - the program, its
# session, the whole target, the link - at a random moment; the same command is given again until it ends
# well. At each moment exactly one of the two states is live, and the oracle has the last word.
. "$STOPOVER_SUPPORT/pg_e2e.sh"

begin_link() {
    "$BUILD_DIR/support/tcp_proxy" "port.target" "${pg_socket[target]}/.s.PGSQL.${pg_port[target]}" &
    link_pid=$!
    disown
    until [ -s port.target ]; do sleep 0.05; done
    ends=(--from "$(pg_uri source small)" --to "postgresql://postgres@127.0.0.1:$(cat port.target)/small")
}

# Each statement of the exchange takes a moment more, so that kills hit it under its locks.
slow_down() {
    pg_sql target small -o /dev/null <<'SQL'
CREATE SCHEMA slow;
CREATE FUNCTION slow.down() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') LIKE '% control' THEN PERFORM pg_sleep(0.004); END IF;
END $$;
CREATE EVENT TRIGGER slow_down ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'ALTER FUNCTION', 'CREATE VIEW') EXECUTE FUNCTION slow.down();
SQL
}

# Which of the two is live: by rows, through a view from outside, by a function, by what is there at all,
# by what a publication names.
state() {
    pg_sql target small -c "SELECT CASE WHEN bool_and(is_new) THEN 'new' WHEN NOT bool_or(is_new) THEN 'old'
            ELSE 'mixed ' || array_agg(is_new)::text END
        FROM (VALUES ((SELECT count(*) = 400 FROM public.users)), ((SELECT count(*) = 400 FROM outside.emails)),
            ((SELECT count(*) = 300 FROM app.orders)), (to_regclass('app.no_key') IS NOT NULL), (to_regclass('public.parts_ever') IS NULL),
            ((SELECT app.users_in(max(u.state)) >= 0 FROM public.users u)),
            ((SELECT bool_and(r.prrelid = 'public.users'::regclass) = (SELECT count(*) = 400 FROM public.users) FROM pg_publication_rel r))) x(is_new)"
}

# Without values of sequences: after a crash a server leaves some numbers out.
was_live() {
    pg_live target small | grep -v '^sequence .*|'
}

one_state() { # of these
    local found
    found=$(state) || die "trial $trial: the state cannot be asked"
    [[ " $* " = *" $found "* ]] || die "trial $trial: the state is $found, not one of: $*"
}

strike() { # PID OF THE PROGRAM
    case $((RANDOM % 8)) in
        0 | 1) what=program && kill -9 "$1" 2>/dev/null ;;
        2 | 3 | 4) what=session && pg_sql target postgres -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'stopover%control'" 2>/dev/null ;;
        5) what=server && pg_crash target && pg_launch target ;;
        *) what="link" && kill -USR1 "$link_pid" ;;
    esac
    echo "$what" >>strikes
}

# Until it ends well; struck so many times at most.
drive() { # STRIKES COMMAND...
    local left=$1 starts=0 status
    shift
    while :; do
        starts=$((starts + 1))
        [ $starts -lt 30 ] || die "trial $trial: no end after $starts starts: $*"
        "$STOPOVER" "$@" --retry-for 60s >run.out 2>run.err </dev/null &
        driver=$!
        while [ "$left" -gt 0 ]; do
            sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
            kill -0 $driver 2>/dev/null || break
            strike $driver
            left=$((left - 1))
            one_state old new
        done
        wait $driver
        status=$?
        cat run.out run.err >>"trial.$trial.log"
        case $status in
            0) return ;;
            1 | 3 | 137) ;;
            *) cat run.out run.err; die "trial $trial, start $starts: exit $status: $*" ;;
        esac
        one_state old new
    done
}

nothing_of_ours() {
    [ -z "$(pg_read target small -c "SELECT nspname FROM pg_namespace
        WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'")" ] || die "trial $trial: something is left"
}

pg_promotion_kills() { # TRIALS
    local trial
    [ -x "$BUILD_DIR/support/tcp_proxy" ] || die "tcp_proxy is not built"
    pg_pair
    trap 'ended=$?; kill "$link_pid" 2>/dev/null; (exit $ended); pg_on_exit' EXIT
    begin_link
    pg_sql source postgres -c 'CREATE DATABASE small'
    # an unlogged table is empty after a crash of the server, here and in the control copy
    pg_sql source small -o fixture.out -f "$STOPOVER_DATA/pg_small.sql" -c 'DROP TABLE public.cache' || die "the source"
    pg_sql target postgres -c 'CREATE DATABASE small'
    pg_control source small target control || die "the control copy"
    for ((trial = 1; trial <= $1; trial++)); do
        : >strikes
        pg_sql target postgres -c 'DROP DATABASE small WITH (FORCE)' -c 'CREATE DATABASE small'
        pg_sql target small -o fixture.out -f "$STOPOVER_DATA/pg_small_target.sql" || die "the target"
        slow_down
        was_live >before.live
        expect 0 run small "${ends[@]}" --stop-after verified --retry-for 60s
        drive 4 promote small
        phase_is small promoted
        one_state new
        pg_equal target small control || die "trial $trial: what is live is not the source"
        drive 4 rollback small --yes
        phase_is small rolled_back
        one_state old
        was_live >after.live
        diff before.live after.live || die "trial $trial: not as before"
        drive 3 run small
        phase_is small promoted
        one_state new
        drive 3 finish small --yes
        one_state new
        nothing_of_ours
        pg_equal target small control || die "trial $trial: what is live after the end is not the source"
        expect 0 forget small --yes
        echo "trial $trial: $(sort strikes | uniq -c | sort -rn | awk '{ printf "%s%s %s", sep, $1, $2; sep = ", " }')"
    done
}
