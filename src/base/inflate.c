/* inflate.c: see inflate.h. */
#include "base/inflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"

#define CAPACITY_FIRST ((size_t)16 * 1024)
#define WINDOW_BITS 15
#define GZIP_FLAG 16
#define INPUT_STEP ((size_t)1 << 30) /* zlib counts in 32 bits */

struct output {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* zlib's memory through base/mem.h. */
static voidpf zlib_alloc(voidpf opaque, uInt count, uInt size)
{
    (void)opaque;
    return mem_alloc(count, size);
}

static void zlib_free(voidpf opaque, voidpf block)
{
    (void)opaque;
    mem_free(block);
}

/* One byte more than size_max, so that "too much" is seen and not guessed. */
static enum err_code grow(struct output *out, const struct inflate_options *options,
                          struct err *err)
{
    if (out->size < out->capacity)
        return ERR_OK;
    if (out->size > options->size_max)
        return err_set(err, ERR_INVALID, "decompresses to more than %zu bytes", options->size_max);
    size_t capacity = out->capacity > 0 ? out->capacity * 2 : CAPACITY_FIRST;
    if (capacity > options->size_max + 1)
        capacity = options->size_max + 1;
    if (options->may_grow != NULL && !options->may_grow(options->context, capacity - out->capacity))
        return err_nomem(err, "decompression");
    uint8_t *bigger = mem_realloc(out->data, capacity, 1);
    if (bigger == NULL)
        return err_nomem(err, "decompression");
    out->data = bigger;
    out->capacity = capacity;
    return ERR_OK;
}

/* Feeds one step; `at` moves on. Returns zlib's code. */
static int step(z_stream *stream, struct bytes in, size_t *at, struct output *out)
{
    const size_t left = in.size - *at;
    const uInt in_step = (uInt)(left < INPUT_STEP ? left : INPUT_STEP);
    const size_t room = out->capacity - out->size;
    const uInt out_step = (uInt)(room < INPUT_STEP ? room : INPUT_STEP);
    stream->next_in = in.data + *at;
    stream->avail_in = in_step;
    stream->next_out = out->data + out->size;
    stream->avail_out = out_step;
    const int code = inflate(stream, Z_NO_FLUSH);
    *at += in_step - stream->avail_in;
    out->size += out_step - stream->avail_out;
    return code;
}

/* What zlib's code of a step means; ERR_OK: go on. */
static enum err_code judge(const z_stream *stream, int end, size_t at, struct err *err)
{
    if (end == Z_OK || end == Z_BUF_ERROR)
        return ERR_OK;
    if (end == Z_MEM_ERROR)
        return err_nomem(err, "decompression");
    return err_set(err, ERR_CORRUPT, "compressed data: offset %zu: %s", at,
                   stream->msg != NULL ? stream->msg : "more bytes than there should be");
}

static enum err_code run(z_stream *stream, struct bytes in, const struct inflate_options *options,
                         struct output *out, struct err *err)
{
    for (size_t at = 0;;) {
        enum err_code code = grow(out, options, err);
        if (code != ERR_OK)
            return code;
        const size_t moved_before = at + out->size;
        const int end = step(stream, in, &at, out);
        if (end == Z_STREAM_END && at == in.size)
            break;
        if (end == Z_STREAM_END && options->is_gzip && inflateReset(stream) == Z_OK)
            continue;
        code = judge(stream, end, at, err);
        if (code != ERR_OK)
            return code;
        if (at + out->size == moved_before && out->size < out->capacity)
            return err_set(err, ERR_CORRUPT, "compressed data: cut after %zu bytes", at);
    }
    if (out->size > options->size_max)
        return err_set(err, ERR_INVALID, "decompresses to more than %zu bytes", options->size_max);
    return ERR_OK;
}

enum err_code inflate_all(struct bytes in, const struct inflate_options *options,
                          uint8_t **ret_data, size_t *ret_size, struct err *err)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&stream, WINDOW_BITS + (options->is_gzip ? GZIP_FLAG : 0)) != Z_OK)
        return err_nomem(err, "decompression");
    struct output out = {0};
    const enum err_code code = run(&stream, in, options, &out, err);
    (void)inflateEnd(&stream);
    if (code != ERR_OK || out.size == 0) {
        mem_free(out.data);
        out.data = NULL;
    }
    if (code == ERR_OK) {
        *ret_data = out.data;
        *ret_size = out.size;
    }
    return code;
}
