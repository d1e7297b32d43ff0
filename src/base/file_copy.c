/* file_copy.c: an extent of one file into another, by the kernel where it can.
 *
 * In order: copy_file_range (which also reflinks where the filesystem can), then pread/pwrite
 * through a buffer. Kernels before 4.5 lack the call, before 5.3 it refuses to cross filesystems,
 * and some filesystems never learnt it: each of these answers leads to the buffer, from the offset
 * reached. */
#include <errno.h>
#include <inttypes.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

#define COPY_BUFFER_SIZE ((size_t)1 << 20)
#define COPY_STEP_MAX ((size_t)1 << 30)

static bool is_not_possible_here(int reason)
{
    return reason == ENOSYS || reason == EXDEV || reason == EINVAL || reason == EOPNOTSUPP ||
           reason == EPERM || reason == EBADF || reason == ETXTBSY;
}

/* Copies as much as the kernel takes; `*done` counts. ERR_OK also when it cannot do (more) here. */
static enum err_code copy_by_kernel(const struct file_extent *from, int fd, const char *path,
                                    uint64_t offset, uint64_t *done, struct err *err)
{
    while (*done < from->size) {
        const int fault = fault_hit(FAULT_COPY);
        uint64_t now = from->size - *done;
        now = now < COPY_STEP_MAX ? now : COPY_STEP_MAX;
        if (fault == FAULT_SHORT && now > 1)
            now /= 2;
        off64_t in = (off64_t)(from->offset + *done);
        off64_t out = (off64_t)(offset + *done);
        ssize_t copied = -1;
        if (fault > 0)
            errno = fault;
        else
            copied = copy_file_range(from->fd, &in, fd, &out, (size_t)now, 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0 && !is_not_possible_here(errno))
            return err_errno(err, errno, "%s: offset %" PRIu64 ": copying from %s failed", path,
                             offset + *done, from->path);
        if (copied <= 0)
            return ERR_OK;
        *done += (uint64_t)copied;
    }
    return ERR_OK;
}

static enum err_code copy_by_buffer(const struct file_extent *from, int fd, const char *path,
                                    uint64_t offset, uint64_t done, struct err *err)
{
    if (done == from->size)
        return ERR_OK;
    void *buffer = mem_pages(COPY_BUFFER_SIZE);
    if (buffer == NULL)
        return err_nomem(err, path);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && done < from->size) {
        const uint64_t left = from->size - done;
        const size_t now = left < COPY_BUFFER_SIZE ? (size_t)left : COPY_BUFFER_SIZE;
        code = file_read_at(from->fd, from->path, buffer, now, from->offset + done, err);
        if (code == ERR_OK)
            code = file_write_at(fd, path, buffer, now, offset + done, err);
        done += now;
    }
    mem_free(buffer);
    return code;
}

enum err_code file_copy_extent(const struct file_extent *from, int fd, const char *path,
                               uint64_t offset, struct err *err)
{
    uint64_t done = 0;
    const enum err_code code = copy_by_kernel(from, fd, path, offset, &done, err);
    return code == ERR_OK ? copy_by_buffer(from, fd, path, offset, done, err) : code;
}
