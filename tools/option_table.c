#include "tools/options.h"

#include "engine/base/log.h"

static const OptionChoice levels[] = {
    {"none", VERIFY_NONE, false},
    {"count", VERIFY_COUNT, false},
    {"sample", VERIFY_SAMPLE, false},
    {"full", VERIFY_FULL, true},
    {0},
};

static const OptionChoice phases[] = {
    {"prepared", PHASE_PREPARED, false},
    {"staged", PHASE_STAGED, false},
    {"verified", PHASE_VERIFIED, false},
    {"promoted", PHASE_PROMOTED, false},
    {0},
};

static const OptionChoice log_formats[] = {
    {"text", LOG_FORMAT_TEXT, false},
    {"json", LOG_FORMAT_JSON, false},
    {0},
};

#define FIELD(member) offsetof(Options, member)
#define KIB           UINT64_C(1024)
#define GIB           (KIB * KIB * KIB)
#define COPYING       "run plan prepare stage verify promote rollback finish"

/* clang-format off */
const OptionRow option_rows[] = {
    {.name = "from", .argument = "SOURCE", .kind = OPTION_URI, .field = FIELD(from),
     .commands = "run plan prepare",
     .help = "where the data comes from: postgresql://..., sqlite:PATH, or env:VARIABLE"},
    {.name = "to", .argument = "TARGET", .kind = OPTION_URI, .field = FIELD(to),
     .commands = "run plan prepare",
     .help = "where it goes: postgresql://..., sqlite:PATH (made when missing), or env:VARIABLE"},
    {.name = "table", .short_name = 't', .argument = "PATTERN", .kind = OPTION_LIST,
     .field = FIELD(tables), .commands = "run plan prepare stage",
     .help = "only tables whose name matches; with stage --again: those to copy again"},
    {.name = "exclude-table", .argument = "PATTERN", .kind = OPTION_LIST,
     .field = FIELD(exclude_tables), .commands = "run plan prepare",
     .help = "leave out tables whose name matches"},
    {.name = "schema", .argument = "PATTERN", .kind = OPTION_LIST, .field = FIELD(schemas),
     .commands = "run plan prepare", .help = "only tables in schemas whose name matches"},
    {.name = "with-owner", .kind = OPTION_FLAG, .field = FIELD(with_owner),
     .commands = "run plan prepare",
     .help = "new tables and schemas keep their owner (roles must exist in the target)"},
    {.name = "with-acl", .kind = OPTION_FLAG, .field = FIELD(with_acl),
     .commands = "run plan prepare",
     .help = "grants go along (roles must exist in the target)"},
    {.name = "schema-only", .kind = OPTION_FLAG, .field = FIELD(schema_only),
     .commands = "run plan prepare", .help = "structure without rows"},
    {.name = "data-only", .kind = OPTION_FLAG, .field = FIELD(data_only),
     .commands = "run plan prepare",
     .help = "rows into the tables that the target has: their structure there is kept"},
    {.name = "verify", .argument = "LEVEL", .kind = OPTION_CHOICE, .field = FIELD(level),
     .choices = levels, .commands = "run plan prepare stage",
     .help = "none, count, or sample (the default): what promotion asks for"},
    {.name = "stop-after", .argument = "PHASE", .kind = OPTION_CHOICE,
     .field = FIELD(stop_after), .choices = phases, .commands = "run",
     .help = "end early: prepared, staged or verified"},
    {.name = "dry-run", .kind = OPTION_FLAG, .field = FIELD(dry_run), .commands = "run",
     .help = "only say what would be done, as `stopover plan` does"},
    {.name = "accept-stale-source", .kind = OPTION_FLAG, .field = FIELD(accept_stale_source),
     .commands = "run promote",
     .help = "promote although the source was written to since its snapshot"},
    {.name = "lock-timeout", .argument = "MS", .kind = OPTION_NUMBER,
     .field = FIELD(lock_timeout_ms), .minimum = 1, .maximum = 60000,
     .commands = "run promote rollback",
     .help = "how long one try to lock live tables may keep others waiting (PostgreSQL; 300)"},
    {.name = "promote-deadline", .argument = "TIME", .kind = OPTION_DURATION,
     .field = FIELD(promote_deadline_s), .minimum = 1, .maximum = 30 * UINT64_C(86400),
     .commands = "run promote rollback",
     .help = "how long to try for these locks, for example 30s or 10m (the default)"},
    {.name = "when-file", .argument = "PATH", .kind = OPTION_TEXT, .field = FIELD(when_file),
     .commands = "run promote",
     .help = "when all is ready, wait until this file exists, and only then promote"},
    {.name = "now", .kind = OPTION_FLAG, .field = FIELD(now), .commands = "run promote",
     .help = "promote without waiting for the file of an earlier --when-file"},
    {.name = "again", .kind = OPTION_FLAG, .field = FIELD(again), .commands = "stage",
     .help = "copy tables again (all, or those of --table) under a new snapshot"},
    {.name = "watch", .kind = OPTION_FLAG, .field = FIELD(watch), .commands = "status",
     .help = "show it again and again until the run ends"},
    {.name = "jobs", .short_name = 'j', .argument = "N", .kind = OPTION_NUMBER,
     .field = FIELD(jobs), .minimum = 1, .maximum = 256, .commands = COPYING " verify",
     .help = "how many workers copy or compare at once"},
    {.name = "chunk-size", .argument = "BYTES", .kind = OPTION_BYTES,
     .field = FIELD(chunk_bytes), .minimum = 256, .maximum = 64 * GIB, .commands = COPYING,
     .help = "about how much one transaction copies, for example 16MiB"},
    {.name = "max-rate", .argument = "BYTES", .kind = OPTION_BYTES, .field = FIELD(max_rate),
     .minimum = 0, .maximum = 1024 * GIB, .commands = COPYING,
     .help = "copy at most this much a second; 0 for no limit"},
    {.name = "retry-for", .argument = "TIME", .kind = OPTION_DURATION,
     .field = FIELD(retry_for_s), .minimum = 0, .maximum = 30 * UINT64_C(86400),
     .commands = COPYING " verify promote rollback finish stop",
     .help = "how long to try again what may pass, for example 90s or 10m"},

    {.name = "home", .argument = "DIR", .kind = OPTION_TEXT, .field = FIELD(home),
     .help = "where migrations are recorded ($STOPOVER_HOME, ~/.local/state/stopover)"},
    {.name = "json", .kind = OPTION_FLAG, .field = FIELD(json),
     .help = "the result as one JSON document on stdout, also on failure"},
    {.name = "quiet", .short_name = 'q', .kind = OPTION_FLAG, .field = FIELD(quiet),
     .help = "no progress, only warnings and errors"},
    {.name = "verbose", .short_name = 'v', .kind = OPTION_FLAG, .field = FIELD(verbose),
     .help = "say more; status: every table and its evidence"},
    {.name = "log-format", .argument = "FORMAT", .kind = OPTION_CHOICE,
     .field = FIELD(log_format), .choices = log_formats,
     .help = "messages on stderr as text (the default) or json lines"},
    {.name = "yes", .short_name = 'y', .kind = OPTION_FLAG, .field = FIELD(yes),
     .help = "confirm what would be asked: rollback after promotion, finish, forget"},
    {.name = "help", .short_name = 'h', .kind = OPTION_FLAG, .field = FIELD(help),
     .help = "this page"},
    {.name = "version", .kind = OPTION_FLAG, .field = FIELD(version),
     .help = "the version of this program"},

    {.name = "backup", .argument = "NAME", .kind = OPTION_NOT_YET, .commands = "run rollback"},
    {0},
};
/* clang-format on */
