/* meta_json.c: metadata from a meta.json.
 *
 * The old tool's form (milvus-migration, core/type/milvustype/type.go) is a list of "collections",
 * really of rows of `Tables`, each with its segments; it names neither owner nor tag of a
 * partition. Ours (docs/meta-json.md, written by export.c) is a superset: "version" at the top,
 * "partitions", "index" and more in each collection, and what a reader of the old form ignores. The
 * form is told by "version". Unknown fields are ignored, so later versions may add some. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "milvus1/meta_json.h"
#include "milvus1/meta_rows.h"

#define META_JSON_SIZE_MAX ((size_t)1 << 30)

/* What is being read, for messages and for what a lean file leaves out. */
struct json_walk {
    struct meta_rows *rows;
    bool is_lean;
    int64_t next_id;    /* for ids that the file does not give */
    size_t first_table; /* of the collection at hand; its partitions follow */
};

static enum err_code wrong(const char *where, size_t index, const char *key, const char *expected,
                           struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s number %zu: \"%s\": %s expected", where, index, key,
                   expected);
}

/* An optional integer. */
static bool read_int(const struct json *object, const char *key, int64_t *value)
{
    const struct json *found = js_get(object, key);
    if (found != NULL && !js_is_int(found))
        return false;
    *value = js_int(found, *value);
    return true;
}

/* An optional integer not below zero. */
static bool read_count(const struct json *object, const char *key, int64_t *value)
{
    return read_int(object, key, value) && *value >= 0;
}

/* Bytes that are no valid UTF-8 stand beside the readable text, as hexadecimal digits. */
static bool decode_hex(const char *hex, char *buffer, size_t size)
{
    const size_t length = strlen(hex);
    if (length % 2 != 0 || length / 2 >= size)
        return false;
    for (size_t k = 0; k < length / 2; k++) {
        static const char digits[] = "0123456789abcdef";
        const char *high = strchr(digits, hex[2 * k]);
        const char *low = strchr(digits, hex[2 * k + 1]);
        if (high == NULL || low == NULL || (high == digits && low == digits))
            return false;
        buffer[k] = (char)((high - digits) * 16 + (low - digits));
    }
    buffer[length / 2] = '\0';
    return true;
}

/* index_params is kept as text; the file has it as an object when that loses nothing. `*ret_own` is
 * freed by the caller. */
static enum err_code read_params(const struct json *index, const char **ret_params, char **ret_own,
                                 struct err *err)
{
    const struct json *params = js_get(index, "params");
    *ret_params = js_string(params, "{}");
    if (!js_is_object(params))
        return ERR_OK;
    *ret_own = js_dump(params);
    if (*ret_own == NULL)
        return err_nomem(err, "index params");
    *ret_params = *ret_own;
    return ERR_OK;
}

static bool read_table_numbers(const struct json *object, struct meta_table *table)
{
    int64_t lsn = 0;
    const bool is_fine = read_int(object, "metric", &table->metric_type) &&
                         read_int(object, "dim", &table->dimension) &&
                         read_int(object, "id", &table->id) &&
                         read_int(object, "created_on", &table->created_on) &&
                         read_int(object, "flag", &table->flag) &&
                         read_int(object, "index_file_size", &table->index_file_size) &&
                         read_count(object, "flush_lsn", &lsn) &&
                         read_int(js_get(object, "index"), "engine_type", &table->engine_type);
    table->flush_lsn = (uint64_t)lsn;
    return is_fine;
}

/* A collection or partition object becomes a row of Tables. */
static enum err_code take_table(struct json_walk *walk, const struct json *object, size_t index,
                                struct meta_table *table, struct err *err)
{
    char tag[META_TEXT_MAX + 1];
    char *params = NULL;
    table->id = walk->next_id++;
    table->engine_type = 1;
    table->table_id = js_string(js_get(object, "collection"), "");
    table->partition_tag = js_string(js_get(object, "tag"), "");
    table->version = js_string(js_get(object, "server_version"), "");
    if (*table->table_id == '\0')
        return wrong("collection", index, "collection", "a name", err);
    if (!read_table_numbers(object, table))
        return wrong("collection", index, table->table_id, "numbers", err);
    const struct json *hex = js_get(object, "tag_bytes");
    if (hex != NULL) {
        if (!decode_hex(js_string(hex, "-"), tag, sizeof tag))
            return wrong("collection", index, "tag_bytes", "hexadecimal digits", err);
        table->partition_tag = tag;
    }
    enum err_code code = read_params(js_get(object, "index"), &table->index_params, &params, err);
    if (code == ERR_OK)
        code = meta_rows_add_table(walk->rows, table, err);
    mem_free(params);
    return code;
}

/* Is this the folder of the collection at hand, or of one of its partitions? */
static bool is_known_folder(const struct json_walk *walk, const char *table_id)
{
    const struct meta *meta = &walk->rows->meta;
    for (size_t k = walk->first_table; k < meta->table_count; k++)
        if (strcmp(meta->tables[k].table_id, table_id) == 0)
            return true;
    return false;
}

static enum err_code take_segment(struct json_walk *walk, const struct json *object, size_t index,
                                  struct err *err)
{
    struct meta_file file = {.id = walk->next_id++,
                             .file_type = META_FILE_RAW,
                             .engine_type = 1,
                             .table_id = js_string(js_get(object, "collection"), ""),
                             .segment_id = js_string(js_get(object, "segment"), "")};
    file.file_id = js_string(js_get(object, "file"), file.segment_id);
    if (*file.table_id == '\0' || *file.segment_id == '\0')
        return wrong("segment", index, "collection, segment", "two names", err);
    if (!is_known_folder(walk, file.table_id))
        return err_set(err, ERR_CORRUPT,
                       "segment %zu, %s: it lies in the folder %s, which is no collection's or "
                       "partition's here, so its rows would be lost; export the metadata again, or "
                       "migrate from the installation itself",
                       index, file.segment_id, file.table_id);
    if (!read_count(object, "rows", &file.row_count) ||
        !read_count(object, "fileSize", &file.file_size) || !read_int(object, "id", &file.id) ||
        !read_int(object, "type", &file.file_type) ||
        !read_int(object, "engine_type", &file.engine_type) ||
        !read_int(object, "created_on", &file.created_on) ||
        !read_int(object, "updated_on", &file.updated_time))
        return wrong("segment", index, file.segment_id, "numbers", err);
    return meta_rows_add_file(walk->rows, &file, err);
}

/* `partitions` of a collection, or its `dropped` ones. */
static enum err_code take_partitions(struct json_walk *walk, const struct json *partitions,
                                     const struct meta_table *owner, int64_t state, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < js_size(partitions); k++) {
        struct meta_table partition = *owner;
        partition.flag = 0;
        partition.state = state;
        partition.owner_table = owner->table_id;
        code = take_table(walk, js_at(partitions, k), k, &partition, err);
    }
    return code;
}

static enum err_code take_collection(struct json_walk *walk, const struct json *object,
                                     size_t index, struct err *err)
{
    struct meta_table table = {.owner_table = ""};
    walk->first_table = walk->rows->meta.table_count;
    if (!js_is_object(object) || js_get(object, "metric") == NULL || js_get(object, "dim") == NULL)
        return wrong("collection", index, "metric, dim", "two numbers", err);
    const struct json *segments = js_get(object, "segments");
    if (js_is_object(segments) || js_is_string(segments) || js_is_number(segments))
        return wrong("collection", index, "segments", "a list", err);
    enum err_code code = take_table(walk, object, index, &table, err);
    if (code == ERR_OK && !walk->is_lean)
        code = take_partitions(walk, js_get(object, "partitions"), &table, META_TABLE_NORMAL, err);
    if (code == ERR_OK && !walk->is_lean)
        code = take_partitions(walk, js_get(object, "dropped"), &table, META_TABLE_TO_DELETE, err);
    for (size_t k = 0; code == ERR_OK && k < js_size(segments); k++)
        code = take_segment(walk, js_at(segments, k), k, err);
    if (code == ERR_OK && js_is_true(js_get(object, "hybrid")))
        code = meta_rows_add_hybrid(walk->rows, table.table_id, err);
    return code;
}

static enum err_code check_version(const struct json *document, bool *ret_is_lean, struct err *err)
{
    const struct json *version = js_get(document, "version");
    *ret_is_lean = version == NULL;
    const int64_t number = js_int(version, version == NULL ? 1 : 0);
    if (number < 1)
        return err_set(err, ERR_CORRUPT, "\"version\": a number from 1 on expected");
    if (number > META_JSON_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "\"version\" %" PRId64
                       " found, this program reads up to %d; use a newer one",
                       number, META_JSON_VERSION);
    return ERR_OK;
}

/* Absent when nobody knew it. */
static enum err_code take_log_state(const struct json *document, struct meta *meta, struct err *err)
{
    const struct json *log = js_get(document, "log");
    const char *name = js_string(log, "");
    if (strcmp(name, "on") == 0)
        meta->log_state = LOG_ON;
    else if (strcmp(name, "off") == 0)
        meta->log_state = LOG_OFF;
    else if (log != NULL)
        return err_set(err, ERR_CORRUPT, "\"log\": \"on\" or \"off\" expected");
    return ERR_OK;
}

static enum err_code take_document(const struct json *document, struct meta_rows *rows,
                                   struct err *err)
{
    struct json_walk walk = {.rows = rows, .next_id = 1};
    const struct json *collections = js_get(document, "collections");
    if (!js_is_array(collections))
        return err_set(err, ERR_CORRUPT, "no meta.json: a list \"collections\" expected");
    enum err_code code = check_version(document, &walk.is_lean, err);
    if (code != ERR_OK)
        return code;
    rows->meta.is_lean = walk.is_lean;
    int64_t lsn = 0;
    if (!read_count(document, "global_lsn", &lsn))
        return err_set(err, ERR_CORRUPT, "\"global_lsn\": a number not below zero expected");
    rows->meta.has_global_lsn = js_get(document, "global_lsn") != NULL;
    rows->meta.global_lsn = (uint64_t)lsn;
    if (!walk.is_lean)
        code = take_log_state(document, &rows->meta, err);
    for (size_t k = 0; code == ERR_OK && k < js_size(collections); k++)
        code = take_collection(&walk, js_at(collections, k), k, err);
    return code;
}

static enum err_code decode(const char *text, size_t size, const char *where, struct meta *ret_meta,
                            struct err *err)
{
    struct json *document = NULL;
    struct meta_rows rows;
    enum err_code code = meta_rows_init(&rows, META_JSON, where, err);
    if (code == ERR_OK)
        code = js_parse(text, size, &document, err);
    if (code == ERR_OK)
        code = take_document(document, &rows, err);
    js_free(document);
    if (code == ERR_OK)
        meta_rows_take(&rows, ret_meta);
    meta_rows_release(&rows);
    return code;
}

enum err_code meta_json_decode(const char *text, size_t size, struct meta *ret_meta,
                               struct err *err)
{
    return decode(text, size, "meta.json", ret_meta, err);
}

enum err_code meta_json_load(const struct store *store, const char *path, struct meta *ret_meta,
                             struct err *err)
{
    void *text = NULL;
    size_t size = 0;
    enum err_code code = store_read_all(store, path, META_JSON_SIZE_MAX, &text, &size, err);
    if (code != ERR_OK)
        return code;
    code = decode(text, size, path, ret_meta, err);
    if (code != ERR_OK && err != NULL)
        (void)err_wrap(err, "%s", path);
    mem_free(text);
    return code;
}
