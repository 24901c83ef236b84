#include "tests/support/pg_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

#define SOCKET_NAME     "/.s.PGSQL.5432"
#define SOCKET_PATH_MAX 107
#define READY_WITHIN_MS 60000
#define MAX_ARGUMENTS   64

struct PgCluster {
    char *bin;
    char *directory; /* holds data/, the socket and the log */
    char *data;
    TextList settings;
    TextList uris;
    pid_t postmaster; /* 0 while it does not run */
};

/* ---- the programs ---- */

static char *newest_below(const char *pattern)
{
    glob_t found;
    char *best = NULL;
    long best_major = -1;

    if (glob(pattern, 0, NULL, &found) != 0)
        return NULL;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        long major = strtol(path + strcspn(path, "0123456789"), NULL, 10);

        if (major > best_major) {
            free(best);
            best = xstrndup(path, (size_t)(strrchr(path, '/') - path));
            best_major = major;
        }
    }
    globfree(&found);
    return best;
}

static char *find_in_path(const char *program)
{
    AUTO_FREE_MEMORY char *path = xstrdup(getenv("PATH"));
    char *rest = NULL;

    for (char *entry = path == NULL ? NULL : strtok_r(path, ":", &rest); entry != NULL;
         entry = strtok_r(NULL, ":", &rest)) {
        AUTO_FREE_MEMORY char *name = xasprintf("%s/%s", entry, program);

        if (access(name, X_OK) == 0)
            return xstrdup(entry);
    }
    return NULL;
}

static char *find_bin(void)
{
    const char *given = getenv("STOPOVER_PG_BIN");
    char *found = NULL;

    if (given != NULL)
        return xstrdup(given);
    found = newest_below("/usr/lib/postgresql/[0-9]*/bin/initdb");
    return found != NULL ? found : find_in_path("initdb");
}

/* ---- children, as an unprivileged user ---- */

static const struct passwd *server_user(void)
{
    const struct passwd *user = geteuid() != 0 ? NULL : getpwnam("postgres");

    return user != NULL || geteuid() != 0 ? user : getpwnam("nobody");
}

/* Only what is safe between fork() and exec(). death: the signal that the end of this process
 * becomes for the child; set last, because a change of user clears it. */
_Noreturn static void become(const struct passwd *user, const char *log, int death, pid_t parent,
                             char **arguments)
{
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int input = open("/dev/null", O_RDONLY);

    if (output < 0 || input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    if (user != NULL &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    if (chdir("/") != 0 || prctl(PR_SET_PDEATHSIG, death) != 0 || getppid() != parent)
        _exit(126);
    (void)setpgid(0, 0); /* a terminal's interrupt is for the test, which then ends the server */
    execv(arguments[0], arguments);
    _exit(127);
}

static pid_t start_child(const PgCluster *cluster, int death, char **arguments)
{
    AUTO_FREE_MEMORY char *log = xasprintf("%s/log", cluster->directory);
    const struct passwd *user = server_user();
    pid_t parent = getpid();
    pid_t child = fork();

    if (child == 0)
        become(user, log, death, parent, arguments);
    if (child < 0)
        fail_msg("could not fork: %s", strerror(errno));
    return child;
}

static int wait_for(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static void make_data(PgCluster *cluster)
{
    AUTO_FREE_MEMORY char *initdb = xasprintf("%s/initdb", cluster->bin);
    char *arguments[] = {initdb,
                         (char[]){"--no-sync"},
                         (char[]){"--username=postgres"},
                         (char[]){"--auth=trust"},
                         (char[]){"--encoding=UTF8"},
                         (char[]){"--locale=C"},
                         (char[]){"--pgdata"},
                         cluster->data,
                         NULL};

    if (wait_for(start_child(cluster, SIGKILL, arguments)) != 0)
        fail_msg("initdb failed: see %s/log", cluster->directory);
}

/* ---- the server ---- */

static void wait_until_ready(PgCluster *cluster)
{
    const char *uri = pg_cluster_uri(cluster, "postgres");

    for (unsigned waited_ms = 0; waited_ms < READY_WITHIN_MS; waited_ms += 20) {
        int status = 0;

        if (PQping(uri) == PQPING_OK)
            return;
        if (waitpid(cluster->postmaster, &status, WNOHANG) != 0) {
            cluster->postmaster = 0;
            break;
        }
        (void)usleep(20000);
    }
    fail_msg("the server does not come up: see %s/log", cluster->directory);
}

static void start_server(PgCluster *cluster)
{
    AUTO_FREE_MEMORY char *postgres = xasprintf("%s/postgres", cluster->bin);
    AUTO_FREE_MEMORY char *sockets = xasprintf("--unix_socket_directories=%s", cluster->directory);
    /* Commits stay durable against pg_cluster_crash(): only the machine's own failure is left out. */
    char *arguments[MAX_ARGUMENTS] = {
        postgres,
        (char[]){"-D"},
        cluster->data,
        sockets,
        (char[]){"--unix_socket_permissions=0777"}, /* who tests is not who serves */
        (char[]){"--listen_addresses="},
        (char[]){"--port=5432"},
        (char[]){"--fsync=off"},
        (char[]){"--shared_buffers=32MB"},
        (char[]){"--autovacuum=off"},
    };
    size_t count = 10;

    for (size_t i = 0; i < cluster->settings.count && count < MAX_ARGUMENTS - 1; i++)
        arguments[count++] = cluster->settings.items[i];
    cluster->postmaster = start_child(cluster, SIGQUIT, arguments);
    wait_until_ready(cluster);
}

static void end_server(PgCluster *cluster, int number)
{
    if (cluster->postmaster == 0)
        return;
    (void)kill(cluster->postmaster, number); /* gone already is as good */
    (void)wait_for(cluster->postmaster);
    cluster->postmaster = 0;
}

static char *make_directory(void)
{
    const char *base = getenv("TMPDIR");
    const struct passwd *user = server_user();
    char *path = NULL;

    if (base == NULL || strlen(base) + strlen("/sp.XXXXXX" SOCKET_NAME) > SOCKET_PATH_MAX)
        base = "/tmp";
    path = xasprintf("%s/sp.XXXXXX", base);
    if (mkdtemp(path) == NULL || chmod(path, 0755) != 0 ||
        (user != NULL && chown(path, user->pw_uid, user->pw_gid) != 0))
        fail_msg("could not make directory \"%s\": %s", path, strerror(errno));
    return path;
}

PgCluster *pg_cluster_start(const char *const *settings)
{
    char *bin = find_bin();
    PgCluster *cluster = NULL;

    if (bin == NULL) {
        (void)fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
        return NULL;
    }
    cluster = xcalloc(1, sizeof(*cluster));
    cluster->bin = bin;
    cluster->directory = make_directory();
    cluster->data = xasprintf("%s/data", cluster->directory);
    for (; settings != NULL && *settings != NULL; settings++) {
        AUTO_FREE_MEMORY char *option = xasprintf("--%s", *settings);

        text_list_add(&cluster->settings, option);
    }
    make_data(cluster);
    start_server(cluster);
    return cluster;
}

void pg_cluster_stop(PgCluster *cluster)
{
    Error err = {0};

    if (cluster == NULL)
        return;
    end_server(cluster, SIGQUIT);
    if (directory_remove(cluster->directory, &err) != STATUS_OK)
        (void)fprintf(stderr, "%s\n", err.message);
    free(cluster->bin);
    free(cluster->directory);
    free(cluster->data);
    text_list_release(&cluster->settings);
    text_list_release(&cluster->uris);
    free(cluster);
}

void pg_cluster_crash(PgCluster *cluster)
{
    end_server(cluster, SIGQUIT);
}

void pg_cluster_restart(PgCluster *cluster)
{
    end_server(cluster, SIGINT);
    start_server(cluster);
}

const char *pg_cluster_uri(PgCluster *cluster, const char *database)
{
    AUTO_FREE_MEMORY char *uri =
        xasprintf("postgresql:///%s?host=%s&user=postgres", database, cluster->directory);

    for (size_t i = 0; i < cluster->uris.count; i++)
        if (strcmp(cluster->uris.items[i], uri) == 0)
            return cluster->uris.items[i];
    text_list_add(&cluster->uris, uri);
    return cluster->uris.items[cluster->uris.count - 1];
}

const char *pg_cluster_socket_directory(const PgCluster *cluster)
{
    return cluster->directory;
}

const char *pg_cluster_data_directory(const PgCluster *cluster)
{
    return cluster->data;
}

const char *pg_cluster_bin_directory(const PgCluster *cluster)
{
    return cluster->bin;
}

/* ---- statements ---- */

static void drop_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

char *pg_cluster_ask(PgCluster *cluster, const char *database, const char *sql)
{
    PGconn *connection =
        PQconnectdb(pg_cluster_uri(cluster, database == NULL ? "postgres" : database));
    PGresult *result = NULL;
    ExecStatusType status = PGRES_EMPTY_QUERY;
    char *value = NULL;

    (void)PQsetNoticeReceiver(connection, drop_notice, NULL);
    result = PQexec(connection, sql);
    status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        AUTO_FREE_MEMORY char *message = xstrdup(PQerrorMessage(connection));

        PQclear(result);
        PQfinish(connection);
        fail_msg("%s: %s", sql, message);
    }
    if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        value = xstrdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return value;
}

void pg_cluster_run(PgCluster *cluster, const char *database, const char *sql)
{
    free(pg_cluster_ask(cluster, database, sql));
}
