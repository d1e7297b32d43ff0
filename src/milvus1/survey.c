/* survey.c: a look at the files of every live segment. See installation.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "milvus1/installation.h"
#include "milvus1/report.h"

/* Who a finding is about. */
static struct finding about(const struct installation *installation, size_t table)
{
    const struct catalog1_table *entry = &installation->catalog.tables[table];
    const struct catalog1_collection *collection =
        &installation->catalog.collections[entry->collection];
    return (struct finding){.collection = collection->row->table_id,
                            .partition = collection->tags[entry->partition]};
}

static struct finding_list *findings_of(struct installation *installation)
{
    return &installation->base.description.findings;
}

/* ------------------------------------------------------------------------------- dimensions */

/* Bytes of a vector as the first readable segment of the collection has it; 0: none is. */
static enum err_code measure_row(struct installation *installation,
                                 const struct catalog1_collection *collection,
                                 uint64_t *ret_row_size, struct err *err)
{
    *ret_row_size = 0;
    for (size_t t = 0; t < collection->table_count; t++) {
        const size_t table = collection->first_table + t;
        for (size_t k = 0; k < installation->catalog.tables[table].segment_count; k++) {
            struct segment1_place place = installation_place(installation, table, k);
            place.row_size = 0;
            struct segment1 segment;
            const enum err_code code = segment1_open(&place, &segment, err);
            if (code == ERR_OK && segment.rows > 0 && segment.vector_size % segment.rows == 0)
                *ret_row_size = segment.vector_size / segment.rows;
            segment1_close(&segment);
            if (code != ERR_OK && code != ERR_CORRUPT)
                return code;
            if (*ret_row_size != 0)
                return ERR_OK;
        }
    }
    return ERR_OK;
}

enum err_code survey_dimensions(struct installation *installation, struct err *err)
{
    for (size_t k = 0; k < installation->catalog.collection_count; k++) {
        struct catalog1_collection *collection = &installation->catalog.collections[k];
        if (collection->dim != INT16_MAX)
            continue;
        uint64_t row_size;
        enum err_code code = measure_row(installation, collection, &row_size, err);
        if (code != ERR_OK)
            return code;
        const size_t whole = metric_row_size(collection->metric, DIMENSION_MAX);
        if (row_size != whole && !metric_is_binary(collection->metric))
            continue;
        collection->dim = DIMENSION_MAX;
        collection->row_size = whole;
        code = finding_add(findings_of(installation),
                           &(struct finding){.severity = FINDING_NOTE,
                                             .code = "dimension-cut",
                                             .collection = collection->row->table_id,
                                             .path = installation->located.meta.where,
                                             .found = "dimension 32767, the most that the column "
                                                      "of a MySQL database holds",
                                             .expected = "32768, by the size of the vectors",
                                             .consequence = "migrated with dimension 32768"},
                           err);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* --------------------------------------------------------------------------------- segments */

static enum err_code report_damage(struct installation *installation, size_t table, size_t index,
                                   const struct segment1 *segment, struct err *err)
{
    const struct catalog1_segment *entry = &installation->catalog.tables[table].segments[index];
    struct finding finding = about(installation, table);
    finding.severity = FINDING_DAMAGE;
    finding.code = segment->is_unreadable    ? "segment-unreadable"
                   : segment->paths.is_found ? "segment-damaged"
                                             : "segment-missing";
    finding.path = *segment->flawed_path != '\0' ? segment->flawed_path : segment->paths.folder;
    finding.rows = entry->row_count > 0 ? (uint64_t)entry->row_count : 0;
    finding.consequence =
        segment->is_unreadable
            ? "no row of this segment is migrated; make it readable (permissions, disk) and come "
              "again, or --skip-damaged goes on without it"
        : segment->paths.is_found
            ? "no row of this segment is migrated; --skip-damaged goes on without it"
            : "no row of this segment is migrated; if a 0.9 server kept it under another path, "
              "give its configuration with --config; --skip-damaged goes on without it";
    return report_flaw(findings_of(installation), &finding, &segment->flaw, err);
}

/* A live row whose folder is empty, and which the metadata says holds no row: nothing is lost. */
static enum err_code report_empty(struct installation *installation, size_t table,
                                  const struct segment1 *segment, struct err *err)
{
    struct finding finding = about(installation, table);
    finding.severity = FINDING_WARNING;
    finding.code = "segment-without-files";
    finding.path = segment->paths.folder;
    finding.found = "no files";
    finding.expected = "a .rv and a .uid file";
    finding.consequence = "nothing to migrate: the metadata says that it holds no rows";
    return finding_add(findings_of(installation), &finding, err);
}

static enum err_code report_offsets(struct installation *installation, size_t table,
                                    const struct segment1 *segment,
                                    const struct segment1_dead *dead, struct err *err)
{
    struct finding finding = about(installation, table);
    finding.severity = FINDING_WARNING;
    finding.code = "deleted-docs-out-of-range";
    finding.path = dead->outside_path;
    finding.has_offset = true;
    finding.offset = DELETED_DOCS_HEADER_SIZE + 4 * dead->offsets.outside_index;
    finding.consequence = "ignored; every other deleted row stays deleted";
    finding.rows = dead->offsets.outside;
    const struct report_text found =
        report_format("%" PRIu64 " offset(s) out of range, the first is %" PRId32,
                      dead->offsets.outside, dead->offsets.outside_value);
    const struct report_text expected =
        report_format("offsets from 0 to less than %" PRIu64, segment->rows);
    finding.found = found.text;
    finding.expected = expected.text;
    return finding_add(findings_of(installation), &finding, err);
}

static enum err_code report_no_deleted_docs(struct installation *installation, size_t table,
                                            const struct segment1 *segment, struct err *err)
{
    struct finding finding = about(installation, table);
    finding.severity = FINDING_WARNING;
    finding.code = "deleted-docs-missing";
    finding.path = segment->paths.folder;
    finding.found = "the file deleted_docs is missing";
    finding.expected = "a file, if only of 8 zero bytes";
    finding.consequence = "all rows are migrated: rows deleted from this segment come back";
    finding.rows = segment->rows;
    return finding_add(findings_of(installation), &finding, err);
}

static enum err_code report_row_count(struct installation *installation, size_t table,
                                      const struct segment1 *segment, uint64_t live,
                                      int64_t row_count, struct err *err)
{
    struct finding finding = about(installation, table);
    finding.severity = FINDING_NOTE;
    finding.code = "row-count-differs";
    finding.path = segment->paths.folder;
    finding.consequence = "the files count; the old server's own number is known to go wrong";
    finding.rows = live;
    const struct report_text found = report_format("%" PRIu64 " live rows in the files", live);
    const struct report_text expected =
        report_format("%" PRId64 ", as the metadata says", row_count);
    finding.found = found.text;
    finding.expected = expected.text;
    return finding_add(findings_of(installation), &finding, err);
}

/* A package's files against its manifest. */
static enum err_code check_manifest(struct installation *installation, struct segment1 *segment,
                                    struct err *err)
{
    const struct layout_segment *paths = &segment->paths;
    const char *names[2 + LAYOUT_ROOTS_MAX] = {paths->rv, paths->uid};
    memcpy(names + 2, paths->deleted_docs, sizeof paths->deleted_docs);
    for (size_t k = 0; k < 2 + paths->deleted_docs_count; k++) {
        struct err problem = {0};
        const enum err_code code = located_check_file(&installation->located, names[k], &problem);
        if (code == ERR_CORRUPT) {
            segment->flawed_path = names[k];
            flaw_set(&segment->flaw, code, 0, "%s", problem.msg);
            flaw_expect(&segment->flaw, "the checksum in the package's manifest");
        }
        if (code != ERR_OK) {
            if (err != NULL)
                *err = problem;
            return code;
        }
    }
    return ERR_OK;
}

static enum err_code survey_sound(struct installation *installation, size_t table, size_t index,
                                  struct segment1 *segment, struct err *err)
{
    const struct catalog1_segment *entry = &installation->catalog.tables[table].segments[index];
    struct segment_facts *facts = &installation->facts[table][index];
    struct segment1_dead dead = {0};
    const struct kill_view nothing = {0};
    enum err_code code = segment1_find_dead(segment, &nothing, &dead, err);
    if (code != ERR_OK)
        return code;
    mem_free(dead.bitmap);
    facts->rows = segment->rows;
    facts->deleted = dead.rows;
    facts->is_empty = segment->rows == 0;
    if (segment->paths.deleted_docs_count == 0 && segment->rows > 0)
        code = report_no_deleted_docs(installation, table, segment, err);
    if (code == ERR_OK && dead.offsets.outside > 0)
        code = report_offsets(installation, table, segment, &dead, err);
    const uint64_t live = facts->rows - facts->deleted;
    if (code == ERR_OK && (entry->row_count < 0 || (uint64_t)entry->row_count != live))
        code = report_row_count(installation, table, segment, live, entry->row_count, err);
    return code;
}

static enum err_code survey_segment(struct installation *installation, size_t table, size_t index,
                                    struct err *err)
{
    const struct segment1_place place = installation_place(installation, table, index);
    const struct catalog1_segment *entry = &installation->catalog.tables[table].segments[index];
    struct segment_facts *facts = &installation->facts[table][index];
    struct segment1 segment;
    enum err_code code = segment1_open(&place, &segment, err);
    if (code == ERR_OK && installation->located.manifest != NULL)
        code = check_manifest(installation, &segment, err);
    if (code == ERR_OK) {
        code = survey_sound(installation, table, index, &segment, err);
    } else if (code == ERR_CORRUPT && !segment.is_unreadable && entry->row_count == 0 &&
               segment.paths.rv_count == 0 && segment.paths.uid_count == 0) {
        facts->is_empty = true;
        code = report_empty(installation, table, &segment, err);
    } else if (code == ERR_CORRUPT) {
        facts->is_damaged = true;
        code = report_damage(installation, table, index, &segment, err);
    }
    segment1_close(&segment);
    return code;
}

enum err_code survey_segments(struct installation *installation, struct err *err)
{
    const struct catalog1 *catalog = &installation->catalog;
    installation->facts =
        arena_array(&installation->arena, catalog->table_count, sizeof *installation->facts);
    if (installation->facts == NULL)
        return err_nomem(err, "segments");
    for (size_t t = 0; t < catalog->table_count; t++) {
        const size_t count = catalog->tables[t].segment_count;
        installation->facts[t] =
            arena_array(&installation->arena, count, sizeof **installation->facts);
        if (installation->facts[t] == NULL)
            return err_nomem(err, "segments");
        for (size_t k = 0; k < count; k++) {
            const enum err_code code = survey_segment(installation, t, k, err);
            if (code != ERR_OK)
                return code;
        }
    }
    return ERR_OK;
}

/* ----------------------------------------------------------------------------------- debris */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Folders below tables/ that no row of Tables and no row of TableFiles names: left by crashes,
 * finished drops, the segment reader itself. Counted, never read. */
static enum err_code count_strangers(struct installation *installation, const char **known,
                                     size_t known_count, uint64_t *ret_strangers, struct err *err)
{
    *ret_strangers = 0;
    for (size_t root = 0; root < installation->layout.root_count; root++) {
        char **names = NULL;
        size_t count = 0;
        const enum err_code code =
            layout_list_tables(&installation->layout, root, NULL, &names, &count, err);
        if (code != ERR_OK)
            return code;
        for (size_t k = 0; k < count; k++) {
            const char *name = names[k];
            *ret_strangers +=
                bsearch(&name, known, known_count, sizeof *known, compare_texts) == NULL;
        }
        mem_free(names);
    }
    return ERR_OK;
}

enum err_code survey_debris(struct installation *installation, struct err *err)
{
    const struct meta *meta = &installation->located.meta;
    const size_t known_count = meta->table_count + meta->file_count;
    const char **known = mem_alloc(known_count, sizeof *known);
    if (known == NULL)
        return err_nomem(err, "folders");
    for (size_t k = 0; k < meta->table_count; k++)
        known[k] = meta->tables[k].table_id;
    for (size_t k = 0; k < meta->file_count; k++)
        known[meta->table_count + k] = meta->files[k].table_id;
    qsort(known, known_count, sizeof *known, compare_texts);
    uint64_t strangers = 0;
    enum err_code code = count_strangers(installation, known, known_count, &strangers, err);
    mem_free(known);
    if (code != ERR_OK || strangers == 0)
        return code;
    return finding_add(
        findings_of(installation),
        &(struct finding){.severity = FINDING_NOTE,
                          .code = "unknown-folders",
                          .path = installation->layout.roots[0],
                          .found = REPORT_TEXT("%" PRIu64 " folder(s) in tables/ that the "
                                               "metadata does not name",
                                               strangers),
                          .expected = "folders of living collections and partitions",
                          .consequence = "not read: left over from crashes and drops"},
        err);
}
