/* wire.c: see wire.h. */
#include "server/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static enum wire_result of_tls(enum tls_result result)
{
    switch (result) {
    case TLS_DONE:
        return WIRE_DONE;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return WIRE_AGAIN;
    case TLS_CLOSED:
        return WIRE_CLOSED;
    default:
        return WIRE_FAILED;
    }
}

static enum wire_result of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK ? WIRE_AGAIN : WIRE_FAILED;
}

enum wire_result wire_receive(struct wire *wire, void *buffer, size_t size, size_t *ret_size)
{
    if (wire->tls != NULL)
        return of_tls(tls_receive(wire->tls, buffer, size, ret_size));
    ssize_t count;
    do
        count = recv(wire->fd, buffer, size, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return of_errno();
    *ret_size = (size_t)count;
    return count > 0 ? WIRE_DONE : WIRE_CLOSED;
}

enum wire_result wire_send(struct wire *wire, const void *data, size_t size, size_t *ret_size)
{
    if (wire->tls != NULL)
        return of_tls(tls_send(wire->tls, data, size, ret_size));
    ssize_t count;
    do
        count = send(wire->fd, data, size, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return of_errno();
    *ret_size = (size_t)count;
    return WIRE_DONE;
}

bool wire_has_pending(const struct wire *wire)
{
    return wire->tls != NULL && tls_has_pending(wire->tls);
}

void wire_finish(struct wire *wire)
{
    if (wire->tls != NULL)
        tls_goodbye(wire->tls);
    (void)shutdown(wire->fd, SHUT_WR);
}

void wire_close(struct wire *wire)
{
    tls_session_free(wire->tls);
    wire->tls = NULL;
    if (wire->fd >= 0)
        (void)close(wire->fd);
    wire->fd = -1;
}
