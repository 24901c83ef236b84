#include "engine/flow/findings.h"

#include <stdarg.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

void findings_add(Findings *findings, Severity severity, const char *object, const char *remedy,
                  const char *format, ...)
{
    AUTO_TEXT Text message = {0};
    va_list arguments;

    va_start(arguments, format);
    text_append_arguments(&message, format, arguments);
    va_end(arguments);
    GROW(findings->items, findings->count, findings->capacity);
    findings->items[findings->count++] = (Finding){
        .severity = severity,
        .object = xstrdup(object),
        .message = text_take(&message),
        .remedy = xstrdup(remedy),
    };
}

size_t findings_count(const Findings *findings, Severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].severity == severity;
    return count;
}

const char *severity_name(Severity severity)
{
    switch (severity) {
    case FINDING_REFUSAL:
        return "refused";
    case FINDING_WARNING:
        return "warning";
    case FINDING_NOTE:
        return "note";
    }
    return "unknown";
}

void findings_release(Findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].object);
        free(findings->items[i].message);
        free(findings->items[i].remedy);
    }
    free(findings->items);
    *findings = (Findings){0};
}

static const Finding *find_first(const Findings *findings, Severity severity)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity == severity)
            return &findings->items[i];
    }
    return NULL;
}

Status findings_refuse(const Findings *findings, Error *err)
{
    const Finding *first = find_first(findings, FINDING_REFUSAL);
    size_t more;

    if (first == NULL)
        return STATUS_OK;
    more = findings_count(findings, FINDING_REFUSAL) - 1;
    (void)error_kind(err, ERROR_REFUSED, "%s%s%s", first->object == NULL ? "" : first->object,
                     first->object == NULL ? "" : ": ", first->message);
    if (more > 0)
        error_remark(err, "and %zu more", more);
    if (first->remedy != NULL)
        error_hint(err, "%s", first->remedy);
    return STATUS_INVALID;
}
