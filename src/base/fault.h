/* fault.h: points at which a test makes the program fail or die.
 *
 * Each wrapper in base/ asks fault_hit() before it calls the system. Armed by a unit test
 * (fault_arm) or, for whole-program tests, by the environment:
 *     GODWIT_FAULT=KIND:N:ACTION     e.g. write:17:kill   any:40:kill   write:3:enospc read:2:short
 * N counts from 0; ACTION is kill (SIGKILL to itself before the call), short (half of the
 * transfer), eintr, or the name of an error (eio, enospc, edquot, eacces, enomem,
 * emfile, enosys, exdev). KIND `any`
 * counts all kinds that change the disk. With `:ACTION+` every later call fails as well. Compiled
 * in only with -Dfaults=true; otherwise fault_hit() is a constant 0. */
#ifndef GODWIT_BASE_FAULT_H
#define GODWIT_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum fault_kind {
    FAULT_MALLOC,
    FAULT_OPEN,
    FAULT_READ,
    FAULT_MAP,
    FAULT_WRITE, /* from here on: calls that change the disk, counted by `any` */
    FAULT_COPY,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_LINK,
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_COMMIT,
    FAULT_KIND_COUNT
};

#define FAULT_SHORT (-1)

#ifdef GODWIT_FAULTS
/* 0: go on. > 0: fail with this errno value. FAULT_SHORT: transfer about half of what was asked.
 * Threads: any (the count is atomic). */
int fault_hit(enum fault_kind kind);

/* The call number `n` (from 0) of this kind fails with errno_value; others work. */
void fault_arm(enum fault_kind kind, size_t n, int errno_value);

/* Disarms; true when the fault was reached. */
bool fault_disarm(void);

/* Reads GODWIT_FAULT; false when it is set and cannot be understood. Call once at start. */
bool fault_from_environment(void);
#else
static inline int fault_hit(enum fault_kind kind)
{
    (void)kind;
    return 0;
}
static inline bool fault_from_environment(void)
{
    return true;
}
#endif

#endif
