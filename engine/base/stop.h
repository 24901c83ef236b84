/*
 * The wish to stop: SIGINT, SIGTERM and SIGHUP set it once; what is under way ends at the next
 * chunk, is recorded, and the run returns STATUS_STOPPED. A second signal ends the process at once
 * with 128 + signal: the journal and the ledger make that safe.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

void stop_install(void);       /* handlers for the three, but nohup's SIGHUP; ignores SIGPIPE */
void stop_request(void);       /* as if a signal had come */
bool stop_requested(void);     /* async-signal-safe, any thread */
void stop_reset(void);         /* for tests */
Status stop_check(Error *err); /* STATUS_OK or STATUS_STOPPED with a message */
