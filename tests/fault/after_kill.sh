#!/usr/bin/env bash
# Rollback before and after promotion, finish, a second attempt, stage --again: kill.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/matrix.sh"
matrix_begin
begin=(run shop "${matrix_ends[@]}" --jobs 1 --chunk-size 4KiB --retry-for 30s)
matrix_setup "${begin[@]}" --stop-after verified
matrix_run kill rolled_back rollback shop --yes
matrix_run kill staged_again stage shop --again --table users
matrix_setup run shop
matrix_run kill rolled_back rollback shop --yes
matrix_run kill finished finish shop --yes
matrix_setup rollback shop --yes
matrix_run kill promoted run shop
