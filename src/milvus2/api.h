/* api.h: the Milvus 2.x API over one database folder: what all operations share.
 *
 * Opened for writing once, by `godwit serve`; then gRPC methods (grpc.h) and HTTP routes (rest.h)
 * run operations (op.h) on the transport's workers. Threads: any, except for open and close. */
#ifndef GODWIT_MILVUS2_API_H
#define GODWIT_MILVUS2_API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/database.h"
#include "engine/write/writer.h"

/* What clients are told; they parse it as a version of Milvus. */
#define API_MILVUS_VERSION "v2.6.4-godwit-" GODWIT_VERSION

struct builder;
struct jobs;
struct server;
struct server_access;
struct server_method;
struct sessions;
struct users;

struct api_options {
    bool is_relaxed; /* writes are acknowledged up to 50 ms before they are durable */
    const char
        *vector_field; /* name of the vector field of 1.x collections; NULL: FIELD_1X_VECTOR */
    const char
        *import_folder; /* files of import jobs must be below it; NULL: imports are refused */
    bool needs_login;   /* users and API keys are checked */
    const char
        *root_password; /* set root's password; NULL: stays, or is made up when there is none */
    const char *const *api_keys; /* further tokens that may do everything */
    size_t api_key_count;
    /* Something the operator should know, one sentence; may be NULL. */
    void (*notice)(void *argument, const char *text);
    void *notice_argument;
    /* Each call that was answered, for a log; may be NULL. Threads: any, at once. */
    void (*access)(void *argument, const struct server_access *access);
    void *access_argument;
};

struct api {
    struct api_options options;
    const char *folder;
    struct database *database;
    struct writer *writer;
    struct builder *builder;       /* indexes in the background (builder.h) */
    struct sessions *sessions;     /* iterators and compactions (sessions.h) */
    struct jobs *jobs;             /* imports (import_jobs.h) */
    struct users *users;           /* users.h */
    struct server_method *methods; /* while it is served */
    struct server *_Atomic server; /* likewise, else NULL */
    char made_password[64];        /* root's, when it was made up now; else "" */
    int64_t started_us;
};

/* Opens the folder (made when absent), starts writer and background work. Strings of the options
 * are borrowed. Errors: those of database_open and writer_start. */
enum err_code api_open(const char *folder, const struct api_options *options, struct api **ret_api,
                       struct err *err) MUST_USE;
/* Stops background work and the writer, closes the folder. NULL accepted. */
void api_close(struct api *api);

#endif
