/* users.h: who may use the server: users with passwords, and API keys.
 *
 * Passwords are kept as yescrypt hashes (crypt(3)) in the catalog. A proven pair of name and
 * password is remembered in memory as a keyed digest, so that each call does not pay the slow hash.
 * Wrong ones cost time: failures of one peer are rate limited. Everybody may do everything; roles
 * are fixed: root is "admin", all are "public". Threads: any. */
#ifndef GODWIT_MILVUS2_USERS_H
#define GODWIT_MILVUS2_USERS_H

#include "milvus2/op.h"

struct users;

/* Reads the users; makes root when there is none. */
enum err_code users_open(struct api *api, struct users **ret_users, struct err *err) MUST_USE;
void users_close(struct users *users);

/* A token as gRPC and REST carry it after decoding: "user:password" or an API key. On success the
 * user's name is written ("root" for keys). `peer` for the rate limit. */
enum users_verdict { USERS_ACCEPTED, USERS_REFUSED, USERS_TOO_MANY };
#define USERS_NAME_SIZE 128
enum users_verdict users_authenticate(struct users *users, const char *token, const char *peer,
                                      char name[static USERS_NAME_SIZE]);

/* Passwords in plain text here; protocols decode their base64. */
bool users_create(struct op *op, const char *name, const char *password);
/* `old_password` must be right, unless root asks. */
bool users_update(struct op *op, const char *name, const char *old_password,
                  const char *new_password);
bool users_drop(struct op *op, const char *name);
bool users_list(struct op *op, struct name_list *ret_names);
bool users_has(struct op *op, const char *name, bool *ret_has);
/* "admin" and "public", or "public" alone. */
void users_roles(const char *name, struct name_list *ret_roles);

#endif
