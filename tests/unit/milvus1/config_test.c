/* config_test.c: server_config.yaml of both generations, and files that are none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "milvus1/config.h"
#include "milvus1/yaml_flat.h"

static const char of_0_9[] = "version: 0.4\n"
                             "server_config:\n  deploy_mode: cluster_readonly\n  port: 19530\n"
                             "db_config:\n  backend_url: mysql://u:p@h:3306/m\n  preload_table:\n"
                             "storage_config:\n  primary_path: /data/milvus\n"
                             "  secondary_path: /disk2;/disk3\n"
                             "wal_config:\n  enable: false\n  wal_path: /data/wal\n";

static const char of_1_1[] = "version: 0.5\n"
                             "cluster:\n  enable: false\n  role: ro\n"
                             "general:\n  timezone: UTC+8\n  meta_uri: sqlite://:@:/\n"
                             "network:\n  bind.address: 0.0.0.0\n  bind.port: 19530\n"
                             "storage:\n  path: /var/lib/milvus\n  auto_flush_interval: 1\n"
                             "wal:\n  enable: true\n  path: \"/var/lib/milvus/wal\"\n"
                             "gpu:\n  build_index_devices:\n    - gpu0\n    - gpu1\n"
                             "logs:\n  path: /var/lib/milvus/logs\n";

static enum err_code decode(const char *text, struct server_config *config, struct err *err)
{
    return server_config_decode(text, strlen(text), config, err);
}

static void refused(const char *text, const char *word)
{
    struct server_config config;
    struct err err;
    assert_int_equal(decode(text, &config, &err), ERR_CONFIG);
    if (strstr(err.msg, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.msg, word);
}

static void test_config__keys_of_0_9(void **state)
{
    (void)state;
    struct server_config config;
    struct err err;
    assert_int_equal(decode(of_0_9, &config, &err), ERR_OK);
    assert_string_equal(config.meta_uri, "mysql://u:p@h:3306/m");
    assert_string_equal(config.data_path, "/data/milvus");
    assert_string_equal(config.secondary_path, "/disk2;/disk3");
    assert_string_equal(config.wal_path, "/data/wal");
    assert_false(config.wal_enabled);
    assert_true(config.is_read_only_node);
    assert_false(config.s3_enabled);
    server_config_release(&config);
}

static void test_config__keys_of_1_1(void **state)
{
    (void)state;
    struct server_config config;
    struct err err;
    assert_int_equal(decode(of_1_1, &config, &err), ERR_OK);
    assert_string_equal(config.meta_uri, "sqlite://:@:/");
    assert_string_equal(config.data_path, "/var/lib/milvus");
    assert_null(config.secondary_path);
    assert_string_equal(config.wal_path, "/var/lib/milvus/wal");
    assert_true(config.wal_enabled);
    assert_false(config.is_read_only_node);
    server_config_release(&config);
}

static void test_config__missing_keys_are_the_servers_defaults(void **state)
{
    (void)state;
    struct server_config config;
    struct err err;
    assert_int_equal(decode("version: 0.5\nwal:\n  path:\n", &config, &err), ERR_OK);
    assert_null(config.meta_uri);
    assert_null(config.data_path);
    assert_null(config.wal_path);
    assert_true(config.wal_enabled);
    server_config_release(&config);
    assert_int_equal(decode("", &config, &err), ERR_OK);
    server_config_release(&config);
}

static void test_config__s3_is_recognised(void **state)
{
    (void)state;
    struct server_config config;
    struct err err;
    assert_int_equal(
        decode("storage:\n  s3_enabled: true\n  s3_bucket: b\n  s3_address: h\n", &config, &err),
        ERR_OK);
    assert_true(config.s3_enabled);
    assert_string_equal(config.s3_bucket, "b");
    server_config_release(&config);
}

static void test_config__words_for_yes_and_no(void **state)
{
    (void)state;
    static const char *const no[] = {"false", "OFF", "No", "0"};
    for (size_t k = 0; k < 4; k++) {
        char text[64] = "wal:\n  enable: ";
        struct server_config config;
        struct err err;
        strncat(text, no[k], 10);
        assert_int_equal(decode(text, &config, &err), ERR_OK);
        assert_false(config.wal_enabled);
        server_config_release(&config);
    }
    refused("wal:\n  path: x\n  enable: perhaps\n", "line 3");
}

static void test_config__a_field_given_twice(void **state)
{
    (void)state;
    refused("storage:\n  path: /a\nstorage_config:\n  primary_path: /b\n", "line 4");
    refused("wal:\n  path: /a\n  path: /b\n", "wal.path");
}

static void test_config__aliases_cannot_grow(void **state)
{
    (void)state;
    refused("a: &a [x, x]\nb: [*a, *a]\n", "line 1");
    refused("a: &a x\nb: *a\n", "line 1");
    refused("a: x\nb: *a\n", "alias");
}

static void test_config__limits(void **state)
{
    (void)state;
    refused(
        "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: {q: 1}}}}}}}}}}}}}}}}\n",
        "deeper");
    static char deep[20000];
    memset(deep, '[', sizeof deep - 1);
    refused(deep, "deeper");
    struct server_config config;
    struct err err;
    assert_int_equal(server_config_decode(deep, YAML_SIZE_MAX + 1, &config, &err), ERR_CONFIG);
}

static void test_config__no_yaml(void **state)
{
    (void)state;
    refused("just text\n", "sections");
    refused("wal:\n  path: \"open\n", "line");
    refused("wal: {path: x\n", "line");
    refused("{[a, b]: x}\n", "key");
    refused("a: 1\n---\nb: 2\n", "second");
    refused("a: \xff\n", "line");
}

static void test_config__allocations_fail(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct server_config config;
        struct err err;
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = decode(of_0_9, &config, &err);
        const bool is_hit = fault_disarm();
        if (code == ERR_OK)
            server_config_release(&config);
        if (!is_hit) {
            assert_int_equal(code, ERR_OK);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(code, ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__keys_of_0_9),
        cmocka_unit_test(test_config__keys_of_1_1),
        cmocka_unit_test(test_config__missing_keys_are_the_servers_defaults),
        cmocka_unit_test(test_config__s3_is_recognised),
        cmocka_unit_test(test_config__words_for_yes_and_no),
        cmocka_unit_test(test_config__a_field_given_twice),
        cmocka_unit_test(test_config__aliases_cannot_grow),
        cmocka_unit_test(test_config__limits),
        cmocka_unit_test(test_config__no_yaml),
        cmocka_unit_test(test_config__allocations_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
