#!/usr/bin/env bash
# Rollback before and after promotion, finish, stage --again, a second attempt: fatal.
# label: soak
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_afterwards fatal
