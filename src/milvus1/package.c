/* package.c: a migration_data folder out of an installation (milvus1_package).
 *
 *     meta.json  tables/<table>/<segment>/{*.rv,*.uid,deleted_docs}  wal/{N.wal,mxlog.meta}
 *     manifest.json
 * Only live segments are in it, from all data roots together; deleted_docs that lie in several
 * roots become one file. The log goes along unless it was switched off: whoever opens the package
 * replays it as from the installation. The order of writing: manifest.json.part marks the folder as
 * ours and unfinished; each file under a temporary name, synced, renamed; then the whole manifest
 * replaces the mark and is renamed to manifest.json. So a package without its manifest is never
 * taken for a whole one, and a repeated run keeps the files that are equal to the source's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "flow/meter.h"
#include "milvus1/layout.h"
#include "milvus1/live.h"
#include "milvus1/located.h"
#include "milvus1/manifest.h"
#include "milvus1/meta_json.h"
#include "milvus1/mysql_crash.h"
#include "milvus1/segment.h"

#define COPY_BUFFER_SIZE ((size_t)1 << 20)
#define DELETED_DOCS_SIZE_MAX ((size_t)1 << 34)
#define SEGMENT_ARENA_MAX ((size_t)4 << 20)
#define LOG_ARENA_MAX ((size_t)1 << 30)
#define LEFT_OUT_NAMED_MAX 5
#define FOLDER_NAMES_MAX 1000000

struct packing {
    const struct milvus1_options *options;
    const char *folder;
    struct meter *progress;
    struct finding_list findings;
    struct arena arena;
    struct located located;
    struct live live;
    struct layout layout;
    struct manifest *manifest;
    uint8_t *buffer;
    bool *is_left_out;    /* of each live segment */
    struct text left_out; /* the first of them, with reasons */
    size_t left_out_count;
    uint64_t size; /* bytes of what will be copied */
};

/* ---- before anything is written ---- */

/* What cannot be migrated as a whole cannot be packaged either. */
static enum err_code check_findings(const struct packing *packing, struct err *err)
{
    for (size_t k = 0; k < packing->findings.count; k++) {
        const struct finding *finding = &packing->findings.items[k];
        if (finding->severity == FINDING_REFUSED)
            return err_set(err, ERR_UNSUPPORTED, "%s: %s: %s", finding->path, finding->found,
                           finding->consequence);
    }
    return ERR_OK;
}

static enum err_code check_not_in_source(const struct packing *packing, struct err *err)
{
    const struct located *located = &packing->located;
    if (located->store != store_local())
        return ERR_OK;
    bool lies =
        file_is_inside(packing->folder, located->location) ||
        (located->log_folder != NULL && file_is_inside(packing->folder, located->log_folder));
    for (size_t k = 0; k < located->data_root_count; k++)
        lies = lies || file_is_inside(packing->folder, located->data_roots[k]);
    return lies ? err_set(err, ERR_USAGE,
                          "%s: lies in the source, which is never changed; name another folder",
                          packing->folder)
                : ERR_OK;
}

/* Our own package, whole or not, may be made anew; an empty folder too; nothing else. */
static enum err_code check_target(const struct packing *packing, struct err *err)
{
    const char *folder = packing->folder;
    char **names = NULL;
    size_t count = 0;
    bool is_ours = false;
    if (file_exists(folder) && !file_is_folder(folder))
        return err_set(err, ERR_EXISTS, "%s: a folder is expected, a file is there", folder);
    const enum err_code code = folder_list(folder, FOLDER_NAMES_MAX, &names, &count, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    /* With what was killed before the mark got its name: manifest.json.part.tmp. */
    for (size_t k = 0; k < count; k++)
        is_ours = is_ours || strcmp(names[k], MANIFEST_NAME) == 0 ||
                  strncmp(names[k], MANIFEST_PARTIAL_NAME, strlen(MANIFEST_PARTIAL_NAME)) == 0;
    mem_free(names);
    if (count == 0 || is_ours)
        return ERR_OK;
    return err_set(err, ERR_EXISTS,
                   "%s: not empty, and no package of ours; name a new or empty folder", folder);
}

static enum err_code leave_out(struct packing *packing, size_t segment, const struct err *why)
{
    const struct meta_file *file = packing->live.segments[segment];
    packing->is_left_out[segment] = true;
    if (packing->left_out_count++ < LEFT_OUT_NAMED_MAX)
        text_addf(&packing->left_out, "%s%s/%s (%s)", packing->left_out_count > 1 ? ", " : "",
                  file->table_id, file->segment_id, why->msg);
    return ERR_OK;
}

static size_t row_size_of(const struct meta_table *row)
{
    const enum metric_type metric = (enum metric_type)row->metric_type;
    const bool is_known = row->metric_type >= METRIC_L2 && row->metric_type < METRIC_COSINE;
    /* The largest number that a MySQL column holds may stand for one more: let the files tell. */
    if (!is_known || row->dimension == INT16_MAX || !metric_dim_is_valid(metric, row->dimension))
        return 0;
    return metric_row_size(metric, (size_t)row->dimension);
}

/* Sizes a segment; damage is told, or the segment left out. */
static enum err_code survey_segment(struct packing *packing, const struct live_table *table,
                                    size_t index, struct err *err)
{
    const struct meta_file *file = packing->live.segments[index];
    const struct segment1_place place = {.layout = &packing->layout,
                                         .table_id = file->table_id,
                                         .segment_id = file->segment_id,
                                         .row_size = row_size_of(table->row)};
    struct segment1 segment = {.rv = {.fd = -1}, .uid = {.fd = -1}};
    enum err_code code = segment1_open(&place, &segment, err);
    if (code == ERR_OK)
        packing->size += segment.rv.size + segment.uid.size;
    /* A row without files that counts no rows: nothing to pack, nothing lost. */
    const bool is_empty = code == ERR_CORRUPT && !segment.is_unreadable && file->row_count == 0 &&
                          segment.paths.rv_count == 0 && segment.paths.uid_count == 0;
    segment1_close(&segment);
    if (code != ERR_CORRUPT)
        return code;
    packing->is_left_out[index] = is_empty;
    if (is_empty)
        return ERR_OK;
    if (packing->options->skip_damaged)
        return leave_out(packing, index, err);
    (void)err_wrap(err, "a segment is damaged (--skip-damaged packages without it)");
    return code;
}

static enum err_code survey(struct packing *packing, struct err *err)
{
    packing->is_left_out = mem_zalloc(packing->live.segment_count, sizeof(bool));
    if (packing->is_left_out == NULL)
        return err_nomem(err, packing->folder);
    for (size_t k = 0; k < packing->live.table_count; k++) {
        const struct live_table *table = &packing->live.tables[k];
        for (size_t n = 0; n < table->segment_count; n++) {
            const enum err_code code =
                survey_segment(packing, table, table->first_segment + n, err);
            if (code != ERR_OK)
                return code;
        }
    }
    return ERR_OK;
}

static enum err_code check_space(const struct packing *packing, struct err *err)
{
    uint64_t space = 0;
    const enum err_code code = file_free_space(packing->folder, &space, err);
    if (code != ERR_OK || file_exists(packing->folder) || space >= packing->size)
        return code;
    return err_set(err, ERR_NO_SPACE,
                   "%s: %" PRIu64 " bytes are needed for the vectors, %" PRIu64 " are free",
                   packing->folder, packing->size, space);
}

/* ---- copying ---- */

static char *target_path(const struct packing *packing, const char *relative)
{
    return path_join(packing->folder, relative);
}

/* Reads a file to its end in pieces; fd >= 0: writes it there. */
static enum err_code stream(struct packing *packing, const struct store_file *file, int fd,
                            const char *path, uint64_t *ret_checksum, struct err *err)
{
    struct hasher *hasher = hasher_new(0);
    if (hasher == NULL)
        return err_nomem(err, file->path);
    enum err_code code = ERR_OK;
    for (uint64_t at = 0; code == ERR_OK && at < file->size; at += COPY_BUFFER_SIZE) {
        const uint64_t left = file->size - at;
        const size_t now = left < COPY_BUFFER_SIZE ? (size_t)left : COPY_BUFFER_SIZE;
        code = store_file_read(file, packing->buffer, now, at, err);
        if (code != ERR_OK)
            break;
        hasher_add(hasher, packing->buffer, now);
        if (fd >= 0)
            code = file_write_at(fd, path, packing->buffer, now, at, err);
        if (code == ERR_OK)
            code = meter_pass(packing->progress, fd >= 0 ? now : 0, 0, err);
    }
    *ret_checksum = hasher_get(hasher);
    hasher_free(hasher);
    return code;
}

/* True when an earlier run left an equal file. */
static enum err_code is_there_already(struct packing *packing, const struct store_file *from,
                                      const char *to, uint64_t *ret_checksum, bool *ret_is_there,
                                      struct err *err)
{
    struct store_file file = {.fd = -1};
    *ret_is_there = false;
    enum err_code code = store_file_open(store_local(), to, &file, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    uint64_t checksum = 0;
    if (code == ERR_OK && file.size == from->size) {
        code = stream(packing, from, -1, NULL, ret_checksum, err);
        if (code == ERR_OK)
            code = stream(packing, &file, -1, NULL, &checksum, err);
        *ret_is_there = code == ERR_OK && checksum == *ret_checksum;
    }
    store_file_close(&file);
    return code;
}

static enum err_code copy_anew(struct packing *packing, const struct store_file *from,
                               const char *to, uint64_t *ret_checksum, struct err *err)
{
    char *temporary = mem_printf("%s.part", to);
    if (temporary == NULL)
        return err_nomem(err, to);
    int fd = -1;
    enum err_code code = file_create(temporary, &fd, err);
    if (code == ERR_OK)
        code = stream(packing, from, fd, temporary, ret_checksum, err);
    if (code == ERR_OK)
        code = file_sync(fd, temporary, err);
    if (fd >= 0)
        file_close(fd);
    if (code == ERR_OK)
        code = file_rename(temporary, to, err);
    else if (fd >= 0 && file_remove(temporary, NULL) != ERR_OK)
        (void)err_wrap(err, "%s is left behind", temporary);
    mem_free(temporary);
    return code;
}

static enum err_code add_to_manifest(struct packing *packing, const char *relative, uint64_t size,
                                     uint64_t checksum, struct err *err)
{
    const struct manifest_file entry = {.path = relative, .size = size, .checksum = checksum};
    return manifest_add(packing->manifest, &entry, err);
}

static enum err_code copy_file(struct packing *packing, const char *from, const char *relative,
                               struct err *err)
{
    struct store_file file = {.fd = -1};
    char *to = target_path(packing, relative);
    if (to == NULL)
        return err_nomem(err, relative);
    uint64_t checksum = 0;
    bool is_there = false;
    enum err_code code = store_file_open(packing->located.store, from, &file, err);
    if (code == ERR_OK)
        code = is_there_already(packing, &file, to, &checksum, &is_there, err);
    if (code == ERR_OK && !is_there)
        code = copy_anew(packing, &file, to, &checksum, err);
    if (code == ERR_OK)
        code = add_to_manifest(packing, relative, file.size, checksum, err);
    store_file_close(&file);
    mem_free(to);
    return code;
}

/* A text or small file of our own making. */
static enum err_code put_file(struct packing *packing, const char *relative, const void *data,
                              size_t size, struct err *err)
{
    char *to = target_path(packing, relative);
    enum err_code code = to != NULL ? file_replace(to, data, size, err) : err_nomem(err, relative);
    if (code == ERR_OK)
        code = add_to_manifest(packing, relative, size, hash64(data, size, 0), err);
    mem_free(to);
    return code;
}

/* ---- segments ---- */

/* Appends the offsets of one deleted_docs; the counts in front are added up by the caller. */
static enum err_code append_offsets(const struct store *store, const char *path, struct text *all,
                                    struct err *err)
{
    void *data = NULL;
    size_t size = 0;
    enum err_code code = store_read_all(store, path, DELETED_DOCS_SIZE_MAX, &data, &size, err);
    if (code != ERR_OK)
        return code;
    const uint64_t announced = size >= 8 ? get_u64(data) : 0;
    if (size < 8 || announced > size - 8)
        code = err_set(err, ERR_CORRUPT, "%s: offset 0: more bytes announced than there are", path);
    else
        text_add_bytes(all, (const char *)data + 8, (size_t)announced);
    mem_free(data);
    return code;
}

/* One list out of those of several data roots. */
static enum err_code merge_deleted_docs(struct packing *packing, const struct layout_segment *paths,
                                        const char *relative, struct err *err)
{
    struct text all;
    uint8_t head[8] = {0};
    text_init(&all);
    text_add_bytes(&all, (const char *)head, sizeof head);
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < paths->deleted_docs_count; k++)
        code = append_offsets(packing->located.store, paths->deleted_docs[k], &all, err);
    if (code == ERR_OK && text_failed(&all))
        code = err_nomem(err, relative);
    if (code == ERR_OK) {
        put_u64((uint8_t *)all.data, all.size - 8);
        code = put_file(packing, relative, all.data, all.size, err);
    }
    text_release(&all);
    return code;
}

static enum err_code copy_segment_files(struct packing *packing, const struct layout_segment *paths,
                                        const char *folder, struct arena *arena, struct err *err)
{
    const char *files[2] = {paths->rv, paths->uid};
    for (size_t k = 0; k < 2; k++) {
        const char *relative = arena_printf(arena, "%s/%s", folder, path_name(files[k]));
        const enum err_code code =
            relative != NULL ? copy_file(packing, files[k], relative, err) : err_nomem(err, folder);
        if (code != ERR_OK)
            return code;
    }
    if (paths->deleted_docs_count == 0)
        return ERR_OK;
    const char *relative = arena_printf(arena, "%s/deleted_docs", folder);
    if (relative == NULL)
        return err_nomem(err, folder);
    return paths->deleted_docs_count == 1
               ? copy_file(packing, paths->deleted_docs[0], relative, err)
               : merge_deleted_docs(packing, paths, relative, err);
}

static enum err_code copy_segment(struct packing *packing, const struct meta_file *file,
                                  struct err *err)
{
    struct arena arena;
    struct layout_segment paths;
    arena_init(&arena, SEGMENT_ARENA_MAX);
    enum err_code code = layout_find_segment(&packing->layout, file->table_id, file->segment_id,
                                             &arena, &paths, err);
    const char *folder = arena_printf(&arena, "tables/%s/%s", file->table_id, file->segment_id);
    char *to = folder != NULL ? target_path(packing, folder) : NULL;
    if (code == ERR_OK && to == NULL)
        code = err_nomem(err, packing->folder);
    if (code == ERR_OK)
        code = folder_make(to, err);
    if (code == ERR_OK)
        code = copy_segment_files(packing, &paths, folder, &arena, err);
    mem_free(to);
    arena_release(&arena);
    return code;
}

static enum err_code copy_segments(struct packing *packing, struct err *err)
{
    char *tables = target_path(packing, "tables");
    enum err_code code =
        tables != NULL ? folder_make(tables, err) : err_nomem(err, packing->folder);
    mem_free(tables);
    for (size_t k = 0; code == ERR_OK && k < packing->live.segment_count; k++)
        if (!packing->is_left_out[k])
            code = copy_segment(packing, packing->live.segments[k], err);
    return code;
}

/* ---- the log ---- */

static bool is_log_name(const char *name)
{
    return path_has_suffix(name, ".wal") || strcmp(name, "mxlog.meta") == 0;
}

/* An older package's log must not be replayed with this one. */
static enum err_code remove_stale_log(const struct packing *packing, const char *folder,
                                      struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    enum err_code code = folder_list(folder, FOLDER_NAMES_MAX, &names, &count, err);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        char relative[FILE_PATH_MAX];
        bool is_listed = false;
        (void)snprintf(relative, sizeof relative, "wal/%s", names[k]);
        for (size_t n = 0; n < packing->manifest->count && !is_listed; n++)
            is_listed = strcmp(packing->manifest->files[n].path, relative) == 0;
        if (is_listed || !is_log_name(names[k]))
            continue;
        char *path = path_join(folder, names[k]);
        code = path != NULL ? file_remove(path, err) : err_nomem(err, folder);
        mem_free(path);
    }
    mem_free(names);
    return code;
}

static enum err_code copy_log_file(struct packing *packing, const char *from, struct err *err)
{
    char relative[FILE_PATH_MAX];
    (void)snprintf(relative, sizeof relative, "wal/%s", path_name(from));
    return copy_file(packing, from, relative, err);
}

static enum err_code copy_log(struct packing *packing, struct arena *arena, struct err *err)
{
    struct layout_log_file *files = NULL;
    size_t count = 0;
    enum err_code code = layout_log_files(&packing->layout, arena, &files, &count, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++)
        code = copy_log_file(packing, files[k].path, err);
    if (code != ERR_OK)
        return code;
    const struct store *store = packing->located.store;
    const char *mxlog = layout_mxlog_path(&packing->layout, arena);
    if (mxlog == NULL)
        return err_nomem(err, packing->folder);
    return store->ops->exists(store, mxlog) ? copy_log_file(packing, mxlog, err) : ERR_OK;
}

static enum err_code pack_log(struct packing *packing, struct err *err)
{
    const bool has_log =
        packing->located.log_folder != NULL && packing->located.log_state != LOG_OFF;
    struct arena arena;
    arena_init(&arena, LOG_ARENA_MAX);
    char *folder = target_path(packing, "wal");
    enum err_code code = folder != NULL ? ERR_OK : err_nomem(err, packing->folder);
    if (code == ERR_OK && has_log) {
        code = folder_make(folder, err);
        if (code == ERR_OK)
            code = copy_log(packing, &arena, err);
    }
    if (code == ERR_OK)
        code = remove_stale_log(packing, folder, err);
    mem_free(folder);
    arena_release(&arena);
    return code;
}

/* ---- first and last ---- */

/* Marks the folder as ours and unfinished, also one that holds a whole package. */
static enum err_code begin(const struct packing *packing, struct err *err)
{
    char *whole = target_path(packing, MANIFEST_NAME);
    char *partial = target_path(packing, MANIFEST_PARTIAL_NAME);
    enum err_code code = ERR_OK;
    if (whole == NULL || partial == NULL)
        code = err_nomem(err, packing->folder);
    if (code == ERR_OK)
        code = folder_make(packing->folder, err);
    if (code == ERR_OK)
        code = file_exists(whole) ? file_rename(whole, partial, err)
                                  : file_replace(partial, "", 0, err);
    mem_free(whole);
    mem_free(partial);
    return code;
}

static enum err_code pack_meta(struct packing *packing, struct err *err)
{
    struct text text;
    text_init(&text);
    enum err_code code = meta_json_write(&packing->located.meta, &packing->live, &text, err);
    if (code == ERR_OK)
        code = put_file(packing, "meta.json", text_get(&text), text.size, err);
    text_release(&text);
    return code;
}

static enum err_code finish(struct packing *packing, struct err *err)
{
    char *whole = target_path(packing, MANIFEST_NAME);
    char *partial = target_path(packing, MANIFEST_PARTIAL_NAME);
    struct text text;
    text_init(&text);
    manifest_write(packing->manifest, &text);
    enum err_code code = ERR_OK;
    if (whole == NULL || partial == NULL || text_failed(&text))
        code = err_nomem(err, packing->folder);
    if (code == ERR_OK)
        code = file_replace(partial, text_get(&text), text.size, err);
    if (code == ERR_OK)
        code = file_rename(partial, whole, err);
    text_release(&text);
    mem_free(whole);
    mem_free(partial);
    return code;
}

static enum err_code look(struct packing *packing, struct err *err)
{
    enum err_code code = located_find(packing->options, &packing->findings, &packing->located, err);
    if (code == ERR_OK)
        code = mysql_crash_mend(&packing->located, &packing->findings, err);
    if (code != ERR_OK)
        return code;
    const struct located *located = &packing->located;
    packing->layout = (struct layout){.store = located->store,
                                      .roots = located->data_roots,
                                      .root_count = located->data_root_count,
                                      .log_folder = located->log_folder};
    code = check_findings(packing, err);
    if (code == ERR_OK)
        code = live_select(&located->meta, &packing->live, err);
    if (code == ERR_OK && located->meta.is_lean)
        code = meta_json_write(&located->meta, &packing->live, &packing->left_out, err);
    if (code == ERR_OK)
        code = check_not_in_source(packing, err);
    if (code == ERR_OK)
        code = check_target(packing, err);
    if (code == ERR_OK)
        code = survey(packing, err);
    return code == ERR_OK ? check_space(packing, err) : code;
}

static enum err_code pack(struct packing *packing, struct err *err)
{
    packing->buffer = mem_alloc(COPY_BUFFER_SIZE, 1);
    if (packing->buffer == NULL)
        return err_nomem(err, packing->folder);
    enum err_code code = manifest_new(packing->folder, &packing->manifest, err);
    if (code != ERR_OK)
        return code;
    code = begin(packing, err);
    if (code == ERR_OK)
        code = copy_segments(packing, err);
    if (code == ERR_OK)
        code = pack_log(packing, err);
    if (code == ERR_OK)
        code = pack_meta(packing, err);
    return code == ERR_OK ? finish(packing, err) : code;
}

static void packing_release(struct packing *packing)
{
    manifest_close(packing->manifest);
    mem_free(packing->buffer);
    mem_free(packing->is_left_out);
    text_release(&packing->left_out);
    live_release(&packing->live);
    located_release(&packing->located);
    finding_list_release(&packing->findings);
    arena_release(&packing->arena);
}

enum err_code milvus1_package(const struct milvus1_options *options, const char *folder,
                              struct meter *progress, struct err *err)
{
    struct packing packing = {.options = options, .folder = folder, .progress = progress};
    if (options->path == NULL)
        return err_set(err, ERR_USAGE, "no source is named");
    arena_init(&packing.arena, (size_t)64 << 20);
    finding_list_init(&packing.findings, &packing.arena);
    text_init(&packing.left_out);
    enum err_code code = look(&packing, err);
    if (code == ERR_OK)
        code = pack(&packing, err);
    if (code == ERR_OK && packing.left_out_count > 0)
        code = err_set(err, ERR_LEFT_OUT, "%s: packaged without %zu damaged segments: %s%s", folder,
                       packing.left_out_count, text_get(&packing.left_out),
                       packing.left_out_count > LEFT_OUT_NAMED_MAX ? ", ..." : "");
    packing_release(&packing);
    return code;
}
