/* vectors_test.c: vectors from text and files, and .npy files written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/npy.h"
#include "cli/vectors.h"

static char *folder;
static char *path;

static int make_folder(void **state)
{
    (void)state;
    struct err err;
    if (folder_make_temporary(&folder, &err) != ERR_OK)
        return -1;
    path = mem_printf("%s/a.npy", folder);
    return path != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    struct err err;
    const enum err_code code = folder_remove(folder, &err);
    mem_free(folder);
    mem_free(path);
    return code == ERR_OK ? 0 : -1;
}

static void put(const struct npy_header *header, const void *data, size_t size)
{
    uint8_t file[NPY_HEADER_SIZE + 256];
    struct err err;
    assert_true(size <= 256);
    npy_header_encode(header, file);
    memcpy(file + NPY_HEADER_SIZE, data, size);
    assert_int_equal(file_replace(path, file, NPY_HEADER_SIZE + size, &err), ERR_OK);
}

static void test_vectors__from_text(void **state)
{
    (void)state;
    struct vectors v;
    struct err err;
    assert_int_equal(vectors_from_text("q", "[1, -2.5, 3e2]", false, &v, &err), ERR_OK);
    assert_int_equal(v.dim, 3);
    float values[3];
    memcpy(values, v.data, sizeof values);
    assert_true(values[0] == 1.0f && values[1] == -2.5f && values[2] == 300.0f);
    vectors_release(&v);
    assert_int_equal(vectors_from_text("q", "[0, 255]", true, &v, &err), ERR_OK);
    assert_int_equal(v.dim, 16);
    assert_memory_equal(v.data, "\x00\xff", 2);
    vectors_release(&v);
    assert_int_equal(vectors_from_text("q", "0x0aFF", true, &v, &err), ERR_OK);
    assert_memory_equal(v.data, "\x0a\xff", 2);
    vectors_release(&v);
}

static void test_vectors__wrong_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_binary;
    } wrong[] = {{"", false},        {"[]", false},   {"{}", false},  {"[1,]", false},
                 {"[\"1\"]", false}, {"[256]", true}, {"[-1]", true}, {"[1.5]", true},
                 {"abc", true},      {"zz", true},    {"0x", true},   {"1, 2", false}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct vectors v;
        struct err err;
        assert_int_equal(vectors_from_text("q", wrong[i].text, wrong[i].is_binary, &v, &err),
                         ERR_INVALID);
    }
}

static void test_vectors__from_npy(void **state)
{
    (void)state;
    static const float singles[] = {1, 2, 3, 4};
    static const double doubles[] = {1, 2, 3, 4};
    struct vectors v;
    struct err err;
    struct npy_header h = {.type = NPY_FLOAT32, .rows = 2, .columns = 2, .dimensions = 2};
    put(&h, singles, sizeof singles);
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_OK);
    assert_true(v.rows == 2 && v.dim == 2 && !v.is_binary);
    assert_memory_equal(v.data, singles, sizeof singles);
    vectors_release(&v);
    h.type = NPY_FLOAT64;
    put(&h, doubles, sizeof doubles);
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_OK);
    assert_memory_equal(v.data, singles, sizeof singles);
    vectors_release(&v);
    h = (struct npy_header){.type = NPY_UINT8, .rows = 4, .columns = 1, .dimensions = 1};
    put(&h, "abcd", 4);
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_OK); /* one flat vector */
    assert_true(v.rows == 1 && v.dim == 32 && v.is_binary);
    vectors_release(&v);
}

static void test_vectors__wrong_npy(void **state)
{
    (void)state;
    struct vectors v;
    struct err err;
    struct npy_header h = {.type = NPY_FLOAT32, .rows = 3, .columns = 2, .dimensions = 2};
    put(&h, "12345678", 8); /* shorter than announced */
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_CORRUPT);
    h.rows = UINT64_C(1) << 62;
    put(&h, "12345678", 8);
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_CORRUPT);
    h = (struct npy_header){.type = NPY_INT64, .rows = 1, .columns = 1, .dimensions = 2};
    put(&h, "12345678", 8);
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_INVALID);
}

static void test_vectors__ids_from_npy(void **state)
{
    (void)state;
    static const int64_t wide[] = {-1, INT64_MAX};
    static const int32_t narrow[] = {-1, 7};
    struct ids ids;
    struct err err;
    struct npy_header h = {.type = NPY_INT64, .rows = 2, .columns = 1, .dimensions = 1};
    put(&h, wide, sizeof wide);
    assert_int_equal(ids_from_npy(path, &ids, &err), ERR_OK);
    assert_true(ids.count == 2 && ids.items[0] == -1 && ids.items[1] == INT64_MAX);
    ids_release(&ids);
    h.type = NPY_INT32;
    put(&h, narrow, sizeof narrow);
    assert_int_equal(ids_from_npy(path, &ids, &err), ERR_OK);
    assert_true(ids.items[0] == -1 && ids.items[1] == 7);
    ids_release(&ids);
    h.type = NPY_FLOAT32;
    put(&h, narrow, sizeof narrow);
    assert_int_equal(ids_from_npy(path, &ids, &err), ERR_INVALID);
}

static void test_vectors__written_and_read(void **state)
{
    (void)state;
    struct npy_writer *w = NULL;
    struct err err;
    const size_t rows = 300000; /* more than the writer's buffer */
    float *data = mem_alloc(rows, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < rows; i++)
        data[i] = (float)i;
    assert_int_equal(npy_writer_open(path, NPY_COLUMN_FLOATS, 1, &w, &err), ERR_OK);
    assert_int_equal(npy_writer_add(w, data, 4, &err), ERR_OK);
    assert_int_equal(npy_writer_add(w, data + 1, (rows - 1) * 4, &err), ERR_OK);
    assert_int_equal(npy_writer_finish(w, rows, &err), ERR_OK);
    assert_int_equal(npy_writer_publish(w, &err), ERR_OK);
    npy_writer_close(w);
    struct vectors v;
    assert_int_equal(vectors_from_npy(path, &v, &err), ERR_OK);
    assert_int_equal(v.rows, rows);
    assert_memory_equal(v.data, data, rows * 4);
    vectors_release(&v);
    mem_free(data);
}

static void test_vectors__unfinished_file_vanishes(void **state)
{
    (void)state;
    struct npy_writer *w = NULL;
    struct err err;
    char *other = mem_printf("%s/b.npy", folder);
    char *temporary = mem_printf("%s.tmp", other);
    assert_int_equal(npy_writer_open(other, NPY_COLUMN_IDS, 0, &w, &err), ERR_OK);
    assert_true(file_exists(temporary));
    npy_writer_close(w);
    assert_false(file_exists(temporary));
    assert_false(file_exists(other));
    mem_free(temporary);
    mem_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors__from_text),
        cmocka_unit_test(test_vectors__wrong_text),
        cmocka_unit_test(test_vectors__from_npy),
        cmocka_unit_test(test_vectors__wrong_npy),
        cmocka_unit_test(test_vectors__ids_from_npy),
        cmocka_unit_test(test_vectors__written_and_read),
        cmocka_unit_test(test_vectors__unfinished_file_vanishes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
