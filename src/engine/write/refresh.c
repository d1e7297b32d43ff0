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

/* What is lacking is taken from the same index opened anew; the rest is closed again. */
static size_t take_missing(struct segment_index *index, struct segment_index *fresh)
{
    size_t count = 0;
    if (index->lists == NULL && fresh->lists != NULL) {
        index->lists = fresh->lists;
        fresh->lists = NULL;
        count++;
    }
    if (index->graph == NULL && fresh->graph != NULL) {
        index->graph = fresh->graph;
        fresh->graph = NULL;
        count++;
    }
    if (index->bits == NULL && fresh->bits != NULL) {
        index->bits = fresh->bits;
        fresh->bits = NULL;
        count++;
    }
    lists_close(fresh->lists);
    graph_close(fresh->graph);
    bits_close(fresh->bits);
    return count;
}

static size_t refresh_first(const char *folder, const struct live *live, struct segment *segment)
{
    struct segment *original = &segment->shared->original;
    struct segment opened = {.facts = original->facts};
    segment_open_indexes(&opened, folder, live->meta->facts.metric, live->meta->facts.dim);
    struct segment_index index = {0, segment->lists, segment->graph, segment->bits};
    struct segment_index fresh = {0, opened.lists, opened.graph, opened.bits};
    const size_t count = take_missing(&index, &fresh);
    original->lists = segment->lists = index.lists;
    original->graph = segment->graph = index.graph;
    original->bits = segment->bits = index.bits;
    return count;
}

/* The entries of the further fields are the original's, so all users of the segment have them. */
static size_t refresh_segment(const struct writer *writer, const struct live *live,
                              struct segment *segment)
{
    if (segment->shared == NULL)
        return 0;
    const char *folder = writer->database->folder;
    const struct collection_info *info = &live->meta->info;
    size_t count = refresh_first(folder, live, segment);
    for (size_t f = 0; f < info->schema.field_count; f++) {
        struct segment_index *index = segment_find_index(segment, info->schema.fields[f].id);
        struct segment_index fresh;
        if (index == NULL)
            continue;
        live_open_index(folder, info, f, &segment->shared->original.facts, &fresh);
        count += take_missing(index, &fresh);
    }
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
