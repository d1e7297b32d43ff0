/* refused.c: see refused.h. */
#include "milvus2/refused.h"

#define REFUSED_TEXT_ROW(name, text) text,
static const char *const texts[] = {REFUSED_MAP(REFUSED_TEXT_ROW)};
#undef REFUSED_TEXT_ROW

bool refuse(struct op *op, enum refused what, const char *where)
{
    return status_wrap(&op->status, MILVUS_INVALID, "%s%s%s not supported by this server", where,
                       where[0] != '\0' ? ": " : "", texts[what]);
}
