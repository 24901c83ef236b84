#!/usr/bin/env bash
# A disk that is full, or breaks, under a backup that is being made: exit 3 or 1 with the next step,
# and after the repair the same command makes it whole.
# label: soak
# timeout: 1800
set -u
. "$STOPOVER_SUPPORT/backup_matrix.sh"
# A sanitizer must be loaded first, and would not be.
if ldd "$STOPOVER" | grep -qE 'lib(asan|tsan)'; then exit 77; fi
matrix_begin

try() { # FILE ERROR NTH
    matrix_reset
    rm -f disk.log
    LD_PRELOAD=$BUILD_DIR/support/libfaultfs.so FAULTFS_MATCH=$1 FAULTFS_ERROR=$2 FAULTFS_NTH=$3 \
        FAULTFS_LOG=$TMPDIR/disk.log stopover "${backup_create[@]}" --retry-for 1s >first.out 2>&1
}
backup_create=(backup create one --from "sqlite:$TMPDIR/source.db" --jobs 1 --chunk-size 4KiB)

for file in repository/backups/ ledger.db data/ manifest.json; do
    for error in ENOSPC EIO; do
        try "$file" "$error" 1000000 || { cat first.out; die "$file $error: without a fault"; }
        calls=$(wc -c <disk.log)
        [ "$calls" -gt 0 ] || die "$file $error: no calls seen"
        step=$((calls / ${BACKUP_DISK_TRIES:-40} + 1))
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
            stopover "${backup_create[@]}" >second.out 2>&1 || {
                cat first.out second.out
                die "$file $error:$n: the same command again failed"
            }
            backed_up || { cat first.out second.out; die "$file $error:$n"; }
        done
        echo "$file $error: every ${step}th of $calls calls"
    done
done
