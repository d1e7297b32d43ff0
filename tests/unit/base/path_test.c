/* path_test.c: text of paths. */
#include "base/path.h"
#include "scratch.h"

static void test_path__parent(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a/b", "a"},  {"a", "."},       {"/a", "/"},      {"a/b/", "a"}, {"/", "/"}, {"//", "/"},
        {"a//b", "a"}, {"/a//b/", "/a"}, {"a/b/c", "a/b"}, {"./a", "."},  {"", "."}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char buffer[64];
        assert_true(path_parent(cases[k][0], buffer, sizeof buffer));
        assert_string_equal(buffer, cases[k][1]);
        (void)snprintf(buffer, sizeof buffer, "%s", cases[k][0]);
        assert_true(path_parent(buffer, buffer, sizeof buffer)); /* in place */
        assert_string_equal(buffer, cases[k][1]);
    }
}

static void test_path__what_does_not_fit(void **state)
{
    (void)state;
    char buffer[4] = "old";
    assert_false(path_copy("four", buffer, sizeof buffer));
    assert_string_equal(buffer, "old");
    assert_true(path_copy("abc", buffer, sizeof buffer));
    assert_string_equal(buffer, "abc");
    assert_false(path_parent("abcd/e", buffer, sizeof buffer));
}

static void test_path__name_join_suffix(void **state)
{
    (void)state;
    static const char *const joins[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    assert_string_equal(path_name("a/b.rv"), "b.rv");
    assert_string_equal(path_name("b.rv"), "b.rv");
    assert_string_equal(path_name("a/"), "");
    for (size_t k = 0; k < sizeof joins / sizeof joins[0]; k++) {
        char *joined = path_join(joins[k][0], joins[k][1]);
        assert_string_equal(joined, joins[k][2]);
        mem_free(joined);
    }
    assert_true(path_has_suffix("x.npy", ".npy"));
    assert_true(path_has_suffix(".npy", ".npy"));
    assert_true(path_has_suffix("x", ""));
    assert_false(path_has_suffix("npy", ".npy"));
    assert_false(path_has_suffix("x.npy.gz", ".npy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_path__parent),
                                       cmocka_unit_test(test_path__what_does_not_fit),
                                       cmocka_unit_test(test_path__name_join_suffix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
