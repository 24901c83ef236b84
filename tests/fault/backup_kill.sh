#!/usr/bin/env bash
# Making a backup at each fault point, also when its source changes while it is interrupted: kill.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/backup_matrix.sh"
backup_matrix_create kill
backup_matrix_changed kill
backup_matrix_prepare kill
