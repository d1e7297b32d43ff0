/* sessions.h: what the server remembers between two calls of a client: search iterators, and
 * compactions that were asked for. Bounded: the oldest is forgotten first. Threads: any. */
#ifndef GODWIT_MILVUS2_SESSIONS_H
#define GODWIT_MILVUS2_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SESSIONS_MAX 4096
#define SESSION_TOKEN_SIZE 37  /* a UUID as text */
#define SESSION_TIES_MAX 65536 /* rows remembered with one score */

struct sessions;

enum err_code sessions_open(struct sessions **ret_sessions, struct err *err) MUST_USE;
void sessions_close(struct sessions *sessions);

/* A new token: a random UUID. */
void sessions_make_token(char token[static SESSION_TOKEN_SIZE]);

/* Rows with the last score that an iterator has handed out already: hashes of their keys, so that
 * the next batch can begin with the other rows of that score. */
struct session_ties {
    float bound;
    uint64_t *hashes;
    size_t count;
};
/* Copies what is remembered for a token; mem_free(hashes). False: nothing is. */
bool sessions_get(struct sessions *sessions, const char *token, struct session_ties *ret_ties);
/* Remembers; without memory nothing is remembered, and rows of equal score may be left out. */
void sessions_put(struct sessions *sessions, const char *token, const struct session_ties *ties);

/* Compactions: an id for each, and whether it is done. */
int64_t sessions_add_compaction(struct sessions *sessions);
void sessions_end_compaction(struct sessions *sessions, int64_t id, size_t plans);
/* False: unknown, or forgotten. */
bool sessions_compaction(struct sessions *sessions, int64_t id, bool *ret_done, size_t *ret_plans);

#endif
