#!/usr/bin/env bash
# Several commands on one repository at once: they wait for each other for moments, and never hurt
# each other. What must stay is there at every look, whole.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
repo=$STOPOVER_HOME/repository
make_backup=$BUILD_DIR/support/make_backup
day=86400
rounds=2

names() { # of all that are complete, in order
    "$STOPOVER" backup list --json >list.json 2>/dev/null || die "list failed: $(cat list.json)"
    sqlite3 :memory: "SELECT group_concat(json_extract(value, '\$.name'), ' ')
                      FROM json_each(readfile('list.json'), '\$.backups')
                      WHERE json_extract(value, '\$.status') = 'complete'"
}

history() { # 6 of a series, a day apart
    rm -rf "$repo"
    for age in 6 5 4 3 2 1; do
        "$make_backup" "$repo" "d$age" sqlite:shop $((age * day)) || die "make_backup"
    done
}

finish() { # PID... : all must end well; otherwise what they said is shown
    local pid
    for pid in "$@"; do
        wait "$pid" || { cat ./*.log >&2; die "process $pid: exit $?"; }
    done
}

nothing_is_damaged() {
    expect 0 backup verify --all
    [ "$(names)" = "$1" ] || die "left are \"$(names)\", not \"$1\""
}

# ---- many begin at once: no two get the same number, none is refused for a clock ----
for i in 1 2 3 4 5 6 7 8; do
    "$make_backup" "$repo" "p$i" "sqlite:$i" 0 2>"p$i.log" &
    pids[i]=$!
done
finish "${pids[@]}"
[ "$(names | wc -w)" -eq 8 ] || die "not 8 backups: $(names)"
[ "$(ls "$repo/backups" | cut -d- -f2 | sort -u | wc -l)" -eq 8 ] || die "a number is used twice"

# ---- two prunes ----
for ((round = 0; round < rounds; round++)); do
    history
    "$STOPOVER" backup prune --keep-last 2 --apply --yes --purge >1.log 2>&1 &
    first=$!
    "$STOPOVER" backup prune --keep-last 2 --apply --yes --purge >2.log 2>&1 &
    finish $first $!
    nothing_is_damaged 'd2 d1'
done

# ---- a prune and a delete of what it would remove, and of what it would keep ----
for ((round = 0; round < rounds; round++)); do
    for victim in d5 d1; do
        history
        "$STOPOVER" backup prune --keep-last 2 --apply --yes >1.log 2>&1 &
        first=$!
        "$STOPOVER" backup delete $victim --yes >2.log 2>&1
        status=$?
        finish $first
        [ $status -eq 0 ] || [ $status -eq 10 ] || die "delete: exit $status: $(cat 2.log)"
        case "$victim $(names)" in
        'd5 d2 d1') ;;                         # whichever came first
        'd1 d2' | 'd1 d3 d2') ;;               # after the prune, or before it
        *) die "$victim deleted, left are \"$(names)\"" ;;
        esac
        expect 0 backup verify --all
    done
done

# ---- looking and verifying while things go and come back ----
history
(
    for ((i = 0; i < 8; i++)); do
        # what is being verified stays, and so is not in the trash
        "$STOPOVER" backup prune --keep-last 2 --apply --yes >prune.log 2>&1 || exit 1
        for name in d3 d4 d5; do
            "$STOPOVER" backup undelete $name >undelete.log 2>&1 || [ $? -eq 10 ] || exit 1
        done
        "$STOPOVER" backup unpin d1 >unpin.log 2>&1 || exit 1
        "$STOPOVER" backup pin d1 --reason "round $i" >pin.log 2>&1 || exit 1
    done
) &
changing=$!
(
    for ((i = 0; i < 8; i++)); do
        "$STOPOVER" backup verify --all >verify.log 2>&1 || exit 1
    done
) &
verifying=$!
while kill -0 $changing 2>/dev/null; do
    case "$(names)" in
    *'d2 d1') ;;
    *) die "a look saw \"$(names)\"" ;;
    esac
done
finish $changing $verifying
says_not damaged
expect 0 backup verify --all

# ---- one is being made: it is not touched, and does not keep others waiting ----
history
mkfifo hold
"$make_backup" "$repo" now sqlite:shop 0 hold <hold >held 2>&1 &
maker=$!
exec 9>hold
until grep -q held held; do sleep 0.05; done
expect 0 backup prune --keep-last 1 --apply --yes --lock-wait 0
says '^refuse +now .*in progress'
expect 11 backup delete now --yes
says 'being made'
expect 11 backup verify now
expect 0 backup list
says '^now .*running'
exec 9>&-
finish $maker
expect 0 backup list
says '^now .*incomplete'
nothing_is_damaged d1

# ---- the same with a real one: pruned, looked at and begun twice while it is made ----
history
sqlite3 -batch big.db "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
    INSERT INTO t SELECT i, hex(randomblob(100)) FROM n" || die "big.db"
live=(backup create live --from sqlite:big.db --jobs 1 --chunk-size 16KiB)
"$STOPOVER" "${live[@]}" --max-rate 50KiB >live.log 2>&1 &
maker=$!
for ((i = 0; i < 600; i++)); do
    "$STOPOVER" backup list >look.log 2>&1 || die "list: $(cat look.log)"
    grep -qE '^live .*running, [1-9]' look.log && break
    kill -0 $maker 2>/dev/null || { cat live.log; die "it ended before anybody saw it"; }
    sleep 0.05
done
grep -qE '^live .*running, [1-9]' look.log || die "no progress is shown: $(cat look.log)"
expect 0 backup prune --keep-last 1 --apply --yes
says '^refuse +live .*in progress'
expect 11 "${live[@]}"
expect 11 backup delete live --yes
expect 0 backup list
says '^live .*running'
kill -INT $maker
wait $maker
[ $? -eq 3 ] || { cat live.log; die "it was not stopped"; }
expect 0 backup list
says '^live .*incomplete, [0-9]+ %'
expect 0 backup prune --keep-last 1 --apply --yes
expect 0 "${live[@]}" --max-rate 0
nothing_is_damaged 'd1 live'
