/* site_internal.h: what a kind of site must be able to do. */
#ifndef GODWIT_SITE_SITE_INTERNAL_H
#define GODWIT_SITE_SITE_INTERNAL_H

#include "site/site.h"

struct site_ops {
    void (*close)(struct site *site);
    enum err_code (*list)(struct site *site, struct collection_list *ret_list, struct err *err);
    enum err_code (*import)(struct site *site, const struct import_request *request,
                            struct import_result *ret_result, struct err *err);
    enum err_code (*drop)(struct site *site, const char *collection, const char *partition,
                          struct err *err);
    enum err_code (*open)(struct site *site, const char *name,
                          struct site_collection **ret_collection, struct err *err);
};

struct site_collection_ops {
    void (*close)(struct site_collection *collection);
    enum err_code (*get)(struct site_collection *collection, const struct site_ids *wanted,
                         struct lookup_result *ret_result, struct err *err);
    enum err_code (*select)(struct site_collection *collection,
                            const struct site_selection *selection, int64_t **ret_ids,
                            size_t *ret_count, struct err *err);
    enum err_code (*restrict_to)(struct site_collection *collection, const int64_t *ids,
                                 size_t count, struct err *err);
    enum err_code (*search)(struct site_collection *collection,
                            const struct search_request *request, struct search_result *ret_result,
                            struct err *err);
    enum err_code (*walk)(struct site_collection *collection, const char *partition,
                          struct err *err);
    enum err_code (*walk_next)(struct site_collection *collection, struct cursor_batch *ret_batch,
                               struct err *err);
};

/* The first member of each kind's own struct. */
struct site {
    const struct site_ops *ops;
};
struct site_collection {
    const struct site_collection_ops *ops;
    const struct collection_facts *facts;
};

enum err_code site_folder_open(const char *folder, enum database_mode mode, struct site **ret_site,
                               struct err *err) MUST_USE;
enum err_code site_url_open(const char *url, const struct site_options *options,
                            struct site **ret_site, struct err *err) MUST_USE;

#endif
