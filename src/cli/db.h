/* db.h: the operands DB and COLLECTION.
 *
 * DB is a folder or, for most commands, the URL of a server (site/site.h). Errors get the exit
 * status of the contract here: a folder that is no database is unreadable (3), a collection that is
 * not there is answered with the names that are. */
#ifndef GODWIT_CLI_DB_H
#define GODWIT_CLI_DB_H

#include "base/err.h"
#include "cli/options.h"
#include "engine/database.h"
#include "engine/snapshot.h"
#include "site/site.h"

/* The operand of commands that take a URL as well, how they say so, and their options for it. */
#define DB_OPERAND                                                                                 \
    {                                                                                              \
        .name = "DB", .kind = OPTION_FOLDER                                                        \
    }
#define DB_DESCRIPTION                                                                             \
    "\n\nDB is a folder, or a server that runs godwit serve: http://HOST:PORT, https://HOST:PORT " \
    "or unix:PATH. A server that asks for a user gets the token in GODWIT_TOKEN, USER:PASSWORD "   \
    "or an API key, or that of --token-file."
#define SERVER_OPTIONS                                                                             \
    {.name = "token-file",                                                                         \
     .kind = OPTION_FILE,                                                                          \
     .argument = "FILE",                                                                           \
     .help = "When DB is a server: a file whose first line is USER:PASSWORD or an API key (or "    \
             "set GODWIT_TOKEN)."},                                                                \
        {.name = "tls-ca",                                                                         \
         .kind = OPTION_FILE,                                                                      \
         .argument = "FILE",                                                                       \
         .help = "For https: trust the certificates in this file instead of the system's."},       \
        {.name = "tls-cert",                                                                       \
         .kind = OPTION_FILE,                                                                      \
         .argument = "FILE",                                                                       \
         .help = "For https: our certificate, where the server wants one; with --tls-key."},       \
        {.name = "tls-key",                                                                        \
         .kind = OPTION_FILE,                                                                      \
         .argument = "FILE",                                                                       \
         .help = "For https: the key of --tls-cert."},                                             \
    {                                                                                              \
        .name = "tls-insecure",                                                                    \
        .help = "For https: take any certificate. Whoever is in between can read and change all."  \
    }

/* Opens the operand DB of a command with SERVER_OPTIONS. A folder that is no database is
 * ERR_SOURCE. */
enum err_code db_site(const struct arguments *arguments, enum database_mode mode,
                      struct site **ret_site, struct err *err) MUST_USE;
/* DB and COLLECTION: operands 0 and 1. Both are closed by the caller; `*ret_collection` first. */
enum err_code db_collection(const struct arguments *arguments, struct site **ret_site,
                            struct site_collection **ret_collection, struct err *err) MUST_USE;
/* Opens operand 1 of a site; ERR_NO_COLLECTION says which collections there are. */
enum err_code db_collection_of(const struct arguments *arguments, struct site *site,
                               struct site_collection **ret_collection, struct err *err) MUST_USE;
/* ERR_USAGE when DB is a server and the option is given. `why` ends the sentence. */
enum err_code db_folder_option(const struct arguments *arguments, const char *option,
                               const char *why, struct err *err) MUST_USE;

/* The same for commands that work on the folder itself; a server is ERR_UNSUPPORTED. */
enum err_code db_open(const char *location, enum database_mode mode, struct database **ret_database,
                      struct err *err) MUST_USE;
enum err_code db_open_collection(const struct arguments *arguments, struct database **ret_database,
                                 struct snapshot **ret_snapshot, struct err *err) MUST_USE;
/* Adds to ERR_NO_COLLECTION which collections there are; returns the code. */
enum err_code db_name_collections(struct database *database, struct err *err);

#endif
