/*
 * Roles that the statements of a source name. They belong to the server, not to the database: the
 * target must have them.
 */
#pragma once

#include "engine/base/text.h"
#include "engine/connect/postgres/notes.h"
#include "engine/flow/catalog.h"

/* Adds the roles of ALTER ... OWNER TO, each once. */
void add_owner_roles(const char *statements, TextList *ret);

/* Adds the roles that an entry of type ACL or POLICY names, each once; PUBLIC is none. */
void add_granted_roles(const char *statements, TextList *ret);

/* The owners of everything in the catalog, each once. */
void catalog_owner_roles(const Catalog *catalog, TextList *ret);
