/* folder.c: folders, see file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"

#define FOLDER_REMOVE_DEPTH_MAX 16
#define FOLDER_REMOVE_NAMES_MAX 10000000

static enum err_code make_one(const char *path, struct err *err)
{
    if (file_is_folder(path))
        return ERR_OK;
    const int fault = fault_hit(FAULT_MKDIR);
    if (fault > 0)
        errno = fault;
    if (fault > 0 || mkdir(path, 0700) != 0) {
        if (errno == EEXIST && file_is_folder(path))
            return ERR_OK;
        return err_errno(err, errno, "%s: folder cannot be made", path);
    }
    char parent[FILE_PATH_MAX];
    return path_parent(path, parent, sizeof parent) ? folder_sync(parent, err) : ERR_OK;
}

enum err_code folder_make(const char *path, struct err *err)
{
    char at[FILE_PATH_MAX];
    if (*path == '\0' || !path_copy(path, at, sizeof at))
        return err_set(err, ERR_USAGE, "%s: an empty or too long path", path);
    for (char *slash = strchr(at + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const enum err_code code = make_one(at, err);
        if (code != ERR_OK)
            return code;
        *slash = '/';
    }
    return make_one(at, err);
}

bool file_is_inside(const char *path, const char *folder)
{
    char at[FILE_PATH_MAX];
    struct stat wanted, here;
    if (stat(folder, &wanted) != 0 || !path_copy(path, at, sizeof at))
        return false;
    while (stat(at, &here) != 0 && strcmp(at, ".") != 0 && strcmp(at, "/") != 0)
        (void)path_parent(at, at, sizeof at);
    char *real = realpath(at, NULL);
    bool is_inside = false;
    for (bool is_top = real == NULL; !is_top && !is_inside;) {
        is_top = strcmp(real, "/") == 0;
        is_inside =
            stat(real, &here) == 0 && here.st_dev == wanted.st_dev && here.st_ino == wanted.st_ino;
        (void)path_parent(real, real, strlen(real) + 1);
    }
    free(real);
    return is_inside;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *name_a = a;
    const char *const *name_b = b;
    return strcmp(*name_a, *name_b);
}

/* Two growing blocks while reading: the names one after the other, and their count. */
struct name_list {
    char *names;
    size_t used;
    size_t capacity;
    size_t count;
};

static bool list_add(struct name_list *list, const char *name)
{
    const size_t size = strlen(name) + 1;
    if (list->capacity - list->used < size) {
        const size_t wanted = list->capacity * 2 + size + 1024;
        char *bigger = mem_realloc(list->names, wanted, 1);
        if (bigger == NULL)
            return false;
        list->names = bigger;
        list->capacity = wanted;
    }
    memcpy(list->names + list->used, name, size);
    list->used += size;
    list->count++;
    return true;
}

/* One block: the pointers, then the text they point to. */
static char **list_pack(const struct name_list *list)
{
    const size_t head = list->count * sizeof(char *);
    char **packed = mem_alloc(head + list->used, 1);
    if (packed == NULL)
        return NULL;
    char *text = (char *)packed + head;
    if (list->used > 0)
        memcpy(text, list->names, list->used);
    for (size_t k = 0; k < list->count; k++) {
        packed[k] = text;
        text += strlen(text) + 1;
    }
    if (list->count > 1)
        qsort(packed, list->count, sizeof *packed, compare_names);
    return packed;
}

static enum err_code read_names(DIR *dir, const char *path, size_t names_max,
                                struct name_list *list, struct err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 ? ERR_OK : err_errno(err, errno, "%s: listing failed", path);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (list->count == names_max)
            return err_set(err, ERR_CORRUPT, "%s: more than %zu entries found", path, names_max);
        if (!list_add(list, entry->d_name))
            return err_nomem(err, path);
    }
}

enum err_code folder_list(const char *path, size_t names_max, char ***ret_names, size_t *ret_count,
                          struct err *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_NOT_FOUND, "%s: no such folder", path);
    if (dir == NULL)
        return err_errno(err, errno, "%s: cannot be opened", path);
    struct name_list list = {0};
    enum err_code code = read_names(dir, path, names_max, &list, err);
    (void)closedir(dir);
    char **packed = code == ERR_OK ? list_pack(&list) : NULL;
    if (code == ERR_OK && packed == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK) {
        *ret_names = packed;
        *ret_count = list.count;
    }
    mem_free(list.names);
    return code;
}

static enum err_code remove_tree(const char *path, int depth, struct err *err);

static enum err_code remove_entries(const char *path, int depth, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    enum err_code code = folder_list(path, FOLDER_REMOVE_NAMES_MAX, &names, &count, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        char *inner = path_join(path, names[k]);
        code = inner != NULL ? remove_tree(inner, depth + 1, err) : err_nomem(err, path);
        mem_free(inner);
    }
    mem_free(names);
    return code;
}

static enum err_code remove_tree(const char *path, int depth, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : err_errno(err, errno, "%s: cannot be read", path);
    if (!S_ISDIR(st.st_mode))
        return file_remove(path, err);
    if (depth > FOLDER_REMOVE_DEPTH_MAX)
        return err_set(err, ERR_STATE, "%s: more than %d folders deep", path,
                       FOLDER_REMOVE_DEPTH_MAX);
    const enum err_code code = remove_entries(path, depth, err);
    if (code != ERR_OK)
        return code;
    const int fault = fault_hit(FAULT_UNLINK);
    if (fault > 0)
        errno = fault;
    if (fault > 0 || rmdir(path) != 0)
        return err_errno(err, errno, "%s: cannot be removed", path);
    return ERR_OK;
}

enum err_code folder_remove(const char *path, struct err *err)
{
    return remove_tree(path, 0, err);
}

enum err_code folder_make_temporary(char **ret_path, struct err *err)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL || *base == '\0')
        base = "/tmp";
    char *path = path_join(base, "godwit.XXXXXX");
    if (path == NULL)
        return err_nomem(err, base);
    if (mkdtemp(path) == NULL) {
        const enum err_code code =
            err_errno(err, errno, "%s: no temporary folder can be made; set TMPDIR", base);
        mem_free(path);
        return code;
    }
    *ret_path = path;
    return ERR_OK;
}
