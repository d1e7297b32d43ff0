/* godwit.h: search in a Godwit database folder, and change it, from C or C++.
 *
 * Concepts
 *   A database is a folder, made by `godwit migrate` or `godwit import`. It holds collections; a
 *   collection has a metric, a dimension, partitions and rows. A row is a 64-bit id and a vector.
 *   godwit_collection_open() gives a snapshot: it never changes, even while another process adds,
 *   replaces or drops the collection. Open it again to see what is new.
 *   Vectors are bytes: `dimension` little-endian IEEE-754 singles, or dimension / 8 bytes of bits
 *   for a binary collection; godwit_collection_row_size() bytes in either case.
 *
 * Caveats
 *   - Ids need not be unique (Milvus 1.x never promised it). Search returns an id once, with its
 *     best score; get returns the first row; count and iteration see every row.
 *   - Files are memory-mapped. Each block is checked against its checksum when it is first touched:
 *     damage is GODWIT_ERROR_DAMAGED with file and offset, never a wrong row. Cutting or changing a
 *     file of an open collection from outside may still end the process with SIGBUS.
 *   - Do not open a database through a file system without mmap or POSIX locks.
 *   - Nothing here prints, exits, changes signals or the locale, or keeps global state.
 *
 * Errors
 *   Functions that can fail return 0 or a godwit_error_code, and then fill the caller's own
 *   struct godwit_error (NULL accepted): one sentence, ready to show. So errors are thread-safe.
 *   Outputs are untouched on failure.
 *
 * Threads
 *   Handles may be used by several threads at once, except that a close may not run beside another
 *   call on the same handle, and struct godwit_rows belongs to one thread at a time.
 *
 * Versions
 *   The library's soname changes when a program must be compiled anew. Structs that may grow begin
 *   with struct_size: set it with GODWIT_SEARCH_INIT. */
#ifndef GODWIT_H
#define GODWIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GODWIT_API __attribute__((visibility("default")))
#else
#define GODWIT_API
#endif

#define GODWIT_ERROR_MESSAGE_SIZE 1024

enum godwit_error_code {
    GODWIT_OK = 0,
    GODWIT_ERROR_OTHER = 1,       /* input or output failed, or a bug */
    GODWIT_ERROR_INVALID = 2,     /* an argument is out of range or does not fit the collection */
    GODWIT_ERROR_NOT_FOUND = 3,   /* no such database, collection or partition */
    GODWIT_ERROR_DAMAGED = 4,     /* a file is damaged; the message names it and the offset */
    GODWIT_ERROR_UNSUPPORTED = 5, /* written by a newer version */
    GODWIT_ERROR_NO_MEMORY = 6,
    GODWIT_ERROR_LOCKED = 7 /* a writer holds what is needed; try again */
};

struct godwit_error {
    int code;
    char message[GODWIT_ERROR_MESSAGE_SIZE];
};

enum godwit_metric {
    GODWIT_L2 = 1,             /* squared Euclidean distance; smaller is better */
    GODWIT_IP = 2,             /* inner product; larger is better */
    GODWIT_HAMMING = 3,        /* differing bits */
    GODWIT_JACCARD = 4,        /* distance 0..1 */
    GODWIT_TANIMOTO = 5,       /* -log2(1 - Jaccard distance) */
    GODWIT_SUBSTRUCTURE = 6,   /* rows that contain all bits of the query; score 0 */
    GODWIT_SUPERSTRUCTURE = 7, /* rows whose bits are all in the query; score 0 */
    GODWIT_COSINE = 8          /* cosine; larger is better */
};

struct godwit;            /* an open database folder */
struct godwit_collection; /* a snapshot of a collection */
struct godwit_rows;       /* an iteration */

/* "0.1.0", of the library in use. */
GODWIT_API const char *godwit_version(void);

/* Opens a folder for reading. It needs no lock and may be on a read-only medium. */
GODWIT_API int godwit_open(const char *folder, struct godwit **ret_database,
                           struct godwit_error *ret_error);
/* Opens a folder for changing it, too; makes the database when there is none. One process at a time
 * may (GODWIT_ERROR_LOCKED). */
GODWIT_API int godwit_open_writer(const char *folder, struct godwit **ret_database,
                                  struct godwit_error *ret_error);
/* NULL accepted. Open collections stay valid. */
GODWIT_API void godwit_close(struct godwit *database);

/* Names of the collections, sorted: an array of *ret_count strings, one block; release it with
 * godwit_free(). */
GODWIT_API int godwit_collections(struct godwit *database, char ***ret_names, size_t *ret_count,
                                  struct godwit_error *ret_error);
GODWIT_API void godwit_free(void *block); /* NULL accepted */

GODWIT_API int godwit_collection_open(struct godwit *database, const char *name,
                                      struct godwit_collection **ret_collection,
                                      struct godwit_error *ret_error);
GODWIT_API void godwit_collection_close(struct godwit_collection *collection); /* NULL accepted */

/* Descriptions; text is borrowed until the collection is closed. */
GODWIT_API const char *godwit_collection_name(const struct godwit_collection *collection);
GODWIT_API enum godwit_metric godwit_collection_metric(const struct godwit_collection *collection);
GODWIT_API const char *godwit_metric_name(enum godwit_metric metric); /* "L2"; static */
GODWIT_API size_t godwit_collection_dimension(const struct godwit_collection *collection);
GODWIT_API size_t godwit_collection_row_size(const struct godwit_collection *collection);
GODWIT_API size_t godwit_collection_partition_count(const struct godwit_collection *collection);
/* Partition 0 is "_default". NULL when index is out of range. */
GODWIT_API const char *godwit_collection_partition_name(const struct godwit_collection *collection,
                                                        size_t index);

/* Live rows of a partition, or of all with NULL. */
GODWIT_API int godwit_count(const struct godwit_collection *collection, const char *partition,
                            uint64_t *ret_rows, struct godwit_error *ret_error);

struct godwit_search_request {
    size_t struct_size;  /* sizeof(struct godwit_search_request) */
    const void *queries; /* query_count vectors, one after another, any alignment */
    size_t query_count;
    size_t dimension;              /* of the queries; must be the collection's */
    size_t k;                      /* hits wanted for each query, 1..16384 */
    const char *const *partitions; /* names, or NULL for all */
    size_t partition_count;
    size_t threads; /* 0: as many as there are processors */
    /* A caller whose struct ends here is still served; zeros mean what it got then. */
    unsigned level;       /* 1, fastest, to 10, exact; 0: the default */
    float recall;         /* above 0, at most 1: wins over level; 0: not asked for */
    int has_radius;       /* Range of scores. Smaller is better: range_filter <= score < radius; */
    int has_range_filter; /* for IP and COSINE: radius < score <= range_filter. */
    float radius;
    float range_filter;
    const int64_t *only_ids; /* NULL: all rows; else only rows with one of these ids are hits */
    size_t only_id_count;    /* at most 1048576; 0 with only_ids: no hit */
};
#define GODWIT_SEARCH_INIT                                                                         \
    {                                                                                              \
        .struct_size = sizeof(struct godwit_search_request)                                        \
    }

/* The k best rows for each query, best first. Scores are exact. Where `godwit index` has built an
 * index, answers have its default level (recall .965); else they are exact.
 * Of a filter the promise is about the rows that pass; with a radius some hits may be missed too.
 *   ret_ids     query_count x k; entry [q * k + i] is hit i of query q
 *   ret_scores  the same shape
 *   ret_counts  query_count: how many hits each query has, at most k
 * Entries past a query's count are undefined. */
GODWIT_API int godwit_search(struct godwit_collection *collection,
                             const struct godwit_search_request *request, int64_t *ret_ids,
                             float *ret_scores, size_t *ret_counts, struct godwit_error *ret_error);

/* Vectors of some ids.
 *   ids          `count` <= 1048576 ids, repeats allowed
 *   ret_vectors  count x row_size bytes; zeros where an id is not there
 *   ret_found    `count` bytes: 1 where the id is there, else 0 */
GODWIT_API int godwit_get(struct godwit_collection *collection, const int64_t *ids, size_t count,
                          void *ret_vectors, uint8_t *ret_found, struct godwit_error *ret_error);

/* Every live row of a partition (NULL: of all), sorted by id. Needs 16 bytes of memory a row. */
GODWIT_API int godwit_rows_open(struct godwit_collection *collection, const char *partition,
                                struct godwit_rows **ret_rows, struct godwit_error *ret_error);
/* The next few thousand rows; *ret_count is 0 at the end. The arrays are borrowed until the next
 * call or close. */
GODWIT_API int godwit_rows_next(struct godwit_rows *rows, const int64_t **ret_ids,
                                const void **ret_vectors, size_t *ret_count,
                                struct godwit_error *ret_error);
GODWIT_API void godwit_rows_close(struct godwit_rows *rows); /* NULL accepted */

/* Changes need godwit_open_writer(). Each is durable when it returns, as a whole, and is seen by
 * collections opened from then on. */

/* An empty collection of rows with one vector each. */
GODWIT_API int godwit_create(struct godwit *database, const char *collection,
                             enum godwit_metric metric, size_t dimension,
                             struct godwit_error *ret_error);

/* Adds rows; a row with an id that is there already replaces it.
 *   partition  made when absent; NULL: "_default"
 *   ids        `count` <= 16777216
 *   vectors    count x row_size bytes, any alignment */
struct godwit_insert_request {
    size_t struct_size; /* sizeof(struct godwit_insert_request) */
    const char *collection;
    const char *partition;
    const int64_t *ids;
    const void *vectors;
    size_t count;
};
#define GODWIT_INSERT_INIT                                                                         \
    {                                                                                              \
        .struct_size = sizeof(struct godwit_insert_request)                                        \
    }
GODWIT_API int godwit_insert(struct godwit *database, const struct godwit_insert_request *request,
                             struct godwit_error *ret_error);

/* Removes all rows with these ids. ret_deleted: how many there were; NULL accepted. */
GODWIT_API int godwit_delete(struct godwit *database, const char *collection, const int64_t *ids,
                             size_t count, uint64_t *ret_deleted, struct godwit_error *ret_error);

/* Turns new rows into files, merges small files and takes deleted rows out of them now. It happens
 * by itself, too, while the database is open. */
GODWIT_API int godwit_compact(struct godwit *database, const char *collection,
                              struct godwit_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
