/* schema_test.c: names, numbers and widths of field types; fields by name. */
#include "flow/column.h"
#include "flow/schema.h"
#include "scratch.h"

static void test_schema__names_are_those_of_milvus(void **state)
{
    (void)state;
    assert_string_equal(field_type_name(FIELD_INT64), "Int64");
    assert_string_equal(field_type_name(FIELD_BFLOAT16_VECTOR), "BFloat16Vector");
    assert_string_equal(field_type_name(FIELD_NONE), "None");
    assert_int_equal(field_type_from_name("VarChar"), FIELD_VARCHAR);
    assert_int_equal(field_type_from_name("varchar"), FIELD_NONE);
    for (int k = 0; k < 200; k++) {
        const char *name = field_type_name((enum field_type)k);
        if (strcmp(name, "None") != 0)
            assert_int_equal(field_type_from_name(name), k);
    }
}

static void test_schema__widths(void **state)
{
    (void)state;
    assert_int_equal(field_type_width(FIELD_BOOL, 0), 1);
    assert_int_equal(field_type_width(FIELD_INT16, 0), 2);
    assert_int_equal(field_type_width(FIELD_DOUBLE, 0), 8);
    assert_int_equal(field_type_width(FIELD_JSON, 0), 0);
    assert_int_equal(field_type_width(FIELD_BINARY_VECTOR, 64), 8);
    assert_int_equal(field_type_width(FIELD_FLOAT_VECTOR, 64), 256);
    assert_int_equal(field_type_width(FIELD_FLOAT16_VECTOR, 64), 128);
    assert_int_equal(field_type_width(FIELD_INT8_VECTOR, 64), 64);
    assert_true(field_type_is_vector(FIELD_INT8_VECTOR));
    assert_false(field_type_is_vector(FIELD_JSON));
    assert_true(field_type_is_variable(FIELD_ARRAY));
    assert_false(field_type_is_variable(FIELD_BOOL));
}

static void test_schema__find(void **state)
{
    (void)state;
    const struct field fields[] = {{.name = "id"}, {.name = "data"}};
    const struct schema schema = {.fields = fields, .field_count = 2};
    assert_int_equal(schema_find(&schema, "data"), 1);
    assert_int_equal(schema_find(&schema, "Data"), SIZE_MAX);
}

static void test_column__views(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 2, 2, 5};
    static const uint64_t valid[] = {5};
    const struct column column = {.type = FIELD_VARCHAR,
                                  .rows = 3,
                                  .offsets = offsets,
                                  .bytes = (const uint8_t *)"abxyz",
                                  .valid = valid};
    size_t size = 0;
    assert_memory_equal(column_bytes(&column, 2, &size), "xyz", 3);
    assert_int_equal(size, 3);
    assert_true(column_is_null(&column, 1));
    assert_false(column_is_null(&column, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema__names_are_those_of_milvus),
        cmocka_unit_test(test_schema__widths),
        cmocka_unit_test(test_schema__find),
        cmocka_unit_test(test_column__views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
