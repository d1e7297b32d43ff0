/* work_lock.c: see work_lock.h. The marker is not synced: a power failure after the end of a job
 * costs the answer "exists already" to the same command, nothing more. */
#include "migrate/work_lock.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "migrate/migrate.h"

enum err_code work_lock_take(const char *folder, struct work_lock *ret_lock, struct err *err)
{
    *ret_lock = (struct work_lock){.fd = -1, .marker = path_join(folder, "jobs.untold")};
    char *path = path_join(folder, "jobs.lock");
    enum err_code code = ret_lock->marker != NULL && path != NULL
                             ? file_lock(path, &ret_lock->fd, err)
                             : err_nomem(err, folder);
    if (code == ERR_LOCKED)
        code = err_wrap(err, "another job is running in %s", folder);
    mem_free(path);
    return code;
}

void work_lock_release(struct work_lock *lock)
{
    file_close(lock->fd);
    mem_free(lock->marker);
    *lock = (struct work_lock){.fd = -1};
}

bool work_lock_is_untold(const struct work_lock *lock)
{
    return file_exists(lock->marker);
}

enum err_code work_lock_set_untold(const struct work_lock *lock, bool is_untold, struct err *err)
{
    if (!is_untold)
        return file_remove(lock->marker, err);
    int fd = -1;
    const enum err_code code = file_create(lock->marker, &fd, err);
    file_close(fd);
    return code;
}

enum err_code migrate_told(const char *work_folder, struct err *err)
{
    struct work_lock lock;
    enum err_code code = work_lock_take(work_folder, &lock, err);
    if (code == ERR_OK && work_lock_is_untold(&lock))
        code = work_lock_set_untold(&lock, false, err);
    work_lock_release(&lock);
    return code;
}
