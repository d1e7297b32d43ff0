/* file.h: files and folders of the machine, each call a fault point.
 *
 * Every function retries EINTR and continues short transfers. Error sentences carry the path. Newer
 * system calls (copy_file_range, reflink, statx) have fallbacks, so Linux 3.10 is enough.
 * Threads: any; a file descriptor is used by position (pread/pwrite), never by its own offset. */
#ifndef GODWIT_BASE_FILE_H
#define GODWIT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FILE_PATH_MAX 4096

/* Opens for reading only, close-on-exec. ERR_NOT_FOUND when nothing is there. */
enum err_code file_open_read(const char *path, int *ret_fd, struct err *err) MUST_USE;
/* Creates or truncates for writing and reading, mode 0666 less umask (a database is private because
 * its folder is 0700). Does not follow a link. */
enum err_code file_create(const char *path, int *ret_fd, struct err *err) MUST_USE;
void file_close(int fd);

enum err_code file_size(int fd, const char *path, uint64_t *ret_size, struct err *err) MUST_USE;
/* Exactly `size` bytes at `offset`; ERR_CORRUPT when the file ends before. */
enum err_code file_read_at(int fd, const char *path, void *buffer, size_t size, uint64_t offset,
                           struct err *err) MUST_USE;
enum err_code file_write_at(int fd, const char *path, const void *buffer, size_t size,
                            uint64_t offset, struct err *err) MUST_USE;
enum err_code file_sync(int fd, const char *path, struct err *err) MUST_USE;
/* Asks the kernel to start writing this range out, without waiting; a hint, never fails. */
void file_start_writeback(int fd, uint64_t offset, uint64_t size);
/* Tells the kernel that this range is not needed any more / soon; hints, never fail. */
void file_forget_cache(int fd, uint64_t offset, uint64_t size);
void file_will_read(int fd, uint64_t offset, uint64_t size);

/* A part of an open file. The descriptor is borrowed; `path` is for messages. */
struct file_extent {
    int fd;
    const char *path;
    uint64_t offset;
    uint64_t size;
};

/* Copies `from` to `offset` of an open file by the kernel (reflink of a whole file,
 * copy_file_range) or, where that is not possible, through a buffer. Fault point FAULT_COPY. */
enum err_code file_copy_extent(const struct file_extent *from, int fd, const char *path,
                               uint64_t offset, struct err *err) MUST_USE;

/* rename(2) alone: for several files at once; the caller syncs their folder afterwards. */
enum err_code file_move(const char *from, const char *to, struct err *err) MUST_USE;
/* rename(2) then fsync of the folder of `to`. */
enum err_code file_rename(const char *from, const char *to, struct err *err) MUST_USE;
/* Hard link to the file itself, also when `from` is a symbolic link; ERR_UNSUPPORTED when the two
 * are not on one filesystem or links are refused. */
enum err_code file_link(const char *from, const char *to, struct err *err) MUST_USE;
/* Removes a file; no error when it is not there. */
enum err_code file_remove(const char *path, struct err *err) MUST_USE;
/* Temporary name beside `path`, write, fsync, rename, fsync of the folder: all or nothing. */
enum err_code file_replace(const char *path, const void *data, size_t size,
                           struct err *err) MUST_USE;
/* The whole file, at most size_max bytes; `*ret_data` is terminated by an extra zero byte and freed
 * by mem_free. ERR_NOT_FOUND when absent, ERR_CORRUPT when larger. */
enum err_code file_read_all(const char *path, size_t size_max, void **ret_data, size_t *ret_size,
                            struct err *err) MUST_USE;

bool file_exists(const char *path);
bool file_is_folder(const char *path);
/* True when both exist on one filesystem. */
bool file_same_filesystem(const char *a, const char *b);
/* True when `path`, which need not exist, is this folder or would lie below it, through whatever
 * links and mounts its existing part leads. False when the folder does not exist. */
bool file_is_inside(const char *path, const char *folder);
/* Bytes that this user may still write on the filesystem of `path` (or of its nearest existing
 * parent). */
enum err_code file_free_space(const char *path, uint64_t *ret_size, struct err *err) MUST_USE;

/* mkdir -p, mode 0700 less umask for new folders, each parent synced. */
enum err_code folder_make(const char *path, struct err *err) MUST_USE;
enum err_code folder_sync(const char *path, struct err *err) MUST_USE;
/* Removes a folder and all in it; no error when it is not there. Does not follow links. */
enum err_code folder_remove(const char *path, struct err *err) MUST_USE;
/* Names in a folder without "." and "..", sorted bytewise; at most names_max. One block: free with
 * mem_free(*ret_names). */
enum err_code folder_list(const char *path, size_t names_max, char ***ret_names, size_t *ret_count,
                          struct err *err) MUST_USE;
/* A new private folder (0700) below $TMPDIR or /tmp; free the name with mem_free. */
enum err_code folder_make_temporary(char **ret_path, struct err *err) MUST_USE;

/* A read-only mapping of a whole file. size 0: data is NULL. Needs no alignment of anything. */
struct file_map {
    const uint8_t *data;
    uint64_t size;
};
enum err_code file_map_open(const char *path, struct file_map *ret_map, struct err *err) MUST_USE;
void file_map_close(struct file_map *map);
/* Brings a range of a mapping into memory, so that a medium that cannot be read is an error here
 * and no SIGBUS later. Kernels before 5.14 cannot be asked: then nothing happens. */
enum err_code file_map_populate(const struct file_map *map, const char *path, uint64_t offset,
                                uint64_t size, struct err *err) MUST_USE;

/* An exclusive lock on a file (made when absent), also against this process; released by file_close
 * or when the process ends. ERR_LOCKED with the other's process id when it is taken. The lock file
 * is never removed. */
enum err_code file_lock(const char *path, int *ret_fd, struct err *err) MUST_USE;
/* Is this lock held by anybody? Looking takes it for a moment, shared, so that whoever wants it
 * just then should try again. False when it cannot be known. */
bool file_lock_is_held(const char *path);
/* The process that holds an fcntl write lock on a file that is not ours (a Milvus 1.x server's
 * `lock`), 0 when none, -1 when it is unknown which; does not change anything. */
int file_lock_holder(const char *path);

#endif
