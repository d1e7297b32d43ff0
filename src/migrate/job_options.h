/* job_options.h: the options that a continued job must agree on, as JSON text that is equal when
 * they are. */
#ifndef GODWIT_MIGRATE_JOB_OPTIONS_H
#define GODWIT_MIGRATE_JOB_OPTIONS_H

#include "base/err.h"
#include "flow/target.h"
#include "migrate/selection.h"

/* mem_free the text. ERR_NOMEM. */
enum err_code job_options_write(const struct selection *selection, enum if_exists if_exists,
                                const char *way, char **ret_text, struct err *err) MUST_USE;
/* The reverse; the selection is made by selection_init. ERR_CORRUPT when the text is no such. */
enum err_code job_options_read(const char *text, struct selection *selection,
                               enum if_exists *ret_if_exists, const char **ret_way,
                               struct err *err) MUST_USE;

#endif
