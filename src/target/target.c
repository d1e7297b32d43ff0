/* target.c: which target a location names. */
#include "target/target.h"

#include <string.h>

#include "target/target_engine.h"

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

enum err_code target_open(const char *location, const struct target_options *options,
                          struct target **ret_target, struct err *err)
{
    static const char *const others[] = {
        "http://", "https://", "npy:", "npy+s3://", "s3://", "mysql://"};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
        if (begins_with(location, others[k]))
            return err_set(err, ERR_UNSUPPORTED,
                           "target %s: %s is not supported; name a folder for an embedded "
                           "database, such as ./godwit-data",
                           location, others[k]);
    if (location[0] == '\0')
        return err_set(err, ERR_USAGE, "the target is empty; name a folder");
    return target_engine_open(location, options, ret_target, err);
}

void target_close(struct target *target)
{
    if (target != NULL)
        target->ops->close(target);
}
