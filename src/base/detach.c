/* detach.c: see detach.h. Two forks, so that the new process has no parent that must wait for it; a
 * pipe that exec closes tells whether it began. */
#include "base/detach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define OWN_FILE "/proc/self/exe"

/* Descriptors that a shell or a supervisor left open must not live as long as we do: somebody may
 * wait for their end. `kept` stays. */
static void close_others(int kept)
{
    const long limit = sysconf(_SC_OPEN_MAX);
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        for (int fd = 3; fd < (limit > 0 && limit < 65536 ? (int)limit : 65536); fd++)
            if (fd != kept)
                (void)close(fd);
        return;
    }
    const int own = dirfd(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > 2 && fd != kept && fd != own)
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    (void)closedir(folder);
}

static void become_quiet(int log, int niceness)
{
    const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (empty >= 0)
        (void)dup2(empty, STDIN_FILENO);
    else
        (void)close(STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + niceness);
    if (chdir("/") != 0)
        return; /* then it stays where it is */
}

/* In the second child. Ends in exec, or writes why not. */
static void run_self(char *const *arguments, int log, int niceness, int tell)
{
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);
    become_quiet(log, niceness);
    close_others(tell);
    (void)execv(OWN_FILE, arguments);
    const int reason = errno;
    if (write(tell, &reason, sizeof reason) < 0)
        _exit(126);
    _exit(127);
}

/* 0 when exec closed the pipe, else its errno. */
static int read_reason(int fd)
{
    int reason = 0;
    ssize_t size;
    do {
        size = read(fd, &reason, sizeof reason);
    } while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof reason ? reason : 0;
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum err_code detach_self(char *const *arguments, const char *log_path, int niceness,
                          struct err *err)
{
    int log = -1;
    int ends[2] = {-1, -1};
    enum err_code code = file_create(log_path, &log, err);
    if (code != ERR_OK)
        return code;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        code = err_errno(err, errno, "a process for %s cannot be started", log_path);
        file_close(log);
        return code;
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)setsid();
        const pid_t second = fork();
        if (second == 0)
            run_self(arguments, log, niceness, ends[1]);
        _exit(second > 0 ? 0 : 1);
    }
    int reason = child < 0 ? errno : 0;
    (void)close(ends[1]);
    if (child > 0 && wait_for(child) != 0)
        reason = EAGAIN;
    if (reason == 0)
        reason = read_reason(ends[0]);
    (void)close(ends[0]);
    file_close(log);
    return reason == 0 ? ERR_OK
                       : err_errno(err, reason, "%s cannot be started in the background", OWN_FILE);
}
