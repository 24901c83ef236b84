/*
 * The inside of an address, for address*.c, connect.c, session.c, middleman.c and prompt.c only: the parameters of a connection with
 * their secrets, the password that people are asked for, and who answered.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "engine/connect/postgres/address.h"
#include "engine/connect/postgres/connection.h"

/* Parallel lists of keywords and values for libpq; the values have secrets among them. */
typedef struct PgParameters {
    TextList keywords;
    TextList values;
    bool has_asked_password; /* the one that was typed in */
} PgParameters;

/* What threads share, behind a lock. */
typedef struct PgShared {
    pthread_mutex_t lock;
    char *password; /* typed in on the terminal */
    bool was_asked;
    bool is_direct;
    char *host; /* that answered last */
    char *hostaddr;
    char *port;
} PgShared;

struct PgAddress {
    char *display;
    PgParameters resolved;
    PgShared *shared;
    LargeRows large_rows;
};

void pg_parameters_release(PgParameters *parameters); /* wipes */
#define AUTO_PARAMETERS __attribute__((cleanup(pg_parameters_release)))

void pg_address_parameters(const PgAddress *address, PgUse use, const char *application_name,
                           PgParameters *ret);
const char *pg_address_get(const PgAddress *address, const char *keyword); /* NULL; borrowed */
unsigned pg_address_connect_timeout(const PgAddress *address);             /* seconds; 0 = none */

/*
 * After a server has asked for a password and nobody has given one: asks on the terminal, or takes
 * what another thread has got there meanwhile. ERROR_REFUSED where nobody can be asked.
 */
Status pg_address_ask_password(PgAddress *address, Error *err);
void pg_address_forget_password(PgAddress *address); /* it did not fit: nobody is asked again */

/* hostaddr may be NULL or empty. */
void pg_address_note_answer(PgAddress *address, const char *host, const char *hostaddr,
                            const char *port);

/* Has pg_check_direct() found that sessions hold there? */
bool pg_address_is_direct(const PgAddress *address);
void pg_address_note_direct(PgAddress *address);

/* prompt.c: reads a line from the terminal without showing it. ERROR_REFUSED when there is none. */
Status pg_prompt_password(const char *question, char **ret, Error *err);
void pg_wipe(char *secret); /* overwrites and frees; NULL is fine */
void pg_wipe_list(TextList *list);
bool pg_is_secret(const char *keyword);
void pg_parameters_add(PgParameters *parameters, const char *keyword, const char *value);
