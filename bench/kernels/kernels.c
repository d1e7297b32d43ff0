/* kernels.c: how near the kernels of src/kernel/ come to what the machine can do.
 *
 *   kernels [MIB [ISA]]          default 256 MiB, the best instruction set
 *
 * One line a kernel: what it runs on, rows a second, and its share of the limit that it must meet:
 * of reading memory (or the second-level cache) in order, or of multiply-adds, measured in turn
 * with it (limits.h). One thread, processor time, the best of several rounds. Rows that a graph
 * walks to lie at random places, lines asked for in advance: their share counts whole lines.
 * Wants an otherwise idle machine. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bit.h"
#include "kernel/code.h"
#include "kernel/kernel.h"
#include "limits.h"

#define ROUNDS 5
#define BLOCK KERNEL_BLOCK
#define CHUNK 64 /* groups in a call */
#define AHEAD 16 /* rows asked for before they are needed */
#define LISTS 2048
#define CACHE_REPEATS 100

struct bench {
    const struct kernel *kernel;
    const struct code_kernel *code;
    const struct bit_kernel *bit;
    uint8_t *memory; /* any bytes, no NaN among them as floats */
    size_t size;
    float *query;    /* bytes, floats or words, enough for all */
    uint32_t *order; /* rows in an order that no machine foresees */
};

/* What a measured function is asked to go through, and what it did. */
struct pass {
    const struct bench *bench;
    size_t size; /* bytes of memory to use */
    size_t dim;
    double rows; /* compared with a query */
    double work; /* bytes, or multiply-adds */
};

static volatile float sink;

/* ---- rows by pointers, as the exact scan has them ---- */

typedef void score_fn(const struct kernel *kernel, const float *query, size_t dim,
                      const uint8_t *const *rows);

static void score_l2(const struct kernel *kernel, const float *query, size_t dim,
                     const uint8_t *const *rows)
{
    float scores[BLOCK];
    kernel->squared_distance(query, dim, rows, BLOCK, scores);
    sink = scores[0];
}

static void score_ip(const struct kernel *kernel, const float *query, size_t dim,
                     const uint8_t *const *rows)
{
    float scores[BLOCK];
    kernel->inner_product(query, dim, rows, BLOCK, scores);
    sink = scores[0];
}

static void score_xor(const struct kernel *kernel, const float *query, size_t dim,
                      const uint8_t *const *rows)
{
    uint32_t bits[BLOCK];
    kernel->xor_bits((const uint8_t *)query, dim / 8, rows, BLOCK, bits);
    sink = (float)bits[0];
}

static void score_and(const struct kernel *kernel, const float *query, size_t dim,
                      const uint8_t *const *rows)
{
    uint32_t both[BLOCK], alone[BLOCK];
    kernel->and_bits((const uint8_t *)query, dim / 8, rows, BLOCK, both, alone);
    sink = (float)(both[0] + alone[0]);
}

static void run_rows(struct pass *pass, size_t row_size, score_fn *score)
{
    const struct bench *b = pass->bench;
    const uint8_t *rows[BLOCK];
    const size_t count = pass->size / row_size / BLOCK * BLOCK;
    for (size_t first = 0; first < count; first += BLOCK) {
        for (size_t i = 0; i < BLOCK; i++)
            rows[i] = b->memory + (first + i) * row_size;
        score(b->kernel, b->query, pass->dim, rows);
    }
    pass->rows = (double)count;
    pass->work = (double)count * (double)row_size;
}

static void run_l2(struct pass *pass)
{
    run_rows(pass, pass->dim * sizeof(float), score_l2);
}

static void run_ip(struct pass *pass)
{
    run_rows(pass, pass->dim * sizeof(float), score_ip);
}

static void run_xor(struct pass *pass)
{
    run_rows(pass, pass->dim / 8, score_xor);
}

static void run_and(struct pass *pass)
{
    run_rows(pass, pass->dim / 8, score_and);
}

/* ---- groups, as indexes have them ---- */

static void run_scan4(struct pass *pass)
{
    const struct bench *b = pass->bench;
    const size_t lines = code4_lines(pass->dim);
    const size_t size = code_group_size(lines);
    const size_t groups = pass->size / size / CHUNK * CHUNK;
    for (size_t first = 0; first < groups; first += CHUNK) {
        const struct code_groups chunk = {b->memory + first * size, CHUNK, lines};
        float keys[CHUNK * CODE_GROUP];
        uint16_t masks[CHUNK];
        b->code->scan4(&chunk, (const int8_t *)b->query, 0.01F, 0.0F, keys, masks);
        sink = keys[0];
    }
    pass->rows = (double)(groups * CODE_GROUP);
    pass->work = (double)(groups * size);
}

static void scan_bits(struct pass *pass, bool has_counts)
{
    const struct bench *b = pass->bench;
    const size_t lines = bit_lines(pass->dim / 8);
    const size_t size = bit_group_size(lines, has_counts);
    const size_t groups = pass->size / size / CHUNK * CHUNK;
    const struct bit_query query = {(const uint8_t *)b->query, 100, 0.0F};
    for (size_t first = 0; first < groups; first += CHUNK) {
        const struct bit_groups chunk = {b->memory + first * size, CHUNK, lines, has_counts};
        float keys[CHUNK * BIT_GROUP];
        uint16_t masks[CHUNK];
        b->bit->scan(&chunk, &query, 1, keys, masks);
        sink = keys[0];
    }
    pass->rows = (double)(groups * BIT_GROUP);
    pass->work = (double)(groups * size);
}

static void run_hamming(struct pass *pass)
{
    scan_bits(pass, false);
}

static void run_jaccard(struct pass *pass)
{
    scan_bits(pass, true);
}

/* ---- in the cache: limited by arithmetic ---- */

static void run_tile7(struct pass *pass)
{
    const struct bench *b = pass->bench;
    const size_t lines = code7_lines(pass->dim);
    const int8_t *queries[CODE_TILE];
    float keys[CODE_TILE * CHUNK * CODE_GROUP];
    for (size_t q = 0; q < CODE_TILE; q++)
        queries[q] = (const int8_t *)b->query + q * lines * CODE7_DIMS;
    const struct code_groups chunk = {b->memory, CHUNK, lines};
    for (size_t i = 0; i < CACHE_REPEATS; i++) {
        b->code->tile7(&chunk, queries, CODE_TILE, 0.01F, keys);
        sink = keys[0];
    }
    pass->rows = (double)CACHE_REPEATS * CODE_TILE * CHUNK * CODE_GROUP;
    pass->work = pass->rows * (double)pass->dim;
}

static void run_sieve(struct pass *pass)
{
    const struct bench *b = pass->bench;
    static _Alignas(64) float zeros[KERNEL_TILE_ROWS];
    const float *panel_values = (const float *)(const void *)b->memory;
    const struct kernel_panel panel = {panel_values, zeros, zeros};
    const struct kernel_group group = {panel_values + pass->dim * b->kernel->tile_rows,
                                       b->kernel->tile_group, zeros, zeros};
    uint32_t passed[KERNEL_TILE_GROUP];
    for (size_t i = 0; i < 10 * CACHE_REPEATS; i++) {
        b->kernel->tile(&panel, &group, pass->dim, passed);
        sink = (float)passed[0];
    }
    pass->rows = 10.0 * CACHE_REPEATS * (double)(b->kernel->tile_rows * b->kernel->tile_group);
    pass->work = pass->rows * (double)pass->dim;
}

static void run_bit_tile(struct pass *pass)
{
    const struct bench *b = pass->bench;
    const size_t lines = bit_lines(pass->dim / 8);
    struct bit_query queries[BIT_TILE];
    float keys[BIT_TILE * CHUNK * BIT_GROUP];
    uint16_t masks[BIT_TILE * CHUNK];
    for (size_t q = 0; q < BIT_TILE; q++)
        queries[q] = (struct bit_query){(const uint8_t *)b->query + q * lines * 4, 100, 0.0F};
    const struct bit_groups chunk = {b->memory, CHUNK, lines, false};
    for (size_t i = 0; i < CACHE_REPEATS; i++) {
        b->bit->scan(&chunk, queries, BIT_TILE, keys, masks);
        sink = keys[0];
    }
    pass->rows = (double)CACHE_REPEATS * BIT_TILE * CHUNK * BIT_GROUP;
    pass->work = pass->rows * (double)lines * 4.0;
}

static void run_weigh(struct pass *pass)
{
    const struct bench *b = pass->bench;
    static float norms[LISTS], keys[LISTS];
    static uint16_t bits[32768];
    const struct bit_weights weights = {b->memory, norms, pass->dim, LISTS};
    const size_t count = pass->dim / 2;
    for (size_t i = 0; i < count; i++)
        bits[i] = (uint16_t)(2 * i);
    for (size_t i = 0; i < CACHE_REPEATS; i++) {
        b->bit->weigh(&weights, bits, count, 0.01F, keys);
        sink = keys[0];
    }
    pass->rows = (double)CACHE_REPEATS * LISTS;
    pass->work = pass->rows * (double)count;
}

/* ---- rows at random places, as a graph walks to them ---- */

static void ask_for(const struct code_rows *rows, const uint32_t *ids)
{
    for (size_t i = 0; i < AHEAD; i++)
        for (size_t at = 0; at < rows->stride; at += CODE_LINE)
            __builtin_prefetch(rows->codes + ids[i] * rows->stride + at);
}

static void walk_rows(struct pass *pass, size_t width, code_rows_fn *compare)
{
    const struct bench *b = pass->bench;
    const size_t stride = (width + 4 + CODE_LINE - 1) / CODE_LINE * CODE_LINE;
    const struct code_rows rows = {b->memory, stride, width, b->memory + width, stride};
    const size_t count = (pass->size - CODE_LINE) / stride / AHEAD * AHEAD;
    float keys[AHEAD + 3];
    size_t asked = 0;
    for (size_t first = 0; first < count; first += AHEAD) {
        uint32_t ids[2 * AHEAD];
        for (size_t i = 0; i < 2 * AHEAD; i++)
            ids[i] = (uint32_t)(b->order[(first + i) % count] % count);
        ask_for(&rows, ids + AHEAD);
        compare(&rows, ids, AHEAD, (const int8_t *)b->query, 0.01F, keys);
        sink = keys[0];
        asked += AHEAD;
    }
    pass->rows = (double)asked;
    pass->work = (double)asked * (double)stride;
}

static void run_rows4(struct pass *pass)
{
    walk_rows(pass, (pass->dim + 1) / 2, pass->bench->code->rows4);
}

static void run_rows7(struct pass *pass)
{
    walk_rows(pass, pass->dim, pass->bench->code->rows7);
}

/* ---- the table ---- */

static const struct job {
    const char *name;
    size_t dim;
    void (*run)(struct pass *pass);
    enum limit limit;
} jobs[] = {
    {"L2, floats", 128, run_l2, LIMIT_MEMORY},
    {"L2, floats", 768, run_l2, LIMIT_MEMORY},
    {"IP, floats", 768, run_ip, LIMIT_MEMORY},
    {"HAMMING, rows", 256, run_xor, LIMIT_MEMORY},
    {"HAMMING, rows", 1024, run_xor, LIMIT_MEMORY},
    {"JACCARD, rows", 1024, run_and, LIMIT_MEMORY},
    {"HAMMING, groups", 256, run_hamming, LIMIT_MEMORY},
    {"HAMMING, groups", 1024, run_hamming, LIMIT_MEMORY},
    {"JACCARD, groups", 1024, run_jaccard, LIMIT_MEMORY},
    {"scan4, groups", 128, run_scan4, LIMIT_MEMORY},
    {"scan4, groups", 768, run_scan4, LIMIT_MEMORY},
    {"rows4, a walk", 128, run_rows4, LIMIT_MEMORY},
    {"rows4, a walk", 768, run_rows4, LIMIT_MEMORY},
    {"rows7, a walk", 128, run_rows7, LIMIT_MEMORY},
    {"HAMMING, 4 queries", 256, run_bit_tile, LIMIT_CACHE},
    {"HAMMING, 4 queries", 1024, run_bit_tile, LIMIT_CACHE},
    {"weights of lists", 256, run_weigh, LIMIT_CACHE},
    {"tile7, 4 queries", 128, run_tile7, LIMIT_BYTES},
    {"tile7, 4 queries", 768, run_tile7, LIMIT_BYTES},
    {"sieve tile", 128, run_sieve, LIMIT_FLOATS},
};

static void measure(const struct bench *bench, const struct job *job)
{
    static const char *const units[LIMIT_COUNT] = {"GB/s memory", "GB/s cache", "GMAC/s floats",
                                                   "GMAC/s bytes"};
    struct pass best = {0};
    double best_time = 1e300;
    double limit = 0.0;
    for (size_t r = 0; r < ROUNDS; r++) {
        const double possible = limits_measure(job->limit, bench->memory, bench->size);
        struct pass pass = {.bench = bench, .size = bench->size, .dim = job->dim};
        const double start = limits_time();
        job->run(&pass);
        const double taken = limits_time() - start;
        limit = possible > limit ? possible : limit;
        if (taken < best_time) {
            best_time = taken;
            best = pass;
        }
    }
    const double rate = best.work / best_time;
    printf("%-20s %6zu %10.1f %10.1f %10.1f %-14s", job->name, job->dim,
           best.rows / best_time * 1e-6, rate * 1e-9, limit * 1e-9, units[job->limit]);
    if (limit > 0.0)
        printf(" %4.0f %%", 100.0 * rate / limit);
    printf("\n");
}

static void fail(const char *what)
{
    fprintf(stderr, "kernels: %s\n", what);
    exit(1);
}

static void fill(struct bench *bench)
{
    uint64_t seed = 1;
    bench->memory = aligned_alloc(64, bench->size);
    bench->query = aligned_alloc(64, 65536);
    const size_t rows = bench->size / CODE_LINE;
    bench->order = malloc(rows * sizeof *bench->order);
    if (bench->memory == NULL || bench->query == NULL || bench->order == NULL)
        fail("out of memory");
    for (size_t i = 0; i < bench->size; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bench->memory[i] = (uint8_t)(seed >> 40 & 63);
    }
    memcpy(bench->query, bench->memory, 65536);
    for (size_t i = 0; i < rows; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bench->order[i] = (uint32_t)(seed >> 33);
    }
}

int main(int argc, char **argv)
{
    struct err err;
    struct bench bench = {.size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 256) << 20};
    if (bench.size < (size_t)64 << 20)
        fail("at least 64 MiB are needed, more than caches hold");
    if (kernel_select(argc > 2 ? argv[2] : NULL, &bench.kernel, &err) != ERR_OK)
        fail(err.msg);
    bench.code = code_kernel_for(bench.kernel);
    bench.bit = bit_kernel_for(bench.kernel);
    fill(&bench);
    printf("kernels %s, %s, %s; one thread\n\n", bench.kernel->name, bench.code->name,
           bench.bit->name);
    printf("%-20s %6s %10s %10s %10s %-14s %6s\n", "kernel", "dim", "M rows/s", "measured",
           "possible", "", "share");
    for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++)
        measure(&bench, &jobs[j]);
    free(bench.memory);
    free(bench.query);
    free(bench.order);
    return 0;
}
