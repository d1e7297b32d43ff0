/* meta_json.h: the version of our meta.json. Written by export.c, read by meta_json.c; the format
 * is described in docs/meta-json.md. */
#ifndef GODWIT_MILVUS1_META_JSON_H
#define GODWIT_MILVUS1_META_JSON_H

#define META_JSON_VERSION 1

#endif
