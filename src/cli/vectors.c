/* vectors.c: see vectors.h. */
#include "cli/vectors.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/npy.h"

#define TEXT_VECTOR_SIZE_MAX ((size_t)1 << 20)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum err_code from_hex(const char *where, const char *text, struct vectors *v,
                              struct err *err)
{
    const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
    const size_t length = strlen(digits);
    if (length == 0 || length % 2 != 0)
        return err_set(err, ERR_INVALID, "%s: hexadecimal digits must come in pairs", where);
    uint8_t *bytes = mem_alloc(length / 2, 1);
    v->memory = bytes;
    if (bytes == NULL)
        return err_nomem(err, where);
    for (size_t i = 0; i < length / 2; i++) {
        const int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_INVALID,
                           "%s: a binary vector is [0, 255, ...] or hexadecimal digits", where);
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    v->row_size = length / 2;
    return ERR_OK;
}

static enum err_code from_array(const char *where, const struct json *array, struct vectors *v,
                                struct err *err)
{
    const size_t count = js_size(array);
    if (!js_is_array(array) || count == 0)
        return err_set(err, ERR_INVALID, "%s: an array of numbers is expected", where);
    v->row_size = v->is_binary ? count : count * sizeof(float);
    uint8_t *data = mem_alloc(v->row_size, 1);
    v->memory = data;
    if (data == NULL)
        return err_nomem(err, where);
    for (size_t i = 0; i < count; i++) {
        const struct json *item = js_at(array, i);
        const double number = js_number(item, NAN);
        const bool is_byte = js_is_int(item) && number >= 0 && number <= 255;
        if (!js_is_number(item) || (v->is_binary && !is_byte))
            return err_set(err, ERR_INVALID, "%s: element %zu is not a %s", where, i,
                           v->is_binary ? "byte from 0 to 255" : "number");
        const float single = (float)number;
        if (v->is_binary)
            data[i] = (uint8_t)number;
        else
            memcpy(data + i * sizeof single, &single, sizeof single);
    }
    return ERR_OK;
}

enum err_code vectors_from_text(const char *where, const char *text, bool is_binary,
                                struct vectors *ret_vectors, struct err *err)
{
    struct vectors v = {.is_binary = is_binary, .rows = 1};
    enum err_code code = ERR_OK;
    const size_t length = strlen(text);
    if (length > TEXT_VECTOR_SIZE_MAX)
        return err_set(err, ERR_INVALID, "%s: longer than %zu bytes; use --queries", where,
                       TEXT_VECTOR_SIZE_MAX);
    if (is_binary && text[strspn(text, " \t\n")] != '[') {
        code = from_hex(where, text, &v, err);
    } else {
        struct json *document = NULL;
        code = js_parse(text, length, &document, err);
        if (code == ERR_CORRUPT) {
            (void)err_wrap(err, "%s: an array of numbers is expected", where);
            code = err_recode(err, ERR_INVALID);
        }
        if (code == ERR_OK)
            code = from_array(where, document, &v, err);
        js_free(document);
    }
    if (code != ERR_OK) {
        vectors_release(&v);
        return code;
    }
    v.data = v.memory;
    v.dim = is_binary ? v.row_size * 8 : v.row_size / sizeof(float);
    *ret_vectors = v;
    return ERR_OK;
}

/* Maps a file and reads its header; the data is known to lie in the file. */
static enum err_code open_npy(const char *path, struct file_map *map, struct npy_header *header,
                              struct err *err)
{
    enum err_code code = file_map_open(path, map, err);
    if (code != ERR_OK)
        return code;
    const struct bytes in = {.data = map->data, .size = (size_t)map->size};
    code = npy_header_decode(in, header, err);
    uint64_t size = 0;
    if (code == ERR_OK &&
        (__builtin_mul_overflow(header->rows, header->columns, &size) ||
         __builtin_mul_overflow(size, (uint64_t)npy_item_size(header->type), &size) ||
         size > map->size - header->data_offset))
        code = err_set(err, ERR_CORRUPT,
                       "offset %zu: %llu x %llu items announced, the file holds %llu bytes",
                       header->data_offset, (unsigned long long)header->rows,
                       (unsigned long long)header->columns,
                       (unsigned long long)(map->size - header->data_offset));
    if (code != ERR_OK) {
        (void)err_wrap(err, "%s", path);
        file_map_close(map);
    }
    return code;
}

static enum err_code halve_doubles(const char *path, const uint8_t *from, uint64_t count,
                                   struct vectors *v, struct err *err)
{
    float *singles = mem_alloc((size_t)count, sizeof *singles);
    v->memory = singles;
    if (singles == NULL)
        return err_nomem(err, path);
    for (uint64_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, from + i * sizeof value, sizeof value);
        singles[i] = (float)value;
    }
    v->data = v->memory;
    return ERR_OK;
}

enum err_code vectors_from_npy(const char *path, struct vectors *ret_vectors, struct err *err)
{
    struct vectors v = {0};
    struct npy_header header;
    enum err_code code = open_npy(path, &v.map, &header, err);
    if (code != ERR_OK)
        return code;
    const bool is_flat = header.dimensions == 1;
    v.rows = is_flat ? 1 : header.rows;
    const uint64_t columns = is_flat ? header.rows : header.columns;
    v.is_binary = header.type == NPY_UINT8;
    v.data = v.map.data + header.data_offset;
    const uint64_t columns_max = v.is_binary ? DIMENSION_MAX / 8 : DIMENSION_MAX;
    if (header.type == NPY_INT32 || header.type == NPY_INT64)
        code =
            err_set(err, ERR_INVALID, "%s: integers; vectors are float32, or uint8 for bits", path);
    else if (columns == 0 || columns > columns_max)
        code = err_set(err, ERR_INVALID, "%s: %llu columns; 1 to %llu are possible", path,
                       (unsigned long long)columns, (unsigned long long)columns_max);
    else if (header.type == NPY_FLOAT64)
        code = halve_doubles(path, v.data, v.rows * columns, &v, err);
    if (code != ERR_OK) {
        vectors_release(&v);
        return code;
    }
    v.dim = (size_t)columns * (v.is_binary ? 8 : 1);
    v.row_size = (size_t)columns * (v.is_binary ? 1 : sizeof(float));
    *ret_vectors = v;
    return ERR_OK;
}

void vectors_release(struct vectors *vectors)
{
    file_map_close(&vectors->map);
    mem_free(vectors->memory);
    *vectors = (struct vectors){0};
}

enum err_code ids_from_npy(const char *path, struct ids *ret_ids, struct err *err)
{
    struct ids ids = {0};
    struct npy_header header;
    const enum err_code code = open_npy(path, &ids.map, &header, err);
    if (code != ERR_OK)
        return code;
    const bool is_column = header.dimensions == 1 || header.columns == 1;
    if (!is_column || (header.type != NPY_INT64 && header.type != NPY_INT32)) {
        ids_release(&ids);
        return err_set(err, ERR_INVALID, "%s: ids are int64 of one dimension", path);
    }
    const uint8_t *from = ids.map.data + header.data_offset;
    ids.count = header.rows;
    if (header.type == NPY_INT64 && (uintptr_t)from % sizeof(int64_t) == 0) {
        ids.items = (const int64_t *)(const void *)from;
        *ret_ids = ids;
        return ERR_OK;
    }
    int64_t *items = mem_alloc((size_t)ids.count, sizeof *items);
    ids.memory = items;
    if (items == NULL) {
        ids_release(&ids);
        return err_nomem(err, path);
    }
    for (uint64_t i = 0; i < ids.count; i++)
        items[i] =
            header.type == NPY_INT64 ? get_i64(from + 8 * i) : (int32_t)get_u32(from + 4 * i);
    ids.items = items;
    *ret_ids = ids;
    return ERR_OK;
}

void ids_release(struct ids *ids)
{
    file_map_close(&ids->map);
    mem_free(ids->memory);
    *ids = (struct ids){0};
}

static float component(const uint8_t *vector, size_t index)
{
    float value;
    memcpy(&value, vector + index * sizeof value, sizeof value);
    return value;
}

void vector_add_json(struct text *text, const char *key, const uint8_t *vector, size_t row_size,
                     bool is_binary)
{
    json_open(text, key, '[');
    for (size_t i = 0; i < (is_binary ? row_size : row_size / sizeof(float)); i++) {
        if (is_binary)
            json_add_uint(text, NULL, vector[i]);
        else
            json_add_float(text, NULL, component(vector, i));
    }
    json_close(text, ']');
}

void vector_add_text(struct text *text, const uint8_t *vector, size_t row_size, bool is_binary,
                     size_t shown_max)
{
    const size_t count = is_binary ? row_size : row_size / sizeof(float);
    text_add(text, is_binary ? "" : "[");
    for (size_t i = 0; i < count && i < shown_max; i++) {
        if (is_binary)
            text_addf(text, "%02x", vector[i]);
        else
            text_addf(text, "%s%.6g", i > 0 ? ", " : "", (double)component(vector, i));
    }
    if (count > shown_max)
        text_addf(text, is_binary ? "... (%zu bytes)" : ", ... (%zu)", count);
    text_add(text, is_binary ? "" : "]");
}
