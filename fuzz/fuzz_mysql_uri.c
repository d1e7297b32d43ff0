/* fuzz_mysql_uri.c: names of MySQL servers. Parts are parts of the text, and an error never repeats
 * one of them. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "milvus1/meta.h"

#define SECRET "hunter2"

static void check_part(const char *text, const char *part, const char *fallback)
{
    FUZZ_CHECK(strlen(part) < 256);
    FUZZ_CHECK(strstr(text, part) != NULL || strcmp(part, fallback) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta_mysql mysql;
    struct err err = {0};
    char *text = mem_alloc(size + 1, 1);
    FUZZ_CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (meta_mysql_parse(text, &mysql, &err) == ERR_OK) {
        FUZZ_CHECK(mysql.port <= 65535 && *mysql.database != '\0');
        FUZZ_CHECK(strchr(mysql.database, '@') == NULL);
        check_part(text, mysql.user, "");
        check_part(text, mysql.password, "");
        check_part(text, mysql.host, "127.0.0.1");
        check_part(text, mysql.socket, "");
        check_part(text, mysql.database, "");
    } else {
        FUZZ_CHECK(err.code == ERR_CONFIG && strstr(err.msg, SECRET) == NULL);
    }
    mem_free(text);
    return 0;
}
