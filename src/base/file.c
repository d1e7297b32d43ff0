/* file.c: see file.h. Opening, reading, writing, replacing; folders are in folder.c, kernel-side
 * copies in file_copy.c. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/path.h"

/* One transfer is cut to this so that a short-transfer fault and the kernel's own limit look alike.
 */
#define TRANSFER_MAX ((size_t)1 << 30)
#define READAHEAD_WINDOW_SIZE ((uint64_t)512 << 10) /* what it takes on most machines */

/* Opens with one chance to fail on purpose. O_NONBLOCK: a pipe in a folder of files must not make
 * us wait; it means nothing for regular files. */
static int open_retrying(const char *path, int flags)
{
    for (;;) {
        const int fault = fault_hit(FAULT_OPEN);
        int fd = -1;
        if (fault > 0)
            errno = fault;
        else
            fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
        if (fd >= 0 || errno != EINTR)
            return fd;
    }
}

enum err_code file_open_read(const char *path, int *ret_fd, struct err *err)
{
    const int fd = open_retrying(path, O_RDONLY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
    if (fd < 0)
        return err_errno(err, errno, "%s: cannot be opened", path);
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        file_close(fd);
        return err_set(err, ERR_IO, "%s: not a regular file", path);
    }
    *ret_fd = fd;
    return ERR_OK;
}

enum err_code file_create(const char *path, int *ret_fd, struct err *err)
{
    const int fd = open_retrying(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(err, errno, "%s: cannot be created", path);
    *ret_fd = fd;
    return ERR_OK;
}

void file_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

enum err_code file_size(int fd, const char *path, uint64_t *ret_size, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, "%s: size unknown", path);
    *ret_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    return ERR_OK;
}

/* Offsets are signed for the kernel: what passes the largest was never in a file. */
static bool range_is_possible(size_t size, uint64_t offset)
{
    return offset <= INT64_MAX && size <= (uint64_t)INT64_MAX - offset;
}

/* What a transfer of `size` bytes may do now: a fault's errno, or the bytes to ask for. */
static int transfer_size(enum fault_kind kind, size_t size, size_t *ret_size)
{
    const int fault = fault_hit(kind);
    if (fault > 0)
        return fault;
    size_t now = size < TRANSFER_MAX ? size : TRANSFER_MAX;
    if (fault == FAULT_SHORT && now > 1)
        now /= 2;
    *ret_size = now;
    return 0;
}

enum err_code file_read_at(int fd, const char *path, void *buffer, size_t size, uint64_t offset,
                           struct err *err)
{
    if (!range_is_possible(size, offset))
        return err_set(err, ERR_CORRUPT, "%s: offset %" PRIu64 ": no file is that long", path,
                       offset);
    uint8_t *at = buffer;
    const uint64_t end = offset + size;
    while (offset < end) {
        size_t now = 0;
        ssize_t got = -1;
        const int fault = transfer_size(FAULT_READ, (size_t)(end - offset), &now);
        if (fault != 0)
            errno = fault;
        else
            got = pread(fd, at, now, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "%s: offset %" PRIu64 ": reading failed", path, offset);
        if (got == 0)
            return err_set(err, ERR_CORRUPT,
                           "%s: offset %" PRIu64 ": the file ends, %" PRIu64 " more bytes expected",
                           path, offset, end - offset);
        at += got;
        offset += (uint64_t)got;
    }
    return ERR_OK;
}

enum err_code file_write_at(int fd, const char *path, const void *buffer, size_t size,
                            uint64_t offset, struct err *err)
{
    if (!range_is_possible(size, offset))
        return err_set(err, ERR_INTERNAL, "%s: offset %" PRIu64 ": no file is that long", path,
                       offset);
    const uint8_t *at = buffer;
    const uint64_t end = offset + size;
    while (offset < end) {
        size_t now = 0;
        ssize_t put = -1;
        const int fault = transfer_size(FAULT_WRITE, (size_t)(end - offset), &now);
        if (fault != 0)
            errno = fault;
        else
            put = pwrite(fd, at, now, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_errno(err, put < 0 ? errno : ENOSPC,
                             "%s: offset %" PRIu64 ": writing failed", path, offset);
        at += put;
        offset += (uint64_t)put;
    }
    return ERR_OK;
}

static int sync_retrying(int fd)
{
    for (;;) {
        const int fault = fault_hit(FAULT_FSYNC);
        int result = -1;
        if (fault > 0)
            errno = fault;
        else
            result = fsync(fd);
        if (result == 0 || errno != EINTR)
            return result;
    }
}

/* After a failed fsync the kernel may have dropped the pages: the caller must write anew, never
 * just sync again. All our writers do, since they start over with a fresh temporary file. */
enum err_code file_sync(int fd, const char *path, struct err *err)
{
    if (sync_retrying(fd) != 0)
        return err_errno(err, errno, "%s: fsync failed", path);
    return ERR_OK;
}

enum err_code folder_sync(const char *path, struct err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "%s: cannot be opened", path);
    const int reason = sync_retrying(fd) != 0 ? errno : 0;
    file_close(fd);
    /* EINVAL: some network and user-space filesystems have no fsync of folders. */
    return reason == 0 || reason == EINVAL ? ERR_OK
                                           : err_errno(err, reason, "%s: fsync failed", path);
}

void file_start_writeback(int fd, uint64_t offset, uint64_t size)
{
    (void)sync_file_range(fd, (off64_t)offset, (off64_t)size, SYNC_FILE_RANGE_WRITE);
}

void file_forget_cache(int fd, uint64_t offset, uint64_t size)
{
    (void)posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_DONTNEED);
}

void file_will_read(int fd, uint64_t offset, uint64_t size)
{
    /* The kernel takes one readahead window of each call and forgets the rest. */
    for (uint64_t at = 0; at < size; at += READAHEAD_WINDOW_SIZE) {
        const uint64_t left = size - at;
        const uint64_t now = left < READAHEAD_WINDOW_SIZE ? left : READAHEAD_WINDOW_SIZE;
        (void)posix_fadvise(fd, (off_t)(offset + at), (off_t)now, POSIX_FADV_WILLNEED);
    }
}

static enum err_code sync_parent(const char *path, struct err *err)
{
    char parent[FILE_PATH_MAX];
    if (!path_parent(path, parent, sizeof parent))
        return err_set(err, ERR_USAGE, "%s: the path is too long", path);
    return folder_sync(parent, err);
}

enum err_code file_move(const char *from, const char *to, struct err *err)
{
    const int fault = fault_hit(FAULT_RENAME);
    if (fault > 0)
        errno = fault;
    if (fault > 0 || rename(from, to) != 0)
        return err_errno(err, errno, "%s: cannot be renamed to %s", from, to);
    return ERR_OK;
}

enum err_code file_rename(const char *from, const char *to, struct err *err)
{
    const enum err_code code = file_move(from, to, err);
    return code == ERR_OK ? sync_parent(to, err) : code;
}

enum err_code file_link(const char *from, const char *to, struct err *err)
{
    const int fault = fault_hit(FAULT_LINK);
    if (fault > 0)
        errno = fault;
    if (fault <= 0 && linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0)
        return ERR_OK;
    if (errno == EXDEV || errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK)
        return err_set(err, ERR_UNSUPPORTED, "%s: cannot be hard-linked to %s: %s", from, to,
                       errno == EXDEV ? "they are on two filesystems"
                                      : "links are refused here (read-only, foreign or protected)");
    return err_errno(err, errno, "%s: cannot be hard-linked to %s", from, to);
}

enum err_code file_remove(const char *path, struct err *err)
{
    const int fault = fault_hit(FAULT_UNLINK);
    if (fault > 0)
        errno = fault;
    if ((fault > 0 || unlink(path) != 0) && errno != ENOENT)
        return err_errno(err, errno, "%s: cannot be removed", path);
    return ERR_OK;
}

enum err_code file_replace(const char *path, const void *data, size_t size, struct err *err)
{
    char *temporary = mem_printf("%s.tmp", path);
    if (temporary == NULL)
        return err_nomem(err, path);
    int fd = -1;
    enum err_code code = file_create(temporary, &fd, err);
    if (code == ERR_OK)
        code = file_write_at(fd, temporary, data, size, 0, err);
    if (code == ERR_OK)
        code = file_sync(fd, temporary, err);
    file_close(fd);
    if (code == ERR_OK)
        code = file_rename(temporary, path, err);
    if (code != ERR_OK && fd >= 0)
        (void)unlink(temporary);
    mem_free(temporary);
    return code;
}

enum err_code file_read_all(const char *path, size_t size_max, void **ret_data, size_t *ret_size,
                            struct err *err)
{
    int fd = -1;
    enum err_code code = file_open_read(path, &fd, err);
    if (code != ERR_OK)
        return code;
    uint64_t size = 0;
    char *data = NULL;
    code = file_size(fd, path, &size, err);
    if (code == ERR_OK && size > size_max)
        code = err_set(err, ERR_CORRUPT, "%s: %" PRIu64 " bytes found, at most %zu expected", path,
                       size, size_max);
    if (code == ERR_OK && (data = mem_alloc((size_t)size + 1, 1)) == NULL)
        code = err_nomem(err, path);
    if (code == ERR_OK)
        code = file_read_at(fd, path, data, (size_t)size, 0, err);
    file_close(fd);
    if (code != ERR_OK) {
        mem_free(data);
        return code;
    }
    data[size] = '\0';
    *ret_data = data;
    *ret_size = (size_t)size;
    return ERR_OK;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_same_filesystem(const char *a, const char *b)
{
    struct stat st_a;
    struct stat st_b;
    return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev;
}

enum err_code file_free_space(const char *path, uint64_t *ret_size, struct err *err)
{
    char at[FILE_PATH_MAX];
    if (!path_copy(path, at, sizeof at))
        return err_set(err, ERR_USAGE, "%s: the path is too long", path);
    struct statvfs st;
    while (statvfs(at, &st) != 0) {
        if (errno != ENOENT || strcmp(at, ".") == 0 || strcmp(at, "/") == 0)
            return err_errno(err, errno, "%s: free space unknown", at);
        (void)path_parent(at, at, sizeof at);
    }
    *ret_size = (uint64_t)st.f_bavail * (uint64_t)st.f_frsize;
    return ERR_OK;
}

enum err_code file_map_open(const char *path, struct file_map *ret_map, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open_read(path, &fd, err);
    if (code != ERR_OK)
        return code;
    struct file_map map = {0};
    code = file_size(fd, path, &map.size, err);
    if (code == ERR_OK && map.size > 0) {
        const int fault = fault_hit(FAULT_MAP);
        void *data = MAP_FAILED;
        if (fault > 0)
            errno = fault;
        else
            data = mmap(NULL, (size_t)map.size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
            code = err_errno(err, errno, "%s: cannot be mapped", path);
        else
            map.data = data;
    }
    file_close(fd);
    if (code == ERR_OK)
        *ret_map = map;
    return code;
}

void file_map_close(struct file_map *map)
{
    if (map->data != NULL)
        (void)munmap((void *)(uintptr_t)map->data, (size_t)map->size);
    *map = (struct file_map){0};
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum err_code file_map_populate(const struct file_map *map, const char *path, uint64_t offset,
                                uint64_t size, struct err *err)
{
    const int fault = fault_hit(FAULT_MAP);
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t from = offset / page * page;
    int result = -1;
    if (fault > 0)
        errno = fault;
    else
        result = madvise((void *)(uintptr_t)(map->data + from), (size_t)(offset + size - from),
                         MADV_POPULATE_READ);
    if (result != 0 && errno != EINVAL && errno != ENOSYS && errno != EAGAIN)
        return err_errno(err, errno == EFAULT ? EIO : errno,
                         "%s: offset %" PRIu64 ": reading failed", path, offset);
    return ERR_OK;
}

/* The process that wrote its number into a lock file, 0 when there is none. */
static int locked_by(int fd)
{
    char text[32] = "";
    const ssize_t size = pread(fd, text, sizeof text - 1, 0);
    return size > 0 ? (int)strtol(text, NULL, 10) : 0;
}

/* Only for the other's error message: without it the lock is as good. */
static void tell_holder(int fd)
{
    char number[32];
    const int size = snprintf(number, sizeof number, "%d\n", (int)getpid());
    const bool is_told = ftruncate(fd, 0) == 0 && pwrite(fd, number, (size_t)size, 0) == size;
    (void)is_told;
}

/* flock, not fcntl: an fcntl lock is no lock within a process, and is lost when any descriptor of
 * the file is closed. */
enum err_code file_lock(const char *path, int *ret_fd, struct err *err)
{
    const int fd = open_retrying(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(err, errno, "%s: cannot be opened", path);
    int result;
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    const int reason = result != 0 ? errno : 0;
    const int holder = reason == EWOULDBLOCK ? locked_by(fd) : 0;
    if (reason == 0) {
        tell_holder(fd);
        *ret_fd = fd;
        return ERR_OK;
    }
    file_close(fd);
    if (reason != EWOULDBLOCK)
        return err_errno(err, reason, "%s: cannot be locked", path);
    return err_set(err, ERR_LOCKED, "%s: locked by process %d", path, holder);
}

bool file_lock_is_held(const char *path)
{
    const int fd = open_retrying(path, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return false;
    const bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    file_close(fd);
    return is_held;
}

int file_lock_holder(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const bool is_held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    file_close(fd);
    return is_held ? (lock.l_pid > 0 ? (int)lock.l_pid : -1) : 0;
}
