/* installation_test.c: a whole source: damage, counts, dimensions, values, every failing call. */
#include <errno.h>

#include "base/fault.h"
#include "world.h"

static const struct source_collection *collection(const struct world *world)
{
    const struct source_collection *c = source_find(&world->installation->base, "c");
    assert_non_null(c);
    return c;
}

/* A sound segment 100 and a damaged one, 200; `path` holds `data` instead of what it should. */
static void damaged(const char *path, const void *data, size_t size, const char *code)
{
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1, 2), 0);
    world_segment(world, "c", "200", IDS(3, 4), 0);
    memory_put(&world->memory, path, data, size);
    world_open(world);
    world_rows(world, "c", "_default", "1 2");
    const struct source_collection *c = collection(world);
    assert_int_equal(c->segment_count, 2);
    assert_true(c->segments[1].is_damaged);
    assert_int_equal(c->live_rows, 2);
    assert_int_equal(c->damaged_rows, 2);
    world_has(world, code, FINDING_DAMAGE);
    assert_non_null(strstr(world_finding(world, code)->path, "/c/200"));
    struct segment_reader *reader = NULL;
    struct err err;
    assert_int_equal(source_open_segment(&world->installation->base, 0, 1, &reader, &err),
                     ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "c/200"));
    world_free(world);
}

static void test_installation__damaged_segments(void **state)
{
    (void)state;
    static const uint8_t whole[24] = {16}, short_file[23] = {16}, one[16] = {8}, odd[14] = {6},
                         three[32] = {24};
    damaged("/db/tables/c/200/s.rv", short_file, sizeof short_file, "segment-damaged");
    damaged("/db/tables/c/200/s.rv", whole, 0, "segment-damaged");
    damaged("/db/tables/c/200/s.rv", one, sizeof one, "segment-damaged");
    damaged("/db/tables/c/200/s.uid", three, sizeof three, "segment-damaged");
    damaged("/db/tables/c/200/s.uid", whole, 5, "segment-damaged");
    damaged("/db/tables/c/200/t.rv", whole, sizeof whole, "segment-damaged");
    damaged("/db/tables/c/200/t.uid", whole, sizeof whole, "segment-damaged");
    damaged("/db/tables/c/200/deleted_docs", odd, sizeof odd, "segment-damaged");
    damaged("/db/tables/c/200/deleted_docs", odd, 3, "segment-damaged");
    damaged("/db/tables/c/200/deleted_docs", three, 12, "segment-damaged");
}

static void test_installation__segment_folder_missing(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1), 0);
    world_file(world, "c", "200", "200", META_FILE_RAW)->row_count = 7;
    world_file(world, "c", "..", "..", META_FILE_RAW)->row_count = 1;
    world_open(world);
    world_rows(world, "c", "_default", "1");
    assert_int_equal(collection(world)->damaged_rows, 8);
    world_has(world, "segment-missing", FINDING_DAMAGE);
    world_free(world);
}

static void test_installation__empty_segments_are_nothing(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", NULL, 0, 0);
    world_file(world, "c", "200", "200", META_FILE_RAW);
    world_open(world);
    assert_int_equal(collection(world)->segment_count, 0);
    assert_int_equal(world->installation->base.description.findings.count, 1);
    world_has(world, "segment-without-files", FINDING_WARNING);
    world_free(world);
}

static void test_installation__deleted_docs(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1, 2, 3, 4), 0);
    world_deleted(world, "c", "100", (const int32_t[]){2, 0, 2, 4, -1}, 5);
    world_segment(world, "c", "200", IDS(5), 0);
    for (size_t k = 0; k < world->memory.count; k++) /* the file is lost */
        if (strcmp(world->memory.files[k].path, "/db/tables/c/200/deleted_docs") == 0)
            world->memory.files[k].path = "/db/tables/c/200/temp_del";
    world_open(world);
    world_rows(world, "c", "_default", "2 4 5");
    assert_int_equal(collection(world)->deleted_rows, 2);
    const struct finding *finding = world_finding(world, "deleted-docs-out-of-range");
    assert_non_null(finding);
    assert_int_equal(finding->severity, FINDING_WARNING);
    assert_int_equal(finding->offset, 8 + 4 * 3);
    assert_int_equal(finding->rows, 2);
    world_has(world, "deleted-docs-missing", FINDING_WARNING);
    world_has(world, "row-count-differs", FINDING_NOTE);
    world_free(world);
}

static void test_installation__damage_hides_nothing_else(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "d", "", "");
    world_segment(world, "c", "100", IDS(1), 0);
    world_segment(world, "d", "200", IDS(2), 0);
    memory_put(&world->memory, "/db/tables/c/100/s.rv", "", 0);
    world_open(world);
    world_rows(world, "c", "_default", "");
    world_rows(world, "d", "_default", "2");
    world_free(world);
}

static void test_installation__dimension_that_mysql_cut(void **state)
{
    (void)state;
    static uint8_t rv[8 + 4 * DIMENSION_MAX];
    put_u64(rv, 4 * DIMENSION_MAX);
    struct world *world = world_new();
    world->tables[0].dimension = INT16_MAX;
    world_segment(world, "c", "100", IDS(1), 0);
    memory_put(&world->memory, "/db/tables/c/100/s.rv", rv, sizeof rv);
    struct meta_table *bits = world_table(world, "bits", "", "");
    bits->dimension = INT16_MAX;
    bits->metric_type = METRIC_HAMMING;
    world_table(world, "sound", "", "")->dimension = INT16_MAX;
    world_open(world);
    const struct source *source = &world->installation->base;
    assert_int_equal(source_find(source, "c")->dim, DIMENSION_MAX);
    assert_int_equal(source_find(source, "c")->live_rows, 1);
    assert_int_equal(source_find(source, "bits")->dim, DIMENSION_MAX);
    assert_int_equal(source_find(source, "bits")->row_size, DIMENSION_MAX / 8);
    assert_int_equal(source_find(source, "sound")->dim, INT16_MAX);
    world_has(world, "dimension-cut", FINDING_NOTE);
    world_free(world);
}

static void test_installation__versions_and_kind(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_table(world, "70", "c", "p")->version = "0.10.6";
    world_table(world, "71", "c", "q");
    world_table(world, "72", "c", "r")->version = "";
    world_open(world);
    const struct source_description *description = &world->installation->base.description;
    assert_string_equal(description->version, "0.10.6, 1.1.1");
    assert_string_equal(description->kind, "Milvus 1.x installation");
    assert_string_equal(description->log, "");
    world_free(world);
}

static void test_installation__unknown_folders(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1), 0);
    memory_put(&world->memory, "/db/tables/stranger/1/1.rv", "", 0);
    world_open(world);
    assert_int_equal(world->installation->base.description.collection_count, 1);
    world_has(world, "unknown-folders", FINDING_NOTE);
    world_free(world);
}

/* ------------------------------------------------------------------------------------ values */

static void set_float(struct world *world, const char *path, size_t component, uint32_t bits)
{
    for (size_t k = 0; k < world->memory.count; k++)
        if (strcmp(world->memory.files[k].path, path) == 0) {
            const size_t at = (size_t)(world->memory.files[k].data.data - world->bytes);
            put_u32(world->bytes + at + 8 + 4 * component, bits);
            return;
        }
    fail();
}

static void test_values__special_components(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_segment(world, "c", "100", IDS(1, 2, 3, 4), 0);
    world_deleted(world, "c", "100", (const int32_t[]){0}, 1);
    world_segment(world, "c", "200", IDS(5, 6), 0);
    world_segment(world, "c", "300", IDS(7, 8), 0);
    set_float(world, "/db/tables/c/100/s.rv", 0, 0x7fc00000); /* NaN in a dead row */
    set_float(world, "/db/tables/c/100/s.rv", 5, 0xff800000); /* -Inf in row 2 */
    set_float(world, "/db/tables/c/100/s.rv", 6, 0x7f800001); /* a signalling NaN in row 3 */
    set_float(world, "/db/tables/c/200/s.rv", 0, 0x7f7fffff); /* the largest number */
    set_float(world, "/db/tables/c/200/s.rv", 1, 0x80000001); /* a denormal */
    set_float(world, "/db/tables/c/300/s.rv", 1, 0x7fc00000);
    world_open(world);
    struct err err;
    const size_t before = world->installation->base.description.findings.count;
    assert_int_equal(milvus1_scan_values(&world->installation->base, 2, NULL, &err), ERR_OK);
    const struct finding_list *findings = &world->installation->base.description.findings;
    assert_int_equal(findings->count, before + 2);
    const struct finding *first = &findings->items[before];
    assert_string_equal(first->code, "not-a-number");
    assert_string_equal(first->path, "/db/tables/c/100/s.rv");
    assert_int_equal(first->offset, 8 + 4 * 5);
    assert_int_equal(first->rows, 2);
    assert_non_null(strstr(first->found, "id 3, component 1: infinite"));
    assert_string_equal(findings->items[before + 1].path, "/db/tables/c/300/s.rv");
    world_free(world);
}

static void test_values__in_the_log(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(3, 4));
    put_u32(world->log[0] + world->log_size[0] - 4, 0x7fc00000);
    world_open(world);
    struct err err;
    assert_int_equal(milvus1_scan_values(&world->installation->base, 1, NULL, &err), ERR_OK);
    world_has(world, "not-a-number", FINDING_WARNING);
    assert_string_equal(world_finding(world, "not-a-number")->path, "/wal/0.wal");
    assert_int_equal(world_finding(world, "not-a-number")->offset, world->log_size[0] - 4);
    world_free(world);
}

static void test_values__bits_are_no_numbers(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->tables[0].metric_type = METRIC_JACCARD;
    world->tables[0].dimension = 64;
    world_segment(world, "c", "100", IDS(1), 0);
    set_float(world, "/db/tables/c/100/s.rv", 0, 0x7fc00000);
    world_open(world);
    struct err err;
    assert_int_equal(milvus1_scan_values(&world->installation->base, 1, NULL, &err), ERR_OK);
    assert_null(world_finding(world, "not-a-number"));
    world_free(world);
}

/* ------------------------------------------------------------------------------ failing calls */

/* A bit of everything, so that every branch allocates. */
static struct world *rich_world(void)
{
    struct world *world = world_new();
    world_table(world, "70", "c", "p");
    world_table(world, "71", "c", "_default");
    world_table(world, "72", "gone", "q");
    world->options.rescue_skipped = true;
    world_segment(world, "c", "100", IDS(1, 2, 3), 0);
    world_deleted(world, "c", "100", (const int32_t[]){2, 9}, 2);
    world_segment(world, "70", "101", IDS(1), 0);
    world_segment(world, "c", "102", IDS(9), 0);
    memory_put(&world->memory, "/db/tables/c/102/s.rv", "", 0);
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "p", IDS(1, 77));
    world->tables[0].flush_lsn = world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(1, 2, 3));
    world->tables[1].flush_lsn = world->tables[0].flush_lsn;
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "", IDS(5, 6));
    world_log(world, 0, WAL_DELETE, "c", "", IDS(2, 5));
    world_log(world, 0, WAL_DELETE, "c", "p", IDS(1));
    world_log(world, 0, WAL_INSERT_VECTOR, "c", "nope", IDS(6));
    world_segment(world, "c", "103", IDS(5, 6), 0); /* crashed in its flush */
    return world;
}

static enum err_code read_all(struct source *source, struct err *err)
{
    enum err_code code = ERR_OK;
    const struct source_collection *c = &source->description.collections[0];
    for (size_t k = 0; k < c->segment_count && code == ERR_OK; k++) {
        struct segment_reader *reader = NULL;
        if (c->segments[k].is_damaged)
            continue;
        code = source_open_segment(source, 0, k, &reader, err);
        struct batch batch = {.rows = 1};
        while (code == ERR_OK && batch.rows > 0)
            code = segment_reader_next(reader, &batch, err);
        segment_reader_close(reader);
    }
    return code == ERR_OK ? milvus1_scan_values(source, 1, NULL, err) : code;
}

static void test_installation__a_bit_of_everything(void **state)
{
    (void)state;
    struct world *world = rich_world();
    world_open(world);
    world_rows(world, "c", "_default", "1 6");
    world_rows(world, "c", "p", "77");
    world_free(world);
}

static void test_installation__every_failing_allocation(void **state)
{
    (void)state;
    size_t tried = 0;
    for (;; tried++) {
        struct world *world = rich_world();
        fault_arm(FAULT_MALLOC, tried, ENOMEM);
        enum err_code code = world_try(world);
        if (code == ERR_OK)
            code = read_all(&world->installation->base, &world->err);
        const bool was_reached = fault_disarm();
        if (was_reached && code != ERR_NOMEM)
            fail_msg("allocation %zu: %d %s", tried, code, world->err.msg);
        if (!was_reached)
            assert_int_equal(code, ERR_OK);
        world_free(world);
        if (!was_reached)
            break;
    }
    assert_true(tried > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_installation__damaged_segments),
        cmocka_unit_test(test_installation__segment_folder_missing),
        cmocka_unit_test(test_installation__empty_segments_are_nothing),
        cmocka_unit_test(test_installation__deleted_docs),
        cmocka_unit_test(test_installation__damage_hides_nothing_else),
        cmocka_unit_test(test_installation__dimension_that_mysql_cut),
        cmocka_unit_test(test_installation__versions_and_kind),
        cmocka_unit_test(test_installation__unknown_folders),
        cmocka_unit_test(test_values__special_components),
        cmocka_unit_test(test_values__in_the_log),
        cmocka_unit_test(test_values__bits_are_no_numbers),
        cmocka_unit_test(test_installation__a_bit_of_everything),
        cmocka_unit_test(test_installation__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
