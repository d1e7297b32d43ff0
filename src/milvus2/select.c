/* select.c: see select.h. */
#include <stdatomic.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/clock.h"
#include "base/pool.h"
#include "milvus2/select.h"

bool select_compile(struct op *op, const struct view *view, const char *text,
                    const struct filter_templates *templates, const char *what,
                    struct selection *ret_selection)
{
    struct err err;
    *ret_selection = (struct selection){.segment_count = view->facts->segment_count};
    const enum err_code code =
        filter_compile(text, strlen(text), &view->schema, templates, &ret_selection->filter, &err);
    if (code == ERR_INVALID)
        return status_wrap(&op->status, MILVUS_INVALID, "failed to create %s plan: %s", what,
                           err.msg);
    if (!op_engine(op, code, &err))
        return false;
    filter_set_seed(ret_selection->filter, (uint64_t)clock_now_us()); /* another draw a request */
    ret_selection->is_all = filter_is_always_true(ret_selection->filter);
    ret_selection->keys = filter_get_keys(ret_selection->filter);
    return true;
}

void select_release(struct selection *selection)
{
    if (selection->filter != NULL)
        filter_free(selection->filter);
    selection->filter = NULL;
}

bool select_wants(const struct view *view, const struct rows_segment *facts,
                  const struct name_list *tags)
{
    return tags->count == 0 || names_have(tags, view->facts->partitions[facts->partition].name);
}

bool select_partitions(struct op *op, const struct view *view, const struct name_list *tags,
                       const bool **ret_flags)
{
    *ret_flags = NULL;
    if (tags->count == 0)
        return true;
    bool *flags = op_array(op, view->facts->partition_count, sizeof *flags);
    if (flags == NULL)
        return false;
    for (size_t i = 0; i < view->facts->partition_count; i++)
        flags[i] = names_have(tags, view->facts->partitions[i].name);
    *ret_flags = flags;
    return true;
}

bool select_keys(struct op *op, const struct selection *selection, struct column *ret_keys)
{
    const struct filter_keys *keys = selection->keys;
    if (keys->integers != NULL || keys->strings == NULL) {
        *ret_keys = (struct column){
            .type = FIELD_INT64, .width = 8, .rows = keys->count, .values = keys->integers};
        return true;
    }
    size_t size = 0;
    for (size_t i = 0; i < keys->count; i++)
        size += keys->strings[i].size;
    uint64_t *offsets = op_array(op, keys->count + 1, sizeof *offsets);
    uint8_t *bytes = op_array(op, size, 1);
    if (offsets == NULL || bytes == NULL)
        return false;
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->strings[i].size > 0)
            memcpy(bytes + offsets[i], keys->strings[i].data, keys->strings[i].size);
        offsets[i + 1] = offsets[i] + keys->strings[i].size;
    }
    *ret_keys = (struct column){
        .type = FIELD_VARCHAR, .rows = keys->count, .offsets = offsets, .bytes = bytes};
    return true;
}

/* One block of one segment: what a thread does at a time. */
struct block {
    size_t segment;
    uint64_t first;
    size_t rows;
};

struct evaluation {
    struct op *op;
    const struct view *view;
    const struct selection *selection;
    const struct block *blocks;
    atomic_bool is_unwanted; /* nobody waits any more */
};

struct evaluator {
    struct filter_scratch scratch;
    struct rows_scratch columns_scratch[SCHEMA_FIELDS_MAX];
    struct column columns[SCHEMA_FIELDS_MAX];
    const struct column *pointers[SCHEMA_FIELDS_MAX];
};

static enum err_code read_columns(const struct evaluation *run, const struct block *block,
                                  struct evaluator *own, struct err *err)
{
    const struct rows_range range = {
        .segment = block->segment, .first_row = block->first, .rows = block->rows};
    for (size_t i = 0; i < run->view->schema.field_count; i++) {
        own->pointers[i] = NULL;
        if (!filter_reads(run->selection->filter, i))
            continue;
        if (rows_column(run->view->snapshot, i, &range, &own->columns_scratch[i], &own->columns[i],
                        err) != ERR_OK)
            return err->code;
        own->pointers[i] = &own->columns[i];
    }
    return ERR_OK;
}

static enum err_code evaluate_block(void *argument, size_t index, struct err *err)
{
    struct evaluation *run = argument;
    const struct block *block = &run->blocks[index];
    if (run->op->call != NULL && call_state(run->op->call) != CALL_WANTED)
        atomic_store(&run->is_unwanted, true);
    if (atomic_load(&run->is_unwanted))
        return ERR_OK;
    struct evaluator *own = mem_zalloc(1, sizeof *own);
    if (own == NULL)
        return err_nomem(err, "filter");
    enum err_code code = read_columns(run, block, own, err);
    if (code == ERR_OK) {
        const struct filter_rows rows = {.columns = own->pointers,
                                         .count = block->rows,
                                         .row_base = (uint64_t)block->segment << 40 | block->first};
        code = filter_eval(run->selection->filter, &own->scratch, &rows,
                           run->selection->bits[block->segment] + block->first / 64, err);
    }
    filter_scratch_release(&own->scratch);
    for (size_t i = 0; i < SCHEMA_FIELDS_MAX; i++)
        rows_scratch_release(&own->columns_scratch[i]);
    mem_free(own);
    return code;
}

/* Memory for the bitmaps, and the blocks to evaluate. */
static bool lay_out(struct op *op, const struct view *view, const struct name_list *tags,
                    struct selection *selection, struct block **ret_blocks, size_t *ret_count)
{
    size_t count = 0;
    selection->bits = op_array(op, selection->segment_count, sizeof *selection->bits);
    if (selection->bits == NULL)
        return false;
    for (int pass = 0; pass < 2; pass++) {
        struct block *blocks = pass == 1 ? op_array(op, count, sizeof *blocks) : NULL;
        if (pass == 1 && blocks == NULL)
            return false;
        count = 0;
        for (size_t s = 0; s < selection->segment_count; s++) {
            struct rows_segment facts;
            rows_segment(view->snapshot, s, &facts);
            if (facts.rows == 0 || !select_wants(view, &facts, tags))
                continue;
            if (pass == 0 && (selection->bits[s] = op_bitmap(op, (size_t)facts.rows)) == NULL)
                return false;
            for (uint64_t row = 0; row < facts.rows; row += FILTER_BLOCK_ROWS, count++)
                if (pass == 1)
                    blocks[count] = (struct block){s, row,
                                                   facts.rows - row < FILTER_BLOCK_ROWS
                                                       ? (size_t)(facts.rows - row)
                                                       : FILTER_BLOCK_ROWS};
        }
        *ret_blocks = blocks;
    }
    *ret_count = count;
    return true;
}

static void select_all(const struct selection *selection, const struct block *block)
{
    uint64_t *bits = selection->bits[block->segment] + block->first / 64;
    memset(bits, 0xff, bitmap_words(block->rows) * sizeof *bits);
    if (block->rows % 64 != 0)
        bits[block->rows / 64] = ((uint64_t)1 << (block->rows % 64)) - 1;
}

static void clear_dead(const struct view *view, const struct selection *selection)
{
    for (size_t s = 0; s < selection->segment_count; s++) {
        struct rows_segment facts;
        if (selection->bits[s] == NULL)
            continue;
        rows_segment(view->snapshot, s, &facts);
        for (size_t w = 0; facts.dead != NULL && w < bitmap_words((size_t)facts.rows); w++)
            selection->bits[s][w] &= ~facts.dead[w];
    }
}

static bool find_keys(struct op *op, const struct view *view, const struct name_list *tags,
                      struct selection *selection)
{
    struct err err;
    struct column keys;
    const bool *partitions;
    if (!select_keys(op, selection, &keys) || !select_partitions(op, view, tags, &partitions))
        return false;
    struct place *places = op_array(op, keys.rows, sizeof *places);
    if (places == NULL ||
        !op_engine(op, rows_find(view->snapshot, &keys, partitions, places, &err), &err))
        return false;
    for (size_t i = 0; i < keys.rows; i++)
        if (places[i].segment != PLACE_NONE && selection->bits[places[i].segment] != NULL)
            bitmap_set(selection->bits[places[i].segment], (size_t)places[i].row);
    return true;
}

bool select_run(struct op *op, const struct view *view, const struct name_list *tags,
                struct selection *selection)
{
    struct err err;
    struct block *blocks;
    size_t count;
    if (!lay_out(op, view, tags, selection, &blocks, &count))
        return false;
    /* Rows of one key that a migration kept are all selected; the key index knows only one. */
    if (selection->keys != NULL && !view->facts->may_have_duplicates)
        return find_keys(op, view, tags, selection);
    if (selection->is_all) {
        for (size_t i = 0; i < count; i++)
            select_all(selection, &blocks[i]);
    } else {
        struct evaluation run = {.op = op, .view = view, .selection = selection, .blocks = blocks};
        if (!op_engine(op, pool_run(pool_processor_count(), count, evaluate_block, &run, &err),
                       &err) ||
            !op_is_wanted(op))
            return false;
    }
    clear_dead(view, selection);
    return true;
}

uint64_t select_count(const struct view *view, const struct selection *selection)
{
    uint64_t count = 0;
    for (size_t s = 0; s < selection->segment_count; s++) {
        struct rows_segment facts;
        if (selection->bits[s] == NULL)
            continue;
        rows_segment(view->snapshot, s, &facts);
        count += bitmap_count(selection->bits[s], (size_t)facts.rows);
    }
    return count;
}
