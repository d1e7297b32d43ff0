/* index_bits_test.c: what an index of binary vectors promises. Each level's recall by score (many
 * rows are equally far), on data of several kinds; filters and ranges; the same file and the same
 * answers from any number of threads and any instruction set; damage and faults never show. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#include "base/bitmap.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/bits_build.h"
#include "engine/bits_search.h"
#include "engine/calibrate.h"
#include "engine/import.h"
#include "engine/index.h"
#include "engine/search.h"
#include "engine/snapshot_internal.h"
#include "kernel/kernel.h"

#define DATA_SIZE ((size_t)1300000) /* bytes of rows: enough for an index */
#define QUERIES 150
#define CENTRES 120
#define SIZE_MAX_ROW 128
#define K 10
#define BITS_FILE "segments/1/000000.bits"

enum data_kind { DATA_CLUSTERS, DATA_SPARSE, DATA_UNIFORM, DATA_TWINS, DATA_OTHER_QUERIES };

struct fixture {
    char *folder;
    uint8_t *rows; /* `count` of them, and then QUERIES queries */
    size_t size;   /* of a row */
    size_t count;
};

static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void flip(uint8_t *row, size_t bit)
{
    row[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

/* A row near a centre: one bit of twelve is another. Sparse rows: one bit of twenty is set in a
 * centre, and a row has half of those and as many others. */
static void draw_row(uint8_t *row, size_t size, const uint8_t *centre, bool is_sparse,
                     uint64_t *seed)
{
    memcpy(row, centre, size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        const bool is_set = (centre[bit / 8] >> bit % 8 & 1) != 0;
        const uint32_t share = is_sparse && is_set ? 2 : (is_sparse ? 40 : 12);
        if (next(seed) % share == 0)
            flip(row, bit);
    }
}

static void fill(struct fixture *fixture, enum data_kind kind, size_t size)
{
    static uint8_t centres[CENTRES * SIZE_MAX_ROW];
    uint64_t seed = 1 + (uint64_t)kind;
    fixture->size = size;
    fixture->count = DATA_SIZE / size;
    memset(centres, 0, sizeof centres);
    for (size_t bit = 0; bit < CENTRES * size * 8; bit++)
        if (next(&seed) % (kind == DATA_SPARSE ? 20 : 2) == 0)
            flip(centres, bit);
    for (size_t i = 0; i < fixture->count + QUERIES; i++) {
        uint8_t *row = fixture->rows + i * size;
        const bool is_strange = kind == DATA_OTHER_QUERIES && i >= fixture->count;
        draw_row(row, size, centres + next(&seed) % CENTRES * size, kind == DATA_SPARSE, &seed);
        for (size_t b = 0; b < size && (kind == DATA_UNIFORM || is_strange); b++)
            row[b] = (uint8_t)next(&seed);
        if (kind == DATA_TWINS && i >= 1000 && i < fixture->count)
            memcpy(row, fixture->rows + i % 1000 * size, size);
    }
}

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->folder = scratch_make();
    fixture->rows = mem_alloc(DATA_SIZE + QUERIES * SIZE_MAX_ROW, 1);
    assert_non_null(fixture->rows);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    mem_free(fixture->rows);
    mem_free(fixture);
    return 0;
}

static void import_data(const struct fixture *fixture, const char *name, enum metric_type metric,
                        const int64_t *ids)
{
    struct database *database = NULL;
    struct import_result result;
    const struct import_request request = {.collection = name,
                                           .metric = metric,
                                           .is_binary = true,
                                           .dim = fixture->size * 8,
                                           .ids = ids,
                                           .vectors = fixture->rows,
                                           .rows = fixture->count};
    expect_ok(database_open(fixture->folder, DATABASE_CREATE, &database, err));
    expect_ok(import_rows(database, &request, &result, err));
    database_close(database);
}

static enum err_code build(const struct fixture *fixture, const char *name,
                           const struct index_options *options, size_t *ret_built, struct err *err)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_counts counts = {0};
    enum err_code code = database_open(fixture->folder, DATABASE_WRITE, &database, err);
    if (code == ERR_OK)
        code = database_snapshot(database, name, &snapshot, err);
    if (code == ERR_OK)
        code = index_build(database, snapshot, options, &counts, err);
    snapshot_unref(snapshot);
    database_close(database);
    *ret_built = counts.built;
    return code;
}

static void build_ok(const struct fixture *fixture, const char *name)
{
    const struct index_options options = {.threads = 2};
    size_t built = 0;
    expect_ok(build(fixture, name, &options, &built, err));
    assert_int_equal(built, 1);
}

struct answers {
    int64_t ids[QUERIES * K]; /* -1: none */
    float scores[QUERIES * K];
    size_t rows; /* looked at */
    const char *plan;
};

/* One query a search; fields of `like` but the queries are used. */
static void search_like(const struct fixture *fixture, const char *name,
                        const struct search_request *like, struct answers *ret_answers)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    ret_answers->rows = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        struct search_result result;
        struct search_request request = *like;
        request.queries = fixture->rows + (fixture->count + q) * fixture->size;
        request.query_count = 1;
        request.dim = fixture->size * 8;
        request.k = K;
        expect_ok(search_run(snapshot, &request, &result, err));
        for (size_t i = 0; i < K; i++) {
            const bool is_hit = i < result.counts[0];
            ret_answers->ids[q * K + i] = is_hit ? result.ids[i] : -1;
            ret_answers->scores[q * K + i] = is_hit ? result.scores[i] : INFINITY;
        }
        ret_answers->rows += result.stats.rows;
        ret_answers->plan = result.stats.plan;
        search_result_release(&result);
    }
    snapshot_unref(snapshot);
    database_close(database);
}

static void search(const struct fixture *fixture, const char *name, unsigned level,
                   struct answers *ret_answers)
{
    const struct search_request like = {.level = level};
    search_like(fixture, name, &like, ret_answers);
}

/* A hit that is as near as the k-th true one is right. */
static double recall_of(const struct answers *found, const struct answers *exact)
{
    size_t hits = 0;
    for (size_t i = 0; i < QUERIES * K; i++)
        hits += (found->ids[i] >= 0 && found->scores[i] <= exact->scores[i / K * K + K - 1]) ||
                (found->ids[i] < 0 && exact->ids[i] < 0);
    return (double)hits / (QUERIES * K);
}

/* What is found has its exact score: that of the first hit is never better than the true one. */
static void expect_recall(const struct answers *found, const struct answers *exact, double wanted,
                          const char *what)
{
    const double recall = recall_of(found, exact);
    for (size_t i = 0; i < QUERIES * K; i++)
        assert_true(found->scores[i] >= exact->scores[i]);
    if (recall < wanted)
        fail_msg("%s: recall %.4f, %.4f wanted", what, recall, wanted);
}

/* Level 10 is what it was without an index; every other level keeps its promise. */
static void expect_levels(const struct fixture *fixture, const char *name, bool is_used)
{
    static struct answers before, exact, found;
    search(fixture, name, 0, &before);
    assert_string_equal(before.plan, "flat");
    build_ok(fixture, name);
    search(fixture, name, SEARCH_LEVEL_MAX, &exact);
    assert_string_equal(exact.plan, "flat");
    assert_memory_equal(before.ids, exact.ids, sizeof exact.ids);
    for (unsigned level = 0; level < SEARCH_LEVEL_MAX; level++) {
        const unsigned meant = level == 0 ? SEARCH_LEVEL_DEFAULT : level;
        search(fixture, name, level, &found);
        if (is_used && meant <= SEARCH_LEVEL_DEFAULT) {
            assert_string_equal(found.plan, "lists");
            assert_true(found.rows < exact.rows / 2);
        }
        expect_recall(&found, &exact, (double)calibrate_targets[meant - 1] - 0.01, name);
    }
}

static void test_index_bits__clusters_keep_the_levels(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, DATA_CLUSTERS, 32);
    import_data(fixture, "hamming", METRIC_HAMMING, NULL);
    expect_levels(fixture, "hamming", true);
    import_data(fixture, "jaccard", METRIC_JACCARD, NULL);
    expect_levels(fixture, "jaccard", true);
    fill(fixture, DATA_CLUSTERS, 13); /* no multiple of a word */
    import_data(fixture, "tanimoto", METRIC_TANIMOTO, NULL);
    expect_levels(fixture, "tanimoto", true);
}

static void test_index_bits__sparse_rows_keep_the_levels(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, DATA_SPARSE, 128);
    import_data(fixture, "jaccard", METRIC_JACCARD, NULL);
    expect_levels(fixture, "jaccard", true);
    import_data(fixture, "tanimoto", METRIC_TANIMOTO, NULL);
    expect_levels(fixture, "tanimoto", true);
    import_data(fixture, "hamming", METRIC_HAMMING, NULL);
    expect_levels(fixture, "hamming", true);
}

static void test_index_bits__other_data_keep_the_levels(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, DATA_UNIFORM, 16);
    import_data(fixture, "uniform", METRIC_HAMMING, NULL);
    expect_levels(fixture, "uniform", false);
    fill(fixture, DATA_TWINS, 32);
    import_data(fixture, "twins", METRIC_JACCARD, NULL);
    expect_levels(fixture, "twins", true);
    fill(fixture, DATA_OTHER_QUERIES, 32);
    import_data(fixture, "other", METRIC_HAMMING, NULL);
    expect_levels(fixture, "other", false);
}

/* Metrics of structure, and little data: no index, exact. */
static void test_index_bits__is_not_made_where_it_does_not_pay(void **state)
{
    struct fixture *fixture = *state;
    static struct answers exact, found;
    const struct index_options options = {.threads = 1};
    size_t built = 0;
    fill(fixture, DATA_CLUSTERS, 32);
    import_data(fixture, "structure", METRIC_SUBSTRUCTURE, NULL);
    search(fixture, "structure", 10, &exact);
    expect_ok(build(fixture, "structure", &options, &built, err));
    assert_int_equal(built, 0);
    search(fixture, "structure", 1, &found);
    assert_string_equal(found.plan, "flat");
    assert_memory_equal(found.ids, exact.ids, sizeof exact.ids);
    fixture->count = INDEX_SIZE_MIN / 32 - 1;
    import_data(fixture, "small", METRIC_HAMMING, NULL);
    expect_ok(build(fixture, "small", &options, &built, err));
    assert_int_equal(built, 0);
}

static void test_index_bits__ids_that_repeat_do_not_shorten_answers(void **state)
{
    struct fixture *fixture = *state;
    static struct answers found;
    fill(fixture, DATA_CLUSTERS, 32);
    int64_t *ids = mem_alloc(fixture->count, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < fixture->count; i++)
        ids[i] = (int64_t)(i % 40);
    import_data(fixture, "one", METRIC_HAMMING, ids);
    build_ok(fixture, "one");
    search(fixture, "one", 1, &found);
    for (size_t i = 0; i < QUERIES * K; i++)
        assert_true(found.ids[i] >= 0);
    mem_free(ids);
}

/* ---- filters and ranges ---- */

enum filter_kind { FILTER_HALF, FILTER_TENTH, FILTER_FEW, FILTER_FAR };

/* FILTER_FAR: rows that are far from the first query. */
static void fill_filter(const struct fixture *fixture, enum filter_kind kind, uint64_t *bitmap)
{
    uint64_t seed = 5;
    const uint8_t *query = fixture->rows + fixture->count * fixture->size;
    memset(bitmap, 0, bitmap_words(fixture->count) * sizeof *bitmap);
    for (size_t i = 0; i < fixture->count; i++) {
        unsigned differ = 0;
        for (size_t b = 0; b < fixture->size; b++)
            differ += (unsigned)__builtin_popcount(fixture->rows[i * fixture->size + b] ^ query[b]);
        const bool is_far = differ > fixture->size * 9 / 2;
        const uint32_t one_of = kind == FILTER_HALF ? 2 : (kind == FILTER_TENTH ? 10 : 400);
        if (kind == FILTER_FAR ? is_far : next(&seed) % one_of == 0)
            bitmap_set(bitmap, i);
    }
}

static void test_index_bits__filters_keep_the_level(void **state)
{
    static const char *const names[] = {"half", "tenth", "few", "far"};
    struct fixture *fixture = *state;
    static struct answers found, exact;
    fill(fixture, DATA_CLUSTERS, 16);
    uint64_t *bitmap = mem_alloc(bitmap_words(fixture->count), sizeof *bitmap);
    assert_non_null(bitmap);
    import_data(fixture, "one", METRIC_HAMMING, NULL);
    build_ok(fixture, "one");
    const uint64_t *const allow[] = {bitmap};
    for (unsigned kind = FILTER_HALF; kind <= FILTER_FAR; kind++) {
        fill_filter(fixture, (enum filter_kind)kind, bitmap);
        search_like(fixture, "one", &(struct search_request){.level = 10, .allow = allow}, &exact);
        for (unsigned level = 1; level <= 9; level += 4) {
            const struct search_request like = {.level = level, .allow = allow};
            search_like(fixture, "one", &like, &found);
            if (kind != FILTER_FEW && level == 1)
                assert_string_equal(found.plan, "lists");
            for (size_t i = 0; i < QUERIES * K; i++)
                assert_true(found.ids[i] < 0 || bitmap_get(bitmap, (size_t)found.ids[i]));
            expect_recall(&found, &exact, (double)calibrate_targets[level - 1] - 0.01, names[kind]);
        }
    }
    mem_free(bitmap);
}

static void test_index_bits__ranges_end_at_the_radius(void **state)
{
    struct fixture *fixture = *state;
    static struct answers found, exact;
    fill(fixture, DATA_CLUSTERS, 32);
    import_data(fixture, "one", METRIC_HAMMING, NULL);
    build_ok(fixture, "one");
    for (float radius = 10.0F; radius <= 60.0F; radius += 10.0F) {
        struct search_request like = {.level = 9, .has_radius = true, .radius = radius};
        search_like(fixture, "one", &like, &found);
        like.level = 10;
        search_like(fixture, "one", &like, &exact);
        assert_true(recall_of(&found, &exact) >= 0.98);
        for (size_t i = 0; i < QUERIES * K; i++)
            assert_true(found.ids[i] < 0 || found.scores[i] < radius);
        like =
            (struct search_request){.level = 1, .has_range_filter = true, .range_filter = radius};
        search_like(fixture, "one", &like, &found);
        assert_string_equal(found.plan, "flat");
    }
}

/* ---- the file ---- */

static void *read_index(const struct fixture *fixture, size_t *ret_size)
{
    char *path = scratch_path(fixture->folder, BITS_FILE);
    void *data = NULL;
    expect_ok(file_read_all(path, 1 << 26, &data, ret_size, err));
    mem_free(path);
    return data;
}

static void test_index_bits__the_same_everywhere(void **state)
{
    struct fixture *fixture = *state;
    static struct answers expected, found;
    const struct kernel *kernels[KERNEL_TABLES_MAX];
    const size_t kernel_count = kernel_list(kernels);
    fill(fixture, DATA_SPARSE, 64);
    import_data(fixture, "one", METRIC_JACCARD, NULL);
    build_ok(fixture, "one");
    size_t size = 0;
    void *file = read_index(fixture, &size);
    search(fixture, "one", 3, &expected);
    for (size_t i = 0; i < 2 * kernel_count; i++) {
        const char *isa = kernels[i / 2]->isa;
        const struct index_options options = {
            .threads = i % 2 == 0 ? 1 : 3, .isa = isa, .is_forced = true};
        size_t built = 0;
        size_t found_size = 0;
        expect_ok(build(fixture, "one", &options, &built, err));
        void *again = read_index(fixture, &found_size);
        assert_int_equal(found_size, size);
        assert_memory_equal(again, file, size);
        mem_free(again);
        search_like(fixture, "one", &(struct search_request){.level = 3, .isa = isa}, &found);
        assert_string_equal(found.plan, "lists");
        assert_memory_equal(found.ids, expected.ids, sizeof expected.ids);
        assert_memory_equal(found.scores, expected.scores, sizeof expected.scores);
    }
    mem_free(file);
}

static bool is_built(const struct fixture *fixture, const char *name)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct index_facts facts;
    expect_ok(database_open(fixture->folder, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, name, &snapshot, err));
    index_describe(database, snapshot, 0, &facts);
    snapshot_unref(snapshot);
    database_close(database);
    return facts.is_built;
}

static void write_index(const struct fixture *fixture, const char *file, const void *data,
                        size_t size)
{
    char *path = scratch_path(fixture->folder, file);
    expect_ok(file_replace(path, data, size, err));
    mem_free(path);
}

static void test_index_bits__damage_is_only_slower(void **state)
{
    struct fixture *fixture = *state;
    static struct answers exact, found;
    fill(fixture, DATA_CLUSTERS, 32);
    import_data(fixture, "one", METRIC_HAMMING, NULL);
    search(fixture, "one", 0, &exact);
    build_ok(fixture, "one");
    size_t size = 0;
    uint8_t *data = read_index(fixture, &size);
    for (size_t at = 0; at < size; at += size / 17) {
        data[at] ^= 4;
        write_index(fixture, BITS_FILE, data, size);
        data[at] ^= 4;
        assert_false(is_built(fixture, "one"));
        search(fixture, "one", 0, &found);
        assert_string_equal(found.plan, "flat");
        assert_memory_equal(found.ids, exact.ids, sizeof exact.ids);
    }
    for (size_t cut = 0; cut < size; cut += size / 7) {
        write_index(fixture, BITS_FILE, data, cut);
        assert_false(is_built(fixture, "one"));
    }
    build_ok(fixture, "one"); /* what is damaged is built again */
    size_t again = 0;
    void *rebuilt = read_index(fixture, &again);
    assert_int_equal(again, size);
    assert_memory_equal(rebuilt, data, size);
    mem_free(rebuilt);
    fixture->rows[5] ^= 1;
    import_data(fixture, "two", METRIC_HAMMING, NULL);
    write_index(fixture, "segments/2/000000.bits", data, size); /* of another segment */
    assert_false(is_built(fixture, "two"));
    mem_free(data);
}

static void test_index_bits__survives_writers_and_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    size_t dropped = 0;
    fill(fixture, DATA_CLUSTERS, 32);
    import_data(fixture, "one", METRIC_HAMMING, NULL);
    build_ok(fixture, "one");
    write_index(fixture, BITS_FILE ".tmp", "killed", 6);
    fixture->count = 100;
    import_data(fixture, "two", METRIC_HAMMING, NULL); /* sweeps */
    assert_true(is_built(fixture, "one"));
    expect_ok(database_open(fixture->folder, DATABASE_WRITE, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    expect_ok(index_drop(database, snapshot, &dropped, err));
    assert_int_equal(dropped, 1);
    snapshot_unref(snapshot);
    database_close(database);
    assert_false(is_built(fixture, "one"));
}

/* Each call of a build fails once: an error, and then the index is there or not, but never wrong.
 */
static void test_index_bits__every_call_fails_once(void **state)
{
    struct fixture *fixture = *state;
    static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN,   FAULT_MAP,
                                            FAULT_WRITE,  FAULT_RENAME, FAULT_FSYNC};
    static const int reasons[] = {ENOMEM, EMFILE, EIO, ENOSPC, EIO, EIO};
    const struct index_options options = {.threads = 1, .is_forced = true};
    fill(fixture, DATA_CLUSTERS, 128);
    import_data(fixture, "one", METRIC_HAMMING, NULL);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool was_reached = true;
        for (size_t n = 0; was_reached; n += 1 + n / 2) {
            struct err failure = {0};
            size_t built = 0;
            fault_arm(kinds[k], n, reasons[k]);
            const enum err_code code = build(fixture, "one", &options, &built, &failure);
            was_reached = fault_disarm();
            if (code != ERR_OK)
                assert_true(strlen(failure.msg) > 10);
            else
                assert_int_equal(built, 1);
            if (!was_reached)
                assert_int_equal(code, ERR_OK);
        }
    }
    assert_true(is_built(fixture, "one"));
}

static void expect_hit(const struct topk_hit *hit, const struct sample *sample,
                       const struct segment *segment, const struct scan *scan)
{
    const size_t row = (size_t)hit->ordinal;
    const uint8_t *bytes = segment->vectors.data + row * segment->facts.row_size;
    float key = 0.0F;
    scan_keys(scan, 0, &bytes, 1, &key);
    assert_true(sample_is_live(sample, 0, row) && hit->key == key);
}

/* With all lists the index finds what the scan finds: no row is lost, dead ones stay dead. */
static void test_index_bits__every_live_row_is_in_a_list(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    const struct sample_options options = {.metric = METRIC_JACCARD,
                                           .dim = 72,
                                           .segments = 1,
                                           .rows = 4000,
                                           .seed = 3,
                                           .has_dead = true,
                                           .folder = fixture->folder};
    const struct sample_job job = {.name = "one", .token = "job", .link = true};
    char *target = scratch_path(fixture->folder, "db");
    char *path = scratch_path(fixture->folder, "db/" BITS_FILE);
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    sample_init(&sample, &options);
    expect_ok(sample_migrate_to(target, &sample, &job, err));
    expect_ok(database_open(target, DATABASE_READ, &database, err));
    expect_ok(database_snapshot(database, "one", &snapshot, err));
    struct segment *segment = &snapshot->segments[0];
    const struct kernel *kernel = NULL;
    expect_ok(kernel_select(NULL, &kernel, err));
    const struct lists_build_options build = {.segment = segment,
                                              .metric = METRIC_JACCARD,
                                              .dim = 72,
                                              .threads = 2,
                                              .memory_max = 1 << 20,
                                              .kernel = kernel};
    expect_ok(bits_build(&build, path, err));
    segment_open_indexes(segment, target, METRIC_JACCARD, 72);
    assert_true(segment->facts.dead_rows > 0 && bits_are_sound(segment->bits));
    const uint32_t live = (uint32_t)(segment->facts.rows - segment->facts.dead_rows);
    struct scan scan;
    const struct scan_request query = {.kernel = kernel,
                                       .metric = METRIC_JACCARD,
                                       .dim = 72,
                                       .queries = sample.data[0].vectors,
                                       .query_count = 1};
    expect_ok(scan_init(&scan, &query, err));
    const uint32_t lists = segment->bits->header.lists;
    const struct bits_request request = {.bits = segment->bits,
                                         .segment = segment,
                                         .kernel = bit_kernel_for(kernel),
                                         .scan = &scan,
                                         .most = INFINITY,
                                         .wanted = live,
                                         .probes = {lists, lists}};
    struct bits_scratch scratch = {0};
    struct lists_answer answer;
    struct topk topk;
    expect_ok(topk_init(&topk, 4000, false, err));
    expect_ok(bits_search(&request, &scratch, &topk, &answer, err));
    assert_int_equal(topk_finish(&topk), live);
    assert_true(answer.is_enough);
    for (size_t i = 0; i < live; i++)
        expect_hit(&topk.hits[i], &sample, segment, &scan);
    topk_release(&topk);
    bits_scratch_release(&scratch);
    scan_release(&scan);
    bits_close(segment->bits); /* opened here, into a view of the segment */
    segment->bits = NULL;
    snapshot_unref(snapshot);
    database_close(database);
    sample_release(&sample);
    mem_free(target);
    mem_free(path);
}

#define BITS_TEST(name) cmocka_unit_test_setup_teardown(test_index_bits__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BITS_TEST(clusters_keep_the_levels),
        BITS_TEST(sparse_rows_keep_the_levels),
        BITS_TEST(other_data_keep_the_levels),
        BITS_TEST(is_not_made_where_it_does_not_pay),
        BITS_TEST(ids_that_repeat_do_not_shorten_answers),
        BITS_TEST(filters_keep_the_level),
        BITS_TEST(ranges_end_at_the_radius),
        BITS_TEST(the_same_everywhere),
        BITS_TEST(damage_is_only_slower),
        BITS_TEST(survives_writers_and_is_dropped),
        BITS_TEST(every_call_fails_once),
        BITS_TEST(every_live_row_is_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
