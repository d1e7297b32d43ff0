/* users.c: see users.h. */
#include <crypt.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mac.h"
#include "engine/write/define.h"
#include "milvus2/api.h"
#include "milvus2/names.h"
#include "milvus2/users.h"

#define ROOT "root"
#define HASH_PREFIX "$y$" /* yescrypt */
#define PROVEN_MAX 1024   /* pairs of name and password remembered */
#define PEERS_MAX 1024    /* peers whose failures are counted */
#define FAILURES_MAX 10   /* of one peer and user within FAILURE_SPAN_NS, then of that pair none */
#define PEER_FAILURES_MAX 100 /* of one peer, whatever the user */
#define FAILURE_SPAN_NS ((uint64_t)60 * 1000000000)

struct proven {
    uint8_t mac[MAC_SIZE];
    char name[USERS_NAME_SIZE]; /* "": free */
};

struct peer {
    uint64_t hash; /* of its address without the port, and perhaps a user's name */
    uint64_t first_ns;
    unsigned failures;
};

struct users {
    struct api *api;
    uint8_t key[32]; /* secret, made at the start */
    pthread_mutex_t lock;
    /* guarded by lock */
    uint64_t version; /* counts up when users change */
    struct proven proven[PROVEN_MAX];
    struct peer peers[PEERS_MAX];
};

/* In constant time. */
static bool is_equal(const char *a, const char *b)
{
    const size_t a_size = strlen(a), b_size = strlen(b);
    unsigned different = a_size != b_size;
    for (size_t i = 0; i < a_size; i++)
        different |= (unsigned)(a[i] ^ b[b_size > 0 ? i % b_size : 0]);
    return different == 0;
}

/* ---- Hashes of passwords ---- */

static bool hash_password(const char *password, char hash[static CRYPT_OUTPUT_SIZE])
{
    struct crypt_data *data = mem_zalloc(1, sizeof *data);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const bool is_good =
        data != NULL &&
        crypt_gensalt_rn(HASH_PREFIX, 0, NULL, 0, setting, sizeof setting) != NULL &&
        crypt_rn(password, setting, data, sizeof *data) != NULL;
    if (is_good)
        memcpy(hash, data->output, CRYPT_OUTPUT_SIZE);
    if (data != NULL)
        explicit_bzero(data, sizeof *data);
    mem_free(data);
    return is_good;
}

static bool password_fits(const char *password, const char *hash)
{
    struct crypt_data *data = mem_zalloc(1, sizeof *data);
    if (data == NULL)
        return false;
    const char *made = crypt_rn(password, hash, data, sizeof *data);
    const bool fits = made != NULL && is_equal(made, hash);
    explicit_bzero(data, sizeof *data);
    mem_free(data);
    return fits;
}

/* Somebody without an account is refused as slowly as somebody with a wrong password. */
static void spend_as_much(const char *password)
{
    char hash[CRYPT_OUTPUT_SIZE];
    (void)hash_password(password, hash);
}

/* ---- What is remembered ---- */

static bool digest(const struct users *users, const char *token, uint8_t ret_mac[static MAC_SIZE])
{
    return mac_compute((struct bytes){users->key, sizeof users->key},
                       (struct bytes){(const uint8_t *)token, strlen(token)}, ret_mac);
}

static bool recall(struct users *users, const uint8_t mac[static MAC_SIZE], char *name)
{
    bool has = false;
    (void)pthread_mutex_lock(&users->lock);
    const struct proven *entry = &users->proven[get_u16(mac) % PROVEN_MAX];
    if (entry->name[0] != '\0' && memcmp(entry->mac, mac, MAC_SIZE) == 0) {
        memcpy(name, entry->name, USERS_NAME_SIZE);
        has = true;
    }
    (void)pthread_mutex_unlock(&users->lock);
    return has;
}

static void remember(struct users *users, const uint8_t mac[static MAC_SIZE], const char *name,
                     uint64_t version)
{
    (void)pthread_mutex_lock(&users->lock);
    if (version == users->version) { /* else it may have been the old password */
        struct proven *entry = &users->proven[get_u16(mac) % PROVEN_MAX];
        *entry = (struct proven){0};
        memcpy(entry->mac, mac, MAC_SIZE);
        memcpy(entry->name, name, strnlen(name, USERS_NAME_SIZE - 1));
    }
    (void)pthread_mutex_unlock(&users->lock);
}

/* Of a peer, and of a peer with the user that it claims to be. */
static uint64_t peer_hash(const char *peer, const char *user)
{
    const char *colon = strrchr(peer, ':');
    const uint64_t hash = hash64(peer, colon != NULL ? (size_t)(colon - peer) : strlen(peer), 0);
    return user != NULL ? hash64(user, strlen(user), hash) : hash;
}

/* Under the lock. */
static bool has_failed(const struct users *users, uint64_t hash, unsigned most)
{
    const struct peer *entry = &users->peers[hash % PEERS_MAX];
    return entry->hash == hash && entry->failures >= most &&
           clock_monotonic_ns() - entry->first_ns < FAILURE_SPAN_NS;
}

static bool has_failed_often(struct users *users, const char *peer, const char *user)
{
    (void)pthread_mutex_lock(&users->lock);
    const bool is_often = has_failed(users, peer_hash(peer, user), FAILURES_MAX) ||
                          has_failed(users, peer_hash(peer, NULL), PEER_FAILURES_MAX);
    (void)pthread_mutex_unlock(&users->lock);
    return is_often;
}

/* Under the lock. */
static void count_one(struct users *users, uint64_t hash)
{
    const uint64_t now_ns = clock_monotonic_ns();
    struct peer *entry = &users->peers[hash % PEERS_MAX];
    if (entry->hash != hash || now_ns - entry->first_ns >= FAILURE_SPAN_NS)
        *entry = (struct peer){.hash = hash, .first_ns = now_ns};
    entry->failures++;
}

static void count_failure(struct users *users, const char *peer, const char *user)
{
    (void)pthread_mutex_lock(&users->lock);
    count_one(users, peer_hash(peer, user));
    count_one(users, peer_hash(peer, NULL));
    (void)pthread_mutex_unlock(&users->lock);
}

static uint64_t version_of(struct users *users)
{
    (void)pthread_mutex_lock(&users->lock);
    const uint64_t version = users->version;
    (void)pthread_mutex_unlock(&users->lock);
    return version;
}

/* What was proven of a user is no longer true. */
static void forget(struct users *users, const char *name)
{
    (void)pthread_mutex_lock(&users->lock);
    users->version++;
    for (size_t i = 0; i < PROVEN_MAX; i++)
        if (strcmp(users->proven[i].name, name) == 0)
            users->proven[i] = (struct proven){0};
    (void)pthread_mutex_unlock(&users->lock);
}

/* ---- Who is it? ---- */

static bool find_user(struct users *users, struct arena *arena, const char *name,
                      const char **ret_secret)
{
    struct err err;
    struct user_item *items;
    size_t count;
    *ret_secret = NULL;
    if (define_list_users(users->api->writer, arena, &items, &count, &err) != ERR_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0)
            *ret_secret = items[i].secret;
    return true;
}

static bool prove(struct users *users, const char *name, const char *password)
{
    struct arena arena;
    const char *secret;
    arena_init(&arena, (size_t)16 << 20);
    bool fits = false;
    if (find_user(users, &arena, name, &secret) && secret != NULL)
        fits = password_fits(password, secret);
    else
        spend_as_much(password);
    arena_release(&arena);
    return fits;
}

static bool is_api_key(const struct users *users, const char *token)
{
    bool is_key = false;
    for (size_t i = 0; i < users->api->options.api_key_count; i++)
        is_key = is_equal(users->api->options.api_keys[i], token) || is_key;
    return is_key;
}

enum users_verdict users_authenticate(struct users *users, const char *token, const char *peer,
                                      char name[static USERS_NAME_SIZE])
{
    uint8_t mac[MAC_SIZE];
    memset(name, 0, USERS_NAME_SIZE);
    if (!digest(users, token, mac))
        return USERS_REFUSED;
    if (recall(users, mac, name))
        return USERS_ACCEPTED;
    const uint64_t version = version_of(users);
    const char *colon = strchr(token, ':');
    if (colon != NULL && (size_t)(colon - token) < USERS_NAME_SIZE)
        memcpy(name, token, (size_t)(colon - token));
    if (has_failed_often(users, peer, name))
        return USERS_TOO_MANY;
    bool is_good = is_api_key(users, token);
    if (is_good)
        memcpy(name, ROOT, sizeof ROOT);
    else
        is_good = name[0] != '\0' && prove(users, name, colon + 1);
    if (!is_good) {
        count_failure(users, peer, name);
        return USERS_REFUSED;
    }
    remember(users, mac, name, version);
    return USERS_ACCEPTED;
}

/* ---- Operations ---- */

static bool store(struct op *op, const char *name, const char *password)
{
    struct err err;
    char hash[CRYPT_OUTPUT_SIZE];
    if (!hash_password(password, hash))
        return status_fail(&op->status, MILVUS_INTERNAL, "the password cannot be hashed");
    if (!op_engine(op, define_put_user(op->writer, name, hash, &err), &err))
        return false;
    forget(op->api->users, name);
    return true;
}

bool users_list(struct op *op, struct name_list *ret_names)
{
    struct err err;
    struct user_item *items;
    size_t count;
    if (!op_engine(op, define_list_users(op->writer, op->arena, &items, &count, &err), &err))
        return false;
    const char **names = op_array(op, count, sizeof *names);
    for (size_t i = 0; names != NULL && i < count; i++)
        names[i] = items[i].name;
    *ret_names = (struct name_list){names, count};
    return names != NULL;
}

bool users_has(struct op *op, const char *name, bool *ret_has)
{
    struct name_list names;
    if (!users_list(op, &names))
        return false;
    *ret_has = names_have(&names, name);
    return true;
}

bool users_create(struct op *op, const char *name, const char *password)
{
    struct name_list names;
    if (!name_check_user(&op->status, name) || !name_check_password(&op->status, password) ||
        !users_list(op, &names))
        return false;
    if (names_have(&names, name))
        return status_fail(&op->status, MILVUS_ERROR, "user already exists: %s", name);
    if (names.count >= LIMIT_USERS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "unable to add user because the number of users has reached the limit");
    return store(op, name, password);
}

bool users_update(struct op *op, const char *name, const char *old_password,
                  const char *new_password)
{
    bool has;
    if (!name_check_password(&op->status, new_password) || !users_has(op, name, &has))
        return false;
    if (!has)
        return status_fail(&op->status, MILVUS_ERROR, "the user %s does not exist", name);
    const bool is_root = strcmp(op->user, ROOT) == 0;
    if (!is_root && !prove(op->api->users, name, old_password))
        return status_fail(&op->status, MILVUS_NOT_AUTHENTICATED,
                           "old password not correct for %s: not authenticated", name);
    return store(op, name, new_password);
}

bool users_drop(struct op *op, const char *name)
{
    struct err err;
    if (strcmp(name, ROOT) == 0)
        return status_wrap(&op->status, MILVUS_NOT_PERMITTED, "root user cannot be deleted");
    const enum err_code code = define_drop_user(op->writer, name, &err);
    if (code != ERR_NOT_FOUND && !op_engine(op, code, &err))
        return false;
    forget(op->api->users, name);
    return true;
}

void users_roles(const char *name, struct name_list *ret_roles)
{
    static const char *const roles[] = {"public", "admin"};
    *ret_roles = (struct name_list){roles, strcmp(name, ROOT) == 0 ? 2 : 1};
}

/* ---- Opening ---- */

static void make_password(char password[static 25])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789_-";
    uint8_t bytes[24];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        password[i] = letters[bytes[i] % (sizeof letters - 1)];
    password[sizeof bytes] = '\0';
}

static enum err_code put_root(struct api *api, const char *password, struct err *err)
{
    char hash[CRYPT_OUTPUT_SIZE];
    struct status status = {0};
    if (!name_check_password(&status, password))
        return err_set(err, ERR_CONFIG, "root's password: %s", status.reason);
    if (!hash_password(password, hash))
        return err_set(err, ERR_INTERNAL, "root's password cannot be hashed");
    return define_put_user(api->writer, ROOT, hash, err);
}

static enum err_code prepare_root(struct users *users, struct err *err)
{
    struct api *api = users->api;
    struct arena arena;
    const char *secret;
    arena_init(&arena, (size_t)16 << 20);
    const bool is_read = find_user(users, &arena, ROOT, &secret);
    const bool has_root = secret != NULL;
    arena_release(&arena);
    if (!is_read)
        return err_set(err, ERR_IO, "the users cannot be read");
    if (api->options.root_password != NULL)
        return put_root(api, api->options.root_password, err);
    if (has_root || !api->options.needs_login)
        return ERR_OK;
    make_password(api->made_password);
    return put_root(api, api->made_password, err);
}

enum err_code users_open(struct api *api, struct users **ret_users, struct err *err)
{
    struct users *users = mem_zalloc(1, sizeof *users);
    if (users == NULL)
        return err_nomem(err, "users");
    users->api = api;
    users->version = 1;
    (void)pthread_mutex_init(&users->lock, NULL);
    enum err_code code = ERR_OK;
    if (getrandom(users->key, sizeof users->key, 0) != sizeof users->key)
        code = err_set(err, ERR_IO, "no random numbers from the system");
    if (code == ERR_OK)
        code = prepare_root(users, err);
    if (code != ERR_OK) {
        users_close(users);
        return code;
    }
    *ret_users = users;
    return ERR_OK;
}

void users_close(struct users *users)
{
    if (users == NULL)
        return;
    (void)pthread_mutex_destroy(&users->lock);
    explicit_bzero(users, sizeof *users);
    mem_free(users);
}
