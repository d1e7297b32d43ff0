/* address.h: the addresses that are listened on, and the names of those who connect. */
#ifndef GODWIT_SERVER_ADDRESS_H
#define GODWIT_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* Opens a listening socket, non-blocking, for "HOST:PORT", "[V6]:PORT", ":PORT" (127.0.0.1) or
 * "unix:PATH" (mode 0600; a socket file that nobody listens on is replaced). HOST is looked up; its
 * first address counts. ret_port  the port, 0 for a unix socket Errors: ERR_INVALID (cannot be
 * understood or looked up), ERR_LOCKED (in use), ERR_IO. */
enum err_code address_listen(const char *text, int *ret_fd, uint16_t *ret_port,
                             struct err *err) MUST_USE;
/* Removes the file of a unix socket; nothing else. */
void address_remove(const char *text);

/* "127.0.0.1:4711", "[::1]:4711" or "unix". */
void address_format(const struct sockaddr_storage *address, char *buffer, size_t size);

#endif
