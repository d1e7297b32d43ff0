/* db.c: see db.h. */
#include "cli/db.h"

#include <string.h>

#include "base/text.h"
#include "cli/output.h"

#define SHOWN_SIZE 512
#define NAMES_SHOWN 20 /* collections named in an error */

enum err_code db_open(const char *location, enum database_mode mode, struct database **ret_database,
                      struct err *err)
{
    char shown[SHOWN_SIZE];
    if (strstr(location, "://") != NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s: DB is the folder of a database",
                       show_word(location, shown, sizeof shown));
    const enum err_code code = database_open(location, mode, ret_database, err);
    return code == ERR_NOT_FOUND ? err_recode(err, ERR_SOURCE) : code;
}

enum err_code db_name_collections(struct database *database, struct err *err)
{
    struct collection_list list;
    struct err ignored;
    if (database_list(database, &list, &ignored) != ERR_OK)
        return err->code;
    struct text names;
    text_init(&names);
    for (size_t i = 0; i < list.count && i < NAMES_SHOWN; i++) {
        text_add(&names, i > 0 ? ", " : "");
        output_name(&names, list.items[i].name);
    }
    if (list.count > NAMES_SHOWN)
        text_addf(&names, ", and %zu more", list.count - NAMES_SHOWN);
    char sentence[ERR_MSG_SIZE];
    memcpy(sentence, err->msg, sizeof sentence);
    const enum err_code code = err->code;
    if (list.count == 0)
        (void)err_set(err, code, "%.400s; the database holds no collection", sentence);
    else
        (void)err_set(err, code, "%.400s; there %s: %s", sentence, plural(list.count, "is", "are"),
                      text_get(&names));
    text_release(&names);
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
