/* graph_base.c: see graph_base.h. */
#include "engine/graph_base.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/kmeans.h"

#define MIDDLE 64
#define LISTS_A_JOB 4
#define HIGH_BITS UINT64_C(0x8080808080808080)
#define MIDDLES UINT64_C(0x4040404040404040)

static void put_norm(const struct graph_base *base, uint8_t *group, size_t place, float norm)
{
    memcpy(group + base->lines * CODE_LINE + place * sizeof norm, &norm, sizeof norm);
}

/* Codes of a row in both forms. */
static void encode_row(struct graph_base *base, uint32_t node, const float *values, uint8_t *group,
                       size_t place)
{
    uint8_t *row = base->codes + node * base->view.stride;
    const float scale = 127.0F / KMEANS_STEP / base->lists->codes.range;
    double norm = 0.0;
    int32_t sum = 0;
    for (size_t j = 0; j < base->lines * CODE7_DIMS; j++) {
        const float value = j < base->view.width ? values[j] * scale : 0.0F;
        const float low = value > -63.0F ? value : -63.0F;
        const int32_t level = (int32_t)lrintf(low < 63.0F ? low : 63.0F);
        norm += (double)(level * level);
        sum += level;
        group[j / CODE7_DIMS * CODE_LINE + CODE7_DIMS * place + j % CODE7_DIMS] =
            (uint8_t)(level + MIDDLE);
        if (j < base->view.width)
            row[j] = (uint8_t)(level + MIDDLE);
    }
    const float whole = (float)norm;
    base->own[node] = whole + 2.0F * MIDDLE * (float)sum;
    put_norm(base, group, place, graph_base_is_held(base, node) ? NAN : whole);
    if (base->norms != NULL)
        base->norms[node] = whole;
    else
        memcpy(row + base->view.width, &whole, sizeof whole);
}

static void encode_list(struct graph_base *base, size_t list, float *values)
{
    const struct segment *segment = base->options->segment;
    const struct lists *lists = base->lists;
    uint32_t node = base->starts[list];
    for (uint32_t g = lists->starts[list]; g < lists->starts[list + 1]; g++) {
        uint8_t *group = base->groups + g * code_group_size(base->lines);
        for (size_t place = 0; place < CODE_GROUP; place++) {
            const uint32_t row = lists->rows[(size_t)g * CODE_GROUP + place];
            if (row >= lists->header.rows) {
                put_norm(base, group, place, NAN);
                continue;
            }
            float norm = 0.0F;
            base->rows[node] = row;
            codes_row(&lists->codes, segment->vectors.data + row * segment->facts.row_size, values);
            encode_row(base, node, values, group, place);
            graph_codes_pack(&lists->codes, &base->at, values,
                             base->file_codes + node * base->at.stride, &norm);
            if (base->file_norms != NULL)
                base->file_norms[node] = norm;
            node++;
        }
    }
}

static enum err_code encode_lists(void *argument, size_t index, struct err *err)
{
    struct graph_base *base = argument;
    float *values = mem_alloc(base->at.space, sizeof *values);
    if (values == NULL)
        return err_nomem(err, "index");
    const size_t first = index * LISTS_A_JOB;
    size_t list = first;
    for (; list < first + LISTS_A_JOB && list < base->list_count; list++)
        encode_list(base, list, values);
    mem_free(values);
    const uint64_t rows = base->starts[list] - base->starts[first];
    return meter_pass(base->options->meter, rows * base->options->segment->facts.row_size, rows,
                      err);
}

/* Where each list begins among the nodes. */
static void count_nodes(struct graph_base *base)
{
    const struct lists *lists = base->lists;
    for (size_t list = 0; list < base->list_count; list++) {
        base->starts[list] = (uint32_t)base->nodes;
        for (size_t place = (size_t)lists->starts[list] * CODE_GROUP;
             place < (size_t)lists->starts[list + 1] * CODE_GROUP; place++)
            base->nodes += lists->rows[place] < lists->header.rows;
    }
    base->starts[base->list_count] = (uint32_t)base->nodes;
}

/* The lists' centroids with norms in steps of the rows' codes (those of IP have none). */
static void copy_centroids(struct graph_base *base)
{
    const size_t size = code_group_size(base->lines);
    memcpy(base->centroids, base->lists->centroids, base->list_count / CODE_GROUP * size);
    for (size_t list = 0; list < base->list_count; list++) {
        uint8_t *group = base->centroids + list / CODE_GROUP * size;
        const size_t place = list % CODE_GROUP;
        double norm = 0.0;
        for (size_t j = 0; j < base->lines * CODE7_DIMS; j++) {
            const int32_t level =
                group[j / CODE7_DIMS * CODE_LINE + CODE7_DIMS * place + j % CODE7_DIMS] - MIDDLE;
            norm += (double)(level * level);
        }
        put_norm(base, group, place, (float)norm);
    }
}

static bool allocate(struct graph_base *base, const struct graph_header *header)
{
    const size_t groups = (size_t)base->lists->header.groups;
    struct graph_header row_header = *header;
    row_header.bits = 7;
    const struct graph_layout row_at = graph_layout_of(&row_header);
    const size_t nodes = base->nodes;
    base->at = graph_layout_of(header);
    base->lines = base->lists->centroid_lines;
    base->rows = mem_alloc(nodes, sizeof *base->rows);
    base->own = mem_alloc(nodes, sizeof *base->own);
    base->groups = mem_aligned(groups, code_group_size(base->lines));
    base->centroids = mem_aligned(base->list_count / CODE_GROUP, code_group_size(base->lines));
    base->codes = mem_aligned(nodes + CODE_LINE, row_at.stride);
    base->file_codes = mem_aligned(nodes + CODE_LINE, base->at.stride);
    base->norms = row_at.has_norms ? mem_alloc(nodes, sizeof *base->norms) : NULL;
    base->file_norms = base->at.has_norms ? mem_alloc(nodes, sizeof *base->file_norms) : NULL;
    if (base->rows == NULL || base->own == NULL || base->groups == NULL ||
        base->centroids == NULL || base->codes == NULL || base->file_codes == NULL ||
        (row_at.has_norms && base->norms == NULL) ||
        (base->at.has_norms && base->file_norms == NULL))
        return false;
    memset(base->codes, 0, (nodes + CODE_LINE) * row_at.stride);
    memset(base->file_codes, 0, (nodes + CODE_LINE) * base->at.stride);
    memset(base->groups, 0, groups * code_group_size(base->lines));
    base->view = (struct code_rows){
        .codes = base->codes,
        .stride = row_at.stride,
        .width = row_at.width,
        .norms = row_at.has_norms ? (const uint8_t *)base->norms : base->codes + row_at.width,
        .norm_stride = row_at.has_norms ? sizeof(float) : row_at.stride,
    };
    return true;
}

enum err_code graph_base_make(const struct lists_build_options *options, const struct lists *lists,
                              struct graph_header *header, struct graph_base *base, struct err *err)
{
    *base = (struct graph_base){.options = options,
                                .lists = lists,
                                .kernel = code_kernel_for(options->kernel),
                                .list_count = lists->header.lists};
    base->starts = mem_alloc(base->list_count + 1, sizeof *base->starts);
    if (base->starts == NULL)
        return err_nomem(err, "index");
    count_nodes(base);
    header->nodes = base->nodes;
    if (!allocate(base, header))
        return err_nomem(err, "index");
    copy_centroids(base);
    return pool_run(options->threads, (base->list_count + LISTS_A_JOB - 1) / LISTS_A_JOB,
                    encode_lists, base, err);
}

void graph_base_release(struct graph_base *base)
{
    mem_free(base->rows);
    mem_free(base->own);
    mem_free(base->starts);
    mem_free(base->groups);
    mem_free(base->centroids);
    mem_free(base->codes);
    mem_free(base->norms);
    mem_free(base->file_codes);
    mem_free(base->file_norms);
    *base = (struct graph_base){0};
}

size_t graph_base_row_size(const struct graph_layout *at, size_t degree)
{
    const size_t ids = 3 * degree * sizeof(uint32_t); /* links, links the other way */
    return 9 * (at->space + 8) / 4 + at->stride + ids + 16;
}

/* Eight codes a word: they are below 128, so 64 is taken away from each without a borrow. */
float graph_base_query(const struct graph_base *base, uint32_t node, int8_t *ret_query)
{
    const uint8_t *row = base->view.codes + node * base->view.stride;
    const size_t width = base->view.width;
    size_t j = 0;
    for (; j + sizeof(uint64_t) <= width; j += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, row + j, sizeof word);
        word = ((word | HIGH_BITS) - MIDDLES) ^ HIGH_BITS;
        memcpy(ret_query + j, &word, sizeof word);
    }
    for (; j < width; j++)
        ret_query[j] = (int8_t)(row[j] - MIDDLE);
    memset(ret_query + width, 0, graph_base_query_size(base) - width);
    return base->own[node];
}
