/* auth.c: see auth.h. */
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "milvus2/api.h"
#include "milvus2/auth.h"
#include "milvus2/rest.h"
#include "milvus2/status.h"
#include "milvus2/users.h"

#define TOKEN_SIZE_MAX 4096

/* Text of base64 into the call's memory; NULL when it is none. */
static char *decode(struct call *call, const char *text)
{
    const size_t size = strlen(text);
    size_t decoded;
    char *token = size <= TOKEN_SIZE_MAX ? arena_array(call_arena(call), size + 1, 1) : NULL;
    if (token == NULL || !base64_decode(text, size, (uint8_t *)token, &decoded))
        return NULL;
    token[decoded] = '\0';
    return token;
}

/* The token of a call; NULL when it has none. */
static const char *find_token(struct call *call)
{
    const char *header = call_header(call, "authorization");
    if (header == NULL)
        return NULL;
    if (call_is_grpc(call))
        return decode(call, header);
    if (strncasecmp(header, "Bearer ", 7) == 0)
        return header + 7;
    return strncasecmp(header, "Basic ", 6) == 0 ? decode(call, header + 6) : NULL;
}

static bool refuse_call(struct call *call, const char *text)
{
    if (call_is_grpc(call)) {
        call_reply_status(call, GRPC_UNAUTHENTICATED, "%s", text);
    } else {
        struct status status = {0};
        (void)status_wrap(&status, MILVUS_REST_NO_AUTH, "%s", "");
        rest_reply_status(call, 401, &status);
    }
    return false;
}

bool auth_check(void *app, struct call *call)
{
    const struct api *api = app;
    char name[USERS_NAME_SIZE];
    if (!api->options.needs_login ||
        (!call_is_grpc(call) && strcmp(call_path(call), AUTH_OPEN_PATH) == 0))
        return true;
    const char *token = find_token(call);
    if (token == NULL || token[0] == '\0')
        return refuse_call(call, "missing authorization in header");
    switch (users_authenticate(api->users, token, call_peer(call), name)) {
    case USERS_ACCEPTED:
        call_set_user(call, name);
        return true;
    case USERS_TOO_MANY:
        return refuse_call(call, "auth check failure, too many wrong passwords from this address, "
                                 "try again in a minute");
    case USERS_REFUSED:
        break;
    }
    return refuse_call(call, "auth check failure, please check username and password are correct");
}
