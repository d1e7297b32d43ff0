/* config.c: see config.h. A table says which key fills which field; both generations fill the same
 * ones, and a field that is filled twice is an error: nobody could say which one the server took.
 */
#include "milvus1/config.h"

#include <string.h>
#include <strings.h>

#include "milvus1/yaml_flat.h"

#define CONFIG_ARENA_MAX ((size_t)8 << 20)

enum field {
    FIELD_META_URI,
    FIELD_DATA_PATH,
    FIELD_SECONDARY_PATH,
    FIELD_WAL_ENABLED,
    FIELD_WAL_PATH,
    FIELD_DEPLOY_MODE,
    FIELD_CLUSTER_ENABLED,
    FIELD_CLUSTER_ROLE,
    FIELD_S3_ENABLED,
    FIELD_S3_ADDRESS,
    FIELD_S3_BUCKET,
    FIELD_COUNT
};

static const struct {
    const char *path;
    enum field field;
} known_keys[] = {
    {"db_config.backend_url", FIELD_META_URI},
    {"general.meta_uri", FIELD_META_URI},
    {"storage_config.primary_path", FIELD_DATA_PATH},
    {"storage.path", FIELD_DATA_PATH},
    {"storage_config.secondary_path", FIELD_SECONDARY_PATH},
    {"wal_config.enable", FIELD_WAL_ENABLED},
    {"wal.enable", FIELD_WAL_ENABLED},
    {"wal_config.wal_path", FIELD_WAL_PATH},
    {"wal.path", FIELD_WAL_PATH},
    {"server_config.deploy_mode", FIELD_DEPLOY_MODE},
    {"cluster.enable", FIELD_CLUSTER_ENABLED},
    {"cluster.role", FIELD_CLUSTER_ROLE},
    {"storage.s3_enabled", FIELD_S3_ENABLED},
    {"storage.s3_enable", FIELD_S3_ENABLED},
    {"storage.s3_address", FIELD_S3_ADDRESS},
    {"storage.s3_bucket", FIELD_S3_BUCKET},
};

static enum err_code collect(const struct yaml_flat *flat, const struct yaml_entry **fields,
                             struct err *err)
{
    for (size_t k = 0; k < flat->count; k++) {
        const struct yaml_entry *entry = &flat->entries[k];
        for (size_t n = 0; n < sizeof known_keys / sizeof *known_keys; n++) {
            if (strcmp(entry->path, known_keys[n].path) != 0 || *entry->value == '\0')
                continue;
            const struct yaml_entry **field = &fields[known_keys[n].field];
            if (*field != NULL)
                return err_set(err, ERR_CONFIG,
                               "line %zu: %s is given again, first as %s in line %zu; keep one",
                               entry->line, entry->path, (*field)->path, (*field)->line);
            *field = entry;
        }
    }
    return ERR_OK;
}

/* The server's own words for yes and no. */
static enum err_code read_bool(const struct yaml_entry *entry, bool *ret_value, struct err *err)
{
    static const char *const yes[] = {"true", "on", "yes", "1"};
    static const char *const no[] = {"false", "off", "no", "0"};
    if (entry == NULL)
        return ERR_OK;
    for (size_t k = 0; k < sizeof yes / sizeof *yes; k++) {
        const bool is_yes = strcasecmp(entry->value, yes[k]) == 0;
        if (is_yes || strcasecmp(entry->value, no[k]) == 0) {
            *ret_value = is_yes;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_CONFIG, "line %zu: %s is \"%.40s\", expected true or false",
                   entry->line, entry->path, entry->value);
}

static bool copy_value(struct arena *arena, const struct yaml_entry *entry, const char **ret_text)
{
    *ret_text = entry != NULL ? arena_strdup(arena, entry->value) : NULL;
    return entry == NULL || *ret_text != NULL;
}

static enum err_code fill(const struct yaml_entry *const *fields, struct server_config *config,
                          struct err *err)
{
    bool is_cluster = false;
    config->wal_enabled = true;
    if (read_bool(fields[FIELD_WAL_ENABLED], &config->wal_enabled, err) != ERR_OK ||
        read_bool(fields[FIELD_S3_ENABLED], &config->s3_enabled, err) != ERR_OK ||
        read_bool(fields[FIELD_CLUSTER_ENABLED], &is_cluster, err) != ERR_OK)
        return ERR_CONFIG;
    const struct yaml_entry *mode = fields[FIELD_DEPLOY_MODE];
    const struct yaml_entry *role = fields[FIELD_CLUSTER_ROLE];
    config->is_read_only_node =
        (mode != NULL && strcasecmp(mode->value, "cluster_readonly") == 0) ||
        (is_cluster && role != NULL && strcasecmp(role->value, "ro") == 0);
    if (!copy_value(&config->arena, fields[FIELD_META_URI], &config->meta_uri) ||
        !copy_value(&config->arena, fields[FIELD_DATA_PATH], &config->data_path) ||
        !copy_value(&config->arena, fields[FIELD_SECONDARY_PATH], &config->secondary_path) ||
        !copy_value(&config->arena, fields[FIELD_WAL_PATH], &config->wal_path) ||
        !copy_value(&config->arena, fields[FIELD_S3_ADDRESS], &config->s3_address) ||
        !copy_value(&config->arena, fields[FIELD_S3_BUCKET], &config->s3_bucket))
        return err_nomem(err, "configuration");
    return ERR_OK;
}

enum err_code server_config_decode(const char *text, size_t size, struct server_config *ret_config,
                                   struct err *err)
{
    struct yaml_flat flat;
    enum err_code code = yaml_flat_decode(text, size, &flat, err);
    if (code != ERR_OK)
        return code;
    const struct yaml_entry *fields[FIELD_COUNT] = {NULL};
    struct server_config config = {.path = ""};
    arena_init(&config.arena, CONFIG_ARENA_MAX);
    code = collect(&flat, fields, err);
    if (code == ERR_OK)
        code = fill(fields, &config, err);
    yaml_flat_release(&flat);
    if (code == ERR_OK)
        *ret_config = config;
    else
        server_config_release(&config);
    return code;
}

enum err_code server_config_load(const struct store *store, const char *path,
                                 struct server_config *ret_config, struct err *err)
{
    void *text = NULL;
    size_t size = 0;
    enum err_code code = store_read_all(store, path, YAML_SIZE_MAX, &text, &size, err);
    if (code != ERR_OK)
        return code;
    struct server_config config;
    code = server_config_decode(text, size, &config, err);
    mem_free(text);
    if (code != ERR_OK) {
        (void)err_wrap(err, "%s", path);
        return code;
    }
    config.path = arena_strdup(&config.arena, path);
    if (config.path == NULL) {
        server_config_release(&config);
        return err_nomem(err, path);
    }
    *ret_config = config;
    return ERR_OK;
}

void server_config_release(struct server_config *config)
{
    arena_release(&config->arena);
    *config = (struct server_config){0};
}
