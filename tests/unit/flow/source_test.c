/* source_test.c: the calls reach the implementation; NULL may be closed. */
#include "flow/source.h"
#include "scratch.h"

static int closed;

static enum err_code three_rows(struct segment_reader *reader, struct batch *ret_batch,
                                struct err *err)
{
    (void)err;
    *ret_batch = (struct batch){.rows = reader->rows};
    return ERR_OK;
}

static void close_reader(struct segment_reader *reader)
{
    (void)reader;
    closed++;
}

static const struct segment_reader_ops reader_ops = {.next = three_rows, .close = close_reader};
static struct segment_reader only_reader = {.ops = &reader_ops, .rows = 3};

static enum err_code open_segment(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err)
{
    (void)source;
    if (collection != 1 || segment != 2)
        return err_set(err, ERR_SOURCE, "no such segment");
    *ret_reader = &only_reader;
    return ERR_OK;
}

static void close_source(struct source *source)
{
    (void)source;
    closed += 10;
}

static void test_source__calls_reach_the_implementation(void **state)
{
    (void)state;
    static const struct source_ops ops = {.open_segment = open_segment, .close = close_source};
    struct source source = {.ops = &ops};
    struct segment_reader *reader = NULL;
    struct batch batch;
    struct err err;
    assert_int_equal(source_open_segment(&source, 0, 0, &reader, &err), ERR_SOURCE);
    assert_int_equal(source_open_segment(&source, 1, 2, &reader, &err), ERR_OK);
    assert_int_equal(segment_reader_next(reader, &batch, &err), ERR_OK);
    assert_int_equal(batch.rows, 3);
    segment_reader_close(reader);
    segment_reader_close(NULL);
    source_close(&source);
    source_close(NULL);
    assert_int_equal(closed, 11);
}

static void test_source__find(void **state)
{
    (void)state;
    struct source_collection collections[2] = {{.name = "a"}, {.name = "b"}};
    const struct source source = {
        .description = {.collections = collections, .collection_count = 2}};
    assert_ptr_equal(source_find(&source, "b"), &collections[1]);
    assert_null(source_find(&source, "c"));
    assert_null(source_find(&source, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source__calls_reach_the_implementation),
        cmocka_unit_test(test_source__find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
