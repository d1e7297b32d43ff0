/* fuzz_wal.c: a write-ahead log of two files, replayed over two collections without segments. The
 * first 24 bytes are mxlog.meta, byte 24 says where the rest is cut in two. Every row that is
 * counted can be read, and as many as are counted. */
#include <string.h>

#include "../tests/unit/milvus1/memory_store.h"
#include "base/bitmap.h"
#include "fuzz.h"
#include "milvus1/replay.h"

#define MXLOG_SIZE 24

/* Collection b (16 bits), collection c1 (dim 2) with partition p. */
static struct meta_table tables[] = {
    {.id = 1,
     .table_id = "c1",
     .dimension = 2,
     .metric_type = 1,
     .owner_table = "",
     .partition_tag = "",
     .index_params = "{}",
     .version = ""},
    {.id = 2,
     .table_id = "70",
     .dimension = 2,
     .metric_type = 1,
     .owner_table = "c1",
     .partition_tag = "p",
     .index_params = "{}",
     .version = "",
     .flush_lsn = 40},
    {.id = 3,
     .table_id = "b",
     .dimension = 16,
     .metric_type = 3,
     .owner_table = "",
     .partition_tag = "",
     .index_params = "{}",
     .version = ""},
};

static void read_table(const struct replay *replay, size_t table)
{
    struct segment_reader *reader = NULL;
    struct err err;
    if (replay_read_table(replay, table, &reader, &err) != ERR_OK)
        return;
    FUZZ_CHECK(reader->rows == replay_pending_rows(&replay->tables[table]));
    FUZZ_CHECK(reader->dead == NULL ||
               bitmap_count(reader->dead, (size_t)reader->rows) == reader->dead_rows);
    uint64_t rows = 0;
    struct batch batch;
    while (segment_reader_next(reader, &batch, &err) == ERR_OK && batch.rows > 0) {
        FUZZ_CHECK(batch.first_row == rows);
        rows += batch.rows;
    }
    FUZZ_CHECK(rows == reader->rows);
    segment_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < MXLOG_SIZE + 1)
        return 0;
    const uint8_t *log = data + MXLOG_SIZE + 1;
    const size_t log_size = size - MXLOG_SIZE - 1;
    const size_t cut = data[MXLOG_SIZE] < log_size ? data[MXLOG_SIZE] : log_size;
    struct memory_store memory;
    memory_init(&memory);
    memory_put(&memory, "/wal/mxlog.meta", data, data[0] == 255 ? 3 : MXLOG_SIZE);
    memory_put(&memory, "/wal/0.wal", log, log_size - cut);
    memory_put(&memory, "/wal/1.wal", log + (log_size - cut), cut);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 24);
    struct finding_list findings;
    finding_list_init(&findings, &arena);
    struct located located = {.store = &memory.store, .log_folder = "/wal", .log_expected = "/wal"};
    located.meta = (struct meta){.where = "", .tables = tables, .table_count = 3};
    const char *root = "/db";
    const struct layout layout = {
        .store = &memory.store, .roots = &root, .root_count = 1, .log_folder = "/wal"};
    const struct milvus1_options user = {.include_unacknowledged = (data[1] & 1) != 0};
    struct catalog1 catalog;
    struct replay replay = {0};
    struct err err;
    FUZZ_CHECK(catalog1_build(&located.meta, &arena, &findings, &catalog, &err) == ERR_OK);
    const struct replay_options options = {.located = &located,
                                           .catalog = &catalog,
                                           .layout = &layout,
                                           .user = &user,
                                           .findings = &findings,
                                           .arena = &arena};
    if (replay_open(&options, &replay, &err) == ERR_OK)
        for (size_t k = 0; k < catalog.table_count; k++)
            read_table(&replay, k);
    replay_close(&replay);
    finding_list_release(&findings);
    arena_release(&arena);
    return 0;
}
