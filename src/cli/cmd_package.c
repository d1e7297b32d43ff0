/* cmd_package.c: export and package: what the Zilliz guide calls meta.json and migration_data. */
#include <string.h>

#include "base/path.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/progress.h"

/* Where the source is: the operand, or, in the guide's form, what stands beside the metadata. */
static enum err_code read_origin(struct arguments *arguments, struct source_arguments *from,
                                 char *folder, struct err *err)
{
    const char *sqlite = arguments_text(arguments, "sqlite");
    const char *mysql = arguments_text(arguments, "mysql");
    const bool has_operand = arguments->operand_count > 0;
    if (has_operand + (sqlite != NULL) + (mysql != NULL) != 1)
        return err_set(err, ERR_USAGE, "one of SOURCE, -s META.sqlite and -m DSN is needed");
    if (sqlite != NULL && !path_parent(sqlite, folder, FILE_PATH_MAX))
        return err_set(err, ERR_USAGE, "--sqlite: the path is too long");
    const char *path = has_operand ? arguments->operands[0] : (sqlite != NULL ? folder : ".");
    const enum err_code code = source_arguments_read(arguments, path, from, err);
    if (sqlite != NULL || mysql != NULL)
        from->options.meta = sqlite != NULL ? sqlite : mysql;
    return code;
}

static enum err_code tell_folder(const struct arguments *arguments, const char *key,
                                 const char *path, const char *sentence, struct err *err)
{
    struct text text;
    text_init(&text);
    if (arguments_has(arguments, "json")) {
        json_open(&text, NULL, '{');
        json_add_string(&text, key, path);
        json_close(&text, '}');
    } else {
        output_name(&text, path);
        text_add(&text, sentence);
    }
    text_add(&text, "\n");
    return output_write(&text, err);
}

static enum err_code run_export(struct arguments *arguments, struct err *err)
{
    const char *output = arguments_text(arguments, "output");
    if (output == NULL)
        return err_set(err, ERR_USAGE, "-o DIR is missing: the folder for meta.json");
    struct source_arguments from = {0};
    char folder[FILE_PATH_MAX];
    enum err_code code = read_origin(arguments, &from, folder, err);
    if (code == ERR_OK)
        code = milvus1_export(&from.options, output, err);
    source_arguments_release(&from);
    if (code == ERR_NOT_FOUND)
        return err_recode(err, ERR_SOURCE);
    if (code != ERR_OK)
        return code;
    char *path = path_join(output, "meta.json");
    if (path == NULL)
        return err_nomem(err, "export");
    code = tell_folder(arguments, "meta", path, "", err);
    mem_free(path);
    return code;
}

static enum err_code run_package(struct arguments *arguments, struct err *err)
{
    const char *output = arguments_text(arguments, "output");
    if (output == NULL)
        return err_set(err, ERR_USAGE, "-o DIR is missing: the folder of the package");
    if (strstr(output, "://") != NULL)
        return err_set(err, ERR_USAGE, "%s: a package is made in a folder", output);
    struct source_arguments from;
    enum err_code code = source_arguments_read(arguments, arguments->operands[0], &from, err);
    from.options.skip_damaged = arguments_has(arguments, "skip-damaged");
    if (code == ERR_OK) {
        struct meter meter;
        meter_init(&meter, arguments_count(arguments, "limit-rate", 0), interrupt_flag());
        struct progress_display *display = progress_start(arguments, "package", NULL, &meter);
        code = milvus1_package(&from.options, output, &meter, err);
        progress_stop(display);
    }
    source_arguments_release(&from);
    if (code == ERR_NOT_FOUND)
        return err_recode(err, ERR_SOURCE);
    if (code != ERR_OK && code != ERR_LEFT_OUT)
        return code;
    struct err late;
    const enum err_code told = tell_folder(
        arguments, "package", output,
        code == ERR_OK ? ": complete; godwit inspect, migrate and verify take it as SOURCE"
                       : ": made, with damaged segments left out",
        code == ERR_OK ? err : &late);
    return code == ERR_OK ? told : code;
}

const struct command cmd_export = {
    .name = "export",
    .summary = "write meta.json from the metadata of an installation",
    .operands =
        (const struct operand_spec[]){
            {.name = "SOURCE", .kind = OPTION_FOLDER, .is_optional = true}, {0}},
    .options =
        (const struct option_spec[]){{.name = "sqlite",
                                      .letter = 's',
                                      .kind = OPTION_FILE,
                                      .argument = "META.sqlite",
                                      .help = "The metadata file; then no SOURCE is "
                                              "needed."},
                                     {.name = "mysql",
                                      .letter = 'm',
                                      .kind = OPTION_TEXT,
                                      .is_secret = true,
                                      .argument = "DSN",
                                      .help = "The metadata server: "
                                              "USER:PASSWORD@tcp(HOST:PORT)/DATABASE; better "
                                              "without the password, which "
                                              "GODWIT_META_PASSWORD or "
                                              "--meta-password-file gives."},
                                     {.name = "output",
                                      .letter = 'o',
                                      .kind = OPTION_FOLDER,
                                      .argument = "DIR",
                                      .help = "The folder for meta.json, made when absent. "
                                              "Must be given."},
                                     SOURCE_OPTIONS,
                                     {.name = "json", .help = "Answer as JSON."},
                                     {0}},
    .description =
        "The file has the fields that milvus-migration writes, and more beside them: partitions, "
        "index, versions. With the folder tables/ of the installation beside it, it is a "
        "migration_data folder as the Zilliz guide describes it. godwit package makes the whole "
        "folder, with checksums and with the write-ahead log.",
    .examples =
        (const struct example[]){
            {"godwit export -s /var/lib/milvus/db/meta.sqlite -o migration_data",
             "as in the guide"},
            {"godwit export -m 'root@tcp(127.0.0.1:3306)/milvus' -o migration_data",
             "metadata in MySQL"},
            {0}},
    .run = run_export,
};

const struct command cmd_package = {
    .name = "package",
    .summary = "make a migration_data folder: metadata, segments, log, checksums",
    .operands = (const struct operand_spec[]){{.name = "SOURCE", .kind = OPTION_FOLDER}, {0}},
    .options = (const struct option_spec[]){{.name = "output",
                                             .letter = 'o',
                                             .kind = OPTION_FOLDER,
                                             .argument = "DIR",
                                             .help = "The folder of the package, made when absent. "
                                                     "Must be given."},
                                            {.name = "skip-damaged",
                                             .help = "Leave out segments that cannot be read, name "
                                                     "them, and end with status 6."},
                                            {.name = "limit-rate",
                                             .kind = OPTION_SIZE,
                                             .argument = "SIZE",
                                             .min = 1,
                                             .help = "Copy at most this many bytes a second."},
                                            PROGRESS_OPTION,
                                            {.name = "json", .help = "Answer as JSON."},
                                            SOURCE_OPTIONS,
                                            {0}},
    .description =
        "For carrying an installation to another machine. The package holds everything that "
        "migrating needs and nothing else; inspect, migrate and verify give the same results from "
        "it as from the installation.",
    .examples =
        (const struct example[]){{"godwit package /var/lib/milvus -o migration_data", ""}, {0}},
    .run = run_package,
};
