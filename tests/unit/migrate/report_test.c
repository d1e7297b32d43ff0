/* report_test.c: pages and JSON of a comparison with hostile names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "fake.h"
#include "migrate/report.h"

static const int64_t some_ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const char hostile[] = "<script>alert('1')</script>&\"\xff";

struct compared {
    struct source *source;
    struct source *target;
    struct verify_result result;
    struct err err;
    enum err_code code;
};

static void compared_init(struct compared *compared)
{
    struct fake_source *a = fake_source_new();
    (void)fake_add_collection(a, "words", METRIC_L2, 3);
    (void)fake_add_partition(a, 0, hostile);
    (void)fake_add_segment(a, 0, 0, some_ids, 8, 1);
    (void)fake_add_segment(a, 0, 1, some_ids, 2, 1);
    fake_delete(a, 0, 0, 7);
    fake_make_infinite(a, 0, 0, 7);
    fake_make_infinite(a, 0, 0, 3);
    struct fake_source *b = fake_source_new();
    (void)fake_add_collection(b, "words", METRIC_L2, 3);
    (void)fake_add_partition(b, 0, hostile);
    (void)fake_add_segment(b, 0, 0, some_ids, 6, 1);
    fake_make_infinite(b, 0, 0, 3);
    (void)fake_add_segment(b, 0, 1, some_ids, 2, 1);
    compared->source = fake_finish(a);
    compared->target = fake_finish(b);
    compared->err = (struct err){0};
    const struct verify_options options = {.threads = 1};
    compared->code = verify_run(compared->source, compared->target, &options, NULL,
                                &compared->result, &compared->err);
    const struct finding finding = {.severity = FINDING_WARNING,
                                    .code = "odd",
                                    .collection = "words",
                                    .partition = hostile,
                                    .path = "/p",
                                    .has_offset = true,
                                    .offset = 17,
                                    .found = hostile};
    struct err err;
    assert_int_equal(finding_add(&compared->source->description.findings, &finding, &err), ERR_OK);
}

static void compared_release(struct compared *compared)
{
    verify_result_release(&compared->result);
    source_close(compared->source);
    source_close(compared->target);
}

static struct report report_of(const struct compared *compared)
{
    return (struct report){.verb = "verify",
                           .target = "./godwit-data",
                           .source = &compared->source->description,
                           .verify = &compared->result,
                           .code = compared->code,
                           .sentence = compared->err.msg};
}

static char *written(const char *path, const struct report *report, size_t *size)
{
    struct err err = {0};
    void *data = NULL;
    assert_int_equal(report_write(path, report, &err), ERR_OK);
    assert_int_equal(file_read_all(path, (size_t)1 << 24, &data, size, &err), ERR_OK);
    assert_int_equal(file_remove(path, &err), ERR_OK);
    return data;
}

static void test_report__json_is_what_was_compared(void **state)
{
    (void)state;
    struct compared compared;
    compared_init(&compared);
    const struct report report = report_of(&compared);
    size_t size = 0;
    char *data = written("/tmp/godwit-report-test.json", &report, &size);
    struct json *document = NULL;
    struct err err = {0};
    assert_int_equal(js_parse(data, size, &document, &err), ERR_OK);
    assert_string_equal(js_string(js_get(document, "verdict"), ""), "differs");
    assert_int_equal(js_int(js_get(document, "exit"), 0), 7);
    const struct json *collection = js_at(js_get(document, "collections"), 0);
    assert_int_equal(js_int(js_get(collection, "source_rows"), 0), 9);
    assert_int_equal(js_int(js_get(collection, "target_rows"), 0), 8);
    assert_int_equal(js_int(js_get(collection, "deleted_rows"), 0), 1);
    assert_int_equal(js_int(js_get(js_get(document, "totals"), "non_finite_rows"), -1), 1);
    assert_int_equal(js_int(js_get(collection, "non_finite_rows"), -1), 1);
    const struct json *partition = js_at(js_get(collection, "partitions"), 0);
    assert_int_equal(js_int(js_get(partition, "non_finite_rows"), -1), 1);
    const struct json *missing = js_get(partition, "missing");
    assert_int_equal(js_int(js_get(missing, "count"), 0), 1);
    assert_int_equal(js_int(js_at(js_get(missing, "ids"), 0), 0), 7);
    const struct json *finding = js_at(js_get(document, "findings"), 0);
    assert_int_equal(js_int(js_get(finding, "offset"), 0), 17);
    js_free(document);
    mem_free(data);
    compared_release(&compared);
}

static void test_report__page_is_safe_and_alone(void **state)
{
    (void)state;
    struct compared compared;
    compared_init(&compared);
    const struct report report = report_of(&compared);
    size_t size = 0;
    char *data = written("/tmp/godwit-report-test.html", &report, &size);
    assert_null(strstr(data, "<script"));
    assert_null(strstr(data, "src="));
    assert_null(strstr(data, "href="));
    assert_null(strstr(data, "url("));
    assert_non_null(
        strstr(data, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;&#255;"));
    assert_non_null(strstr(data, "Source and target differ."));
    assert_non_null(strstr(data, "1 missing: 7"));
    assert_non_null(strstr(data, "1 row holds NaN or infinite components; kept bit for bit."));
    assert_non_null(strstr(data, "<svg"));
    assert_non_null(strstr(data, "</html>"));
    mem_free(data);
    compared_release(&compared);
}

static void test_report__survives_failing_memory(void **state)
{
    (void)state;
    struct compared compared;
    compared_init(&compared);
    const struct report report = report_of(&compared);
    static const char *const paths[] = {"/tmp/godwit-report-test.json",
                                        "/tmp/godwit-report-test.html"};
    for (size_t p = 0; p < 2; p++) {
        bool has_ended = false;
        for (size_t n = 0; !has_ended; n++) {
            struct err err = {0};
            fault_arm(FAULT_MALLOC, n, 12);
            const enum err_code code = report_write(paths[p], &report, &err);
            has_ended = !fault_disarm();
            assert_int_equal(code, has_ended ? ERR_OK : ERR_NOMEM);
            assert_int_equal(file_exists(paths[p]), has_ended);
        }
        struct err err = {0};
        assert_int_equal(file_remove(paths[p], &err), ERR_OK);
    }
    compared_release(&compared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_report__json_is_what_was_compared),
                                       cmocka_unit_test(test_report__page_is_safe_and_alone),
                                       cmocka_unit_test(test_report__survives_failing_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
