/* http_rules.h: what holds for an HTTP request over HTTP/1.1 and over HTTP/2 alike: who handles it,
 * its body and its encoding, CORS. */
#ifndef GODWIT_SERVER_HTTP_RULES_H
#define GODWIT_SERVER_HTTP_RULES_H

#include "server/call_internal.h"

/* The headers are there: finds the handler and looks at Content-Encoding, Content-Length. False:
 * the reply is set already (refused, or OPTIONS), and no handler is to be called. */
bool http_rules_begin(struct call *call) MUST_USE;
/* Takes a piece of the body. False: it does not fit, the call is refused. */
bool http_rules_body(struct call *call, struct bytes piece) MUST_USE;
/* Content-Length; 0 when it is not there or no number. */
uint64_t http_rules_length(const struct call *call);

/* Goes through all headers of a reply but Content-Length: type, those of the handler, CORS,
 * refusals' own. Names are in lower case. */
void http_rules_reply_headers(const struct call *call,
                              void (*each)(void *context, const char *name, const char *value),
                              void *context);

#endif
