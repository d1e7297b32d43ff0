/* finding_test.c: the list of what a reader noticed. */
#include <errno.h>

#include "flow/finding.h"
#include "scratch.h"

static void test_finding__texts_are_copied(void **state)
{
    (void)state;
    struct arena arena;
    struct finding_list list;
    struct err err;
    arena_init(&arena, 1 << 20);
    finding_list_init(&list, &arena);
    char code[] = "segment-truncated";
    const struct finding finding = {.severity = FINDING_DAMAGE,
                                    .code = code,
                                    .path = "a.rv",
                                    .has_offset = true,
                                    .offset = 8,
                                    .rows = 3};
    assert_int_equal(finding_add(&list, &finding, &err), ERR_OK);
    memset(code, 'x', sizeof code - 1);
    assert_string_equal(list.items[0].code, "segment-truncated");
    assert_string_equal(list.items[0].collection, ""); /* NULL became "" */
    assert_string_equal(list.items[0].consequence, "");
    assert_int_equal(list.items[0].offset, 8);
    assert_int_equal(finding_count(&list, FINDING_DAMAGE), 1);
    assert_int_equal(finding_count(&list, FINDING_NOTE), 0);
    finding_list_release(&list);
    arena_release(&arena);
}

static void test_finding__too_many_are_counted(void **state)
{
    (void)state;
    struct arena arena;
    struct finding_list list;
    struct err err;
    arena_init(&arena, (size_t)64 << 20);
    finding_list_init(&list, &arena);
    const struct finding finding = {.severity = FINDING_NOTE, .code = "c"};
    for (size_t k = 0; k < FINDINGS_MAX + 5; k++)
        assert_int_equal(finding_add(&list, &finding, &err), ERR_OK);
    assert_int_equal(list.count, FINDINGS_MAX);
    assert_int_equal(list.dropped, 5);
    finding_list_release(&list);
    arena_release(&arena);
}

static enum err_code add_some(struct err *err)
{
    struct arena arena;
    struct finding_list list;
    arena_init(&arena, 1 << 20);
    finding_list_init(&list, &arena);
    const struct finding finding = {.severity = FINDING_NOTE, .code = "c", .found = "f"};
    enum err_code code = ERR_OK;
    size_t added = 0;
    for (; code == ERR_OK && added < 40; added++)
        code = finding_add(&list, &finding, err);
    assert_int_equal(list.count, code == ERR_OK ? 40 : added - 1);
    finding_list_release(&list);
    arena_release(&arena);
    return code;
}

static void test_finding__memory_ends(void **state)
{
    (void)state;
    assert_true(fail_each(FAULT_MALLOC, ENOMEM, ERR_NOMEM, add_some) >= 3);
}

static void test_finding__names(void **state)
{
    (void)state;
    assert_string_equal(finding_severity_name(FINDING_NOTE), "note");
    assert_string_equal(finding_severity_name(FINDING_WARNING), "warning");
    assert_string_equal(finding_severity_name(FINDING_DAMAGE), "damage");
    assert_string_equal(finding_severity_name(FINDING_REFUSED), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding__texts_are_copied),
        cmocka_unit_test(test_finding__too_many_are_counted),
        cmocka_unit_test(test_finding__memory_ends),
        cmocka_unit_test(test_finding__names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
