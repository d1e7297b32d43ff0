/* graph_heads.c: see graph_heads.h. */
#include "engine/graph_heads.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define MIDDLE 64
#define CHUNK 8

static uint8_t code_in(const uint8_t *group, size_t place, size_t j)
{
    return group[j / CODE7_DIMS * CODE_LINE + CODE7_DIMS * place + j % CODE7_DIMS];
}

/* The member of a list that is nearest to its centroid. */
static uint32_t middle_of(const struct graph_base *base, size_t list, int8_t *query)
{
    const size_t size = code_group_size(base->lines);
    const uint8_t *centroid = base->centroids + list / CODE_GROUP * size;
    const size_t groups = base->lists->starts[list + 1] - base->lists->starts[list];
    uint32_t middle = base->starts[list];
    float least = INFINITY;
    for (size_t j = 0; j < base->lines * CODE7_DIMS; j++)
        query[j] = (int8_t)(code_in(centroid, list % CODE_GROUP, j) - MIDDLE);
    const int8_t *const queries = query;
    for (size_t g = 0; g < groups; g += CHUNK) {
        const struct code_groups part = {graph_base_list(base, list) + g * size,
                                         groups - g < CHUNK ? groups - g : CHUNK, base->lines};
        float keys[CHUNK * CODE_GROUP];
        base->kernel->tile7(&part, &queries, 1, 2.0F, keys);
        const size_t place = base->kernel->smallest(keys, part.count);
        if (keys[place] < least) {
            least = keys[place];
            middle = base->starts[list] + (uint32_t)(g * CODE_GROUP + place);
        }
    }
    return middle;
}

static enum err_code find_heads(const struct graph_base *base, struct graph_head_set *set,
                                struct err *err)
{
    int8_t *query = mem_aligned(1, base->lines * CODE7_DIMS);
    set->heads = mem_alloc(base->list_count, sizeof *set->heads);
    if (query == NULL || set->heads == NULL) {
        mem_free(query);
        return err_nomem(err, "index");
    }
    for (size_t list = 0; list < base->list_count; list++)
        if (base->starts[list] < base->starts[list + 1])
            set->heads[set->count++] = middle_of(base, list, query);
    mem_free(query);
    return ERR_OK;
}

static size_t choose_supers(size_t heads)
{
    const size_t wanted = (size_t)sqrt((double)heads);
    const size_t supers = (wanted + CODE_GROUP - 1) / CODE_GROUP * CODE_GROUP;
    if (supers < CODE_GROUP)
        return CODE_GROUP;
    return supers < GRAPH_SUPERS_MAX ? supers : GRAPH_SUPERS_MAX;
}

/* k-means of the heads; few heads are repeated, so that there are enough. */
static enum err_code find_supers(const struct graph_base *base, struct graph_head_set *set,
                                 struct err *err)
{
    struct kmeans *kmeans = &set->kmeans;
    kmeans->kernel = base->kernel;
    kmeans->threads = base->options->threads;
    kmeans->space = base->view.width;
    kmeans->stride = base->lines * CODE7_DIMS;
    kmeans->lists = choose_supers(set->count);
    kmeans->row_count = set->count > kmeans->lists ? set->count : kmeans->lists;
    set->samples = mem_aligned(kmeans->row_count, kmeans->stride);
    if (set->samples == NULL)
        return err_nomem(err, "index");
    memset(set->samples, 0, kmeans->row_count * kmeans->stride);
    for (size_t i = 0; i < kmeans->row_count; i++) {
        const uint8_t *row = base->view.codes + set->heads[i % set->count] * base->view.stride;
        for (size_t j = 0; j < base->view.width; j++)
            set->samples[i * kmeans->stride + j] =
                (int8_t)lrintf((float)(row[j] - MIDDLE) * KMEANS_STEP);
    }
    kmeans->rows = set->samples;
    return kmeans_run(kmeans, err);
}

static void put_head(const struct graph_base *base, uint32_t node, uint8_t *group, size_t place)
{
    const uint8_t *row = base->view.codes + node * base->view.stride;
    double norm = 0.0;
    for (size_t j = 0; j < base->lines * CODE7_DIMS; j++) {
        const uint8_t code = j < base->view.width ? row[j] : MIDDLE;
        norm += (double)((code - MIDDLE) * (code - MIDDLE));
        group[j / CODE7_DIMS * CODE_LINE + CODE7_DIMS * place + j % CODE7_DIMS] = code;
    }
    const bool is_product = base->options->metric == METRIC_IP;
    const float squared = is_product ? 0.0F : (float)norm * KMEANS_STEP * KMEANS_STEP;
    memcpy(group + base->lines * CODE_LINE + place * sizeof squared, &squared, sizeof squared);
}

/* Heads by super, each super's in whole groups; places without one have no norm. */
static enum err_code arrange(const struct graph_base *base, struct graph_head_set *set,
                             const uint32_t *super_of, struct err *err)
{
    const size_t supers = set->kmeans.lists;
    const size_t size = code_group_size(base->lines);
    set->starts = mem_zalloc(supers + 1, sizeof *set->starts);
    set->nodes = mem_zalloc(set->count + supers * CODE_GROUP, sizeof *set->nodes);
    set->groups = mem_aligned(set->count / CODE_GROUP + supers, size);
    set->supers = mem_aligned(supers / CODE_GROUP, size);
    if (set->starts == NULL || set->nodes == NULL || set->groups == NULL || set->supers == NULL)
        return err_nomem(err, "index");
    memcpy(set->supers, set->kmeans.groups, supers / CODE_GROUP * size);
    for (size_t g = 0; base->options->metric == METRIC_IP && g < supers / CODE_GROUP; g++)
        memset(set->supers + (g + 1) * size - CODE_LINE, 0, CODE_LINE);
    for (size_t super = 0; super < supers; super++) {
        size_t place = set->group_count * CODE_GROUP;
        for (size_t i = 0; i < set->count; i++)
            if (super_of[i] == super) {
                set->nodes[place] = set->heads[i];
                put_head(base, set->heads[i], set->groups + place / CODE_GROUP * size,
                         place % CODE_GROUP);
                place++;
            }
        for (; place % CODE_GROUP != 0; place++) {
            const float none = NAN;
            uint8_t *group = set->groups + place / CODE_GROUP * size;
            for (size_t j = 0; j < base->lines * CODE7_DIMS; j++)
                group[j / CODE7_DIMS * CODE_LINE + CODE7_DIMS * (place % CODE_GROUP) +
                      j % CODE7_DIMS] = MIDDLE;
            memcpy(group + base->lines * CODE_LINE + place % CODE_GROUP * sizeof none, &none,
                   sizeof none);
        }
        set->group_count = place / CODE_GROUP;
        set->starts[super + 1] = (uint32_t)set->group_count;
    }
    return ERR_OK;
}

enum err_code graph_heads_make(const struct graph_base *base, struct graph_head_set *set,
                               struct err *err)
{
    *set = (struct graph_head_set){0};
    enum err_code code = find_heads(base, set, err);
    if (code == ERR_OK)
        code = find_supers(base, set, err);
    if (code != ERR_OK)
        return code;
    uint32_t *super_of = mem_alloc(set->kmeans.row_count, sizeof *super_of);
    if (super_of == NULL)
        return err_nomem(err, "index");
    for (size_t i = 0; i < set->count; i += KMEANS_BATCH)
        kmeans_assign(&set->kmeans, set->samples + i * set->kmeans.stride,
                      set->count - i < KMEANS_BATCH ? set->count - i : KMEANS_BATCH, super_of + i,
                      NULL);
    code = arrange(base, set, super_of, err);
    mem_free(super_of);
    set->view = (struct graph_heads){set->supers, set->kmeans.lists / CODE_GROUP,
                                     set->starts, set->groups,
                                     set->nodes,  base->lines};
    return code;
}

void graph_heads_release(struct graph_head_set *set)
{
    kmeans_release(&set->kmeans);
    mem_free(set->heads);
    mem_free(set->samples);
    mem_free(set->supers);
    mem_free(set->starts);
    mem_free(set->nodes);
    mem_free(set->groups);
    *set = (struct graph_head_set){0};
}
