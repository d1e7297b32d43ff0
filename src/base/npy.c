/* npy.c: see npy.h. The header is a Python dictionary literal; only the form that NumPy itself
 * writes is read, with free order of keys and free blanks. */
#include "base/npy.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NPY_MAGIC "\x93NUMPY"
#define NPY_MAGIC_SIZE 6
#define NPY_TEXT_MAX 65536 /* characters of an element */
#define NPY_TYPES "<f4 <f8 <i8 <i4 |u1"

struct npy_name {
    const char *descr;
    enum npy_type type;
    size_t size;
};

static const struct npy_name npy_names[] = {
    {"<f4", NPY_FLOAT32, 4}, {"<f8", NPY_FLOAT64, 8}, {"<i8", NPY_INT64, 8}, {"<i4", NPY_INT32, 4},
    {"|u1", NPY_UINT8, 1},   {"<u1", NPY_UINT8, 1},   {"|b1", NPY_BOOL, 1},  {"|i1", NPY_INT8, 1},
    {"<i1", NPY_INT8, 1},    {"<i2", NPY_INT16, 2}};
#define NPY_NAME_COUNT (sizeof npy_names / sizeof npy_names[0])

size_t npy_item_size(enum npy_type type)
{
    for (size_t k = 0; k < NPY_NAME_COUNT; k++)
        if (npy_names[k].type == type)
            return npy_names[k].size;
    return 0;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* What follows 'key': in the literal, or NULL. */
static const char *find_value(const char *literal, const char *key)
{
    char quoted[32];
    (void)snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(literal, quoted);
    if (at == NULL)
        return NULL;
    at = skip_blanks(at + strlen(quoted));
    return *at == ':' ? skip_blanks(at + 1) : NULL;
}

static bool parse_count(const char **at, uint64_t *ret_count)
{
    const char *digit = skip_blanks(*at);
    uint64_t count = 0;
    bool has_digits = false;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (count > (uint64_t)INT64_MAX / 10 - 1)
            return false;
        count = count * 10 + (uint64_t)(*digit - '0');
        has_digits = true;
    }
    *at = skip_blanks(digit);
    *ret_count = count;
    return has_digits;
}

/* "<U12" or "|S7": text of so many characters. */
static bool parse_text_type(const char *value, struct npy_header *header)
{
    uint64_t count;
    const bool is_unicode = strncmp(value, "'<U", 3) == 0;
    if (!is_unicode && strncmp(value, "'|S", 3) != 0)
        return false;
    value += 3;
    if (!parse_count(&value, &count) || *value != '\'' || count > NPY_TEXT_MAX)
        return false;
    header->type = is_unicode ? NPY_UNICODE : NPY_BYTES;
    header->item_size = (size_t)count * (is_unicode ? 4 : 1);
    return true;
}

static bool parse_type(const char *value, struct npy_header *header)
{
    for (size_t k = 0; value != NULL && k < NPY_NAME_COUNT; k++) {
        char quoted[8];
        (void)snprintf(quoted, sizeof quoted, "'%s'", npy_names[k].descr);
        if (strncmp(value, quoted, strlen(quoted)) == 0) {
            header->type = npy_names[k].type;
            header->item_size = npy_names[k].size;
            return true;
        }
    }
    return value != NULL && parse_text_type(value, header);
}

/* "(N,)" or "(N, M)". */
static bool parse_shape(const char *at, struct npy_header *header)
{
    if (at == NULL || *at != '(')
        return false;
    at++;
    header->columns = 1;
    header->dimensions = 1;
    if (!parse_count(&at, &header->rows) || *at != ',')
        return false;
    at = skip_blanks(at + 1);
    if (*at == ')')
        return true;
    header->dimensions = 2;
    if (!parse_count(&at, &header->columns))
        return false;
    if (*at == ',')
        at = skip_blanks(at + 1);
    return *at == ')';
}

static enum err_code decode_literal(const char *literal, size_t offset, struct npy_header *header,
                                    struct err *err)
{
    if (!parse_type(find_value(literal, "descr"), header))
        return err_set(err, ERR_CORRUPT,
                       "offset %zu: element type not supported; expected one of " NPY_TYPES
                       " in %.80s",
                       offset, literal);
    const char *order = find_value(literal, "fortran_order");
    if (order == NULL || strncmp(order, "False", 5) != 0)
        return err_set(err, ERR_CORRUPT, "offset %zu: fortran_order False expected in %.80s",
                       offset, literal);
    if (!parse_shape(find_value(literal, "shape"), header))
        return err_set(err, ERR_CORRUPT,
                       "offset %zu: a shape of one or two dimensions expected in %.80s", offset,
                       literal);
    return ERR_OK;
}

enum err_code npy_header_decode(struct bytes in, struct npy_header *ret_header, struct err *err)
{
    struct npy_header header;
    const enum err_code code = npy_header_decode_any(in, &header, err);
    if (code != ERR_OK)
        return code;
    if (header.type > NPY_UINT8)
        return err_set(err, ERR_CORRUPT,
                       "the header: element type not supported; expected one of " NPY_TYPES);
    *ret_header = header;
    return ERR_OK;
}

enum err_code npy_header_decode_any(struct bytes in, struct npy_header *ret_header, struct err *err)
{
    if (in.size < 10 || memcmp(in.data, NPY_MAGIC, NPY_MAGIC_SIZE) != 0)
        return err_set(err, ERR_CORRUPT, "offset 0: no .npy file (magic \\x93NUMPY expected)");
    const uint8_t major = in.data[6];
    if (major < 1 || major > 3)
        return err_set(err, ERR_CORRUPT, "offset 6: version %u found, 1 to 3 expected", major);
    const size_t head = major == 1 ? 10 : 12;
    if (in.size < head)
        return err_set(err, ERR_CORRUPT, "offset %zu: the header is cut", in.size);
    const size_t size = major == 1 ? get_u16(in.data + 8) : get_u32(in.data + 8);
    if (size > NPY_HEADER_SIZE_MAX - head || size > in.size - head)
        return err_set(err, ERR_CORRUPT,
                       "offset 8: header of %zu bytes announced, the file holds %zu", size,
                       in.size - head);
    char literal[NPY_HEADER_SIZE_MAX];
    memcpy(literal, in.data + head, size);
    literal[size < sizeof literal ? size : sizeof literal - 1] = '\0';
    struct npy_header header = {.data_offset = head + size};
    const enum err_code code = decode_literal(literal, head, &header, err);
    if (code == ERR_OK)
        *ret_header = header;
    return code;
}

void npy_header_encode(const struct npy_header *header, uint8_t *buffer)
{
    const char *descr = "";
    for (size_t k = 0; k < NPY_NAME_COUNT && *descr == '\0'; k++)
        if (npy_names[k].type == header->type)
            descr = npy_names[k].descr;
    memset(buffer, ' ', NPY_HEADER_SIZE);
    memcpy(buffer, NPY_MAGIC "\x01\x00", 8);
    put_u16(buffer + 8, NPY_HEADER_SIZE - 10);
    char shape[64];
    if (header->dimensions == 1)
        (void)snprintf(shape, sizeof shape, "(%" PRIu64 ",)", header->rows);
    else
        (void)snprintf(shape, sizeof shape, "(%" PRIu64 ", %" PRIu64 ")", header->rows,
                       header->columns);
    char literal[NPY_HEADER_SIZE];
    const int size =
        snprintf(literal, sizeof literal, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                 descr, shape);
    memcpy(buffer + 10, literal, (size_t)size);
    buffer[NPY_HEADER_SIZE - 1] = '\n';
}
