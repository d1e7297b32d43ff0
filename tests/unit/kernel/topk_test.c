/* topk_test.c: the k best against a plain sort. */
#include "sample.h"

#include <errno.h>

#include "base/fault.h"
#include "kernel/topk.h"

static int compare(const void *a, const void *b)
{
    const struct topk_hit *left = a;
    const struct topk_hit *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

/* Sorts, drops NaN and, when asked, repeated ids; returns how many of at most k remain. */
static size_t best_by_sorting(struct topk_hit *hits, size_t count, size_t k, bool is_distinct)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(hits[i].key))
            hits[kept++] = hits[i];
    qsort(hits, kept, sizeof hits[0], compare);
    size_t best = 0;
    for (size_t i = 0; i < kept && best < k; i++) {
        bool is_repeated = false;
        for (size_t j = 0; j < best && is_distinct; j++)
            is_repeated = is_repeated || hits[j].id == hits[i].id;
        if (!is_repeated)
            hits[best++] = hits[i];
    }
    return best;
}

struct topk_case {
    size_t count;
    size_t k;
    uint32_t ids; /* ids are below this */
    bool is_distinct;
    enum sample_kind kind;
};

static void assert_same_hits(struct topk *topk, const struct topk_hit *expected, size_t count)
{
    assert_int_equal(topk_finish(topk), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(topk->hits[i].key == expected[i].key);
        assert_true(topk->hits[i].id == expected[i].id);
        assert_true(topk->hits[i].ordinal == expected[i].ordinal);
    }
}

/* Pushes in a shuffled order, once into one topk and once into three that are merged. */
static void check(struct topk_case c)
{
    uint64_t seed = c.count + c.k;
    struct topk_hit *hits = calloc(c.count + 1, sizeof *hits);
    assert_non_null(hits);
    struct topk topk;
    struct topk parts[3];
    struct err err;
    assert_int_equal(topk_init(&topk, c.k, c.is_distinct, &err), ERR_OK);
    for (size_t p = 0; p < 3; p++)
        assert_int_equal(topk_init(&parts[p], c.k, c.is_distinct, &err), ERR_OK);
    for (size_t i = 0; i < c.count; i++)
        hits[i] = (struct topk_hit){.key = sample_float(c.kind, &seed),
                                    .id = (int64_t)(sample_next(&seed) % c.ids) - 5,
                                    .ordinal = i * 7919 % (c.count | 1)};
    for (size_t i = 0; i < c.count; i++) {
        topk_push(&topk, hits[i].key, hits[i].id, hits[i].ordinal);
        topk_push(&parts[i % 3], hits[i].key, hits[i].id, hits[i].ordinal);
    }
    topk_merge(&parts[2], &parts[0]);
    topk_finish(&parts[1]);
    topk_merge(&parts[2], &parts[1]);
    const size_t expected = best_by_sorting(hits, c.count, c.k, c.is_distinct);
    assert_same_hits(&topk, hits, expected);
    assert_same_hits(&parts[2], hits, expected);
    topk_reset(&topk);
    assert_int_equal(topk_finish(&topk), 0);
    topk_release(&topk);
    for (size_t p = 0; p < 3; p++)
        topk_release(&parts[p]);
    free(hits);
}

static void test_topk__equals_sorting(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 2, 10, 64, 100, 1000};
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++)
        for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
            for (size_t count = 0; count < 20000; count = count * 5 + 3)
                check((struct topk_case){count, ks[i], UINT32_MAX, false, kind});
    check((struct topk_case){40000, TOPK_MAX, UINT32_MAX, false, SAMPLE_PLAIN});
}

static void test_topk__distinct_ids(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 10, 100};
    static const uint32_t ids[] = {1, 3, 50, 3000, UINT32_MAX};
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++)
        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++)
            for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
                check((struct topk_case){5000, ks[i], ids[j], true, kind});
}

static void test_topk__sorted_input(void **state)
{
    (void)state;
    struct topk topk;
    struct err err;
    for (int direction = -1; direction <= 1; direction++) {
        assert_int_equal(topk_init(&topk, 5, false, &err), ERR_OK);
        for (int i = 0; i < 100000; i++)
            topk_push(&topk, (float)(direction * i), i, (uint64_t)i);
        assert_int_equal(topk_finish(&topk), 5);
        assert_int_equal(topk.hits[0].ordinal, direction < 0 ? 99999 : 0);
        assert_int_equal(topk.hits[4].ordinal, direction < 0 ? 99995 : 4);
        topk_release(&topk);
    }
}

static void test_topk__limit_excludes_ties_that_lose(void **state)
{
    (void)state;
    struct topk topk;
    struct err err;
    assert_int_equal(topk_init(&topk, 2, false, &err), ERR_OK);
    assert_true(topk_limit(&topk, 0) == INFINITY);
    for (uint64_t i = 0; i < 10; i++)
        topk_push(&topk, 1.0F, 1, i);
    topk_finish(&topk);
    assert_true(topk_limit(&topk, 1) == 1.0F);
    assert_true(topk_limit(&topk, 2) < 1.0F);
    topk_push(&topk, 1.0F, 1, 2);
    assert_int_equal(topk.count, 2);
    topk_release(&topk);
}

static void test_topk__k_out_of_range(void **state)
{
    (void)state;
    struct topk topk;
    struct err err;
    assert_int_equal(topk_init(&topk, 0, false, &err), ERR_INVALID);
    assert_int_equal(topk_init(&topk, TOPK_MAX + 1, false, &err), ERR_INVALID);
}

static void test_topk__out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct topk topk;
        struct err err;
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = topk_init(&topk, 10, true, &err);
        if (!fault_disarm()) {
            assert_int_equal(code, ERR_OK);
            topk_release(&topk);
            break;
        }
        assert_int_equal(code, ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_topk__equals_sorting),
                                       cmocka_unit_test(test_topk__distinct_ids),
                                       cmocka_unit_test(test_topk__sorted_input),
                                       cmocka_unit_test(test_topk__limit_excludes_ties_that_lose),
                                       cmocka_unit_test(test_topk__k_out_of_range),
                                       cmocka_unit_test(test_topk__out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
