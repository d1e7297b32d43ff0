/* interrupt.c: see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static atomic_bool is_interrupted;

static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&is_interrupted, true))
        _exit(130); /* err_mapping(ERR_INTERRUPTED), which a handler should not look up */
}

void interrupt_start(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

const atomic_bool *interrupt_flag(void)
{
    return &is_interrupted;
}
