/* search_request.h: the options that godwit search and godwit explain share: partitions, k, level,
 * recall and range. */
#ifndef GODWIT_CLI_SEARCH_REQUEST_H
#define GODWIT_CLI_SEARCH_REQUEST_H

#include "base/err.h"
#include "cli/options.h"
#include "engine/search.h"

/* Everything but the queries and the filter. ERR_USAGE, ERR_NOMEM. */
enum err_code search_request_read(struct arguments *arguments, const struct collection_facts *facts,
                                  struct search_request *ret_request, struct err *err) MUST_USE;

#endif
