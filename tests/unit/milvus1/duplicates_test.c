/* duplicates_test.c: counted against a plain quadratic count, with memory for all ids and for few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/mem.h"
#include "milvus1/duplicates.h"

#define IDS_MAX 4000

struct ids {
    int64_t ids[IDS_MAX];
    size_t count;
    size_t reads;
};

static enum err_code read_ids(void *argument, struct id_sink *sink, struct err *err)
{
    struct ids *ids = argument;
    ids->reads++;
    for (size_t k = 0; k < ids->count; k += 100) {
        const size_t left = ids->count - k;
        const enum err_code code = sink->take(sink, ids->ids + k, left < 100 ? left : 100, err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The same numbers from a sorted copy. */
static void check(struct ids *ids, size_t memory)
{
    int64_t *sorted = mem_alloc(ids->count, sizeof *sorted);
    assert_non_null(sorted);
    for (size_t k = 0; k < ids->count; k++)
        sorted[k] = ids->ids[k];
    qsort(sorted, ids->count, sizeof *sorted, compare);
    uint64_t expected_ids = 0, expected_rows = 0;
    for (size_t k = 1; k < ids->count; k++)
        if (sorted[k] == sorted[k - 1]) {
            expected_rows++;
            expected_ids += k == 1 || sorted[k - 1] != sorted[k - 2];
        }
    mem_free(sorted);
    uint64_t found_ids = 77, found_rows = 77;
    struct err err;
    const struct id_stream stream = {
        .read = read_ids, .argument = ids, .rows = ids->count, .memory = memory};
    assert_int_equal(duplicates_count(&stream, &found_ids, &found_rows, &err), ERR_OK);
    assert_int_equal(found_ids, expected_ids);
    assert_int_equal(found_rows, expected_rows);
}

static const size_t memories[] = {DUPLICATES_MEMORY, 16 * 4000, 16 * 700, 16 * 64};

static void check_all(struct ids *ids)
{
    for (size_t k = 0; k < sizeof memories / sizeof *memories; k++)
        check(ids, memories[k]);
}

static void test_duplicates__few_ids(void **state)
{
    (void)state;
    struct ids ids = {.count = 0};
    check(&ids, DUPLICATES_MEMORY);
    ids = (struct ids){{5}, .count = 1};
    check(&ids, DUPLICATES_MEMORY);
    ids = (struct ids){{5, 5}, .count = 2};
    check(&ids, DUPLICATES_MEMORY);
    ids = (struct ids){{5, -5, INT64_MIN, INT64_MAX, -5, INT64_MIN, 5, -5}, .count = 8};
    check(&ids, DUPLICATES_MEMORY);
}

static void test_duplicates__random_ids(void **state)
{
    (void)state;
    struct ids *ids = mem_zalloc(1, sizeof *ids);
    assert_non_null(ids);
    uint64_t seed = 5;
    static const int ranges[] = {2, 50, 3000, INT32_MAX};
    for (size_t r = 0; r < 4; r++) {
        ids->count = IDS_MAX - 13;
        for (size_t k = 0; k < ids->count; k++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            ids->ids[k] =
                ((int64_t)(seed >> 33) % ranges[r] - ranges[r] / 2) * ((1 + (int64_t)r) << 20);
        }
        check_all(ids);
    }
    mem_free(ids);
}

static void test_duplicates__one_id_only(void **state)
{
    (void)state;
    struct ids *ids = mem_zalloc(1, sizeof *ids);
    assert_non_null(ids);
    ids->count = IDS_MAX;
    check_all(ids);
    mem_free(ids);
}

static void test_duplicates__ascending_ids_are_read_once(void **state)
{
    (void)state;
    struct ids *ids = mem_zalloc(1, sizeof *ids);
    assert_non_null(ids);
    ids->count = IDS_MAX;
    for (size_t k = 0; k < IDS_MAX; k++)
        ids->ids[k] = (int64_t)k * 3 - 700;
    for (size_t k = 0; k < sizeof memories / sizeof *memories; k++) {
        ids->reads = 0;
        check(ids, memories[k]);
        assert_int_equal(ids->reads, 1);
    }
    ids->ids[IDS_MAX - 1] = ids->ids[0];
    check_all(ids);
    mem_free(ids);
}

static void test_duplicates__stretches_are_read_once(void **state)
{
    (void)state;
    struct ids *ids = mem_zalloc(1, sizeof *ids);
    assert_non_null(ids);
    ids->count = IDS_MAX;
    for (size_t k = 0; k < IDS_MAX; k++) /* ten segments, the last ids first */
        ids->ids[k] = (int64_t)(k % 400) - (int64_t)(k / 400) * 400;
    check(ids, 16 * 700);
    assert_int_equal(ids->reads, 1);
    ids->ids[399] = -1; /* now the first two overlap */
    check_all(ids);
    mem_free(ids);
}

static void test_duplicates__every_failing_allocation(void **state)
{
    (void)state;
    struct ids ids = {{3, 2, 1, 3}, .count = 4};
    const struct id_stream stream = {
        .read = read_ids, .argument = &ids, .rows = ids.count, .memory = DUPLICATES_MEMORY};
    for (size_t n = 0;; n++) {
        uint64_t found_ids = 0, found_rows = 0;
        struct err err;
        fault_arm(FAULT_MALLOC, n, 1);
        const enum err_code code = duplicates_count(&stream, &found_ids, &found_rows, &err);
        if (!fault_disarm()) {
            assert_int_equal(code, ERR_OK);
            assert_int_equal(found_ids, 1);
            break;
        }
        assert_true(code == ERR_NOMEM || (code == ERR_OK && found_ids == 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duplicates__few_ids),
        cmocka_unit_test(test_duplicates__random_ids),
        cmocka_unit_test(test_duplicates__one_id_only),
        cmocka_unit_test(test_duplicates__ascending_ids_are_read_once),
        cmocka_unit_test(test_duplicates__stretches_are_read_once),
        cmocka_unit_test(test_duplicates__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
