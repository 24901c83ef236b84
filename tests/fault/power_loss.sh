#!/usr/bin/env bash
# The power fails at each fault point, and all that had not been flushed is lost.
# label: soak
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/power_loss.sh"
power_loss 0
