# shellcheck shell=bash disable=SC2034
# Servers of several majors side by side. Sourced after pg_e2e.sh; fetches what is not in the cache.
#   pg_major_start NAME MAJOR [SETTING=VALUE...]   a new cluster of this major; ends the test as skipped
#                                           where such a server cannot be had
#   pg_major_fixture NAME FIXTURE           database FIXTURE there, from tests/data/pg_FIXTURE.sql or
#                                           what this major knows of it
#   pg_major_move SOURCE TARGET FIXTURE [OPTION...]   staged and verified, compared, taken back
# $pg_chunk_size is that of what is moved. pg_dump_major is that of the pg_dump which the program will
# find: newer sources are beyond it.
. "$STOPOVER_SUPPORT/pg_fetch.sh"
declare -A pg_major=()
pg_majors=(12 13 14 15 16 17 18)
pg_dump_major=$("$pg_default_bin/pg_dump" --version | sed 's/.* \([0-9]*\).*/\1/')

pg_npm_version() { # MAJOR
    case $1 in
        12) echo 12.22.0-beta.15 ;;
        13) echo 13.23.0-beta.16 ;;
        14) echo 14.23.0-beta.17 ;;
        15) echo 15.18.0-beta.17 ;;
        16) echo 16.14.0-beta.17 ;;
        17) echo 17.10.0-beta.17 ;;
        18) echo 18.4.0-beta.17 ;;
    esac
}

pg_major_start() { # NAME MAJOR SETTING=VALUE...
    local name=$1 major=$2
    shift 2
    pg_newer_server "$(pg_npm_version "$major")" || { echo "skipped: no PostgreSQL $major"; exit 77; }
    pg_start "$name" prefix="$pg_prefix" "$@"
    pg_major[$name]=$major
}

# What is refused, left behind or belongs to all databases is not in these: that has its own tests.
pg_major_text() { # MAJOR FIXTURE
    perl "$STOPOVER_SUPPORT/pg_older.pl" "$1" <"$STOPOVER_DATA/pg_$2.sql" | if [ "$2" != shapes ]; then cat; else
        sed "s/, t regclass DEFAULT 'public.orders'::regclass//; s/r regclass\[\] DEFAULT [^,]*, //
            s/ USING heap2//; /^CREATE ACCESS METHOD /d; /^CREATE PUBLICATION /d; /^CREATE SUBSCRIPTION /d
            /^CREATE FOREIGN /d; /^CREATE SERVER /d; /^CREATE USER MAPPING /d; /ON LARGE OBJECT /d
            /^[A-Z]* EVENT TRIGGER /d; /^SELECT lo_create/d"
    fi
}

pg_major_fixture() { # NAME FIXTURE
    local name=$1 fixture=$2
    pg_major_text "${pg_major[$name]}" "$fixture" >"$TMPDIR/$fixture.sql" || die "the text of $fixture"
    pg_sql "$name" postgres -c "CREATE DATABASE $fixture"
    PGOPTIONS='-c client_min_messages=warning' pg_sql "$name" "$fixture" -o /dev/null -f "$TMPDIR/$fixture.sql" ||
        die "$fixture does not load into PostgreSQL ${pg_major[$name]}"
}

pg_major_roles() { # TARGET
    pg_sql "$1" postgres -c "DO 'BEGIN CREATE ROLE people_reader; EXCEPTION WHEN duplicate_object THEN END'"
}

pg_major_move() { # SOURCE TARGET FIXTURE OPTION...
    local source=$1 target=$2 fixture=$3 name=$3_$1_$2
    shift 3
    pg_major_roles "$target"
    pg_sql "$target" postgres -c "CREATE DATABASE $fixture"
    # an extension's schema would be made for it, and stay with it
    [ "$fixture" != shapes ] || pg_sql "$target" "$fixture" -c 'CREATE SCHEMA app'
    pg_control "$source" "$fixture" "$target" control || die "the control copy"
    pg_live "$target" "$fixture" >live.before
    expect 0 run "$name" --from "$(pg_uri "$source" "$fixture")" --to "$(pg_uri "$target" "$fixture")" \
        --stop-after verified --chunk-size "${pg_chunk_size:-256KiB}" "$@"
    phase_is "$name" verified
    [ "$fixture" != shapes ] || pg_bodies_may_say="users\.id IS NULL|'public\.orders'|\\\$ public\.orders "
    pg_staged_equal "$target" "$fixture" control || die "the staged copy in $target is not equal"
    pg_live "$target" "$fixture" >live.after
    cmp live.before live.after || die "what is live has changed"
    expect 0 rollback "$name"
    expect 0 finish "$name" --yes
    pg_live "$target" "$fixture" >live.after
    cmp live.before live.after || die "rollback and finish left another target"
    pg_sql "$target" postgres -c "DROP DATABASE $fixture" -c 'DROP DATABASE control'
    echo "$fixture: PostgreSQL ${pg_major[$source]} into ${pg_major[$target]}"
}
