/* serve.h: the API on a port: methods, HTTP routes and the question who it is, for the transport.
 */
#ifndef GODWIT_MILVUS2_SERVE_H
#define GODWIT_MILVUS2_SERVE_H

#include "milvus2/api.h"
#include "server/server.h"

/* Starts the server on an open database. Of `options` the caller sets addresses, TLS, limits; the
 * rest is set here. Errors: those of server_start. */
enum err_code serve_start(struct api *api, const struct server_options *options,
                          struct err *err) MUST_USE;
/* Lets calls under way end for up to `drain_ms`. True when none had to be cancelled. */
bool serve_stop(struct api *api, uint32_t drain_ms);

/* True when an address is only reached from this machine: 127.0.0.0/8, ::1, localhost, a unix
 * socket. */
bool serve_is_local(const char *address);

#endif
