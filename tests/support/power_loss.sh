# shellcheck shell=bash
# The fault matrix with the power failing (libpowerloss.c) at each fault point: what had not been
# flushed by then is lost, all of it (seed 0) or here and there; the same command then ends as if
# nothing had happened.
#
#   power_loss SEED            while a backup is made, and during a migration
#   power_loss_restore SEED    while a backup is restored
. "$STOPOVER_SUPPORT/backup_matrix.sh"
# A sanitizer must be loaded first, and would not be.
if ldd "$STOPOVER" | grep -qE 'lib(asan|tsan)'; then exit 77; fi

# In the runs with a fault only.
eval "with_power() $(declare -f stopover | tail -n +2)"
stopover() {
    if [ -z "${STOPOVER_FAULT:-}" ]; then
        with_power "$@"
        return
    fi
    rm -rf stash && mkdir stash
    LD_PRELOAD=$BUILD_DIR/support/libpowerloss.so POWERLOSS_BELOW=$TMPDIR/work POWERLOSS_STASH=$TMPDIR/stash \
        POWERLOSS_SEED=$seed with_power "$@"
}

power_loss() { # SEED
    seed=$1
    echo "seed $seed"
    backup_matrix_create kill
    rm -rf work source.db original.db
    matrix_whole_run kill
}

power_loss_restore() { # SEED
    seed=$1
    backup_matrix_restore kill
}
