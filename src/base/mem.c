/* mem.c: see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

#define PAGE_SIZE ((size_t)4096)
#define ARENA_CHUNK_SIZE ((size_t)64 * 1024)
#define ARENA_ALIGN ((size_t)16)
#define GROW_FIRST ((size_t)16)

static bool product(size_t count, size_t size, size_t *ret_total)
{
    return !__builtin_mul_overflow(count, size, ret_total);
}

void *mem_alloc(size_t count, size_t size)
{
    size_t total;
    if (!product(count, size, &total) || fault_hit(FAULT_MALLOC) != 0)
        return NULL;
    return malloc(total > 0 ? total : 1);
}

void *mem_zalloc(size_t count, size_t size)
{
    size_t total;
    if (!product(count, size, &total) || fault_hit(FAULT_MALLOC) != 0)
        return NULL;
    return calloc(1, total > 0 ? total : 1);
}

void *mem_realloc(void *block, size_t count, size_t size)
{
    size_t total;
    if (!product(count, size, &total) || fault_hit(FAULT_MALLOC) != 0)
        return NULL;
    return realloc(block, total > 0 ? total : 1);
}

void *mem_aligned(size_t count, size_t size)
{
    size_t total;
    if (!product(count, size, &total) || total > SIZE_MAX - 64 || fault_hit(FAULT_MALLOC) != 0)
        return NULL;
    return aligned_alloc(64, total > 0 ? (total + 63) / 64 * 64 : 64);
}

void *mem_pages(size_t size)
{
    if (size > SIZE_MAX - PAGE_SIZE || fault_hit(FAULT_MALLOC) != 0)
        return NULL;
    return aligned_alloc(PAGE_SIZE,
                         size > 0 ? (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE : PAGE_SIZE);
}

char *mem_strdup(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size, 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size >= 0 ? mem_alloc((size_t)size + 1, 1) : NULL;
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

void mem_free(void *block)
{
    free(block);
}

bool mem_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return true;
    const size_t wanted = *capacity < GROW_FIRST ? GROW_FIRST : *capacity * 2;
    void *old;
    memcpy(&old, array, sizeof old);
    void *bigger = wanted > count ? mem_realloc(old, wanted, size) : NULL;
    if (bigger == NULL)
        return false;
    memcpy(array, &bigger, sizeof bigger);
    *capacity = wanted;
    return true;
}

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    size_t padding; /* keeps `bytes` aligned to 16 */
    unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t used_max)
{
    *arena = (struct arena){.used_max = used_max};
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t need)
{
    const size_t size = need > ARENA_CHUNK_SIZE ? need : ARENA_CHUNK_SIZE;
    if (size > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *chunk = mem_zalloc(1, sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (!product(count, size, &total) || total > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    total = (total + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    total = total > 0 ? total : ARENA_ALIGN;
    if (total > arena->used_max - arena->used)
        return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < total)
        chunk = chunk_new(arena, total);
    if (chunk == NULL)
        return NULL;
    void *block = chunk->bytes + chunk->used;
    chunk->used += total;
    arena->used += total;
    return block;
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
    char *copy = size < SIZE_MAX ? arena_array(arena, size + 1, 1) : NULL;
    if (copy != NULL && size > 0)
        memcpy(copy, text, size);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size >= 0 ? arena_array(arena, (size_t)size + 1, 1) : NULL;
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

void arena_release(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        mem_free(chunk);
        chunk = next;
    }
    *arena = (struct arena){.used_max = arena->used_max};
}
