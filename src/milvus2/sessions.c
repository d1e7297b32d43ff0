/* sessions.c: see sessions.h. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "milvus2/sessions.h"

struct session {
    char token[SESSION_TOKEN_SIZE];
    struct session_ties ties;
};

struct compaction {
    int64_t id;
    bool is_done;
    size_t plans;
};

struct sessions {
    pthread_mutex_t lock;
    /* guarded by lock */
    struct session iterators[SESSIONS_MAX];
    size_t next_iterator; /* where the next one is written: a ring */
    struct compaction compactions[SESSIONS_MAX];
    size_t next_compaction;
    int64_t last_id;
};

enum err_code sessions_open(struct sessions **ret_sessions, struct err *err)
{
    struct sessions *sessions = mem_zalloc(1, sizeof *sessions);
    if (sessions == NULL)
        return err_nomem(err, "sessions");
    (void)pthread_mutex_init(&sessions->lock, NULL);
    sessions->last_id = clock_now_us();
    *ret_sessions = sessions;
    return ERR_OK;
}

void sessions_close(struct sessions *sessions)
{
    if (sessions == NULL)
        return;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        mem_free(sessions->iterators[i].ties.hashes);
    (void)pthread_mutex_destroy(&sessions->lock);
    mem_free(sessions);
}

void sessions_make_token(char token[static SESSION_TOKEN_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        memset(bytes, 0x5a, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* variant 1 */
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            token[at++] = '-';
        token[at++] = digits[bytes[i] >> 4];
        token[at++] = digits[bytes[i] & 15];
    }
    token[at] = '\0';
}

static struct session *find(struct sessions *sessions, const char *token)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (strcmp(sessions->iterators[i].token, token) == 0)
            return &sessions->iterators[i];
    return NULL;
}

bool sessions_get(struct sessions *sessions, const char *token, struct session_ties *ret_ties)
{
    bool has = false;
    (void)pthread_mutex_lock(&sessions->lock);
    const struct session *session = token[0] != '\0' ? find(sessions, token) : NULL;
    if (session != NULL) {
        uint64_t *hashes = mem_alloc(session->ties.count, sizeof *hashes);
        if (hashes != NULL) {
            if (session->ties.count > 0)
                memcpy(hashes, session->ties.hashes, session->ties.count * sizeof *hashes);
            *ret_ties = session->ties;
            ret_ties->hashes = hashes;
            has = true;
        }
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return has;
}

void sessions_put(struct sessions *sessions, const char *token, const struct session_ties *ties)
{
    uint64_t *hashes = mem_alloc(ties->count, sizeof *hashes);
    if (hashes == NULL)
        return;
    if (ties->count > 0)
        memcpy(hashes, ties->hashes, ties->count * sizeof *hashes);
    (void)pthread_mutex_lock(&sessions->lock);
    struct session *session = find(sessions, token);
    if (session == NULL) {
        session = &sessions->iterators[sessions->next_iterator];
        sessions->next_iterator = (sessions->next_iterator + 1) % SESSIONS_MAX;
        (void)snprintf(session->token, sizeof session->token, "%s", token);
    }
    mem_free(session->ties.hashes);
    session->ties = *ties;
    session->ties.hashes = hashes;
    (void)pthread_mutex_unlock(&sessions->lock);
}

int64_t sessions_add_compaction(struct sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct compaction *compaction = &sessions->compactions[sessions->next_compaction];
    sessions->next_compaction = (sessions->next_compaction + 1) % SESSIONS_MAX;
    *compaction = (struct compaction){.id = ++sessions->last_id};
    const int64_t id = compaction->id;
    (void)pthread_mutex_unlock(&sessions->lock);
    return id;
}

static struct compaction *find_compaction(struct sessions *sessions, int64_t id)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (sessions->compactions[i].id == id)
            return &sessions->compactions[i];
    return NULL;
}

void sessions_end_compaction(struct sessions *sessions, int64_t id, size_t plans)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct compaction *compaction = find_compaction(sessions, id);
    if (compaction != NULL) {
        compaction->is_done = true;
        compaction->plans = plans;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
}

bool sessions_compaction(struct sessions *sessions, int64_t id, bool *ret_done, size_t *ret_plans)
{
    (void)pthread_mutex_lock(&sessions->lock);
    const struct compaction *compaction = id > 0 ? find_compaction(sessions, id) : NULL;
    if (compaction != NULL) {
        *ret_done = compaction->is_done;
        *ret_plans = compaction->plans;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return compaction != NULL;
}
