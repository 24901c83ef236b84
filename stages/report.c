#include "stages/report.h"

#include "engine/base/log.h"

enum {
    SHOWN_OF_A_KIND = 50, /* with 10,000 tables nobody reads 10,000 notes */
};

static void report_severity(const Findings *findings, Severity severity)
{
    size_t shown = 0;
    size_t all = findings_count(findings, severity);

    for (size_t i = 0; i < findings->count && shown < SHOWN_OF_A_KIND; i++) {
        const Finding *finding = &findings->items[i];
        const char *object = finding->object != NULL ? finding->object : "";
        const char *separator = finding->object != NULL ? ": " : "";

        if (finding->severity != severity)
            continue;
        shown++;
        if (severity == FINDING_NOTE)
            log_info("note: %s%s%s", object, separator, finding->message);
        else
            log_warn("%s%s%s%s%s%s", severity == FINDING_REFUSAL ? "refused: " : "", object,
                     separator, finding->message, finding->remedy != NULL ? ". " : "",
                     finding->remedy != NULL ? finding->remedy : "");
    }
    if (all > shown)
        log_info("... and %zu more like these", all - shown);
}

void report_findings(const Findings *findings)
{
    report_severity(findings, FINDING_NOTE);
    report_severity(findings, FINDING_WARNING);
    report_severity(findings, FINDING_REFUSAL);
}

void report_warnings(const Findings *findings)
{
    report_severity(findings, FINDING_WARNING);
}

Status refuse_phase(const JournalRecord *record, const char *stage, const char *needs,
                    const char *first, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "%s needs a migration that is %s; \"%s\" is %s", stage,
                     needs, record->identity.migration, phase_name(record->phase));
    error_hint(err, "Run `stopover %s %s` first.", first, record->identity.migration);
    return STATUS_INVALID;
}
