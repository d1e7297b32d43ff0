/* select_test.c: which table is chosen, and what is said when it cannot be. */
#include "sample.h"

#include "kernel/isa.h"
#include "kernel/kernel.h"

static void test_select__default_is_the_last_listed(void **state)
{
    (void)state;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    const struct kernel *chosen = NULL;
    struct err err;
    assert_true(count >= 1 && count <= KERNEL_TABLES_MAX);
    assert_ptr_equal(kernels[0], &kernel_scalar);
    assert_int_equal(kernel_select(NULL, &chosen, &err), ERR_OK);
    assert_ptr_equal(chosen, kernels[count - 1]);
    assert_int_equal(kernel_select("", &chosen, &err), ERR_OK);
    assert_ptr_equal(chosen, kernels[count - 1]);
}

static void test_select__forced_names(void **state)
{
    (void)state;
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t count = kernel_list(kernels);
    for (size_t n = 0; n < 3; n++) {
        const struct kernel *expected = NULL;
        for (size_t i = 0; i < count; i++)
            if (strcmp(kernels[i]->isa, names[n]) == 0)
                expected = kernels[i];
        const struct kernel *chosen = NULL;
        struct err err;
        const enum err_code code = kernel_select(names[n], &chosen, &err);
        assert_int_equal(code, expected != NULL ? ERR_OK : ERR_UNSUPPORTED);
        assert_ptr_equal(chosen, expected);
    }
}

static void test_select__unknown_name(void **state)
{
    (void)state;
    const struct kernel *chosen = NULL;
    struct err err;
    assert_int_equal(kernel_select("sse9", &chosen, &err), ERR_CONFIG);
    assert_null(chosen);
    assert_non_null(strstr(err.msg, "sse9"));
    assert_non_null(strstr(err.msg, "scalar"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_select__default_is_the_last_listed),
                                       cmocka_unit_test(test_select__forced_names),
                                       cmocka_unit_test(test_select__unknown_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
