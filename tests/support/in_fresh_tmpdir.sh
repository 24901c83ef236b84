#!/usr/bin/env bash
# in_fresh_tmpdir.sh NAME COMMAND...
# Runs one test with TMPDIR set to a new folder: removed when the test passes, kept when it fails.
# The path stays short, because unix sockets live below it, and open, because servers under another
# user do so too.
set -u
name=$1
shift
TMPDIR=$(mktemp -d "/tmp/stopover-${name//\//-}.XXXXXX") || exit 1
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
