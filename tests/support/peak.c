/*
 * peak FILE COMMAND...: runs the command, and writes the largest resident set that it had, in
 * kilobytes, to FILE. Ends with the command's exit code.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status = 0;
    pid_t child = argc > 2 ? fork() : -1;

    if (child < 0)
        return 125;
    if (child == 0) {
        (void)execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) != child)
        return 125;

    FILE *file = fopen(argv[1], "w");

    if (file == NULL || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file) != 0)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
