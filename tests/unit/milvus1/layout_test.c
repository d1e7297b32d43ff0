/* layout_test.c: names of files and folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory_store.h"
#include "milvus1/layout.h"

static const char *const roots[] = {"/db", "/second"};

static struct layout layout_of(const struct memory_store *memory)
{
    return (struct layout){
        .store = &memory->store, .roots = roots, .root_count = 2, .log_folder = "/wal"};
}

static void find(const struct memory_store *memory, struct arena *arena,
                 struct layout_segment *segment)
{
    const struct layout layout = layout_of(memory);
    struct err err;
    arena_init(arena, 1 << 20);
    assert_int_equal(layout_find_segment(&layout, "c", "100", arena, segment, &err), ERR_OK);
}

static void test_layout__segment_files(void **state)
{
    (void)state;
    struct memory_store memory;
    memory_init(&memory);
    memory_put(&memory, "/db/tables/c/100/100.rv", "", 0);
    memory_put(&memory, "/db/tables/c/100/100.uid", "", 0);
    memory_put(&memory, "/db/tables/c/100/deleted_docs", "", 0);
    memory_put(&memory, "/db/tables/c/100/temp_del", "", 0);
    memory_put(&memory, "/db/tables/c/100/bloom_filter", "", 0);
    memory_put(&memory, "/db/tables/c/100/555", "", 0);
    struct arena arena;
    struct layout_segment segment;
    find(&memory, &arena, &segment);
    assert_true(segment.is_found);
    assert_string_equal(segment.folder, "/db/tables/c/100");
    assert_string_equal(segment.rv, "/db/tables/c/100/100.rv");
    assert_string_equal(segment.uid, "/db/tables/c/100/100.uid");
    assert_int_equal(segment.rv_count, 1);
    assert_int_equal(segment.uid_count, 1);
    assert_int_equal(segment.deleted_docs_count, 1);
    arena_release(&arena);
}

/* The index went to the first root, so the old server would miss the vectors in the second. */
static void test_layout__files_spread_over_roots(void **state)
{
    (void)state;
    struct memory_store memory;
    memory_init(&memory);
    memory_put(&memory, "/db/tables/c/100/555", "", 0);
    memory_put(&memory, "/db/tables/c/100/deleted_docs", "", 0);
    memory_put(&memory, "/second/tables/c/100/100.rv", "", 0);
    memory_put(&memory, "/second/tables/c/100/100.uid", "", 0);
    memory_put(&memory, "/second/tables/c/100/deleted_docs", "", 0);
    struct arena arena;
    struct layout_segment segment;
    find(&memory, &arena, &segment);
    assert_string_equal(segment.rv, "/second/tables/c/100/100.rv");
    assert_int_equal(segment.deleted_docs_count, 2);
    arena_release(&arena);
}

static void test_layout__missing_and_doubled(void **state)
{
    (void)state;
    struct memory_store memory;
    memory_init(&memory);
    struct arena arena;
    struct layout_segment segment;
    find(&memory, &arena, &segment);
    assert_false(segment.is_found);
    assert_string_equal(segment.folder, "/db/tables/c/100");
    arena_release(&arena);
    memory_put(&memory, "/db/tables/c/100/100.rv", "", 0);
    memory_put(&memory, "/second/tables/c/100/77.rv", "", 0);
    find(&memory, &arena, &segment);
    assert_int_equal(segment.rv_count, 2);
    assert_int_equal(segment.uid_count, 0);
    arena_release(&arena);
}

static void test_layout__names_that_leave_the_folder(void **state)
{
    (void)state;
    struct memory_store memory;
    memory_init(&memory);
    const struct layout layout = layout_of(&memory);
    static const char *const bad[] = {"", ".", "..", "a/b", "/", "../c"};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct layout_segment segment;
        struct err err;
        assert_false(layout_name_is_safe(bad[k]));
        assert_int_equal(layout_find_segment(&layout, bad[k], "1", &arena, &segment, &err),
                         ERR_CORRUPT);
        assert_int_equal(layout_find_segment(&layout, "c", bad[k], &arena, &segment, &err),
                         ERR_CORRUPT);
    }
    assert_true(layout_name_is_safe("...") && layout_name_is_safe("a b"));
    arena_release(&arena);
}

static void test_layout__log_files_by_number(void **state)
{
    (void)state;
    struct memory_store memory;
    memory_init(&memory);
    static const char *const names[] = {
        "/wal/10.wal",          "/wal/9.wal",          "/wal/0.wal",  "/wal/007.wal",
        "/wal/x.wal",           "/wal/.wal",           "/wal/1.wal2", "/wal/-1.wal",
        "/wal/99999999999.wal", "/wal/2147483648.wal", "/wal/lock",   "/wal/2147483647.wal"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        memory_put(&memory, names[k], "", 0);
    const struct layout layout = layout_of(&memory);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct layout_log_file *files = NULL;
    size_t count = 0;
    struct err err;
    assert_int_equal(layout_log_files(&layout, &arena, &files, &count, &err), ERR_OK);
    assert_int_equal(count, 4);
    static const uint32_t numbers[] = {0, 9, 10, 2147483647};
    for (size_t k = 0; k < count; k++)
        assert_int_equal(files[k].number, numbers[k]);
    assert_string_equal(files[2].path, "/wal/10.wal");
    assert_string_equal(layout_mxlog_path(&layout, &arena), "/wal/mxlog.meta");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout__segment_files),
        cmocka_unit_test(test_layout__files_spread_over_roots),
        cmocka_unit_test(test_layout__missing_and_doubled),
        cmocka_unit_test(test_layout__names_that_leave_the_folder),
        cmocka_unit_test(test_layout__log_files_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
