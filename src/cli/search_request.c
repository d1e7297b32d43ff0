/* search_request.c: see search_request.h. */
#include "cli/search_request.h"

#include <math.h>
#include <stdlib.h>

#define K_DEFAULT 10

/* A score on the command line; it may be negative. */
static enum err_code read_score(const struct arguments *arguments, const char *name, bool *ret_has,
                                float *ret_score, struct err *err)
{
    const char *text = arguments_text(arguments, name);
    char *end = NULL;
    if (text == NULL)
        return ERR_OK;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) {
        char shown[128];
        return err_set(err, ERR_USAGE, "--%s: %s is not a number", name,
                       show_word(text, shown, sizeof shown));
    }
    *ret_has = true;
    *ret_score = (float)value;
    return ERR_OK;
}

static enum err_code read_range(const struct arguments *a, struct search_request *request,
                                struct err *err)
{
    enum err_code code = read_score(a, "radius", &request->has_radius, &request->radius, err);
    if (code == ERR_OK)
        code =
            read_score(a, "range-filter", &request->has_range_filter, &request->range_filter, err);
    return code;
}

enum err_code search_request_read(struct arguments *arguments, const struct collection_facts *facts,
                                  struct search_request *ret_request, struct err *err)
{
    const char **partitions = NULL;
    size_t count = 0;
    enum err_code code = arguments_all(arguments, "partition", &partitions, &count, err);
    if (code != ERR_OK)
        return code;
    struct search_request request = {
        .dim = facts->dim,
        .k = (size_t)arguments_count(arguments, "k", K_DEFAULT),
        .partitions = count > 0 ? partitions : NULL,
        .partition_count = count,
        .level = (unsigned)arguments_count(arguments, "level", 0),
        .recall = (float)arguments_number(arguments, "recall", 0),
        .isa = getenv("GODWIT_ISA"),
    };
    if (arguments_has(arguments, "recall") && request.recall <= 0)
        return err_set(err, ERR_USAGE, "--recall: more than 0 and at most 1");
    code = read_range(arguments, &request, err);
    if (code == ERR_OK)
        *ret_request = request;
    return code;
}
