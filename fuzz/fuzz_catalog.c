/* fuzz_catalog.c: the bytes are a catalog.sqlite. The seal is computed but its answer is not waited
 * for, so that what lies behind it is reached too. */
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sql.h"
#include "engine/catalog.h"
#include "fuzz.h"

#define FOLDER "/dev/shm"
#define MEMORY_MAX ((size_t)256 << 20)

static void check_collection(const struct catalog_collection *collection)
{
    const struct collection_facts *facts = &collection->facts;
    uint64_t rows = 0;
    FUZZ_CHECK(metric_dim_is_valid(facts->metric, (long long)facts->dim));
    FUZZ_CHECK(facts->partition_count > 0);
    for (size_t k = 0; k < facts->segment_count; k++) {
        const struct segment_facts *segment = &collection->segments[k];
        FUZZ_CHECK(segment->partition < facts->partition_count);
        FUZZ_CHECK(segment->rows > 0 && segment->dead_rows <= segment->rows);
        rows += segment->rows - segment->dead_rows;
    }
    FUZZ_CHECK(rows == facts->rows);
}

static void load_all(struct sql *sql)
{
    struct err err;
    struct arena arena;
    const char **names = NULL;
    size_t count = 0;
    uint64_t seal = 0;
    (void)!catalog_seal_check(sql, &seal, &err);
    arena_init(&arena, MEMORY_MAX);
    if (catalog_names(sql, &arena, &names, &count, &err) == ERR_OK) {
        for (size_t k = 0; k < count && k < 16; k++) {
            struct catalog_collection collection = {0};
            if (catalog_load(sql, names[k], &arena, &collection, &err) == ERR_OK)
                check_collection(&collection);
        }
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct sql *sql = NULL;
    int fd = -1;
    if (!file_is_folder(FOLDER))
        return 0;
    char *path = mem_printf(FOLDER "/fuzz-catalog-%d.sqlite", (int)getpid());
    FUZZ_CHECK(path != NULL);
    FUZZ_CHECK(file_create(path, &fd, &err) == ERR_OK);
    FUZZ_CHECK(file_write_at(fd, path, data, size, 0, &err) == ERR_OK);
    file_close(fd);
    if (sql_open_readonly(path, &sql, &err) == ERR_OK) {
        if (catalog_check(sql, &err) == ERR_OK)
            load_all(sql);
        sql_close(sql);
    }
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++) {
        char *file = mem_printf("%s%s", path, endings[k]);
        FUZZ_CHECK(file != NULL && file_remove(file, &err) == ERR_OK);
        mem_free(file);
    }
    mem_free(path);
    return 0;
}
