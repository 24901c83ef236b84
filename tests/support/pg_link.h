/*
 * A connection of the connector to a throw-away server, for unit tests.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/uri.h"
#include "engine/connect/postgres/connection.h"
#include "tests/support/pg_cluster.h"

/* Fails the test when the status is a failure, with the error's words. */
#define EXPECT_OK(call)                                                                            \
    do {                                                                                           \
        Status expected_ok_ = (call);                                                              \
        if (expected_ok_ < 0)                                                                      \
            fail_msg("%s: %s (%s)", #call, err.message, err.sqlstate);                             \
    } while (0)

/* host: another folder of a socket, or NULL. more: further parameters "&user=x", or "". */
static inline PgAddress *pg_link_address(PgCluster *cluster, const char *host, const char *more)
{
    AUTO_FREE_MEMORY char *text =
        xasprintf("postgresql:///postgres?host=%s%s%s",
                  host != NULL ? host : pg_cluster_socket_directory(cluster),
                  strstr(more, "user=") != NULL ? "" : "&user=postgres", more);
    AUTO_FREE(uri_free) Uri *uri = NULL;
    PgAddress *address = NULL;
    Error err = {0};

    EXPECT_OK(uri_parse(text, &uri, &err));
    EXPECT_OK(pg_address_new(uri, &address, &err));
    return address;
}

/* With addresses that are of no more interest: a connection keeps nothing of them. */
static inline Status pg_link_try(PgCluster *cluster, PgUse use, const char *more,
                                 PgConnection **ret, Error *err)
{
    AUTO_FREE(pg_address_free) PgAddress *address = pg_link_address(cluster, NULL, more);

    return pg_connect(address, use, "stopover test", ret, err);
}

static inline PgConnection *pg_link_open(PgCluster *cluster, PgUse use)
{
    PgConnection *connection = NULL;
    Error err = {0};

    EXPECT_OK(pg_link_try(cluster, use, "", &connection, &err));
    return connection;
}
