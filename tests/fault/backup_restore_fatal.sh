#!/usr/bin/env bash
# Restoring a backup at each fault point: fatal.
# label: soak
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/backup_matrix.sh"
backup_matrix_restore fatal
