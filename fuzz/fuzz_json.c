/* fuzz_json.c: the JSON reader and the JSON writer. A document that was read, dumped and read again
 * dumps to the same text; any bytes written as a string make valid JSON. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"

static char *dump_of(const char *text, size_t size)
{
    struct json *document = NULL;
    struct err err;
    if (js_parse(text, size, &document, &err) != ERR_OK)
        return NULL;
    char *dump = js_dump(document);
    js_free(document);
    FUZZ_CHECK(dump != NULL);
    return dump;
}

static void write_as_string(const uint8_t *data, size_t size)
{
    char *string = mem_alloc(size + 1, 1);
    FUZZ_CHECK(string != NULL);
    if (size > 0)
        memcpy(string, data, size);
    string[size] = '\0';
    struct text text;
    text_init(&text);
    json_open(&text, NULL, '{');
    json_add_string(&text, "value", string);
    json_close(&text, '}');
    struct json *document = NULL;
    struct err err;
    FUZZ_CHECK(!text_failed(&text));
    FUZZ_CHECK(js_parse(text.data, text.size, &document, &err) == ERR_OK);
    FUZZ_CHECK(js_is_string(js_get(document, "value")));
    js_free(document);
    text_release(&text);
    mem_free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_as_string(data, size);
    char *first = dump_of((const char *)data, size);
    if (first == NULL)
        return 0;
    char *second = dump_of(first, strlen(first));
    FUZZ_CHECK(second != NULL && strcmp(first, second) == 0);
    mem_free(first);
    mem_free(second);
    return 0;
}
