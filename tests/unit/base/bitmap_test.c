/* bitmap_test.c: counting and walking, compared with bit by bit. */
#include "base/bitmap.h"
#include "scratch.h"

#define ROWS 300

static uint64_t words[ROWS / 64 + 1];

static void fill(unsigned seed, unsigned of_eight)
{
    memset(words, 0, sizeof words);
    for (size_t row = 0; row < sizeof words * 8; row++) {
        seed = seed * 1664525U + 1013904223U;
        if ((seed >> 24) % 8 < of_eight)
            bitmap_set(words, row);
    }
}

static void test_bitmap__words(void **state)
{
    (void)state;
    assert_int_equal(bitmap_words(0), 0);
    assert_int_equal(bitmap_words(1), 1);
    assert_int_equal(bitmap_words(64), 1);
    assert_int_equal(bitmap_words(65), 2);
    assert_true(bitmap_words(SIZE_MAX) == SIZE_MAX / 64 + 1);
}

static void test_bitmap__count_ignores_bits_behind(void **state)
{
    (void)state;
    for (unsigned of_eight = 0; of_eight <= 8; of_eight++) {
        fill(of_eight + 1, of_eight);
        size_t slow = 0;
        for (size_t rows = 0; rows < ROWS; rows++) {
            assert_int_equal(bitmap_count(words, rows), slow);
            slow += bitmap_get(words, rows);
        }
    }
}

static void test_bitmap__next(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 63, 64, 65, 128, ROWS};
    for (unsigned of_eight = 0; of_eight <= 8; of_eight += 2) {
        fill(of_eight + 7, of_eight);
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            for (size_t from = 0; from <= lengths[l] + 2; from++) {
                size_t set = from < lengths[l] ? from : lengths[l];
                size_t clear = set;
                while (set < lengths[l] && !bitmap_get(words, set))
                    set++;
                while (clear < lengths[l] && bitmap_get(words, clear))
                    clear++;
                assert_int_equal(bitmap_next(words, lengths[l], from, true), set);
                assert_int_equal(bitmap_next(words, lengths[l], from, false), clear);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bitmap__words),
                                       cmocka_unit_test(test_bitmap__count_ignores_bits_behind),
                                       cmocka_unit_test(test_bitmap__next)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
