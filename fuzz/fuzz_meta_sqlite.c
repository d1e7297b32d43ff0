/* fuzz_meta_sqlite.c: the bytes are a meta.sqlite. The first byte says whether they are cut in two,
 * the second part then being its -wal. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sql.h"
#include "fuzz.h"
#include "milvus1/meta.h"

#define FOLDER "/dev/shm"

static void put(const char *path, const uint8_t *data, size_t size)
{
    int fd = -1;
    struct err err;
    FUZZ_CHECK(file_create(path, &fd, &err) == ERR_OK);
    FUZZ_CHECK(file_write_at(fd, path, data, size, 0, &err) == ERR_OK);
    file_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct meta meta;
    if (size < 2 || !file_is_folder(FOLDER))
        return 0;
    sql_start();
    FUZZ_CHECK(setenv("TMPDIR", FOLDER, 1) == 0);
    char *path = mem_printf(FOLDER "/fuzz-meta-%d.sqlite", (int)getpid());
    char *wal = mem_printf("%s-wal", path);
    FUZZ_CHECK(path != NULL && wal != NULL);
    const size_t cut = data[0] == 0 ? size - 1 : (size - 1) * data[0] / 256;
    put(path, data + 1, cut);
    if (cut < size - 1)
        put(wal, data + 1 + cut, size - 1 - cut);
    if (meta_sqlite_load(store_local(), path, &meta, &err) == ERR_OK) {
        for (size_t k = 0; k < meta.table_count; k++)
            FUZZ_CHECK(*meta.tables[k].table_id != '\0');
        for (size_t k = 1; k < meta.file_count; k++)
            FUZZ_CHECK(meta.files[k - 1].id <= meta.files[k].id);
        meta_release(&meta);
    }
    FUZZ_CHECK(file_remove(path, &err) == ERR_OK && file_remove(wal, &err) == ERR_OK);
    mem_free(path);
    mem_free(wal);
    return 0;
}
