/* site.h: a place that holds collections: a database folder, or the URL of a server.
 *
 * Commands know only this. A folder is asked through the engine (site_folder.c), a URL through the
 * server's RESTful API (site_url.c, url_*.c); answers have the engine's own shapes, so a command
 * prints the same for both. What a server cannot do by itself is made of several requests: then it
 * is no longer all or nothing, and rows that others write meanwhile may be seen or not.
 * Threads: one at a time. */
#ifndef GODWIT_SITE_SITE_H
#define GODWIT_SITE_SITE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "engine/cursor.h"
#include "engine/database.h"
#include "engine/import.h"
#include "engine/lookup.h"
#include "engine/search.h"
#include "engine/snapshot.h"

/* How to talk to a server; a folder needs none of it. All may be NULL. Borrowed while opening. */
struct site_options {
    const char *token; /* USER:PASSWORD or an API key */
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    bool is_insecure;
    const atomic_bool *stop; /* set: requests are given up; borrowed until site_close */
};

struct site;

/* True for a URL and for unix:PATH, false for the name of a folder. */
bool site_is_server(const char *location);
/* Errors: those of database_open, except that a folder that is no database is ERR_SOURCE; for a
 * URL those of http_open: nothing is sent yet. */
enum err_code site_open(const char *location, enum database_mode mode,
                        const struct site_options *options, struct site **ret_site,
                        struct err *err) MUST_USE;
void site_close(struct site *site); /* NULL accepted */

/* A server may also fail with all that milvus_call says (remote/milvus.h). */

/* All collections, sorted by name bytewise; those of other logical databases as "DATABASE/NAME". */
enum err_code site_list(struct site *site, struct collection_list *ret_list,
                        struct err *err) MUST_USE;
/* See import_rows. A server gets the rows in portions; when one fails the earlier ones are there.
 */
enum err_code site_import(struct site *site, const struct import_request *request,
                          struct import_result *ret_result, struct err *err) MUST_USE;
/* A collection, or a partition of it; "_default" is emptied. */
enum err_code site_drop(struct site *site, const char *collection, const char *partition,
                        struct err *err) MUST_USE;

/* One collection, as it was when it was opened; a server's rows as they are when asked. */
struct site_collection;
/* ERR_NO_COLLECTION; ERR_UNSUPPORTED when its rows have no integer ids. */
enum err_code site_collection_open(struct site *site, const char *name,
                                   struct site_collection **ret_collection,
                                   struct err *err) MUST_USE;
void site_collection_close(struct site_collection *collection); /* NULL accepted; before the site */
const struct collection_facts *site_facts(const struct site_collection *collection); /* borrowed */

/* Live rows of a partition, or of all with NULL. ERR_NO_PARTITION. */
enum err_code site_count(struct site_collection *collection, const char *partition,
                         uint64_t *ret_rows, struct err *err) MUST_USE;
/* See lookup_get; without `has_vectors` the vectors may be zeros. */
struct site_ids {
    const char *partition;
    const int64_t *ids;
    size_t count;
    bool has_vectors;
};
enum err_code site_get(struct site_collection *collection, const struct site_ids *wanted,
                       struct lookup_result *ret_result, struct err *err) MUST_USE;
/* The ids of the rows that a filter selects (docs/filter.md), ascending, each once: rows of one id
 * count for the window and make the answer shorter. `*ret_ids`: mem_free. ERR_INVALID for the
 * filter. */
struct site_selection {
    const char *filter;
    const char *partition; /* NULL: all */
    size_t limit;          /* at least 1; limit + offset at most 16,384 */
    size_t offset;
};
enum err_code site_select(struct site_collection *collection,
                          const struct site_selection *selection, int64_t **ret_ids,
                          size_t *ret_count, struct err *err) MUST_USE;
/* Only rows with these ids are hits of the searches that follow; `ids` is borrowed until close. */
enum err_code site_restrict(struct site_collection *collection, const int64_t *ids, size_t count,
                            struct err *err) MUST_USE;
/* See search_run; `allow` must be NULL. From a server come neither stats nor segments and rows. */
enum err_code site_search(struct site_collection *collection, const struct search_request *request,
                          struct search_result *ret_result, struct err *err) MUST_USE;
/* All rows of a partition (NULL: of all) sorted by id, see cursor.h; one walk for a collection. */
enum err_code site_walk(struct site_collection *collection, const char *partition,
                        struct err *err) MUST_USE;
enum err_code site_walk_next(struct site_collection *collection, struct cursor_batch *ret_batch,
                             struct err *err) MUST_USE;

#endif
