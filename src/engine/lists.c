/* lists.c: see lists.h. */
#include "engine/lists.h"

#include "base/mem.h"
#include "kernel/code.h"

enum { STATE_UNKNOWN, STATE_SOUND, STATE_DAMAGED };

static const void *section(const struct lists *lists, uint64_t offset)
{
    return lists->map.data + offset;
}

static void set_sections(struct lists *lists)
{
    const struct lists_layout at = lists_layout_of(&lists->header);
    lists->codes = (struct codes){
        .metric = lists->header.metric,
        .dim = lists->header.dim,
        .space = at.space,
        .is_rotated = lists->header.is_rotated,
        .range = lists->header.range,
        .longest = lists->header.longest,
        .mean = section(lists, at.mean),
        .step = section(lists, at.step),
    };
    lists->starts = section(lists, at.starts);
    lists->centroids = section(lists, at.centroids);
    lists->rows = section(lists, at.rows);
    lists->groups = section(lists, at.codes);
    lists->centroid_lines = at.centroid_lines;
    lists->code_lines = at.code_lines;
    lists->group_size = code_group_size(at.code_lines);
}

static enum err_code read_head(struct lists *lists, const struct lists_identity *identity,
                               struct err *err)
{
    enum err_code code = file_map_open(lists->path, &lists->map, err);
    if (code == ERR_OK && lists->map.size >= LISTS_HEADER_SIZE)
        code = file_map_populate(&lists->map, lists->path, 0, LISTS_HEADER_SIZE, err);
    if (code != ERR_OK)
        return code;
    code = lists_header_decode((struct bytes){lists->map.data, (size_t)lists->map.size},
                               &lists->header, err);
    if (code != ERR_OK)
        return err_wrap(err, "%s", lists->path);
    const struct lists_header *h = &lists->header;
    if (h->metric != identity->metric || h->dim != identity->dim || h->rows != identity->rows ||
        h->sums_hash != identity->sums_hash || h->dead_hash != identity->dead_hash)
        return err_set(err, ERR_STATE, "%s: belongs to another segment", lists->path);
    if (lists->map.size != lists_layout_of(h).size)
        return err_set(err, ERR_CORRUPT, "%s: the file has another size than its head says",
                       lists->path);
    set_sections(lists);
    return ERR_OK;
}

enum err_code lists_open(const char *path, const struct lists_identity *identity,
                         struct lists **ret_lists, struct err *err)
{
    struct lists *lists = mem_zalloc(1, sizeof *lists);
    if (lists == NULL || (lists->path = mem_strdup(path)) == NULL) {
        mem_free(lists);
        return err_nomem(err, path);
    }
    atomic_init(&lists->state, STATE_UNKNOWN);
    const enum err_code code = read_head(lists, identity, err);
    if (code == ERR_OK)
        *ret_lists = lists;
    else
        lists_close(lists);
    return code;
}

void lists_close(struct lists *lists)
{
    if (lists == NULL)
        return;
    file_map_close(&lists->map);
    mem_free(lists->path);
    mem_free(lists);
}

bool lists_are_sound(struct lists *lists)
{
    if (lists == NULL)
        return false;
    int state = atomic_load_explicit(&lists->state, memory_order_acquire);
    if (state == STATE_UNKNOWN) {
        struct err err;
        const struct bytes file = {lists->map.data, (size_t)lists->map.size};
        enum err_code code = file_map_populate(&lists->map, lists->path, 0, lists->map.size, &err);
        if (code == ERR_OK)
            code = lists_file_check(file, &lists->header, &err);
        state = code == ERR_OK ? STATE_SOUND : STATE_DAMAGED;
        atomic_store_explicit(&lists->state, state, memory_order_release);
    }
    return state == STATE_SOUND;
}
