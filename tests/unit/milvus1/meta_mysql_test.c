/* meta_mysql_test.c: how a MySQL server is named. Reading from one is tested by the program tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "milvus1/meta.h"

struct form {
    const char *text;
    const char *user;
    const char *password;
    const char *host;
    unsigned port;
    const char *socket;
    const char *database;
};

static void test_meta_mysql__forms(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {"mysql://root:pw@db.example:3307/milvus", "root", "pw", "db.example", 3307, "", "milvus"},
        {"MySQL://root:p@s/w@d@10.0.0.1:3306/m", "root", "p@s/w@d", "10.0.0.1", 3306, "", "m"},
        {"mysql://a:b:c@h:1/m", "a:b", "c", "h", 1, "", "m"},
        {"mysql://root:@127.0.0.1:/milvus", "root", "", "127.0.0.1", 0, "", "milvus"},
        {"mysql://root@h/milvus", "root", "", "h", 0, "", "milvus"},
        {"mysql://h/milvus", "", "", "h", 0, "", "milvus"},
        {"mysql://u:p@[::1]:3306/m", "u", "p", "::1", 3306, "", "m"},
        {"mysql://u:p@h:3306/m?charset=utf8", "u", "p", "h", 3306, "", "m"},
        {"u:p@tcp(h:3306)/m", "u", "p", "h", 3306, "", "m"},
        {"u:p@tcp(h:3306)/m?charset=utf8mb4&parseTime=True&loc=Asia/Shanghai", "u", "p", "h", 3306,
         "", "m"},
        {"u:p@s:w/d@tcp(h)/m", "u", "p@s:w/d", "h", 0, "", "m"},
        {"u:p)(@tcp([fe80::1]:33)/m", "u", "p)(", "fe80::1", 33, "", "m"},
        {"u@unix(/run/mysqld/mysqld.sock)/m?x=1", "u", "", "", 0, "/run/mysqld/mysqld.sock", "m"},
        {"u:p@tcp/m", "u", "p", "127.0.0.1", 0, "", "m"},
        {"u:p@/m", "u", "p", "127.0.0.1", 0, "", "m"},
        {"/m", "", "", "127.0.0.1", 0, "", "m"},
    };
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        struct meta_mysql mysql;
        struct err err;
        if (meta_mysql_parse(forms[k].text, &mysql, &err) != ERR_OK)
            fail_msg("%s: %s", forms[k].text, err.msg);
        assert_string_equal(mysql.user, forms[k].user);
        assert_string_equal(mysql.password, forms[k].password);
        assert_string_equal(mysql.host, forms[k].host);
        assert_int_equal(mysql.port, forms[k].port);
        assert_string_equal(mysql.socket, forms[k].socket);
        assert_string_equal(mysql.database, forms[k].database);
    }
}

static void test_meta_mysql__wrong_forms_do_not_show_the_password(void **state)
{
    (void)state;
    static const char *const forms[] = {"mysql://u:secret@h:3306/",
                                        "mysql://u:secret@h:3306",
                                        "mysql://u:secret@h:99999/m",
                                        "mysql://u:secret@h:33a/m",
                                        "mysql://u:secret@[::1:33/m",
                                        "u:secret@udp(h)/m",
                                        "u:secret@tcp(h:3306/m",
                                        "u:secret@tcp(h:3306)",
                                        "u:secret@tcp(h:3306)/",
                                        "u:secret@tcp(h:x)/m?a=b",
                                        "secret",
                                        "",
                                        "u:secret@tcp(h:3306)/m@secret",
                                        "mysql://u:secret@h:1/m@x"};
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        struct meta_mysql mysql;
        struct err err;
        if (meta_mysql_parse(forms[k], &mysql, &err) != ERR_CONFIG)
            fail_msg("%s is accepted", forms[k]);
        assert_null(strstr(err.msg, "secret"));
        assert_non_null(strstr(err.msg, "MySQL address"));
    }
}

static void test_meta_mysql__too_long(void **state)
{
    (void)state;
    char text[1024] = "mysql://u:";
    memset(text + strlen(text), 'x', 300);
    memcpy(text + 310, "@h:1/m", 7);
    struct meta_mysql mysql;
    struct err err;
    assert_int_equal(meta_mysql_parse(text, &mysql, &err), ERR_CONFIG);
    assert_non_null(strstr(err.msg, "password"));
    assert_null(strstr(err.msg, "xxx"));
}

static void test_meta_mysql__nobody_answers(void **state)
{
    (void)state;
    struct meta_mysql mysql = {.socket = "/nonexistent/mysqld.sock",
                               .user = "root",
                               .password = "secret",
                               .database = "milvus"};
    struct meta meta;
    struct err err;
    assert_int_equal(meta_mysql_load(&mysql, &meta, &err), ERR_TEMPORARY);
    assert_non_null(strstr(err.msg, "root@"));
    assert_null(strstr(err.msg, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta_mysql__forms),
        cmocka_unit_test(test_meta_mysql__wrong_forms_do_not_show_the_password),
        cmocka_unit_test(test_meta_mysql__too_long),
        cmocka_unit_test(test_meta_mysql__nobody_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
