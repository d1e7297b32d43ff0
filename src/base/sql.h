/* sql.h: a thin wrapper over SQLite (the only file that includes it): errors are `struct err`,
 * commits and allocations are fault points.
 *
 * One connection may be used by one thread at a time. Text returned by a column is borrowed until
 * the next step. */
#ifndef GODWIT_BASE_SQL_H
#define GODWIT_BASE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sql;
struct sql_statement;

/* Prepares SQLite for the process (its own memory and system calls become fault points).
 * Idempotent; call before threads start. */
void sql_start(void);

/* Opens or creates a database that is ours: WAL, synchronous=FULL, foreign keys on, busy timeout
 * 30 s. */
enum err_code sql_open(const char *path, struct sql **ret_sql, struct err *err) MUST_USE;
/* Opens an existing file that belongs to somebody else (a private copy of it): read-only statements
 * only, defensive mode, no triggers or views with functions are trusted. */
enum err_code sql_open_foreign(const char *path, struct sql **ret_sql, struct err *err) MUST_USE;
/* Opens an existing database of ours for reading beside a writer. ERR_NOT_FOUND when absent. In a
 * folder that cannot be written, and without a write-ahead log that would be missed, the file is
 * taken as immutable. */
enum err_code sql_open_readonly(const char *path, struct sql **ret_sql, struct err *err) MUST_USE;
void sql_close(struct sql *sql);
const char *sql_path(const struct sql *sql);

/* Runs one or several statements without parameters or results. */
enum err_code sql_exec(struct sql *sql, const char *statements, struct err *err) MUST_USE;
enum err_code sql_begin(struct sql *sql, struct err *err) MUST_USE;  /* BEGIN IMMEDIATE */
enum err_code sql_commit(struct sql *sql, struct err *err) MUST_USE; /* fault point FAULT_COMMIT */
void sql_rollback(struct sql *sql); /* no error when no transaction is open */
int64_t sql_last_row(const struct sql *sql);
int64_t sql_changes(const struct sql *sql);

/* One statement; `*ret_statement` is finalized by sql_finalize (NULL accepted). */
enum err_code sql_prepare(struct sql *sql, const char *statement,
                          struct sql_statement **ret_statement, struct err *err) MUST_USE;
/* Parameters count from 1. Text and blobs are copied. Failures show up in the next sql_step. */
void sql_bind_int(struct sql_statement *statement, int index, int64_t value);
void sql_bind_text(struct sql_statement *statement, int index, const char *value); /* NULL: NULL */
void sql_bind_blob(struct sql_statement *statement, int index, const void *data, size_t size);
void sql_bind_double(struct sql_statement *statement, int index, double value);
/* The next row: true, false at the end. */
enum err_code sql_step(struct sql_statement *statement, bool *ret_has_row,
                       struct err *err) MUST_USE;
/* Runs a statement to its end and resets it, keeping nothing; for INSERT, UPDATE, DELETE. */
enum err_code sql_run(struct sql_statement *statement, struct err *err) MUST_USE;
void sql_reset(struct sql_statement *statement);
void sql_finalize(struct sql_statement *statement);
/* Columns count from 0. */
int64_t sql_column_int(struct sql_statement *statement, int index);
double sql_column_double(struct sql_statement *statement, int index);
const char *sql_column_text(struct sql_statement *statement, int index); /* "" for NULL */
const void *sql_column_blob(struct sql_statement *statement, int index, size_t *ret_size);
bool sql_column_is_null(struct sql_statement *statement, int index);
bool sql_column_is_int(struct sql_statement *statement, int index);
bool sql_column_is_real(struct sql_statement *statement, int index);

#endif
