/* portable.c: see portable.h. */
#include "base/portable.h"

#ifdef GODWIT_PORTABLE
#include <nss.h>
#include <stddef.h>
#include <stdlib.h>

void portable_start(void)
{
    /* The host's nsswitch.conf may name services that live in shared objects. */
    static const char *const lookups[][2] = {{"hosts", "files dns"}, {"passwd", "files"},
                                             {"group", "files"},     {"services", "files"},
                                             {"protocols", "files"}, {"networks", "files"}};
    for (size_t k = 0; k < sizeof lookups / sizeof lookups[0]; k++)
        (void)__nss_configure_lookup(lookups[k][0], lookups[k][1]);
    /* libmariadb's authentication plug-ins; OpenSSL's providers and engines. */
    (void)setenv("MARIADB_PLUGIN_DIR", "/nonexistent", 1);
    (void)setenv("OPENSSL_CONF", "/dev/null", 0);
}
#else
void portable_start(void)
{
}
#endif
