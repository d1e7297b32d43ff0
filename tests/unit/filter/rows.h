/* rows.h: columns made from rows as one writes them, and filters run over them. */
#ifndef GODWIT_TESTS_UNIT_FILTER_ROWS_H
#define GODWIT_TESTS_UNIT_FILTER_ROWS_H

#include "scratch.h"

#include "base/bitmap.h"
#include "filter/filter.h"
#include "filter/plan.h"

#define ROWS_MAX 20000

/* A VARCHAR or JSON column; NULL among the texts is null. Freed by text_column_free. */
static inline struct column text_column(enum field_type type, const char *const *texts, size_t rows)
{
    uint64_t *offsets = mem_zalloc(rows + 1, sizeof *offsets);
    uint64_t *valid = mem_zalloc(bitmap_words(rows) + 1, sizeof *valid);
    size_t size = 0;
    for (size_t i = 0; i < rows; i++)
        size += texts[i] != NULL ? strlen(texts[i]) : 0;
    uint8_t *bytes = mem_alloc(size, 1);
    assert_true(offsets != NULL && valid != NULL && bytes != NULL);
    for (size_t i = 0; i < rows; i++) {
        const size_t length = texts[i] != NULL ? strlen(texts[i]) : 0;
        if (length > 0)
            memcpy(bytes + offsets[i], texts[i], length);
        offsets[i + 1] = offsets[i] + length;
        if (texts[i] != NULL)
            bitmap_set(valid, i);
    }
    return (struct column){
        .type = type, .rows = rows, .offsets = offsets, .bytes = bytes, .valid = valid};
}

static inline void free_borrowed(const void *block)
{
    void *mine;
    memcpy(&mine, &block, sizeof mine);
    mem_free(mine);
}

static inline void text_column_free(struct column *column)
{
    free_borrowed(column->offsets);
    free_borrowed(column->bytes);
    free_borrowed(column->valid);
}

/* The ids of the rows that a filter selects, "1 2 5"; "error: ..." when it does not compile. Row k
 * has id k + 1. Every instruction set must say the same. */
static inline const char *selected(const char *expression, const struct schema *schema,
                                   const struct filter_templates *templates,
                                   const struct column *const *columns, size_t rows)
{
    static char answer[ERR_MSG_SIZE + 8];
    struct filter *filter = NULL;
    struct err err = {0};
    if (filter_compile(expression, strlen(expression), schema, templates, &filter, &err) !=
        ERR_OK) {
        assert_int_equal(err.code, ERR_INVALID);
        (void)snprintf(answer, sizeof answer, "error: %s", err.msg);
        return answer;
    }
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    for (size_t k = 0; k < count; k++) {
        filter->loops = loops[k];
        struct filter_scratch scratch = {0};
        uint64_t bits[8];
        const struct filter_rows input = {.columns = columns, .count = rows};
        assert_true(rows <= 64 * 8);
        assert_int_equal(filter_eval(filter, &scratch, &input, bits, &err), ERR_OK);
        char text[ERR_MSG_SIZE] = "";
        for (size_t row = 0, at = 0; row < rows; row++)
            if (bitmap_get(bits, row))
                at +=
                    (size_t)snprintf(text + at, sizeof text - at, at > 0 ? " %zu" : "%zu", row + 1);
        if (k > 0)
            assert_string_equal(text, answer);
        (void)snprintf(answer, sizeof answer, "%s", text);
        filter_scratch_release(&scratch);
    }
    filter_free(filter);
    return answer;
}

#endif
