/* writer_recall_test.c: recall as a number after each kind of change: index built, rows deleted
 * after the build, rows added, reopened, compacted. */
#include "rows_fixture.h"

#include "engine/index.h"

#define ROWS ((size_t)9000)
#define QUERIES 40
#define K 10
#define CENTRES 60
#define RECALL_MIN 0.93 /* of level 3, which promises .965 of rows like these, on few queries */

static const struct collection_name name_c = {.name = "c"};

/* What the vectors are, and whether another vector field stands before them. */
static bool is_binary;
static bool is_further;
static size_t dim;
static const size_t row_size = 256;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Near one of some centres; bits: a centre with some bits turned. */
static void make_vector(uint32_t seed, uint8_t *vector)
{
    uint32_t state = seed * 2654435761U + 1;
    uint32_t centre = next_random(&state) % CENTRES * 7919 + 3;
    for (size_t at = 0; is_binary && at < row_size; at++) {
        vector[at] = (uint8_t)next_random(&centre);
        vector[at] ^= (uint8_t)(next_random(&state) & next_random(&state) & next_random(&state));
    }
    for (size_t j = 0; !is_binary && j < dim; j++) {
        const float value = (float)(next_random(&centre) % 1000) / 100.0F +
                            (float)(next_random(&state) % 1000) / 300.0F;
        memcpy(vector + j * sizeof value, &value, sizeof value);
    }
}

static uint8_t *make_vectors(uint32_t seed, size_t count)
{
    uint8_t *vectors = mem_alloc(count, row_size);
    assert_non_null(vectors);
    for (size_t k = 0; k < count; k++)
        make_vector(seed + (uint32_t)k, vectors + k * row_size);
    return vectors;
}

static void create(struct fixture *fixture)
{
    struct err err;
    const struct field fields[] = {
        {.name = "pk", .type = FIELD_INT64, .is_primary = true},
        {.name = "v", .type = is_binary ? FIELD_BINARY_VECTOR : FIELD_FLOAT_VECTOR, .dim = dim},
        {.name = "w", .type = is_binary ? FIELD_BINARY_VECTOR : FIELD_FLOAT_VECTOR, .dim = dim}};
    const struct schema schema = {.fields = fields, .field_count = is_further ? 3 : 2};
    const struct collection_definition definition = {.name = name_c, .schema = &schema};
    const struct declared_index index = {.name = "i",
                                         .field = is_further ? "w" : "v",
                                         .metric = is_binary ? METRIC_HAMMING : METRIC_L2};
    assert_int_equal(define_create_collection(fixture->writer, &definition, &err), ERR_OK);
    assert_int_equal(define_create_index(fixture->writer, name_c, &index, &err), ERR_OK);
}

static void change(struct fixture *fixture, const int64_t *keys, size_t count, uint32_t seed)
{
    struct mutation_result result;
    struct err err;
    uint8_t *vectors = make_vectors(seed, count);
    uint8_t *others = make_vectors(seed + 77, count);
    const struct column vector = {.type = is_binary ? FIELD_BINARY_VECTOR : FIELD_FLOAT_VECTOR,
                                  .width = row_size,
                                  .rows = count,
                                  .values = vectors};
    struct column columns[] = {
        {.type = FIELD_INT64, .width = 8, .rows = count, .values = keys}, vector, vector};
    if (is_further)
        columns[1].values = others;
    const struct row_batch batch = {
        .rows = count, .columns = columns, .column_count = is_further ? 3 : 2};
    const struct mutation insert = {.insert = &batch};
    const struct mutation remove = {.delete_keys = &columns[0]};
    assert_int_equal(
        writer_apply(fixture->writer, name_c, seed != 0 ? &insert : &remove, &result, &err),
        ERR_OK);
    if (seed == 0)
        assert_int_equal(result.deleted, count);
    mem_free(vectors);
    mem_free(others);
}

/* The snapshot that searches the field. */
static struct snapshot *view_of(struct snapshot *snapshot)
{
    struct snapshot *view = NULL;
    struct err err;
    assert_int_equal(snapshot_for_field(snapshot, is_further ? 2 : 1, &view, &err), ERR_OK);
    return view;
}

static void search(struct snapshot *snapshot, const uint8_t *queries, unsigned level,
                   struct search_result *result)
{
    struct err err;
    const struct search_request request = {
        .queries = queries, .query_count = 1, .dim = dim, .k = K, .level = level, .threads = 1};
    assert_int_equal(search_run(snapshot, &request, result, &err), ERR_OK);
}

/* Hits of one query as near as the true k-th; no dead row, no row twice. */
static size_t count_right(struct snapshot *snapshot, const uint8_t *query, bool by_index)
{
    struct search_result exact;
    struct search_result found;
    size_t right = 0;
    search(snapshot, query, SEARCH_LEVEL_MAX, &exact);
    search(snapshot, query, 3, &found);
    assert_true(!by_index || strcmp(found.stats.plan, "flat") != 0);
    assert_int_equal(found.counts[0], K);
    for (size_t k = 0; k < K; k++) {
        struct rows_segment facts;
        rows_segment(snapshot, found.segments[k], &facts);
        const uint64_t row = found.rows[k];
        assert_true(facts.dead == NULL || (facts.dead[row / 64] >> row % 64 & 1) == 0);
        right += found.scores[k] <= exact.scores[K - 1];
        for (size_t other = 0; other < k; other++)
            assert_true(found.ids[k] != found.ids[other]);
    }
    search_result_release(&exact);
    search_result_release(&found);
    return right;
}

/* `by_index`: some segment is searched by one. */
static void expect_recall(struct fixture *fixture, uint64_t rows, bool by_index)
{
    uint8_t *queries = make_vectors(1000000, QUERIES);
    struct snapshot *snapshot = NULL;
    struct err err;
    size_t right = 0;
    assert_int_equal(writer_snapshot(fixture->writer, name_c, &snapshot, &err), ERR_OK);
    assert_int_equal(snapshot_facts(snapshot)->rows, rows);
    for (size_t q = 0; q < QUERIES; q++)
        right += count_right(view_of(snapshot), queries + q * row_size, by_index);
    if ((double)right < RECALL_MIN * QUERIES * K)
        print_error("%zu of %d hits\n", right, QUERIES * K);
    assert_true((double)right >= RECALL_MIN * QUERIES * K);
    mem_free(queries);
    snapshot_unref(snapshot);
}

static size_t build(struct fixture *fixture)
{
    struct snapshot *snapshot = NULL;
    struct index_counts counts;
    size_t fresh = 0;
    struct err err;
    const struct index_options options = {.threads = 1};
    assert_int_equal(writer_snapshot(fixture->writer, name_c, &snapshot, &err), ERR_OK);
    assert_int_equal(index_build(fixture->database, view_of(snapshot), &options, &counts, &err),
                     ERR_OK);
    assert_true(counts.built > 0);
    snapshot_unref(snapshot);
    assert_int_equal(writer_refresh_indexes(fixture->writer, &fresh, &err), ERR_OK);
    return fresh;
}

static void check_changes(void)
{
    const struct writer_options options = {.no_background = true};
    struct fixture fixture;
    struct err err;
    static int64_t keys[ROWS];
    for (size_t k = 0; k < ROWS; k++)
        keys[k] = (int64_t)(k * 7919 % 100003);
    fixture_open(&fixture, scratch("db"), &options);
    create(&fixture);
    change(&fixture, keys, ROWS, 1);
    expect_recall(&fixture, ROWS, false); /* from memory */
    assert_int_equal(writer_flush(fixture.writer, name_c, &err), ERR_OK);
    assert_true(build(&fixture) > 0);
    expect_recall(&fixture, ROWS, true);
    change(&fixture, keys, 900, 0);
    expect_recall(&fixture, ROWS - 900, true); /* deleting does not lose the index */
    change(&fixture, keys, 500, 20000);
    expect_recall(&fixture, ROWS - 400, true);
    fixture_close(&fixture);
    fixture_open(&fixture, scratch("db"), &options);
    expect_recall(&fixture, ROWS - 400, true);
    assert_int_equal(writer_compact(fixture.writer, name_c, NULL, &err), ERR_OK);
    expect_recall(&fixture, ROWS - 400, false);
    assert_true(build(&fixture) > 0);
    expect_recall(&fixture, ROWS - 400, true);
    fixture_close(&fixture);
}

static void test_writer__recall_of_floats(void **state)
{
    (void)state;
    is_binary = is_further = false;
    dim = 64;
    check_changes();
}

static void test_writer__recall_of_bits(void **state)
{
    (void)state;
    is_binary = true;
    is_further = false;
    dim = 2048;
    check_changes();
}

static void test_writer__recall_of_further_floats(void **state)
{
    (void)state;
    is_binary = false;
    is_further = true;
    dim = 64;
    check_changes();
}

static void test_writer__recall_of_further_bits(void **state)
{
    (void)state;
    is_binary = is_further = true;
    dim = 2048;
    check_changes();
}

int main(void)
{
    const struct CMUnitTest tests[] = {SCRATCH_TEST(test_writer__recall_of_floats),
                                       SCRATCH_TEST(test_writer__recall_of_bits),
                                       SCRATCH_TEST(test_writer__recall_of_further_floats),
                                       SCRATCH_TEST(test_writer__recall_of_further_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
