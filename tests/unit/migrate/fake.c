/* fake.c: see fake.h. */
#include "fake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/err.h"

#define FAKE_BATCH_ROWS 7 /* small, so that several are needed */
#define FAKE_TEXT_MAX ((size_t)1 << 20)

struct fake_source {
    struct source base;
    struct fake_collection collections[FAKE_COLLECTIONS_MAX];
    bool is_damaged[FAKE_COLLECTIONS_MAX][FAKE_SEGMENTS_MAX];
    bool is_reversed[FAKE_COLLECTIONS_MAX];
    size_t collection_count;
    struct arena arena;
    char *refused;
};

struct fake_reader {
    struct segment_reader base;
    const struct fake_segment *segment;
    size_t at;
    int64_t ids[FAKE_BATCH_ROWS];
};

static void *checked(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

static void copy_name(char *to, const char *from)
{
    const size_t size = strlen(from);
    if (size >= 64)
        abort();
    memcpy(to, from, size + 1);
}

static void segment_release(struct fake_segment *segment)
{
    free(segment->ids);
    free(segment->vectors);
    free(segment->dead);
    if (segment->fd >= 0)
        (void)close(segment->fd);
    memset(segment, 0, sizeof *segment);
}

static void collection_release(struct fake_collection *collection)
{
    for (size_t s = 0; s < collection->segment_count; s++)
        segment_release(&collection->segments[s]);
    memset(collection, 0, sizeof *collection);
}

static void area_release(struct fake_area *area)
{
    for (size_t k = 0; k < area->collection_count; k++)
        collection_release(&area->collections[k]);
    memset(area, 0, sizeof *area);
}

/* Readers. */

static enum err_code reader_next(struct segment_reader *base, struct batch *ret_batch,
                                 struct err *err)
{
    (void)err;
    struct fake_reader *reader = (struct fake_reader *)base;
    const struct fake_segment *segment = reader->segment;
    const size_t left = segment->rows - reader->at;
    const size_t rows = left < FAKE_BATCH_ROWS ? left : FAKE_BATCH_ROWS;
    if (rows > 0)
        memcpy(reader->ids, segment->ids + reader->at, rows * sizeof *reader->ids);
    *ret_batch = (struct batch){.first_row = reader->at,
                                .rows = rows,
                                .ids = reader->ids,
                                .vectors = segment->vectors + reader->at * segment->row_size};
    reader->at += rows;
    return ERR_OK;
}

static void reader_close(struct segment_reader *base)
{
    free(base);
}

static const struct segment_reader_ops reader_ops = {reader_next, reader_close};

static struct segment_reader *reader_new(const struct fake_segment *segment)
{
    struct fake_reader *reader = checked(calloc(1, sizeof *reader));
    reader->segment = segment;
    reader->base = (struct segment_reader){.ops = &reader_ops,
                                           .rows = segment->rows,
                                           .row_size = segment->row_size,
                                           .dead = segment->dead_rows > 0 ? segment->dead : NULL,
                                           .dead_rows = segment->dead_rows,
                                           .has_extents = segment->fd >= 0};
    if (segment->fd >= 0)
        reader->base.ids = (struct file_extent){
            .fd = segment->fd, .path = "fake", .offset = 8, .size = segment->rows * 8};
    return &reader->base;
}

/* The source. */

struct fake_source *fake_source_new(void)
{
    return checked(calloc(1, sizeof(struct fake_source)));
}

size_t fake_add_collection(struct fake_source *source, const char *name, enum metric_type metric,
                           size_t dim)
{
    struct fake_collection *collection = &source->collections[source->collection_count];
    copy_name(collection->name, name);
    collection->metric = metric;
    collection->dim = dim;
    copy_name(collection->tags[0], PARTITION_DEFAULT);
    collection->tag_count = 1;
    return source->collection_count++;
}

size_t fake_add_partition(struct fake_source *source, size_t collection, const char *tag)
{
    struct fake_collection *to = &source->collections[collection];
    copy_name(to->tags[to->tag_count], tag);
    return to->tag_count++;
}

static void fill_vector(uint8_t *vector, size_t size, int64_t id, uint64_t salt)
{
    uint64_t x = (uint64_t)id * 2654435761U + salt * 40503U + 1;
    for (size_t k = 0; k < size; k++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        vector[k] = (uint8_t)x;
    }
}

static int file_of_ids(const struct fake_segment *segment)
{
    char path[] = "/tmp/godwit-fake.XXXXXX";
    const int fd = mkstemp(path);
    const ssize_t size = (ssize_t)(segment->rows * sizeof *segment->ids);
    if (fd < 0 || unlink(path) != 0 || pwrite(fd, segment->ids, (size_t)size, 8) != size)
        abort();
    return fd;
}

size_t fake_add_segment(struct fake_source *source, size_t collection, size_t partition,
                        const int64_t *ids, size_t rows, uint64_t salt)
{
    struct fake_collection *to = &source->collections[collection];
    const size_t index = to->segment_count++;
    struct fake_segment *segment = &to->segments[index];
    segment->rows = rows;
    segment->row_size = metric_row_size(to->metric, to->dim);
    segment->ids = checked(calloc(rows + 1, sizeof *segment->ids));
    segment->vectors = checked(calloc(rows + 1, segment->row_size));
    segment->dead = checked(calloc(bitmap_words(rows) + 1, sizeof *segment->dead));
    char name[sizeof segment->name + 24];
    (void)snprintf(name, sizeof name, "%s/%zu", to->name, index);
    copy_name(segment->name, name);
    copy_name(segment->tag, to->tags[partition]);
    for (size_t k = 0; k < rows; k++) {
        segment->ids[k] = ids[k];
        fill_vector(segment->vectors + k * segment->row_size, segment->row_size, ids[k], salt);
    }
    segment->fd = index % 2 == 0 ? file_of_ids(segment) : -1;
    return index;
}

void fake_delete(struct fake_source *source, size_t collection, size_t segment, size_t row)
{
    struct fake_segment *at = &source->collections[collection].segments[segment];
    at->dead_rows += !bitmap_get(at->dead, row);
    bitmap_set(at->dead, row);
}

void fake_change(struct fake_source *source, size_t collection, size_t segment, size_t row)
{
    struct fake_segment *at = &source->collections[collection].segments[segment];
    at->vectors[row * at->row_size] ^= 1;
}

void fake_make_infinite(struct fake_source *source, size_t collection, size_t segment, size_t row)
{
    static const uint8_t infinity[4] = {0, 0, 0x80, 0x7f};
    struct fake_segment *at = &source->collections[collection].segments[segment];
    memcpy(at->vectors + (row + 1) * at->row_size - 4, infinity, sizeof infinity);
}

void fake_damage(struct fake_source *source, size_t collection, size_t segment)
{
    source->is_damaged[collection][segment] = true;
}

void fake_refuse(struct fake_source *source, const char *found)
{
    source->refused = checked(strdup(found));
}

void fake_reverse_order(struct fake_source *source, size_t collection)
{
    source->is_reversed[collection] = true;
}

static enum err_code source_open(struct source *base, size_t collection, size_t segment,
                                 struct segment_reader **ret_reader, struct err *err)
{
    struct fake_source *source = (struct fake_source *)base;
    if (source->is_damaged[collection][segment])
        return err_set(err, ERR_CORRUPT, "damaged on purpose");
    *ret_reader = reader_new(&source->collections[collection].segments[segment]);
    return ERR_OK;
}

static void source_free(struct source *base)
{
    struct fake_source *source = (struct fake_source *)base;
    for (size_t k = 0; k < source->collection_count; k++) {
        collection_release(&source->collections[k]);
        free(base->description.collections[k].partitions);
        free(base->description.collections[k].segments);
    }
    free(base->description.collections);
    finding_list_release(&base->description.findings);
    arena_release(&source->arena);
    free(source->refused);
    free(source);
}

static const struct source_ops source_ops = {source_open, source_free};

static size_t tag_index(const struct fake_collection *collection, const char *tag)
{
    size_t k = 0;
    while (strcmp(collection->tags[k], tag) != 0)
        k++;
    return k;
}

static void describe(struct fake_source *source, size_t index, struct source_collection *to)
{
    const struct fake_collection *from = &source->collections[index];
    *to = (struct source_collection){.name = from->name,
                                     .metric = from->metric,
                                     .dim = from->dim,
                                     .row_size = metric_row_size(from->metric, from->dim),
                                     .index_type = "FLAT",
                                     .index_params = "{}",
                                     .partition_count = from->tag_count,
                                     .segment_count = from->segment_count};
    to->partitions = checked(calloc(from->tag_count + 1, sizeof *to->partitions));
    to->segments = checked(calloc(from->segment_count + 1, sizeof *to->segments));
    for (size_t p = 0; p < from->tag_count; p++)
        to->partitions[p].tag = from->tags[p];
    for (size_t s = 0; s < from->segment_count; s++) {
        const struct fake_segment *segment = &from->segments[s];
        const bool is_damaged = source->is_damaged[index][s];
        const size_t live = segment->rows - segment->dead_rows;
        to->segments[s] = (struct source_segment){
            .name = segment->name,
            .partition = tag_index(from, segment->tag),
            .order = source->is_reversed[index] ? from->segment_count - s : s,
            .rows = segment->rows,
            .live_rows = live,
            .size = segment->rows * (segment->row_size + 8),
            .is_damaged = is_damaged};
        to->damaged_rows += is_damaged ? segment->rows : 0;
        to->live_rows += is_damaged ? 0 : live;
        to->deleted_rows += is_damaged ? 0 : segment->dead_rows;
        to->partitions[to->segments[s].partition].rows += is_damaged ? 0 : live;
    }
}

struct source *fake_finish(struct fake_source *source)
{
    struct source_description *description = &source->base.description;
    source->base.ops = &source_ops;
    arena_init(&source->arena, FAKE_TEXT_MAX);
    *description = (struct source_description){
        .kind = "fake", .location = "/fake/source", .version = "", .meta = "", .log = ""};
    description->collection_count = source->collection_count;
    description->collections =
        checked(calloc(source->collection_count + 1, sizeof *description->collections));
    for (size_t k = 0; k < source->collection_count; k++)
        describe(source, k, &description->collections[k]);
    finding_list_init(&description->findings, &source->arena);
    struct err err;
    if (source->refused != NULL &&
        finding_add(&description->findings,
                    &(struct finding){.severity = FINDING_REFUSED, .found = source->refused},
                    &err) != ERR_OK)
        abort();
    return &source->base;
}

/* The target. */

struct fake_target {
    struct target base;
    struct fake_disk *disk;
    struct fake_area *area;
    pthread_mutex_t lock; /* put_segment is called by several threads */
};

void fake_disk_init(struct fake_disk *disk)
{
    memset(disk, 0, sizeof *disk);
    /* in memory where that is possible: every commit is synced */
    (void)snprintf(disk->folder, sizeof disk->folder, "%s/godwit-fake-target.XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(disk->folder) == NULL)
        abort();
    (void)snprintf(disk->catalog, sizeof disk->catalog, "%s/catalog", disk->folder);
    disk->fail_at = SIZE_MAX;
    disk->corrupt_at = SIZE_MAX;
}

void fake_disk_release(struct fake_disk *disk)
{
    area_release(&disk->published);
    for (size_t k = 0; k < FAKE_AREAS_MAX; k++)
        area_release(&disk->areas[k]);
    struct err err;
    if (folder_remove(disk->folder, &err) != ERR_OK)
        abort();
}

static struct fake_collection *find(struct fake_area *area, const char *name)
{
    for (size_t k = 0; k < area->collection_count; k++)
        if (strcmp(area->collections[k].name, name) == 0)
            return &area->collections[k];
    return NULL;
}

size_t fake_visible_rows(const struct fake_disk *disk, const char *collection)
{
    size_t rows = 0;
    for (size_t k = 0; k < disk->published.collection_count; k++) {
        const struct fake_collection *at = &disk->published.collections[k];
        for (size_t s = 0; strcmp(at->name, collection) == 0 && s < at->segment_count; s++)
            rows += at->segments[s].rows;
    }
    return rows;
}

/* Counts a writing call; true when it is the one to fail, now (before) or at its end. */
static bool must_fail(struct fake_disk *disk, bool is_end)
{
    if (!is_end)
        disk->calls++;
    return disk->calls == disk->fail_at + 1 && disk->fails_after == is_end;
}

static enum err_code fail(struct err *err)
{
    return err_set(err, ERR_IO, "the fake disk fails");
}

static enum err_code target_find(struct target *base, const char *name, bool *ret_found,
                                 enum metric_type *ret_metric, size_t *ret_dim, struct err *err)
{
    (void)err;
    struct fake_target *target = (struct fake_target *)base;
    const struct fake_collection *found = find(&target->disk->published, name);
    *ret_found = found != NULL;
    if (found != NULL) {
        *ret_metric = found->metric;
        *ret_dim = found->dim;
    }
    return ERR_OK;
}

static uint64_t target_estimate(const struct target *base,
                                const struct source_collection *collection)
{
    (void)collection;
    return ((const struct fake_target *)base)->disk->estimate;
}

static enum err_code target_stage_begin(struct target *base, const char *token, struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    struct fake_disk *disk = target->disk;
    if (must_fail(disk, false))
        return fail(err);
    target->area = NULL;
    for (size_t k = 0; k < disk->area_count; k++)
        if (strcmp(disk->areas[k].token, token) == 0)
            target->area = &disk->areas[k];
    if (target->area == NULL) {
        target->area = &disk->areas[disk->area_count++ % FAKE_AREAS_MAX];
        copy_name(target->area->token, token);
    }
    return must_fail(disk, true) ? fail(err) : ERR_OK;
}

static enum err_code target_stage_collection(struct target *base,
                                             const struct staged_collection *staged,
                                             struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    if (must_fail(target->disk, false))
        return fail(err);
    struct fake_area *area = target->area;
    struct fake_collection *collection = find(area, staged->name);
    if (collection == NULL) {
        collection = &area->collections[area->collection_count++];
        copy_name(collection->name, staged->name);
    }
    collection->metric = staged->source->metric;
    collection->dim = staged->source->dim;
    collection->if_exists = staged->if_exists;
    collection->tag_count = staged->source->partition_count;
    for (size_t p = 0; p < staged->source->partition_count; p++)
        copy_name(collection->tags[p], staged->source->partitions[p].tag);
    return must_fail(target->disk, true) ? fail(err) : ERR_OK;
}

static size_t find_segment(const struct fake_collection *collection, const char *name)
{
    size_t s = 0;
    while (s < collection->segment_count && strcmp(collection->segments[s].name, name) != 0)
        s++;
    return s;
}

/* Only the live rows, in the order of the batches. */
static enum err_code store_rows(struct fake_segment *to, const struct staged_segment *staged,
                                struct meter *meter, struct err *err)
{
    to->row_size = staged->reader->row_size;
    to->ids = checked(calloc(staged->live_rows + 1, sizeof *to->ids));
    to->vectors = checked(calloc(staged->live_rows + 1, to->row_size));
    to->dead = NULL;
    to->fd = -1;
    for (;;) {
        struct batch batch = {0};
        enum err_code code = segment_reader_next(staged->reader, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            return code;
        for (size_t k = 0; k < batch.rows; k++) {
            if (staged->dead != NULL && bitmap_get(staged->dead, (size_t)batch.first_row + k))
                continue;
            to->ids[to->rows] = batch.ids[k];
            memcpy(to->vectors + to->rows * to->row_size, batch.vectors + k * to->row_size,
                   to->row_size);
            to->rows++;
        }
        code = meter_pass(meter, batch.rows * (to->row_size + 8), batch.rows, err);
        if (code != ERR_OK)
            return code;
    }
}

static enum err_code put_locked(struct fake_target *target, const struct staged_segment *staged,
                                struct meter *meter, struct err *err)
{
    struct fake_disk *disk = target->disk;
    if (must_fail(disk, false))
        return fail(err);
    struct fake_collection *collection = find(target->area, staged->collection);
    if (find_segment(collection, staged->source->name) < collection->segment_count)
        return ERR_OK;
    struct fake_segment made = {0};
    const enum err_code code = store_rows(&made, staged, meter, err);
    if (code != ERR_OK || made.rows != staged->live_rows) {
        segment_release(&made);
        return code != ERR_OK ? code : err_set(err, ERR_INTERNAL, "live_rows is wrong");
    }
    copy_name(made.name, staged->source->name);
    copy_name(made.tag, staged->partition);
    if (disk->puts == disk->corrupt_at || (disk->corrupts_always && disk->puts >= disk->corrupt_at))
        made.vectors[0] ^= 1;
    disk->puts++;
    collection->segments[collection->segment_count++] = made;
    return must_fail(disk, true) ? fail(err) : ERR_OK;
}

static enum err_code target_put(struct target *base, const struct staged_segment *staged,
                                struct meter *meter, struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    (void)pthread_mutex_lock(&target->lock);
    const enum err_code code = put_locked(target, staged, meter, err);
    (void)pthread_mutex_unlock(&target->lock);
    return code;
}

/* A reader of a copy: the array of segments may move under another thread's put. */
struct copy_reader {
    struct fake_reader base;
    struct fake_segment segment;
};

static enum err_code target_open_staged(struct target *base, const char *collection,
                                        const char *segment, struct segment_reader **ret_reader,
                                        struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    (void)pthread_mutex_lock(&target->lock);
    const struct fake_collection *at = find(target->area, collection);
    const size_t s = at != NULL ? find_segment(at, segment) : 0;
    const bool is_found = at != NULL && s < at->segment_count;
    struct copy_reader *reader = checked(calloc(1, sizeof *reader));
    if (is_found) {
        reader->segment = at->segments[s];
        reader->base.segment = &reader->segment;
        reader->base.base = (struct segment_reader){
            .ops = &reader_ops, .rows = reader->segment.rows, .row_size = reader->segment.row_size};
    }
    (void)pthread_mutex_unlock(&target->lock);
    if (is_found) {
        *ret_reader = &reader->base.base;
        return ERR_OK;
    }
    free(reader);
    return err_set(err, ERR_NOT_FOUND, "not staged");
}

static enum err_code target_drop_staged(struct target *base, const char *collection,
                                        const char *segment, struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    (void)err;
    (void)pthread_mutex_lock(&target->lock);
    struct fake_collection *at = find(target->area, collection);
    const size_t s = at != NULL ? find_segment(at, segment) : 0;
    if (at != NULL && s < at->segment_count) {
        segment_release(&at->segments[s]);
        at->segments[s] = at->segments[--at->segment_count];
        at->segments[at->segment_count] = (struct fake_segment){0};
    }
    (void)pthread_mutex_unlock(&target->lock);
    return ERR_OK;
}

/* Moves the segments of a staged collection behind those of a published one. */
static void append(struct fake_collection *to, struct fake_collection *from)
{
    for (size_t p = 0; p < from->tag_count; p++) {
        size_t k = 0;
        while (k < to->tag_count && strcmp(to->tags[k], from->tags[p]) != 0)
            k++;
        if (k == to->tag_count)
            copy_name(to->tags[to->tag_count++], from->tags[p]);
    }
    for (size_t s = 0; s < from->segment_count; s++)
        to->segments[to->segment_count++] = from->segments[s];
    memset(from, 0, sizeof *from);
}

static enum err_code target_publish(struct target *base, struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    if (must_fail(target->disk, false))
        return fail(err);
    struct fake_area *published = &target->disk->published;
    for (size_t k = 0; k < target->area->collection_count; k++) {
        struct fake_collection *from = &target->area->collections[k];
        struct fake_collection *to = find(published, from->name);
        if (to != NULL && from->if_exists == IF_EXISTS_FAIL)
            return err_set(err, ERR_EXISTS, "%s exists", from->name);
        if (to != NULL && from->if_exists == IF_EXISTS_APPEND) {
            append(to, from);
            continue;
        }
        if (to != NULL)
            collection_release(to);
        else
            to = &published->collections[published->collection_count++];
        *to = *from;
        memset(from, 0, sizeof *from);
    }
    memset(target->area, 0, sizeof *target->area);
    return must_fail(target->disk, true) ? fail(err) : ERR_OK;
}

static enum err_code target_discard(struct target *base, const char *token, struct err *err)
{
    struct fake_target *target = (struct fake_target *)base;
    if (must_fail(target->disk, false))
        return fail(err);
    for (size_t k = 0; k < FAKE_AREAS_MAX; k++)
        if (strcmp(target->disk->areas[k].token, token) == 0)
            area_release(&target->disk->areas[k]);
    return must_fail(target->disk, true) ? fail(err) : ERR_OK;
}

static enum err_code target_as_source(struct target *base, struct source **ret_source,
                                      struct err *err)
{
    (void)err;
    struct fake_area *published = &((struct fake_target *)base)->disk->published;
    struct fake_source *source = fake_source_new();
    for (size_t k = 0; k < published->collection_count; k++) {
        const struct fake_collection *from = &published->collections[k];
        struct fake_collection *to = &source->collections[source->collection_count++];
        *to = *from;
        for (size_t s = 0; s < from->segment_count; s++) {
            const struct fake_segment *segment = &from->segments[s];
            struct fake_segment *copy = &to->segments[s];
            copy->ids = checked(calloc(segment->rows + 1, sizeof *copy->ids));
            copy->vectors = checked(calloc(segment->rows + 1, segment->row_size));
            memcpy(copy->ids, segment->ids, segment->rows * sizeof *copy->ids);
            memcpy(copy->vectors, segment->vectors, segment->rows * segment->row_size);
        }
    }
    *ret_source = fake_finish(source);
    return ERR_OK;
}

static void target_close(struct target *base)
{
    struct fake_target *target = (struct fake_target *)base;
    (void)pthread_mutex_destroy(&target->lock);
    free(target);
}

static const struct target_ops target_ops = {
    target_find,    target_estimate,    target_stage_begin, target_stage_collection,
    target_put,     target_open_staged, target_drop_staged, target_publish,
    target_discard, target_as_source,   target_close};

struct target *fake_target(struct fake_disk *disk)
{
    struct fake_target *target = checked(calloc(1, sizeof *target));
    target->base = (struct target){.ops = &target_ops,
                                   .location = disk->folder,
                                   .work_folder = disk->folder,
                                   .catalog_path = disk->catalog};
    target->disk = disk;
    (void)pthread_mutex_init(&target->lock, NULL);
    return &target->base;
}
