/* dead_rows.c: see dead_rows.h. */
#include "engine/dead_rows.h"

#include <string.h>

#include "base/mem.h"

enum err_code dead_rows_new(const uint64_t *words, size_t from_rows, size_t rows,
                            struct dead_rows **ret_dead, struct err *err)
{
    const size_t count = bitmap_words(rows);
    struct dead_rows *dead = mem_zalloc(sizeof *dead + count * sizeof *dead->words, 1);
    if (dead == NULL)
        return err_nomem(err, "dead rows");
    atomic_init(&dead->references, 1);
    dead->rows = rows;
    if (words != NULL) {
        const size_t kept = from_rows < rows ? from_rows : rows;
        memcpy(dead->words, words, bitmap_words(kept) * sizeof *words);
        if (kept % 64 != 0)
            dead->words[kept / 64] &= ((uint64_t)1 << kept % 64) - 1;
        dead->count = bitmap_count(dead->words, rows);
    }
    *ret_dead = dead;
    return ERR_OK;
}

struct dead_rows *dead_rows_ref(struct dead_rows *dead)
{
    if (dead != NULL)
        (void)atomic_fetch_add_explicit(&dead->references, 1, memory_order_relaxed);
    return dead;
}

void dead_rows_unref(struct dead_rows *dead)
{
    if (dead != NULL && atomic_fetch_sub_explicit(&dead->references, 1, memory_order_acq_rel) == 1)
        mem_free(dead);
}

enum err_code dead_rows_own(struct dead_rows **dead, size_t rows, struct err *err)
{
    struct dead_rows *old = *dead;
    if (old != NULL && old->rows >= rows &&
        atomic_load_explicit(&old->references, memory_order_acquire) == 1)
        return ERR_OK;
    const size_t wanted = old != NULL && old->rows > rows ? old->rows : rows;
    struct dead_rows *own = NULL;
    const enum err_code code = dead_rows_new(old != NULL ? old->words : NULL,
                                             old != NULL ? old->rows : 0, wanted, &own, err);
    if (code != ERR_OK)
        return code;
    dead_rows_unref(old);
    *dead = own;
    return ERR_OK;
}

bool dead_rows_mark(struct dead_rows *dead, size_t row)
{
    if (bitmap_get(dead->words, row))
        return false;
    bitmap_set(dead->words, row);
    dead->count++;
    return true;
}
