/* fault.c: see fault.h. */
#include "base/fault.h"

#ifdef GODWIT_FAULTS
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_KILL (-2)
#define FAULT_ANY FAULT_KIND_COUNT

static struct {
    atomic_bool is_armed;
    atomic_bool was_reached;
    atomic_size_t countdown; /* calls still to let pass */
    int kind;                /* a fault_kind or FAULT_ANY */
    int outcome;             /* errno value, FAULT_SHORT or FAULT_KILL */
    bool is_repeated;
} fault;

static bool kind_counts(enum fault_kind kind)
{
    return fault.kind == (int)kind || (fault.kind == FAULT_ANY && kind >= FAULT_WRITE);
}

int fault_hit(enum fault_kind kind)
{
    if (!atomic_load_explicit(&fault.is_armed, memory_order_acquire) || !kind_counts(kind))
        return 0;
    size_t left = atomic_load(&fault.countdown);
    while (left > 0)
        if (atomic_compare_exchange_weak(&fault.countdown, &left, left - 1))
            return 0;
    if (atomic_exchange(&fault.was_reached, true) && !fault.is_repeated)
        return 0;
    if (fault.outcome == FAULT_KILL) {
        (void)kill(getpid(), SIGKILL);
        pause();
    }
    return fault.outcome;
}

static void arm(int kind, size_t n, int outcome, bool is_repeated)
{
    fault.kind = kind;
    fault.outcome = outcome;
    fault.is_repeated = is_repeated;
    atomic_store(&fault.countdown, n);
    atomic_store(&fault.was_reached, false);
    atomic_store_explicit(&fault.is_armed, true, memory_order_release);
}

void fault_arm(enum fault_kind kind, size_t n, int errno_value)
{
    arm((int)kind, n, errno_value, false);
}

bool fault_disarm(void)
{
    atomic_store(&fault.is_armed, false);
    return atomic_load(&fault.was_reached);
}

struct fault_word {
    const char *word;
    int value;
};

static const struct fault_word kinds[] = {{"malloc", FAULT_MALLOC}, {"open", FAULT_OPEN},
                                          {"read", FAULT_READ},     {"map", FAULT_MAP},
                                          {"write", FAULT_WRITE},   {"copy", FAULT_COPY},
                                          {"fsync", FAULT_FSYNC},   {"rename", FAULT_RENAME},
                                          {"link", FAULT_LINK},     {"unlink", FAULT_UNLINK},
                                          {"mkdir", FAULT_MKDIR},   {"commit", FAULT_COMMIT},
                                          {"any", FAULT_ANY},       {NULL, 0}};

static const struct fault_word actions[] = {
    {"kill", FAULT_KILL}, {"short", FAULT_SHORT}, {"eintr", EINTR},   {"eio", EIO},
    {"enospc", ENOSPC},   {"eacces", EACCES},     {"enomem", ENOMEM}, {"emfile", EMFILE},
    {"enosys", ENOSYS},   {"edquot", EDQUOT},     {"exdev", EXDEV},   {NULL, 0}};

static bool find_word(const struct fault_word *words, const char *text, size_t size, int *ret_value)
{
    for (; words->word != NULL; words++) {
        if (strlen(words->word) == size && memcmp(words->word, text, size) == 0) {
            *ret_value = words->value;
            return true;
        }
    }
    return false;
}

bool fault_from_environment(void)
{
    const char *spec = getenv("GODWIT_FAULT");
    if (spec == NULL || *spec == '\0')
        return true;
    const char *count = strchr(spec, ':');
    const char *action = count != NULL ? strchr(count + 1, ':') : NULL;
    if (action == NULL)
        return false;
    char *end = NULL;
    const unsigned long long n = strtoull(count + 1, &end, 10);
    size_t action_size = strlen(action + 1);
    const bool is_repeated = action_size > 0 && action[action_size] == '+';
    if (is_repeated)
        action_size--;
    int kind = 0;
    int outcome = 0;
    if (end != action || !find_word(kinds, spec, (size_t)(count - spec), &kind) ||
        !find_word(actions, action + 1, action_size, &outcome))
        return false;
    arm(kind, (size_t)n, outcome, is_repeated);
    return true;
}
#else
/* A translation unit may not be empty. */
typedef int fault_is_compiled_out;
#endif
