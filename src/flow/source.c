/* source.c: see source.h. */
#include "flow/source.h"

#include <string.h>

enum err_code source_open_segment(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err)
{
    return source->ops->open_segment(source, collection, segment, ret_reader, err);
}

enum err_code segment_reader_next(struct segment_reader *reader, struct batch *ret_batch,
                                  struct err *err)
{
    return reader->ops->next(reader, ret_batch, err);
}

void segment_reader_close(struct segment_reader *reader)
{
    if (reader != NULL)
        reader->ops->close(reader);
}

void source_close(struct source *source)
{
    if (source != NULL)
        source->ops->close(source);
}

const struct source_collection *source_find(const struct source *source, const char *name)
{
    for (size_t k = 0; k < source->description.collection_count; k++)
        if (strcmp(source->description.collections[k].name, name) == 0)
            return &source->description.collections[k];
    return NULL;
}
