/* located.c: see located.h. The order of questions: what kind of folder is it; which config file
 * speaks for it; where is the log; is a server running; where is the metadata.
 *
 * What the user names wins over the config file, and what lies beside the data wins over paths that
 * a config file of another machine (or of a container) names. Only folders and small files are read
 * here. Source: milvus-io/milvus v0.9.0..1.1, core/src/server/DBWrapper.cpp, db/Utils.cpp. */
#include "milvus1/located.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/path.h"
#include "milvus1/config.h"
#include "milvus1/manifest.h"

#define LOCATED_ARENA_MAX ((size_t)1 << 20)
#define DATA_ROOTS_MAX 16
#define SECONDARY_PATHS_SIZE_MAX 4096

/* What is known while looking. */
struct search {
    const struct milvus1_options *options;
    struct finding_list *findings;
    struct located *located;
    struct server_config config;
    bool has_config;
    const char *root; /* installation root: conf/, wal/ and lock lie there */
};

static enum err_code note(struct search *search, enum finding_severity severity, const char *code,
                          const char *path, const char *consequence, struct err *err)
{
    const struct finding finding = {
        .severity = severity, .code = code, .path = path, .consequence = consequence};
    return finding_add(search->findings, &finding, err);
}

static const char *join(struct search *search, const char *folder, const char *name)
{
    const size_t size = strlen(folder);
    const bool has_slash = size == 0 || folder[size - 1] == '/';
    return arena_printf(&search->located->arena, "%s%s%s", folder, has_slash ? "" : "/", name);
}

/* Whatever lies in the store, and what the user named on this machine. */
static const struct store *store_of(const struct search *search, const char *path)
{
    const struct store *store = search->located->store;
    return store->ops->exists(store, path) ? store : store_local();
}

static bool is_folder(const struct search *search, const char *path)
{
    const struct store *store = search->located->store;
    return path != NULL && store->ops->is_folder(store, path);
}

/* No memory is asked for here, so that a lack of it cannot look like a missing file. */
static bool is_in(const struct search *search, const char *folder, const char *name)
{
    const struct store *store = search->located->store;
    char path[FILE_PATH_MAX];
    const size_t size = strlen(folder);
    const char *slash = size == 0 || folder[size - 1] == '/' ? "" : "/";
    const int length = snprintf(path, sizeof path, "%s%s%s", folder, slash, name);
    return length > 0 && (size_t)length < sizeof path && store->ops->exists(store, path);
}

/* The parent of a path, as far as text tells. NULL when memory ends. */
static const char *parent(struct search *search, const char *path)
{
    char buffer[FILE_PATH_MAX];
    const char *name = path_name(path);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return join(search, path, "..");
    if (!path_parent(path, buffer, sizeof buffer))
        return NULL;
    return arena_strdup(&search->located->arena, buffer);
}

static bool same_text_path(const char *a, const char *b)
{
    size_t size_a = strlen(a);
    size_t size_b = strlen(b);
    while (size_a > 1 && a[size_a - 1] == '/')
        size_a--;
    while (size_b > 1 && b[size_b - 1] == '/')
        size_b--;
    return size_a == size_b && memcmp(a, b, size_a) == 0;
}

static bool same_folder(const struct search *search, const char *a, const char *b)
{
    if (same_text_path(a, b))
        return true;
    if (search->located->store != store_local())
        return false;
    char *real_a = realpath(a, NULL);
    char *real_b = realpath(b, NULL);
    const bool is_same = real_a != NULL && real_b != NULL && strcmp(real_a, real_b) == 0;
    free(real_a);
    free(real_b);
    return is_same;
}

static enum err_code add_root(struct search *search, const char *folder, struct err *err)
{
    struct located *located = search->located;
    for (size_t k = 0; k < located->data_root_count; k++)
        if (same_folder(search, located->data_roots[k], folder))
            return ERR_OK;
    if (located->data_root_count == DATA_ROOTS_MAX)
        return err_set(err, ERR_CONFIG, "%s: more than %d folders of data", folder, DATA_ROOTS_MAX);
    const char *copy = arena_strdup(&located->arena, folder);
    if (copy == NULL)
        return err_nomem(err, folder);
    located->data_roots[located->data_root_count++] = copy;
    return ERR_OK;
}

/* ---- the config file ---- */

static enum err_code load_config(struct search *search, struct err *err)
{
    const char *path = search->options->config;
    if (path == NULL && search->root != NULL) {
        static const char *const usual[] = {"conf/server_config.yaml", "server_config.yaml"};
        for (size_t k = 0; k < 2 && path == NULL; k++)
            if (is_in(search, search->root, usual[k])) {
                path = join(search, search->root, usual[k]);
                if (path == NULL)
                    return err_nomem(err, search->root);
            }
    }
    if (path == NULL)
        return ERR_OK;
    const enum err_code code =
        server_config_load(store_of(search, path), path, &search->config, err);
    search->has_config = code == ERR_OK;
    return code;
}

/* A path of the config file, moved along when the data root was: "/var/lib/milvus/wal" of a
 * container whose /var/lib/milvus is `root` here. False when it does not lie below the data root.
 */
static bool moved(const struct search *search, const char *path, char *buffer)
{
    const char *old_root = search->config.data_path;
    if (path == NULL || old_root == NULL || search->root == NULL)
        return false;
    size_t size = strlen(old_root);
    while (size > 0 && old_root[size - 1] == '/')
        size--;
    if (strncmp(path, old_root, size) != 0 || path[size] != '/')
        return false;
    const int length = snprintf(buffer, FILE_PATH_MAX, "%s%s", search->root, path + size);
    return length > 0 && length < FILE_PATH_MAX;
}

/* ---- what kind of folder ---- */

static enum err_code use_installation(struct search *search, const char *root, struct err *err)
{
    const char *folder = join(search, root, "db");
    if (folder == NULL)
        return err_nomem(err, root);
    search->root = root;
    return add_root(search, folder, err);
}

static enum err_code use_db_folder(struct search *search, const char *folder, struct err *err)
{
    search->root = parent(search, folder);
    return search->root != NULL ? add_root(search, folder, err) : err_nomem(err, folder);
}

static enum err_code use_package(struct search *search, const char *folder, struct err *err)
{
    search->located->is_package = true;
    search->root = folder;
    if (is_in(search, folder, MANIFEST_PARTIAL_NAME))
        return err_set(err, ERR_SOURCE,
                       "%s: this package is not complete (%s is still there); run `godwit package` "
                       "again",
                       folder, MANIFEST_PARTIAL_NAME);
    return add_root(search, folder, err);
}

/* The folder does not hold data itself; its config file, or the one given, may say where it is. */
static enum err_code use_configured(struct search *search, const char *folder, struct err *err)
{
    search->root = folder;
    enum err_code code = load_config(search, err);
    if (code != ERR_OK)
        return code;
    const char *data_path = search->has_config ? search->config.data_path : NULL;
    if (data_path != NULL && is_in(search, data_path, "db"))
        return use_installation(search, data_path, err);
    return err_set(err, ERR_SOURCE,
                   "%s: no Milvus data found: neither db/ (an installation), nor tables/ with "
                   "meta.sqlite (its db folder), nor meta.json (a migration_data folder)%s%s",
                   folder, data_path != NULL ? "; its config file names " : "",
                   data_path != NULL ? data_path : "");
}

static enum err_code find_data(struct search *search, struct err *err)
{
    const char *path = search->options->path;
    const struct store *store = search->located->store;
    if (!store->ops->exists(store, path) && !store->ops->is_folder(store, path))
        return err_set(err, ERR_NOT_FOUND, "%s: no such file or folder", path);
    const char *folder = path;
    if (!is_folder(search, path)) {
        /* A meta.sqlite or meta.json stands for the folder that it lies in. */
        if (strcmp(path_name(path), "meta.sqlite") != 0 &&
            strcmp(path_name(path), "meta.json") != 0)
            return err_set(err, ERR_SOURCE, "%s: a folder is expected", path);
        folder = parent(search, path);
        if (folder == NULL)
            return err_nomem(err, path);
    }
    if (is_in(search, folder, MANIFEST_NAME) || is_in(search, folder, MANIFEST_PARTIAL_NAME))
        return use_package(search, folder, err);
    if (is_in(search, folder, "db"))
        return use_installation(search, folder, err);
    if (is_in(search, folder, "meta.sqlite"))
        return use_db_folder(search, folder, err);
    if (is_in(search, folder, "meta.json"))
        return use_package(search, folder, err);
    if (is_in(search, folder, "tables"))
        return use_db_folder(search, folder, err);
    return use_configured(search, folder, err);
}

/* Paths in the config file that are not where the data was found. */
static enum err_code compare_data_path(struct search *search, struct err *err)
{
    const char *data_path = search->config.data_path;
    if (!search->has_config || data_path == NULL || search->root == NULL ||
        same_folder(search, data_path, search->root))
        return ERR_OK;
    const struct finding finding = {
        .severity = FINDING_NOTE,
        .code = "config-names-another-root",
        .path = search->config.path,
        .found = data_path,
        .expected = search->root,
        .consequence =
            "the folder given is read; paths below the configured root are looked for in "
            "it"};
    return finding_add(search->findings, &finding, err);
}

/* ---- secondary paths of 0.9 ---- */

static enum err_code try_secondary(struct search *search, const char *path, struct err *err)
{
    char there[FILE_PATH_MAX];
    if (moved(search, path, there) && is_in(search, there, "tables"))
        return add_root(search, there, err);
    return is_in(search, path, "tables") ? add_root(search, path, err) : ERR_OK;
}

static enum err_code try_split(struct search *search, const char *paths, char separator,
                               struct err *err)
{
    char piece[SECONDARY_PATHS_SIZE_MAX];
    enum err_code code = ERR_OK;
    while (code == ERR_OK && *paths != '\0') {
        const char *end = strchrnul(paths, separator);
        const size_t size = (size_t)(end - paths);
        memcpy(piece, paths, size);
        piece[size] = '\0';
        if (size > 0)
            code = try_secondary(search, piece, err);
        paths = *end != '\0' ? end + 1 : end;
    }
    return code;
}

/* The server checked the list by commas and split it by semicolons, so any reading may be meant. */
static enum err_code find_secondary(struct search *search, struct err *err)
{
    const char *paths = search->config.secondary_path;
    if (!search->has_config || paths == NULL)
        return ERR_OK;
    if (strlen(paths) >= SECONDARY_PATHS_SIZE_MAX)
        return err_set(err, ERR_CONFIG, "%s: secondary_path is longer than %d bytes",
                       search->config.path, SECONDARY_PATHS_SIZE_MAX);
    const size_t before = search->located->data_root_count;
    enum err_code code = try_secondary(search, paths, err);
    if (code == ERR_OK)
        code = try_split(search, paths, ';', err);
    if (code == ERR_OK)
        code = try_split(search, paths, ',', err);
    if (code != ERR_OK || search->located->data_root_count > before)
        return code;
    const struct finding finding = {
        .severity = FINDING_WARNING,
        .code = "secondary-path-missing",
        .path = search->config.path,
        .found = paths,
        .expected = "a folder that holds tables/",
        .consequence = "segments that were stored there will be reported as missing"};
    return finding_add(search->findings, &finding, err);
}

/* ---- the log ---- */

static enum err_code set_log(struct search *search, const char *folder, struct err *err)
{
    struct located *located = search->located;
    located->log_expected = arena_strdup(&located->arena, folder);
    if (located->log_expected == NULL)
        return err_nomem(err, folder);
    located->log_folder = is_folder(search, folder) ? located->log_expected : NULL;
    return ERR_OK;
}

static enum err_code find_log(struct search *search, struct err *err)
{
    const char *said = search->options->wal;
    if (said != NULL) {
        if (!is_folder(search, said))
            return err_set(err, ERR_NOT_FOUND, "%s: no such folder (write-ahead log)", said);
        return set_log(search, said, err);
    }
    const char *beside = search->root != NULL ? join(search, search->root, "wal") : "wal";
    if (beside == NULL)
        return err_nomem(err, "write-ahead log");
    const char *configured = search->has_config ? search->config.wal_path : NULL;
    char there[FILE_PATH_MAX];
    const bool is_moved = search->has_config && search->config.data_path != NULL &&
                          search->root != NULL &&
                          !same_folder(search, search->config.data_path, search->root);
    if (!is_moved && is_folder(search, configured))
        return set_log(search, configured, err);
    if (moved(search, configured, there) && is_folder(search, there))
        return set_log(search, there, err);
    if (is_folder(search, beside) || !is_folder(search, configured))
        return set_log(search, beside, err);
    return set_log(search, configured, err);
}

static enum log_state log_state_of(const struct search *search)
{
    if (search->has_config)
        return search->config.wal_enabled ? LOG_ON : LOG_OFF;
    if (search->located->meta.log_state != LOG_UNKNOWN)
        return search->located->meta.log_state;
    return search->options->log_enabled_unknown_is_off ? LOG_OFF : LOG_UNKNOWN;
}

/* ---- a running server ---- */

static enum err_code check_lock(struct search *search, const char *folder, struct err *err)
{
    if (folder == NULL || search->located->store != store_local())
        return ERR_OK;
    const char *path = join(search, folder, "lock");
    if (path == NULL)
        return err_nomem(err, folder);
    const int holder = file_lock_holder(path);
    if (holder == 0)
        return ERR_OK;
    char who[64] = "a process of another machine or container";
    if (holder > 0)
        (void)snprintf(who, sizeof who, "process %d", holder);
    if (!search->options->allow_running)
        return err_set(err, ERR_LOCKED,
                       "%s: a Milvus server is running (%s holds this lock): stop it first; "
                       "--allow-running goes on all the same, and may read segments that are just "
                       "being replaced",
                       path, who);
    return note(search, FINDING_WARNING, "server-running", path,
                "a server is running: what it writes now may be seen in part", err);
}

/* ---- the metadata ---- */

static bool is_mysql_uri(const char *text)
{
    return strncasecmp(text, "mysql://", 8) == 0;
}

static enum err_code load_mysql(struct search *search, const char *text, struct err *err)
{
    struct meta_mysql mysql;
    enum err_code code = meta_mysql_parse(text, &mysql, err);
    if (code != ERR_OK)
        return code;
    const char *password = search->options->meta_password;
    if (password != NULL) {
        if (!path_copy(password, mysql.password, sizeof mysql.password))
            return err_set(err, ERR_CONFIG, "the password is longer than %zu bytes",
                           sizeof mysql.password - 1);
    }
    code = meta_mysql_load(&mysql, &search->located->meta, err);
    explicit_bzero(&mysql, sizeof mysql);
    if (code != ERR_OK)
        return code;
    const char *stale = join(search, search->located->data_roots[0], "meta.sqlite");
    if (stale == NULL)
        return err_nomem(err, "metadata");
    if (!search->located->store->ops->exists(search->located->store, stale))
        return ERR_OK;
    return note(search, FINDING_NOTE, "sqlite-ignored", stale,
                "the metadata is in MySQL; this file is not read", err);
}

static enum err_code load_named(struct search *search, const char *meta, struct err *err)
{
    const struct store *store = store_of(search, meta);
    if (is_mysql_uri(meta))
        return load_mysql(search, meta, err);
    if (!store->ops->exists(store, meta) && strchr(meta, '@') != NULL)
        return load_mysql(search, meta, err);
    if (path_has_suffix(meta, ".json"))
        return meta_json_load(store, meta, &search->located->meta, err);
    return meta_sqlite_load(store, meta, &search->located->meta, err);
}

/* The URI may hold a password, so it is not repeated. */
static enum err_code check_dialect(const struct search *search, struct err *err)
{
    const char *uri = search->has_config ? search->config.meta_uri : NULL;
    if (uri == NULL || is_mysql_uri(uri) || strncasecmp(uri, "sqlite://", 9) == 0)
        return ERR_OK;
    return err_set(err, ERR_CONFIG,
                   "%s: the metadata address begins with neither sqlite:// nor mysql://",
                   search->config.path);
}

static enum err_code load_found(struct search *search, struct err *err)
{
    struct located *located = search->located;
    const char *folder = located->data_roots[0];
    if (check_dialect(search, err) != ERR_OK)
        return ERR_CONFIG;
    if (located->is_package) {
        const char *path = join(search, folder, "meta.json");
        return path != NULL ? meta_json_load(located->store, path, &located->meta, err)
                            : err_nomem(err, folder);
    }
    if (search->has_config && search->config.meta_uri != NULL &&
        is_mysql_uri(search->config.meta_uri)) {
        const enum err_code code = load_mysql(search, search->config.meta_uri, err);
        if (code != ERR_OK && err != NULL)
            (void)err_wrap(err, "%s names the metadata; --meta names another place",
                           search->config.path);
        return code;
    }
    const char *path = join(search, folder, "meta.sqlite");
    if (path == NULL)
        return err_nomem(err, folder);
    const enum err_code code = meta_sqlite_load(located->store, path, &located->meta, err);
    if (code == ERR_NOT_FOUND)
        return err_set(err, ERR_SOURCE,
                       "%s: no such file; if the metadata is in MySQL, say --meta "
                       "mysql://USER@HOST:PORT/DATABASE or give the server's --config",
                       path);
    return code;
}

static enum err_code judge_config(struct search *search, struct err *err)
{
    if (search->has_config && search->config.is_read_only_node && search->options->wal == NULL) {
        const enum err_code code = note(
            search, FINDING_WARNING, "read-only-node", search->config.path,
            "this is the config file of a node that only reads; the write-ahead log is that of "
            "the writing node: name its config file by --config, or its log by --wal",
            err);
        if (code != ERR_OK)
            return code;
    }
    if (!search->has_config || !search->config.s3_enabled)
        return ERR_OK;
    const char *bucket = search->config.s3_bucket;
    const char *address = search->config.s3_address;
    const char *found = arena_printf(
        &search->located->arena, "segments in the bucket %s of the S3 server %s",
        bucket != NULL ? bucket : "(not named)", address != NULL ? address : "(not named)");
    if (found == NULL)
        return err_nomem(err, search->config.path);
    const struct finding finding = {
        .severity = FINDING_REFUSED,
        .code = "storage-s3",
        .path = search->config.path,
        .found = found,
        .expected = "segments in the local folder",
        .consequence =
            "this server kept its segments in an S3 bucket, the local tree is stale: copy "
            "the bucket's objects over a copy of the installation, switch s3_enabled off "
            "in its config file, and migrate the copy"};
    return finding_add(search->findings, &finding, err);
}

/* ---- all of it ---- */

static enum err_code load_manifest(struct search *search, struct err *err)
{
    struct located *located = search->located;
    if (!located->is_package || !is_in(search, located->data_roots[0], MANIFEST_NAME))
        return ERR_OK;
    return manifest_open(located->store, located->data_roots[0], &located->manifest, err);
}

static enum err_code find_places(struct search *search, struct err *err)
{
    const struct milvus1_options *options = search->options;
    enum err_code code = ERR_OK;
    if (options->path != NULL) {
        code = find_data(search, err);
    } else {
        /* Only metadata is wanted (export). */
        const char *folder = is_mysql_uri(options->meta) || strchr(options->meta, '@') != NULL
                                 ? "."
                                 : parent(search, options->meta);
        code = folder != NULL ? add_root(search, folder, err) : err_nomem(err, "metadata");
    }
    if (code == ERR_OK && !search->has_config)
        code = load_config(search, err);
    if (code == ERR_OK)
        code = compare_data_path(search, err);
    if (code == ERR_OK)
        code = find_secondary(search, err);
    if (code == ERR_OK)
        code = load_manifest(search, err);
    if (code == ERR_OK)
        code = find_log(search, err);
    return code;
}

static enum err_code find_all(struct search *search, struct err *err)
{
    struct located *located = search->located;
    enum err_code code = find_places(search, err);
    if (code != ERR_OK)
        return code;
    if (search->options->path != NULL && !located->is_package) {
        code = check_lock(search, search->root, err);
        if (code == ERR_OK)
            code = check_lock(search, located->log_folder, err);
    }
    if (code == ERR_OK)
        code = judge_config(search, err);
    if (code == ERR_OK)
        code = search->options->meta != NULL ? load_named(search, search->options->meta, err)
                                             : load_found(search, err);
    if (code == ERR_OK) {
        located->log_state = log_state_of(search);
        located->meta.log_state = located->log_state;
    }
    if (code == ERR_OK && located->meta.repaired_texts > 0)
        code = note(search, FINDING_NOTE, "tags-decoded", located->meta.where,
                    "names that an old client had written through another character set were "
                    "decoded to what the user typed",
                    err);
    return code;
}

enum err_code located_find(const struct milvus1_options *options, struct finding_list *findings,
                           struct located *ret_located, struct err *err)
{
    if (options->path == NULL && options->meta == NULL)
        return err_set(err, ERR_USAGE, "no source is named");
    struct located located = {.store = options->store != NULL ? options->store : store_local()};
    arena_init(&located.arena, LOCATED_ARENA_MAX);
    struct search search = {.options = options, .findings = findings, .located = &located};
    located.data_roots = arena_array(&located.arena, DATA_ROOTS_MAX, sizeof *located.data_roots);
    located.location = arena_strdup(&located.arena, options->path != NULL ? options->path : "");
    enum err_code code = located.data_roots != NULL && located.location != NULL
                             ? find_all(&search, err)
                             : err_nomem(err, "source");
    server_config_release(&search.config);
    if (code == ERR_OK)
        *ret_located = located;
    else
        located_release(&located);
    return code;
}

enum err_code located_check_file(const struct located *located, const char *path, struct err *err)
{
    return located->manifest != NULL
               ? manifest_check_file(located->manifest, located->store, path, err)
               : ERR_OK;
}

void located_release(struct located *located)
{
    manifest_close(located->manifest);
    meta_release(&located->meta);
    arena_release(&located->arena);
    *located = (struct located){0};
}
