/* verify_test.c: two fake sources compared, against what was changed in one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fake.h"
#include "migrate/compare.h"
#include "migrate/difference.h"
#include "migrate/rows.h"
#include "migrate/verify.h"

static const int64_t some_ids[] = {7, 1, 9, 3, 5, 2, 8, 4, 6, 10, 12, 11, 13};

static struct fake_source *whole(void)
{
    struct fake_source *source = fake_source_new();
    const size_t at = fake_add_collection(source, "c", METRIC_L2, 3);
    const size_t tag = fake_add_partition(source, at, "t");
    (void)fake_add_segment(source, at, 0, some_ids, 10, 1);
    (void)fake_add_segment(source, at, tag, some_ids + 10, 3, 1);
    return source;
}

/* The same rows, cut otherwise and with a dead one. */
static struct fake_source *in_pieces(void)
{
    struct fake_source *source = fake_source_new();
    const size_t at = fake_add_collection(source, "c", METRIC_L2, 3);
    const size_t tag = fake_add_partition(source, at, "t");
    (void)fake_add_segment(source, at, tag, some_ids + 10, 3, 1);
    (void)fake_add_segment(source, at, 0, some_ids + 4, 7, 1);
    (void)fake_add_segment(source, at, 0, some_ids, 4, 1);
    fake_delete(source, at, 1, 6);
    return source;
}

static enum err_code compare(struct fake_source *a, struct fake_source *b,
                             const struct selection *selection, struct verify_result *result,
                             struct err *err)
{
    struct source *source = fake_finish(a);
    struct source *target = fake_finish(b);
    const struct verify_options options = {.selection = selection, .threads = 2};
    const enum err_code code = verify_run(source, target, &options, NULL, result, err);
    source_close(source);
    source_close(target);
    return code;
}

static void test_verify__segmentation_does_not_matter(void **state)
{
    (void)state;
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(whole(), in_pieces(), NULL, &result, &err), ERR_OK);
    assert_true(result.is_equal);
    assert_int_equal(result.source_rows, 13);
    assert_int_equal(result.target_rows, 13);
    verify_result_release(&result);
}

/* Rows that are not finite are counted where they live, and change nothing else. */
static void test_verify__not_finite_is_told_and_equal(void **state)
{
    (void)state;
    struct fake_source *source = whole();
    struct fake_source *target = in_pieces();
    const size_t bits = fake_add_collection(source, "bits", METRIC_HAMMING, 32);
    (void)fake_add_segment(source, bits, 0, some_ids, 3, 1);
    fake_make_infinite(source, bits, 0, 1); /* only bits */
    (void)fake_add_collection(target, "bits", METRIC_HAMMING, 32);
    (void)fake_add_segment(target, 1, 0, some_ids, 3, 1);
    fake_make_infinite(target, 1, 0, 1);
    fake_make_infinite(source, 0, 0, 2); /* 9 */
    fake_make_infinite(target, 0, 2, 2);
    fake_make_infinite(source, 0, 1, 0); /* 12, 13 */
    fake_make_infinite(source, 0, 1, 2);
    fake_make_infinite(target, 0, 0, 0);
    fake_make_infinite(target, 0, 0, 2);
    fake_make_infinite(target, 0, 1, 6); /* dead there */
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(source, target, NULL, &result, &err), ERR_OK);
    assert_int_equal(result.collections[0].partitions[0].source.non_finite, 1);
    assert_int_equal(result.collections[0].partitions[1].source.non_finite, 2);
    assert_int_equal(result.collections[0].non_finite_rows, 3);
    assert_int_equal(result.collections[1].non_finite_rows, 0);
    assert_int_equal(result.non_finite_rows, 3);
    verify_result_release(&result);
    source = in_pieces();
    fake_make_infinite(source, 0, 1, 6);
    assert_int_equal(compare(source, whole(), NULL, &result, &err), ERR_OK);
    assert_int_equal(result.non_finite_rows, 0);
    verify_result_release(&result);
}

static void test_verify__missing_extra_changed(void **state)
{
    (void)state;
    struct fake_source *target = in_pieces();
    fake_delete(target, 0, 2, 1); /* 1 */
    fake_change(target, 0, 1, 0); /* 5 */
    const int64_t more[] = {77};
    (void)fake_add_segment(target, 0, 1, more, 1, 1);
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(whole(), target, NULL, &result, &err), ERR_MISMATCH);
    const struct compared_partition *partition = &result.collections[0].partitions[0];
    assert_int_equal(partition->missing.count, 1);
    assert_int_equal(partition->missing.ids[0], 1);
    assert_int_equal(partition->changed.count, 1);
    assert_int_equal(partition->changed.ids[0], 5);
    assert_int_equal(partition->extra.count, 0);
    assert_int_equal(partition[1].extra.count, 1);
    assert_int_equal(partition[1].extra.ids[0], 77);
    assert_non_null(strstr(err.msg, "1 rows missing (ids 1)"));
    verify_result_release(&result);
}

/* A row in the wrong partition is missing in one and extra in the other. */
static void test_verify__wrong_partition(void **state)
{
    (void)state;
    struct fake_source *target = fake_source_new();
    (void)fake_add_collection(target, "c", METRIC_L2, 3);
    (void)fake_add_partition(target, 0, "t");
    (void)fake_add_segment(target, 0, 0, some_ids, 11, 1);
    (void)fake_add_segment(target, 0, 1, some_ids + 11, 2, 1);
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(whole(), target, NULL, &result, &err), ERR_MISMATCH);
    assert_int_equal(result.collections[0].partitions[0].extra.ids[0], 12);
    assert_int_equal(result.collections[0].partitions[1].missing.ids[0], 12);
    verify_result_release(&result);
}

static void test_verify__partition_of_one_side(void **state)
{
    (void)state;
    struct fake_source *target = in_pieces();
    (void)fake_add_partition(target, 0, "new");
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(whole(), target, NULL, &result, &err), ERR_MISMATCH);
    assert_int_equal(result.collections[0].partitions[2].presence, PRESENT_IN_TARGET);
    verify_result_release(&result);
    assert_int_equal(compare(target = in_pieces(), whole(), NULL, &result, &err), ERR_OK);
    verify_result_release(&result);
}

static void test_verify__collections_of_one_side(void **state)
{
    (void)state;
    struct fake_source *source = whole();
    struct fake_source *target = in_pieces();
    (void)fake_add_collection(source, "a", METRIC_L2, 3);
    (void)fake_add_segment(source, 1, 0, some_ids, 3, 1);
    (void)fake_add_collection(target, "b", METRIC_L2, 3);
    (void)fake_add_segment(target, 1, 0, some_ids, 2, 1);
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(source, target, NULL, &result, &err), ERR_MISMATCH);
    assert_int_equal(result.collection_count, 3);
    assert_int_equal(result.collections[1].presence, PRESENT_IN_SOURCE);
    assert_int_equal(result.collections[1].partitions[0].missing.count, 3);
    assert_int_equal(result.collections[2].presence, PRESENT_IN_TARGET);
    assert_int_equal(result.collections[2].partitions[0].extra.count, 2);
    verify_result_release(&result);
}

static void test_verify__selection_ignores_the_rest(void **state)
{
    (void)state;
    struct fake_source *source = whole();
    struct fake_source *target = in_pieces();
    (void)fake_add_collection(source, "a", METRIC_L2, 3);
    (void)fake_add_collection(target, "b", METRIC_L2, 3);
    struct selection selection;
    struct verify_result result;
    struct err err = {0};
    selection_init(&selection);
    assert_int_equal(selection_add_collections(&selection, "c", &err), ERR_OK);
    assert_int_equal(compare(source, target, &selection, &result, &err), ERR_OK);
    verify_result_release(&result);
    selection_release(&selection);
}

static void test_verify__other_metric(void **state)
{
    (void)state;
    struct fake_source *target = fake_source_new();
    (void)fake_add_collection(target, "c", METRIC_IP, 3);
    (void)fake_add_partition(target, 0, "t");
    (void)fake_add_segment(target, 0, 0, some_ids, 10, 1);
    (void)fake_add_segment(target, 0, 1, some_ids + 10, 3, 1);
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(compare(whole(), target, NULL, &result, &err), ERR_MISMATCH);
    assert_non_null(strstr(err.msg, "metric L2, dimension 3 in the source, IP, 3"));
    verify_result_release(&result);
}

static void test_verify__duplicates_first(void **state)
{
    (void)state;
    struct fake_source *source = whole();
    (void)fake_add_segment(source, 0, 1, some_ids, 5, 99); /* losers with other vectors */
    struct selection selection;
    struct verify_result result;
    struct err err = {0};
    selection_init(&selection);
    selection.duplicates = DUPLICATES_FIRST;
    assert_int_equal(compare(source, in_pieces(), &selection, &result, &err), ERR_OK);
    assert_int_equal(result.collections[0].dropped_rows, 5);
    verify_result_release(&result);
    selection_release(&selection);
}

static void test_verify__damage(void **state)
{
    (void)state;
    struct verify_result result;
    struct err err = {0};
    struct fake_source *target = in_pieces();
    fake_damage(target, 0, 0);
    assert_int_equal(compare(whole(), target, NULL, &result, &err), ERR_MISMATCH);
    assert_int_equal(result.unreadable_segments, 1);
    assert_non_null(strstr(err.msg, "damaged on purpose"));
    verify_result_release(&result);
    struct fake_source *source = whole();
    fake_damage(source, 0, 1);
    assert_int_equal(compare(source, in_pieces(), NULL, &result, &err), ERR_CORRUPT);
    verify_result_release(&result);
    struct selection selection;
    selection_init(&selection);
    selection.skip_damaged = true;
    source = whole();
    fake_damage(source, 0, 1);
    target = in_pieces();
    for (size_t k = 0; k < 3; k++)
        fake_delete(target, 0, 0, k);
    assert_int_equal(compare(source, target, &selection, &result, &err), ERR_LEFT_OUT);
    verify_result_release(&result);
    selection_release(&selection);
}

static void test_verify__stops(void **state)
{
    (void)state;
    struct source *source = fake_finish(whole());
    struct source *target = fake_finish(in_pieces());
    atomic_bool stop;
    atomic_init(&stop, true);
    const struct verify_options options = {.stop = &stop};
    struct verify_result result;
    struct err err = {0};
    assert_int_equal(verify_run(source, target, &options, NULL, &result, &err), ERR_INTERRUPTED);
    verify_result_release(&result);
    source_close(source);
    source_close(target);
}

static void test_verify__survives_failing_memory(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct fake_source *target = in_pieces();
        fake_delete(target, 0, 2, 1);
        struct source *a = fake_finish(whole());
        struct source *b = fake_finish(target);
        struct selection selection;
        selection_init(&selection);
        selection.duplicates = DUPLICATES_FIRST;
        const struct verify_options options = {.threads = 1, .selection = &selection};
        struct verify_result result;
        struct err err = {0};
        fault_arm(FAULT_MALLOC, n, 12);
        const enum err_code code = verify_run(a, b, &options, NULL, &result, &err);
        const bool has_ended = !fault_disarm();
        assert_int_equal(code, has_ended ? ERR_MISMATCH : ERR_NOMEM);
        verify_result_release(&result);
        selection_release(&selection);
        source_close(a);
        source_close(b);
        if (has_ended)
            break;
    }
}

/* difference_find with room for few rows, against counting. */

#define RANDOM_ROWS 500

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Rows per (id, version) on one side; vectors follow from both. */
struct multiset {
    unsigned count[40][3];
};

static struct source *source_of(const struct multiset *set, bool is_reversed)
{
    struct fake_source *source = fake_source_new();
    (void)fake_add_collection(source, "c", METRIC_L2, 2);
    for (uint64_t version = 0; version < 3; version++) {
        int64_t ids[RANDOM_ROWS];
        size_t rows = 0;
        for (size_t k = 0; k < 40; k++) {
            const size_t id = is_reversed ? 39 - k : k;
            for (unsigned n = 0; n < set->count[id][version]; n++)
                ids[rows++] = (int64_t)id;
        }
        (void)fake_add_segment(source, 0, 0, ids, rows, version);
    }
    return fake_finish(source);
}

static void expected_counts(const struct multiset *a, const struct multiset *b, uint64_t *missing,
                            uint64_t *extra, uint64_t *changed)
{
    *missing = *extra = *changed = 0;
    for (size_t id = 0; id < 40; id++) {
        uint64_t a_left = 0;
        uint64_t b_left = 0;
        for (size_t version = 0; version < 3; version++) {
            const unsigned a_count = a->count[id][version];
            const unsigned b_count = b->count[id][version];
            a_left += a_count > b_count ? a_count - b_count : 0;
            b_left += b_count > a_count ? b_count - a_count : 0;
        }
        const uint64_t both = a_left < b_left ? a_left : b_left;
        *changed += both;
        *missing += a_left - both;
        *extra += b_left - both;
    }
}

static void tally_all(struct source *source, const struct compare_items *items, bool is_target,
                      struct tally *tally)
{
    struct err err = {0};
    for (size_t k = 0; k < items->count; k++) {
        const struct compare_item *item = &items->items[k];
        struct tally part = {0};
        struct segment_reader *reader = NULL;
        if (item->is_target != is_target)
            continue;
        assert_int_equal(source_open_segment(source, 0, item->segment, &reader, &err), ERR_OK);
        assert_int_equal(rows_tally(reader, reader->dead, NULL, &part, &err), ERR_OK);
        segment_reader_close(reader);
        *tally = tally_add(*tally, part);
    }
}

static void check_difference(const struct multiset *a, const struct multiset *b, size_t pairs_max)
{
    struct source *source = source_of(a, false);
    struct source *target = source_of(b, true);
    struct plan plan;
    struct verify_result result;
    struct compare_items items = {0};
    struct err err = {0};
    compare_init(&result);
    assert_int_equal(plan_make(source, NULL, &plan, &err), ERR_OK);
    assert_int_equal(compare_add_source(&result, &plan, &err), ERR_OK);
    for (size_t s = 0; s < plan.segment_count; s++)
        assert_int_equal(compare_add_item(&items, &(struct compare_item){.segment = s}, &err),
                         ERR_OK);
    assert_int_equal(compare_add_target(&result, &plan, target, true, &items, &err), ERR_OK);
    struct compared_partition *partition = &result.collections[0].partitions[0];
    tally_all(source, &items, false, &partition->source);
    tally_all(target, &items, true, &partition->target);
    const struct difference_inputs inputs = {.source = source,
                                             .target = target,
                                             .items = items.items,
                                             .item_count = items.count,
                                             .threads = 2,
                                             .pairs_max = pairs_max};
    assert_int_equal(difference_find(&inputs, &result, 0, 0, &err), ERR_OK);
    uint64_t missing;
    uint64_t extra;
    uint64_t changed;
    expected_counts(a, b, &missing, &extra, &changed);
    if (!partition->is_partial) {
        assert_int_equal(partition->missing.count, missing);
        assert_int_equal(partition->extra.count, extra);
        assert_int_equal(partition->changed.count, changed);
    }
    for (size_t k = 1; k < partition->missing.kept; k++)
        assert_true(partition->missing.ids[k - 1] <= partition->missing.ids[k]);
    assert_true(!partition->is_partial || pairs_max < 20);
    mem_free(items.items);
    verify_result_release(&result);
    plan_release(&plan);
    source_close(source);
    source_close(target);
}

static void test_verify__difference_like_counting(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        uint64_t random = seed;
        struct multiset a = {0};
        struct multiset b = {0};
        for (size_t id = 0; id < 40; id++) {
            for (size_t version = 0; version < 3; version++) {
                a.count[id][version] = next_random(&random) % 3 == 0;
                b.count[id][version] = a.count[id][version];
                if (next_random(&random) % 6 == 0)
                    b.count[id][version] = next_random(&random) % 3 == 0 ? 2 : 0;
            }
        }
        check_difference(&a, &b, DIFFERENCE_PAIRS_MAX);
        check_difference(&a, &b, 20);
        check_difference(&a, &b, 2); /* too small for one id: told as partial */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_verify__segmentation_does_not_matter),
                                       cmocka_unit_test(test_verify__not_finite_is_told_and_equal),
                                       cmocka_unit_test(test_verify__missing_extra_changed),
                                       cmocka_unit_test(test_verify__wrong_partition),
                                       cmocka_unit_test(test_verify__partition_of_one_side),
                                       cmocka_unit_test(test_verify__collections_of_one_side),
                                       cmocka_unit_test(test_verify__selection_ignores_the_rest),
                                       cmocka_unit_test(test_verify__other_metric),
                                       cmocka_unit_test(test_verify__duplicates_first),
                                       cmocka_unit_test(test_verify__damage),
                                       cmocka_unit_test(test_verify__stops),
                                       cmocka_unit_test(test_verify__survives_failing_memory),
                                       cmocka_unit_test(test_verify__difference_like_counting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
