/* search.c: the whole C interface in one small program: lists a database's collections, then finds
 * the neighbours of a row.
 *
 *   cc search.c $(pkg-config --cflags --libs godwit) -o search
 *   ./search ./godwit-data words 1234
 */
#include <godwit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HITS 5

static struct godwit_error error;

static int list_collections(struct godwit *database)
{
    char **names = NULL;
    size_t count = 0;
    if (godwit_collections(database, &names, &count, &error) != GODWIT_OK)
        return error.code;
    for (size_t k = 0; k < count; k++)
        printf("collection %s\n", names[k]);
    godwit_free(names);
    return GODWIT_OK;
}

static int describe(const struct godwit_collection *collection)
{
    printf("%s: %s, dimension %zu\n", godwit_collection_name(collection),
           godwit_metric_name(godwit_collection_metric(collection)),
           godwit_collection_dimension(collection));
    for (size_t k = 0; k < godwit_collection_partition_count(collection); k++) {
        const char *partition = godwit_collection_partition_name(collection, k);
        uint64_t rows = 0;
        if (godwit_count(collection, partition, &rows, &error) != GODWIT_OK)
            return error.code;
        printf("partition %s: %" PRIu64 " rows\n", partition, rows);
    }
    return GODWIT_OK;
}

/* The rows nearest to the vector of a row that is there. */
static int search_like(struct godwit_collection *collection, int64_t id)
{
    int64_t ids[HITS];
    float scores[HITS];
    size_t count = 0;
    uint8_t found = 0;
    void *vector = malloc(godwit_collection_row_size(collection));
    if (vector == NULL)
        return GODWIT_ERROR_NO_MEMORY;
    int code = godwit_get(collection, &id, 1, vector, &found, &error);
    if (code == GODWIT_OK && found == 0)
        printf("there is no row %" PRId64 "\n", id);
    if (code == GODWIT_OK && found != 0) {
        struct godwit_search_request request = GODWIT_SEARCH_INIT;
        request.queries = vector;
        request.query_count = 1;
        request.dimension = godwit_collection_dimension(collection);
        request.k = HITS;
        code = godwit_search(collection, &request, ids, scores, &count, &error);
    }
    for (size_t k = 0; k < count; k++)
        printf("%" PRId64 " %g\n", ids[k], (double)scores[k]);
    free(vector);
    return code;
}

/* Reads every row once; a real program would do something with the vectors. */
static int read_all(struct godwit_collection *collection)
{
    struct godwit_rows *rows = NULL;
    const int64_t *ids = NULL;
    const void *vectors = NULL;
    uint64_t total = 0;
    size_t count = 1;
    int code = godwit_rows_open(collection, NULL, &rows, &error);
    while (code == GODWIT_OK && count > 0) {
        code = godwit_rows_next(rows, &ids, &vectors, &count, &error);
        if (code == GODWIT_OK)
            total += count;
    }
    godwit_rows_close(rows);
    if (code == GODWIT_OK)
        printf("%" PRIu64 " rows read\n", total);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: search FOLDER COLLECTION ID\n");
        return EXIT_FAILURE;
    }
    struct godwit *database = NULL;
    struct godwit_collection *collection = NULL;
    int code = godwit_open(argv[1], &database, &error);
    if (code == GODWIT_OK)
        code = list_collections(database);
    if (code == GODWIT_OK)
        code = godwit_collection_open(database, argv[2], &collection, &error);
    if (code == GODWIT_OK)
        code = describe(collection);
    if (code == GODWIT_OK)
        code = search_like(collection, strtoll(argv[3], NULL, 10));
    if (code == GODWIT_OK)
        code = read_all(collection);
    if (code != GODWIT_OK)
        fprintf(stderr, "search: %s\n", error.message);
    godwit_collection_close(collection);
    godwit_close(database);
    return code == GODWIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
