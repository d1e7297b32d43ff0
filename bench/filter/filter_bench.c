/* filter_bench.c: how fast src/filter/ is, without the engine around it.
 *
 *   filter_bench FOLDER EXPRESSION REPEAT [ISA]
 *
 * FOLDER holds one file a column, raw little-endian values: id.i64 n.i64 small.i32 price.f64 and,
 * as NAME.offsets (u64, rows + 1) and NAME.bytes, name and meta (JSON). bench/filter/run.py makes
 * them. The best of REPEAT rounds counts. Prints one line of JSON. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "filter/plan.h"

static const struct field fields[] = {
    {.id = 100, .name = "id", .type = FIELD_INT64, .is_primary = true},
    {.id = 101, .name = "n", .type = FIELD_INT64},
    {.id = 102, .name = "small", .type = FIELD_INT32},
    {.id = 103, .name = "price", .type = FIELD_DOUBLE},
    {.id = 104, .name = "name", .type = FIELD_VARCHAR, .max_length = 256},
    {.id = 105, .name = "$meta", .type = FIELD_JSON, .is_dynamic = true},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static void fail(const char *what)
{
    fprintf(stderr, "filter_bench: %s\n", what);
    exit(1);
}

static const void *map(const char *folder, const char *name, size_t *ret_size)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        fail(path);
    const void *bytes =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        fail(path);
    close(fd);
    *ret_size = (size_t)status.st_size;
    return bytes;
}

static struct column plain(const char *folder, const char *name, enum field_type type)
{
    size_t size;
    struct column column = {.type = type, .width = field_type_width(type, 0)};
    column.values = map(folder, name, &size);
    column.rows = size / column.width;
    return column;
}

static struct column variable(const char *folder, const char *offsets, const char *bytes,
                              enum field_type type)
{
    size_t size;
    struct column column = {.type = type};
    column.offsets = map(folder, offsets, &size);
    column.rows = size / 8 - 1;
    column.bytes = map(folder, bytes, &size);
    return column;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void use_isa(struct filter *filter, const char *isa)
{
    const struct loops *loops[LOOPS_TABLES_MAX];
    const size_t count = loops_list(loops);
    for (size_t i = 0; i < count; i++)
        if (strcmp(loops[i]->isa, isa) == 0) {
            filter->loops = loops[i];
            return;
        }
    fail("no such instruction set here");
}

int main(int argc, char **argv)
{
    if (argc < 4)
        fail("usage: filter_bench FOLDER EXPRESSION REPEAT [ISA]");
    const struct column columns[FIELDS] = {
        plain(argv[1], "id.i64", FIELD_INT64),
        plain(argv[1], "n.i64", FIELD_INT64),
        plain(argv[1], "small.i32", FIELD_INT32),
        plain(argv[1], "price.f64", FIELD_DOUBLE),
        variable(argv[1], "name.offsets", "name.bytes", FIELD_VARCHAR),
        variable(argv[1], "meta.offsets", "meta.bytes", FIELD_JSON),
    };
    const struct column *list[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        list[i] = &columns[i];
    const struct schema schema = {.fields = fields, .field_count = FIELDS, .has_dynamic = true};
    struct filter *filter;
    struct err err;
    if (filter_compile(argv[2], strlen(argv[2]), &schema, NULL, &filter, &err) != ERR_OK)
        fail(err.msg);
    if (argc > 4)
        use_isa(filter, argv[4]);
    const struct filter_rows rows = {.columns = list, .count = columns[0].rows};
    uint64_t *bits = mem_alloc(bitmap_words(rows.count), sizeof *bits);
    struct filter_scratch scratch = {0};
    double best = 1e300;
    for (long i = strtol(argv[3], NULL, 10); bits != NULL && i > 0; i--) {
        const double start = cpu_seconds();
        if (filter_eval(filter, &scratch, &rows, bits, &err) != ERR_OK)
            fail(err.msg);
        const double taken = cpu_seconds() - start;
        best = taken < best ? taken : best;
    }
    printf("{\"rows\": %zu, \"selected\": %zu, \"cpu_s\": %.9f, \"isa\": \"%s\"}\n", rows.count,
           bits != NULL ? bitmap_count(bits, rows.count) : 0, best, filter->loops->isa);
    mem_free(bits);
    filter_scratch_release(&scratch);
    filter_free(filter);
    return 0;
}
