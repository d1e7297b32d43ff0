/* flaw.h: what a decoder found wrong with the bytes of one file.
 *
 * Decoders know offset, found and expected, but neither the file's name nor what follows from it.
 * Whoever knows those makes a finding of it (report.h) or an error sentence. */
#ifndef GODWIT_MILVUS1_FLAW_H
#define GODWIT_MILVUS1_FLAW_H

#include <stdint.h>

#include "base/err.h"

#define FLAW_TEXT_SIZE 160

struct flaw {
    uint64_t offset; /* in the file */
    char found[FLAW_TEXT_SIZE];
    char expected[FLAW_TEXT_SIZE];
};

/* Fills `ret_flaw` (NULL allowed) and returns `code`, so that `return flaw_set(...)` reads well. */
enum err_code flaw_set(struct flaw *ret_flaw, enum err_code code, uint64_t offset,
                       const char *found_format, ...) PRINTF_LIKE(4, 5);
/* The same for the expected text; returns nothing. */
void flaw_expect(struct flaw *ret_flaw, const char *format, ...) PRINTF_LIKE(2, 3);

/* "PATH: offset N: FOUND; expected EXPECTED" as an error. */
enum err_code flaw_to_err(const struct flaw *flaw, enum err_code code, const char *path,
                          struct err *err);

#endif
