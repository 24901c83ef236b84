#!/usr/bin/env bash
# A disk that is full, or breaks, under the repository, while each of its commands works there: exit
# 3 or 1 with the next step, nothing lost, and after the repair the same command does it.
# timeout: 600
set -u
# A sanitizer must be loaded first, and would not be.
if ldd "$STOPOVER" | grep -qE 'lib(asan|tsan)'; then exit 77; fi
cd "$TMPDIR" || exit 1
make_backup=$BUILD_DIR/support/make_backup

die() {
    echo "FAILED: $*" >&2
    cat first.out second.out >&2 2>/dev/null
    exit 1
}

stopover() {
    "$STOPOVER" "$@" --repo "$TMPDIR/work/repository" --home "$TMPDIR/work/home" --quiet
}

for age in 4 3 2 1; do
    "$make_backup" "$TMPDIR/setup/repository" "d$age" sqlite:shop $((age * 86400)) || die "setup"
done
cp -a setup work
stopover backup delete d4 --yes >/dev/null || die "setup"
rm -rf setup
mv work setup

# d2 and d1 are there and whole, whatever happened; d3 unless the command removes it.
nothing_is_lost() { # NAME...
    local name
    stopover backup verify --all >verify.out 2>&1 || { cat verify.out; die "$what: something is damaged"; }
    for name in "$@"; do
        grep -q "^$name: whole" verify.out || { cat verify.out; die "$what: $name is lost"; }
    done
}

try() { # ERROR NTH COMMAND...
    local error=$1 nth=$2
    shift 2
    rm -rf work disk.log
    cp -a setup work
    LD_PRELOAD=$BUILD_DIR/support/libfaultfs.so FAULTFS_MATCH=work/repository/ FAULTFS_ERROR=$error \
        FAULTFS_NTH=$nth FAULTFS_LOG=$TMPDIR/disk.log "$@" >first.out 2>&1
}

every_call() { # LEAST AGAIN COMMAND...: AGAIN is the exit code of doing it once more after it was done
    local least=$1 again=$2 error calls n status
    shift 2
    for error in ENOSPC EIO; do
        what="$* $error"
        try "$error" 1000000 "$@" || die "$what: without a fault"
        calls=$(wc -c <disk.log)
        [ "$calls" -ge "$least" ] || die "$what: only $calls calls seen"
        for ((n = 1; n <= calls; n++)); do
            what="$* $error:$n of $calls"
            try "$error" "$n" "$@"
            status=$?
            case $status in
                0) [ "$n" -gt 1 ] || [ "$least" -eq 0 ] || die "$what: goes unnoticed" ;;
                1 | 3)
                    [ "$1" != stopover ] || grep -q '^hint: ' first.out || die "$what: no next step"
                    [ "$error" != ENOSPC ] || [ $status -eq 3 ] || die "$what: exit 1"
                    ;;
                *) die "$what: exit $status" ;;
            esac
            nothing_is_lost d2 d1
            "$@" >second.out 2>&1
            status=$?
            [ $status -eq 0 ] || [ $status -eq "$again" ] || die "$what: again: exit $status"
            nothing_is_lost d2 d1
        done
        echo "$* $error: $calls calls"
    done
}

every_call 3 0 stopover backup pin d2 --reason 'what for'
every_call 0 0 stopover backup verify d2 # what cannot be recorded is only warned of
every_call 3 0 stopover backup prune --keep-last 2 --apply --yes --purge
every_call 3 10 stopover backup delete d3 --purge --yes
every_call 3 10 stopover backup undelete d4
every_call 8 5 "$make_backup" "$TMPDIR/work/repository" new sqlite:shop 0
