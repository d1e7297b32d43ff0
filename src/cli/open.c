/* open.c: see open.h. */
#include "cli/open.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/output.h"
#include "migrate/selection.h"
#include "target/target.h"

#define PASSWORD_VARIABLE "GODWIT_META_PASSWORD"
#define SHOWN_SIZE 512

/* The first line of a file. */
static enum err_code password_from_file(const char *path, char *password, struct err *err)
{
    void *data = NULL;
    size_t size = 0;
    const enum err_code code = file_read_all(path, SOURCE_PASSWORD_SIZE, &data, &size, err);
    if (code != ERR_OK) {
        (void)err_wrap(err, "--meta-password-file");
        return err_recode(err, code == ERR_NOMEM ? code : ERR_CONFIG);
    }
    char *line = data;
    line[strcspn(line, "\r\n")] = '\0';
    const size_t length = strlen(line);
    if (length > 0 && length < SOURCE_PASSWORD_SIZE)
        memcpy(password, line, length + 1);
    explicit_bzero(data, size);
    mem_free(data);
    if (password[0] == '\0')
        return err_set(err, ERR_CONFIG,
                       "--meta-password-file: %s: the first line must be the password, of at most "
                       "%d bytes",
                       path, SOURCE_PASSWORD_SIZE - 1);
    return ERR_OK;
}

/* The variable is wiped once it is read: /proc/PID/environ shows it no longer. */
static enum err_code password_from_environment(char *password, struct err *err)
{
    char *value = getenv(PASSWORD_VARIABLE);
    if (value == NULL || value[0] == '\0')
        return ERR_OK;
    const size_t length = strlen(value);
    if (length >= SOURCE_PASSWORD_SIZE)
        return err_set(err, ERR_CONFIG, PASSWORD_VARIABLE " is longer than %d bytes",
                       SOURCE_PASSWORD_SIZE - 1);
    memcpy(password, value, length + 1);
    wipe_text(value);
    return ERR_OK;
}

enum err_code source_password_read(const struct arguments *arguments, char *password,
                                   struct err *err)
{
    const char *file = arguments_text(arguments, "meta-password-file");
    return file != NULL ? password_from_file(file, password, err)
                        : password_from_environment(password, err);
}

enum err_code source_arguments_read(const struct arguments *arguments, const char *path,
                                    struct source_arguments *ret_arguments, struct err *err)
{
    *ret_arguments = (struct source_arguments){
        .options = {.path = path,
                    .config = arguments_text(arguments, "config"),
                    .meta = arguments_text(arguments, "meta"),
                    .wal = arguments_text(arguments, "wal"),
                    .log_enabled_unknown_is_off = arguments_has(arguments, "no-wal"),
                    .allow_running = arguments_has(arguments, "allow-running"),
                    .include_unacknowledged = arguments_has(arguments, "include-unacknowledged"),
                    .rescue_skipped = arguments_has(arguments, "rescue-skipped")},
    };
    if (ret_arguments->options.wal != NULL && arguments_has(arguments, "no-wal"))
        return err_set(err, ERR_USAGE, "--wal and --no-wal exclude each other");
    const enum err_code code = source_password_read(arguments, ret_arguments->password, err);
    if (ret_arguments->password[0] != '\0')
        ret_arguments->options.meta_password = ret_arguments->password;
    return code;
}

void source_arguments_release(struct source_arguments *source)
{
    explicit_bzero(source->password, sizeof source->password);
}

enum err_code source_arguments_open(const struct source_arguments *source,
                                    struct source **ret_source, struct err *err)
{
    const char *path = source->options.path;
    if (strstr(path, "://") != NULL) {
        char shown[SHOWN_SIZE];
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: a source is a folder: an installation, a package or a database",
                       show_word(path, shown, sizeof shown));
    }
    const enum err_code code = source_engine_is_database(path)
                                   ? source_engine_open(path, ret_source, err)
                                   : milvus1_open(&source->options, ret_source, err);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

const char *uri_without_password(const char *uri, struct arena *arena)
{
    size_t from = 0, to = 0;
    if (!password_span(uri, &from, &to))
        return arena_strdup(arena, uri);
    return arena_printf(arena, "%.*s%s", (int)(from - 1), uri, uri + to);
}

/* A path that means the same from another folder; URIs and DSNs stay as they are. */
static void add_path(struct text *text, const char *key, const char *path)
{
    char absolute[PATH_MAX];
    if (path != NULL)
        json_add_string(text, key, realpath(path, absolute) != NULL ? absolute : path);
}

void source_arguments_add_json(const struct source_arguments *source, struct text *text)
{
    const struct milvus1_options *o = &source->options;
    struct arena arena;
    arena_init(&arena, ARGUMENTS_SIZE_MAX);
    json_open(text, NULL, '{');
    add_path(text, "path", o->path);
    add_path(text, "config", o->config);
    const char *meta = o->meta != NULL ? uri_without_password(o->meta, &arena) : NULL;
    add_path(text, "meta", meta);
    add_path(text, "wal", o->wal);
    json_add_bool(text, "allow_running", o->allow_running);
    json_add_bool(text, "include_unacknowledged", o->include_unacknowledged);
    json_add_bool(text, "rescue_skipped", o->rescue_skipped);
    json_add_bool(text, "no_wal", o->log_enabled_unknown_is_off);
    json_close(text, '}');
    text->has_failed = text->has_failed || (o->meta != NULL && meta == NULL);
    arena_release(&arena);
}

static const char *copy_member(const struct json *object, const char *key, struct arena *arena)
{
    const char *value = js_string(js_get(object, key), NULL);
    return value != NULL ? arena_strdup(arena, value) : NULL;
}

enum err_code source_arguments_from_json(const char *json, struct arena *arena,
                                         struct source_arguments *ret_arguments, struct err *err)
{
    *ret_arguments = (struct source_arguments){0};
    struct json *document = NULL;
    enum err_code code = js_parse(json, strlen(json), &document, err);
    if (code != ERR_OK) {
        (void)err_wrap(err, "arguments of the job's source");
        return code;
    }
    ret_arguments->options = (struct milvus1_options){
        .path = copy_member(document, "path", arena),
        .config = copy_member(document, "config", arena),
        .meta = copy_member(document, "meta", arena),
        .wal = copy_member(document, "wal", arena),
        .allow_running = js_is_true(js_get(document, "allow_running")),
        .include_unacknowledged = js_is_true(js_get(document, "include_unacknowledged")),
        .rescue_skipped = js_is_true(js_get(document, "rescue_skipped")),
        .log_enabled_unknown_is_off = js_is_true(js_get(document, "no_wal")),
    };
    js_free(document);
    if (ret_arguments->options.path == NULL)
        return err_set(err, ERR_STATE,
                       "the job does not say how to open its source; run the same godwit migrate "
                       "command again instead");
    return ERR_OK;
}

void command_line_add(const struct arguments *arguments, struct text *text)
{
    char shown[SHOWN_SIZE];
    text_addf(text, "godwit %s", arguments->command->name);
    for (size_t i = 0; i < arguments->operand_count; i++)
        text_addf(text, " %s", show_word(arguments->operands[i], shown, sizeof shown));
    for (size_t i = 0; i < arguments->value_count; i++) {
        const struct argument_value *value = &arguments->values[i];
        text_addf(text, " --%s", value->spec->name);
        if (value->text != NULL)
            text_addf(text, " %s", show_word(value->text, shown, sizeof shown));
    }
}

enum err_code selection_read(struct arguments *arguments, struct selection *ret_selection,
                             struct err *err)
{
    selection_init(ret_selection);
    const char **list = NULL;
    size_t count = 0;
    enum err_code code = arguments_list(arguments, "collections", &list, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        code = selection_add_collections(ret_selection, list[i], err);
    if (code == ERR_OK)
        code = arguments_list(arguments, "rename", &list, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count; i++)
        code = selection_add_rename(ret_selection, list[i], err);
    const char *policy = arguments_text(arguments, "duplicates");
    if (policy != NULL)
        (void)duplicates_from_name(policy, &ret_selection->duplicates);
    ret_selection->skip_damaged = arguments_has(arguments, "skip-damaged");
    return code;
}
