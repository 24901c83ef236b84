#!/usr/bin/env bash
# Rollback before and after promotion, finish, stage --again, a second attempt, every point: lose.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
MATRIX=every matrix_afterwards lose
