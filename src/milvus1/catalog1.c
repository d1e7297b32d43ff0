/* catalog1.c: see catalog1.h. */
#include "milvus1/catalog1.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/source.h"
#include "milvus1/layout.h"
#include "milvus1/report.h"

/* What one call works on. */
struct build {
    const struct meta *meta;
    struct arena *arena;
    struct finding_list *findings;
    struct catalog1 *catalog;
    const struct meta_table **owners; /* visible collections, refused ones too, by name */
    size_t owner_count;
    struct err *err;
};

static bool is_visible(const struct meta_table *row)
{
    return row->state != META_TABLE_TO_DELETE;
}

static int compare_rows(const void *a, const void *b)
{
    const struct meta_table *x = *(const struct meta_table *const *)a;
    const struct meta_table *y = *(const struct meta_table *const *)b;
    const int order = strcmp(x->table_id, y->table_id);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static enum err_code add(struct build *build, struct finding finding)
{
    return finding_add(build->findings, &finding, build->err);
}

/* ------------------------------------------------------------------------------ collections */

static bool is_hybrid(const struct meta *meta, const char *name)
{
    for (size_t k = 0; k < meta->hybrid_table_count; k++)
        if (strcmp(meta->hybrid_tables[k], name) == 0)
            return true;
    return false;
}

static enum err_code refuse(struct build *build, const struct meta_table *row, const char *code,
                            const char *found, const char *expected)
{
    return add(build, (struct finding){.severity = FINDING_REFUSED,
                                       .code = code,
                                       .collection = row->table_id,
                                       .path = build->meta->where,
                                       .found = found,
                                       .expected = expected,
                                       .consequence = "this collection cannot be migrated; "
                                                      "--skip-damaged leaves it out"});
}

/* Decides whether a collection can be read; says why not. */
static enum err_code judge_collection(struct build *build, const struct meta_table *row,
                                      bool *ret_is_sound)
{
    *ret_is_sound = false;
    if (!layout_name_is_safe(row->table_id))
        return refuse(build, row, "collection-name", "a name that cannot be a folder",
                      "letters, digits and underscores");
    if (is_hybrid(build->meta, row->table_id))
        return refuse(build, row, "hybrid-collection",
                      "a hybrid collection: it has attribute columns beside its vectors",
                      "vectors and ids only");
    if (row->metric_type < METRIC_L2 || row->metric_type > METRIC_SUPERSTRUCTURE)
        return refuse(build, row, "metric-unknown",
                      REPORT_TEXT("metric type %" PRId64, row->metric_type), "1 to 7");
    const enum metric_type metric = (enum metric_type)row->metric_type;
    const bool is_cut = row->dimension == INT16_MAX; /* settled by the files, see dimension.c */
    if (!metric_dim_is_valid(metric, row->dimension) && !is_cut)
        return refuse(build, row, "dimension-impossible",
                      REPORT_TEXT("dimension %" PRId64, row->dimension),
                      metric_is_binary(metric) ? "dimension 8 to 32768, a multiple of 8"
                                               : "dimension 1 to 32768");
    *ret_is_sound = true;
    return ERR_OK;
}

static enum err_code note_index(struct build *build, const struct catalog1_collection *collection)
{
    const struct meta_table *row = collection->row;
    if (build->meta->is_lean || *catalog1_index_name(row->engine_type, collection->metric) != '\0')
        return ERR_OK;
    return add(build,
               (struct finding){.severity = FINDING_NOTE,
                                .code = "index-type-unknown",
                                .collection = row->table_id,
                                .path = build->meta->where,
                                .found = REPORT_TEXT("index type %" PRId64, row->engine_type),
                                .expected = "1 to 12",
                                .consequence = "vectors are migrated all the same"});
}

/* An old export cannot tell a partition from a collection, but a collection's name never begins
 * with a digit, and a partition's folder always does. */
static enum err_code note_lean(struct build *build, const struct meta_table *row)
{
    if (!build->meta->is_lean || row->table_id[0] < '0' || row->table_id[0] > '9')
        return ERR_OK;
    return add(build,
               (struct finding){.severity = FINDING_WARNING,
                                .code = "partition-without-owner",
                                .collection = row->table_id,
                                .path = build->meta->where,
                                .found = "a name that only a partition's folder can have",
                                .expected = "owner and tag, which this meta.json does not hold",
                                .consequence = "its rows become a collection of their own (use "
                                               "--rename), or package the installation anew with "
                                               "godwit package, which keeps partitions"});
}

static enum err_code add_collection(struct build *build, const struct meta_table *row)
{
    bool is_sound;
    enum err_code code = judge_collection(build, row, &is_sound);
    if (code != ERR_OK || !is_sound)
        return code;
    const enum metric_type metric = (enum metric_type)row->metric_type;
    const size_t dim = (size_t)row->dimension;
    struct catalog1_collection *collection =
        &build->catalog->collections[build->catalog->collection_count++];
    *collection = (struct catalog1_collection){
        .row = row, .metric = metric, .dim = dim, .row_size = metric_row_size(metric, dim)};
    code = note_index(build, collection);
    return code == ERR_OK ? note_lean(build, row) : code;
}

static enum err_code find_owners(struct build *build)
{
    const struct meta *meta = build->meta;
    build->owners = arena_array(build->arena, meta->table_count, sizeof(struct meta_table *));
    if (build->owners == NULL)
        return err_nomem(build->err, "collections");
    for (size_t k = 0; k < meta->table_count; k++)
        if (is_visible(&meta->tables[k]) && *meta->tables[k].owner_table == '\0')
            build->owners[build->owner_count++] = &meta->tables[k];
    qsort(build->owners, build->owner_count, sizeof(struct meta_table *), compare_rows);
    return ERR_OK;
}

static enum err_code add_collections(struct build *build)
{
    struct catalog1 *catalog = build->catalog;
    catalog->collections =
        arena_array(build->arena, build->owner_count, sizeof *catalog->collections);
    if (catalog->collections == NULL)
        return err_nomem(build->err, "collections");
    for (size_t k = 0; k < build->owner_count; k++) {
        const struct meta_table *row = build->owners[k];
        enum err_code code;
        if (k > 0 && strcmp(row->table_id, build->owners[k - 1]->table_id) == 0)
            code = add(build, (struct finding){.severity = FINDING_WARNING,
                                               .code = "collection-twice",
                                               .collection = row->table_id,
                                               .path = build->meta->where,
                                               .found = "a second row of this name in Tables",
                                               .expected = "one",
                                               .consequence = "the first one is used"});
        else
            code = add_collection(build, row);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* ------------------------------------------------------------------------------- partitions */

static int compare_owner(const void *key, const void *element)
{
    return strcmp(key, (*(const struct meta_table *const *)element)->table_id);
}

static int compare_partitions(const void *a, const void *b)
{
    const struct meta_table *x = *(const struct meta_table *const *)a;
    const struct meta_table *y = *(const struct meta_table *const *)b;
    const int order = strcmp(x->owner_table, y->owner_table);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* Partitions of a dropped or vanished collection are invisible, as the server has it. */
static enum err_code note_orphan(struct build *build, const struct meta_table *row)
{
    return add(build, (struct finding){.severity = FINDING_NOTE,
                                       .code = "partition-orphan",
                                       .collection = row->owner_table,
                                       .partition = row->partition_tag,
                                       .path = build->meta->where,
                                       .found = "a partition whose collection is dropped or gone",
                                       .expected = "a living collection",
                                       .consequence = "not migrated: the server does not show it"});
}

/* A partition left over from a dropped collection becomes one of a new collection of that name; the
 * server shows it, but its vectors may have another size. */
static enum err_code judge_partition(struct build *build,
                                     const struct catalog1_collection *collection,
                                     const struct meta_table *row, bool *ret_is_sound)
{
    const struct meta_table *owner = collection->row;
    *ret_is_sound = layout_name_is_safe(row->table_id) && row->dimension == owner->dimension &&
                    row->metric_type >= METRIC_L2 && row->metric_type <= METRIC_SUPERSTRUCTURE &&
                    metric_is_binary((enum metric_type)row->metric_type) ==
                        metric_is_binary(collection->metric);
    if (*ret_is_sound)
        return ERR_OK;
    return add(
        build,
        (struct finding){
            .severity = FINDING_DAMAGE,
            .code = "partition-mismatch",
            .collection = owner->table_id,
            .partition = row->partition_tag,
            .path = build->meta->where,
            .found = REPORT_TEXT("dimension %" PRId64 ", metric type %" PRId64 ", folder \"%s\"",
                                 row->dimension, row->metric_type, row->table_id),
            .expected =
                REPORT_TEXT("dimension %" PRId64 ", metric type %" PRId64 " of its collection",
                            owner->dimension, owner->metric_type),
            .consequence = "this partition is not migrated; it is probably left over from "
                           "an earlier collection of this name"});
}

static enum err_code note_twin(struct build *build, const struct catalog1_collection *collection)
{
    return add(build, (struct finding){.severity = FINDING_WARNING,
                                       .code = "partition-reserved-tag",
                                       .collection = collection->row->table_id,
                                       .partition = PARTITION_DEFAULT,
                                       .path = build->meta->where,
                                       .found = "a stored partition with the reserved tag _default",
                                       .expected = "any other tag",
                                       .consequence = "its rows are migrated into the default "
                                                      "partition"});
}

/* Index of the tag in the collection, made when new. */
static enum err_code place_tag(struct build *build, struct catalog1_collection *collection,
                               const struct meta_table *row, size_t *ret_partition)
{
    const char *tag = row->partition_tag;
    if (*tag == '\0' || strcmp(tag, PARTITION_DEFAULT) == 0) {
        *ret_partition = 0;
        collection->has_reserved_twin = true;
        return note_twin(build, collection);
    }
    size_t k = 1;
    while (k < collection->tag_count && strcmp(collection->tags[k], tag) != 0)
        k++;
    *ret_partition = k;
    if (k < collection->tag_count)
        return add(build, (struct finding){.severity = FINDING_WARNING,
                                           .code = "partition-twice",
                                           .collection = row->owner_table,
                                           .partition = tag,
                                           .path = build->meta->where,
                                           .found = "a second partition of this tag",
                                           .expected = "one",
                                           .consequence = "rows of both are migrated into one"});
    collection->tags[collection->tag_count++] = tag;
    return ERR_OK;
}

static enum err_code add_partitions_of(struct build *build, size_t index,
                                       const struct meta_table **rows, size_t count)
{
    struct catalog1 *catalog = build->catalog;
    struct catalog1_collection *collection = &catalog->collections[index];
    collection->tags = arena_array(build->arena, count + 1, sizeof(char *));
    if (collection->tags == NULL)
        return err_nomem(build->err, "partitions");
    collection->tags[collection->tag_count++] = PARTITION_DEFAULT;
    collection->first_table = catalog->table_count;
    catalog->tables[catalog->table_count++] =
        (struct catalog1_table){.row = collection->row, .collection = index};
    for (size_t k = 0; k < count; k++) {
        bool is_sound;
        size_t partition = 0;
        enum err_code code = judge_partition(build, collection, rows[k], &is_sound);
        if (code == ERR_OK && is_sound)
            code = place_tag(build, collection, rows[k], &partition);
        if (code != ERR_OK)
            return code;
        if (is_sound)
            catalog->tables[catalog->table_count++] = (struct catalog1_table){
                .row = rows[k], .collection = index, .partition = partition};
    }
    collection->table_count = catalog->table_count - collection->first_table;
    return ERR_OK;
}

/* Visible partition rows by owner; orphans are told and left out. */
static enum err_code find_partitions(struct build *build, const struct meta_table ***ret_rows,
                                     size_t *ret_count)
{
    const struct meta *meta = build->meta;
    const struct meta_table **rows =
        arena_array(build->arena, meta->table_count, sizeof(struct meta_table *));
    if (rows == NULL)
        return err_nomem(build->err, "partitions");
    size_t count = 0;
    for (size_t k = 0; k < meta->table_count; k++) {
        const struct meta_table *row = &meta->tables[k];
        if (!is_visible(row) || *row->owner_table == '\0')
            continue;
        if (bsearch(row->owner_table, build->owners, build->owner_count,
                    sizeof(struct meta_table *), compare_owner) != NULL) {
            rows[count++] = row;
            continue;
        }
        const enum err_code code = note_orphan(build, row);
        if (code != ERR_OK)
            return code;
    }
    qsort(rows, count, sizeof(struct meta_table *), compare_partitions);
    *ret_rows = rows;
    *ret_count = count;
    return ERR_OK;
}

static enum err_code add_tables(struct build *build)
{
    struct catalog1 *catalog = build->catalog;
    const struct meta_table **rows = NULL;
    size_t count = 0;
    enum err_code code = find_partitions(build, &rows, &count);
    if (code != ERR_OK)
        return code;
    catalog->tables =
        arena_array(build->arena, count + catalog->collection_count, sizeof *catalog->tables);
    if (catalog->tables == NULL)
        return err_nomem(build->err, "partitions");
    size_t at = 0; /* rows and collections are in the same order */
    for (size_t k = 0; k < catalog->collection_count && code == ERR_OK; k++) {
        const char *name = catalog->collections[k].row->table_id;
        while (at < count && strcmp(rows[at]->owner_table, name) < 0)
            at++; /* of a refused collection */
        size_t end = at;
        while (end < count && strcmp(rows[end]->owner_table, name) == 0)
            end++;
        code = add_partitions_of(build, k, rows + at, end - at);
        at = end;
    }
    for (size_t k = 0; k < catalog->table_count; k++)
        if (catalog->tables[k].row->flush_lsn > catalog->flush_lsn_max)
            catalog->flush_lsn_max = catalog->tables[k].row->flush_lsn;
    return code;
}

/* --------------------------------------------------------------------------------- segments */

static bool is_live_type(int64_t type)
{
    return type == META_FILE_RAW || type == META_FILE_TO_INDEX || type == META_FILE_INDEX ||
           type == META_FILE_BACKUP;
}

static int compare_files(const void *a, const void *b)
{
    const struct meta_file *x = *(const struct meta_file *const *)a;
    const struct meta_file *y = *(const struct meta_file *const *)b;
    int order = strcmp(x->table_id, y->table_id);
    if (order == 0)
        order = strcmp(x->segment_id, y->segment_id);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static int compare_segments(const void *a, const void *b)
{
    const struct catalog1_segment *x = a, *y = b;
    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : strcmp(x->segment_id, y->segment_id);
}

static void add_file(struct catalog1_segment *segment, const struct meta_file *file)
{
    const bool is_raw = strcmp(file->file_id, file->segment_id) == 0;
    if (segment->has_raw_row && !is_raw)
        return;
    segment->order = file->id > 0 ? (uint64_t)file->id : 0;
    segment->row_count = file->row_count;
    segment->file_size = file->file_size;
    segment->created_on = file->created_on;
    segment->has_raw_row = is_raw;
}

/* `files`: all file rows of one table, sorted by segment. */
static enum err_code add_segments(struct build *build, struct catalog1_table *table,
                                  const struct meta_file **files, size_t count)
{
    table->segments = arena_array(build->arena, count, sizeof *table->segments);
    if (table->segments == NULL)
        return err_nomem(build->err, "segments");
    for (size_t k = 0; k < count; k++) {
        const struct meta_file *file = files[k];
        table->new_rows += file->file_type == META_FILE_NEW;
        if (!is_live_type(file->file_type))
            continue;
        struct catalog1_segment *last =
            table->segment_count > 0 ? &table->segments[table->segment_count - 1] : NULL;
        if (last == NULL || strcmp(last->segment_id, file->segment_id) != 0) {
            last = &table->segments[table->segment_count++];
            *last = (struct catalog1_segment){.segment_id = file->segment_id};
            add_file(last, file);
        } else if (!last->has_raw_row && strcmp(file->file_id, file->segment_id) == 0) {
            add_file(last, file);
        }
    }
    qsort(table->segments, table->segment_count, sizeof *table->segments, compare_segments);
    return ERR_OK;
}

static enum err_code add_files(struct build *build)
{
    const struct meta *meta = build->meta;
    const struct meta_file **files = mem_alloc(meta->file_count, sizeof(struct meta_file *));
    if (files == NULL)
        return err_nomem(build->err, "segments");
    for (size_t k = 0; k < meta->file_count; k++)
        files[k] = &meta->files[k];
    qsort(files, meta->file_count, sizeof(struct meta_file *), compare_files);
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < build->catalog->table_count && code == ERR_OK; k++) {
        struct catalog1_table *table = &build->catalog->tables[k];
        size_t low = 0, high = meta->file_count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (strcmp(files[middle]->table_id, table->row->table_id) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        while (high < meta->file_count && strcmp(files[high]->table_id, table->row->table_id) == 0)
            high++;
        code = add_segments(build, table, files + low, high - low);
    }
    mem_free(files);
    return code;
}

static enum err_code note_meta(struct build *build)
{
    if (!build->meta->is_lean)
        return ERR_OK;
    return add(build,
               (struct finding){.severity = FINDING_WARNING,
                                .code = "metadata-lean",
                                .path = build->meta->where,
                                .found = "a meta.json of the old tool: without partitions, index, "
                                         "ids' origin and log positions",
                                .expected = "a meta.json of godwit export or godwit package",
                                .consequence = "what it does not say cannot be known: partitions "
                                               "look like collections; migrate from the "
                                               "installation itself if it still exists"});
}

enum err_code catalog1_build(const struct meta *meta, struct arena *arena,
                             struct finding_list *findings, struct catalog1 *ret_catalog,
                             struct err *err)
{
    struct catalog1 catalog = {0};
    struct build build = {
        .meta = meta, .arena = arena, .findings = findings, .catalog = &catalog, .err = err};
    enum err_code code = note_meta(&build);
    if (code == ERR_OK)
        code = find_owners(&build);
    if (code == ERR_OK)
        code = add_collections(&build);
    if (code == ERR_OK)
        code = add_tables(&build);
    if (code == ERR_OK)
        code = add_files(&build);
    if (code == ERR_OK)
        *ret_catalog = catalog;
    return code;
}

const struct catalog1_collection *catalog1_find(const struct catalog1 *catalog, const char *name,
                                                size_t name_size)
{
    size_t low = 0, high = catalog->collection_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *other = catalog->collections[middle].row->table_id;
        const size_t other_size = strlen(other);
        const size_t common = name_size < other_size ? name_size : other_size;
        int order = memcmp(name, other, common);
        if (order == 0)
            order = (name_size > other_size) - (name_size < other_size);
        if (order == 0)
            return &catalog->collections[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *catalog1_index_name(int64_t engine_type, enum metric_type metric)
{
    static const char *const names[] = {
        "",          "FLAT",      "IVF_FLAT", "IVF_SQ8",      "RNSG", "IVF_SQ8H", "IVF_PQ",
        "SPTAG_KDT", "SPTAG_BKT", "BIN_FLAT", "BIN_IVF_FLAT", "HNSW", "ANNOY"};
    const int64_t count = (int64_t)(sizeof names / sizeof *names);
    if (engine_type < 0 || engine_type >= count)
        return "";
    /* Dropping an index left float types on binary collections. */
    if (metric_is_binary(metric) && (engine_type == 1 || engine_type == 2))
        engine_type += 8;
    return names[engine_type];
}
