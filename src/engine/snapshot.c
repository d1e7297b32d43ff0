/* snapshot.c: see snapshot.h. */
#include <string.h>

#include "base/text.h"
#include "engine/catalog.h"
#include "engine/snapshot_internal.h"
#include "engine/snapshot_segments.h"
#include "engine/stored_reader.h"

#define SNAPSHOT_MEMORY_MAX ((size_t)4 << 30) /* a named cap; a million segments need 0.3 GB */
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
    for (size_t k = 0; k < snapshot->segment_count; k++)
        segment_close(&snapshot->segments[k]);
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

/* In one read transaction: the seal, then the collection. */
static enum err_code read_catalog(struct sql *sql, const char *name, struct snapshot *snapshot,
                                  struct catalog_collection *ret_collection, struct err *err)
{
    enum err_code code = sql_exec(sql, "BEGIN", err);
    if (code != ERR_OK)
        return code;
    code = catalog_seal_check(sql, &snapshot->seal, err);
    if (code == ERR_OK)
        code = catalog_load(sql, name, &snapshot->arena, ret_collection, err);
    sql_rollback(sql);
    return code;
}

static enum err_code open_segments(struct snapshot *snapshot, const char *folder,
                                   const struct catalog_collection *collection, struct err *err)
{
    const size_t count = collection->facts.segment_count;
    snapshot->segments = arena_array(&snapshot->arena, count + 1, sizeof *snapshot->segments);
    snapshot->bases = arena_array(&snapshot->arena, count + 1, sizeof *snapshot->bases);
    if (snapshot->segments == NULL || snapshot->bases == NULL)
        return err_nomem(err, folder);
    for (size_t k = 0; k < count; k++) {
        const struct segment_facts *facts = &collection->segments[k];
        const enum err_code code = segment_open(folder, facts, &snapshot->segments[k], err);
        if (code != ERR_OK)
            return code;
        segment_open_indexes(&snapshot->segments[k], folder, collection->facts.metric,
                             collection->facts.dim);
        snapshot->segment_count = k + 1;
        snapshot->bases[k + 1] = snapshot->bases[k] + facts->rows;
    }
    return ERR_OK;
}

enum err_code snapshot_load(struct sql *sql, const char *folder, const char *collection,
                            struct snapshot **ret_snapshot, struct err *err)
{
    struct snapshot *snapshot = mem_zalloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return err_nomem(err, collection);
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, SNAPSHOT_MEMORY_MAX);
    struct catalog_collection loaded = {0};
    enum err_code code = read_catalog(sql, collection, snapshot, &loaded, err);
    if (code == ERR_OK) {
        snapshot->facts = loaded.facts;
        code = open_segments(snapshot, folder, &loaded, err);
    }
    if (code == ERR_OK)
        *ret_snapshot = snapshot;
    else
        snapshot_unref(snapshot);
    return code;
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
