#include "engine/run/writers.h"

#include <assert.h>
#include <pthread.h>

#include "engine/base/memory.h"

struct Writers {
    Target *target;
    const RunIdentity *identity;
    pthread_mutex_t opening; /* held around open_writer(): the target knows no threads */
    pthread_mutex_t lock;    /* of what follows; never taken before `opening` */
    pthread_cond_t freed;
    unsigned limit;
    unsigned leased;
    Writer **idle; /* room for limit; leased + idle_count <= limit */
    unsigned idle_count;
};

Writers *writers_new(Target *target, const RunIdentity *identity, unsigned jobs)
{
    Writers *writers = xcalloc(1, sizeof(*writers));
    unsigned limit = target->ops->max_writers;

    assert(jobs > 0);
    if (limit == 0 || limit > jobs)
        limit = jobs;
    writers->target = target;
    writers->identity = identity;
    writers->limit = limit;
    writers->idle = xcalloc(limit, sizeof(Writer *));
    (void)pthread_mutex_init(&writers->opening, NULL); /* these cannot fail without attributes */
    (void)pthread_mutex_init(&writers->lock, NULL);
    (void)pthread_cond_init(&writers->freed, NULL);
    return writers;
}

void writers_free(Writers *writers)
{
    if (writers == NULL)
        return;
    assert(writers->leased == 0);
    for (unsigned i = 0; i < writers->idle_count; i++)
        writer_free(writers->idle[i]);
    (void)pthread_cond_destroy(&writers->freed);
    (void)pthread_mutex_destroy(&writers->lock);
    (void)pthread_mutex_destroy(&writers->opening);
    free(writers->idle);
    free(writers);
}

/* Ends a lease; keeps the writer unless it is NULL. */
static void end_lease(Writers *writers, Writer *writer)
{
    (void)pthread_mutex_lock(&writers->lock);
    assert(writers->leased > 0);
    writers->leased--;
    if (writer != NULL)
        writers->idle[writers->idle_count++] = writer;
    (void)pthread_cond_signal(&writers->freed);
    (void)pthread_mutex_unlock(&writers->lock);
}

static Status open_leased(Writers *writers, Writer **ret, Error *err)
{
    Status status = STATUS_OK;

    (void)pthread_mutex_lock(&writers->opening);
    status = target_open_writer(writers->target, writers->identity, ret, err);
    (void)pthread_mutex_unlock(&writers->opening);
    if (status < 0)
        end_lease(writers, NULL);
    return status;
}

Status writers_lease(Writers *writers, Writer **ret, Error *err)
{
    Writer *writer = NULL;

    (void)pthread_mutex_lock(&writers->lock);
    while (writers->leased == writers->limit)
        (void)pthread_cond_wait(&writers->freed, &writers->lock);
    writers->leased++;
    if (writers->idle_count > 0)
        writer = writers->idle[--writers->idle_count];
    (void)pthread_mutex_unlock(&writers->lock);
    if (writer == NULL)
        return open_leased(writers, ret, err);
    *ret = writer;
    return STATUS_OK;
}

void writers_return(Writers *writers, Writer *writer)
{
    assert(writer != NULL);
    end_lease(writers, writer);
}

void writers_discard(Writers *writers, Writer *writer)
{
    assert(writer != NULL);
    writer_free(writer); /* before the lease ends: a closing connection still counts */
    end_lease(writers, NULL);
}

void writers_settle(Writers *writers, Writer *writer, Status status)
{
    if (status == STATUS_RETRY || status == STATUS_FATAL)
        writers_discard(writers, writer);
    else
        writers_return(writers, writer);
}
