/* kill_set_test.c: a row is dead when its id was deleted after it was born. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "milvus1/kill_set.h"

static void test_kill_set__last_delete_counts(void **state)
{
    (void)state;
    struct kill_set set = {0};
    struct err err;
    assert_int_equal(kill_set_add(&set, (const int64_t[]){5, -3, INT64_MIN}, 3, 10, &err), ERR_OK);
    assert_int_equal(kill_set_add(&set, (const int64_t[]){5, 5, 7}, 3, 20, &err), ERR_OK);
    assert_int_equal(kill_set_add(&set, (const int64_t[]){-3}, 1, 5, &err), ERR_OK);
    assert_int_equal(kill_set_seal(&set, &err), ERR_OK);
    assert_int_equal(set.count, 4);
    assert_true(kill_set_kills(&set, 5, 19));
    assert_false(kill_set_kills(&set, 5, 20)); /* born by the record itself: later than it */
    assert_true(kill_set_kills(&set, -3, 9));
    assert_false(kill_set_kills(&set, -3, 10));
    assert_true(kill_set_kills(&set, INT64_MIN, 0));
    assert_false(kill_set_kills(&set, 6, 0));
    kill_set_release(&set);
}

static void test_kill_set__many_ids(void **state)
{
    (void)state;
    struct kill_set set = {0};
    struct err err;
    for (int64_t id = 0; id < 3000; id += 3)
        assert_int_equal(kill_set_add(&set, &id, 1, 1, &err), ERR_OK);
    assert_int_equal(kill_set_seal(&set, &err), ERR_OK);
    for (int64_t id = -10; id < 3010; id++)
        assert_int_equal(kill_set_kills(&set, id, 0), id >= 0 && id < 3000 && id % 3 == 0);
    kill_set_release(&set);
}

static void test_kill_set__views(void **state)
{
    (void)state;
    struct kill_set all = {0}, own = {0};
    struct err err;
    assert_int_equal(kill_set_add(&all, (const int64_t[]){1}, 1, 10, &err), ERR_OK);
    assert_int_equal(kill_set_add(&own, (const int64_t[]){2}, 1, 20, &err), ERR_OK);
    assert_int_equal(kill_set_seal(&all, &err), ERR_OK);
    assert_int_equal(kill_set_seal(&own, &err), ERR_OK);
    struct kill_view view = {.sets = {&all, &own}};
    assert_true(kill_view_is_active(&view));
    assert_true(kill_view_kills(&view, 1) && kill_view_kills(&view, 2));
    view.born = 15;
    assert_true(kill_view_is_active(&view));
    assert_false(kill_view_kills(&view, 1));
    assert_true(kill_view_kills(&view, 2));
    view.born = 20;
    assert_false(kill_view_is_active(&view));
    const struct kill_view nothing = {0};
    assert_false(kill_view_is_active(&nothing));
    assert_false(kill_view_kills(&nothing, 1));
    kill_set_release(&all);
    kill_set_release(&own);
}

static void test_kill_set__every_failing_allocation(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct kill_set set = {0};
        struct err err;
        enum err_code code = ERR_OK;
        fault_arm(FAULT_MALLOC, n, 1);
        for (int64_t id = 0; id < 100 && code == ERR_OK; id++)
            code = kill_set_add(&set, &id, 1, 1, &err);
        if (code == ERR_OK)
            code = kill_set_seal(&set, &err);
        const bool was_reached = fault_disarm();
        kill_set_release(&set);
        assert_int_equal(code, was_reached ? ERR_NOMEM : ERR_OK);
        if (!was_reached)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_set__last_delete_counts),
        cmocka_unit_test(test_kill_set__many_ids),
        cmocka_unit_test(test_kill_set__views),
        cmocka_unit_test(test_kill_set__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
