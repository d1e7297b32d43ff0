/* rows_fixture.c: see rows_fixture.h. */
#include "rows_fixture.h"

#include <inttypes.h>

#include "engine/vector_convert.h"

static bool text_keys_of(const struct snapshot *snapshot)
{
    return snapshot_info(snapshot)->schema.fields[FIXTURE_KEY].type == FIELD_VARCHAR;
}

void fixture_open(struct fixture *fixture, const char *folder, const struct writer_options *options)
{
    struct err err;
    const struct writer_options none = {0};
    enum err_code code = database_open(folder, DATABASE_CREATE, &fixture->database, &err);
    if (code == ERR_OK)
        code = writer_start(fixture->database, options != NULL ? options : &none, &fixture->writer,
                            &err);
    if (code != ERR_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(code, ERR_OK);
}

void fixture_close(struct fixture *fixture)
{
    writer_stop(fixture->writer);
    database_close(fixture->database);
    *fixture = (struct fixture){0};
}

enum err_code fixture_create(struct fixture *fixture, const char *name, bool has_text_keys,
                             struct err *err)
{
    const struct field fields[FIXTURE_FIELDS] = {
        [FIXTURE_KEY] = {.name = "pk",
                         .type = has_text_keys ? FIELD_VARCHAR : FIELD_INT64,
                         .max_length = 64,
                         .is_primary = true},
        [FIXTURE_VECTOR] = {.name = "v", .type = FIELD_FLOAT_VECTOR, .dim = FIXTURE_DIM},
        [FIXTURE_NUMBER] = {.name = "n", .type = FIELD_INT32, .is_nullable = true},
        [FIXTURE_TEXT] = {.name = "t",
                          .type = FIELD_VARCHAR,
                          .max_length = 100,
                          .default_value = "\"none\""},
        [FIXTURE_SECOND] = {.name = "w", .type = FIELD_FLOAT16_VECTOR, .dim = FIXTURE_DIM},
    };
    const struct schema schema = {.fields = fields, .field_count = FIXTURE_FIELDS};
    const struct collection_definition definition = {
        .name = {.name = name}, .schema = &schema, .shards = 1};
    enum err_code code = define_create_collection(fixture->writer, &definition, err);
    const struct declared_index index = {
        .name = "v", .field = "v", .params = "{}", .metric = METRIC_L2};
    if (code == ERR_OK)
        code = define_create_index(fixture->writer, definition.name, &index, err);
    return code;
}

static float component(int64_t key, uint32_t version, size_t j)
{
    return (float)((key * 7 + (int64_t)version * 3 + (int64_t)j * 5) % 97);
}

static size_t text_of(int64_t key, uint32_t version, char *text)
{
    return (size_t)snprintf(text, 64, "%" PRId64 " of %" PRIu32, key, version);
}

static size_t key_text(int64_t key, char *text)
{
    return (size_t)snprintf(text, 64, "key-%" PRId64, key);
}

static bool number_is_null(int64_t key)
{
    return key % 5 == 0;
}

static void make_texts(struct column *column, uint8_t **bytes, uint8_t **offset_bytes, size_t count)
{
    *bytes = mem_alloc(count + 1, 64);
    *offset_bytes = mem_alloc(count + 1, sizeof(uint64_t));
    assert_true(*bytes != NULL && *offset_bytes != NULL);
    *column = (struct column){.type = FIELD_VARCHAR,
                              .rows = count,
                              .offsets = (uint64_t *)(void *)*offset_bytes,
                              .bytes = *bytes};
}

void fixture_rows_make(struct fixture_rows *rows, const int64_t *keys, size_t count,
                       uint32_t version, bool has_text_keys)
{
    *rows = (struct fixture_rows){0};
    float *vectors = mem_alloc(count * FIXTURE_DIM + 1, sizeof *vectors);
    int32_t *numbers = mem_zalloc(count + 1, sizeof *numbers);
    uint64_t *valid = mem_zalloc(count / 64 + 1, sizeof *valid);
    uint8_t *halves = mem_alloc(count * FIXTURE_DIM + 1, 2);
    rows->keys = mem_alloc(count + 1, sizeof *rows->keys);
    assert_true(vectors != NULL && numbers != NULL && valid != NULL && halves != NULL &&
                rows->keys != NULL);
    rows->bytes[0] = (uint8_t *)vectors;
    rows->bytes[1] = (uint8_t *)numbers;
    rows->bytes[2] = (uint8_t *)valid;
    rows->bytes[3] = halves;
    make_texts(&rows->columns[FIXTURE_TEXT], &rows->bytes[4], &rows->bytes[5], count);
    make_texts(&rows->columns[FIXTURE_KEY], &rows->bytes[6], &rows->bytes[7], count);
    uint64_t *text_ends = (uint64_t *)(void *)rows->bytes[5];
    uint64_t *key_ends = (uint64_t *)(void *)rows->bytes[7];
    text_ends[0] = 0;
    key_ends[0] = 0;
    for (size_t r = 0; r < count; r++) {
        rows->keys[r] = keys[r];
        for (size_t j = 0; j < FIXTURE_DIM; j++)
            vectors[r * FIXTURE_DIM + j] = component(keys[r], version, j);
        numbers[r] = number_is_null(keys[r]) ? 0 : (int32_t)version;
        if (!number_is_null(keys[r]))
            valid[r / 64] |= (uint64_t)1 << r % 64;
        text_ends[r + 1] =
            text_ends[r] + text_of(keys[r], version, (char *)rows->bytes[4] + text_ends[r]);
        key_ends[r + 1] = key_ends[r] + key_text(keys[r], (char *)rows->bytes[6] + key_ends[r]);
    }
    vector_from_kept(FIELD_FLOAT16_VECTOR, rows->bytes[0], count * FIXTURE_DIM, halves);
    if (!has_text_keys)
        rows->columns[FIXTURE_KEY] =
            (struct column){.type = FIELD_INT64, .width = 8, .rows = count, .values = rows->keys};
    rows->columns[FIXTURE_VECTOR] = (struct column){
        .type = FIELD_FLOAT_VECTOR, .width = FIXTURE_DIM * 4, .rows = count, .values = vectors};
    rows->columns[FIXTURE_NUMBER] = (struct column){
        .type = FIELD_INT32, .width = 4, .rows = count, .values = numbers, .valid = valid};
    rows->columns[FIXTURE_SECOND] = (struct column){
        .type = FIELD_FLOAT16_VECTOR, .width = FIXTURE_DIM * 2, .rows = count, .values = halves};
    rows->batch =
        (struct row_batch){.rows = count, .columns = rows->columns, .column_count = FIXTURE_FIELDS};
}

void fixture_rows_free(struct fixture_rows *rows)
{
    for (size_t k = 0; k < 8; k++)
        mem_free(rows->bytes[k]);
    mem_free(rows->keys);
}

static bool is_text_collection(struct fixture *fixture, const char *name)
{
    struct snapshot *snapshot = NULL;
    struct err err;
    if (writer_snapshot(fixture->writer, (struct collection_name){.name = name}, &snapshot, &err) !=
        ERR_OK)
        return false;
    const bool is_text = text_keys_of(snapshot);
    snapshot_unref(snapshot);
    return is_text;
}

enum err_code fixture_insert(struct fixture *fixture, const char *name, const int64_t *keys,
                             size_t count, uint32_t version)
{
    struct fixture_rows rows;
    struct mutation_result result = {0};
    struct err err = {0};
    fixture_rows_make(&rows, keys, count, version, is_text_collection(fixture, name));
    const struct mutation mutation = {.insert = &rows.batch};
    const enum err_code code = writer_apply(fixture->writer, (struct collection_name){.name = name},
                                            &mutation, &result, &err);
    fixture_rows_free(&rows);
    return code;
}

enum err_code fixture_delete(struct fixture *fixture, const char *name, const int64_t *keys,
                             size_t count, uint64_t *ret_deleted)
{
    struct fixture_rows rows;
    struct mutation_result result = {0};
    struct err err = {0};
    fixture_rows_make(&rows, keys, count, 1, is_text_collection(fixture, name));
    const struct mutation mutation = {.delete_keys = &rows.columns[FIXTURE_KEY]};
    const enum err_code code = writer_apply(fixture->writer, (struct collection_name){.name = name},
                                            &mutation, &result, &err);
    fixture_rows_free(&rows);
    *ret_deleted = result.deleted;
    return code;
}

static void check_row(const struct row_set *set, int64_t key, uint32_t version)
{
    char text[64];
    size_t size = 0;
    const uint8_t *found = column_bytes(&set->columns[FIXTURE_TEXT], 0, &size);
    const float *vector = set->columns[FIXTURE_VECTOR].values;
    float second[FIXTURE_DIM];
    assert_int_equal(size, text_of(key, version, text));
    assert_memory_equal(found, text, size);
    vector_to_kept(FIELD_FLOAT16_VECTOR, set->columns[FIXTURE_SECOND].values, FIXTURE_DIM,
                   (uint8_t *)second);
    for (size_t j = 0; j < FIXTURE_DIM; j++) {
        assert_true(vector[j] == component(key, version, j));
        assert_true(second[j] == component(key, version, j));
    }
    assert_int_equal(column_is_null(&set->columns[FIXTURE_NUMBER], 0), number_is_null(key));
    if (!number_is_null(key))
        assert_int_equal(((const int32_t *)set->columns[FIXTURE_NUMBER].values)[0], version);
}

uint32_t fixture_find(struct snapshot *snapshot, int64_t key)
{
    static const size_t fields[] = {0, 1, 2, 3, 4};
    struct fixture_rows rows;
    struct place place;
    struct err err;
    fixture_rows_make(&rows, &key, 1, 1, text_keys_of(snapshot));
    assert_int_equal(rows_find(snapshot, &rows.columns[FIXTURE_KEY], NULL, &place, &err), ERR_OK);
    fixture_rows_free(&rows);
    if (place.segment == PLACE_NONE)
        return 0;
    struct row_set set;
    const struct rows_fetch fetch = {
        .places = &place, .count = 1, .fields = fields, .field_count = FIXTURE_FIELDS};
    assert_int_equal(rows_fetch(snapshot, &fetch, &set, &err), ERR_OK);
    size_t size = 0;
    const char *text = (const char *)column_bytes(&set.columns[FIXTURE_TEXT], 0, &size);
    uint32_t version = 0;
    for (size_t k = size; k > 0 && text[k - 1] >= '0' && text[k - 1] <= '9'; k--) {
        uint32_t power = 1;
        for (size_t p = k; p < size; p++)
            power *= 10;
        version += (uint32_t)(text[k - 1] - '0') * power;
    }
    check_row(&set, key, version);
    row_set_release(&set);
    return version;
}
