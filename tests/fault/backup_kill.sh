#!/usr/bin/env bash
# Making a backup at each fault point of its own, also when its source changes while it is interrupted,
# and when a migration makes it: kill. MATRIX_POINTS=. tries those of all rooms.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/backup_matrix.sh"
MATRIX_POINTS=${MATRIX_POINTS:-^(archive|backup|part|manifest)}
backup_matrix_create kill
backup_matrix_changed kill
backup_matrix_prepare kill
