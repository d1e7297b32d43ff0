/* installation_fixture.h: a small installation in a temporary folder, made through the library's
 * own file functions. Paths are relative to the folder. */
#ifndef GODWIT_TESTS_UNIT_MILVUS1_INSTALLATION_FIXTURE_H
#define GODWIT_TESTS_UNIT_MILVUS1_INSTALLATION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sql.h"

#define FIXTURE_SCHEMA                                                                             \
    "CREATE TABLE Tables(id INTEGER PRIMARY KEY, table_id TEXT UNIQUE, state INTEGER, dimension "  \
    "INTEGER, created_on INTEGER, flag INTEGER DEFAULT 0, index_file_size INTEGER, engine_type "   \
    "INTEGER, index_params TEXT, metric_type INTEGER, owner_table TEXT DEFAULT '', partition_tag " \
    "TEXT DEFAULT '', version TEXT DEFAULT '1.1.1', flush_lsn INTEGER);"                           \
    "CREATE TABLE TableFiles(id INTEGER PRIMARY KEY, table_id TEXT, segment_id TEXT DEFAULT '', "  \
    "engine_type INTEGER, file_id TEXT, file_type INTEGER, file_size INTEGER DEFAULT 0, "          \
    "row_count INTEGER DEFAULT 0, updated_time INTEGER, created_on INTEGER, date INTEGER, "        \
    "flush_lsn INTEGER);"                                                                          \
    "CREATE TABLE Environment(global_lsn INTEGER);"                                                \
    "CREATE TABLE Fields(collection_id TEXT, field_name TEXT, field_type INTEGER, field_params "   \
    "TEXT);"

/* Collection c (dim 2, L2) with segment 100 of two rows, partition 7000 of tag "p 1" with segment
 * 101, a dropped file. */
#define FIXTURE_ROWS                                                                               \
    "INSERT INTO Tables VALUES(1,'c',0,2,1000,2,1048576,2,'{\"nlist\":16}',1,'','','1.1.1',50);"   \
    "INSERT INTO Tables VALUES(2,'7000',0,2,1001,0,1048576,2,'{\"nlist\":16}',1,'c','p "           \
    "1','1.1.1',60);"                                                                              \
    "INSERT INTO TableFiles VALUES(1,'c','100',1,'100',1,32,2,5,6,7,0);"                           \
    "INSERT INTO TableFiles VALUES(2,'7000','101',1,'101',7,16,1,5,6,7,0);"                        \
    "INSERT INTO TableFiles VALUES(3,'7000','101',2,'555',3,99,1,5,6,7,0);"                        \
    "INSERT INTO TableFiles VALUES(4,'c','99',1,'99',4,16,1,5,6,7,0);"                             \
    "INSERT INTO Environment VALUES(40);"

/* In memory where possible: these tests sync thousands of small files. */
static inline char *fixture_folder(void)
{
    if (getenv("TMPDIR") == NULL && file_is_folder("/dev/shm"))
        assert_int_equal(setenv("TMPDIR", "/dev/shm", 1), 0);
    char *folder = NULL;
    struct err err;
    assert_int_equal(folder_make_temporary(&folder, &err), ERR_OK);
    return folder;
}

static inline void fixture_remove(char *folder)
{
    struct err err;
    assert_int_equal(folder_remove(folder, &err), ERR_OK);
    mem_free(folder);
}

/* The result lives until the eighth call after it. */
static inline char *fixture_path(const char *folder, const char *name)
{
    static char paths[8][FILE_PATH_MAX];
    static size_t turn;
    char joined[FILE_PATH_MAX]; /* `folder` may be one of `paths` */
    char *path = paths[turn++ % 8];
    const int size = snprintf(joined, sizeof joined, "%s/%s", folder, name);
    assert_in_range(size, 1, sizeof joined - 1);
    memcpy(path, joined, sizeof joined);
    return path;
}

static inline void fixture_file(const char *folder, const char *name, const void *data, size_t size)
{
    const char *path = fixture_path(folder, name);
    char parent[FILE_PATH_MAX];
    struct err err;
    assert_true(path_parent(path, parent, sizeof parent));
    assert_int_equal(folder_make(parent, &err), ERR_OK);
    assert_int_equal(file_replace(path, data, size, &err), ERR_OK);
}

static inline void fixture_text(const char *folder, const char *name, const char *text)
{
    fixture_file(folder, name, text, strlen(text));
}

/* A database; it is closed, so no -wal is left. */
static inline void fixture_sqlite(const char *folder, const char *name, const char *statements)
{
    const char *path = fixture_path(folder, name);
    char parent[FILE_PATH_MAX];
    struct sql *sql = NULL;
    struct err err;
    assert_true(path_parent(path, parent, sizeof parent));
    assert_int_equal(folder_make(parent, &err), ERR_OK);
    assert_int_equal(sql_open(path, &sql, &err), ERR_OK);
    assert_int_equal(sql_exec(sql, statements, &err), ERR_OK);
    sql_close(sql);
}

/* FOLDER/db with the rows above and their segment files. */
static inline void fixture_installation(const char *folder)
{
    static const unsigned char rv[24] = {16, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    static const unsigned char uid[24] = {16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
    static const unsigned char rv1[16] = {8, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9};
    static const unsigned char uid1[16] = {8, 0, 0, 0, 0, 0, 0, 0, 3};
    static const unsigned char none[8] = {0};
    fixture_sqlite(folder, "db/meta.sqlite", FIXTURE_SCHEMA FIXTURE_ROWS);
    fixture_file(folder, "db/tables/c/100/100.rv", rv, sizeof rv);
    fixture_file(folder, "db/tables/c/100/100.uid", uid, sizeof uid);
    fixture_file(folder, "db/tables/c/100/deleted_docs", none, sizeof none);
    fixture_file(folder, "db/tables/7000/101/101.rv", rv1, sizeof rv1);
    fixture_file(folder, "db/tables/7000/101/101.uid", uid1, sizeof uid1);
    fixture_file(folder, "db/tables/7000/101/deleted_docs", none, sizeof none);
    fixture_file(folder, "db/tables/7000/101/555", "index", 5);
    fixture_file(folder, "db/tables/c/99/99.rv", rv1, sizeof rv1);
}

#endif
