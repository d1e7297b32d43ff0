/* graph_build.c: see graph_build.h. */
#include "engine/graph_build.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/graph_calibrate.h"
#include "engine/graph_heads.h"
#include "engine/graph_links.h"
#include "engine/graph_write.h"

#define DEGREE 32
#define SPACE_OF_7_BITS 128 /* dimensions up to which codes have 7 bits */

struct build {
    const struct lists_build_options *options;
    const struct lists *lists;
    struct graph_header header;
    struct graph_base base;
    struct graph_links links;
    struct graph_head_set heads;
};

static struct graph_header make_header(const struct lists *lists)
{
    const struct lists_header *from = &lists->header;
    return (struct graph_header){
        .metric = from->metric,
        .dim = from->dim,
        .rows = from->rows,
        .nodes = from->live_rows,
        .sums_hash = from->sums_hash,
        .dead_hash = from->dead_hash,
        .bits = lists->codes.space <= SPACE_OF_7_BITS ? 7 : 4,
        .degree = DEGREE,
        .supers = CODE_GROUP,
        .is_rotated = from->is_rotated,
        .range = from->range,
        .longest = from->longest,
    };
}

static bool has_room(const struct build *build)
{
    const struct graph_layout at = graph_layout_of(&build->header);
    const size_t row = graph_base_row_size(&at, build->header.degree);
    return build->header.nodes < GRAPH_NODES_MAX &&
           build->header.nodes <= build->options->memory_max / row;
}

static enum err_code make_graph(struct build *build, struct err *err)
{
    enum err_code code =
        graph_base_make(build->options, build->lists, &build->header, &build->base, err);
    if (code == ERR_OK)
        code = graph_links_make(&build->base, build->header.degree, &build->links, err);
    if (code == ERR_OK)
        code = graph_heads_make(&build->base, &build->heads, err);
    if (code == ERR_OK)
        code = graph_links_connect(&build->links, build->heads.heads, build->heads.count, err);
    build->header.supers = (uint32_t)build->heads.kmeans.lists;
    build->header.head_groups = (uint32_t)build->heads.group_count;
    return code;
}

static enum err_code write_whole(struct build *build, int fd, const char *path, struct err *err)
{
    const struct graph_content content = {
        .header = &build->header,
        .codes = &build->lists->codes,
        .heads = &build->heads.view,
        .rows = build->base.rows,
        .norms = build->base.file_norms,
        .row_codes = build->base.file_codes,
        .links = build->links.links,
        .threads = build->options->threads,
    };
    return graph_write(&content, fd, path, err);
}

/* The ladder is measured on the file itself, then written into its head. */
static enum err_code calibrate_file(struct build *build, const char *path, struct err *err)
{
    const struct graph_header *h = &build->header;
    const struct lists_identity identity = {h->metric, h->dim, h->rows, h->sums_hash, h->dead_hash};
    struct graph *graph = NULL;
    enum err_code code = graph_open(path, &identity, &graph, err);
    if (code == ERR_OK && !graph_is_sound(graph))
        code = err_set(err, ERR_IO, "%s: what was written is not what is read", path);
    if (code == ERR_OK)
        code = graph_calibrate(build->options, graph, &build->lists->header, &build->header.ladder,
                               err);
    graph_close(graph);
    return code;
}

static enum err_code open_new(const char *path, int *ret_fd, struct err *err)
{
    const enum err_code code = file_remove(path, err);
    return code == ERR_OK ? file_create(path, ret_fd, err) : code;
}

/* Only the head: it says that the lists serve every level as well. */
static enum err_code write_verdict(struct build *build, const char *path, int *fd, struct err *err)
{
    file_close(*fd);
    *fd = -1;
    build->header.nodes = 0;
    build->header.head_groups = 0;
    build->header.ladder = (struct graph_ladder){0};
    return open_new(path, fd, err);
}

/* The rows that served as queries are linked in. */
static enum err_code write_joined(struct build *build, int fd, const char *path, struct err *err)
{
    graph_links_join(&build->links);
    const enum err_code code =
        graph_links_connect(&build->links, build->heads.heads, build->heads.count, err);
    return code == ERR_OK ? write_whole(build, fd, path, err) : code;
}

static bool is_kept(const struct build *build)
{
    return build->options->keeps_graph || !graph_is_needless(&build->header, &build->lists->header);
}

static enum err_code write_file(struct build *build, const char *temporary, struct err *err)
{
    int fd = -1;
    enum err_code code = open_new(temporary, &fd, err);
    if (code == ERR_OK)
        code = write_whole(build, fd, temporary, err);
    if (code == ERR_OK)
        code = calibrate_file(build, temporary, err);
    if (code == ERR_OK)
        code = is_kept(build) ? write_joined(build, fd, temporary, err)
                              : write_verdict(build, temporary, &fd, err);
    if (code == ERR_OK)
        code = graph_write_header(&build->header, fd, temporary, err);
    if (code == ERR_OK)
        code = file_sync(fd, temporary, err);
    file_close(fd);
    return code;
}

enum err_code graph_build(const struct lists_build_options *options, const struct lists *lists,
                          const char *path, struct err *err)
{
    struct build build = {.options = options, .lists = lists, .header = make_header(lists)};
    if (!has_room(&build))
        return ERR_OK;
    char *temporary = mem_printf("%s.tmp", path);
    if (temporary == NULL)
        return err_nomem(err, path);
    enum err_code code = make_graph(&build, err);
    if (code == ERR_OK)
        code = write_file(&build, temporary, err);
    if (code == ERR_OK)
        code = file_rename(temporary, path, err);
    if (code != ERR_OK) {
        struct err ignored;
        (void)!file_remove(temporary, &ignored);
    }
    mem_free(temporary);
    graph_heads_release(&build.heads);
    graph_links_release(&build.links);
    graph_base_release(&build.base);
    return code;
}
