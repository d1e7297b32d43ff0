/* address.c: see address.h. */
#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define HOST_SIZE 256
#define BACKLOG 4096

static enum err_code unix_address(const char *text, struct sockaddr_un *ret_address,
                                  struct err *err)
{
    const char *path = text + strlen(UNIX_PREFIX);
    const size_t size = strlen(path);
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (size == 0 || size >= sizeof ret_address->sun_path)
        return err_set(err, ERR_INVALID, "%s: the path of a unix socket has 1 to %zu bytes", text,
                       sizeof ret_address->sun_path - 1);
    memcpy(ret_address->sun_path, path, size);
    return ERR_OK;
}

static bool is_unix(const char *text)
{
    return strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

/* A socket file stays when its server dies; whether one lives is asked by connecting. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (stat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    const int end = connect(fd, (const struct sockaddr *)address, sizeof *address);
    const bool is_refused = end != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return is_refused;
}

static enum err_code fail(const char *text, int fd, int failure, struct err *err)
{
    if (fd >= 0)
        (void)close(fd);
    if (failure == EADDRINUSE)
        return err_set(err, ERR_LOCKED,
                       "%s: somebody listens there already; stop that, or take another address",
                       text);
    return err_errno(err, failure, "%s: cannot listen", text);
}

static enum err_code listen_unix(const char *text, int *ret_fd, struct err *err)
{
    struct sockaddr_un address;
    const enum err_code code = unix_address(text, &address, err);
    if (code != ERR_OK)
        return code;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(text, fd, errno, err);
    if (is_stale(&address))
        (void)unlink(address.sun_path);
    /* The mode of the socket becomes that of its file: so it never is anybody else's to open. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        return fail(text, fd, errno, err);
    *ret_fd = fd;
    return ERR_OK;
}

/* "host:port" or "[v6]:port" */
static bool split(const char *text, char host[HOST_SIZE], const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0')
        return false;
    const char *begin = text;
    const char *end = colon;
    if (*begin == '[') {
        if (end == begin || end[-1] != ']')
            return false;
        begin++;
        end--;
    } else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
        return false;
    }
    const size_t size = (size_t)(end - begin);
    if (size >= HOST_SIZE || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    memcpy(host, begin, size);
    host[size] = '\0';
    *ret_port = colon + 1;
    return true;
}

static enum err_code resolve(const char *text, struct addrinfo **ret_found, struct err *err)
{
    char host[HOST_SIZE];
    const char *port = NULL;
    if (!split(text, host, &port))
        return err_set(err, ERR_INVALID,
                       "%s: HOST:PORT, [IPV6]:PORT or unix:PATH expected, such as 127.0.0.1:19530",
                       text);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const int end = getaddrinfo(host[0] != '\0' ? host : "127.0.0.1", port, &hints, ret_found);
    if (end != 0)
        return err_set(err, ERR_INVALID, "%s: %s", text, gai_strerror(end));
    return ERR_OK;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

/* "localhost" may be both ::1 and 127.0.0.1; more clients try the latter. */
static const struct addrinfo *preferred(const struct addrinfo *found)
{
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
        if (one->ai_family == AF_INET)
            return one;
    return found;
}

static enum err_code listen_tcp(const char *text, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    struct addrinfo *found = NULL;
    const enum err_code code = resolve(text, &found, err);
    if (code != ERR_OK)
        return code;
    const int one = 1;
    const struct addrinfo *chosen = preferred(found);
    const int fd = socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool is_bound =
        fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, chosen->ai_addr, chosen->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    const int failure = errno;
    freeaddrinfo(found);
    if (!is_bound)
        return fail(text, fd, failure, err);
    *ret_fd = fd;
    *ret_port = port_of(fd);
    return ERR_OK;
}

enum err_code address_listen(const char *text, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    *ret_port = 0;
    return is_unix(text) ? listen_unix(text, ret_fd, err) : listen_tcp(text, ret_fd, ret_port, err);
}

void address_remove(const char *text)
{
    struct sockaddr_un address;
    struct stat st;
    if (is_unix(text) && unix_address(text, &address, NULL) == ERR_OK &&
        lstat(address.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(address.sun_path);
}

void address_format(const struct sockaddr_storage *address, char *buffer, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(buffer, size, "%s:%u", host, ntohs(v4->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        (void)snprintf(buffer, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        (void)snprintf(buffer, size, "unix");
    }
}
