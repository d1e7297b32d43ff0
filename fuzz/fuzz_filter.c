/* fuzz_filter.c: the filter language: expression, a line end, then a JSON text.
 *
 * Whatever compiles is run over three rows of every type, one of them with that JSON text, and
 * again over all rows but the first: both must say the same, on every instruction set. What the
 * filter selects its opposite must not, and statistics must not contradict the rows. */
#include <string.h>

#include "base/bitmap.h"
#include "base/utf8.h"
#include "filter/filter.h"
#include "filter/plan.h"
#include "fuzz.h"

#define ROWS 3

static const struct field fields[] = {
    {.id = 100, .name = "id", .type = FIELD_INT64, .is_primary = true},
    {.id = 101, .name = "a", .type = FIELD_INT8, .is_nullable = true},
    {.id = 102, .name = "f", .type = FIELD_FLOAT},
    {.id = 103, .name = "d", .type = FIELD_DOUBLE},
    {.id = 104, .name = "ok", .type = FIELD_BOOL},
    {.id = 105, .name = "s", .type = FIELD_VARCHAR, .params = "{\"enable_match\": true}"},
    {.id = 106, .name = "t", .type = FIELD_ARRAY, .element = FIELD_INT16},
    {.id = 107, .name = "w", .type = FIELD_ARRAY, .element = FIELD_VARCHAR},
    {.id = 108, .name = "v", .type = FIELD_FLOAT_VECTOR, .dim = 2},
    {.id = 109, .name = "$meta", .type = FIELD_JSON, .is_dynamic = true},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static const int64_t ids[ROWS] = {INT64_MIN, 1, INT64_MAX};
static const int8_t as[ROWS] = {-128, 0, 7};
static const uint64_t as_valid[1] = {5};
static const float fs[ROWS] = {-1.5F, 0, 3e38F};
static const double ds[ROWS] = {1e308, -0.0, 2.5};
static const uint8_t oks[ROWS] = {0, 1, 1};
static const uint64_t s_offsets[ROWS + 1] = {0, 9, 9, 12};
static const char s_bytes[] = "red fox_%x\xC3\xA4";
static const uint64_t t_offsets[ROWS + 1] = {0, 4, 4, 7}; /* the last is cut */
static const char t_bytes[] = "\1\0\2\0\3\0\4";
static const uint64_t w_offsets[ROWS + 1] = {0, 5, 14, 18};
static const char w_bytes[] = "\1\0\0\0x"
                              "\2\0\0\0ab\0\0\0"
                              "\xFF\xFF\xFF\xFF";

static void run(const struct filter *filter, const struct column *const *columns, size_t first,
                uint64_t *ret_bits)
{
    struct filter_scratch scratch = {0};
    struct err err;
    const struct filter_rows rows = {
        .columns = columns, .first = first, .count = ROWS - first, .row_base = first};
    FUZZ_CHECK(filter_eval(filter, &scratch, &rows, ret_bits, &err) == ERR_OK);
    FUZZ_CHECK((*ret_bits >> (ROWS - first)) == 0);
    filter_scratch_release(&scratch);
}

static void check_opposite(const char *text, size_t size, const struct schema *schema,
                           const struct column *const *columns, uint64_t bits)
{
    char *opposite = mem_alloc(size + 6, 1);
    FUZZ_CHECK(opposite != NULL);
    memcpy(opposite, "not (", 5);
    memcpy(opposite + 5, text, size);
    opposite[size + 5] = ')';
    struct filter *filter;
    struct err err;
    uint64_t other = 0;
    if (filter_compile(opposite, size + 6, schema, NULL, &filter, &err) == ERR_OK) {
        run(filter, columns, 0, &other);
        FUZZ_CHECK((bits & other) == 0);
        filter_free(filter);
    }
    mem_free(opposite);
}

static void run_all(struct filter *filter, const struct column *const *columns, uint64_t *ret_bits)
{
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        uint64_t rest;
        filter->loops = loops[i];
        run(filter, columns, 0, &bits);
        run(filter, columns, 1, &rest);
        FUZZ_CHECK(rest == bits >> 1);
        FUZZ_CHECK(i == 0 || bits == *ret_bits);
        *ret_bits = bits;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t text_size = line != NULL ? (size_t)(line - data) : size;
    const uint64_t j_offsets[ROWS + 1] = {0, size - text_size, size - text_size, size - text_size};
    const struct column all[FIELDS] = {
        {.type = FIELD_INT64, .width = 8, .rows = ROWS, .values = ids},
        {.type = FIELD_INT8, .width = 1, .rows = ROWS, .values = as, .valid = as_valid},
        {.type = FIELD_FLOAT, .width = 4, .rows = ROWS, .values = fs},
        {.type = FIELD_DOUBLE, .width = 8, .rows = ROWS, .values = ds},
        {.type = FIELD_BOOL, .width = 1, .rows = ROWS, .values = oks},
        {FIELD_VARCHAR, 0, 0, ROWS, NULL, s_offsets, (const uint8_t *)s_bytes, NULL},
        {FIELD_ARRAY, FIELD_INT16, 0, ROWS, NULL, t_offsets, (const uint8_t *)t_bytes, NULL},
        {FIELD_ARRAY, FIELD_VARCHAR, 0, ROWS, NULL, w_offsets, (const uint8_t *)w_bytes, NULL},
        {FIELD_NONE, 0, 0, 0, NULL, NULL, NULL, NULL},
        {FIELD_JSON, 0, 0, ROWS, NULL, j_offsets, data + text_size, NULL},
    };
    const struct column *columns[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        columns[i] = all[i].type != FIELD_NONE ? &all[i] : NULL;
    static const struct filter_value list[] = {{.kind = FILTER_VALUE_INT, .integer = 1},
                                               {.kind = FILTER_VALUE_DOUBLE, .real = 2.5}};
    static const struct filter_template items[] = {
        {"x", {.kind = FILTER_VALUE_INT, .integer = 1}},
        {"y", {.kind = FILTER_VALUE_STRING, .string = "red", .size = 3}},
        {"z", {.kind = FILTER_VALUE_ARRAY, .items = list, .count = 2}},
    };
    const struct schema schema = {
        .fields = fields, .field_count = FIELDS, .has_dynamic = true, .primary = 0};
    const struct filter_templates templates = {items, 3};
    const char *text = text_size > 0 ? (const char *)data : "";
    struct filter *filter = NULL;
    struct err err = {0};
    if (filter_compile(text, text_size, &schema, &templates, &filter, &err) != ERR_OK) {
        FUZZ_CHECK(err.code == ERR_INVALID && utf8_is_valid(err.msg, strlen(err.msg)));
        return 0;
    }
    uint64_t bits = 0;
    run_all(filter, columns, &bits);
    check_opposite(text, text_size, &schema, columns, bits);
    filter_free(filter);
    return 0;
}
