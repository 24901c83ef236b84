/*
 * Writers: never more than the target takes, each used by one thread at a time, none lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "engine/base/fault.h"
#include "engine/run/writers.h"
#include "tests/support/list_connector.h"

enum {
    THREADS = 6,
    LEASES = 200,
};

typedef struct Party {
    ListTarget target;
    Writers *writers;
    atomic_int leased;
    atomic_int most;
    atomic_uint discarded;
} Party;

static void *lease_often(void *argument)
{
    Party *party = argument;

    for (unsigned i = 0; i < LEASES; i++) {
        Writer *writer = NULL;
        Error err = {0};
        int now = 0;

        if (writers_lease(party->writers, &writer, &err) < 0)
            return argument;
        now = atomic_fetch_add(&party->leased, 1) + 1;
        if (now > atomic_load(&party->most))
            atomic_store(&party->most, now);
        sched_yield();
        atomic_fetch_sub(&party->leased, 1);
        if (i % 10 == 9) {
            atomic_fetch_add(&party->discarded, 1);
            writers_discard(party->writers, writer);
        } else {
            writers_return(party->writers, writer);
        }
    }
    return NULL;
}

static void hold_party(Party *party, unsigned max_writers, unsigned jobs)
{
    pthread_t threads[THREADS];

    *party = (Party){0};
    list_target_init(&party->target, NULL);
    party->target.ops.max_writers = max_writers;
    party->writers = writers_new(&party->target.base, &party->target.identity, jobs);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lease_often, party), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed = NULL;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    writers_free(party->writers);
    assert_string_equal(party->target.violation, "");
    list_target_release(&party->target);
}

static void never_leases_more_than_the_target_takes(void **state)
{
    (void)state;
    Party party;

    hold_party(&party, 2, THREADS);
    assert_in_range(atomic_load(&party.most), 1, 2);
    /* Opened again only for what was discarded. */
    assert_in_range(party.target.opened, 1, 2 + atomic_load(&party.discarded));
}

static void takes_the_number_of_jobs_where_the_target_has_no_limit(void **state)
{
    (void)state;
    Party party;

    hold_party(&party, 0, 3);
    assert_in_range(atomic_load(&party.most), 1, 3);
    assert_in_range(party.target.opened, 1, 3 + atomic_load(&party.discarded));
}

static void lends_the_same_writer_again(void **state)
{
    (void)state;
    ListTarget target;
    Writers *writers = NULL;
    Writer *first = NULL;
    Writer *second = NULL;
    Error err = {0};

    list_target_init(&target, NULL);
    writers = writers_new(&target.base, &target.identity, 4);
    assert_int_equal(writers_lease(writers, &first, &err), STATUS_OK);
    writers_return(writers, first);
    assert_int_equal(writers_lease(writers, &second, &err), STATUS_OK);
    assert_ptr_equal(first, second);
    writers_return(writers, second);
    assert_int_equal(target.opened, 1);
    writers_free(writers);
    list_target_release(&target); /* all are closed */
}

static unsigned opened_after(Status status)
{
    ListTarget target;
    Writers *writers = NULL;
    Error err = {0};

    list_target_init(&target, NULL);
    writers = writers_new(&target.base, &target.identity, 1);
    for (unsigned i = 0; i < 2; i++) {
        Writer *writer = NULL;

        assert_int_equal(writers_lease(writers, &writer, &err), STATUS_OK);
        writers_settle(writers, writer, status);
    }
    writers_free(writers);
    list_target_release(&target);
    return target.opened;
}

static void keeps_a_writer_unless_its_connection_is_in_doubt(void **state)
{
    (void)state;
    assert_int_equal(opened_after(STATUS_OK), 1);
    assert_int_equal(opened_after(STATUS_FAILED), 1);
    assert_int_equal(opened_after(STATUS_RETRY), 2);
    assert_int_equal(opened_after(STATUS_FATAL), 2);
}

/* Hangs when the lease is lost. */
static void gives_the_lease_back_when_a_writer_cannot_be_opened(void **state)
{
    (void)state;
    ListTarget target;
    Writers *writers = NULL;
    Writer *writer = NULL;
    Error err = {0};

    list_target_init(&target, NULL);
    writers = writers_new(&target.base, &target.identity, 1);
    fault_arm(FAULT_FAIL, 1, "list.open_writer");
    assert_int_equal(writers_lease(writers, &writer, &err), STATUS_RETRY);
    assert_null(writer);
    fault_arm(FAULT_NONE, 0, NULL);
    assert_int_equal(writers_lease(writers, &writer, &err), STATUS_OK);
    writers_return(writers, writer);
    writers_free(writers);
    list_target_release(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_leases_more_than_the_target_takes),
        cmocka_unit_test(takes_the_number_of_jobs_where_the_target_has_no_limit),
        cmocka_unit_test(lends_the_same_writer_again),
        cmocka_unit_test(keeps_a_writer_unless_its_connection_is_in_doubt),
        cmocka_unit_test(gives_the_lease_back_when_a_writer_cannot_be_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
