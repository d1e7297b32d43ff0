/* portable.h: what one static binary must not ask of the machine it runs on. */
#ifndef GODWIT_BASE_PORTABLE_H
#define GODWIT_BASE_PORTABLE_H

/* Call first in main(), before threads. In the portable build (meson -Dportable=true): host names,
 * users and services are looked up by the C library's own code, and no plug-in of another library
 * is searched, since a static program cannot load the shared objects of a foreign C library. In
 * other builds it does nothing. */
void portable_start(void);

#endif
