/* grpc_test.c: methods from bytes to bytes on a database in a folder: columns of every shape go in
 * and come back, errors carry both codes. */
#include "milvus2/grpc.h"

#include "milvus2/api.h"
#include "scratch.h"

#define ROWS 4
#define DIM 4

static struct api *api;
static struct arena arena;
static struct op op;

static int open_api(void **state)
{
    struct err err;
    const struct api_options options = {0};
    if (scratch_setup(state) != 0)
        return -1;
    arena_init(&arena, (size_t)64 << 20);
    return api_open(scratch("db"), &options, &api, &err) == ERR_OK ? 0 : -1;
}

static int close_api(void **state)
{
    api_close(api);
    arena_release(&arena);
    return scratch_teardown(state);
}

/* Runs a method on a message; the answer is unpacked as `type` into the arena. */
static void *call(const char *name, const void *request, const ProtobufCMessageDescriptor *type)
{
    struct err err;
    uint8_t *in, *out = NULL;
    size_t in_size, out_size;
    void *answer = NULL;
    const struct grpc_method *method = grpc_find(name);
    assert_non_null(method);
    assert_int_equal(wire_pack(request, 1 << 20, &in, &in_size, &err), ERR_OK);
    op_begin(&op, api, &arena, NULL);
    assert_true(grpc_answer(&op, method, (struct bytes){in, in_size}, &out, &out_size, &err));
    op_end(&op);
    assert_int_equal(wire_unpack(type, (struct bytes){out, out_size}, &arena, &answer, &err),
                     ERR_OK);
    mem_free(in);
    mem_free(out);
    return answer;
}

static void must_work(const Mv__Status *status)
{
    assert_non_null(status);
    if (status->code != 0)
        fail_msg("%d: %s", (int)status->code, status->reason);
    assert_int_equal(status->error_code, 0);
}

static void *new (const ProtobufCMessageDescriptor *type)
{
    void *message = grpc_new(&op, type);
    assert_non_null(message);
    return message;
}

static void add_param(Mv__FieldSchema *field, const char *key, const char *value)
{
    Mv__KeyValue *pair = new (&mv__key_value__descriptor);
    pair->key = grpc_text(key);
    pair->value = grpc_text(value);
    if (field->type_params == NULL)
        field->type_params = arena_array(&arena, 4, sizeof *field->type_params);
    field->type_params[field->n_type_params++] = pair;
}

static Mv__FieldSchema *add_field(Mv__CollectionSchema *schema, const char *name, int type)
{
    Mv__FieldSchema *field = new (&mv__field_schema__descriptor);
    field->name = grpc_text(name);
    field->data_type = type;
    if (schema->fields == NULL)
        schema->fields = arena_array(&arena, 8, sizeof *schema->fields);
    schema->fields[schema->n_fields++] = field;
    return field;
}

/* key VarChar, v FloatVector, n Int8 nullable, tags Array<VarChar>, and a dynamic field. */
static Mv__Status *create(const char *name)
{
    op_begin(&op, api, &arena, NULL);
    Mv__CollectionSchema *schema = new (&mv__collection_schema__descriptor);
    schema->enable_dynamic_field = true;
    Mv__FieldSchema *key = add_field(schema, "key", FIELD_VARCHAR);
    key->is_primary_key = true;
    add_param(key, "max_length", "16");
    add_param(add_field(schema, "v", FIELD_FLOAT_VECTOR), "dim", "4");
    add_field(schema, "n", FIELD_INT8)->nullable = true;
    Mv__FieldSchema *tags = add_field(schema, "tags", FIELD_ARRAY);
    tags->element_type = FIELD_VARCHAR;
    add_param(tags, "max_length", "8");
    add_param(tags, "max_capacity", "4");
    Mv__CreateCollectionRequest request = MV__CREATE_COLLECTION_REQUEST__INIT;
    struct err err;
    uint8_t *bytes;
    request.collection_name = grpc_text(name);
    assert_int_equal(wire_pack(schema, 1 << 16, &bytes, &request.schema.len, &err), ERR_OK);
    request.schema.data = bytes;
    Mv__Status *status = call("CreateCollection", &request, &mv__status__descriptor);
    mem_free(bytes);
    return status;
}

static void index_and_load(const char *name)
{
    Mv__CreateIndexRequest index = MV__CREATE_INDEX_REQUEST__INIT;
    Mv__KeyValue metric = MV__KEY_VALUE__INIT;
    Mv__KeyValue *params[] = {&metric};
    metric.key = grpc_text("metric_type");
    metric.value = grpc_text("L2");
    index.collection_name = grpc_text(name);
    index.field_name = grpc_text("v");
    index.n_extra_params = 1;
    index.extra_params = params;
    must_work(call("CreateIndex", &index, &mv__status__descriptor));
    Mv__LoadCollectionRequest load = MV__LOAD_COLLECTION_REQUEST__INIT;
    load.collection_name = grpc_text(name);
    must_work(call("LoadCollection", &load, &mv__status__descriptor));
}

static Mv__FieldData *scalars(const char *name, int type, Mv__ScalarField__DataCase which)
{
    Mv__FieldData *data = new (&mv__field_data__descriptor);
    data->field_name = grpc_text(name);
    data->type = type;
    data->field_case = MV__FIELD_DATA__FIELD_SCALARS;
    data->scalars = new (&mv__scalar_field__descriptor);
    data->scalars->data_case = which;
    return data;
}

static Mv__BytesArray *texts(const char *const *items, size_t count)
{
    Mv__BytesArray *array = new (&mv__bytes_array__descriptor);
    array->n_data = count;
    array->data = arena_array(&arena, count, sizeof *array->data);
    for (size_t k = 0; k < count; k++)
        array->data[k] = grpc_bytes(items[k], strlen(items[k]));
    return array;
}

static Mv__FieldData *vectors(void)
{
    Mv__FieldData *data = new (&mv__field_data__descriptor);
    data->field_name = grpc_text("v");
    data->type = FIELD_FLOAT_VECTOR;
    data->field_case = MV__FIELD_DATA__FIELD_VECTORS;
    data->vectors = new (&mv__vector_field__descriptor);
    data->vectors->dim = DIM;
    data->vectors->data_case = MV__VECTOR_FIELD__DATA_FLOAT_VECTOR;
    data->vectors->float_vector = new (&mv__float_array__descriptor);
    data->vectors->float_vector->n_data = (size_t)ROWS * DIM;
    float *values = arena_array(&arena, (size_t)ROWS * DIM, sizeof *values);
    for (size_t row = 0; row < ROWS; row++)
        values[row * DIM] = (float)row;
    data->vectors->float_vector->data = values;
    return data;
}

/* Rows a, b, c, d; n is 1, null, 3, null. `is_compact`: nulls are left out. */
static Mv__FieldData *numbers(bool is_compact)
{
    static int32_t all[ROWS] = {1, 0, 3, 0}, present[] = {1, 3};
    static protobuf_c_boolean valid[ROWS] = {1, 0, 1, 0};
    Mv__FieldData *data = scalars("n", FIELD_INT8, MV__SCALAR_FIELD__DATA_INT_DATA);
    data->scalars->int_data = new (&mv__int_array__descriptor);
    data->scalars->int_data->data = is_compact ? present : all;
    data->scalars->int_data->n_data = is_compact ? 2 : ROWS;
    data->valid_data = valid;
    data->n_valid_data = ROWS;
    return data;
}

static Mv__FieldData *tags(void)
{
    static const char *const items[] = {"x", "yy", "zzz"};
    Mv__FieldData *data = scalars("tags", FIELD_ARRAY, MV__SCALAR_FIELD__DATA_ARRAY_DATA);
    Mv__ArrayArray *array = new (&mv__array_array__descriptor);
    array->element_type = FIELD_VARCHAR;
    array->n_data = ROWS;
    array->data = grpc_new_array(&op, &mv__scalar_field__descriptor, ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        array->data[row]->data_case = MV__SCALAR_FIELD__DATA_STRING_DATA;
        array->data[row]->string_data = texts(items, row);
    }
    data->scalars->array_data = array;
    return data;
}

static Mv__MutationResult *insert(const char *name, const char *const *keys, bool is_compact)
{
    static const char *const objects[] = {"{\"c\":\"red\",\"k\":1}", "{}", "{\"c\":7}", "{}"};
    Mv__InsertRequest request = MV__INSERT_REQUEST__INIT;
    Mv__FieldData *key = scalars("key", FIELD_VARCHAR, MV__SCALAR_FIELD__DATA_STRING_DATA);
    Mv__FieldData *dynamic = scalars("$meta", FIELD_JSON, MV__SCALAR_FIELD__DATA_JSON_DATA);
    key->scalars->string_data = texts(keys, ROWS);
    dynamic->scalars->json_data = texts(objects, ROWS);
    dynamic->is_dynamic = true;
    Mv__FieldData *fields[] = {dynamic, vectors(), tags(), numbers(is_compact), key};
    request.collection_name = grpc_text(name);
    request.fields_data = fields;
    request.n_fields_data = 5;
    request.num_rows = ROWS;
    return call("Insert", &request, &mv__mutation_result__descriptor);
}

static Mv__QueryResults *query(const char *name, const char *filter, const char *field)
{
    Mv__QueryRequest request = MV__QUERY_REQUEST__INIT;
    char *fields[] = {grpc_text(field)};
    request.collection_name = grpc_text(name);
    request.expr = grpc_text(filter);
    request.output_fields = fields;
    request.n_output_fields = 1;
    return call("Query", &request, &mv__query_results__descriptor);
}

static const Mv__FieldData *field_of(const Mv__QueryResults *results, const char *name)
{
    for (size_t k = 0; k < results->n_fields_data; k++)
        if (strcmp(results->fields_data[k]->field_name, name) == 0)
            return results->fields_data[k];
    fail_msg("no field %s", name);
    return NULL;
}

static const char *const keys_abcd[] = {"a", "b", "c", "d"};

static void check_rows(const Mv__QueryResults *results)
{
    must_work(results->status);
    assert_string_equal(results->primary_field_name, "key");
    const Mv__FieldData *n = field_of(results, "n");
    assert_int_equal(n->n_valid_data, ROWS);
    assert_int_equal(n->scalars->int_data->n_data, ROWS);
    assert_true(n->valid_data[0] && !n->valid_data[1] && n->valid_data[2] && !n->valid_data[3]);
    assert_int_equal(n->scalars->int_data->data[2], 3);
    const Mv__FieldData *array = field_of(results, "tags");
    assert_int_equal(array->scalars->array_data->n_data, ROWS);
    assert_int_equal(array->scalars->array_data->data[3]->string_data->n_data, 3);
    assert_int_equal(array->scalars->array_data->data[3]->string_data->data[2].len, 3);
    const Mv__FieldData *vector = field_of(results, "v");
    assert_int_equal(vector->vectors->float_vector->n_data, ROWS * DIM);
    assert_true(vector->vectors->float_vector->data[3 * DIM] == 3.0F);
    const Mv__FieldData *meta = field_of(results, "$meta");
    assert_true(meta->is_dynamic);
    assert_memory_equal(meta->scalars->json_data->data[2].data, "{\"c\":7}", 7);
}

static void test_grpc__columns_return(void **state)
{
    (void)state;
    for (int is_compact = 0; is_compact < 2; is_compact++) {
        const char *name = is_compact ? "compact" : "aligned";
        must_work(create(name));
        must_work(create(name)); /* the same schema again */
        index_and_load(name);
        const Mv__MutationResult *written = insert(name, keys_abcd, is_compact != 0);
        must_work(written->status);
        assert_int_equal(written->insert_cnt, ROWS);
        assert_int_equal(written->ids->str_id->n_data, ROWS);
        check_rows(query(name, "key >= \"a\"", "*"));
    }
}

static void test_grpc__dynamic_keys_are_chosen(void **state)
{
    (void)state;
    must_work(create("dynamic"));
    index_and_load("dynamic");
    must_work(insert("dynamic", keys_abcd, false)->status);
    const Mv__QueryResults *results = query("dynamic", "c == \"red\"", "c");
    must_work(results->status);
    assert_int_equal(results->n_output_fields, 2);
    const Mv__FieldData *meta = field_of(results, "$meta");
    assert_int_equal(meta->scalars->json_data->n_data, 1);
    assert_int_equal(meta->scalars->json_data->data[0].len, strlen("{\"c\":\"red\"}"));
    results = query("dynamic", "n is null", "count(*)");
    must_work(results->status);
    assert_int_equal(field_of(results, "count(*)")->scalars->long_data->data[0], 2);
}

static void test_grpc__search_finds(void **state)
{
    static const float wanted[DIM] = {2.1F, 0, 0, 0};
    (void)state;
    must_work(create("searched"));
    index_and_load("searched");
    must_work(insert("searched", keys_abcd, false)->status);
    Mv__PlaceholderValue value = MV__PLACEHOLDER_VALUE__INIT;
    Mv__PlaceholderGroup group = MV__PLACEHOLDER_GROUP__INIT;
    ProtobufCBinaryData bytes = grpc_bytes(wanted, sizeof wanted);
    Mv__PlaceholderValue *values[] = {&value};
    value.type = FIELD_FLOAT_VECTOR;
    value.values = &bytes;
    value.n_values = 1;
    group.placeholders = values;
    group.n_placeholders = 1;
    Mv__SearchRequest request = MV__SEARCH_REQUEST__INIT;
    Mv__KeyValue topk = MV__KEY_VALUE__INIT;
    Mv__KeyValue *params[] = {&topk};
    struct err err;
    topk.key = grpc_text("topk");
    topk.value = grpc_text("2");
    request.collection_name = grpc_text("searched");
    request.dsl = grpc_text("key != \"c\"");
    request.search_params = params;
    request.n_search_params = 1;
    request.search_input_case = MV__SEARCH_REQUEST__SEARCH_INPUT_PLACEHOLDER_GROUP;
    uint8_t *packed;
    assert_int_equal(wire_pack(&group, 4096, &packed, &request.placeholder_group.len, &err),
                     ERR_OK);
    request.placeholder_group.data = packed;
    const Mv__SearchResults *results = call("Search", &request, &mv__search_results__descriptor);
    must_work(results->status);
    assert_int_equal(results->results->n_topks, 1);
    assert_int_equal(results->results->topks[0], 2);
    assert_memory_equal(results->results->ids->str_id->data[0].data, "d", 1);
    assert_memory_equal(results->results->ids->str_id->data[1].data, "b", 1);
    mem_free(packed);
}

static void test_grpc__mistakes_are_told(void **state)
{
    static const char *const long_keys[] = {"a", "b", "longer than sixteen bytes", "d"};
    (void)state;
    must_work(create("wrong"));
    const Mv__MutationResult *written = insert("wrong", long_keys, false);
    assert_int_equal(written->status->code, 1100);
    assert_int_equal(written->status->error_code, 5);
    assert_non_null(
        strstr(written->status->reason, "length of varchar field key exceeds max length"));
    const Mv__QueryResults *results = query("wrong", "n > 1", "n");
    assert_int_equal(results->status->code, 101);
    index_and_load("wrong");
    results = query("wrong", "n >", "n");
    assert_int_equal(results->status->code, 1100);
    assert_non_null(strstr(results->status->reason, "failed to create query plan: cannot parse"));
    results = query("wrong", "", "n");
    assert_non_null(strstr(results->status->reason, "empty expression should be used with limit"));
    results = query("nobody", "n > 1", "n");
    assert_int_equal(results->status->code, 100);
    assert_int_equal(results->status->error_code, 4);
    Mv__DescribeCollectionRequest request = MV__DESCRIBE_COLLECTION_REQUEST__INIT;
    request.collection_name = grpc_text("nobody");
    const Mv__DescribeCollectionResponse *described =
        call("DescribeCollection", &request, &mv__describe_collection_response__descriptor);
    assert_int_equal(described->status->code, 100);
    assert_int_equal(described->status->error_code, 1);
    assert_string_equal(described->status->reason,
                        "can't find collection[database=default][collection=nobody]");
}

static void test_grpc__unserved_methods_answer(void **state)
{
    Mv__EmptyRequest empty = MV__EMPTY_REQUEST__INIT;
    (void)state;
    const Mv__StatusResponse *first =
        call("HybridSearch", &empty, &mv__status_response__descriptor);
    assert_int_equal(first->status->code, 10);
    assert_non_null(strstr(first->status->reason, "HybridSearch"));
    const Mv__Status *bare = call("CreateRole", &empty, &mv__status__descriptor);
    assert_int_equal(bare->code, 10);
    const Mv__ComponentStates *third =
        call("GetComponentStates", &empty, &mv__component_states__descriptor);
    must_work(third->status);
    assert_null(grpc_find("AlterCollectionSchema"));
}

static void test_grpc__table_is_sorted(void **state)
{
    size_t count;
    struct server_method *methods = grpc_methods(false, &count);
    (void)state;
    assert_non_null(methods);
    for (size_t k = 1; k < count; k++)
        assert_true(strcmp(methods[k - 1].path, methods[k].path) < 0);
    for (size_t k = 0; k < count; k++)
        assert_non_null(grpc_find(strrchr(methods[k].path, '/') + 1));
    mem_free(methods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc__columns_return),
        cmocka_unit_test(test_grpc__dynamic_keys_are_chosen),
        cmocka_unit_test(test_grpc__search_finds),
        cmocka_unit_test(test_grpc__mistakes_are_told),
        cmocka_unit_test(test_grpc__unserved_methods_answer),
        cmocka_unit_test(test_grpc__table_is_sorted),
    };
    return cmocka_run_group_tests(tests, open_api, close_api);
}
