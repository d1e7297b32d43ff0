/* work_lock.h: one job at a time in a work folder; and whether the end of the last job was told.
 *
 * A process can die after its job became SUCCESSFUL and before anybody learnt of it. Whoever runs
 * the same command again then wants to hear "done", not "exists already". So the lock file holds
 * one byte: U from just before the end until migrate_told(), T otherwise. */
#ifndef GODWIT_MIGRATE_WORK_LOCK_H
#define GODWIT_MIGRATE_WORK_LOCK_H

#include <stdbool.h>

#include "base/err.h"

struct work_lock {
    int fd;       /* -1: not held */
    char *marker; /* path of jobs.untold */
};

/* ERR_LOCKED when another process works in the folder. Release in every case. */
enum err_code work_lock_take(const char *folder, struct work_lock *ret_lock,
                             struct err *err) MUST_USE;
void work_lock_release(struct work_lock *lock); /* zero-made with fd -1: nothing happens */
bool work_lock_is_untold(const struct work_lock *lock);
enum err_code work_lock_set_untold(const struct work_lock *lock, bool is_untold,
                                   struct err *err) MUST_USE;

#endif
