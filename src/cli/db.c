/* db.c: see db.h. */
#include "cli/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/output.h"

#define SHOWN_SIZE 512
#define NAMES_SHOWN 20 /* collections named in an error */
#define TOKEN_SIZE 4096
#define TOKEN_VARIABLE "GODWIT_TOKEN"

/* ---- A folder ---- */

enum err_code db_open(const char *location, enum database_mode mode, struct database **ret_database,
                      struct err *err)
{
    char shown[SHOWN_SIZE];
    if (site_is_server(location))
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: this command works on the folder of a database; run it where that is "
                       "(reading is possible while the folder is served)",
                       show_word(location, shown, sizeof shown));
    const enum err_code code = database_open(location, mode, ret_database, err);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

/* Adds to ERR_NO_COLLECTION which collections there are; returns the code. */
static enum err_code add_names(const struct collection_list *list, struct err *err)
{
    struct text names;
    text_init(&names);
    for (size_t i = 0; i < list->count && i < NAMES_SHOWN; i++) {
        text_add(&names, i > 0 ? ", " : "");
        output_name(&names, list->items[i].name);
    }
    if (list->count > NAMES_SHOWN)
        text_addf(&names, ", and %zu more", list->count - NAMES_SHOWN);
    char sentence[ERR_MSG_SIZE];
    memcpy(sentence, err->msg, sizeof sentence);
    const enum err_code code = err->code;
    if (list->count == 0)
        (void)err_set(err, code, "%.400s; the database holds no collection", sentence);
    else
        (void)err_set(err, code, "%.400s; there %s: %s", sentence, plural(list->count, "is", "are"),
                      text_get(&names));
    text_release(&names);
    return code;
}

enum err_code db_name_collections(struct database *database, struct err *err)
{
    struct collection_list list;
    struct err ignored;
    if (database_list(database, &list, &ignored) != ERR_OK)
        return err->code;
    const enum err_code code = add_names(&list, err);
    collection_list_release(&list);
    return code;
}

enum err_code db_open_collection(const struct arguments *arguments, struct database **ret_database,
                                 struct snapshot **ret_snapshot, struct err *err)
{
    struct database *database = NULL;
    enum err_code code = db_open(arguments->operands[0], DATABASE_READ, &database, err);
    if (code != ERR_OK)
        return code;
    code = database_snapshot(database, arguments->operands[1], ret_snapshot, err);
    if (code == ERR_NO_COLLECTION)
        code = db_name_collections(database, err);
    if (code == ERR_OK)
        *ret_database = database;
    else
        database_close(database);
    return code;
}

/* ---- A folder or a server ---- */

static enum err_code token_from_file(const char *path, char *token, struct err *err)
{
    void *data = NULL;
    size_t size = 0;
    const enum err_code code = file_read_all(path, TOKEN_SIZE, &data, &size, err);
    if (code != ERR_OK) {
        (void)err_wrap(err, "--token-file");
        return err_recode(err, code == ERR_NOMEM ? code : ERR_CONFIG);
    }
    char *line = data;
    line[strcspn(line, "\r\n")] = '\0';
    const size_t length = strlen(line);
    if (length > 0 && length < TOKEN_SIZE)
        memcpy(token, line, length + 1);
    explicit_bzero(data, size);
    mem_free(data);
    if (token[0] == '\0')
        return err_set(err, ERR_CONFIG,
                       "--token-file: %s: the first line must be USER:PASSWORD or an API key, of "
                       "at most %d bytes",
                       path, TOKEN_SIZE - 1);
    return ERR_OK;
}

/* The variable is wiped once it is read: /proc/PID/environ shows it no longer. */
static enum err_code token_from_environment(char *token, struct err *err)
{
    char *value = getenv(TOKEN_VARIABLE);
    const size_t length = value != NULL ? strlen(value) : 0;
    if (length >= TOKEN_SIZE)
        return err_set(err, ERR_CONFIG, TOKEN_VARIABLE " is longer than %d bytes", TOKEN_SIZE - 1);
    if (length == 0)
        return ERR_OK;
    memcpy(token, value, length + 1);
    wipe_text(value);
    return ERR_OK;
}

static enum err_code check_token(const char *token, struct err *err)
{
    for (const char *p = token; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return err_set(err, ERR_CONFIG, "the token holds a blank or a control character");
    return ERR_OK;
}

static enum err_code open_server(const struct arguments *arguments, struct site **ret_site,
                                 struct err *err)
{
    char token[TOKEN_SIZE] = "", shown[SHOWN_SIZE];
    const char *file = arguments_text(arguments, "token-file");
    const struct site_options options = {
        .token = token,
        .ca_file = arguments_text(arguments, "tls-ca"),
        .cert_file = arguments_text(arguments, "tls-cert"),
        .key_file = arguments_text(arguments, "tls-key"),
        .is_insecure = arguments_has(arguments, "tls-insecure"),
        .stop = interrupt_flag(),
    };
    if ((options.cert_file == NULL) != (options.key_file == NULL))
        return err_set(err, ERR_USAGE, "--tls-cert and --tls-key belong together");
    enum err_code code =
        file != NULL ? token_from_file(file, token, err) : token_from_environment(token, err);
    if (code == ERR_OK)
        code = check_token(token, err);
    if (code == ERR_OK) {
        code = site_open(arguments->operands[0], DATABASE_READ, &options, ret_site, err);
        if (code == ERR_USAGE)
            (void)err_wrap(err, "%s", show_word(arguments->operands[0], shown, sizeof shown));
    }
    explicit_bzero(token, sizeof token);
    return code;
}

enum err_code db_site(const struct arguments *arguments, enum database_mode mode,
                      struct site **ret_site, struct err *err)
{
    static const struct site_options none = {0};
    return site_is_server(arguments->operands[0])
               ? open_server(arguments, ret_site, err)
               : site_open(arguments->operands[0], mode, &none, ret_site, err);
}

enum err_code db_collection_of(const struct arguments *arguments, struct site *site,
                               struct site_collection **ret_collection, struct err *err)
{
    struct collection_list list;
    struct err ignored;
    enum err_code code = site_collection_open(site, arguments->operands[1], ret_collection, err);
    if (code == ERR_NO_COLLECTION && site_list(site, &list, &ignored) == ERR_OK) {
        code = add_names(&list, err);
        collection_list_release(&list);
    }
    return code;
}

enum err_code db_collection(const struct arguments *arguments, struct site **ret_site,
                            struct site_collection **ret_collection, struct err *err)
{
    struct site *site = NULL;
    enum err_code code = db_site(arguments, DATABASE_READ, &site, err);
    if (code == ERR_OK)
        code = db_collection_of(arguments, site, ret_collection, err);
    if (code == ERR_OK)
        *ret_site = site;
    else
        site_close(site);
    return code;
}

enum err_code db_folder_option(const struct arguments *arguments, const char *option,
                               const char *why, struct err *err)
{
    if (!site_is_server(arguments->operands[0]) || !arguments_has(arguments, option))
        return ERR_OK;
    return err_set(err, ERR_USAGE, "--%s is for folders: %s", option, why);
}
