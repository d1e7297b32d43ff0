/* define_internal.h: how the files of define.h run a change in the writer's thread. */
#ifndef GODWIT_ENGINE_WRITE_DEFINE_INTERNAL_H
#define GODWIT_ENGINE_WRITE_DEFINE_INTERNAL_H

#include "engine/write/define.h"
#include "engine/write/define_write.h"
#include "engine/write/writer_internal.h"

struct define_command;
typedef enum err_code define_fn(struct define_command *define, struct sql *sql, struct err *err);

/* A change of one collection, or of none (name.name NULL). */
struct define_command {
    struct command command;
    struct collection_name name;
    bool allow_alias;
    bool is_removal; /* rows go: what is open is loaded again */
    bool is_drop;    /* the collection goes */
    define_fn *change;
    const void *argument;
    /* of the writer's thread */
    struct open_collection *open; /* NULL when there is no collection */
    int64_t collection;
    struct segment_facts *old_files; /* to be removed afterwards; mem_free */
    size_t old_count;
};

/* Runs it; afterwards removes the files of `old_files`. */
enum err_code define_run(struct writer *writer, struct define_command *define,
                         struct err *err) MUST_USE;
/* Lists the files of a partition (catalog id; 0: all) for removal. */
enum err_code define_list_files(struct define_command *define, struct sql *sql, int64_t partition,
                                struct err *err) MUST_USE;
/* Not empty, and without the sign that stands between a database and a collection. */
enum err_code define_check_name(const char *what, const char *name, struct err *err) MUST_USE;

#endif
