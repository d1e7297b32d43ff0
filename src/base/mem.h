/* mem.h: all heap memory of the program, so that a test can make the n-th allocation fail.
 *
 * Sizes that come from disk or network are checked against a named maximum before they get here.
 * Every function returns NULL when memory ends or when count * size overflows; nothing aborts. */
#ifndef GODWIT_BASE_MEM_H
#define GODWIT_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* `count` elements of `size` bytes, uninitialised / zeroed. count 0 gives a unique pointer. */
void *mem_alloc(size_t count, size_t size) MUST_USE;
void *mem_zalloc(size_t count, size_t size) MUST_USE;
/* Like realloc; on failure the old block stays valid. */
void *mem_realloc(void *block, size_t count, size_t size) MUST_USE;
/* 64-byte aligned, uninitialised; freed by mem_free. */
void *mem_aligned(size_t count, size_t size) MUST_USE;
/* `size` bytes from the start of a page, for buffers that files are read into and written from:
 * where the kernel copies with rep movsb, some processors need a multiple of the time for a buffer
 * that begins 16 bytes into a page, as malloc's large blocks do. Freed by mem_free. */
void *mem_pages(size_t size) MUST_USE;
char *mem_strdup(const char *text) MUST_USE;
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2) MUST_USE;
void mem_free(void *block);

/* Makes room for one more element in a growing array: doubles `*capacity` when `count` reaches it.
 * `*array` is a pointer to elements of `size` bytes. False when memory ends (nothing changes). */
bool mem_grow(void *array, size_t *capacity, size_t count, size_t size) MUST_USE;

/* An arena: many small blocks with one life, freed at once. Zero-initialise with arena_init(). */
struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used;     /* bytes handed out */
    size_t used_max; /* cap: past it allocations return NULL */
};
void arena_init(struct arena *arena, size_t used_max);
/* Zeroed, aligned to 16. NULL past the cap, on overflow or when memory ends. */
void *arena_array(struct arena *arena, size_t count, size_t size) MUST_USE;
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;
char *arena_strndup(struct arena *arena, const char *text, size_t size) MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
void arena_release(struct arena *arena);

#endif
