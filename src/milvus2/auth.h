/* auth.h: who sends a call: credentials as gRPC and HTTP carry them.
 *
 * gRPC: metadata "authorization" is base64 of "user:password" or of an API key, without a scheme.
 * HTTP: "Bearer TOKEN" with the same token in plain text, or "Basic BASE64". */
#ifndef GODWIT_MILVUS2_AUTH_H
#define GODWIT_MILVUS2_AUTH_H

#include <stdbool.h>

#include "server/call.h"

#define AUTH_OPEN_PATH "/healthz" /* answered without credentials */

/* Hook of the transport; `app` is the api. False: the call has been answered. */
bool auth_check(void *app, struct call *call);

#endif
