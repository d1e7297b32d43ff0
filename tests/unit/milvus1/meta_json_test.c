/* meta_json_test.c: meta.json of the old tool and ours. What is written reads back the same. */
#include <errno.h>

#include "base/fault.h"
#include "base/text.h"
#include "installation_fixture.h"
#include "milvus1/meta_json.h"

static const char old_tool[] =
    "{\"collections\":[{\"collection\":\"faces\",\"metric\":2,\"rows\":3,\"dim\":4,\"segments\":["
    "{\"collection\":\"faces\",\"segment\":\"11\",\"dim\":4,\"rows\":2,\"fileSize\":48},"
    "{\"collection\":\"faces\",\"segment\":\"12\",\"dim\":4,\"rows\":1,\"fileSize\":24}]},"
    "{\"collection\":\"1590\",\"metric\":2,\"rows\":0,\"dim\":4,\"segments\":null}],\"rows\":3}";

static enum err_code decode(const char *text, struct meta *meta, struct err *err)
{
    return meta_json_decode(text, strlen(text), meta, err);
}

static void refused(const char *text, enum err_code expected, const char *word)
{
    struct meta meta;
    struct err err;
    const enum err_code code = decode(text, &meta, &err);
    if (code != expected || strstr(err.msg, word) == NULL)
        fail_msg("code %d, \"%s\"; expected %d, \"%s\"", code, err.msg, expected, word);
}

static void test_meta_json__of_the_old_tool(void **state)
{
    (void)state;
    struct meta meta;
    struct err err;
    assert_int_equal(decode(old_tool, &meta, &err), ERR_OK);
    assert_true(meta.is_lean);
    assert_false(meta.has_global_lsn);
    assert_int_equal(meta.table_count, 2);
    assert_string_equal(meta.tables[0].table_id, "faces");
    assert_string_equal(meta.tables[0].owner_table, "");
    assert_int_equal(meta.tables[0].metric_type, 2);
    assert_int_equal(meta.tables[0].dimension, 4);
    assert_int_equal(meta.tables[0].state, META_TABLE_NORMAL);
    assert_int_equal(meta.file_count, 2);
    assert_string_equal(meta.files[1].segment_id, "12");
    assert_string_equal(meta.files[1].file_id, "12");
    assert_int_equal(meta.files[1].file_type, META_FILE_RAW);
    assert_int_equal(meta.files[1].row_count, 1);
    assert_true(meta.files[0].id < meta.files[1].id);
    meta_release(&meta);
}

static void test_meta_json__wrong_ones(void **state)
{
    (void)state;
    refused("", ERR_CORRUPT, "JSON");
    refused("[]", ERR_CORRUPT, "collections");
    /* Ours, stripped to what the old tool knows: a partition's rows must not vanish quietly. */
    refused("{\"collections\":[{\"collection\":\"faces\",\"metric\":2,\"rows\":2,\"dim\":4,"
            "\"segments\":[{\"collection\":\"1590\",\"segment\":\"11\",\"dim\":4,\"rows\":2,"
            "\"fileSize\":48}]}],\"rows\":2}",
            ERR_CORRUPT, "1590");
    refused("{\"collections\":{}}", ERR_CORRUPT, "collections");
    refused("{\"collections\":[],\"version\":2}", ERR_UNSUPPORTED, "newer");
    refused("{\"collections\":[],\"version\":0}", ERR_CORRUPT, "version");
    refused("{\"collections\":[],\"version\":\"1\"}", ERR_CORRUPT, "version");
    refused("{\"collections\":[],\"version\":1,\"log\":\"maybe\"}", ERR_CORRUPT, "log");
    refused("{\"collections\":[7]}", ERR_CORRUPT, "metric");
    refused("{\"collections\":[{\"collection\":\"c\",\"metric\":1,\"dim\":\"x\"}]}", ERR_CORRUPT,
            "numbers");
    refused("{\"collections\":[{\"collection\":\"../c\",\"metric\":1,\"dim\":1}]}", ERR_CORRUPT,
            "table_id");
    refused("{\"collections\":[{\"metric\":1,\"dim\":1}]}", ERR_CORRUPT, "name");
    refused("{\"collections\":[{\"collection\":\"c\",\"metric\":1,\"dim\":1,\"segments\":\"x\"}]}",
            ERR_CORRUPT, "list");
    refused("{\"collections\":[{\"collection\":\"c\",\"metric\":1,\"dim\":1,\"segments\":[{"
            "\"collection\":\"c\",\"segment\":\"..\"}]}]}",
            ERR_CORRUPT, "segment_id");
    refused("{\"collections\":[{\"collection\":\"c\",\"metric\":1,\"dim\":1,\"segments\":[{"
            "\"collection\":\"c\",\"segment\":\"1\",\"rows\":-1}]}]}",
            ERR_CORRUPT, "segment number 0");
    refused("{\"version\":1,\"global_lsn\":-1,\"collections\":[]}", ERR_CORRUPT, "global_lsn");
    refused("{\"version\":1,\"collections\":[{\"collection\":\"c\",\"metric\":1,\"dim\":1,"
            "\"partitions\":[{\"collection\":\"5\",\"tag_bytes\":\"0g\"}]}]}",
            ERR_CORRUPT, "tag_bytes");
}

static struct meta_table table_of(int64_t id, const char *name, const char *owner, const char *tag)
{
    return (struct meta_table){.id = id,
                               .table_id = name,
                               .dimension = 8,
                               .created_on = 77,
                               .flag = 2,
                               .index_file_size = 1048576,
                               .engine_type = 2,
                               .index_params = "{\"nlist\":16}",
                               .metric_type = 3,
                               .owner_table = owner,
                               .partition_tag = tag,
                               .version = "1.1.1",
                               .flush_lsn = 9007199254740993};
}

static struct meta_file file_of(int64_t id, const char *table, const char *segment,
                                const char *file, int64_t type)
{
    return (struct meta_file){.id = id,
                              .table_id = table,
                              .segment_id = segment,
                              .engine_type = 1,
                              .file_id = file,
                              .file_type = type,
                              .file_size = 9,
                              .row_count = 1,
                              .updated_time = 4,
                              .created_on = 3};
}

/* Everything that must not be carried over, and everything that must. */
static void make_meta(struct meta *meta, struct meta_table *tables, struct meta_file *files)
{
    tables[0] = table_of(1, "b", "", "");
    tables[1] = table_of(2, "100", "b", "\xe6\xa0\x87 '\"\\");
    tables[2] = table_of(3, "a", "", "");
    tables[2].index_params = "no json";
    tables[3] = table_of(4, "gone", "", "");
    tables[3].state = META_TABLE_TO_DELETE;
    tables[4] = table_of(5, "101", "gone", "orphan");
    tables[5] = table_of(6, "102", "b", "\xff latin");
    tables[6] = table_of(7, "103", "b", "dropped");
    tables[6].state = META_TABLE_TO_DELETE;
    files[0] = file_of(1, "b", "10", "10", META_FILE_BACKUP);
    files[1] = file_of(2, "b", "10", "90", META_FILE_INDEX);
    files[2] = file_of(3, "100", "11", "11", META_FILE_TO_INDEX);
    files[3] = file_of(4, "b", "9", "91", META_FILE_INDEX);
    files[4] = file_of(5, "b", "12", "12", META_FILE_TO_DELETE);
    files[5] = file_of(6, "b", "13", "13", META_FILE_NEW);
    files[6] = file_of(7, "gone", "14", "14", META_FILE_RAW);
    files[7] = file_of(8, "102", "15", "15", META_FILE_RAW);
    files[8] = file_of(9, "103", "16", "16", META_FILE_RAW);
    *meta = (struct meta){.where = "test",
                          .tables = tables,
                          .table_count = 7,
                          .files = files,
                          .file_count = 9,
                          .has_global_lsn = true,
                          .global_lsn = 5};
}

static void write_text(const struct meta *meta, struct text *text)
{
    struct live live;
    struct err err;
    text_init(text);
    assert_int_equal(live_select(meta, &live, &err), ERR_OK);
    assert_int_equal(meta_json_write(meta, &live, text, &err), ERR_OK);
    live_release(&live);
}

static void same_table(const struct meta_table *a, const struct meta_table *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->table_id, b->table_id);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->dimension, b->dimension);
    assert_int_equal(a->created_on, b->created_on);
    assert_int_equal(a->flag, b->flag);
    assert_int_equal(a->index_file_size, b->index_file_size);
    assert_int_equal(a->engine_type, b->engine_type);
    assert_string_equal(a->index_params, b->index_params);
    assert_int_equal(a->metric_type, b->metric_type);
    assert_string_equal(a->owner_table, b->owner_table);
    assert_string_equal(a->partition_tag, b->partition_tag);
    assert_string_equal(a->version, b->version);
    assert_int_equal(a->flush_lsn, b->flush_lsn);
}

static void test_meta_json__round_trip(void **state)
{
    (void)state;
    struct meta_table tables[7];
    struct meta_file files[9];
    struct meta meta;
    struct meta back;
    struct err err;
    struct text text;
    make_meta(&meta, tables, files);
    write_text(&meta, &text);
    if (meta_json_decode(text_get(&text), text.size, &back, &err) != ERR_OK)
        fail_msg("%s in %s", err.msg, text_get(&text));
    assert_false(back.is_lean);
    assert_true(back.has_global_lsn);
    assert_int_equal(back.global_lsn, 5);
    assert_int_equal(back.table_count, 5);
    same_table(&back.tables[0], &tables[2]);
    same_table(&back.tables[1], &tables[0]);
    same_table(&back.tables[2], &tables[1]);
    same_table(&back.tables[3], &tables[5]);
    same_table(&back.tables[4], &tables[6]);
    assert_int_equal(back.file_count, 4);
    static const size_t kept[] = {0, 2, 3, 7};
    for (size_t k = 0; k < 4; k++) {
        const struct meta_file *want = &files[kept[k]];
        const struct meta_file *have = &back.files[k];
        assert_int_equal(have->id, want->id);
        assert_string_equal(have->table_id, want->table_id);
        assert_string_equal(have->segment_id, want->segment_id);
        assert_string_equal(have->file_id, want->file_id);
        assert_int_equal(have->file_type, want->file_type);
        assert_int_equal(have->row_count, want->row_count);
        assert_int_equal(have->file_size, want->file_size);
        assert_int_equal(have->created_on, want->created_on);
        assert_int_equal(have->updated_time, want->updated_time);
    }
    meta_release(&back);
    text_release(&text);
}

static void test_meta_json__hybrid_is_kept(void **state)
{
    (void)state;
    static const char *hybrid[] = {"b"};
    struct meta_table tables[7];
    struct meta_file files[9];
    struct meta meta;
    struct meta back;
    struct err err;
    struct text text;
    make_meta(&meta, tables, files);
    meta.hybrid_tables = hybrid;
    meta.hybrid_table_count = 1;
    write_text(&meta, &text);
    assert_int_equal(meta_json_decode(text_get(&text), text.size, &back, &err), ERR_OK);
    assert_int_equal(back.hybrid_table_count, 1);
    assert_string_equal(back.hybrid_tables[0], "b");
    meta_release(&back);
    text_release(&text);
}

/* The file as a reader of the old form sees it. */
static void test_meta_json__an_old_reader_finds_each_segment(void **state)
{
    (void)state;
    struct meta_table tables[7];
    struct meta_file files[9];
    struct meta meta;
    struct text text;
    make_meta(&meta, tables, files);
    meta.table_count = 1;
    meta.file_count = 2;
    write_text(&meta, &text);
    static const char expected[] =
        "{\"collections\":[{\"collection\":\"b\",\"metric\":3,\"rows\":1,\"dim\":8,\"segments\":[{"
        "\"collection\":\"b\",\"segment\":\"10\",\"dim\":8,\"rows\":1,\"fileSize\":9,";
    assert_memory_equal(text_get(&text), expected, sizeof expected - 1);
    assert_null(strchr(text_get(&text), '\n'));
    assert_non_null(strstr(text_get(&text), "\"params\":{\"nlist\":16}"));
    assert_non_null(strstr(text_get(&text), "\"type\":\"BIN_IVF_FLAT\""));
    text_release(&text);
}

static void test_meta_json__lean_is_not_written_anew(void **state)
{
    (void)state;
    struct meta meta;
    struct live live;
    struct text text;
    struct err err;
    text_init(&text);
    assert_int_equal(decode(old_tool, &meta, &err), ERR_OK);
    assert_int_equal(live_select(&meta, &live, &err), ERR_OK);
    assert_int_equal(meta_json_write(&meta, &live, &text, &err), ERR_UNSUPPORTED);
    live_release(&live);
    meta_release(&meta);
    text_release(&text);
}

static void test_meta_json__allocations_fail(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct meta meta;
        struct err err;
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = decode(old_tool, &meta, &err);
        const bool is_hit = fault_disarm();
        if (code == ERR_OK)
            meta_release(&meta);
        if (!is_hit) {
            assert_int_equal(code, ERR_OK);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(code, ERR_NOMEM);
    }
}

static void test_meta_json__allocations_fail_when_writing(void **state)
{
    (void)state;
    struct meta_table tables[7];
    struct meta_file files[9];
    struct meta meta;
    make_meta(&meta, tables, files);
    for (size_t n = 0;; n++) {
        struct live live = {0};
        struct text text;
        struct err err;
        text_init(&text);
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        enum err_code code = live_select(&meta, &live, &err);
        if (code == ERR_OK)
            code = meta_json_write(&meta, &live, &text, &err);
        const bool is_hit = fault_disarm();
        live_release(&live);
        text_release(&text);
        if (!is_hit) {
            assert_int_equal(code, ERR_OK);
            assert_true(n > 4);
            break;
        }
        if (code != ERR_OK)
            assert_int_equal(code, ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta_json__of_the_old_tool),
        cmocka_unit_test(test_meta_json__wrong_ones),
        cmocka_unit_test(test_meta_json__round_trip),
        cmocka_unit_test(test_meta_json__hybrid_is_kept),
        cmocka_unit_test(test_meta_json__an_old_reader_finds_each_segment),
        cmocka_unit_test(test_meta_json__lean_is_not_written_anew),
        cmocka_unit_test(test_meta_json__allocations_fail),
        cmocka_unit_test(test_meta_json__allocations_fail_when_writing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
