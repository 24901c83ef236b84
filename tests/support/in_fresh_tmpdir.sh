#!/usr/bin/env bash
# in_fresh_tmpdir.sh NAME COMMAND...
# Runs one test with TMPDIR set to a new folder: removed when the test passes, kept when it fails.
# The path stays short, because unix sockets live below it, and open, because servers under another
# user do so too. In memory where there is room: what is tested is the death of programs, not of
# machines, and thousands of runs wait for every fsync of a real disk.
set -u
name=$1
shift
base=/tmp
free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
if [ -w /dev/shm ] && [ "${free:-0}" -gt 2000000 ]; then base=/dev/shm; fi
TMPDIR=$(mktemp -d "$base/stopover-${name//\//-}.XXXXXX") || exit 1
chmod 755 "$TMPDIR"
export TMPDIR

"$@"
status=$?
if [ $status -eq 0 ] || [ $status -eq 77 ]; then
    rm -rf "$TMPDIR"
elif rmdir "$TMPDIR" 2>/dev/null; then
    : # nothing was left there to look at
else
    echo "kept for a look: $TMPDIR" >&2
fi
exit $status
