# shellcheck shell=bash
# Random kills with PostgreSQL: four workers copy while a writer works on the source. What is killed or
# cut is drawn: the program, a session of it on either side, a whole server, the link to either; the
# same command is given again until the copy is verified. Then the staged copy must equal a database
# that went through as many steps as the staged counter says (see pg_steps.sql): a source's state of
# one moment.
. "$STOPOVER_SUPPORT/pg_e2e.sh"

# The servers behind links that can be cut.
begin_link() { # NAME
    "$BUILD_DIR/support/tcp_proxy" "port.$1" "${pg_socket[$1]}/.s.PGSQL.${pg_port[$1]}" &
    link_pid[$1]=$!
    disown
    until [ -s "port.$1" ]; do sleep 0.05; done
    link_uri[$1]="postgresql://postgres@127.0.0.1:$(cat "port.$1")/steps"
}

end_links() {
    local name
    for name in "${!link_pid[@]}"; do kill "${link_pid[$name]}" 2>/dev/null; done
}

# Steps until the file `rest` appears, also over crashes of the server.
write_on() {
    until [ -e rest ]; do
        pg_sql source steps -c 'CALL public.steps(50, 0.004)' >/dev/null 2>&1 || sleep 0.1
    done
}

terminate_session() { # CLUSTER
    pg_sql "$1" postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name LIKE 'stopover%' OR application_name = 'pg_dump' ORDER BY random() LIMIT 1" >/dev/null 2>&1
}

strike() { # PID OF THE PROGRAM
    local side=source
    ((RANDOM % 2 == 0)) || side=target
    case $((RANDOM % 9)) in
        0 | 1) what=program && kill -9 "$1" 2>/dev/null ;;
        2 | 3 | 4) what="session $side" && terminate_session $side ;;
        5) what="server $side" && pg_crash $side && pg_launch $side ;;
        6 | 7) what="link $side" && kill -USR1 "${link_pid[$side]}" ;;
        *) what="silence $side" && kill -USR2 "${link_pid[$side]}" && sleep 1.5 && kill -USR2 "${link_pid[$side]}" ;;
    esac
    echo "$what" >>strikes
}

drive() { # TRIAL: until it is verified
    local starts=0 status delay
    while :; do
        starts=$((starts + 1))
        [ $starts -lt 60 ] || die "trial $1: not verified after $starts starts"
        "$STOPOVER" run steps --from "${link_uri[source]}" --to "${link_uri[target]}" --stop-after verified --jobs 4 \
            --chunk-size 64KiB --max-rate 8MiB --retry-for 60s >run.out 2>run.err </dev/null &
        driver=$!
        # ever longer without a strike, so that it comes to an end while the writer goes on
        while :; do
            delay=$(awk -v s=$RANDOM -v n="$(wc -l <strikes)" 'BEGIN { srand(s); printf "%.2f", 0.2 + rand() * (0.8 + n * 0.3) }')
            sleep "$delay"
            kill -0 $driver 2>/dev/null || break
            strike $driver
        done
        wait $driver
        status=$?
        cat run.out run.err >>"trial.$1.log"
        case $status in
            0) return ;;
            3 | 137) ;;
            *) tail -5 strikes; cat run.out run.err; die "trial $1, start $starts: exit $status" ;;
        esac
    done
}

# The same number of steps, in a database of its own, is what has to be staged.
equals_its_step() { # TRIAL
    local steps id tickets
    id=$(pg_id steps)
    steps=$(pg_sql target steps -c "SELECT n FROM public_staging_$id.counter")
    pg_sql target postgres -c 'DROP DATABASE IF EXISTS control_steps' -c 'CREATE DATABASE control_steps'
    pg_sql target control_steps -o fixture.out -f "$STOPOVER_DATA/pg_steps.sql" -c 'DROP TABLE public.tickets' \
        -c "CALL public.steps($steps, 0)" || die "the control copy"
    tickets=$(pg_sql target steps -c "SELECT (SELECT count(*) FROM public_staging_$id.tickets) = $steps
        AND (SELECT coalesce(max(id), 0) FROM public_staging_$id.tickets) <= (SELECT last_value FROM public_staging_$id.tickets_id_seq)")
    [ "$tickets" = t ] || die "trial $1: tickets are not those of step $steps"
    # the rest without them, in a copy of the database
    pg_sql target postgres -c 'DROP DATABASE IF EXISTS staged_steps' -c 'CREATE DATABASE staged_steps TEMPLATE steps'
    pg_sql target staged_steps -c "DROP TABLE public_staging_$id.tickets"
    pg_staged_equal target staged_steps control_steps || die "trial $1: not the state of step $steps"
    echo "trial $1: step $steps, $(sort strikes | uniq -c | sort -rn | awk '{ printf "%s%s %s %s", sep, $1, $2, $3; sep = ", " }')"
}

pg_random_kills() { # TRIALS
    local trial writer
    declare -gA link_pid=() link_uri=()
    [ -x "$BUILD_DIR/support/tcp_proxy" ] || die "tcp_proxy is not built"
    pg_pair
    trap 'ended=$?; touch "$TMPDIR/rest"; end_links; (exit $ended); pg_on_exit' EXIT
    begin_link source
    begin_link target
    pg_sql source postgres -c 'CREATE DATABASE steps'
    pg_sql source steps -o fixture.out -f "$STOPOVER_DATA/pg_steps.sql" || die "the source"
    pg_sql target postgres -c 'CREATE DATABASE steps'
    pg_remember steps
    for ((trial = 1; trial <= $1; trial++)); do
        : >strikes
        rm -f rest
        write_on &
        writer=$!
        drive $trial
        touch rest
        wait $writer
        phase_is steps verified
        pg_untouched steps
        equals_its_step $trial
        expect 0 rollback steps --retry-for 60s
        expect 0 finish steps --yes
        expect 0 forget steps --yes
        pg_nothing_left steps
        pg_sql source postgres -c 'DROP DATABASE steps WITH (FORCE)' -c 'CREATE DATABASE steps'
        pg_sql source steps -o fixture.out -f "$STOPOVER_DATA/pg_steps.sql" || die "the source"
    done
}
