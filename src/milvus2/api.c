/* api.c: see api.h. */
#include "milvus2/api.h"

#include "base/clock.h"
#include "base/mem.h"
#include "milvus2/builder.h"
#include "milvus2/import_jobs.h"
#include "milvus2/sessions.h"
#include "milvus2/users.h"

static void on_sealed(void *argument, int64_t collection)
{
    struct api *api = argument;
    (void)collection;
    builder_add_index(api->builder);
}

static enum err_code start(struct api *api, struct err *err)
{
    const struct writer_options options = {.durability = api->options.is_relaxed ? WRITER_RELAXED
                                                                                 : WRITER_STRICT,
                                           .on_sealed = on_sealed,
                                           .argument = api};
    enum err_code code = builder_open(api, &api->builder, err);
    if (code == ERR_OK)
        code = writer_start(api->database, &options, &api->writer, err);
    if (code == ERR_OK)
        code = sessions_open(&api->sessions, err);
    if (code == ERR_OK)
        code = users_open(api, &api->users, err);
    if (code == ERR_OK)
        code = jobs_open(api, &api->jobs, err);
    if (code == ERR_OK)
        code = builder_start(api->builder, err);
    return code;
}

enum err_code api_open(const char *folder, const struct api_options *options, struct api **ret_api,
                       struct err *err)
{
    struct api *api = mem_zalloc(1, sizeof *api);
    if (api == NULL)
        return err_nomem(err, "server");
    api->options = *options;
    api->folder = folder;
    api->started_us = clock_now_us();
    enum err_code code = database_open(folder, DATABASE_CREATE, &api->database, err);
    if (code == ERR_OK)
        code = start(api, err);
    if (code != ERR_OK) {
        api_close(api);
        return code;
    }
    *ret_api = api;
    return ERR_OK;
}

void api_close(struct api *api)
{
    if (api == NULL)
        return;
    jobs_close(api->jobs);
    builder_stop(api->builder);
    writer_stop(api->writer);
    builder_close(api->builder);
    users_close(api->users);
    sessions_close(api->sessions);
    if (api->database != NULL)
        database_close(api->database);
    mem_free(api);
}
