/* mem_test.c: allocation, growing arrays, arenas, and their failures. */
#include "base/mem.h"
#include "scratch.h"

static void test_mem__sizes_that_overflow(void **state)
{
    (void)state;
    assert_null(mem_alloc(SIZE_MAX / 2, 3));
    assert_null(mem_zalloc(SIZE_MAX, 2));
    assert_null(mem_aligned(SIZE_MAX, 1));
    assert_null(mem_aligned(SIZE_MAX / 4, 8));
    void *block = mem_alloc(4, 1);
    assert_null(mem_realloc(block, SIZE_MAX / 2, 3));
    mem_free(block);
}

static void test_mem__empty_blocks_are_blocks(void **state)
{
    (void)state;
    void *a = mem_alloc(0, 8);
    void *b = mem_zalloc(0, 8);
    void *c = mem_aligned(0, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_ptr_not_equal(a, b);
    a = mem_realloc(a, 0, 8);
    assert_non_null(a);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(NULL);
}

static void test_mem__zeroed_and_aligned(void **state)
{
    (void)state;
    const unsigned char zeros[100] = {0};
    unsigned char *zeroed = mem_zalloc(100, 1);
    assert_memory_equal(zeroed, zeros, 100);
    mem_free(zeroed);
    for (size_t size = 1; size < 200; size += 13) {
        unsigned char *aligned = mem_aligned(size, 1);
        assert_int_equal((uintptr_t)aligned % 64, 0);
        memset(aligned, 1, size);
        mem_free(aligned);
    }
}

static void test_mem__texts(void **state)
{
    (void)state;
    char *copy = mem_strdup("abc");
    char *made = mem_printf("%s-%d", copy, 42);
    assert_string_equal(made, "abc-42");
    mem_free(copy);
    mem_free(made);
    fault_arm(FAULT_MALLOC, 0, 1);
    assert_null(mem_strdup("x"));
    (void)fault_disarm();
    fault_arm(FAULT_MALLOC, 0, 1);
    assert_null(mem_printf("x"));
    (void)fault_disarm();
}

static void test_mem__grow(void **state)
{
    (void)state;
    int *numbers = NULL;
    size_t capacity = 0;
    for (size_t count = 0; count < 1000; count++) {
        assert_true(mem_grow(&numbers, &capacity, count, sizeof *numbers));
        assert_true(capacity > count);
        numbers[count] = (int)count;
    }
    for (int k = 0; k < 1000; k++)
        assert_int_equal(numbers[k], k);
    int *const before = numbers;
    const size_t capacity_before = capacity;
    fault_arm(FAULT_MALLOC, 0, 1);
    assert_false(mem_grow(&numbers, &capacity, capacity, sizeof *numbers));
    assert_true(fault_disarm());
    assert_ptr_equal(numbers, before);
    assert_int_equal(capacity, capacity_before);
    size_t huge = SIZE_MAX / 2 + 1;
    assert_false(mem_grow(&numbers, &huge, huge, sizeof *numbers));
    mem_free(numbers);
}

static void test_arena__blocks_are_apart_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    unsigned char *last = NULL;
    for (size_t size = 0; size < 400; size++) {
        unsigned char *block = arena_array(&arena, size, 1);
        assert_non_null(block);
        assert_ptr_not_equal(block, last);
        assert_int_equal((uintptr_t)block % 16, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(block[k], 0);
        memset(block, 0xff, size);
        last = block;
    }
    assert_true(arena.used >= 400 * 399 / 2);
    arena_release(&arena);
    assert_int_equal(arena.used, 0);
    assert_non_null(arena_array(&arena, 1, 1)); /* usable again */
    arena_release(&arena);
}

static void test_arena__cap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_null(arena_array(&arena, 1001, 1));
    assert_non_null(arena_array(&arena, 900, 1));
    assert_null(arena_array(&arena, 200, 1));
    assert_non_null(arena_array(&arena, 50, 1));
    assert_null(arena_array(&arena, SIZE_MAX, 1));
    assert_null(arena_array(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_strndup(&arena, "x", SIZE_MAX));
    arena_release(&arena);
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_array(&arena, SIZE_MAX - 40, 1));
    assert_null(arena_array(&arena, SIZE_MAX - 16, 1));
    arena_release(&arena);
}

static void test_arena__one_block_larger_than_a_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 24);
    char *small = arena_strdup(&arena, "small");
    char *large = arena_array(&arena, (size_t)1 << 20, 1);
    memset(large, 1, (size_t)1 << 20);
    char *made = arena_printf(&arena, "%d and %s", 7, small);
    assert_string_equal(made, "7 and small");
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(small, "small");
    arena_release(&arena);
}

static void test_arena__memory_ends(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    fault_arm(FAULT_MALLOC, 0, 1);
    assert_null(arena_strdup(&arena, "x"));
    assert_true(fault_disarm());
    assert_int_equal(arena.used, 0);
    assert_string_equal(arena_strdup(&arena, "x"), "x");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem__sizes_that_overflow),
        cmocka_unit_test(test_mem__empty_blocks_are_blocks),
        cmocka_unit_test(test_mem__zeroed_and_aligned),
        cmocka_unit_test(test_mem__texts),
        cmocka_unit_test(test_mem__grow),
        cmocka_unit_test(test_arena__blocks_are_apart_zeroed_and_aligned),
        cmocka_unit_test(test_arena__cap),
        cmocka_unit_test(test_arena__one_block_larger_than_a_chunk),
        cmocka_unit_test(test_arena__memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
