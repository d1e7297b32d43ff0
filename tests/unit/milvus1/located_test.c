/* located_test.c: what kind of folder it is, which config speaks for it, where the log is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "installation_fixture.h"
#include "milvus1/located.h"

struct found {
    struct arena arena;
    struct finding_list findings;
    struct located located;
    struct err err;
};

static enum err_code find(const struct milvus1_options *options, struct found *found)
{
    arena_init(&found->arena, 1 << 20);
    finding_list_init(&found->findings, &found->arena);
    found->located = (struct located){0};
    return located_find(options, &found->findings, &found->located, &found->err);
}

static void done(struct found *found)
{
    located_release(&found->located);
    finding_list_release(&found->findings);
    arena_release(&found->arena);
}

static void finds(const struct milvus1_options *options, struct found *found)
{
    if (find(options, found) != ERR_OK)
        fail_msg("%s", found->err.msg);
}

static void refuses(const struct milvus1_options *options, enum err_code expected, const char *word)
{
    struct found found;
    const enum err_code code = find(options, &found);
    if (code != expected || strstr(found.err.msg, word) == NULL)
        fail_msg("code %d, \"%s\"; expected %d, \"%s\"", code, found.err.msg, expected, word);
    done(&found);
}

static bool has_finding(const struct found *found, const char *code)
{
    for (size_t k = 0; k < found->findings.count; k++)
        if (strcmp(found->findings.items[k].code, code) == 0)
            return true;
    return false;
}

static char *made(void)
{
    char *folder = fixture_folder();
    fixture_installation(folder);
    struct err err;
    assert_int_equal(folder_make(fixture_path(folder, "wal"), &err), ERR_OK);
    return folder;
}

static void config_of(const char *folder, const char *name, const char *root, const char *wal,
                      const char *more)
{
    char text[4 * FILE_PATH_MAX];
    (void)snprintf(text, sizeof text, "storage:\n  path: %s\nwal:\n  enable: true\n  path: %s\n%s",
                   root, wal, more);
    fixture_text(folder, name, text);
}

static void test_located__root_db_folder_and_file(void **state)
{
    (void)state;
    char *folder = made();
    static const char *const names[] = {"", "db", "db/", "db/meta.sqlite"};
    for (size_t k = 0; k < 4; k++) {
        struct found found;
        const struct milvus1_options options = {.path = fixture_path(folder, names[k])};
        finds(&options, &found);
        assert_false(found.located.is_package);
        assert_int_equal(found.located.data_root_count, 1);
        assert_true(file_exists(fixture_path(found.located.data_roots[0], "tables/c/100/100.rv")));
        assert_non_null(found.located.log_folder);
        assert_true(path_has_suffix(found.located.log_folder, "wal"));
        assert_int_equal(found.located.log_state, LOG_UNKNOWN);
        assert_int_equal(found.located.meta.table_count, 2);
        assert_int_equal(found.findings.count, 0);
        done(&found);
    }
    fixture_remove(folder);
}

static void test_located__nothing_there(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    refuses(&(struct milvus1_options){.path = fixture_path(folder, "no")}, ERR_NOT_FOUND, "no");
    refuses(&(struct milvus1_options){.path = folder}, ERR_SOURCE, "meta.json");
    fixture_text(folder, "x.txt", "x");
    refuses(&(struct milvus1_options){.path = fixture_path(folder, "x.txt")}, ERR_SOURCE, "folder");
    fixture_text(folder, "db/tables/c/1/1.rv", "x");
    refuses(&(struct milvus1_options){.path = folder}, ERR_SOURCE, "--meta");
    refuses(&(struct milvus1_options){.path = NULL}, ERR_USAGE, "source");
    fixture_remove(folder);
}

static void test_located__config_beside_the_data(void **state)
{
    (void)state;
    char *folder = made();
    config_of(folder, "conf/server_config.yaml", folder, fixture_path(folder, "log"), "");
    struct found found;
    const struct milvus1_options options = {.path = folder};
    finds(&options, &found);
    assert_int_equal(found.located.log_state, LOG_ON);
    assert_string_equal(found.located.log_expected, fixture_path(folder, "wal"));
    done(&found);
    struct err err;
    assert_int_equal(folder_make(fixture_path(folder, "log"), &err), ERR_OK);
    finds(&options, &found);
    assert_string_equal(found.located.log_folder, fixture_path(folder, "log"));
    done(&found);
    fixture_remove(folder);
}

/* The paths of a container or another machine are looked for below the folder given. */
static void test_located__config_of_another_machine(void **state)
{
    (void)state;
    char *folder = made();
    struct found found;
    const struct milvus1_options options = {.path = folder};
    config_of(folder, "server_config.yaml", "/nowhere/milvus", "/nowhere/milvus/the/log", "");
    finds(&options, &found);
    assert_true(has_finding(&found, "config-names-another-root"));
    assert_string_equal(found.located.log_folder, fixture_path(folder, "wal"));
    done(&found);
    struct err err;
    assert_int_equal(folder_make(fixture_path(folder, "the/log"), &err), ERR_OK);
    finds(&options, &found);
    assert_string_equal(found.located.log_folder, fixture_path(folder, "the/log"));
    done(&found);
    fixture_remove(folder);
}

/* A copy is read, although the original and its log are on this machine, too. */
static void test_located__copy_beside_its_original(void **state)
{
    (void)state;
    char *original = made();
    char *copy = made();
    config_of(copy, "conf/server_config.yaml", original, fixture_path(original, "wal"), "");
    struct found found;
    finds(&(struct milvus1_options){.path = copy}, &found);
    assert_string_equal(found.located.log_folder, fixture_path(copy, "wal"));
    assert_string_equal(found.located.data_roots[0], fixture_path(copy, "db"));
    done(&found);
    fixture_remove(original);
    fixture_remove(copy);
}

static void test_located__data_where_the_config_says(void **state)
{
    (void)state;
    char *folder = made();
    char *conf = fixture_folder();
    config_of(conf, "server_config.yaml", folder, fixture_path(folder, "wal"), "");
    struct found found;
    finds(&(struct milvus1_options){.path = conf}, &found);
    assert_string_equal(found.located.data_roots[0], fixture_path(folder, "db"));
    done(&found);
    fixture_remove(folder);
    fixture_remove(conf);
}

static void test_located__log_named_by_the_user(void **state)
{
    (void)state;
    char *folder = made();
    const char *wal = fixture_path(folder, "db");
    struct found found;
    finds(&(struct milvus1_options){.path = folder, .wal = wal}, &found);
    assert_string_equal(found.located.log_folder, wal);
    done(&found);
    refuses(&(struct milvus1_options){.path = folder, .wal = "/nowhere/wal"}, ERR_NOT_FOUND,
            "/nowhere/wal");
    fixture_remove(folder);
}

static void test_located__log_off(void **state)
{
    (void)state;
    char *folder = made();
    struct found found;
    finds(&(struct milvus1_options){.path = folder, .log_enabled_unknown_is_off = true}, &found);
    assert_int_equal(found.located.log_state, LOG_OFF);
    done(&found);
    fixture_text(folder, "server_config.yaml", "wal:\n  enable: off\n");
    finds(&(struct milvus1_options){.path = folder}, &found);
    assert_int_equal(found.located.log_state, LOG_OFF);
    done(&found);
    fixture_remove(folder);
}

/* `list` with each '@' replaced by the folder. */
static void secondary(const char *folder, const char *primary, const char *list, size_t expected)
{
    struct text text;
    struct found found;
    text_init(&text);
    text_addf(&text, "storage_config:\n  primary_path: %s\n  secondary_path: ", primary);
    for (; *list != '\0'; list++)
        text_addf(&text, "%.*s", *list == '@' ? FILE_PATH_MAX : 1, *list == '@' ? folder : list);
    fixture_text(folder, "conf/server_config.yaml", text_get(&text));
    text_release(&text);
    finds(&(struct milvus1_options){.path = folder}, &found);
    assert_int_equal(found.located.data_root_count, expected);
    assert_int_equal(has_finding(&found, "secondary-path-missing"), expected == 1);
    done(&found);
}

static void test_located__secondary_paths(void **state)
{
    (void)state;
    char *folder = made();
    fixture_text(folder, "a/tables/c/1/1.rv", "x");
    fixture_text(folder, "b/tables/c/1/1.rv", "x");
    secondary(folder, folder, "@/a;@/b", 3);
    secondary(folder, folder, "@/a,@/b", 3);
    secondary(folder, folder, "@/a;@/none", 2);
    secondary(folder, "/x", "/x/b", 2);
    secondary(folder, folder, "@/none", 1);
    fixture_remove(folder);
}

static void test_located__s3_is_refused_by_name(void **state)
{
    (void)state;
    char *folder = made();
    fixture_text(folder, "server_config.yaml", "storage:\n  s3_enabled: true\n  s3_bucket: vec\n");
    struct found found;
    finds(&(struct milvus1_options){.path = folder}, &found);
    assert_true(has_finding(&found, "storage-s3"));
    assert_int_equal(finding_count(&found.findings, FINDING_REFUSED), 1);
    done(&found);
    fixture_remove(folder);
}

static void test_located__what_the_config_cannot_mean(void **state)
{
    (void)state;
    char *folder = made();
    fixture_text(folder, "server_config.yaml", "general:\n  meta_uri: pg://u:secret@h:1/d\n");
    struct found found;
    assert_int_equal(find(&(struct milvus1_options){.path = folder}, &found), ERR_CONFIG);
    assert_null(strstr(found.err.msg, "secret"));
    done(&found);
    fixture_text(folder, "server_config.yaml", "server_config:\n  deploy_mode: cluster_readonly\n");
    finds(&(struct milvus1_options){.path = folder}, &found);
    assert_true(has_finding(&found, "read-only-node"));
    done(&found);
    fixture_remove(folder);
}

/* Somebody stands in db/ and says "." */
static void test_located__here(void **state)
{
    (void)state;
    char *folder = made();
    struct found found;
    assert_int_equal(chdir(fixture_path(folder, "db")), 0);
    finds(&(struct milvus1_options){.path = "."}, &found);
    assert_string_equal(found.located.log_folder, "./../wal");
    done(&found);
    assert_int_equal(chdir("/"), 0);
    fixture_remove(folder);
}

/* A Milvus server's lock (fcntl) is held by another process, so a child takes it and waits. */
static pid_t hold_lock(const char *path, int *ret_end)
{
    int ready[2];
    int end[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int fd = open(path, O_RDWR | O_CREAT, 0600);
        char c = 0;
        close(end[1]);
        if (lockf(fd, F_TLOCK, 0) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        _exit(read(end[0], &c, 1) < 0);
    }
    char c = 0;
    close(end[0]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    *ret_end = end[1];
    return child;
}

static void test_located__running_server(void **state)
{
    (void)state;
    static const char *const locks[] = {"lock", "wal/lock"};
    char *folder = made();
    for (size_t k = 0; k < 2; k++) {
        int end = -1;
        char who[32];
        const pid_t child = hold_lock(fixture_path(folder, locks[k]), &end);
        (void)snprintf(who, sizeof who, "process %d", (int)child);
        refuses(&(struct milvus1_options){.path = folder}, ERR_LOCKED, who);
        struct found found;
        finds(&(struct milvus1_options){.path = folder, .allow_running = true}, &found);
        assert_true(has_finding(&found, "server-running"));
        done(&found);
        close(end);
        assert_int_equal(waitpid(child, NULL, 0), child);
        finds(&(struct milvus1_options){.path = folder}, &found);
        assert_int_equal(found.findings.count, 0);
        done(&found);
    }
    fixture_remove(folder);
}

static const char lean[] =
    "{\"collections\":[{\"collection\":\"c\",\"metric\":1,\"rows\":2,\"dim\":2,\"segments\":[{"
    "\"collection\":\"c\",\"segment\":\"100\",\"dim\":2,\"rows\":2,\"fileSize\":32}]},"
    "{\"collection\":\"7000\",\"metric\":1,\"rows\":1,\"dim\":2,\"segments\":[]}],\"rows\":3}";

static void test_located__prepared_folder_of_the_old_tool(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    fixture_text(folder, "meta.json", lean);
    fixture_text(folder, "tables/c/100/100.rv", "x");
    struct found found;
    finds(&(struct milvus1_options){.path = folder}, &found);
    assert_true(found.located.is_package);
    assert_true(found.located.meta.is_lean);
    assert_string_equal(found.located.data_roots[0], folder);
    done(&found);
    fixture_remove(folder);
}

static void test_located__metadata_named_by_the_user(void **state)
{
    (void)state;
    char *folder = made();
    fixture_text(folder, "other.json", lean);
    struct found found;
    finds(&(struct milvus1_options){.path = folder, .meta = fixture_path(folder, "other.json")},
          &found);
    assert_true(found.located.meta.is_lean);
    done(&found);
    finds(&(struct milvus1_options){.meta = fixture_path(folder, "db/meta.sqlite")}, &found);
    assert_int_equal(found.located.meta.table_count, 2);
    assert_string_equal(found.located.data_roots[0], fixture_path(folder, "db"));
    done(&found);
    refuses(&(struct milvus1_options){.path = folder, .meta = "/nowhere/x.sqlite"}, ERR_NOT_FOUND,
            "/nowhere/x.sqlite");
    refuses(&(struct milvus1_options){.path = folder, .meta = "mysql://u:secret@h:1/"}, ERR_CONFIG,
            "database");
    fixture_remove(folder);
}

static void test_located__password_is_in_no_error(void **state)
{
    (void)state;
    static const char *const forms[] = {"mysql://u:sec@ret@h:x/d", "mysql://u:sec@ret",
                                        "u:sec@ret@udp(h)/d", "u:sec@ret@tcp(h/d"};
    char *folder = made();
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        struct found found;
        assert_int_equal(find(&(struct milvus1_options){.path = folder, .meta = forms[k]}, &found),
                         ERR_CONFIG);
        assert_null(strstr(found.err.msg, "sec"));
        done(&found);
    }
    fixture_remove(folder);
}

static void test_located__unfinished_package(void **state)
{
    (void)state;
    char *folder = fixture_folder();
    fixture_text(folder, "meta.json", lean);
    fixture_text(folder, "manifest.json.part", "");
    refuses(&(struct milvus1_options){.path = folder}, ERR_SOURCE, "not complete");
    fixture_remove(folder);
}

static void test_located__allocations_fail(void **state)
{
    (void)state;
    char *folder = made();
    config_of(folder, "conf/server_config.yaml", "/nowhere", "/nowhere/wal", "");
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    for (size_t n = 0;; n++) {
        struct found found;
        fault_arm(FAULT_MALLOC, n, ENOMEM);
        const enum err_code code = find(&(struct milvus1_options){.path = folder}, &found);
        const bool is_hit = fault_disarm();
        if (code == ERR_OK)
            assert_int_equal(found.located.meta.file_count, 4);
        else if (code != ERR_NOMEM || !is_hit)
            fail_msg("call %zu: code %d, %s", n, code, found.err.msg);
        done(&found);
        if (!is_hit)
            break;
    }
    assert_int_equal(unsetenv("TMPDIR"), 0);
    fixture_remove(folder);
}

int main(void)
{
    sql_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_located__root_db_folder_and_file),
        cmocka_unit_test(test_located__nothing_there),
        cmocka_unit_test(test_located__config_beside_the_data),
        cmocka_unit_test(test_located__config_of_another_machine),
        cmocka_unit_test(test_located__copy_beside_its_original),
        cmocka_unit_test(test_located__data_where_the_config_says),
        cmocka_unit_test(test_located__log_named_by_the_user),
        cmocka_unit_test(test_located__log_off),
        cmocka_unit_test(test_located__secondary_paths),
        cmocka_unit_test(test_located__s3_is_refused_by_name),
        cmocka_unit_test(test_located__what_the_config_cannot_mean),
        cmocka_unit_test(test_located__here),
        cmocka_unit_test(test_located__running_server),
        cmocka_unit_test(test_located__prepared_folder_of_the_old_tool),
        cmocka_unit_test(test_located__metadata_named_by_the_user),
        cmocka_unit_test(test_located__password_is_in_no_error),
        cmocka_unit_test(test_located__unfinished_package),
        cmocka_unit_test(test_located__allocations_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
