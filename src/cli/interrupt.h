/* interrupt.h: Ctrl-C. The first SIGINT or SIGTERM asks the work to stop cleanly, the second ends
 * the process at once with status 130. SIGPIPE is ignored: writing says EPIPE instead. */
#ifndef GODWIT_CLI_INTERRUPT_H
#define GODWIT_CLI_INTERRUPT_H

#include <stdatomic.h>

void interrupt_start(void);
/* Set by the first signal; static. Hand it to whatever works long. Threads: any. */
const atomic_bool *interrupt_flag(void);

#endif
