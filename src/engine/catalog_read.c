/* catalog_read.c: collections, partitions and segments out of the catalog, into an arena. Every
 * number is checked before somebody allocates or seeks by it. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "engine/catalog.h"
#include "flow/source.h"

#define OFFSET_MAX ((uint64_t)1 << 62)

/* An integer in 0..max. */
static bool read_bounded(struct sql_statement *statement, int column, uint64_t max,
                         uint64_t *ret_value)
{
    const int64_t value = sql_column_int(statement, column);
    if (value < 0 || (uint64_t)value > max)
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

enum err_code catalog_segment_read(struct sql_statement *statement, int first, size_t row_size,
                                   struct segment_facts *ret_facts, struct err *err)
{
    struct segment_facts facts = {.row_size = row_size};
    if (!read_bounded(statement, first, INT64_MAX, &facts.folder) ||
        !read_bounded(statement, first + 1, INT64_MAX, &facts.number) ||
        !read_bounded(statement, first + 2, SEGMENT_ROWS_MAX, &facts.rows) ||
        !read_bounded(statement, first + 3, facts.rows, &facts.dead_rows) ||
        !read_bounded(statement, first + 4, OFFSET_MAX, &facts.ids_offset) ||
        !read_bounded(statement, first + 5, OFFSET_MAX, &facts.vectors_offset))
        return err_set(err, ERR_CORRUPT, "a segment has a number that is not possible");
    facts.sums_hash = (uint64_t)sql_column_int(statement, first + 6);
    facts.dead_hash = (uint64_t)sql_column_int(statement, first + 7);
    *ret_facts = facts;
    return ERR_OK;
}

enum err_code catalog_names(struct sql *sql, struct arena *arena, const char ***ret_names,
                            size_t *ret_count, struct err *err)
{
    struct catalog_answer answer = {0};
    enum err_code code =
        catalog_ask(sql, &answer, err, "SELECT count(*) FROM collection WHERE token IS NULL", "");
    if (code != ERR_OK)
        return code;
    const int64_t total = answer.value;
    if (total > CATALOG_COLLECTIONS_MAX)
        return err_set(err, ERR_CORRUPT, "%s: %" PRId64 " collections found, at most %d expected",
                       sql_path(sql), total, CATALOG_COLLECTIONS_MAX);
    const char **names = arena_array(arena, (size_t)total + 1, sizeof *names);
    if (names == NULL)
        return err_nomem(err, sql_path(sql));
    struct sql_statement *statement = NULL;
    code = sql_prepare(sql, "SELECT name FROM collection WHERE token IS NULL ORDER BY name",
                       &statement, err);
    size_t count = 0;
    bool has_row = true;
    while (code == ERR_OK && has_row && count < (size_t)total) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row &&
            (names[count++] = arena_strdup(arena, sql_column_text(statement, 0))) == NULL)
            code = err_nomem(err, sql_path(sql));
    }
    sql_finalize(statement);
    *ret_names = names;
    *ret_count = count;
    return code;
}

static enum err_code read_facts(struct sql *sql, struct sql_statement *statement,
                                struct arena *arena, struct catalog_collection *ret_collection,
                                struct err *err)
{
    struct collection_facts *facts = &ret_collection->facts;
    const int64_t metric = sql_column_int(statement, 2);
    const int64_t dim = sql_column_int(statement, 3);
    if (metric <= METRIC_NONE || metric >= METRIC_COUNT ||
        !metric_dim_is_valid((enum metric_type)metric, dim))
        return err_set(err, ERR_CORRUPT,
                       "%s: metric %" PRId64 ", dimension %" PRId64 " is not possible",
                       sql_path(sql), metric, dim);
    ret_collection->id = sql_column_int(statement, 0);
    facts->name = arena_strdup(arena, sql_column_text(statement, 1));
    facts->metric = (enum metric_type)metric;
    facts->dim = (size_t)dim;
    facts->row_size = metric_row_size(facts->metric, facts->dim);
    facts->has_auto_ids = sql_column_int(statement, 4) != 0;
    facts->index_type = arena_strdup(arena, sql_column_text(statement, 5));
    facts->index_params = arena_strdup(arena, sql_column_text(statement, 6));
    facts->index_file_size = (uint64_t)sql_column_int(statement, 7);
    facts->created_us = sql_column_int(statement, 8);
    facts->may_have_duplicates = sql_column_int(statement, 9) != 0;
    if (facts->name == NULL || facts->index_type == NULL || facts->index_params == NULL)
        return err_nomem(err, sql_path(sql));
    return ERR_OK;
}

static enum err_code load_facts(struct sql *sql, const char *name, struct arena *arena,
                                struct catalog_collection *ret_collection, struct err *err)
{
    struct sql_statement *statement = NULL;
    bool has_row = false;
    enum err_code code = sql_prepare(
        sql,
        "SELECT id, name, metric, dim, has_auto_ids, index_type, index_params, index_file_size,"
        " created_us, duplicate_ids FROM collection WHERE name = ?1 AND token IS NULL",
        &statement, err);
    if (code == ERR_OK) {
        sql_bind_text(statement, 1, name);
        code = sql_step(statement, &has_row, err);
    }
    if (code == ERR_OK && !has_row)
        code =
            err_set(err, ERR_NO_COLLECTION, "collection %s: not found in %s", name, sql_path(sql));
    if (code == ERR_OK)
        code = read_facts(sql, statement, arena, ret_collection, err);
    sql_finalize(statement);
    return code;
}

/* How many rows a statement about this collection answers, checked against a maximum. */
static enum err_code count_rows(struct sql *sql, const char *statement, int64_t collection,
                                size_t max, size_t *ret_count, struct err *err)
{
    struct catalog_answer count = {0};
    const enum err_code code = catalog_ask(sql, &count, err, statement, "i", collection);
    if (code == ERR_OK && (count.value < 0 || (uint64_t)count.value > max))
        return err_set(err, ERR_CORRUPT, "%s: %" PRId64 " entries found, at most %zu expected",
                       sql_path(sql), count.value, max);
    if (code == ERR_OK)
        *ret_count = (size_t)count.value;
    return code;
}

/* The partitions; `*ret_ids` gets their catalog ids in the same order. */
static enum err_code load_partitions(struct sql *sql, struct arena *arena,
                                     struct catalog_collection *collection, int64_t **ret_ids,
                                     struct err *err)
{
    size_t total = 0;
    enum err_code code = count_rows(sql, "SELECT count(*) FROM partition WHERE collection = ?1",
                                    collection->id, CATALOG_PARTITIONS_MAX, &total, err);
    if (code != ERR_OK)
        return code;
    struct partition_facts *partitions = arena_array(arena, total + 1, sizeof *partitions);
    int64_t *ids = arena_array(arena, total + 1, sizeof *ids);
    if (partitions == NULL || ids == NULL)
        return err_nomem(err, sql_path(sql));
    struct sql_statement *statement = NULL;
    code = sql_prepare(sql,
                       "SELECT id, name FROM partition WHERE collection = ?1"
                       " ORDER BY name <> '_default', name",
                       &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, collection->id);
    size_t count = 0;
    bool has_row = true;
    while (code == ERR_OK && has_row && count < total) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        ids[count] = sql_column_int(statement, 0);
        partitions[count].name = arena_strdup(arena, sql_column_text(statement, 1));
        if (partitions[count++].name == NULL)
            code = err_nomem(err, sql_path(sql));
    }
    sql_finalize(statement);
    if (code == ERR_OK && (count == 0 || strcmp(partitions[0].name, PARTITION_DEFAULT) != 0))
        code = err_set(err, ERR_CORRUPT, "%s: collection %s has no partition " PARTITION_DEFAULT,
                       sql_path(sql), collection->facts.name);
    collection->facts.partitions = partitions;
    collection->facts.partition_count = count;
    *ret_ids = ids;
    return code;
}

static bool find_partition(const int64_t *ids, size_t count, int64_t id, size_t *ret_index)
{
    for (size_t k = 0; k < count; k++) {
        if (ids[k] == id) {
            *ret_index = k;
            return true;
        }
    }
    return false;
}

static enum err_code read_segment(struct sql *sql, struct sql_statement *statement,
                                  const int64_t *partition_ids,
                                  struct catalog_collection *collection, struct err *err)
{
    struct collection_facts *facts = &collection->facts;
    struct segment_facts *segment = &collection->segments[facts->segment_count];
    enum err_code code = catalog_segment_read(statement, 1, facts->row_size, segment, err);
    if (code != ERR_OK)
        return err_wrap(err, "%s: collection %s", sql_path(sql), facts->name);
    if (!find_partition(partition_ids, facts->partition_count, sql_column_int(statement, 0),
                        &segment->partition))
        return err_set(err, ERR_CORRUPT, "%s: collection %s: a segment is in no partition",
                       sql_path(sql), facts->name);
    struct partition_facts *partition = &facts->partitions[segment->partition];
    partition->rows += segment->rows - segment->dead_rows;
    partition->segment_count++;
    facts->rows += segment->rows - segment->dead_rows;
    facts->dead_rows += segment->dead_rows;
    facts->size += segment->rows * (8 + facts->row_size);
    facts->segment_count++;
    return ERR_OK;
}

static enum err_code load_segments(struct sql *sql, struct arena *arena,
                                   const int64_t *partition_ids,
                                   struct catalog_collection *collection, struct err *err)
{
    size_t total = 0;
    enum err_code code =
        count_rows(sql, "SELECT count(*) FROM segment WHERE collection = ?1 AND rows > 0",
                   collection->id, CATALOG_SEGMENTS_MAX, &total, err);
    if (code != ERR_OK)
        return code;
    collection->segments = arena_array(arena, total + 1, sizeof *collection->segments);
    if (collection->segments == NULL)
        return err_nomem(err, sql_path(sql));
    struct sql_statement *statement = NULL;
    code = sql_prepare(sql,
                       "SELECT partition, " SEGMENT_COLUMNS
                       " FROM segment WHERE collection = ?1 AND rows > 0 ORDER BY ord, id",
                       &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, collection->id);
    bool has_row = true;
    while (code == ERR_OK && has_row && collection->facts.segment_count < total) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            code = read_segment(sql, statement, partition_ids, collection, err);
    }
    sql_finalize(statement);
    return code;
}

enum err_code catalog_load(struct sql *sql, const char *name, struct arena *arena,
                           struct catalog_collection *ret_collection, struct err *err)
{
    struct catalog_collection collection = {0};
    int64_t *partition_ids = NULL;
    enum err_code code = load_facts(sql, name, arena, &collection, err);
    if (code == ERR_OK)
        code = load_partitions(sql, arena, &collection, &partition_ids, err);
    if (code == ERR_OK)
        code = load_segments(sql, arena, partition_ids, &collection, err);
    collection.partition_ids = partition_ids;
    if (code == ERR_OK)
        *ret_collection = collection;
    return code;
}
