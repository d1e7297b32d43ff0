/* mysql_uri.c: how a MySQL server is named (meta_mysql_parse of meta.h); touches no network.
 *
 * Two forms. The server's: `mysql://user:password@host:port/database`, read from the right, because
 * a password may hold '@' and '/': the database after the last '/', the host after the last '@',
 * the password after the last ':' of the rest (so it cannot hold a ':', as in the server itself).
 * Go's: `user:password@tcp(host:port)/database?options` or `unix(/path)`, where the user ends at
 * the first
 * ':'; options are ignored. No error repeats the text, since it holds the password. Source:
 * milvus-io/milvus v1.1.1, core/src/db/Utils.cpp; go-sql-driver/mysql, dsn.go. */
#include <string.h>
#include <strings.h>

#include "milvus1/meta.h"

#define URI_SCHEME "mysql://"
#define PORT_MAX 65535

/* A part of the text: [begin, end). */
struct part {
    const char *begin;
    const char *end;
};

static const char *last(struct part part, char c)
{
    return memrchr(part.begin, c, (size_t)(part.end - part.begin));
}

static const char *first(struct part part, char c)
{
    return memchr(part.begin, c, (size_t)(part.end - part.begin));
}

static enum err_code copy(struct part part, const char *what, char *buffer, size_t size,
                          struct err *err)
{
    const size_t length = (size_t)(part.end - part.begin);
    if (length >= size)
        return err_set(err, ERR_CONFIG, "MySQL address: the %s is longer than %zu bytes", what,
                       size - 1);
    memcpy(buffer, part.begin, length);
    buffer[length] = '\0';
    return ERR_OK;
}

static enum err_code parse_port(struct part part, unsigned *ret_port, struct err *err)
{
    unsigned port = 0;
    for (const char *c = part.begin; c < part.end; c++) {
        if (*c < '0' || *c > '9' || port > PORT_MAX)
            return err_set(err, ERR_CONFIG, "MySQL address: the port is no number up to %d",
                           PORT_MAX);
        port = port * 10 + (unsigned)(*c - '0');
    }
    if (port > PORT_MAX)
        return err_set(err, ERR_CONFIG, "MySQL address: the port is no number up to %d", PORT_MAX);
    *ret_port = port;
    return ERR_OK;
}

/* "host", "host:port", "[::1]:port". */
static enum err_code parse_host(struct part part, struct meta_mysql *mysql, struct err *err)
{
    const char *colon = last(part, ':');
    struct part host = part;
    if (part.begin < part.end && *part.begin == '[') {
        const char *bracket = last(part, ']');
        if (bracket == NULL)
            return err_set(err, ERR_CONFIG, "MySQL address: a ']' is missing");
        host = (struct part){part.begin + 1, bracket};
        colon = bracket + 1 < part.end && bracket[1] == ':' ? bracket + 1 : NULL;
    } else if (colon != NULL) {
        host.end = colon;
    }
    if (colon != NULL &&
        parse_port((struct part){colon + 1, part.end}, &mysql->port, err) != ERR_OK)
        return ERR_CONFIG;
    return copy(host, "host", mysql->host, sizeof mysql->host, err);
}

static enum err_code parse_user(struct part part, const char *colon, struct meta_mysql *mysql,
                                struct err *err)
{
    const struct part user = {part.begin, colon != NULL ? colon : part.end};
    const struct part password = {colon != NULL ? colon + 1 : part.end, part.end};
    const enum err_code code = copy(user, "user", mysql->user, sizeof mysql->user, err);
    return code == ERR_OK ? copy(password, "password", mysql->password, sizeof mysql->password, err)
                          : code;
}

/* Options after the database are not ours. */
static enum err_code parse_database(struct part part, struct meta_mysql *mysql, struct err *err)
{
    const char *question = first(part, '?');
    if (question != NULL)
        part.end = question;
    if (part.begin == part.end || first(part, '@') != NULL)
        return err_set(err, ERR_CONFIG,
                       "MySQL address: no database is named; expected "
                       "mysql://USER:PASSWORD@HOST:PORT/DATABASE");
    return copy(part, "database", mysql->database, sizeof mysql->database, err);
}

static enum err_code parse_uri(struct part text, struct meta_mysql *mysql, struct err *err)
{
    const char *slash = last(text, '/');
    if (slash == NULL)
        return err_set(err, ERR_CONFIG,
                       "MySQL address: no database is named; expected "
                       "mysql://USER:PASSWORD@HOST:PORT/DATABASE");
    struct part front = {text.begin, slash};
    const char *at = last(front, '@');
    struct part host = {at != NULL ? at + 1 : front.begin, front.end};
    enum err_code code = parse_database((struct part){slash + 1, text.end}, mysql, err);
    if (code == ERR_OK)
        code = parse_host(host, mysql, err);
    if (code != ERR_OK || at == NULL)
        return code;
    front.end = at;
    return parse_user(front, last(front, ':'), mysql, err);
}

/* "tcp(host:port)", "unix(/path)", "tcp", "". */
static enum err_code parse_network(struct part part, struct meta_mysql *mysql, struct err *err)
{
    const char *open = first(part, '(');
    const struct part kind = {part.begin, open != NULL ? open : part.end};
    struct part address = {part.end, part.end};
    if (open != NULL) {
        if (part.end[-1] != ')')
            return err_set(err, ERR_CONFIG, "MySQL address: a ')' is missing before the '/'");
        address = (struct part){open + 1, part.end - 1};
    }
    const size_t size = (size_t)(kind.end - kind.begin);
    if (size == 4 && strncasecmp(kind.begin, "unix", 4) == 0)
        return copy(address, "socket", mysql->socket, sizeof mysql->socket, err);
    if (size != 0 && !(size == 3 && strncasecmp(kind.begin, "tcp", 3) == 0))
        return err_set(err, ERR_CONFIG, "MySQL address: expected tcp(HOST:PORT) or unix(/SOCKET)");
    if (address.begin == address.end)
        return copy((struct part){"127.0.0.1", strchr("127.0.0.1", '\0')}, "host", mysql->host,
                    sizeof mysql->host, err);
    return parse_host(address, mysql, err);
}

static enum err_code parse_dsn(struct part text, struct meta_mysql *mysql, struct err *err)
{
    /* Options may hold a '/', the text before them ends with the last one outside. */
    const char *close = last(text, ')');
    struct part tail = {close != NULL ? close : text.begin, text.end};
    const char *slash = close != NULL ? first(tail, '/') : last(text, '/');
    if (slash == NULL)
        return err_set(err, ERR_CONFIG,
                       "MySQL address: expected mysql://USER:PASSWORD@HOST:PORT/"
                       "DATABASE or USER:PASSWORD@tcp(HOST:PORT)/DATABASE");
    struct part front = {text.begin, slash};
    const char *at = last(front, '@');
    const struct part network = {at != NULL ? at + 1 : front.begin, front.end};
    enum err_code code = parse_database((struct part){slash + 1, text.end}, mysql, err);
    if (code == ERR_OK)
        code = parse_network(network, mysql, err);
    if (code != ERR_OK || at == NULL)
        return code;
    front.end = at;
    return parse_user(front, first(front, ':'), mysql, err);
}

enum err_code meta_mysql_parse(const char *text, struct meta_mysql *ret_mysql, struct err *err)
{
    struct meta_mysql mysql = {.port = 0};
    const size_t scheme = strlen(URI_SCHEME);
    const bool is_uri = strncasecmp(text, URI_SCHEME, scheme) == 0;
    const struct part whole = {is_uri ? text + scheme : text, strchr(text, '\0')};
    const enum err_code code =
        is_uri ? parse_uri(whole, &mysql, err) : parse_dsn(whole, &mysql, err);
    if (code == ERR_OK)
        *ret_mysql = mysql;
    explicit_bzero(&mysql, sizeof mysql);
    return code;
}
