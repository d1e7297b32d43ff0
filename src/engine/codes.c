/* codes.c: see codes.h. The rotation: signs of a fixed random sequence, then a fast Walsh-Hadamard
 * transform of the first and of the last 2^k dimensions in turn, 2^k the largest power within the
 * space; all orthogonal, so distances stay. */
#include "engine/codes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/code.h"

#define RANGE_SIGMAS 4.5F
#define STEP_SIGMAS 0.36F      /* of 16 levels: +-2.7 sigma */
#define ROTATE_FROM 4.0        /* times the median spread */
#define ROUNDS 4               /* of signs and transforms */
#define STEP_SMALLEST 1e-6F    /* of the largest */
#define DIMENSION_ROTATABLE 16 /* fewer are left as they are */

bool codes_support(enum metric_type metric)
{
    return metric == METRIC_L2 || metric == METRIC_IP || metric == METRIC_COSINE;
}

static void transform(float *values, size_t size)
{
    for (size_t half = 1; half < size; half *= 2)
        for (size_t from = 0; from < size; from += 2 * half)
            for (size_t i = from; i < from + half; i++) {
                const float a = values[i];
                const float b = values[i + half];
                values[i] = a + b;
                values[i + half] = a - b;
            }
    const float scale = 1.0F / sqrtf((float)size);
    for (size_t i = 0; i < size; i++)
        values[i] *= scale;
}

static void rotate(float *values, size_t count)
{
    size_t size = 1;
    while (size * 2 <= count)
        size *= 2;
    uint64_t seed = UINT64_C(0x60d317);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            values[i] = (seed >> 63) != 0 ? -values[i] : values[i];
        }
        transform(round % 2 == 0 ? values : values + (count - size), size);
    }
}

static void load(const uint8_t *row, size_t dim, float *ret_values)
{
    memcpy(ret_values, row, dim * sizeof *ret_values);
    for (size_t j = 0; j < dim; j++)
        ret_values[j] = isfinite(ret_values[j]) ? ret_values[j] : 0.0F;
}

static double squared_length(const float *values, size_t dim)
{
    double sum = 0.0;
    for (size_t j = 0; j < dim; j++)
        sum += (double)values[j] * (double)values[j];
    return sum;
}

/* As given, but finite; COSINE: of length 1. */
static void load_scaled(const struct codes *codes, const uint8_t *row, float *ret_values)
{
    load(row, codes->dim, ret_values);
    if (codes->metric != METRIC_COSINE)
        return;
    const double length = sqrt(squared_length(ret_values, codes->dim));
    for (size_t j = 0; j < codes->dim; j++)
        ret_values[j] = length > 0.0 ? (float)((double)ret_values[j] / length) : 0.0F;
}

/* The row in its space, before the mean is taken away. */
static void load_whole(const struct codes *codes, const uint8_t *row, float *ret_values)
{
    load_scaled(codes, row, ret_values);
    if (codes->metric != METRIC_IP)
        return;
    const double rest = (double)codes->longest - squared_length(ret_values, codes->dim);
    ret_values[codes->dim] = rest > 0.0 ? (float)sqrt(rest) : 0.0F;
}

void codes_row(const struct codes *codes, const uint8_t *row, float *ret_values)
{
    load_whole(codes, row, ret_values);
    for (size_t j = 0; j < codes->space; j++)
        ret_values[j] -= codes->mean[j];
    if (codes->is_rotated)
        rotate(ret_values, codes->space);
}

void codes_query(const struct codes *codes, const uint8_t *query, float *ret_values)
{
    load_scaled(codes, query, ret_values);
    if (codes->metric == METRIC_IP)
        ret_values[codes->dim] = 0.0F;
    else
        for (size_t j = 0; j < codes->space; j++)
            ret_values[j] -= codes->mean[j];
    if (codes->is_rotated)
        rotate(ret_values, codes->space);
}

float codes_reach(const float *values, size_t count)
{
    float reach = FLT_MIN;
    for (size_t j = 0; j < count; j++) {
        const float size = fabsf(values[j]);
        reach = size > reach ? size : reach;
    }
    return reach;
}

void codes_bytes(const float *values, size_t count, size_t padded, float range, int8_t *ret_bytes)
{
    for (size_t j = 0; j < count; j++) {
        const float value = values[j] / range * 127.0F;
        const float low = value > -127.0F ? value : -127.0F;
        ret_bytes[j] = (int8_t)lrintf(low < 127.0F ? low : 127.0F);
    }
    for (size_t j = count; j < padded; j++)
        ret_bytes[j] = 0;
}

static void put_norm(const struct codes *codes, uint8_t *group, size_t place, float norm)
{
    memcpy(group + code4_lines(codes->space) * CODE_LINE + place * sizeof norm, &norm, sizeof norm);
}

void codes_pack(const struct codes *codes, const float *values, uint8_t *group, size_t place)
{
    double norm = 0.0;
    for (size_t j = 0; j < codes->space; j++) {
        const float level = values[j] / codes->step[j] + CODES_LEVEL_MIDDLE;
        const float low = level > 0.0F ? level : 0.0F;
        const unsigned code = (unsigned)lrintf(low < 15.0F ? low : 15.0F);
        const float rebuilt = ((float)code - CODES_LEVEL_MIDDLE) * codes->step[j];
        norm += (double)rebuilt * (double)rebuilt;
        uint8_t *byte = group + j / CODE4_DIMS * CODE_LINE + 4 * place + j % 4;
        *byte = (uint8_t)(*byte | (j % CODE4_DIMS < 4 ? code : code << 4));
    }
    put_norm(codes, group, place, codes->metric == METRIC_IP ? 0.0F : (float)norm);
}

void codes_pack_nothing(const struct codes *codes, uint8_t *group, size_t place)
{
    put_norm(codes, group, place, NAN);
}

float codes_scan_query(const struct codes *codes, float *values, int8_t *ret_bytes)
{
    for (size_t j = 0; j < codes->space; j++)
        values[j] *= codes->step[j];
    const float reach = codes_reach(values, codes->space);
    codes_bytes(values, codes->space, code4_lines(codes->space) * CODE4_DIMS, reach, ret_bytes);
    return 2.0F * reach / 127.0F;
}

struct measure {
    const uint8_t *const *rows;
    size_t count;
    float *values;   /* space */
    double *sums;    /* space */
    double *squares; /* space */
};

static double divide(double sum, size_t count)
{
    return count > 0 ? sum / (double)count : 0.0;
}

static void measure_mean(struct codes_memory *memory, struct measure *m)
{
    struct codes *codes = &memory->codes;
    double longest = 0.0;
    for (size_t i = 0; i < m->count && codes->metric == METRIC_IP; i++) {
        load(m->rows[i], codes->dim, m->values);
        const double length = squared_length(m->values, codes->dim);
        longest = length > longest ? length : longest;
    }
    codes->longest = (float)longest;
    for (size_t i = 0; i < m->count; i++) {
        load_whole(codes, m->rows[i], m->values);
        for (size_t j = 0; j < codes->space; j++)
            m->sums[j] += (double)m->values[j];
    }
    for (size_t j = 0; j < codes->space; j++)
        memory->mean[j] = (float)divide(m->sums[j], m->count);
}

/* Leaves the spread of each dimension in m->squares. */
static void measure_spread(const struct codes *codes, struct measure *m)
{
    memset(m->squares, 0, codes->space * sizeof *m->squares);
    for (size_t i = 0; i < m->count; i++) {
        codes_row(codes, m->rows[i], m->values);
        for (size_t j = 0; j < codes->space; j++)
            m->squares[j] += (double)m->values[j] * (double)m->values[j];
    }
    for (size_t j = 0; j < codes->space; j++)
        m->squares[j] = sqrt(divide(m->squares[j], m->count));
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Uneven: one dimension spreads far more than most. m->sums is overwritten. */
static bool is_uneven(const struct codes *codes, struct measure *m)
{
    memcpy(m->sums, m->squares, codes->space * sizeof *m->sums);
    qsort(m->sums, codes->space, sizeof *m->sums, compare_doubles);
    return codes->space >= DIMENSION_ROTATABLE &&
           m->sums[codes->space - 1] > ROTATE_FROM * m->sums[codes->space / 2];
}

static void set_steps(struct codes_memory *memory, const struct measure *m)
{
    double widest = 0.0;
    for (size_t j = 0; j < memory->codes.space; j++)
        widest = m->squares[j] > widest ? m->squares[j] : widest;
    const float sigma = widest > 0.0 && isfinite((float)widest) ? (float)widest : 1.0F;
    memory->codes.range = RANGE_SIGMAS * sigma;
    for (size_t j = 0; j < memory->codes.space; j++) {
        const float step = STEP_SIGMAS * (float)m->squares[j];
        const float smallest = STEP_SMALLEST * sigma;
        memory->step[j] = step > smallest && isfinite(step) ? step : smallest;
    }
}

enum err_code codes_measure(enum metric_type metric, size_t dim, const uint8_t *const *rows,
                            size_t count, struct codes_memory *ret_memory, struct err *err)
{
    struct codes_memory memory = {
        .codes = {.metric = metric, .dim = dim, .space = dim + (metric == METRIC_IP)}};
    const size_t space = memory.codes.space;
    struct measure m = {.rows = rows, .count = count};
    memory.mean = mem_zalloc(space, sizeof *memory.mean);
    memory.step = mem_zalloc(space, sizeof *memory.step);
    m.values = mem_zalloc(space, sizeof *m.values);
    m.sums = mem_zalloc(space, sizeof *m.sums);
    m.squares = mem_zalloc(space, sizeof *m.squares);
    const bool has_memory = memory.mean != NULL && memory.step != NULL && m.values != NULL &&
                            m.sums != NULL && m.squares != NULL;
    if (has_memory) {
        memory.codes.mean = memory.mean;
        memory.codes.step = memory.step;
        measure_mean(&memory, &m);
        measure_spread(&memory.codes, &m);
        memory.codes.is_rotated = is_uneven(&memory.codes, &m);
        if (memory.codes.is_rotated)
            measure_spread(&memory.codes, &m);
        set_steps(&memory, &m);
    }
    mem_free(m.values);
    mem_free(m.sums);
    mem_free(m.squares);
    if (has_memory)
        *ret_memory = memory;
    else
        codes_release(&memory);
    return has_memory ? ERR_OK : err_nomem(err, "index");
}

void codes_release(struct codes_memory *memory)
{
    mem_free(memory->mean);
    mem_free(memory->step);
    *memory = (struct codes_memory){0};
}
