/* refused.h: the one table of what Milvus has and this server refuses, by name.
 *
 * A parameter or part of a request that is not served: code 1100 and the name. A whole RPC: see the
 * method table (grpc.c), which answers code 10. */
#ifndef GODWIT_MILVUS2_REFUSED_H
#define GODWIT_MILVUS2_REFUSED_H

#include "milvus2/op.h"

#define REFUSED_MAP(X)                                                                             \
    X(REFUSED_SPARSE, "sparse vectors (SparseFloatVector)")                                        \
    X(REFUSED_STRUCTS, "struct array fields")                                                      \
    X(REFUSED_GEOMETRY, "the data type Geometry")                                                  \
    X(REFUSED_TEXT, "the data type Text")                                                          \
    X(REFUSED_TIMESTAMPTZ, "the data type Timestamptz")                                            \
    X(REFUSED_FUNCTIONS, "functions (BM25, text embedding, full text search)")                     \
    X(REFUSED_ANALYZER,                                                                            \
      "text match with another analyzer than the standard one (analyzer_params)")                  \
    X(REFUSED_GROUP_BY, "grouping search (group_by_field)")                                        \
    X(REFUSED_RERANK, "function_score (reranking functions)")                                      \
    X(REFUSED_HYBRID, "hybrid search")                                                             \
    X(REFUSED_HIGHLIGHT, "highlighting")                                                           \
    X(REFUSED_AGGREGATION, "search aggregation")                                                   \
    X(REFUSED_ORDER_BY, "order_by_fields")                                                         \
    X(REFUSED_EMBEDDING_LIST, "embedding lists (EmbList placeholders)")                            \
    X(REFUSED_TEXT_QUERY, "text as a query (BM25)")                                                \
    X(REFUSED_FIELD_OPS, "field_ops of a partial upsert")                                          \
    X(REFUSED_PARQUET, "import of Parquet files")                                                  \
    X(REFUSED_CSV, "import of CSV files")                                                          \
    X(REFUSED_METRIC_STRUCTURE, "the metric types SUBSTRUCTURE, SUPERSTRUCTURE and MHJACCARD")

#define REFUSED_ENUM(name, text) name,
enum refused { REFUSED_MAP(REFUSED_ENUM) REFUSED_COUNT };
#undef REFUSED_ENUM

/* False with status 1100: "NAME: TEXT is not supported by this server". `where` says what asked
 * for it (a field's name, a parameter). */
bool refuse(struct op *op, enum refused what, const char *where);

#endif
