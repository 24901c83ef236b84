#!/usr/bin/env bash
# Rollback before and after promotion, finish, stage --again, a second attempt: fail.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_afterwards fail
