#!/usr/bin/env bash
# Several processes work on one repository, and are killed at random: whatever is cut off, what must
# stay stays whole, and at the end one command of each kind works again.
# timeout: 300
set -u
cd "$TMPDIR" || exit 1
repo=$TMPDIR/repository
make_backup=$BUILD_DIR/support/make_backup
seconds=${KILL_SECONDS:-10}
RANDOM=${KILL_SEED:-1}

die() {
    echo "FAILED: $*" >&2
    cat ./*.log >&2 2>/dev/null
    exit 1
}

options=(--repo "$repo" --home "$TMPDIR/home" --quiet)

stopover() {
    "$STOPOVER" "$@" "${options[@]}"
}

"$make_backup" "$repo" pinned sqlite:shop 864000 || die "setup"
"$make_backup" "$repo" other sqlite:other 863000 || die "setup"
stopover backup pin pinned --reason 'must stay' >/dev/null || die "setup"

# One worker: a command of some kind, killed before its end now and then.
work() { # NUMBER
    local number=$1 round=0 end=$((SECONDS + seconds)) name pid command
    RANDOM=$((RANDOM + number))
    while [ $SECONDS -lt $end ]; do
        name=w$number-$((round++))
        case $((RANDOM % 8)) in
            0 | 1 | 2) command=("$make_backup" "$repo" "$name" "sqlite:$((RANDOM % 2))" 0) ;;
            3) command=("$make_backup" "$repo" "$name" sqlite:shop 0 bare) ;;
            4) command=("$STOPOVER" backup prune --keep-last 2 --apply --yes "${options[@]}") ;;
            5) command=("$STOPOVER" backup prune --keep-last 2 --purge --apply --yes "${options[@]}") ;;
            6) command=("$STOPOVER" backup delete latest-failed --yes "${options[@]}") ;;
            7) command=("$STOPOVER" backup verify other --level quick "${options[@]}") ;;
        esac
        "${command[@]}" >"work$number.log" 2>&1 &
        pid=$!
        if ((RANDOM % 2)); then
            sleep 0.0$((RANDOM % 60))
            kill -9 $pid 2>/dev/null
        fi
        wait $pid 2>/dev/null
    done
}

# Every look shows the two, and nothing that is damaged.
watch() {
    local end=$((SECONDS + seconds))
    while [ $SECONDS -lt $end ]; do
        stopover backup list --json >look.json 2>look.log || return 1
        sqlite3 :memory: "SELECT json_extract(value, '\$.name') || ' ' || json_extract(value, '\$.status')
                          FROM json_each(readfile('look.json'), '\$.backups')" >look.txt
        grep -qx 'pinned complete' look.txt || return 1
        grep -qx 'other complete' look.txt || return 1
        ! grep -q ' damaged' look.txt || return 1
    done
}

for number in 1 2 3; do
    work $number 2>/dev/null &
done
watch || { cat look.txt; die "a look saw what must not be"; }
wait

stopover backup verify --all >verify.log 2>&1 || die "something is damaged"
"$make_backup" "$repo" last sqlite:shop 0 || die "nothing can be made any more"
stopover backup prune --keep-last 1 --purge --apply --yes >prune.log 2>&1 || die "nothing can be pruned any more"
stopover backup list --json >look.json || die "list"
for name in pinned other last; do
    grep -q "\"name\":\"$name\"" look.json || die "$name is lost"
done
stopover backup list --trash | grep -q 'the trash is empty' || die "the trash is not empty"
[ -z "$(find "$repo/backups" -name '.new-*')" ] || die "a beginning that was cut off is left"
[ "$(grep -o '"sequence":[0-9]*' look.json | sort | uniq -d | wc -l)" -eq 0 ] || die "a number is used twice"
