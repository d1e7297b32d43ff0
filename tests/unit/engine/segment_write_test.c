/* segment_write_test.c: the three ways of writing a segment give the same rows; what is stored is
 * checked bit by bit; a source that is linked or once was is never written to. */
#include "sample.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/layout.h"
#include "engine/segment_write.h"
#include "engine/stored_reader.h"

struct fixture {
    char *folder;
    char *segments;
    char *stem;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(1, sizeof *fixture);
    fixture->folder = scratch_make();
    fixture->segments = layout_segment_folder(fixture->folder, 1);
    fixture->stem = layout_segment_stem(fixture->folder, 1, 0);
    expect_ok(folder_make(fixture->segments, err));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    mem_free(fixture->segments);
    mem_free(fixture->stem);
    mem_free(fixture);
    return 0;
}

static enum err_code write_segment(const struct fixture *fixture, const struct sample *sample,
                                   bool link, struct segment_facts *ret_facts, bool *ret_is_linked,
                                   struct err *err)
{
    struct segment_reader *reader = sample_reader(sample, 0);
    const struct segment_write_request request = {
        .stem = fixture->stem,
        .reader = reader,
        .dead = sample->data[0].dead,
        .live_rows = sample->segments[0].live_rows,
        .link = link,
    };
    const enum err_code code = segment_write(&request, ret_facts, ret_is_linked, err);
    if (code == ERR_OK)
        ret_facts->folder = 1;
    reader->ops->close(reader);
    return code;
}

/* All live rows of the segment, in order, by mapping and by reading. */
static void expect_content(const struct fixture *fixture, const struct sample *sample,
                           const struct segment_facts *facts)
{
    struct segment segment;
    struct segment_reader *reader = NULL;
    struct batch batch = {0};
    const size_t row_size = sample->collection.row_size;
    size_t next = 0;
    expect_ok(segment_open(fixture->folder, facts, &segment, err));
    expect_ok(stored_reader_open(fixture->folder, facts, &reader, err));
    for (uint64_t row = 0; row < facts->rows; row++) {
        if (row == batch.first_row + batch.rows)
            expect_ok(segment_reader_next(reader, &batch, err));
        if (segment.dead != NULL && bitmap_get(segment.dead, (size_t)row))
            continue;
        while (!sample_is_live(sample, 0, next))
            next++;
        expect_ok(segment_touch(&segment.ids, row, 1, 8, err));
        expect_ok(segment_touch(&segment.vectors, row, 1, row_size, err));
        const uint8_t *vector = sample->data[0].vectors + next * row_size;
        assert_true(get_i64(segment.ids.data + row * 8) == sample->data[0].ids[next]);
        assert_true(batch.ids[row - batch.first_row] == sample->data[0].ids[next]);
        assert_memory_equal(segment.vectors.data + row * row_size, vector, row_size);
        assert_memory_equal(batch.vectors + (row - batch.first_row) * row_size, vector, row_size);
        next++;
    }
    expect_ok(segment_reader_next(reader, &batch, err));
    assert_int_equal(batch.rows, 0);
    segment_reader_close(reader);
    segment_close(&segment);
}

struct shape {
    enum metric_type metric;
    size_t dim;
    size_t rows;
};

static const struct shape shapes[] = {
    {METRIC_L2, 1, 1},       {METRIC_L2, 12, 500},    {METRIC_L2, 128, 4096},
    {METRIC_IP, 2000, 3000}, {METRIC_HAMMING, 8, 64}, {METRIC_HAMMING, 24, 65},
    {METRIC_L2, 32768, 100}, {METRIC_L2, 64, 2048},
};

static void check_shape(const struct fixture *fixture, const struct shape *shape, bool has_files,
                        bool has_dead, bool link)
{
    struct sample sample;
    struct segment_facts facts;
    bool is_linked = false;
    const struct sample_options options = {shape->metric,
                                           shape->dim,
                                           1,
                                           shape->rows,
                                           7,
                                           5,
                                           has_dead,
                                           has_files ? fixture->folder : NULL};
    sample_init(&sample, &options);
    expect_ok(write_segment(fixture, &sample, link, &facts, &is_linked, err));
    assert_int_equal(is_linked, link && has_files && sample.segments[0].live_rows > 0);
    assert_int_equal(facts.rows - facts.dead_rows, sample.segments[0].live_rows);
    if (!link)
        assert_int_equal(facts.dead_rows, 0);
    expect_content(fixture, &sample, &facts);
    expect_ok(segment_remove(fixture->stem, err));
    sample_release(&sample);
}

static void test_segment_write__every_shape_and_way(void **state)
{
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
        for (int way = 0; way < 8; way++)
            check_shape(*state, &shapes[k], (way & 1) != 0, (way & 2) != 0, (way & 4) != 0);
}

static void flip(const char *path, uint64_t offset, uint8_t mask)
{
    int fd = open(path, O_RDWR);
    uint8_t byte = 0;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    file_close(fd);
}

/* Opens and reads everything by both ways; the first error. */
static enum err_code read_all(const struct fixture *fixture, const struct segment_facts *facts,
                              struct err *err)
{
    struct segment segment;
    struct segment_reader *reader = NULL;
    struct batch batch = {.rows = 1};
    enum err_code code = segment_open(fixture->folder, facts, &segment, err);
    if (code != ERR_OK)
        return code;
    code = segment_touch(&segment.ids, 0, facts->rows, 8, err);
    if (code == ERR_OK)
        code = segment_touch(&segment.vectors, 0, facts->rows, facts->row_size, err);
    segment_close(&segment);
    struct err second = {0};
    enum err_code by_reader = stored_reader_open(fixture->folder, facts, &reader, &second);
    if (by_reader == ERR_OK) {
        while (by_reader == ERR_OK && batch.rows > 0)
            by_reader = segment_reader_next(reader, &batch, &second);
        segment_reader_close(reader);
    }
    assert_int_equal(code, by_reader);
    return code;
}

static void flip_all_of(const struct fixture *fixture, const struct segment_facts *facts,
                        const char *extension, uint64_t first)
{
    char *path = layout_file(fixture->stem, extension);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (uint64_t offset = first; offset < (uint64_t)st.st_size; offset++) {
        struct err failure = {0};
        const uint8_t mask = (uint8_t)(1U << offset % 8);
        flip(path, offset, mask);
        assert_int_equal(read_all(fixture, facts, &failure), ERR_CORRUPT);
        if (strstr(failure.msg, path) == NULL)
            fail_msg("%s: not named in: %s", path, failure.msg);
        assert_non_null(strstr(failure.msg, "offset "));
        flip(path, offset, mask);
    }
    mem_free(path);
}

static void cut(const struct fixture *fixture, const struct segment_facts *facts,
                const char *extension)
{
    char *path = layout_file(fixture->stem, extension);
    void *data = NULL;
    size_t size = 0;
    struct err failure = {0};
    expect_ok(file_read_all(path, 1 << 20, &data, &size, err));
    assert_int_equal(truncate(path, (off_t)size - 1), 0);
    assert_int_equal(read_all(fixture, facts, &failure), ERR_CORRUPT);
    expect_ok(file_replace(path, data, size, err));
    mem_free(data);
    mem_free(path);
}

static void test_segment_write__every_damaged_byte_is_found(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct segment_facts facts;
    bool is_linked = false;
    const struct sample_options options = {METRIC_L2, 3, 1, 60, 7, 5, true, fixture->folder};
    sample_init(&sample, &options);
    expect_ok(write_segment(fixture, &sample, true, &facts, &is_linked, err));
    assert_true(is_linked);
    flip_all_of(fixture, &facts, LAYOUT_SUMS, 0);
    flip_all_of(fixture, &facts, LAYOUT_DEAD, 0);
    flip_all_of(fixture, &facts, LAYOUT_IDS, 8); /* before the extent nothing is read */
    flip_all_of(fixture, &facts, LAYOUT_VECTORS, 8);
    cut(fixture, &facts, LAYOUT_SUMS);
    cut(fixture, &facts, LAYOUT_DEAD);
    cut(fixture, &facts, LAYOUT_IDS);
    cut(fixture, &facts, LAYOUT_VECTORS);
    sample_release(&sample);
}

static void test_segment_write__damage_names_its_block(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct segment_facts facts;
    struct segment segment;
    struct err failure = {0};
    bool is_linked = false;
    const struct sample_options options = {METRIC_L2, 128, 1, 4096, 7, 5, false, fixture->folder};
    sample_init(&sample, &options);
    expect_ok(write_segment(fixture, &sample, false, &facts, &is_linked, err));
    char *path = layout_file(fixture->stem, LAYOUT_VECTORS);
    flip(path, 8 + 3 * 262144 + 5, 1);
    expect_ok(segment_open(fixture->folder, &facts, &segment, err));
    expect_ok(segment_touch(&segment.vectors, 0, 1536, 512, err)); /* the blocks before are fine */
    assert_int_equal(segment_touch(&segment.vectors, 1536, 1, 512, &failure), ERR_CORRUPT);
    assert_non_null(strstr(failure.msg, "offset 786440"));
    assert_int_equal(segment_touch(&segment.vectors, 2047, 1, 512, &failure), ERR_CORRUPT);
    expect_ok(segment_touch(&segment.vectors, 2048, 2048, 512, err));
    segment_close(&segment);
    mem_free(path);
    sample_release(&sample);
}

static void test_segment_write__a_missing_file_is_not_found(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct segment_facts facts;
    struct segment segment;
    struct err failure = {0};
    bool is_linked = false;
    const struct sample_options options = {METRIC_L2, 3, 1, 60, 7, 5, false, NULL};
    sample_init(&sample, &options);
    expect_ok(write_segment(fixture, &sample, false, &facts, &is_linked, err));
    char *path = layout_file(fixture->stem, LAYOUT_VECTORS);
    expect_ok(file_remove(path, err));
    assert_int_equal(segment_open(fixture->folder, &facts, &segment, &failure), ERR_NOT_FOUND);
    mem_free(path);
    sample_release(&sample);
}

/* The bytes of both source files. */
static void read_sources(const struct sample *sample, void *ret_data[2], size_t ret_sizes[2])
{
    expect_ok(file_read_all(sample->data[0].ids_path, 1 << 20, &ret_data[0], &ret_sizes[0], err));
    expect_ok(
        file_read_all(sample->data[0].vectors_path, 1 << 20, &ret_data[1], &ret_sizes[1], err));
}

/* A dead run with --link left hard links under our temporary names: copying over them must not
 * write through them into the old installation. */
static void test_segment_write__stale_links_are_not_written_through(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const endings[] = {"ids", "ids.tmp", "vec", "vec.tmp"};
    struct sample sample;
    struct segment_facts facts;
    bool is_linked = false;
    void *before[2];
    void *after[2];
    size_t sizes[2];
    const struct sample_options options = {METRIC_L2, 3, 1, 60, 7, 5, true, fixture->folder};
    sample_init(&sample, &options);
    read_sources(&sample, before, sizes);
    for (size_t k = 0; k < 4; k++) {
        char *path = layout_file(fixture->stem, endings[k]);
        expect_ok(
            file_link(k < 2 ? sample.data[0].ids_path : sample.data[0].vectors_path, path, err));
        mem_free(path);
    }
    expect_ok(write_segment(fixture, &sample, false, &facts, &is_linked, err));
    expect_content(fixture, &sample, &facts);
    read_sources(&sample, after, sizes);
    for (size_t k = 0; k < 2; k++) {
        assert_memory_equal(before[k], after[k], sizes[k]);
        mem_free(before[k]);
        mem_free(after[k]);
    }
    sample_release(&sample);
}

static void test_segment_write__links_are_links(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct segment_facts facts;
    struct stat source;
    struct stat target;
    bool is_linked = false;
    const struct sample_options options = {METRIC_L2, 3, 1, 60, 7, 5, true, fixture->folder};
    sample_init(&sample, &options);
    expect_ok(write_segment(fixture, &sample, true, &facts, &is_linked, err));
    char *path = layout_file(fixture->stem, LAYOUT_VECTORS);
    assert_int_equal(stat(sample.data[0].vectors_path, &source), 0);
    assert_int_equal(stat(path, &target), 0);
    assert_int_equal(source.st_ino, target.st_ino);
    assert_int_equal(facts.vectors_offset, 8);
    assert_true(facts.dead_rows > 0);
    /* The link outlives the old folder. */
    expect_ok(file_remove(sample.data[0].vectors_path, err));
    expect_ok(file_remove(sample.data[0].ids_path, err));
    struct err failure = {0};
    assert_int_equal(read_all(fixture, &facts, &failure), ERR_OK);
    mem_free(path);
    mem_free(sample.data[0].ids_path);
    mem_free(sample.data[0].vectors_path);
    sample.data[0].ids_path = NULL;
    sample.data[0].vectors_path = NULL;
    sample_release(&sample);
}

static void test_segment_write__refuses_a_wrong_count(void **state)
{
    const struct fixture *fixture = *state;
    struct sample sample;
    struct segment_facts facts;
    struct err failure = {0};
    bool is_linked = false;
    char **names = NULL;
    size_t count = 0;
    const struct sample_options options = {METRIC_L2, 3, 1, 60, 7, 5, true, NULL};
    sample_init(&sample, &options);
    sample.segments[0].live_rows--;
    assert_int_equal(write_segment(fixture, &sample, false, &facts, &is_linked, &failure),
                     ERR_INTERNAL);
    expect_ok(folder_list(fixture->segments, 10, &names, &count, err));
    assert_int_equal(count, 0);
    mem_free(names);
    sample_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_segment_write__every_shape_and_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__every_damaged_byte_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__damage_names_its_block, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__a_missing_file_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__stale_links_are_not_written_through,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__links_are_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_segment_write__refuses_a_wrong_count, setup, teardown),
    };
    return cmocka_run_group_tests_name("segment_write", tests, NULL, NULL);
}
