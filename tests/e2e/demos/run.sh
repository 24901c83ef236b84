#!/usr/bin/env bash
# Both demonstrations, with the program that is under test: they end well, compare what they moved, and
# leave what they say.
# timeout: 300
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
demo=$STOPOVER_SUPPORT/../../tools/demo

play() { # ARGUMENT...
    STOPOVER=$STOPOVER "$demo" "$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null || die "demo $*: exit $?"
    ! grep -qE 'Sanitizer|runtime error' "$TMPDIR/err" "$TMPDIR/out" || die "sanitizer: demo $*"
    says 'promoted'
    says 'rolled back: what was live before is live again'
    says 'source [0-9a-f]{16}  target [0-9a-f]{16}'
    says_not 'they differ'
}

play "$TMPDIR/files"
[ -s "$TMPDIR/files/live.db" ] || die "the databases are not left"
expect 0 status shop --json --home "$TMPDIR/files/home"
json_is '$.status.phase' promoted
play "$TMPDIR/files" # its own directory is replaced, no other
mkdir "$TMPDIR/other"
touch "$TMPDIR/other/mine"
! "$demo" "$TMPDIR/other" >"$TMPDIR/out" 2>"$TMPDIR/err" || die "it takes a directory that is not its own"
[ -e "$TMPDIR/other/mine" ] || die "it has removed what is not its own"

ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { echo "no PostgreSQL server"; exit 0; }
play --postgres "$TMPDIR/servers"
says 'others waited'
[ -s "$TMPDIR/servers/before.sql" ] && [ -s "$TMPDIR/servers/after.sql" ] || die "the dumps are not left"
grep -q 'state AS ENUM' "$TMPDIR/servers/after.sql" || die "the dump is not of what is live"
! grep -q '_retired_' "$TMPDIR/servers/after.sql" || die "the dump holds what is kept"
expect 0 status shop --json --home "$TMPDIR/servers/home"
json_is '$.status.phase' promoted
! ps -eo args | grep -q '[s]topover-demo[.].*/pg/' || die "a server still runs"
echo "both demonstrations hold"
