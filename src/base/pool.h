/* pool.h: a bounded set of threads that do work.
 *
 * The first error of a run stops it; jobs that are under way end normally. */
#ifndef GODWIT_BASE_POOL_H
#define GODWIT_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define POOL_THREADS_MAX 256

/* Processors that this process may use, at least 1. */
size_t pool_processor_count(void);

/* Calls work(argument, index, err) for index 0..count-1 on `threads` threads (the caller's is one
 * of them), in order of index, each index once. After the first failure no further index is
 * started. Returns that failure (the lowest index's when several fail). threads is clamped
 * to 1..POOL_THREADS_MAX and to count. When a thread cannot be started the others do the work. */
enum err_code pool_run(size_t threads, size_t count,
                       enum err_code (*work)(void *argument, size_t index, struct err *err),
                       void *argument, struct err *err) MUST_USE;

#endif
