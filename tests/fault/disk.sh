#!/usr/bin/env bash
# A disk that is full, or breaks, under the target, the journal, or the source: exit 3 or 1 with the next
# step, and after the repair the same command ends as if nothing had happened.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
# A sanitizer must be loaded first, and would not be.
if ldd "$STOPOVER" | grep -qE 'lib(asan|tsan)'; then exit 77; fi
matrix_begin
begin=(run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 16KiB --retry-for 1s)

try() { # FILE ERROR NTH
    rm -rf work disk.log
    cp -a setup work
    LD_PRELOAD=$BUILD_DIR/support/libfaultfs.so FAULTFS_MATCH=$1 FAULTFS_ERROR=$2 FAULTFS_NTH=$3 \
        FAULTFS_LOG=$TMPDIR/disk.log stopover "${begin[@]}" >first.out 2>&1
}

for file in target.db journal.db source.db; do
    for error in ENOSPC EIO EREAD; do
        [ "$file" != source.db ] || [ "$error" = EREAD ] || continue # a source is never written to
        try "$file" "$error" 1000000 || { cat first.out; die "$file $error: without a fault"; }
        calls=$(wc -c <disk.log)
        [ "$calls" -gt 20 ] || die "$file $error: only $calls calls seen"
        step=$((calls / 25 + 1))
        for ((n = 1; n <= calls; n += step)); do
            try "$file" "$error" "$n"
            status=$?
            case $status in
                0) [ $n -gt 1 ] || die "$file $error: a disk that always fails goes unnoticed" ;;
                1 | 3)
                    grep -q '^hint: ' first.out || { cat first.out; die "$file $error:$n: no next step"; }
                    [ "$error" != ENOSPC ] || [ $status -eq 3 ] || { cat first.out; die "$file $error:$n: exit 1"; }
                    ;;
                *) cat first.out; die "$file $error:$n: exit $status" ;;
            esac
            stopover "${begin[@]}" >second.out 2>&1 || {
                cat first.out second.out
                die "$file $error:$n: the same command again failed"
            }
            promoted || { cat first.out second.out; die "$file $error:$n"; }
        done
        echo "$file $error: every ${step}th of $calls calls"
    done
done
cmp source.db source.before || die "the source was written to"
