/* loops_avx2.c: the loops of loops.h for AVX2. */
#define LOOPS_TABLE loops_avx2
#define LOOPS_ISA "avx2"
#include "filter/loops_body.h"
