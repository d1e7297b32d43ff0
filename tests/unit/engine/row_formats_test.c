/* row_formats_test.c: batches of rows and column files as bytes: round trips, and each way in which
 * they can lie; vectors of declared types; row buffers that grow. */
#include "scratch.h"

#include "base/bytes.h"
#include "engine/batch_format.h"
#include "engine/column_file_format.h"
#include "engine/vector_convert.h"

#define ROWS 100

static const struct field fields[] = {
    {.id = 100, .name = "pk", .type = FIELD_VARCHAR, .is_primary = true},
    {.id = 101, .name = "v", .type = FIELD_FLOAT_VECTOR, .dim = 2},
    {.id = 102, .name = "n", .type = FIELD_INT16, .is_nullable = true},
    {.id = 103, .name = "b", .type = FIELD_BINARY_VECTOR, .dim = 24},
};
static const struct schema schema = {.fields = fields, .field_count = 4};

struct sample {
    struct row_layout layout;
    struct row_columns columns;
    int64_t ids[ROWS];
    float vectors[ROWS * 2];
    int16_t numbers[ROWS];
    uint8_t bits[ROWS * 3];
    uint64_t offsets[ROWS + 1];
    uint8_t text[ROWS * 4];
    uint64_t valid[2];
};

static void make_sample(struct sample *sample)
{
    memset(sample, 0, sizeof *sample);
    row_layout_init(&sample->layout, &schema);
    for (size_t r = 0; r < ROWS; r++) {
        sample->ids[r] = (int64_t)r * 3;
        sample->vectors[2 * r] = (float)r;
        sample->numbers[r] = (int16_t)(r - 50);
        sample->bits[3 * r] = (uint8_t)r;
        const int length = snprintf((char *)sample->text + sample->offsets[r], 4, "%zu", r);
        sample->offsets[r + 1] = sample->offsets[r] + (uint64_t)length;
        if (r % 3 != 0)
            sample->valid[r / 64] |= (uint64_t)1 << r % 64;
    }
    sample->columns = (struct row_columns){
        .rows = ROWS, .ids = sample->ids, .vectors = (const uint8_t *)sample->vectors};
    sample->columns.extras[0] = (struct row_extra){sample->text, sample->offsets, NULL};
    sample->columns.extras[1] =
        (struct row_extra){(const uint8_t *)sample->numbers, NULL, sample->valid};
    sample->columns.extras[2] = (struct row_extra){sample->bits, NULL, NULL};
}

static void expect_same(const struct row_columns *a, const struct row_columns *b, size_t at)
{
    assert_memory_equal(a->ids + at, b->ids, ROWS * 8);
    assert_memory_equal(a->vectors + at * 8, b->vectors, ROWS * 8);
    assert_memory_equal(a->extras[1].values + at * 2, b->extras[1].values, ROWS * 2);
    assert_memory_equal(a->extras[2].values + at * 3, b->extras[2].values, ROWS * 3);
    for (size_t r = 0; r < ROWS; r++) {
        const uint64_t from = a->extras[0].offsets[at + r];
        const size_t size = (size_t)(b->extras[0].offsets[r + 1] - b->extras[0].offsets[r]);
        assert_int_equal(a->extras[0].offsets[at + r + 1] - from, size);
        assert_memory_equal(a->extras[0].values + from,
                            b->extras[0].values + b->extras[0].offsets[r], size);
        assert_int_equal(a->extras[1].valid[(at + r) / 64] >> (at + r) % 64 & 1,
                         b->extras[1].valid[r / 64] >> r % 64 & 1);
    }
}

static void test_batch__round_trip(void **state)
{
    (void)state;
    struct sample sample;
    struct batch_rows batch;
    struct err err;
    make_sample(&sample);
    const size_t size = batch_size(&sample.layout, &sample.columns);
    uint8_t *data = mem_alloc(size + 1, 1);
    assert_non_null(data);
    batch_encode(&sample.layout, &sample.columns, data);
    assert_int_equal(batch_decode((struct bytes){data, size}, &batch, &err), ERR_OK);
    assert_true(row_layout_is_equal(&batch.layout, &sample.layout));
    expect_same(&batch.columns, &sample.columns, 0);
    batch_rows_release(&batch);
    for (size_t cut = 0; cut < size; cut += cut < 400 ? 1 : 37)
        assert_int_equal(batch_decode((struct bytes){data, cut}, &batch, &err), ERR_CORRUPT);
    assert_int_equal(batch_decode((struct bytes){data, size + 1}, &batch, &err), ERR_CORRUPT);
    mem_free(data);
}

static void expect_damage(uint8_t *data, size_t size, size_t at, uint8_t value)
{
    struct batch_rows batch;
    struct err err;
    const uint8_t kept = data[at];
    data[at] = value;
    assert_int_equal(batch_decode((struct bytes){data, size}, &batch, &err), ERR_CORRUPT);
    data[at] = kept;
}

static void test_batch__lies(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample);
    const size_t size = batch_size(&sample.layout, &sample.columns);
    uint8_t *data = mem_alloc(size + 1, 1);
    assert_non_null(data);
    batch_encode(&sample.layout, &sample.columns, data);
    expect_damage(data, size, 0, 'X');          /* magic */
    expect_damage(data, size, 8, 99);           /* rows */
    expect_damage(data, size, 15, 255);         /* far too many rows */
    expect_damage(data, size, 16, 200);         /* fields */
    expect_damage(data, size, 20, 1);           /* a key that is a number */
    expect_damage(data, size, 24, 0);           /* no bytes a vector */
    expect_damage(data, size, 40, 22);          /* type of the text: the bytes would not do */
    expect_damage(data, size, 32 + 32 + 16, 4); /* width of the Int16 */
    mem_free(data);
}

static void test_row_buffer__grows(void **state)
{
    (void)state;
    struct sample sample;
    struct row_buffer *buffer = NULL;
    struct row_columns columns;
    struct err err;
    make_sample(&sample);
    assert_int_equal(row_buffer_new(&sample.layout, 0, NULL, &buffer, &err), ERR_OK);
    struct row_buffer *first = NULL;
    for (size_t k = 0; k < 20; k++) {
        assert_int_equal(row_buffer_reserve(&buffer, &sample.columns, &err), ERR_OK);
        row_buffer_append(buffer, &sample.columns);
        if (k == 0)
            first = row_buffer_ref(buffer);
    }
    assert_int_equal(buffer->rows, 20 * ROWS);
    row_buffer_columns(buffer, &columns);
    for (size_t k = 0; k < 20; k++)
        expect_same(&columns, &sample.columns, k * ROWS);
    row_buffer_columns(first, &columns); /* what was there stays readable */
    expect_same(&columns, &sample.columns, 0);
    row_buffer_unref(first);
    row_buffer_unref(buffer);
}

static void make_head(struct column_file_head *head)
{
    *head = (struct column_file_head){.rows = 10, .field_count = 2};
    head->fields[0] = (struct column_file_field){
        .field_id = 100, .type = FIELD_INT32, .width = 4, .values = {256, 40}, .valid = {320, 8}};
    head->fields[1] = (struct column_file_field){
        .field_id = 101, .type = FIELD_VARCHAR, .values = {384, 30}, .offsets = {448, 88}};
    head->sums_offset = 536;
    head->size = 536 + 4 * 8;
}

static enum err_code decode(const struct column_file_head *head, uint64_t rows,
                            struct column_file_head *ret_head)
{
    uint8_t data[1024] = {0};
    struct err err;
    column_file_encode(head, data);
    return column_file_decode((struct bytes){data, (size_t)head->size}, rows, 568, ret_head, &err);
}

static void test_column_file__lies(void **state)
{
    (void)state;
    static struct column_file_head head;
    static struct column_file_head found;
    make_head(&head);
    assert_int_equal(decode(&head, 10, &found), ERR_OK);
    assert_int_equal(found.fields[1].offsets.size, 88);
    assert_int_equal(decode(&head, 11, &found), ERR_CORRUPT);
    head.fields[0].values.size = 44;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.fields[0].values.offset = 1 << 20;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.fields[0].values.offset = 257;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.fields[0].valid.size = 16;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.fields[1].values.size = UINT64_MAX;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.fields[1].width = 1;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
    make_head(&head);
    head.sums_offset = 528;
    assert_int_equal(decode(&head, 10, &found), ERR_CORRUPT);
}

/* Every half, bfloat and byte comes back as it was; but for NaN, which no vector has. */
static void test_vector_convert__round_trips(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        uint8_t from[2];
        uint8_t to[2];
        float kept;
        put_u16(from, (uint16_t)bits);
        if ((bits & 0x7c00) != 0x7c00 || (bits & 0x3ff) == 0) {
            vector_to_kept(FIELD_FLOAT16_VECTOR, from, 1, (uint8_t *)&kept);
            vector_from_kept(FIELD_FLOAT16_VECTOR, (const uint8_t *)&kept, 1, to);
            assert_memory_equal(from, to, 2);
        }
        if ((bits & 0x7f80) != 0x7f80 || (bits & 0x7f) == 0) {
            vector_to_kept(FIELD_BFLOAT16_VECTOR, from, 1, (uint8_t *)&kept);
            vector_from_kept(FIELD_BFLOAT16_VECTOR, (const uint8_t *)&kept, 1, to);
            assert_memory_equal(from, to, 2);
        }
        vector_to_kept(FIELD_INT8_VECTOR, from, 1, (uint8_t *)&kept);
        vector_from_kept(FIELD_INT8_VECTOR, (const uint8_t *)&kept, 1, to);
        assert_int_equal(from[0], to[0]);
    }
}

static void test_vector_convert__rounds_to_even(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t half;
    } cases[] = {{1.0F, 0x3c00},       {65504.0F, 0x7bff},        {65519.0F, 0x7bff},
                 {65520.0F, 0x7c00},   {0x1p-24F, 0x0001},        {0x1p-25F, 0x0000},
                 {0x1.8p-25F, 0x0001}, {1.0F + 0x1p-11F, 0x3c00}, {1.0F + 0x3p-11F, 0x3c02},
                 {-2.0F, 0xc000}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        uint8_t to[2];
        vector_from_kept(FIELD_FLOAT16_VECTOR, (const uint8_t *)&cases[k].value, 1, to);
        assert_int_equal(get_u16(to), cases[k].half);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch__round_trip),
        cmocka_unit_test(test_batch__lies),
        cmocka_unit_test(test_row_buffer__grows),
        cmocka_unit_test(test_column_file__lies),
        cmocka_unit_test(test_vector_convert__round_trips),
        cmocka_unit_test(test_vector_convert__rounds_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
