/* target_engine.h: a database folder as a target. */
#ifndef GODWIT_TARGET_TARGET_ENGINE_H
#define GODWIT_TARGET_TARGET_ENGINE_H

#include "target/target.h"

/* See target_open(); the folder is made when absent. */
enum err_code target_engine_open(const char *folder, const struct target_options *options,
                                 struct target **ret_target, struct err *err) MUST_USE;

#endif
