/* meta_rows.h: what the three loaders of metadata share: a growing `struct meta` and the checks of
 * one row. Internal to the meta_*.c files. */
#ifndef GODWIT_MILVUS1_META_ROWS_H
#define GODWIT_MILVUS1_META_ROWS_H

#include "milvus1/meta.h"

struct meta_rows {
    struct meta meta;
    size_t table_capacity;
    size_t file_capacity;
    size_t hybrid_capacity;
};

/* Starts an empty one; `where` is copied. ERR_NOMEM. */
enum err_code meta_rows_init(struct meta_rows *rows, enum meta_kind kind, const char *where,
                             struct err *err) MUST_USE;
void meta_rows_release(struct meta_rows *rows);

/* Each checks a row and copies its texts; the row's own are borrowed for the call. ERR_CORRUPT
 * names the row and the column. */
enum err_code meta_rows_add_table(struct meta_rows *rows, const struct meta_table *table,
                                  struct err *err) MUST_USE;
enum err_code meta_rows_add_file(struct meta_rows *rows, const struct meta_file *file,
                                 struct err *err) MUST_USE;
enum err_code meta_rows_add_hybrid(struct meta_rows *rows, const char *table_id,
                                   struct err *err) MUST_USE;

/* Sorts the files by id and hands everything over. */
void meta_rows_take(struct meta_rows *rows, struct meta *ret_meta);

/* True when one of the table names belongs to a 0.11 server, whose metadata is another world. */
bool meta_is_snapshot_table(const char *name);
/* The sentence for such a database. */
enum err_code meta_refuse_snapshot(struct err *err);

#endif
