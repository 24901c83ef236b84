#include "backup/evidence.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "backup/record.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"

/* What one file says. */
typedef struct Finding {
    CheckLevel level;
    bool is_whole;
    int64_t finished_us;
} Finding;

/* False when it cannot be read: evidence that is lost only means less certainty. */
static bool read_finding(const char *path, Finding *ret)
{
    AUTO_FREE(json_free) Json *record = NULL;
    const char *level = NULL;
    Error ignored = {0};

    if (record_read(path, &record, &ignored) < 0)
        return false;
    level = json_get_string(record, "level");
    ret->finished_us = record_get_time(record, "finished");
    ret->is_whole = json_get_bool(record, "whole", false);
    for (ret->level = CHECK_QUICK; ret->level <= CHECK_DATA; ret->level++)
        if (level != NULL && strcmp(level, check_level_name(ret->level)) == 0)
            return ret->finished_us > 0;
    return false;
}

static void later(int64_t *time_us, int64_t other_us)
{
    if (other_us > *time_us)
        *time_us = other_us;
}

/* The last findings of each level. */
typedef struct Findings {
    int64_t whole_us[CHECK_DATA + 1];
    int64_t damaged_us[CHECK_DATA + 1];
} Findings;

static void add_finding(const Finding *finding, Findings *ret)
{
    later(finding->is_whole ? &ret->whole_us[finding->level] : &ret->damaged_us[finding->level],
          finding->finished_us);
}

/* Damage stands until a later check of its level, or of a stronger one, has found none. */
static void conclude(const Findings *findings, Verification *ret)
{
    int64_t whole_us = 0;

    *ret = (Verification){.data_us = findings->whole_us[CHECK_DATA]};
    for (CheckLevel level = CHECK_DATA; level >= CHECK_QUICK; level--) {
        later(&whole_us, findings->whole_us[level]);
        if (findings->damaged_us[level] >= whole_us &&
            findings->damaged_us[level] > ret->damaged_us) {
            ret->damaged_us = findings->damaged_us[level];
            ret->damaged_level = level;
        }
    }
    ret->quick_us = whole_us;
}

Status evidence_read(const char *directory, Verification *ret, Error *err)
{
    AUTO_FREE_MEMORY char *folder = xasprintf("%s/verify", directory);
    AUTO_TEXT_LIST TextList names = {0};
    Findings findings = {0};

    TRY(directory_list(folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, names.items[i]);
        Finding finding = {0};

        if (read_finding(path, &finding))
            add_finding(&finding, &findings);
    }
    conclude(&findings, ret);
    return STATUS_OK;
}

static Json *damages_json(const CheckReport *report)
{
    Json *list = json_array();

    for (size_t i = 0; i < report->damage_count; i++) {
        Json *damage = json_object();

        json_set_string(damage, "path", report->damages[i].path);
        json_set_string(damage, "object", report->damages[i].object);
        json_set_string(damage, "what", report->damages[i].what);
        json_add(list, damage);
    }
    return list;
}

Status evidence_write(const char *directory, CheckLevel level, const CheckReport *report,
                      int64_t started_us, int64_t finished_us, Error *err)
{
    AUTO_FREE_MEMORY char *folder = xasprintf("%s/verify", directory);
    AUTO_FREE_MEMORY char *path = NULL;
    AUTO_FREE(json_free) Json *record = json_object();
    char when[32];

    json_set_string(record, "level", check_level_name(level));
    json_set_bool(record, "whole", report->damage_total == 0);
    record_set_time(record, "started", started_us);
    record_set_time(record, "finished", finished_us);
    json_set_unsigned(record, "files", report->files);
    json_set_unsigned(record, "segments", report->segments);
    json_set_unsigned(record, "rows", report->rows);
    json_set_unsigned(record, "bytes_read", report->bytes_read);
    json_set_unsigned(record, "damage_total", report->damage_total);
    json_set(record, "damage", damages_json(report));
    TRY(directory_create(folder, err));
    clock_format_compact(finished_us, when, sizeof(when));
    path = xasprintf("%s/%s-%06" PRIx64 ".json", folder, when, random_u64() & 0xFFFFFF);
    return record_write(path, record, err);
}
