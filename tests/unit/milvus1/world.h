/* world.h: an installation in memory: rows of metadata, segment files, log records. Collection "c"
 * (dim 2, L2) is there from the start; everything else is added. */
#ifndef GODWIT_TESTS_UNIT_MILVUS1_WORLD_H
#define GODWIT_TESTS_UNIT_MILVUS1_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "memory_store.h"
#include "milvus1/installation.h"

#define WORLD_ROWS 16
#define WORLD_SIZE 65536

struct world {
    struct memory_store memory;
    struct meta_table tables[WORLD_ROWS];
    size_t table_count;
    struct meta_file files[WORLD_ROWS];
    size_t file_count;
    uint8_t log[3][WORLD_SIZE / 4]; /* 0.wal, 1.wal, 2.wal */
    size_t log_size[3];
    uint8_t mxlog[24];
    uint8_t bytes[WORLD_SIZE]; /* of segment files, and texts */
    size_t used;
    struct milvus1_options options;
    struct located located;
    struct installation *installation;
    struct err err;
};

static inline void *world_bytes(struct world *world, size_t size)
{
    void *block = world->bytes + world->used;
    world->used += (size + 15) / 16 * 16;
    assert_true(world->used <= sizeof world->bytes);
    return block;
}

static inline const char *world_text(struct world *world, const char *format, const char *a,
                                     const char *b)
{
    char *text = world_bytes(world, 256);
    (void)snprintf(text, 256, "/db/tables/%s/%s/%s", a, b, format);
    return text;
}

static inline struct meta_table *world_table(struct world *world, const char *id, const char *owner,
                                             const char *tag)
{
    struct meta_table *table = &world->tables[world->table_count++];
    *table = (struct meta_table){.id = (int64_t)world->table_count,
                                 .table_id = id,
                                 .dimension = 2,
                                 .flag = 2,
                                 .engine_type = 1,
                                 .index_params = "{}",
                                 .metric_type = METRIC_L2,
                                 .owner_table = owner,
                                 .partition_tag = tag,
                                 .version = "1.1.1"};
    return table;
}

static inline struct meta_file *world_file(struct world *world, const char *table,
                                           const char *segment, const char *file,
                                           enum meta_file_type type)
{
    struct meta_file *row = &world->files[world->file_count++];
    *row = (struct meta_file){.id = (int64_t)world->file_count,
                              .table_id = table,
                              .segment_id = segment,
                              .file_id = file,
                              .file_type = type};
    return row;
}

/* A row of dimension 2 that tells its number. */
static inline void world_vector(uint8_t *out, int64_t number)
{
    const float values[2] = {(float)number, (float)number + 0.5F};
    memcpy(out, values, sizeof values);
}

/* A live segment of `count` rows; vectors tell the number ids[k] + shift. */
static inline struct meta_file *world_segment(struct world *world, const char *table,
                                              const char *segment, const int64_t *ids, size_t count,
                                              int64_t shift)
{
    uint8_t *rv = world_bytes(world, 8 + 8 * count), *uid = world_bytes(world, 8 + 8 * count);
    put_u64(rv, 8 * count);
    put_u64(uid, 8 * count);
    for (size_t k = 0; k < count; k++) {
        world_vector(rv + 8 + 8 * k, ids[k] + shift);
        put_u64(uid + 8 + 8 * k, (uint64_t)ids[k]);
    }
    memory_put(&world->memory, world_text(world, "s.rv", table, segment), rv, 8 + 8 * count);
    memory_put(&world->memory, world_text(world, "s.uid", table, segment), uid, 8 + 8 * count);
    memory_put(&world->memory, world_text(world, "deleted_docs", table, segment),
               world_bytes(world, 8), 8);
    struct meta_file *row = world_file(world, table, segment, segment, META_FILE_RAW);
    row->row_count = (int64_t)count;
    return row;
}

static inline void world_deleted(struct world *world, const char *table, const char *segment,
                                 const int32_t *offsets, size_t count)
{
    uint8_t *data = world_bytes(world, 8 + 4 * count);
    put_u64(data, 4 * count);
    for (size_t k = 0; k < count; k++)
        put_u32(data + 8 + 4 * k, (uint32_t)offsets[k]);
    memory_put(&world->memory, world_text(world, "deleted_docs", table, segment), data,
               8 + 4 * count);
}

/* Appends a record to N.wal and moves mxlog.meta behind it; returns its lsn. */
static inline uint64_t world_log(struct world *world, unsigned number, enum wal_type type,
                                 const char *collection, const char *tag, const int64_t *ids,
                                 size_t count)
{
    const size_t start = world->log_size[number];
    uint8_t *p = world->log[number] + start;
    const size_t l1 = strlen(collection), l2 = strlen(tag);
    const size_t data = type == WAL_DELETE ? 0 : 8 * count;
    const size_t size = WAL_HEADER_SIZE + l1 + l2 + 8 * count + data;
    const uint64_t lsn = (uint64_t)number << 32 | (start + size);
    assert_true(start + size <= sizeof world->log[0]);
    put_u64(p, lsn);
    p[8] = (uint8_t)type;
    put_u16(p + 9, (uint16_t)l1);
    put_u16(p + 11, (uint16_t)l2);
    put_u32(p + 13, (uint32_t)count);
    put_u32(p + 17, (uint32_t)data);
    memcpy(p + 21, collection, l1);
    memcpy(p + 21 + l1, tag, l2);
    for (size_t k = 0; k < count; k++) {
        put_u64(p + 21 + l1 + l2 + 8 * k, (uint64_t)ids[k]);
        if (data > 0)
            world_vector(p + 21 + l1 + l2 + 8 * count + 8 * k, ids[k]);
    }
    world->log_size[number] += size;
    for (size_t k = 0; k < 3; k++)
        put_u64(world->mxlog + 8 * k, lsn);
    return lsn;
}

static inline struct world *world_new(void)
{
    struct world *world = mem_zalloc(1, sizeof *world);
    assert_non_null(world);
    memory_init(&world->memory);
    world_table(world, "c", "", "");
    return world;
}

/* Runs everything but the search for the metadata. */
static inline enum err_code world_try(struct world *world)
{
    static const char *roots[] = {"/db"};
    static const char *const log_names[] = {"/wal/0.wal", "/wal/1.wal", "/wal/2.wal"};
    for (size_t k = 0; k < 3; k++)
        if (world->log_size[k] > 0)
            memory_put(&world->memory, log_names[k], world->log[k], world->log_size[k]);
    if (world->log_size[0] + world->log_size[1] + world->log_size[2] > 0 &&
        memory_find(&world->memory.store, "/wal/mxlog.meta") == NULL)
        memory_put(&world->memory, "/wal/mxlog.meta", world->mxlog, sizeof world->mxlog);
    world->located.store = &world->memory.store;
    world->located.location = "/";
    world->located.data_roots = roots;
    world->located.data_root_count = 1;
    world->located.log_expected = "/wal";
    world->located.log_folder = memory_is_folder(&world->memory.store, "/wal") ? "/wal" : NULL;
    world->located.meta.where = "/db/meta.sqlite";
    world->located.meta.tables = world->tables;
    world->located.meta.table_count = world->table_count;
    world->located.meta.files = world->files;
    world->located.meta.file_count = world->file_count;
    world->installation = installation_new(&world->options);
    if (world->installation == NULL)
        return ERR_NOMEM;
    world->installation->located = world->located;
    const enum err_code code = installation_fill(world->installation, &world->err);
    if (code != ERR_OK) {
        source_close(&world->installation->base);
        world->installation = NULL;
    }
    return code;
}

static inline void world_open(struct world *world)
{
    if (world_try(world) != ERR_OK)
        fail_msg("%s", world->err.msg);
}

static inline void world_free(struct world *world)
{
    if (world->installation != NULL)
        source_close(&world->installation->base);
    mem_free(world);
}

static inline const struct finding *world_finding(const struct world *world, const char *code)
{
    const struct finding_list *list = &world->installation->base.description.findings;
    for (size_t k = 0; k < list->count; k++)
        if (strcmp(list->items[k].code, code) == 0)
            return &list->items[k];
    return NULL;
}

static inline void world_has(const struct world *world, const char *code,
                             enum finding_severity severity)
{
    const struct finding *finding = world_finding(world, code);
    if (finding == NULL)
        fail_msg("no finding %s", code);
    else
        assert_int_equal(finding->severity, severity);
}

/* The living rows of collection number `collection`, partition `tag`, as text in the order of
 * segments and rows: "1 2:20" is id 1 with its own vector, then id 2 with the vector of number 20.
 */
static inline void world_rows(const struct world *world, const char *collection, const char *tag,
                              const char *expected)
{
    struct source *source = &world->installation->base;
    const struct source_collection *c = source_find(source, collection);
    char text[1024] = "";
    size_t size = 0;
    uint64_t live = 0;
    assert_non_null(c);
    const size_t number = (size_t)(c - source->description.collections);
    for (size_t s = 0; s < c->segment_count; s++) {
        const struct source_segment *segment = &c->segments[s];
        if (segment->is_damaged || strcmp(c->partitions[segment->partition].tag, tag) != 0)
            continue;
        struct segment_reader *reader = NULL;
        struct batch batch;
        struct err err;
        uint64_t rows = 0, living = 0;
        assert_int_equal(source_open_segment(source, number, s, &reader, &err), ERR_OK);
        assert_int_equal(segment_reader_next(reader, &batch, &err), ERR_OK);
        while (batch.rows > 0) {
            rows += batch.rows;
            for (size_t k = 0; k < batch.rows; k++) {
                float value;
                memcpy(&value, batch.vectors + k * reader->row_size, sizeof value);
                if (reader->dead != NULL && bitmap_get(reader->dead, batch.first_row + k))
                    continue;
                living++;
                size +=
                    (size_t)snprintf(text + size, sizeof text - size,
                                     (int64_t)value == batch.ids[k] ? "%s%lld" : "%s%lld:%.0f",
                                     size > 0 ? " " : "", (long long)batch.ids[k], (double)value);
            }
            assert_int_equal(segment_reader_next(reader, &batch, &err), ERR_OK);
        }
        assert_int_equal(rows, segment->rows);
        assert_int_equal(living, segment->live_rows);
        live += living;
        segment_reader_close(reader);
    }
    assert_string_equal(text, expected);
    for (size_t k = 0; k < c->partition_count; k++)
        if (strcmp(c->partitions[k].tag, tag) == 0)
            assert_int_equal(c->partitions[k].rows, live);
}

#define IDS(...)                                                                                   \
    (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

#endif
