/* snapshot.c: see snapshot.h. */
#include <string.h>

#include "base/text.h"
#include "engine/collection.h"
#include "engine/live.h"
#include "engine/snapshot_internal.h"
#include "engine/snapshot_segments.h"
#include "engine/stored_reader.h"

#define NAMES_SHOWN_MAX 20

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    (void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    const size_t fields = snapshot->views != NULL ? snapshot->meta->info.schema.field_count : 0;
    for (size_t k = 0; k < fields; k++)
        snapshot_unref(snapshot->views[k]);
    for (size_t k = 0; k < snapshot->segment_count; k++)
        segment_close(&snapshot->segments[k]);
    collection_meta_unref(snapshot->meta);
    arena_release(&snapshot->arena);
    mem_free(snapshot);
}

const struct collection_facts *snapshot_facts(const struct snapshot *snapshot)
{
    return &snapshot->facts;
}

/* "a, b, c, ..." */
static void add_names(struct text *text, const struct collection_facts *facts)
{
    for (size_t k = 0; k < facts->partition_count && k < NAMES_SHOWN_MAX; k++)
        text_addf(text, "%s%s", k > 0 ? ", " : "", facts->partitions[k].name);
    if (facts->partition_count > NAMES_SHOWN_MAX)
        text_add(text, ", ...");
}

enum err_code snapshot_partition(const struct snapshot *snapshot, const char *name,
                                 size_t *ret_index, struct err *err)
{
    const struct collection_facts *facts = &snapshot->facts;
    for (size_t k = 0; k < facts->partition_count; k++) {
        if (strcmp(facts->partitions[k].name, name) == 0) {
            *ret_index = k;
            return ERR_OK;
        }
    }
    struct text names;
    text_init(&names);
    add_names(&names, facts);
    const enum err_code code =
        err_set(err, ERR_NO_PARTITION, "partition %s: not found in collection %s, which has %s",
                name, facts->name, text_get(&names));
    text_release(&names);
    return code;
}

enum err_code snapshot_load(struct sql *sql, const char *folder, const char *collection,
                            struct snapshot **ret_snapshot, struct err *err)
{
    struct live *live = NULL;
    enum err_code code = live_load(sql, folder, collection, &live, err);
    if (code == ERR_OK)
        code = live_publish(live, ret_snapshot, err);
    live_free(live);
    return code;
}

const struct collection_info *snapshot_info(const struct snapshot *snapshot)
{
    return &snapshot->meta->info;
}

enum err_code snapshot_for_field(struct snapshot *snapshot, size_t field,
                                 struct snapshot **ret_snapshot, struct err *err)
{
    const struct schema *schema = &snapshot->meta->info.schema;
    if (field >= schema->field_count || !field_type_is_vector(schema->fields[field].type))
        return err_set(err, ERR_INVALID, "field %zu of collection %s is no vector", field,
                       snapshot->facts.name);
    *ret_snapshot = field == snapshot->meta->layout.vector ? snapshot : snapshot->views[field];
    return ERR_OK;
}

size_t snapshot_segment_of(const struct snapshot *snapshot, uint64_t ordinal)
{
    size_t low = 0;
    size_t high = snapshot->segment_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (snapshot->bases[middle] <= ordinal)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const struct segment_facts *snapshot_segment_facts(const struct snapshot *snapshot, size_t index)
{
    return &snapshot->segments[index].facts;
}

enum err_code snapshot_open_segment(const struct snapshot *snapshot, const char *folder,
                                    size_t index, struct segment_reader **ret_reader,
                                    struct err *err)
{
    return stored_reader_open(folder, &snapshot->segments[index].facts, ret_reader, err);
}
