/* loops_scalar.c: the loops of loops.h for any machine. */
#define LOOPS_TABLE loops_scalar
#define LOOPS_ISA "scalar"
#include "filter/loops_body.h"
