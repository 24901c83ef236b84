#!/usr/bin/env bash
# Making a backup at each fault point, also when its source changes while it is interrupted, and when a
# migration makes it: fail.
# label: soak
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/backup_matrix.sh"
backup_matrix_create fail
backup_matrix_changed fail
backup_matrix_prepare fail
