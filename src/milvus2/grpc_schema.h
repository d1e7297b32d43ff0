/* grpc_schema.h: CollectionSchema and FieldSchema to what the core takes, and back. */
#ifndef GODWIT_MILVUS2_GRPC_SCHEMA_H
#define GODWIT_MILVUS2_GRPC_SCHEMA_H

#include "milvus2/collections.h"
#include "milvus2/grpc.h"

/* A serialized CollectionSchema: description, fields, dynamic field; properties are added. */
bool grpc_read_schema(struct op *op, ProtobufCBinaryData bytes, struct collection_spec *spec);
/* A serialized FieldSchema. */
bool grpc_read_field(struct op *op, const char *collection, ProtobufCBinaryData bytes,
                     struct field *ret_field);
Mv__CollectionSchema *grpc_put_schema(struct op *op, const struct view *view);

#endif
