# shellcheck shell=bash
# Throw-away PostgreSQL clusters for tests, by shell. To be sourced; needs $TMPDIR (else makes one).
#
#   pg_start NAME [SETTING=VALUE...]   a new cluster, running; it listens on a unix socket only
#   pg_stop NAME | pg_crash NAME       fast shutdown | immediate one, as after a crash
#   pg_restart NAME [SETTING=VALUE...] starts it again, stopping it when it runs; with more settings
#   pg_uri NAME DATABASE [USER]        its address (postgresql://...)
#   pg_sql NAME DATABASE [PSQL-OPTION...]   psql, quiet, unaligned, stops at errors; SQL on stdin
#   pg_dump_of NAME DATABASE [OPTION...]    pg_dump of the cluster's own version, else of the newest
#   pg_tool NAME PROGRAM [ARGUMENT...] a program of the cluster's version, as the server's user
#
# Special settings: tcp=on listens on 127.0.0.1 too, on a port of its own (pg_port[NAME]);
# hba=FILE takes the rules for clients from FILE; prefix=DIR uses the server below DIR (bin, lib,
# share); data=DIR keeps the data there; encoding=NAME and locale=NAME for initdb. As root, servers
# run as user postgres. $PG_SOURCE and $PG_TARGET are such a DIR for the clusters "source" and "target",
# so that any scenario can be tried with servers of other versions. All of them end with the script,
# however that ends; data stays in $TMPDIR, which in_fresh_tmpdir.sh keeps when a test fails. What
# these arrays say is for reading only:
declare -A pg_bin=() pg_data=() pg_socket=() pg_port=() pg_pid=() pg_library=()

pg_fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Where the server's programs are: the newest that Debian has installed, else by PATH.
pg_find_bin() {
    local directory best=
    for directory in /usr/lib/postgresql/*/bin; do
        if [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ]; then
            if [ -z "$best" ] || [ "$(basename "$(dirname "$directory")")" -gt \
                "$(basename "$(dirname "$best")")" ]; then best=$directory; fi
        fi
    done
    [ -n "$best" ] || best=$(dirname "$(command -v initdb)" 2>/dev/null)
    [ -n "$best" ] && [ -x "$best/initdb" ] || return 1
    echo "$best"
}

pg_as_user=()
if [ "$(id -u)" -eq 0 ]; then
    pg_user=postgres
    id -u postgres >/dev/null 2>&1 || pg_user=nobody
    pg_as_user=(setpriv "--reuid=$(id -u $pg_user)" "--regid=$(id -g $pg_user)" --clear-groups)
fi

pg_default_bin=$(pg_find_bin) || {
    echo "skipped: no PostgreSQL server is installed"
    exit 77
}

# A folder that the server's user owns and can reach.
pg_folder() { # PATH
    mkdir -p "$1" || pg_fail "could not make $1"
    if [ "$(id -u)" -eq 0 ]; then chown "$pg_user" "$1"; fi
}

# Both kinds of addresses share the port: one nobody listens on.
pg_free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo $port
}

pg_tool() { # NAME PROGRAM ARGUMENT...
    local name=$1 program=$2
    shift 2
    env ${pg_library[$name]:+LD_LIBRARY_PATH=${pg_library[$name]}} HOME=/ \
        "${pg_as_user[@]}" "${pg_bin[$name]}/$program" "$@"
}

# Settings that PostgreSQL itself knows go to the end of its file: the last one counts.
pg_configure() { # NAME SETTING=VALUE...
    local name=$1 setting value
    shift
    for setting in "$@"; do
        value=${setting#*=}
        case ${setting%%=*} in
            tcp)
                pg_port[$name]=$(pg_free_port)
                printf "listen_addresses = '127.0.0.1'\nport = %s\n" "${pg_port[$name]}"
                ;;
            hba)
                cp "$value" "${pg_data[$name]}/pg_hba.conf"
                chmod a+r "${pg_data[$name]}/pg_hba.conf"
                ;;
            prefix | data | encoding | locale) ;;
            *) printf "%s = '%s'\n" "${setting%%=*}" "${value//\'/\'\'}" ;;
        esac
    done >>"${pg_data[$name]}/postgresql.conf"
}

pg_start() { # NAME SETTING=VALUE...
    local name=$1 setting encoding=UTF8 locale=C.UTF-8
    shift
    [ -z "${pg_data[$name]:-}" ] || pg_fail "cluster $name is there already"
    pg_bin[$name]=$pg_default_bin
    pg_data[$name]=${TMPDIR:?}/pg/$name
    pg_port[$name]=5432
    case $name in
        source) [ -z "${PG_SOURCE:-}" ] || set -- "prefix=$PG_SOURCE" "$@" ;;
        target) [ -z "${PG_TARGET:-}" ] || set -- "prefix=$PG_TARGET" "$@" ;;
    esac
    for setting in "$@"; do
        case $setting in
            prefix=*)
                pg_bin[$name]=${setting#*=}/bin
                pg_library[$name]=${setting#*=}/lib
                ;;
            data=*) pg_data[$name]=${setting#*=} ;;
            encoding=*) encoding=${setting#*=} ;;
            locale=*) locale=${setting#*=} ;;
        esac
    done
    chmod a+x "$TMPDIR"
    pg_folder "$TMPDIR/pg"
    # socket paths are limited to 107 bytes
    pg_socket[$name]=$(mktemp -d /tmp/sp.XXXXXX) || pg_fail "no folder for sockets"
    pg_folder "${pg_socket[$name]}"
    chmod 755 "${pg_socket[$name]}"
    pg_tool "$name" initdb -D "${pg_data[$name]}" -U postgres --auth=trust --no-sync \
        --encoding="$encoding" --locale="$locale" >"$TMPDIR/initdb.$name.log" 2>&1 || {
        cat "$TMPDIR/initdb.$name.log"
        pg_fail "initdb of $name"
    }
    pg_configure "$name" "unix_socket_directories=${pg_socket[$name]}" listen_addresses= fsync=off \
        full_page_writes=off shared_buffers=32MB max_connections=50 max_wal_size=256MB \
        log_timezone=UTC timezone=UTC "log_line_prefix=%m [%p] %a " log_min_messages=notice "$@"
    pg_launch "$name"
}

# The postmaster is a child of this shell and dies with it, also when this shell is killed.
pg_launch() { # NAME
    local name=$1 tries log=${TMPDIR:?}/server.$1.log
    env ${pg_library[$name]:+LD_LIBRARY_PATH=${pg_library[$name]}} \
        "${pg_as_user[@]:-setpriv}" --pdeathsig QUIT "${pg_bin[$name]}/postgres" -D "${pg_data[$name]}" \
        >>"$log" 2>&1 </dev/null &
    pg_pid[$name]=$!
    disown
    for ((tries = 0; tries < 1200; tries++)); do
        if pg_sql "$name" postgres -c "SELECT 1" >/dev/null 2>&1; then return; fi
        kill -0 "${pg_pid[$name]}" 2>/dev/null || break
        sleep 0.05
    done
    tail -20 "$log"
    pg_fail "server $name did not start"
}

pg_is_running() { # NAME
    [ -n "${pg_pid[$1]:-}" ] && kill -0 "${pg_pid[$1]}" 2>/dev/null
}

pg_end() { # NAME SIGNAL
    local tries
    pg_is_running "$1" || return 0
    kill "-$2" "${pg_pid[$1]}" 2>/dev/null
    for ((tries = 0; tries < 600; tries++)); do
        pg_is_running "$1" || return 0
        sleep 0.05
    done
    kill -QUIT "${pg_pid[$1]}" 2>/dev/null
    sleep 1
    ! pg_is_running "$1"
}

pg_stop() {
    pg_end "$1" INT
}

pg_crash() {
    pg_end "$1" QUIT
}

pg_restart() { # NAME SETTING=VALUE...
    pg_stop "$1"
    pg_configure "$@"
    pg_launch "$1"
}

pg_uri() { # NAME DATABASE [USER]
    echo "postgresql://${3:-postgres}@/$2?host=${pg_socket[$1]}&port=${pg_port[$1]}"
}

pg_sql() { # NAME DATABASE PSQL-OPTION...
    local name=$1 database=$2
    shift 2
    psql -XqAt -v ON_ERROR_STOP=1 -d "$(pg_uri "$name" "$database")" "$@"
}

pg_dump_of() { # NAME DATABASE OPTION...
    local name=$1 database=$2 program=pg_dump
    shift 2
    if [ -x "${pg_bin[$name]}/pg_dump" ]; then program=${pg_bin[$name]}/pg_dump; fi
    env ${pg_library[$name]:+LD_LIBRARY_PATH=${pg_library[$name]}} "$program" -d "$(pg_uri "$name" "$database")" "$@"
}

pg_cleanup() {
    local name
    for name in "${!pg_pid[@]}"; do pg_crash "$name"; done
    for name in "${!pg_socket[@]}"; do rm -rf "${pg_socket[$name]}"; done
}

pg_own_tmpdir=
if [ -z "${TMPDIR:-}" ]; then
    TMPDIR=$(mktemp -d /tmp/stopover-pg.XXXXXX) || exit 1
    export TMPDIR
    pg_own_tmpdir=$TMPDIR
    chmod 755 "$TMPDIR"
fi
pg_on_exit() {
    local status=$?
    pg_cleanup
    [ -z "$pg_own_tmpdir" ] || rm -rf "$pg_own_tmpdir"
    exit $status
}
trap pg_on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
