/* rest_jobs.c: import jobs; see rest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "milvus2/import_jobs.h"
#include "milvus2/names.h"
#include "milvus2/rest.h"

/* Files come as a list of lists of names. */
static bool read_sets(struct rest *rest, struct import_spec *spec)
{
    const struct json *files = js_get(rest->body, "files");
    const size_t count = js_size(files);
    struct name_list *sets = op_array(&rest->op, count, sizeof *sets);
    if (sets == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct json *set = js_at(files, i);
        const char **names = op_array(&rest->op, js_size(set), sizeof *names);
        if (names == NULL)
            return false;
        for (size_t k = 0; k < js_size(set); k++) {
            names[k] = js_string(js_at(set, k), NULL);
            if (names[k] == NULL)
                return rest_fail(rest, MILVUS_REST_JSON,
                                 "error: json: files must be arrays of strings");
        }
        sets[i] = (struct name_list){names, js_size(set)};
    }
    spec->sets = sets;
    spec->set_count = count;
    return true;
}

bool rest_create_job(struct rest *rest)
{
    struct import_spec spec = {.collection = rest_collection(rest),
                               .partition = rest_text(rest, "partitionName", "")};
    int64_t id;
    char text[24];
    if (!read_sets(rest, &spec) ||
        !rest_pairs(rest, js_get(rest->body, "options"), &spec.options) ||
        !imports_create(&rest->op, &spec, &id))
        return false;
    (void)snprintf(text, sizeof text, "%" PRId64, id);
    json_open(&rest->answer, "data", '{');
    json_add_string(&rest->answer, "jobId", text);
    json_close(&rest->answer, '}');
    return true;
}

static const char *state_name(enum import_state state)
{
    static const char *const names[] = {"Pending", "Importing", "Completed", "Failed"};
    return names[state];
}

static void add_job_head(struct rest *rest, const struct import_view *job)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, job->id);
    json_add_string(&rest->answer, "jobId", text);
    json_add_string(&rest->answer, "collectionName", job->collection);
    json_add_string(&rest->answer, "state", state_name(job->state));
    json_add_int(&rest->answer, "progress", job->progress);
    if (job->reason[0] != '\0')
        json_add_string(&rest->answer, "reason", job->reason);
}

static void add_amounts(struct rest *rest, const struct import_view *job)
{
    char time_text[32] = "";
    const time_t seconds = (time_t)(job->finished_us / 1000000);
    struct tm parts;
    if (job->finished_us > 0 && gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    json_add_uint(&rest->answer, "importedRows", job->rows);
    json_add_uint(&rest->answer, "totalRows", job->rows_total);
    json_add_uint(&rest->answer, "fileSize", job->size);
    json_add_string(&rest->answer, "completeTime", time_text);
}

bool rest_describe_job(struct rest *rest)
{
    struct import_view job;
    int64_t id;
    const struct json *value = js_get(rest->body, "jobId");
    const char *text = js_is_string(value) ? js_string(value, "") : NULL;
    if (text == NULL)
        id = js_int(value, 0);
    else if (!number_parse_int(text, &id))
        return status_wrap(&rest->op.status, MILVUS_IMPORT, "import job does not exist, jobID=%s",
                           text);
    if (!imports_describe(&rest->op, id, &job))
        return false;
    json_open(&rest->answer, "data", '{');
    add_job_head(rest, &job);
    add_amounts(rest, &job);
    json_open(&rest->answer, "details", '[');
    for (size_t i = 0; i < job.files.count; i++) {
        json_open(&rest->answer, NULL, '{');
        json_add_string(&rest->answer, "fileName", job.files.items[i]);
        json_add_string(&rest->answer, "state", state_name(job.state));
        json_add_int(&rest->answer, "progress", job.progress);
        if (job.reason[0] != '\0')
            json_add_string(&rest->answer, "reason", job.reason);
        add_amounts(rest, &job);
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
    json_close(&rest->answer, '}');
    return true;
}

bool rest_list_jobs(struct rest *rest)
{
    struct import_view *jobs;
    size_t count;
    if (!imports_list(&rest->op, rest_collection(rest), &jobs, &count))
        return false;
    json_open(&rest->answer, "data", '{');
    json_open(&rest->answer, "records", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&rest->answer, NULL, '{');
        add_job_head(rest, &jobs[i]);
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
    json_close(&rest->answer, '}');
    return true;
}
