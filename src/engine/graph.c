/* graph.c: see graph.h. */
#include "engine/graph.h"

#include "base/mem.h"

enum { STATE_UNKNOWN, STATE_SOUND, STATE_DAMAGED };

static const void *section(const struct graph *graph, uint64_t offset)
{
    return graph->map.data + offset;
}

static void set_sections(struct graph *graph)
{
    const struct graph_header *header = &graph->header;
    const struct graph_layout *at = &graph->at;
    graph->codes = (struct codes){
        .metric = header->metric,
        .dim = header->dim,
        .space = at->space,
        .is_rotated = header->is_rotated,
        .range = header->range,
        .longest = header->longest,
        .mean = section(graph, at->mean),
        .step = section(graph, at->step),
    };
    graph->heads = (struct graph_heads){
        .supers = section(graph, at->supers),
        .super_groups = header->supers / CODE_GROUP,
        .starts = section(graph, at->starts),
        .groups = section(graph, at->groups),
        .nodes = section(graph, at->heads),
        .lines = at->head_lines,
    };
    const uint8_t *codes = section(graph, at->codes);
    const uint8_t *norms = section(graph, at->norms);
    graph->view = (struct graph_view){
        .rows = {.codes = codes,
                 .stride = at->stride,
                 .width = at->width,
                 .norms = at->has_norms ? norms : codes + at->width,
                 .norm_stride = at->has_norms ? sizeof(float) : at->stride},
        .links = section(graph, at->links),
        .degree = header->degree,
        .nodes = (size_t)header->nodes,
    };
    graph->rows = section(graph, at->rows);
}

static enum err_code read_head(struct graph *graph, const struct lists_identity *identity,
                               struct err *err)
{
    enum err_code code = file_map_open(graph->path, &graph->map, err);
    if (code == ERR_OK && graph->map.size >= GRAPH_HEADER_SIZE)
        code = file_map_populate(&graph->map, graph->path, 0, GRAPH_HEADER_SIZE, err);
    if (code != ERR_OK)
        return code;
    code = graph_header_decode((struct bytes){graph->map.data, (size_t)graph->map.size},
                               &graph->header, err);
    if (code != ERR_OK)
        return err_wrap(err, "%s", graph->path);
    const struct graph_header *h = &graph->header;
    if (h->metric != identity->metric || h->dim != identity->dim || h->rows != identity->rows ||
        h->sums_hash != identity->sums_hash || h->dead_hash != identity->dead_hash)
        return err_set(err, ERR_STATE, "%s: belongs to another segment", graph->path);
    graph->at = graph_layout_of(h);
    if (graph->map.size != graph->at.size)
        return err_set(err, ERR_CORRUPT, "%s: the file has another size than its head says",
                       graph->path);
    if (h->nodes > 0)
        set_sections(graph);
    return ERR_OK;
}

enum err_code graph_open(const char *path, const struct lists_identity *identity,
                         struct graph **ret_graph, struct err *err)
{
    struct graph *graph = mem_zalloc(1, sizeof *graph);
    if (graph == NULL || (graph->path = mem_strdup(path)) == NULL) {
        mem_free(graph);
        return err_nomem(err, path);
    }
    atomic_init(&graph->state, STATE_UNKNOWN);
    const enum err_code code = read_head(graph, identity, err);
    if (code == ERR_OK)
        *ret_graph = graph;
    else
        graph_close(graph);
    return code;
}

void graph_close(struct graph *graph)
{
    if (graph == NULL)
        return;
    file_map_close(&graph->map);
    mem_free(graph->path);
    mem_free(graph);
}

bool graph_is_sound(struct graph *graph)
{
    if (graph == NULL || graph->header.nodes == 0)
        return false;
    int state = atomic_load_explicit(&graph->state, memory_order_acquire);
    if (state == STATE_UNKNOWN) {
        struct err err;
        const struct bytes file = {graph->map.data, (size_t)graph->map.size};
        enum err_code code = file_map_populate(&graph->map, graph->path, 0, graph->map.size, &err);
        if (code == ERR_OK)
            code = graph_file_check(file, &graph->header, &err);
        state = code == ERR_OK ? STATE_SOUND : STATE_DAMAGED;
        atomic_store_explicit(&graph->state, state, memory_order_release);
    }
    return state == STATE_SOUND;
}

struct graph_view graph_view_for(const struct graph *graph, const struct code_kernel *kernel)
{
    struct graph_view view = graph->view;
    view.distance = graph->header.bits == 4 ? kernel->rows4 : kernel->rows7;
    return view;
}
