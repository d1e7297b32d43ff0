/* decoders_test.c: bytes in, arrays out: .rv, .uid, deleted_docs, mxlog.meta, log records. The
 * golden bytes are those of the format's description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/source.h"
#include "milvus1/deleted_docs.h"
#include "milvus1/mxlog.h"
#include "milvus1/rv.h"
#include "milvus1/uid.h"
#include "milvus1/wal_record.h"

#define BYTES(...)                                                                                 \
    (struct bytes)                                                                                 \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }

/* A header alone: the files themselves may be larger than memory. */
static enum err_code rv(uint64_t count, uint64_t file_size, size_t row_size, uint64_t *rows,
                        struct flaw *flaw)
{
    uint8_t head[8];
    put_u64(head, count);
    const size_t size = file_size < 8 ? (size_t)file_size : 8;
    return rv_check((struct bytes){head, size}, file_size, row_size, rows, flaw);
}

static void test_rv__golden_bytes(void **state)
{
    (void)state;
    const struct bytes file = BYTES(0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0,
                                    0, 0, 0x3f, 0, 0, 0x80, 0xbf);
    uint64_t rows = 0;
    assert_int_equal(rv_check(file, file.size, 8, &rows, NULL), ERR_OK);
    assert_int_equal(rows, 2);
}

static void test_rv__every_lie(void **state)
{
    (void)state;
    static const struct {
        uint64_t count, file_size;
        size_t row_size;
    } lies[] = {
        {0, 0, 4},                                       /* no header */
        {0, 7, 4},                                       /* cut header */
        {16, 23, 8},                                     /* one byte short */
        {16, 25, 8},                                     /* one byte too many */
        {16, 8, 8},                                      /* nothing behind the header */
        {12, 20, 8},                                     /* half a row */
        {UINT64_MAX - 7, 24, 8},                         /* count + 8 overflows */
        {UINT64_MAX, 7, 1},                              /* and with a cut header */
        {SEGMENT_ROWS_MAX + 1, SEGMENT_ROWS_MAX + 9, 1}, /* too many rows */
    };
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
        uint64_t rows = 77;
        struct flaw flaw = {0};
        assert_int_equal(rv(lies[k].count, lies[k].file_size, lies[k].row_size, &rows, &flaw),
                         ERR_CORRUPT);
        assert_int_equal(rows, 77);
        assert_true(*flaw.found != '\0' && *flaw.expected != '\0');
    }
}

static void test_rv__limits(void **state)
{
    (void)state;
    uint64_t rows = 77;
    assert_int_equal(rv(0, 8, 4, &rows, NULL), ERR_OK);
    assert_int_equal(rows, 0);
    assert_int_equal(rv(SEGMENT_ROWS_MAX * 4, SEGMENT_ROWS_MAX * 4 + 8, 4, &rows, NULL), ERR_OK);
    assert_int_equal(rows, SEGMENT_ROWS_MAX);
}

static void test_uid__golden_bytes(void **state)
{
    (void)state;
    const struct bytes file = BYTES(0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    uint64_t rows = 0;
    assert_int_equal(uid_check(file, file.size, &rows, NULL), ERR_OK);
    assert_int_equal(rows, 2);
    int64_t ids[2];
    memcpy(ids, file.data + UID_HEADER_SIZE, sizeof ids);
    uid_decode(ids, 2);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], -2);
}

static void test_uid__not_whole_ids(void **state)
{
    (void)state;
    uint64_t rows = 77;
    struct flaw flaw;
    const struct bytes file = BYTES(4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4);
    assert_int_equal(uid_check(file, file.size, &rows, &flaw), ERR_CORRUPT);
    assert_int_equal(rows, 77);
}

static void test_deleted_docs__golden_bytes(void **state)
{
    (void)state;
    const struct bytes file = BYTES(0x0c, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0);
    uint64_t offsets = 0, bitmap = 0;
    assert_int_equal(deleted_docs_check(file, file.size, &offsets, NULL), ERR_OK);
    assert_int_equal(offsets, 3);
    struct deleted_docs_counts counts = {0};
    deleted_docs_mark((struct bytes){file.data + 8, 12}, 6, &bitmap, &counts);
    assert_int_equal(bitmap, 1 << 5 | 1);
    assert_int_equal(counts.deleted, 2);
    assert_int_equal(counts.outside, 0);
}

static void test_deleted_docs__offset_beyond_rows(void **state)
{
    (void)state;
    uint8_t offsets[16];
    static const int32_t values[4] = {3, 10, -1, 2000000000};
    for (size_t k = 0; k < 4; k++)
        put_u32(offsets + 4 * k, (uint32_t)values[k]);
    uint64_t bitmap = 0;
    struct deleted_docs_counts counts = {0};
    deleted_docs_mark((struct bytes){offsets, sizeof offsets}, 10, &bitmap, &counts);
    assert_int_equal(bitmap, 1 << 3);
    assert_int_equal(counts.deleted, 1);
    assert_int_equal(counts.outside, 3);
    assert_int_equal(counts.outside_index, 1);
    assert_int_equal(counts.outside_value, 10);
}

static void test_deleted_docs__stale_bytes_behind_count(void **state)
{
    (void)state;
    uint64_t offsets = 0;
    const struct bytes file = BYTES(4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0);
    assert_int_equal(deleted_docs_check(file, file.size, &offsets, NULL), ERR_OK);
    assert_int_equal(offsets, 1);
}

static void test_deleted_docs__every_lie(void **state)
{
    (void)state;
    static const uint64_t lies[][2] = {{0, 0},  {0, 7}, {40, 12}, {6, 14}, {UINT64_MAX - 3, 12},
                                       {3, 100}};
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
        uint8_t head[8];
        put_u64(head, lies[k][0]);
        uint64_t offsets = 77;
        struct flaw flaw = {0};
        const size_t size = lies[k][1] < 8 ? (size_t)lies[k][1] : 8;
        assert_int_equal(
            deleted_docs_check((struct bytes){head, size}, lies[k][1], &offsets, &flaw),
            ERR_CORRUPT);
        assert_int_equal(offsets, 77);
        assert_true(*flaw.found != '\0' && *flaw.expected != '\0');
    }
}

static void test_mxlog__which_number_counts(void **state)
{
    (void)state;
    uint8_t data[32] = {0};
    uint64_t lsn = 77;
    put_u64(data, 100);
    put_u64(data + 8, 200);
    put_u64(data + 16, 200);
    assert_true(mxlog_decode((struct bytes){data, 24}, &lsn));
    assert_int_equal(lsn, 200);
    put_u64(data + 8, 300); /* killed while it was rewritten */
    assert_true(mxlog_decode((struct bytes){data, 32}, &lsn));
    assert_int_equal(lsn, 100);
    lsn = 77;
    assert_false(mxlog_decode((struct bytes){data, 23}, &lsn));
    assert_false(mxlog_decode((struct bytes){data, 16}, &lsn));
    assert_false(mxlog_decode((struct bytes){data, 0}, &lsn));
    assert_int_equal(lsn, 77);
}

/* Insert of ids 7, 8, dim 2, collection c1, tag p; then delete of id 7. */
static const uint8_t golden_log[] = {
    0x38, 0,    0,    0,   0,   0,   0,    0,    2, 2, 0, 1,    0, 2, 0,    0,    0, 0x10,
    0,    0,    0,    'c', '1', 'p', 7,    0,    0, 0, 0, 0,    0, 0, 8,    0,    0, 0,
    0,    0,    0,    0,   0,   0,   0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0,
    0x80, 0x40, 0x57, 0,   0,   0,   0,    0,    0, 0, 3, 2,    0, 0, 0,    1,    0, 0,
    0,    0,    0,    0,   0,   'c', '1',  7,    0, 0, 0, 0,    0, 0, 0};

static void test_wal_record__golden_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof golden_log, 0x57);
    struct wal_place place = {.file_size = sizeof golden_log};
    struct wal_record record;
    assert_int_equal(
        wal_record_decode((struct bytes){golden_log, sizeof golden_log}, &place, &record, NULL),
        ERR_OK);
    assert_int_equal(record.lsn, 0x38);
    assert_int_equal(record.size, 56);
    assert_int_equal(record.type, WAL_INSERT_VECTOR);
    assert_int_equal(record.id_count, 2);
    assert_int_equal(record.data_size, 16);
    assert_int_equal(record.ids_offset, 24);
    assert_int_equal(record.data_offset, 40);
    assert_memory_equal(record.collection.data, "c1", 2);
    assert_memory_equal(record.tag.data, "p", 1);
    place.offset = 56;
    assert_int_equal(wal_record_decode((struct bytes){golden_log + 56, 31}, &place, &record, NULL),
                     ERR_OK);
    assert_int_equal(record.type, WAL_DELETE);
    assert_int_equal(record.lsn, 0x57);
    assert_int_equal(record.tag.size, 0);
}

static void test_wal_record__every_cut_is_seen(void **state)
{
    (void)state;
    for (size_t size = 0; size < 56; size++) {
        const struct wal_place place = {.file_size = size};
        struct wal_record record = {.lsn = 77};
        struct flaw flaw;
        assert_int_equal(
            wal_record_decode((struct bytes){golden_log, size}, &place, &record, &flaw),
            ERR_CORRUPT);
        assert_int_equal(record.lsn, 77);
    }
}

static void test_wal_record__of_another_place(void **state)
{
    (void)state;
    struct wal_record record;
    struct flaw flaw;
    struct wal_place place = {.file_number = 1, .file_size = sizeof golden_log};
    const struct bytes in = {golden_log, sizeof golden_log};
    assert_int_equal(wal_record_decode(in, &place, &record, &flaw), ERR_CORRUPT);
    place = (struct wal_place){.offset = 8, .file_size = sizeof golden_log + 8};
    assert_int_equal(wal_record_decode(in, &place, &record, &flaw), ERR_CORRUPT);
    assert_int_equal(flaw.offset, 8);
}

static void test_wal_record__sizes_that_overflow(void **state)
{
    (void)state;
    uint8_t data[64];
    memcpy(data, golden_log, sizeof data);
    put_u32(data + 13, UINT32_MAX);
    put_u32(data + 17, UINT32_MAX);
    struct wal_record record;
    struct flaw flaw;
    const struct wal_place place = {.file_size = UINT64_MAX / 2};
    assert_int_equal(wal_record_decode((struct bytes){data, sizeof data}, &place, &record, &flaw),
                     ERR_CORRUPT);
}

static void test_wal_record__entity_is_refused(void **state)
{
    (void)state;
    uint8_t data[sizeof golden_log];
    memcpy(data, golden_log, sizeof data);
    data[8] = WAL_ENTITY;
    struct wal_record record;
    struct flaw flaw;
    const struct wal_place place = {.file_size = sizeof data};
    assert_int_equal(wal_record_decode((struct bytes){data, sizeof data}, &place, &record, &flaw),
                     ERR_UNSUPPORTED);
}

static void trims(const char *text, const char *expected)
{
    const struct bytes tag = wal_tag_trim((struct bytes){(const uint8_t *)text, strlen(text)});
    assert_int_equal(tag.size, strlen(expected));
    assert_memory_equal(tag.data, expected, tag.size);
}

static void test_wal_record__trimmed_tags(void **state)
{
    (void)state;
    trims("sp", "sp");
    trims(" sp\t", "sp");
    trims("\r\n two words \n", "two words");
    trims(" \t\r\n", "");
    trims("", "");
    trims("\vx", "\vx"); /* the server knows four blanks only */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rv__golden_bytes),
        cmocka_unit_test(test_rv__every_lie),
        cmocka_unit_test(test_rv__limits),
        cmocka_unit_test(test_uid__golden_bytes),
        cmocka_unit_test(test_uid__not_whole_ids),
        cmocka_unit_test(test_deleted_docs__golden_bytes),
        cmocka_unit_test(test_deleted_docs__offset_beyond_rows),
        cmocka_unit_test(test_deleted_docs__stale_bytes_behind_count),
        cmocka_unit_test(test_deleted_docs__every_lie),
        cmocka_unit_test(test_mxlog__which_number_counts),
        cmocka_unit_test(test_wal_record__golden_bytes),
        cmocka_unit_test(test_wal_record__every_cut_is_seen),
        cmocka_unit_test(test_wal_record__of_another_place),
        cmocka_unit_test(test_wal_record__sizes_that_overflow),
        cmocka_unit_test(test_wal_record__entity_is_refused),
        cmocka_unit_test(test_wal_record__trimmed_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
