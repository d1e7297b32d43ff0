/* milvus1_test.c: milvus1_open on a folder of the disk, and with every call to the system failing.
 */
#include <errno.h>

#include "base/fault.h"
#include "installation_fixture.h"
#include "milvus1/milvus1.h"

static enum err_code open_and_read(const char *folder, struct err *err)
{
    const struct milvus1_options options = {.path = folder};
    struct source *source = NULL;
    enum err_code code = milvus1_open(&options, &source, err);
    if (code != ERR_OK)
        return code;
    const struct source_collection *c = source_find(source, "c");
    uint64_t rows = 0;
    for (size_t k = 0; c != NULL && k < c->segment_count && code == ERR_OK; k++) {
        struct segment_reader *reader = NULL;
        struct batch batch = {.rows = 1};
        code = source_open_segment(source, 0, k, &reader, err);
        while (code == ERR_OK && batch.rows > 0) {
            code = segment_reader_next(reader, &batch, err);
            rows += code == ERR_OK ? batch.rows : 0;
        }
        segment_reader_close(reader);
    }
    if (code == ERR_OK && (c == NULL || rows != 3 || c->live_rows != 3))
        code = err_set(err, ERR_MISMATCH, "%llu rows", (unsigned long long)rows);
    source_close(source);
    return code;
}

static void test_milvus1__columns_are_extents_of_files(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    fixture_installation(folder);
    const struct milvus1_options options = {.path = folder};
    struct source *source = NULL;
    struct segment_reader *reader = NULL;
    struct err err;
    assert_int_equal(milvus1_open(&options, &source, &err), ERR_OK);
    assert_int_equal(source_open_segment(source, 0, 0, &reader, &err), ERR_OK);
    assert_true(reader->has_extents);
    assert_null(reader->dead);
    assert_int_equal(reader->ids.offset, 8);
    assert_int_equal(reader->ids.size, 16);
    assert_int_equal(reader->vectors.offset, 8);
    assert_int_equal(reader->vectors.size, 16);
    segment_reader_close(reader);
    source_close(source);
    fixture_remove(folder);
}

/* Whatever fails, it is told; nothing is read wrongly, nothing leaks (AddressSanitizer). */
static void every_failing(enum fault_kind kind, int errno_value)
{
    char *folder = fixture_folder();
    fixture_installation(folder);
    size_t told = 0;
    for (size_t n = 0;; n++) {
        struct err err = {0};
        fault_arm(kind, n, errno_value);
        const enum err_code code = open_and_read(folder, &err);
        const bool was_reached = fault_disarm();
        if (code == ERR_MISMATCH)
            fail_msg("call %zu failed and went unseen: %s", n, err.msg);
        if (!was_reached) {
            assert_int_equal(code, ERR_OK);
            break;
        }
        told += code != ERR_OK;
        if (code != ERR_OK)
            assert_true(err.msg[0] != '\0');
    }
    assert_true(told > 5);
    fixture_remove(folder);
}

static void test_milvus1__every_failing_read(void **state)
{
    (void)state;
    every_failing(FAULT_READ, EIO);
}

static void test_milvus1__every_failing_open(void **state)
{
    (void)state;
    every_failing(FAULT_OPEN, EMFILE);
}

static void test_milvus1__every_failing_allocation(void **state)
{
    (void)state;
    every_failing(FAULT_MALLOC, ENOMEM);
}

static void test_milvus1__short_and_interrupted_reads(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    fixture_installation(folder);
    static const int outcomes[] = {FAULT_SHORT, EINTR};
    for (size_t k = 0; k < 2; k++)
        for (size_t n = 0;; n++) {
            struct err err;
            fault_arm(FAULT_READ, n, outcomes[k]);
            const enum err_code code = open_and_read(folder, &err);
            const bool was_reached = fault_disarm();
            if (code != ERR_OK)
                fail_msg("read %zu: %s", n, err.msg);
            if (!was_reached)
                break;
        }
    fixture_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_milvus1__columns_are_extents_of_files),
        cmocka_unit_test(test_milvus1__every_failing_read),
        cmocka_unit_test(test_milvus1__every_failing_open),
        cmocka_unit_test(test_milvus1__every_failing_allocation),
        cmocka_unit_test(test_milvus1__short_and_interrupted_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
