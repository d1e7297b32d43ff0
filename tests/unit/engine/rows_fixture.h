/* rows_fixture.h: for tests of the write side: a database with a writer, collections of several
 * fields, and rows that are made from their key, so that any row can be checked by itself. */
#ifndef GODWIT_TESTS_UNIT_ENGINE_ROWS_FIXTURE_H
#define GODWIT_TESTS_UNIT_ENGINE_ROWS_FIXTURE_H

#include "scratch.h"

#include "engine/rows.h"
#include "engine/search.h"
#include "engine/write/define.h"

#define FIXTURE_DIM 8

/* Fields of the fixture's schemas, in this order. */
enum {
    FIXTURE_KEY,
    FIXTURE_VECTOR,
    FIXTURE_NUMBER, /* Int32, nullable */
    FIXTURE_TEXT,   /* VarChar, default "none" */
    FIXTURE_SECOND, /* Float16Vector */
    FIXTURE_FIELDS
};

struct fixture {
    struct database *database;
    struct writer *writer;
};

/* Opens the database of a folder, or makes it. */
void fixture_open(struct fixture *fixture, const char *folder,
                  const struct writer_options *options);
void fixture_close(struct fixture *fixture);
enum err_code fixture_create(struct fixture *fixture, const char *name, bool has_text_keys,
                             struct err *err);

/* Rows of keys first .. first + count - 1; `version` changes their values. */
struct fixture_rows {
    struct row_batch batch;
    struct column columns[FIXTURE_FIELDS];
    int64_t *keys;
    uint8_t *bytes[8];
};
void fixture_rows_make(struct fixture_rows *rows, const int64_t *keys, size_t count,
                       uint32_t version, bool has_text_keys);
void fixture_rows_free(struct fixture_rows *rows);

enum err_code fixture_insert(struct fixture *fixture, const char *name, const int64_t *keys,
                             size_t count, uint32_t version);
enum err_code fixture_delete(struct fixture *fixture, const char *name, const int64_t *keys,
                             size_t count, uint64_t *ret_deleted);
/* The row of a key: its version, or 0 when there is none. Every value is checked. */
uint32_t fixture_find(struct snapshot *snapshot, int64_t key);

#endif
