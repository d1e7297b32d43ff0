/* duplicates_test.c: losers against looking at every pair of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "fake.h"
#include "migrate/duplicates.h"

#define SEGMENTS 5
#define ROWS 400

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

struct sample {
    int64_t ids[SEGMENTS][ROWS];
    bool is_dead[SEGMENTS][ROWS];
    bool is_reversed;
};

static struct source *make(const struct sample *sample)
{
    struct fake_source *source = fake_source_new();
    const size_t at = fake_add_collection(source, "c", METRIC_L2, 2);
    const size_t tag = fake_add_partition(source, at, "t");
    for (size_t s = 0; s < SEGMENTS; s++) {
        (void)fake_add_segment(source, at, s % 2 == 0 ? 0 : tag, sample->ids[s], ROWS, s);
        for (size_t k = 0; k < ROWS; k++)
            if (sample->is_dead[s][k])
                fake_delete(source, at, s, k);
    }
    if (sample->is_reversed)
        fake_reverse_order(source, at);
    return fake_finish(source);
}

/* Is there a live row of this id that get() would find earlier? */
static bool is_loser(const struct sample *sample, size_t segment, size_t row)
{
    for (size_t s = 0; s < SEGMENTS; s++) {
        const bool is_earlier = sample->is_reversed ? s > segment : s < segment;
        for (size_t k = 0; k < ROWS; k++)
            if (!sample->is_dead[s][k] && sample->ids[s][k] == sample->ids[segment][row] &&
                (is_earlier || (s == segment && k < row)))
                return true;
    }
    return false;
}

static void check(const struct sample *sample, size_t slots_max)
{
    struct source *source = make(sample);
    struct losers *losers = NULL;
    struct duplicate_counts counts = {0};
    struct err err = {0};
    assert_int_equal(losers_new(source, slots_max, &losers, &err), ERR_OK);
    assert_int_equal(losers_find(losers, 0, NULL, &counts, &err), ERR_OK);
    uint64_t rows = 0;
    for (size_t s = 0; s < SEGMENTS; s++) {
        struct live_segment live = {0};
        assert_int_equal(live_open(losers, source, 0, s, &live, &err), ERR_OK);
        uint64_t count = 0;
        for (size_t k = 0; k < ROWS; k++) {
            const bool is_lost = !sample->is_dead[s][k] && is_loser(sample, s, k);
            count += is_lost;
            const bool is_left_out = live.dead != NULL && bitmap_get(live.dead, k);
            assert_int_equal(is_left_out, is_lost || sample->is_dead[s][k]);
        }
        assert_int_equal(losers_count(losers, 0, s), count);
        rows += count;
        live_close(&live);
    }
    assert_int_equal(counts.rows, rows);
    assert_true(counts.ids <= counts.rows && (counts.ids > 0) == (rows > 0));
    losers_free(losers);
    source_close(source);
}

static void fill(struct sample *sample, uint64_t seed, uint64_t ids)
{
    for (size_t s = 0; s < SEGMENTS; s++) {
        for (size_t k = 0; k < ROWS; k++) {
            sample->ids[s][k] = (int64_t)(next_random(&seed) % ids) - 3;
            sample->is_dead[s][k] = next_random(&seed) % 7 == 0;
        }
    }
    sample->is_reversed = seed % 2 == 0;
}

static void test_duplicates__like_brute_force(void **state)
{
    (void)state;
    static struct sample sample;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        fill(&sample, seed, seed % 2 == 0 ? 60 : 1500);
        check(&sample, DUPLICATES_SLOTS_MAX);
        check(&sample, 64); /* many passes */
        check(&sample, 16);
    }
}

/* One id everywhere: a set of any size has room for it. */
static void test_duplicates__one_id_only(void **state)
{
    (void)state;
    static struct sample sample;
    fill(&sample, 3, 1);
    check(&sample, 16);
}

static void test_duplicates__none(void **state)
{
    (void)state;
    static struct sample sample;
    for (size_t s = 0; s < SEGMENTS; s++)
        for (size_t k = 0; k < ROWS; k++)
            sample.ids[s][k] = INT64_MIN + (int64_t)(s * ROWS + k);
    check(&sample, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_duplicates__like_brute_force),
                                       cmocka_unit_test(test_duplicates__one_id_only),
                                       cmocka_unit_test(test_duplicates__none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
