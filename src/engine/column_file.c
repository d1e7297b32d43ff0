/* column_file.c: see column_file.h. */
#include "engine/column_file.h"

#include <inttypes.h>

#include "base/bitmap.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/column_file_format.h"
#include "engine/layout.h"
#include "engine/segment_format.h"

struct column_file {
    char *path;
    struct file_map map;
    uint64_t *sums;
    atomic_uint_least64_t *checked; /* of all sections, each from a word of its own */
    struct segment_extra *extras;
    size_t extra_count;
    struct column_file_head head;
};

/* The head and the checksums, as the catalog knows them. */
static enum err_code check_hash(const struct column_file *file,
                                const struct column_file_facts *facts, struct err *err)
{
    struct hasher *hasher = hasher_new(0);
    if (hasher == NULL)
        return err_nomem(err, file->path);
    hasher_add(hasher, file->map.data, column_file_head_size(file->head.field_count));
    hasher_add(hasher, file->map.data + file->head.sums_offset,
               (size_t)(file->head.size - file->head.sums_offset));
    const uint64_t found = hasher_get(hasher);
    hasher_free(hasher);
    if (found == facts->hash)
        return ERR_OK;
    return err_set(err, ERR_CORRUPT,
                   "%s: offset 0: head and checksums have checksum %016" PRIx64 ", %016" PRIx64
                   " expected; the file is damaged: restore it",
                   file->path, found, facts->hash);
}

static enum err_code read_head(struct column_file *file, const struct segment_facts *segment,
                               const struct column_file_facts *facts, struct err *err)
{
    enum err_code code = file_map_open(file->path, &file->map, err);
    if (code != ERR_OK)
        return code;
    if (file->map.size != facts->size)
        return err_set(err, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes found, %" PRIu64
                       " expected; the file is damaged: restore it",
                       file->path, file->map.size, facts->size);
    const uint64_t head_max = column_file_head_size(ROW_FIELDS_MAX);
    code = file_map_populate(&file->map, file->path, 0,
                             facts->size < head_max ? facts->size : head_max, err);
    if (code != ERR_OK)
        return code;
    const struct bytes in = {file->map.data, (size_t)file->map.size};
    code = column_file_decode(in, segment->rows, facts->size, &file->head, err);
    if (code != ERR_OK)
        return err_wrap(err, "%s", file->path);
    code = file_map_populate(&file->map, file->path, file->head.sums_offset,
                             facts->size - file->head.sums_offset, err);
    return code == ERR_OK ? check_hash(file, facts, err) : code;
}

struct cut {
    uint64_t sums; /* checksums given away so far */
    size_t words;  /* of `checked` */
};

static struct segment_column cut_column(struct column_file *file,
                                        const struct column_section *section, struct cut *cut)
{
    const struct segment_column column = {.path = file->path,
                                          .map = file->map,
                                          .data = file->map.data + section->offset,
                                          .offset = section->offset,
                                          .size = section->size,
                                          .sums = file->sums + cut->sums,
                                          .checked = file->checked + cut->words};
    const uint64_t blocks = sums_block_count(section->size);
    cut->sums += blocks;
    cut->words += bitmap_words((size_t)blocks);
    return column;
}

static enum err_code make_extras(struct column_file *file, struct err *err)
{
    const struct column_file_head *head = &file->head;
    const size_t count = (size_t)column_file_sum_count(head);
    file->sums = mem_alloc(count + 1, sizeof *file->sums);
    file->checked = mem_zalloc(count / 64 + 3 * head->field_count + 1, sizeof *file->checked);
    file->extras = mem_zalloc(head->field_count + 1, sizeof *file->extras);
    if (file->sums == NULL || file->checked == NULL || file->extras == NULL)
        return err_nomem(err, file->path);
    for (size_t k = 0; k < count; k++)
        file->sums[k] = get_u64(file->map.data + head->sums_offset + 8 * k);
    struct cut cut = {0};
    for (size_t k = 0; k < head->field_count; k++) {
        const struct column_file_field *field = &head->fields[k];
        struct segment_extra *extra = &file->extras[k];
        *extra = (struct segment_extra){.field_id = field->field_id,
                                        .type = field->type,
                                        .element = field->element,
                                        .width = field->width};
        extra->values = cut_column(file, &field->values, &cut);
        extra->offsets = cut_column(file, &field->offsets, &cut);
        extra->valid = cut_column(file, &field->valid, &cut);
    }
    file->extra_count = head->field_count;
    return ERR_OK;
}

enum err_code column_file_open(const char *folder, const struct segment_facts *segment,
                               const struct column_file_facts *facts, struct column_file **ret_file,
                               struct err *err)
{
    struct column_file *file = mem_zalloc(1, sizeof *file);
    char *stem = layout_segment_stem(folder, segment->folder, segment->number);
    enum err_code code = ERR_OK;
    if (file == NULL || stem == NULL || (file->path = layout_file(stem, LAYOUT_COLUMNS)) == NULL)
        code = err_nomem(err, folder);
    if (code == ERR_OK)
        code = read_head(file, segment, facts, err);
    if (code == ERR_OK)
        code = make_extras(file, err);
    mem_free(stem);
    if (code == ERR_OK)
        *ret_file = file;
    else
        column_file_close(file);
    return code;
}

void column_file_close(struct column_file *file)
{
    if (file == NULL)
        return;
    file_map_close(&file->map);
    mem_free(file->extras);
    mem_free(file->checked);
    mem_free(file->sums);
    mem_free(file->path);
    mem_free(file);
}

struct segment_extra *column_file_extras(const struct column_file *file, size_t *ret_count)
{
    *ret_count = file->extra_count;
    return file->extras;
}
