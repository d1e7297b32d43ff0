/* graph.h: a graph file of a segment, mapped: the plan GRAPH.
 *
 * Nodes are the live rows, numbered list by list as in the segment's lists, so that what is near in
 * space is often near in memory. Each node has codes and a few links; a walk (graph_walk.h) starts
 * at the nearest heads and follows links; its best nodes are scored exactly from the segment's own
 * columns.
 *
 * The file is derived: a missing, damaged, older or foreign one only means that another plan
 * answers. Checksums are compared once, when the file is first needed.
 *
 * Threads: any; two may check at once and come to the same answer. */
#ifndef GODWIT_ENGINE_GRAPH_H
#define GODWIT_ENGINE_GRAPH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/codes.h"
#include "engine/graph_format.h"
#include "engine/graph_walk.h"
#include "engine/lists.h"

struct graph {
    char *path;
    struct file_map map;
    struct graph_header header;
    struct graph_layout at;
    struct codes codes; /* points into the map */
    struct graph_heads heads;
    struct graph_view view; /* without the function */
    const uint32_t *rows;   /* of the segment, by node */
    atomic_int state;
};

/* Maps a file and reads its head. ERR_NOT_FOUND, ERR_CORRUPT, ERR_UNSUPPORTED (another version),
 * ERR_STATE (of another segment), ERR_IO, ERR_NOMEM: the caller goes on without. */
enum err_code graph_open(const char *path, const struct lists_identity *identity,
                         struct graph **ret_graph, struct err *err) MUST_USE;
void graph_close(struct graph *graph); /* NULL accepted */

/* False when the file is damaged, or says that a graph is not worth while. The first call reads all
 * of it. NULL: false. */
bool graph_is_sound(struct graph *graph);

/* The graph as a walk wants it, with the functions of one instruction set. */
struct graph_view graph_view_for(const struct graph *graph, const struct code_kernel *kernel);

#endif
