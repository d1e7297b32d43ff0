/* cmd_search.c: the nearest rows to a vector, to a row, or to each row of a file.
 *
 * Queries are answered in portions, so memory stays bounded however many there are. With --stats a
 * first search touches every page and checksum before time is taken: what is measured is searching.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/db.h"
#include "cli/labels.h"
#include "cli/output.h"
#include "cli/search_request.h"
#include "cli/vectors.h"

#define PORTION_HITS ((size_t)1 << 22) /* hits kept in memory at once */
#define PORTION_QUERIES ((size_t)1 << 14)
#define ID_NONE INT64_C(-1) /* fills rows of --out that have fewer hits */

struct search {
    struct arguments *arguments;
    struct site *site;
    struct site_collection *collection;
    const struct collection_facts *facts;
    struct vectors queries;
    struct lookup_result like; /* owns the query of --like */
    struct ids only_ids;
    struct labels labels;
    struct search_request request;
    struct npy_writer *ids_out;
    struct npy_writer *scores_out;
    bool is_json;
    struct text text; /* not yet printed: the frame goes out with the first hits */
    bool is_quiet;    /* hits go to files, or only the time is asked for */
    uint64_t done;
    struct search_stats stats; /* summed over the portions */
    uint64_t cpu_ns;
};

static enum err_code like_row(struct search *s, const char *word, struct err *err)
{
    int64_t id = 0;
    char shown[128];
    (void)show_word(word, shown, sizeof shown);
    if (!parse_id(word, &id) && !labels_find(&s->labels, word, &id)) {
        if (s->labels.count > 0)
            return err_set(err, ERR_NOT_FOUND, "--like: %s is neither an id nor a label", shown);
        return err_set(err, ERR_USAGE, "--like: %s is not an id: a 64-bit integer", shown);
    }
    const struct site_ids wanted = {.ids = &id, .count = 1, .has_vectors = true};
    const enum err_code code = site_get(s->collection, &wanted, &s->like, err);
    if (code != ERR_OK)
        return code;
    if (!s->like.found[0])
        return err_set(err, ERR_NOT_FOUND, "--like: the collection has no row with the id %lld",
                       (long long)id);
    s->queries.data = s->like.vectors;
    s->queries.rows = 1;
    s->queries.dim = s->facts->dim;
    s->queries.row_size = s->facts->row_size;
    s->queries.is_binary = metric_is_binary(s->facts->metric);
    return ERR_OK;
}

static enum err_code read_queries(struct search *s, struct err *err)
{
    const char *vector = arguments_text(s->arguments, "vector");
    const char *like = arguments_text(s->arguments, "like");
    const char *file = arguments_text(s->arguments, "queries");
    const bool is_binary = metric_is_binary(s->facts->metric);
    if ((vector != NULL) + (like != NULL) + (file != NULL) != 1)
        return err_set(err, ERR_USAGE, "one of --vector, --like and --queries is needed");
    enum err_code code = ERR_OK;
    if (like != NULL)
        return like_row(s, like, err);
    if (vector != NULL)
        code = vectors_from_text("--vector", vector, is_binary, &s->queries, err);
    else
        code = vectors_from_npy(file, &s->queries, err);
    if (code != ERR_OK)
        return code;
    if (s->queries.is_binary != is_binary)
        return err_set(err, ERR_INVALID, "%s: %s, but the metric %s is for %s", file,
                       s->queries.is_binary ? "bytes" : "floats", metric_name(s->facts->metric),
                       is_binary ? "bits (uint8)" : "floats (float32)");
    if (s->queries.dim != s->facts->dim)
        return err_set(err, ERR_INVALID, "the query has %zu dimensions, the collection %zu",
                       s->queries.dim, s->facts->dim);
    if (s->queries.rows == 0)
        return err_set(err, ERR_INVALID, "%s: no queries", file);
    return ERR_OK;
}

/* --only-ids: which rows may be hits. */
static enum err_code read_filter(struct search *s, struct err *err)
{
    const char *file = arguments_text(s->arguments, "only-ids");
    if (file == NULL)
        return ERR_OK;
    const enum err_code code = ids_from_npy(file, &s->only_ids, err);
    if (code != ERR_OK)
        return code;
    return site_restrict(s->collection, s->only_ids.items, (size_t)s->only_ids.count, err);
}

static enum err_code open_outputs(struct search *s, struct err *err)
{
    const char *ids = arguments_text(s->arguments, "out");
    const char *scores = arguments_text(s->arguments, "out-scores");
    enum err_code code = ERR_OK;
    if (ids != NULL)
        code = npy_writer_open(ids, NPY_COLUMN_IDS, s->request.k, &s->ids_out, err);
    if (code == ERR_OK && scores != NULL)
        code = npy_writer_open(scores, NPY_COLUMN_FLOATS, s->request.k, &s->scores_out, err);
    s->is_json = arguments_has(s->arguments, "json");
    s->is_quiet = ids != NULL || scores != NULL || arguments_has(s->arguments, "stats");
    return code;
}

static void json_hits(const struct search *s, const struct search_result *r, size_t query,
                      struct text *text)
{
    const uint64_t number = s->done + query;
    if (number > 0)
        text_add(text, ",\n"); /* the builder may be empty here */
    json_open(text, NULL, '{');
    json_add_uint(text, "query", number);
    json_open(text, "hits", '[');
    for (size_t i = 0; i < r->counts[query]; i++) {
        const size_t at = query * r->k + i;
        json_open(text, NULL, '{');
        json_add_int(text, "id", r->ids[at]);
        json_add_float(text, "score", r->scores[at]);
        json_add_string(text, "partition", s->facts->partitions[r->partitions[at]].name);
        const char *label = labels_get(&s->labels, r->ids[at]);
        if (label != NULL)
            json_add_string(text, "label", label);
        json_close(text, '}');
    }
    json_close(text, ']');
    json_close(text, '}');
}

static void write_hits(const struct search *s, const struct search_result *r, size_t query,
                       struct text *text)
{
    static const char *const heads[] = {">id", ">score", "partition", "label"};
    const size_t columns = s->labels.count > 0 ? 4 : 3;
    struct table table;
    table_init(&table, heads, columns);
    for (size_t i = 0; i < r->counts[query]; i++) {
        const size_t at = query * r->k + i;
        struct text cell;
        text_init(&cell);
        text_addf(&cell, "%lld", (long long)r->ids[at]);
        table_cell(&table, text_get(&cell));
        text_release(&cell);
        text_init(&cell);
        text_addf(&cell, "%.6g", (double)r->scores[at]);
        table_cell(&table, text_get(&cell));
        text_release(&cell);
        table_cell_name(&table, "", s->facts->partitions[r->partitions[at]].name);
        const char *label = labels_get(&s->labels, r->ids[at]);
        if (columns == 4)
            table_cell_name(&table, "", label != NULL ? label : "");
    }
    if (s->queries.rows > 1)
        text_addf(text, "%squery %llu\n", s->done + query > 0 ? "\n" : "",
                  (unsigned long long)(s->done + query));
    if (r->counts[query] == 0) {
        text_add(text, "no hits\n");
        text_release(&table.cells);
    } else {
        table_write(&table, 0, text);
    }
}

/* The portion's rows of both files; what a query has less than k is filled. */
static enum err_code write_files(struct search *s, struct search_result *r, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t q = 0; q < r->query_count; q++)
        for (size_t i = r->counts[q]; i < r->k; i++) {
            r->ids[q * r->k + i] = ID_NONE;
            r->scores[q * r->k + i] = NAN;
        }
    const size_t count = r->query_count * r->k;
    if (s->ids_out != NULL)
        code = npy_writer_add(s->ids_out, r->ids, count * sizeof *r->ids, err);
    if (code == ERR_OK && s->scores_out != NULL)
        code = npy_writer_add(s->scores_out, r->scores, count * sizeof *r->scores, err);
    return code;
}

static void add_stats(struct search *s, const struct search_stats *more)
{
    const struct search_stats sum = s->stats;
    s->stats = *more;
    s->stats.rows += sum.rows;
    s->stats.size += sum.size;
    s->stats.time_ns += sum.time_ns;
}

static enum err_code answer_portion(struct search *s, size_t count, struct err *err)
{
    struct search_request request = s->request;
    request.queries = s->queries.data + (size_t)s->done * s->queries.row_size;
    request.query_count = count;
    struct search_result result = {0};
    const uint64_t cpu_ns = clock_cpu_ns();
    enum err_code code = site_search(s->collection, &request, &result, err);
    if (code != ERR_OK)
        return code;
    s->cpu_ns += clock_cpu_ns() - cpu_ns;
    add_stats(s, &result.stats);
    for (size_t q = 0; q < count && !s->is_quiet; q++) {
        if (s->is_json)
            json_hits(s, &result, q, &s->text);
        else
            write_hits(s, &result, q, &s->text);
    }
    code = write_files(s, &result, err);
    search_result_release(&result);
    const enum err_code written = output_write(&s->text, code == ERR_OK ? err : NULL);
    return code == ERR_OK ? written : code;
}

static size_t portion_size(const struct search *s)
{
    const size_t by_hits = PORTION_HITS / s->request.k;
    const size_t size = by_hits < PORTION_QUERIES ? by_hits : PORTION_QUERIES;
    return size > 0 ? size : 1;
}

/* One query over all rows, and one as it will be asked: then pages and checksums are settled, of
 * the rows and of the indexes. */
static enum err_code warm_up(struct search *s, struct err *err)
{
    struct search_request request = s->request;
    enum err_code code = ERR_OK;
    request.queries = s->queries.data;
    request.query_count = 1;
    for (int k = 0; code == ERR_OK && k < 2; k++) {
        struct search_result result = {0};
        request.level = k == 0 ? SEARCH_LEVEL_MAX : s->request.level;
        request.recall = k == 0 ? 0 : s->request.recall;
        code = site_search(s->collection, &request, &result, err);
        if (code == ERR_OK)
            search_result_release(&result);
    }
    return code;
}

static enum err_code answer_all(struct search *s, struct err *err)
{
    enum err_code code = arguments_has(s->arguments, "stats") ? warm_up(s, err) : ERR_OK;
    const size_t portion = portion_size(s);
    while (code == ERR_OK && s->done < s->queries.rows) {
        const uint64_t left = s->queries.rows - s->done;
        const size_t count = left < portion ? (size_t)left : portion;
        code = answer_portion(s, count, err);
        s->done += count;
    }
    struct npy_writer *const writers[] = {s->scores_out, s->ids_out};
    for (size_t i = 0; i < 2 && code == ERR_OK; i++)
        if (writers[i] != NULL)
            code = npy_writer_finish(writers[i], s->queries.rows, err);
    for (size_t i = 0; i < 2 && code == ERR_OK; i++)
        if (writers[i] != NULL)
            code = npy_writer_publish(writers[i], err);
    return code;
}

static void write_stats(const struct search *s, struct text *text)
{
    const double wall_s = (double)s->stats.time_ns / 1e9, cpu_s = (double)s->cpu_ns / 1e9;
    const double rate = wall_s > 0 ? (double)s->queries.rows / wall_s : 0;
    if (s->is_json) {
        json_open(text, NULL, '{');
        json_add_uint(text, "queries", s->queries.rows);
        json_add_uint(text, "k", s->request.k);
        json_add_double(text, "wall_s", wall_s);
        json_add_double(text, "cpu_s", cpu_s);
        json_add_double(text, "qps", rate);
        json_add_string(text, "plan", s->stats.plan);
        json_add_string(text, "isa", s->stats.isa);
        json_add_uint(text, "threads", s->stats.threads);
        json_add_uint(text, "segments", s->stats.segments);
        json_add_uint(text, "rows", s->stats.rows);
        json_add_uint(text, "size", s->stats.size);
        json_close(text, '}');
        text_add(text, "\n");
        return;
    }
    char queries[NUMBER_SIZE], rows[NUMBER_SIZE], size[NUMBER_SIZE];
    text_addf(text, "%s %s, k %zu: %.6f s wall, %.6f s cpu, %.1f queries a second\n",
              format_number(s->queries.rows, queries), plural(s->queries.rows, "query", "queries"),
              s->request.k, wall_s, cpu_s, rate);
    text_addf(text, "plan %s, %s, %zu %s; %s rows in %zu %s, %s read\n", s->stats.plan,
              s->stats.isa, s->stats.threads, plural(s->stats.threads, "thread", "threads"),
              format_number(s->stats.rows, rows), s->stats.segments,
              plural(s->stats.segments, "segment", "segments"), format_size(s->stats.size, size));
}

static void json_files(const struct search *s, struct text *text)
{
    json_open(text, NULL, '{');
    json_add_uint(text, "queries", s->queries.rows);
    json_add_uint(text, "k", s->request.k);
    json_add_string(text, "out", arguments_text(s->arguments, "out"));
    json_add_string(text, "out_scores", arguments_text(s->arguments, "out-scores"));
    json_close(text, '}');
    text_add(text, "\n");
}

static enum err_code answer(struct search *s, struct err *err)
{
    struct text *text = &s->text;
    const bool has_frame = s->is_json && !s->is_quiet;
    if (has_frame) {
        json_open(text, NULL, '{');
        json_add_string(text, "collection", s->facts->name);
        json_add_string(text, "metric", metric_name(s->facts->metric));
        json_add_uint(text, "k", s->request.k);
        json_open(text, "results", '[');
    }
    const enum err_code code = answer_all(s, err);
    if (code != ERR_OK)
        return code;
    if (has_frame)
        text_add(text, "]}\n");
    else if (arguments_has(s->arguments, "stats"))
        write_stats(s, text);
    else if (s->is_json)
        json_files(s, text);
    return output_write(text, err);
}

static enum err_code run(struct arguments *arguments, struct err *err)
{
    struct search s = {.arguments = arguments};
    const char *labels = arguments_text(arguments, "labels");
    enum err_code code =
        db_folder_option(arguments, "stats", "what a server does takes its time, not ours", err);
    if (code == ERR_OK)
        code = db_folder_option(arguments, "threads", "a server chooses them itself", err);
    if (code == ERR_OK)
        code = db_collection(arguments, &s.site, &s.collection, err);
    if (code != ERR_OK)
        return code;
    s.facts = site_facts(s.collection);
    if (labels != NULL)
        code = labels_load(labels, &s.labels, err);
    if (code == ERR_OK)
        code = read_queries(&s, err);
    if (code == ERR_OK)
        code = search_request_read(arguments, s.facts, &s.request, err);
    s.request.threads = (size_t)arguments_count(arguments, "threads", 0);
    if (code == ERR_OK)
        code = read_filter(&s, err);
    if (code == ERR_OK)
        code = open_outputs(&s, err);
    if (code == ERR_OK)
        code = answer(&s, err);
    text_release(&s.text);
    npy_writer_close(s.ids_out);
    npy_writer_close(s.scores_out);
    if (s.like.found != NULL)
        lookup_result_release(&s.like);
    else
        vectors_release(&s.queries);
    ids_release(&s.only_ids);
    labels_release(&s.labels);
    site_collection_close(s.collection);
    site_close(s.site);
    return code;
}

static const struct option_spec options[] = {
    {.name = "vector",
     .kind = OPTION_TEXT,
     .argument = "VECTOR",
     .help = "The query: '[0.1, 0.2, ...]'; for bits '[0, 255, ...]' (bytes) or hexadecimal "
             "digits."},
    {.name = "like",
     .kind = OPTION_TEXT,
     .argument = "ID",
     .help = "The query is the vector of this row; with --labels also a label."},
    {.name = "queries",
     .kind = OPTION_FILE,
     .argument = "FILE.npy",
     .help = "Many queries: a float32 array (n, dimension), or uint8 (n, dimension / 8)."},
    {.name = "k",
     .letter = 'k',
     .kind = OPTION_COUNT,
     .argument = "N",
     .min = 1,
     .max = SEARCH_K_MAX,
     .help = "Hits wanted for each query (default 10)."},
    {.name = "partition",
     .letter = 'p',
     .kind = OPTION_TEXT,
     .is_repeatable = true,
     .argument = "NAME",
     .help = "Search only this partition; may be given several times."},
    {.name = "only-ids",
     .kind = OPTION_FILE,
     .argument = "FILE.npy",
     .help = "Only rows with these ids may be hits: int64 (n,), at most 1,048,576. What level and "
             "recall promise holds among them."},
    {.name = "level",
     .kind = OPTION_COUNT,
     .argument = "N",
     .min = 1,
     .max = SEARCH_LEVEL_MAX,
     .help = "From 1, fastest, to 10, exact (default 3). Matters where there is an index: see "
             "godwit index."},
    {.name = "recall",
     .kind = OPTION_NUMBER,
     .argument = "R",
     .max = 1,
     .help = "The part of the true nearest rows that is wanted on average, at most 1 (exact); "
             "wins over --level."},
    {.name = "radius",
     .kind = OPTION_TEXT,
     .argument = "SCORE",
     .help = "Only hits that are nearer: with a score below this one, for IP and COSINE above it."},
    {.name = "range-filter",
     .kind = OPTION_TEXT,
     .argument = "SCORE",
     .help = "Only hits that are as far away or further: with this score or a larger one, for IP "
             "and COSINE this or a smaller one."},
    {.name = "threads",
     .letter = 't',
     .kind = OPTION_COUNT,
     .argument = "N",
     .min = 1,
     .max = 256,
     .help = "Search with N threads (default: one a processor)."},
    {.name = "out",
     .letter = 'o',
     .kind = OPTION_FILE,
     .argument = "FILE.npy",
     .help = "Write the ids of the hits as an int64 array (n, k) instead of showing them; -1 where "
             "there are fewer."},
    {.name = "out-scores",
     .kind = OPTION_FILE,
     .argument = "FILE.npy",
     .help = "Write the scores as a float32 array (n, k); NaN where there are fewer hits."},
    {.name = "labels",
     .kind = OPTION_FILE,
     .argument = "FILE.tsv",
     .help = "Lines ID, tab, LABEL: show what an id means."},
    {.name = "stats",
     .help = "Show how long the search took instead of the hits; files are read once before."},
    SERVER_OPTIONS,
    {.name = "json", .help = "Answer as JSON (docs/cli.md)."},
    {.name = NULL},
};

const struct command cmd_search = {
    .name = "search",
    .summary = "find the nearest rows to a vector, a row, or many vectors",
    .operands = (const struct operand_spec[]){DB_OPERAND, {.name = "COLLECTION"}, {0}},
    .options = options,
    .description =
        "Hits come best first. Scores are those of Milvus 1.x: squared distance for L2, inner "
        "product for IP, distances for HAMMING, JACCARD and TANIMOTO; for COSINE the cosine. "
        "Larger is better for IP and COSINE, smaller for the others. An id is found once, however "
        "many rows have it." DB_DESCRIPTION,
    .examples =
        (const struct example[]){
            {"godwit search ./godwit-data words --like 17", "rows near row 17"},
            {"godwit search ./godwit-data words --like king --labels examples/words.tsv -k 5",
             "with words for ids"},
            {"godwit search ./godwit-data words --queries q.npy -k 100 --out ids.npy --stats",
             "many queries, into a file, with the time they took"},
            {0}},
    .run = run,
};
