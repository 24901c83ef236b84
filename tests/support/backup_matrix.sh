# shellcheck shell=bash
# The fault matrix (matrix.sh) of `backup create` and `backup restore`, with SQLite.
. "$STOPOVER_SUPPORT/matrix.sh"

# A backup that was complete before the kill, and whose journal was gone, is there already: that is
# all that the same command can say.
stopover() {
    local status
    "$STOPOVER" "$@" "${matrix_options[@]}" 2>stopover.err
    status=$?
    cat stopover.err >&2
    if [ "$status $1 ${2:-}" = '5 backup create' ] && grep -q 'already, which is complete' stopover.err; then
        return 0
    fi
    return $status
}

backup_create=(backup create one --from "sqlite:$TMPDIR/source.db" --jobs 1 --chunk-size 4KiB --retry-for 30s)
backup_restore=(backup restore one --to "sqlite:$TMPDIR/work/target.db" --name shop --jobs 1 --retry-for 30s)

# Complete, whole, alone, without a trace of the work; and what it holds is the source.
backed_up() {
    local left
    stopover backup verify one >verify.out 2>&1 || { cat verify.out; return 1; }
    [ "$(ls work/home/repository/backups | wc -l)" -eq 1 ] || { ls work/home/repository/backups; return 1; }
    left=$(find work/home/backups-in-work -type f; find work/home/repository -name 'ledger*' -o -name '*.tmp')
    [ -z "$left" ] || { echo "left behind: $left"; return 1; }
    rm -f work/again.db
    stopover backup restore one --to "sqlite:$TMPDIR/work/again.db" >again.out 2>&1 || { cat again.out; return 1; }
    stopover finish restore-one --yes >finish.out 2>&1 || { cat finish.out; return 1; }
    oracle_equal source.db work/again.db "restored"
}

backup_matrix_create() { # MODE
    rm -rf work source.db original.db
    matrix_begin
    matrix_run "$1" backed_up "${backup_create[@]}"
}

backup_matrix_restore() { # MODE
    rm -rf work source.db original.db
    matrix_begin
    matrix_setup "${backup_create[@]}"
    matrix_run "$1" promoted "${backup_restore[@]}"
}

# The source changes while a backup is interrupted: what was read of it is compared and read again.
backup_matrix_changed() { # MODE
    rm -rf work source.db original.db
    matrix_begin
    matrix_reset
    STOPOVER_FAULT=kill:3:archive.commit stopover "${backup_create[@]}" >setup.out 2>&1
    [ $? -eq 137 ] || { cat setup.out; die "the setup was not killed"; }
    sqlite3 source.db "DELETE FROM big"
    cp source.db source.before
    matrix_keep
    matrix_run "$1" backed_up "${backup_create[@]}"
    grep -q 'changed in the source' first.out || die "nothing was read again"
}

# Preparing a migration makes a backup of what it will replace.
prepared() {
    [ "$(matrix_phase)" = prepared ] || { echo "phase $(matrix_phase)"; return 1; }
    stopover backup verify --all >verify.out 2>&1 || { cat verify.out; return 1; }
    [ "$(ls work/home/repository/backups | wc -l)" -eq 1 ] || { ls work/home/repository/backups; return 1; }
    cmp -s original.db work/target.db || { echo "the target was written to"; return 1; }
}

backup_matrix_prepare() { # MODE
    rm -rf work source.db original.db
    matrix_begin
    matrix_run "$1" prepared prepare shop "${matrix_ends[@]}" --jobs 1 --retry-for 30s
}
