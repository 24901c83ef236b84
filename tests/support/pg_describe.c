#include "tests/support/pg_describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"

void described_expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

void described_release(Described *described)
{
    pg_close(described->connection);
    pg_address_free(described->address);
    selection_release(&described->selection);
    catalog_release(&described->catalog);
    findings_release(&described->findings);
}

void described_connect(Described *described, const char *user)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("postgresql:///%s?host=%s&user=%s", described->database,
                                            pg_cluster_socket_directory(described->cluster), user);
    Error err = {0};
    described_expect_ok(uri_parse(text, &uri, &err), &err);
    described_expect_ok(pg_address_new(uri, &described->address, &err), &err);
    described_expect_ok(
        pg_connect(described->address, PG_SOURCE, "test", &described->connection, &err), &err);
}

void described_set_up(Described *described, PgCluster *cluster, const char *sql)
{
    static unsigned count;
    described->cluster = cluster;
    (void)snprintf(described->database, sizeof(described->database), "d%u", ++count);
    AUTO_FREE_MEMORY char *create = xasprintf("create database %s", described->database);
    pg_cluster_run(described->cluster, NULL, create);
    pg_cluster_run(described->cluster, described->database, sql);
}

void described_read_as(Described *described, const char *user)
{
    Error err = {0};
    if (!described->connection)
        described_connect(described, user);
    catalog_release(&described->catalog);
    findings_release(&described->findings);
    described->findings = (Findings){0};
    described_expect_ok(pg_describe(described->connection, described->address, NULL,
                                    &described->selection, &described->catalog,
                                    &described->findings, &err),
                        &err);
}

void described_read(Described *described)
{
    described_read_as(described, "postgres");
}

const Table *described_table(const Described *described, const char *schema, const char *name)
{
    const Table *table = catalog_find_table(&described->catalog, schema, name);
    if (!table)
        fail_msg("table %s.%s is not there", schema, name);
    return table;
}

bool described_has_table(const Described *described, const char *name)
{
    return catalog_find_table(&described->catalog, "public", name) != NULL;
}

const Object *described_object(const Described *described, const char *type, const char *name)
{
    for (size_t i = 0; i < described->catalog.object_count; i++) {
        const Object *object = &described->catalog.objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};
        Error err = {0};
        described_expect_ok(pg_object_notes_read(object, &notes, &err), &err);
        if (strcmp(notes.type, type) == 0 && strcmp(object->name, name) == 0)
            return object;
    }
    return NULL;
}

PgObjectNotes described_notes(const Described *described, const char *type, const char *name)
{
    const Object *object = described_object(described, type, name);
    PgObjectNotes notes = {0};
    Error err = {0};
    if (!object)
        fail_msg("%s %s is not there", type, name);
    described_expect_ok(pg_object_notes_read(object, &notes, &err), &err);
    return notes;
}

bool described_is_after_data(const Described *described, const char *type, const char *name)
{
    AUTO_OBJECT_NOTES PgObjectNotes notes = described_notes(described, type, name);
    return notes.after_data;
}

bool described_comes_after(const Described *described, const char *type, const char *name,
                           const char *other_type, const char *other)
{
    AUTO_OBJECT_NOTES PgObjectNotes notes = described_notes(described, type, name);
    const Object *before = described_object(described, other_type, other);
    assert_non_null(before);
    for (size_t i = 0; i < notes.after_count; i++) {
        if (notes.after[i] == before->id)
            return true;
    }
    return false;
}

const Finding *described_finding(const Described *described, Severity severity, const char *object,
                                 const char *words)
{
    for (size_t i = 0; i < described->findings.count; i++) {
        const Finding *finding = &described->findings.items[i];
        if (finding->severity == severity &&
            (!object || (finding->object && strcmp(finding->object, object) == 0)) &&
            strstr(finding->message, words))
            return finding;
    }
    return NULL;
}

void described_expect_finding(const Described *described, Severity severity, const char *object,
                              const char *words)
{
    const Finding *finding = described_finding(described, severity, object, words);
    if (!finding)
        fail_msg("nothing is %s of \"%s\": \"%s\"", severity_name(severity), object ? object : "",
                 words);
    else
        assert_non_null(finding->remedy);
}

void described_expect_no_refusal(const Described *described)
{
    for (size_t i = 0; i < described->findings.count; i++) {
        const Finding *finding = &described->findings.items[i];
        if (finding->severity == FINDING_REFUSAL)
            fail_msg("refused: %s: %s", finding->object ? finding->object : "", finding->message);
    }
}

size_t described_refusals(const Described *described)
{
    return findings_count(&described->findings, FINDING_REFUSAL);
}
