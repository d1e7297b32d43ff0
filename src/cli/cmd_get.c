/* cmd_get.c: rows by their ids: get (all of them must be there) and query (what is there). */
#include <string.h>

#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/output.h"
#include "cli/vectors.h"

#define COMPONENTS_SHOWN 8
#define IDS_AT_ONCE 4096
#define LIMIT_DEFAULT 100 /* rows of --filter, as in Milvus's RESTful API */
#define LIMIT_MAX 16384

/* What is asked, and how it is shown. */
struct question {
    const struct arguments *arguments;
    struct site_collection *collection;
    const char *partition;
    bool is_json;
    bool is_strict; /* an id that is not there is an error */
    bool has_vectors;
    uint64_t shown;
    uint64_t missing;
    int64_t first_missing;
    struct text text; /* not yet printed: the frame goes out with the first rows */
};

static void json_row(const struct question *q, int64_t id, const struct lookup_result *r, size_t i,
                     struct text *text)
{
    const struct collection_facts *f = site_facts(q->collection);
    if (q->shown > 0)
        text_add(text, ",\n"); /* rows come in portions: the builder may be empty here */
    json_open(text, NULL, '{');
    json_add_int(text, "id", id);
    json_add_string(text, "partition", f->partitions[r->partitions[i]].name);
    if (q->has_vectors)
        vector_add_json(text, "vector", r->vectors + i * r->row_size, r->row_size,
                        metric_is_binary(f->metric));
    json_close(text, '}');
}

static void text_row(const struct question *q, int64_t id, const struct lookup_result *r, size_t i,
                     struct text *text)
{
    const struct collection_facts *f = site_facts(q->collection);
    text_addf(text, "%lld\t", (long long)id);
    output_name(text, f->partitions[r->partitions[i]].name);
    if (q->has_vectors) {
        text_add(text, "\t");
        vector_add_text(text, r->vectors + i * r->row_size, r->row_size,
                        metric_is_binary(f->metric), COMPONENTS_SHOWN);
    }
    text_add(text, "\n");
}

static enum err_code answer_some(struct question *q, const int64_t *ids, size_t count,
                                 struct err *err)
{
    struct lookup_result r;
    const struct site_ids wanted = {q->partition, ids, count, q->has_vectors};
    const enum err_code code = site_get(q->collection, &wanted, &r, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (!r.found[i]) {
            q->first_missing = q->missing++ == 0 ? ids[i] : q->first_missing;
            continue;
        }
        if (q->is_json)
            json_row(q, ids[i], &r, i, &q->text);
        else
            text_row(q, ids[i], &r, i, &q->text);
        q->shown++;
    }
    lookup_result_release(&r);
    return output_write(&q->text, err);
}

static enum err_code answer(struct question *q, const int64_t *ids, uint64_t count, struct err *err)
{
    enum err_code code = ERR_OK;
    if (q->is_json) {
        json_open(&q->text, NULL, '{');
        json_add_string(&q->text, "collection", q->arguments->operands[1]);
        json_open(&q->text, "rows", '[');
    }
    for (uint64_t done = 0; code == ERR_OK && done < count; done += IDS_AT_ONCE) {
        const uint64_t left = count - done;
        code = answer_some(q, ids + done, (size_t)(left < IDS_AT_ONCE ? left : IDS_AT_ONCE), err);
    }
    if (code != ERR_OK)
        return code;
    if (q->is_json) {
        text_addf(&q->text, "],\"missing\":%llu}\n", (unsigned long long)q->missing);
        code = output_write(&q->text, err);
    } else if (q->missing > 0 && !q->is_strict) {
        log_line("%llu %s not there", (unsigned long long)q->missing,
                 plural(q->missing, "id is", "ids are"));
    }
    if (code == ERR_OK && q->is_strict && q->missing > 0)
        return err_set(err, ERR_NOT_FOUND, "%llu %s not there, the first is %lld",
                       (unsigned long long)q->missing, plural(q->missing, "id is", "ids are"),
                       (long long)q->first_missing);
    return code;
}

/* --filter with its window. */
static enum err_code select_ids(const struct question *q, int64_t **ret_ids, size_t *ret_count,
                                struct err *err)
{
    const struct site_selection selection = {
        .filter = arguments_text(q->arguments, "filter"),
        .partition = q->partition,
        .limit = (size_t)arguments_count(q->arguments, "limit", LIMIT_DEFAULT),
        .offset = (size_t)arguments_count(q->arguments, "offset", 0),
    };
    return site_select(q->collection, &selection, ret_ids, ret_count, err);
}

/* `ids` NULL: those that --filter selects. */
static enum err_code ask(struct arguments *arguments, bool is_strict, const int64_t *ids,
                         uint64_t count, struct err *err)
{
    struct site *site = NULL;
    struct question q = {
        .arguments = arguments,
        .partition = arguments_text(arguments, "partition"),
        .is_json = arguments_has(arguments, "json"),
        .is_strict = is_strict,
        .has_vectors = !arguments_has(arguments, "no-vectors"),
    };
    enum err_code code = db_collection(arguments, &site, &q.collection, err);
    if (code != ERR_OK)
        return code;
    text_init(&q.text);
    int64_t *selected = NULL;
    if (ids == NULL) {
        size_t found = 0;
        code = select_ids(&q, &selected, &found, err);
        ids = selected;
        count = found;
    }
    if (code == ERR_OK)
        code = answer(&q, ids, count, err);
    mem_free(selected);
    text_release(&q.text);
    site_collection_close(q.collection);
    site_close(site);
    return code;
}

/* Ids given as words into one array; mem_free. */
static enum err_code read_words(const char *const *words, size_t count, int64_t **ret_ids,
                                struct err *err)
{
    int64_t *ids = mem_alloc(count, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, "ids");
    for (size_t i = 0; i < count; i++) {
        char shown[64];
        if (!parse_id(words[i], &ids[i])) {
            mem_free(ids);
            return err_set(err, ERR_USAGE, "%s is not an id: a 64-bit integer",
                           show_word(words[i], shown, sizeof shown));
        }
    }
    *ret_ids = ids;
    return ERR_OK;
}

static enum err_code run_get(struct arguments *arguments, struct err *err)
{
    int64_t *ids = NULL;
    const size_t count = arguments->operand_count - 2;
    enum err_code code = read_words(arguments->operands + 2, count, &ids, err);
    if (code == ERR_OK)
        code = ask(arguments, true, ids, count, err);
    mem_free(ids);
    return code;
}

static enum err_code run_query(struct arguments *arguments, struct err *err)
{
    const char *file = arguments_text(arguments, "ids-file");
    const char **words = NULL;
    size_t count = 0;
    enum err_code code = arguments_list(arguments, "ids", &words, &count, err);
    const bool has_filter = arguments_has(arguments, "filter");
    if (code == ERR_OK && (count > 0) + (file != NULL) + has_filter != 1)
        code = err_set(err, ERR_USAGE,
                       "one of --ids 1,2,3, --ids-file FILE.npy and --filter EXPR is needed");
    if (code == ERR_OK && !has_filter &&
        (arguments_has(arguments, "limit") || arguments_has(arguments, "offset")))
        code = err_set(err, ERR_USAGE, "--limit and --offset go with --filter");
    if (code != ERR_OK)
        return code;
    if (has_filter)
        return ask(arguments, false, NULL, 0, err);
    if (file != NULL) {
        struct ids ids;
        code = ids_from_npy(file, &ids, err);
        if (code != ERR_OK)
            return code;
        code = ask(arguments, false, ids.items, ids.count, err);
        ids_release(&ids);
        return code;
    }
    int64_t *ids = NULL;
    code = read_words(words, count, &ids, err);
    if (code == ERR_OK)
        code = ask(arguments, false, ids, count, err);
    mem_free(ids);
    return code;
}

#define LOOKUP_OPTIONS                                                                             \
    {.name = "partition",                                                                          \
     .letter = 'p',                                                                                \
     .kind = OPTION_TEXT,                                                                          \
     .argument = "NAME",                                                                           \
     .help = "Look only in this partition."},                                                      \
        {.name = "no-vectors", .help = "Leave the vectors out of the answer."}, SERVER_OPTIONS,    \
    {                                                                                              \
        .name = "json", .help = "Answer as JSON, with whole vectors (docs/cli.md)."                \
    }

const struct command cmd_get = {
    .name = "get",
    .summary = "show the rows of some ids",
    .operands =
        (const struct operand_spec[]){
            DB_OPERAND, {.name = "COLLECTION"}, {.name = "ID", .is_repeated = true}, {0}},
    .options = (const struct option_spec[]){LOOKUP_OPTIONS, {0}},
    .description = "Prints id, partition and vector, separated by tabs, in the order asked for; an "
                   "id that is not there ends the command with status 1. Of an id in several rows "
                   "the row is shown that Milvus 1.x would have given." DB_DESCRIPTION,
    .examples = (const struct example[]){{"godwit get ./godwit-data words 17 42 --json", ""}, {0}},
    .run = run_get,
};

const struct command cmd_query = {
    .name = "query",
    .summary = "show the rows that a filter selects, or those of many ids that are there",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options = (const struct option_spec[]){{.name = "ids",
                                             .kind = OPTION_TEXT,
                                             .is_repeatable = true,
                                             .argument = "ID,...",
                                             .help = "The ids."},
                                            {.name = "ids-file",
                                             .kind = OPTION_FILE,
                                             .argument = "FILE.npy",
                                             .help = "The ids, an int64 array of NumPy."},
                                            {.name = "filter",
                                             .kind = OPTION_TEXT,
                                             .argument = "EXPR",
                                             .help = "The rows for which this is true, by "
                                                     "ascending id: 'id > 100 and color == "
                                                     "\"red\"' (docs/filter.md)."},
                                            {.name = "limit",
                                             .kind = OPTION_COUNT,
                                             .argument = "N",
                                             .min = 1,
                                             .max = LIMIT_MAX,
                                             .help = "At most N rows of --filter (default 100)."},
                                            {.name = "offset",
                                             .kind = OPTION_COUNT,
                                             .argument = "N",
                                             .max = LIMIT_MAX,
                                             .help = "Leave out the first N rows of --filter."},
                                            LOOKUP_OPTIONS,
                                            {0}},
    .description =
        "As godwit get, but ids that are not there are only counted. A filter may name "
        "every field of the collection; shown are id, partition and vector." DB_DESCRIPTION,
    .examples =
        (const struct example[]){
            {"godwit query ./godwit-data words --ids 17,42,99999", ""},
            {"godwit query ./godwit-data words --filter 'id >= 100 and id % 2 == 0' --limit 5",
             "the first even ids"},
            {0}},
    .run = run_query,
};
