/* detach.h: starts this program once more, as a process that outlives its shell. */
#ifndef GODWIT_BASE_DETACH_H
#define GODWIT_BASE_DETACH_H

#include "base/err.h"

/* Runs this program's own file with `arguments` (NULL ends them; [0] is its name) in a session of
 * its own, below the root folder, `niceness` lower in priority, without any of our descriptors:
 * standard input is empty, both outputs are written to `log_path`, which begins anew. Returns when
 * it is running; nobody waits for its end. Call it when no other thread runs. Errors: ERR_IO, also
 * when the program's own file cannot be found (a chroot without /proc). */
enum err_code detach_self(char *const *arguments, const char *log_path, int niceness,
                          struct err *err) MUST_USE;

#endif
