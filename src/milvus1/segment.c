/* segment.c: see segment.h. */
#include "milvus1/segment.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus1/rv.h"
#include "milvus1/uid.h"

#define SEGMENT_PATHS_SIZE_MAX ((size_t)1 << 20)
#define IDS_CHUNK ((size_t)32768)            /* ids read at once */
#define OFFSETS_CHUNK_SIZE ((size_t)1 << 18) /* bytes of deleted_docs read at once */
#define BATCH_ROWS_MAX ((size_t)65536)

/* A file that ends early although it was measured: somebody changes the source. */
static enum err_code as_source(enum err_code code, struct err *err)
{
    return code == ERR_CORRUPT || code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

/* Remembers what is wrong and makes the sentence of it. */
static enum err_code damaged(struct segment1 *segment, const char *path, struct err *err)
{
    segment->flawed_path = path;
    return flaw_to_err(&segment->flaw, ERR_CORRUPT, path, err);
}

static enum err_code check_files(struct segment1 *segment, struct err *err)
{
    const struct layout_segment *paths = &segment->paths;
    struct flaw *flaw = &segment->flaw;
    if (!paths->is_found)
        flaw_set(flaw, ERR_CORRUPT, 0, "the folder is not there");
    else if (paths->rv_count != 1)
        flaw_set(flaw, ERR_CORRUPT, 0, "%zu .rv files", paths->rv_count);
    else if (paths->uid_count != 1)
        flaw_set(flaw, ERR_CORRUPT, 0, "%zu .uid files", paths->uid_count);
    else
        return ERR_OK;
    flaw_expect(flaw, "one .rv and one .uid file");
    return damaged(segment, paths->folder, err);
}

/* Opens a file and reads the 8 bytes that all three kinds begin with (less when it is shorter). */
static enum err_code open_head(const struct store *store, const char *path,
                               struct store_file *ret_file, uint8_t *head, struct bytes *ret_head,
                               struct err *err)
{
    struct store_file file;
    enum err_code code = store_file_open(store, path, &file, err);
    if (code != ERR_OK)
        return as_source(code, err);
    const size_t size = file.size < 8 ? (size_t)file.size : 8;
    code = store_file_read(&file, head, size, 0, err);
    if (code != ERR_OK) {
        store_file_close(&file);
        return as_source(code, err);
    }
    *ret_head = (struct bytes){head, size};
    *ret_file = file;
    return ERR_OK;
}

static enum err_code open_vectors(const struct store *store, struct segment1 *segment,
                                  uint64_t *ret_rows, struct err *err)
{
    uint8_t buffer[8];
    struct bytes head;
    const char *path = segment->paths.rv;
    enum err_code code = open_head(store, path, &segment->rv, buffer, &head, err);
    if (code != ERR_OK)
        return code;
    const size_t item_size = segment->row_size > 0 ? segment->row_size : 1;
    code = rv_check(head, segment->rv.size, item_size, ret_rows, &segment->flaw);
    segment->vector_size = code == ERR_OK ? *ret_rows * item_size : 0;
    return code == ERR_OK ? ERR_OK : damaged(segment, path, err);
}

static enum err_code open_ids(const struct store *store, struct segment1 *segment, struct err *err)
{
    uint8_t buffer[8];
    struct bytes head;
    const char *path = segment->paths.uid;
    enum err_code code = open_head(store, path, &segment->uid, buffer, &head, err);
    if (code != ERR_OK)
        return code;
    code = uid_check(head, segment->uid.size, &segment->rows, &segment->flaw);
    return code == ERR_OK ? ERR_OK : damaged(segment, path, err);
}

static enum err_code check_deleted_docs(const struct store *store, struct segment1 *segment,
                                        const char *path, struct err *err)
{
    uint8_t buffer[8];
    struct bytes head;
    struct store_file file;
    enum err_code code = open_head(store, path, &file, buffer, &head, err);
    if (code != ERR_OK)
        return code;
    uint64_t offsets;
    code = deleted_docs_check(head, file.size, &offsets, &segment->flaw);
    store_file_close(&file);
    return code == ERR_OK ? ERR_OK : damaged(segment, path, err);
}

/* A permission, a bad disk block, no regular file: one segment's trouble, not the source's. The
 * sentence goes without the folder, which is named beside it. */
static enum err_code unreadable(struct segment1 *segment, struct err *err)
{
    const char *folder = segment->paths.folder != NULL ? segment->paths.folder : "";
    const char *sentence = err != NULL ? err->msg : "cannot be read";
    const size_t size = strlen(folder);
    if (size > 0 && strncmp(sentence, folder, size) == 0 && sentence[size] != '\0')
        sentence += size + 1 + (sentence[size] == ':');
    segment->is_unreadable = true;
    flaw_set(&segment->flaw, ERR_CORRUPT, 0, "%s", sentence);
    flaw_expect(&segment->flaw, "files that can be read");
    return damaged(segment, folder, err);
}

enum err_code segment1_open(const struct segment1_place *place, struct segment1 *ret_segment,
                            struct err *err)
{
    struct segment1 *segment = ret_segment;
    const struct layout *layout = place->layout;
    *segment = (struct segment1){.row_size = place->row_size, .flawed_path = ""};
    arena_init(&segment->arena, SEGMENT_PATHS_SIZE_MAX);
    enum err_code code = layout_find_segment(layout, place->table_id, place->segment_id,
                                             &segment->arena, &segment->paths, err);
    if (code == ERR_CORRUPT)
        flaw_set(&segment->flaw, code, 0, "%s", err != NULL ? err->msg : "an impossible name");
    if (code == ERR_OK)
        code = check_files(segment, err);
    uint64_t vector_rows = 0;
    if (code == ERR_OK)
        code = open_vectors(layout->store, segment, &vector_rows, err);
    if (code == ERR_OK)
        code = open_ids(layout->store, segment, err);
    if (code == ERR_OK && place->row_size > 0 && vector_rows != segment->rows) {
        flaw_set(&segment->flaw, ERR_CORRUPT, 0, "%" PRIu64 " ids", segment->rows);
        flaw_expect(&segment->flaw, "%" PRIu64 ", as there are vectors in the .rv", vector_rows);
        code = damaged(segment, segment->paths.uid, err);
    }
    for (size_t k = 0; k < segment->paths.deleted_docs_count && code == ERR_OK; k++)
        code = check_deleted_docs(layout->store, segment, segment->paths.deleted_docs[k], err);
    return code == ERR_SOURCE ? unreadable(segment, err) : code;
}

void segment1_close(struct segment1 *segment)
{
    store_file_close(&segment->rv);
    store_file_close(&segment->uid);
    arena_release(&segment->arena);
    *segment = (struct segment1){0};
}

enum err_code segment1_read_ids(const struct segment1 *segment, uint64_t first, size_t count,
                                int64_t *ret_ids, struct err *err)
{
    const enum err_code code = store_file_read(&segment->uid, ret_ids, count * sizeof *ret_ids,
                                               UID_HEADER_SIZE + first * sizeof *ret_ids, err);
    if (code == ERR_OK)
        uid_decode(ret_ids, count);
    return as_source(code, err);
}

enum err_code segment1_read_vectors(const struct segment1 *segment, uint64_t first, size_t count,
                                    uint8_t *ret_vectors, struct err *err)
{
    return as_source(store_file_read(&segment->rv, ret_vectors, count * segment->row_size,
                                     RV_HEADER_SIZE + first * segment->row_size, err),
                     err);
}

/* Marks the offsets of one deleted_docs file. */
static enum err_code mark_deleted(struct segment1 *segment, const char *path,
                                  struct segment1_dead *dead, struct err *err)
{
    uint8_t head_buffer[8];
    struct bytes head;
    struct store_file file;
    enum err_code code = open_head(segment->rv.store, path, &file, head_buffer, &head, err);
    if (code != ERR_OK)
        return code;
    uint64_t left = 0;
    code = deleted_docs_check(head, file.size, &left, &segment->flaw);
    if (code != ERR_OK)
        code = err_recode(err, damaged(segment, path, err));
    uint8_t *buffer = code == ERR_OK ? mem_alloc(OFFSETS_CHUNK_SIZE, 1) : NULL;
    if (code == ERR_OK && buffer == NULL)
        code = err_nomem(err, path);
    const uint64_t outside = dead->offsets.outside;
    uint64_t at = DELETED_DOCS_HEADER_SIZE;
    while (code == ERR_OK && left > 0) {
        const size_t count = left < OFFSETS_CHUNK_SIZE / 4 ? (size_t)left : OFFSETS_CHUNK_SIZE / 4;
        code = as_source(store_file_read(&file, buffer, count * 4, at, err), err);
        if (code == ERR_OK)
            deleted_docs_mark((struct bytes){buffer, count * 4}, segment->rows, dead->bitmap,
                              &dead->offsets);
        at += count * 4;
        left -= count;
    }
    if (outside == 0 && dead->offsets.outside > 0)
        dead->outside_path = path;
    mem_free(buffer);
    store_file_close(&file);
    return code;
}

static enum err_code mark_killed(struct segment1 *segment, const struct kill_view *kills,
                                 struct segment1_dead *dead, struct err *err)
{
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, segment->uid.path);
    enum err_code code = ERR_OK;
    for (uint64_t row = 0; row < segment->rows && code == ERR_OK; row += IDS_CHUNK) {
        const uint64_t left = segment->rows - row;
        const size_t count = left < IDS_CHUNK ? (size_t)left : IDS_CHUNK;
        code = segment1_read_ids(segment, row, count, ids, err);
        for (size_t k = 0; k < count && code == ERR_OK; k++)
            if (kill_view_kills(kills, ids[k]) && !bitmap_get(dead->bitmap, (size_t)row + k)) {
                bitmap_set(dead->bitmap, (size_t)row + k);
                dead->killed++;
            }
    }
    mem_free(ids);
    return code;
}

enum err_code segment1_find_dead(struct segment1 *segment, const struct kill_view *kills,
                                 struct segment1_dead *ret_dead, struct err *err)
{
    struct segment1_dead dead = {.outside_path = ""};
    dead.bitmap = mem_zalloc(bitmap_words((size_t)segment->rows), sizeof(uint64_t));
    if (dead.bitmap == NULL)
        return err_nomem(err, segment->paths.folder);
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < segment->paths.deleted_docs_count && code == ERR_OK; k++)
        code = mark_deleted(segment, segment->paths.deleted_docs[k], &dead, err);
    if (code == ERR_OK && kill_view_is_active(kills))
        code = mark_killed(segment, kills, &dead, err);
    dead.rows = dead.offsets.deleted + dead.killed;
    if (code != ERR_OK || dead.rows == 0) {
        mem_free(dead.bitmap);
        dead.bitmap = NULL;
    }
    if (code == ERR_OK)
        *ret_dead = dead;
    return code;
}

/* ----------------------------------------------------------------------------------- reader */

struct segment1_reader {
    struct segment_reader base;
    struct segment1 segment;
    struct segment1_dead dead;
    uint64_t next_row;
    size_t batch_rows;
    int64_t *ids; /* allocated with the first batch */
    uint8_t *vectors;
};

size_t segment1_batch_rows(size_t row_size)
{
    const size_t rows = BATCH_SIZE / row_size;
    return rows > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows > 0 ? rows : 1;
}

static enum err_code reader_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    struct segment1_reader *reader = (struct segment1_reader *)base;
    const uint64_t left = base->rows - reader->next_row;
    const size_t count = left < reader->batch_rows ? (size_t)left : reader->batch_rows;
    if (reader->ids == NULL)
        reader->ids = mem_alloc(reader->batch_rows, sizeof *reader->ids);
    if (reader->vectors == NULL)
        reader->vectors = mem_pages(reader->batch_rows * base->row_size);
    if (reader->ids == NULL || reader->vectors == NULL)
        return err_nomem(err, reader->segment.paths.folder);
    enum err_code code =
        segment1_read_ids(&reader->segment, reader->next_row, count, reader->ids, err);
    if (code == ERR_OK)
        code =
            segment1_read_vectors(&reader->segment, reader->next_row, count, reader->vectors, err);
    if (code != ERR_OK)
        return code;
    *ret_batch = (struct batch){.first_row = reader->next_row,
                                .rows = count,
                                .ids = reader->ids,
                                .vectors = reader->vectors};
    reader->next_row += count;
    return ERR_OK;
}

static void reader_close(struct segment_reader *base)
{
    struct segment1_reader *reader = (struct segment1_reader *)base;
    segment1_close(&reader->segment);
    mem_free(reader->dead.bitmap);
    mem_free(reader->ids);
    mem_free(reader->vectors);
    mem_free(reader);
}

static const struct segment_reader_ops reader_ops = {.next = reader_next, .close = reader_close};

enum err_code segment1_read(const struct segment1_place *place, const struct kill_view *kills,
                            struct segment_reader **ret_reader, struct err *err)
{
    struct segment1_reader *reader = mem_zalloc(1, sizeof *reader);
    if (reader == NULL)
        return err_nomem(err, place->segment_id);
    struct segment1 *segment = &reader->segment;
    enum err_code code = segment1_open(place, segment, err);
    if (code == ERR_OK)
        code = segment1_find_dead(segment, kills, &reader->dead, err);
    if (code != ERR_OK) {
        reader_close(&reader->base);
        return code;
    }
    reader->batch_rows = segment1_batch_rows(place->row_size);
    reader->base = (struct segment_reader){.ops = &reader_ops,
                                           .rows = segment->rows,
                                           .row_size = place->row_size,
                                           .dead = reader->dead.bitmap,
                                           .dead_rows = reader->dead.rows};
    reader->base.has_extents = segment->rv.fd >= 0 && segment->uid.fd >= 0;
    reader->base.ids = (struct file_extent){.fd = segment->uid.fd,
                                            .path = segment->uid.path,
                                            .offset = UID_HEADER_SIZE,
                                            .size = segment->rows * sizeof(int64_t)};
    reader->base.vectors = (struct file_extent){.fd = segment->rv.fd,
                                                .path = segment->rv.path,
                                                .offset = RV_HEADER_SIZE,
                                                .size = segment->vector_size};
    *ret_reader = &reader->base;
    return ERR_OK;
}
