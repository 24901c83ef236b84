/*
 * The program's entry. Until the commands exist it tells its version, and how to ask for it.
 */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        return printf("stopover %s\n", STOPOVER_VERSION) < 0;
    }
    (void)fputs("usage: stopover --version\n", stderr); /* nothing else to do if stderr is gone */
    return 2;
}
