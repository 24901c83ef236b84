#!/usr/bin/env bash
# The commands over a repository: list, show, verify, pin, prune, delete, undelete; what they refuse,
# and their exit codes.
set -u
. "$STOPOVER_SUPPORT/e2e.sh"
repo=$STOPOVER_HOME/repository
day=86400

make() { # NAME SERIES SECONDS_AGO [HOW]
    "$BUILD_DIR/support/make_backup" "$repo" "$@" >/dev/null || die "make_backup $*"
}

directory_of() { # NAME
    "$STOPOVER" backup show "$1" --json >show.json || die "show $1"
    sqlite3 :memory: "SELECT json_extract(readfile('show.json'), '\$.backup.directory')"
}

listed() { # NAME...: exactly these, in this order
    local names
    "$STOPOVER" backup list --json >list.json 2>/dev/null || die "list"
    names=$(sqlite3 :memory: "SELECT group_concat(json_extract(value, '\$.name'), ' ')
                              FROM json_each(readfile('list.json'), '\$.backups')")
    [ "$names" = "$*" ] || die "listed are \"$names\", not \"$*\""
}

# ---- nothing there yet ----
expect 0 backup list
says 'there are no backups'
[ ! -e "$STOPOVER_HOME" ] || die "looking made something"
expect 10 backup list --repo "$TMPDIR/nowhere"
one_error
expect 10 backup show latest
expect 10 backup prune --keep-last 1

# ---- words ----
expect 2 backup
expect 2 backup lst
says 'backup list'
expect 2 backup prune
says 'no rule says'
expect 2 backup prune --keep-last 0
expect 2 backup prune --keep-last 1 --apply --dry-run
expect 2 backup verify
expect 2 backup verify x --all
expect 2 backup verify x --level restore
says 'not supported yet'
expect 2 backup delete
for command in list show verify pin unpin prune delete undelete; do
    expect 0 backup "$command" --help
    says 'Exit codes'
done

# ---- list and show ----
make old sqlite:shop $((40 * day))
make mid sqlite:shop $((3 * day))
make other sqlite:other $((2 * day))
make new sqlite:shop 3600
MIGRATION=move make cut sqlite:shop 1800 cut
make bare sqlite:shop 900 bare
listed old mid other new cut bare
expect 0 backup list
says '^NAME +CREATED +AGE +KIND +SCOPE +STORED +STATUS +PIN$'
says '^old .* [0-9-]+T[0-9:]+Z .*complete'
says 'cut .*incomplete \(can be gone on with\) +run:move'
says 'bare .*complete'
expect 0 backup list --json
json_is '$.backups[4].status' incomplete
json_is '$.backups[4].resumable' 1
json_is '$.backups[4].pins[0].migration' move
json_is '$.backups[0].stored_bytes' 24
json_is '$.command' 'backup list'
expect 0 backup list --series sqlite:other --json
json_is '$.backups[0].name' other
expect 10 backup list --series nonsense
says 'The series there are: "sqlite:shop", "sqlite:other"'
expect 10 backup prune --series nonsense --keep-last 1
expect 0 backup list --latest 1 --json
json_is '$.backups[0].name' bare
expect 0 backup show latest
says '^backup +bare$'
expect 0 backup show latest-failed
says '^backup +cut$'
expect 10 backup show nothing
says 'bare, cut, new, other, mid and 1 more'
mkdir "$repo/backups/lost+found"
expect 0 backup list
says 'lost\+found.*left alone'
rmdir "$repo/backups/lost+found"

# ---- verify, with evidence ----
expect 0 backup verify new
says '^new: whole: '
expect 0 backup verify --all --level quick
says 'cut is incomplete: not verified'
expect 5 backup verify cut
expect 0 backup list --json
json_is '$.backups[3].verified.level' data
json_is '$.backups[0].verified.level' quick
directory=$(directory_of mid)
chmod u+w "$directory/schema/README.txt"
printf X | dd of="$directory/schema/README.txt" bs=1 seek=3 conv=notrunc 2>/dev/null
expect 0 backup verify mid --level quick
expect 4 backup verify mid
one_error
says 'mid: damaged: schema/README\.txt'
expect 4 backup verify --all
says '1 of 5 backups are damaged'
expect 0 backup list --json
json_is '$.backups[1].damaged.level' data
expect 0 backup verify mid --level quick # by size it is whole: that does not take the damage back
expect 0 backup list
says '^mid .*damaged, data'
chmod u+w "$directory/manifest.json"
sed -i 's/shop: 2 files/shop: 3 files/' "$directory/manifest.json"
expect 4 backup verify mid
expect 0 backup list
says '^mid .* damaged '
says 'warning: mid: '
expect 4 backup verify mid --level quick --json
json_is '$.backups[0].whole' 0

# ---- pins ----
expect 0 backup pin old --reason 'before the audit'
says 'user-1'
expect 0 backup pin old --for 1s
says 'until'
expect 0 backup list
says 'user-1 \(before the audit\)'
expect 5 backup delete old --yes
says 'pinned by user-1 \(before the audit\)'
expect 5 backup unpin cut
says 'pinned by migrations only'
expect 10 backup unpin old --pin user-7
expect 5 backup unpin cut --pin run-move
says 'needs a confirmation'
expect 5 backup delete latest-failed --yes
says 'run:move'

# ---- prune ----
expect 0 backup prune --keep-last 1
says 'nothing was changed'
says '^refuse +old .*pinned by user-1'
says '^refuse +cut .*can be gone on with'
says '^remove +new '
listed old mid other new cut bare
expect 0 backup prune --keep-last 1 --json
json_is '$.dry_run' 1
json_is '$.groups[0].series' sqlite:other
json_is '$.groups[0].keep[0].name' other
json_is '$.groups[1].remove[0].name' new
expect 5 backup prune --keep-last 1 --apply
says 'needs a confirmation'
listed old mid other new cut bare
expect 5 backup prune --keep-within 60s --apply --yes # would empty both series
says 'sqlite:other'
listed old mid other new cut bare
expect 0 backup prune --keep-last 1 --apply --yes
says '^removed +new '
listed old mid other cut bare
expect 0 backup list --json
says '"directory":"[^"]*-bare"' # and no .partial behind it
expect 0 backup undelete new
listed old mid other new cut bare
expect 0 backup unpin old
sleep 1 # the other pin expires
expect 0 backup prune --keep-last 2 --apply --yes
listed mid other new cut bare
expect 0 backup prune --purge --apply --yes
says 'freed now'
expect 10 backup undelete old

# ---- delete ----
expect 2 backup delete latest --yes
listed mid other new cut bare
expect 5 backup delete new
says 'needs a confirmation'
expect 0 backup delete new --yes --json
json_is '$.backup' new
expect 0 backup list --trash
says '\-new '
expect 0 backup delete mid --yes # damaged: by name it can go
expect 0 backup unpin cut --pin run-move --yes
expect 0 backup delete latest-failed --purge --yes
listed other bare
expect 0 backup list --trash
says 'the trash is empty'
expect 5 backup delete bare
says 'the last good one of its series'

# ---- a migration of this home needs it ----
sample_databases
expect 0 run shop --from sqlite:a.db --to sqlite:b.db --stop-after prepared
expect 0 status shop --json
name=$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.status.backup')")
expect 0 backup show "$name"
says '^pinned by +run:shop$'
says '^needed by +shop$'
expect 5 backup delete "$name" --yes
says 'pinned by run:shop'
expect 5 backup unpin "$name"
expect 5 backup unpin "$name" --pin run-shop --yes
says 'still needs this backup'
rm "$(directory_of "$name")/pins/run-shop.json" # the journal remembers, too
expect 5 backup delete "$name" --yes
says 'needed by migration "shop"'
expect 0 rollback shop --yes
expect 0 finish shop --yes
expect 0 backup delete "$name" --yes

# ---- who forgets a migration that has changed nothing yet needs its backup no more ----
expect 0 run later --from sqlite:a.db --to sqlite:b.db --stop-after prepared
expect 0 status later --json
name=$(sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.status.backup')")
expect 0 backup show "$name"
says '^pinned by +run:later$'
expect 0 forget later --yes
expect 0 backup show "$name"
says_not 'run:later'

# ---- after a run, older backups of migrations of the same tables go; those of people stay ----
cp b.before again.db
expect 0 backup create by-hand --from "sqlite:$TMPDIR/again.db"
for round in 1 2 3 4; do
    expect 0 run "round$round" --from sqlite:a.db --to "sqlite:$TMPDIR/again.db" --table users
    [ "$round" -lt 4 ] || says 'round1_.* is removed: the last 3'
    [ "$round" -eq 4 ] || says_not 'is removed'
    expect 0 finish "round$round" --yes
done
expect 0 backup show by-hand
expect 0 backup list
says_not '^round1_'
says '^round2_'
says '^round4_'
expect 0 backup list --trash
says 'round1_'

# ---- other places ----
expect 0 backup list --repo "$repo"
chmod 755 "$repo"
expect 0 backup list
says 'chmod 700'
chmod 700 "$repo"
echo '{"format": 2, "id": "00"}' >"$repo/repo.json"
expect 5 backup list
says 'newer'
mkdir things
touch things/photo.jpg
"$BUILD_DIR/support/make_backup" "$TMPDIR/things" x sqlite:shop 0 2>err && die "made one among other things"
grep -q 'not empty' err || die "says nothing of it"
exit 0
