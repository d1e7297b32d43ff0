/* grpc_users.c: methods about users and their fixed roles; see grpc.h. Passwords come in base64. */
#include <string.h>

#include "base/base64.h"
#include "milvus2/grpc.h"
#include "milvus2/users.h"

static const void *done(struct op *op, bool is_good)
{
    return is_good ? grpc_status_of(op) : NULL;
}

static bool read_password(struct op *op, const char *encoded, const char **ret_password)
{
    const size_t size = strlen(encoded);
    char *password = op_array(op, size + 1, 1);
    size_t decoded;
    if (password == NULL)
        return false;
    if (!base64_decode(encoded, size, (uint8_t *)password, &decoded))
        return status_wrap(&op->status, MILVUS_INVALID, "the password is not base64");
    *ret_password = password;
    return true;
}

const void *grpc_create_credential(struct op *op, const void *request)
{
    const Mv__CreateCredentialRequest *in = request;
    const char *password = NULL;
    return done(op, read_password(op, in->password, &password) &&
                        users_create(op, in->username, password));
}

const void *grpc_update_credential(struct op *op, const void *request)
{
    const Mv__UpdateCredentialRequest *in = request;
    const char *old = NULL, *new = NULL;
    return done(op, read_password(op, in->old_password, &old) &&
                        read_password(op, in->new_password, &new) &&
                        users_update(op, in->username, old, new));
}

const void *grpc_delete_credential(struct op *op, const void *request)
{
    const Mv__DeleteCredentialRequest *in = request;
    return done(op, users_drop(op, in->username));
}

const void *grpc_list_cred_users(struct op *op, const void *request)
{
    struct name_list names;
    Mv__ListCredUsersResponse *out = grpc_new(op, &mv__list_cred_users_response__descriptor);
    (void)request;
    if (out == NULL || !users_list(op, &names))
        return NULL;
    out->n_usernames = names.count;
    out->usernames = grpc_put_names(op, &names);
    out->status = grpc_status_of(op);
    return out->usernames != NULL && out->status != NULL ? out : NULL;
}

static bool put_entities(struct op *op, const struct name_list *names, Mv__NamedEntity ***ret_items,
                         size_t *ret_count)
{
    Mv__NamedEntity **items = grpc_new_array(op, &mv__named_entity__descriptor, names->count);
    for (size_t i = 0; items != NULL && i < names->count; i++)
        items[i]->name = grpc_text(names->items[i]);
    *ret_items = items;
    *ret_count = names->count;
    return items != NULL;
}

static bool put_role(struct op *op, const char *role, const struct name_list *users,
                     bool with_users, Mv__RoleResult *out)
{
    out->role = grpc_new(op, &mv__named_entity__descriptor);
    if (out->role == NULL)
        return false;
    out->role->name = grpc_text(role);
    const char **members = op_array(op, users->count, sizeof *members);
    struct name_list list = {members, 0};
    for (size_t i = 0; members != NULL && with_users && i < users->count; i++) {
        struct name_list roles;
        users_roles(users->items[i], &roles);
        if (names_have(&roles, role))
            members[list.count++] = users->items[i];
    }
    return members != NULL && put_entities(op, &list, &out->users, &out->n_users);
}

const void *grpc_select_role(struct op *op, const void *request)
{
    static const char *const roles[] = {"admin", "public"};
    const Mv__SelectRoleRequest *in = request;
    const char *wanted = in->role != NULL ? in->role->name : "";
    struct name_list users;
    Mv__SelectRoleResponse *out = grpc_new(op, &mv__select_role_response__descriptor);
    if (out == NULL || !users_list(op, &users))
        return NULL;
    out->results = grpc_new_array(op, &mv__role_result__descriptor, 2);
    if (out->results == NULL)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        if ((wanted[0] == '\0' || strcmp(wanted, roles[i]) == 0) &&
            !put_role(op, roles[i], &users, in->include_user_info != 0,
                      out->results[out->n_results++]))
            return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

static bool put_user(struct op *op, const char *user, bool with_roles, Mv__UserResult *out)
{
    struct name_list roles;
    users_roles(user, &roles);
    roles.count = with_roles ? roles.count : 0;
    out->user = grpc_new(op, &mv__named_entity__descriptor);
    if (out->user == NULL)
        return false;
    out->user->name = grpc_text(user);
    return put_entities(op, &roles, &out->roles, &out->n_roles);
}

const void *grpc_select_user(struct op *op, const void *request)
{
    const Mv__SelectUserRequest *in = request;
    const char *wanted = in->user != NULL ? in->user->name : "";
    struct name_list users;
    Mv__SelectUserResponse *out = grpc_new(op, &mv__select_user_response__descriptor);
    if (out == NULL || !users_list(op, &users))
        return NULL;
    out->results = grpc_new_array(op, &mv__user_result__descriptor, users.count);
    if (out->results == NULL)
        return NULL;
    for (size_t i = 0; i < users.count; i++)
        if ((wanted[0] == '\0' || strcmp(wanted, users.items[i]) == 0) &&
            !put_user(op, users.items[i], in->include_role_info != 0,
                      out->results[out->n_results++]))
            return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
