/* refresh.c: indexes that were built after a collection was opened become visible.
 *
 * An index is a file beside a sealed segment that the catalog does not know, made by whoever builds
 * (index_builder.h). Here it is opened for the segments that the writer has open: snapshots taken
 * from now on use it, older ones go on without. The segment's shared owner closes it. */
#include "engine/bits.h"
#include "engine/database_internal.h"
#include "engine/graph.h"
#include "engine/lists.h"
#include "engine/segment_shared.h"
#include "engine/write/writer_internal.h"

struct refresh {
    struct command command;
    size_t count; /* indexes opened */
};

/* What a segment lacks is taken from the same segment opened anew; the rest is closed again. */
static size_t refresh_segment(const struct writer *writer, const struct live *live,
                              struct segment *segment)
{
    struct segment_shared *shared = segment->shared;
    if (shared == NULL)
        return 0;
    size_t count = 0;
    struct segment *original = &shared->original;
    struct segment fresh = {.facts = original->facts};
    segment_open_indexes(&fresh, writer->database->folder, live->meta->facts.metric,
                         live->meta->facts.dim);
    if (segment->lists == NULL && fresh.lists != NULL) {
        original->lists = segment->lists = fresh.lists;
        fresh.lists = NULL;
        count++;
    }
    if (segment->graph == NULL && fresh.graph != NULL) {
        original->graph = segment->graph = fresh.graph;
        fresh.graph = NULL;
        count++;
    }
    if (segment->bits == NULL && fresh.bits != NULL) {
        original->bits = segment->bits = fresh.bits;
        fresh.bits = NULL;
        count++;
    }
    lists_close(fresh.lists);
    graph_close(fresh.graph);
    bits_close(fresh.bits);
    return count;
}

static enum err_code refresh_run(struct writer *writer, struct command *command, struct err *err)
{
    struct refresh *refresh = (struct refresh *)(void *)command;
    (void)err;
    for (size_t k = 0; k < writer->open_count; k++) {
        struct open_collection *open = writer->open[k];
        size_t count = 0;
        for (size_t s = 0; open->live != NULL && s < open->live->segment_count; s++)
            count += refresh_segment(writer, open->live, &open->live->segments[s].segment);
        open->is_changed = open->is_changed || count > 0;
        refresh->count += count;
    }
    return ERR_OK;
}

enum err_code writer_refresh_indexes(struct writer *writer, size_t *ret_count, struct err *err)
{
    struct refresh refresh = {.command = {.run = refresh_run}};
    const enum err_code code = writer_run(writer, &refresh.command, err);
    if (code == ERR_OK)
        *ret_count = refresh.count;
    return code;
}
