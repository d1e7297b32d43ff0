/* bits.c: see bits.h. */
#include "engine/bits.h"

#include "base/mem.h"

enum { STATE_UNKNOWN, STATE_SOUND, STATE_DAMAGED };

static const void *section(const struct bits *bits, uint64_t offset)
{
    return bits->map.data + offset;
}

static void set_sections(struct bits *bits)
{
    bits->at = bits_layout_of(&bits->header);
    bits->starts = section(bits, bits->at.starts);
    bits->norms = section(bits, bits->at.norms);
    bits->weights = section(bits, bits->at.weights);
    bits->rows = section(bits, bits->at.rows);
    bits->groups = section(bits, bits->at.codes);
}

static enum err_code read_head(struct bits *bits, const struct lists_identity *identity,
                               struct err *err)
{
    enum err_code code = file_map_open(bits->path, &bits->map, err);
    if (code == ERR_OK && bits->map.size >= BITS_HEADER_SIZE)
        code = file_map_populate(&bits->map, bits->path, 0, BITS_HEADER_SIZE, err);
    if (code != ERR_OK)
        return code;
    code = bits_header_decode((struct bytes){bits->map.data, (size_t)bits->map.size}, &bits->header,
                              err);
    if (code != ERR_OK)
        return err_wrap(err, "%s", bits->path);
    const struct bits_header *h = &bits->header;
    if (h->metric != identity->metric || h->dim != identity->dim || h->rows != identity->rows ||
        h->sums_hash != identity->sums_hash || h->dead_hash != identity->dead_hash)
        return err_set(err, ERR_STATE, "%s: belongs to another segment", bits->path);
    if (bits->map.size != bits_layout_of(h).size)
        return err_set(err, ERR_CORRUPT, "%s: the file has another size than its head says",
                       bits->path);
    set_sections(bits);
    return ERR_OK;
}

enum err_code bits_open(const char *path, const struct lists_identity *identity,
                        struct bits **ret_bits, struct err *err)
{
    struct bits *bits = mem_zalloc(1, sizeof *bits);
    if (bits == NULL || (bits->path = mem_strdup(path)) == NULL) {
        mem_free(bits);
        return err_nomem(err, path);
    }
    atomic_init(&bits->state, STATE_UNKNOWN);
    const enum err_code code = read_head(bits, identity, err);
    if (code == ERR_OK)
        *ret_bits = bits;
    else
        bits_close(bits);
    return code;
}

void bits_close(struct bits *bits)
{
    if (bits == NULL)
        return;
    file_map_close(&bits->map);
    mem_free(bits->path);
    mem_free(bits);
}

bool bits_are_sound(struct bits *bits)
{
    if (bits == NULL)
        return false;
    int state = atomic_load_explicit(&bits->state, memory_order_acquire);
    if (state == STATE_UNKNOWN) {
        struct err err;
        const struct bytes file = {bits->map.data, (size_t)bits->map.size};
        enum err_code code = file_map_populate(&bits->map, bits->path, 0, bits->map.size, &err);
        if (code == ERR_OK)
            code = bits_file_check(file, &bits->header, &err);
        state = code == ERR_OK ? STATE_SOUND : STATE_DAMAGED;
        atomic_store_explicit(&bits->state, state, memory_order_release);
    }
    return state == STATE_SOUND;
}
