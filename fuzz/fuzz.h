/* fuzz.h: the one function of every fuzz target, fuzz/fuzz_NAME.c. libFuzzer calls it with inputs
 * that it makes up; replay.c calls it with the files of fuzz/corpus/NAME.
 *
 * Returns 0. Whatever the bytes are, it must not crash, leak, or run for long; a target may check
 * more (a round trip, say) and abort when that fails. */
#ifndef GODWIT_FUZZ_H
#define GODWIT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, also in a release. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

#endif
