/* meta_json.h: our meta.json as text. Read by meta_json.c; the format is in docs/meta-json.md. */
#ifndef GODWIT_MILVUS1_META_JSON_H
#define GODWIT_MILVUS1_META_JSON_H

#include "base/err.h"
#include "base/text.h"
#include "milvus1/live.h"
#include "milvus1/meta.h"

#define META_JSON_VERSION 1

/* Appends one line: the visible part of `meta`. ERR_UNSUPPORTED when `meta` came from the old
 * tool's file (what it does not know must not look known), ERR_NOMEM. */
enum err_code meta_json_write(const struct meta *meta, const struct live *live, struct text *text,
                              struct err *err) MUST_USE;

#endif
