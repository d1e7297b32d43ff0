/* kernel_bench.c: how fast the exact search of src/kernel/ is, without the engine around it.
 *
 *   kernel_bench ROWS.npy QUERIES.npy METRIC K BATCH THREADS REPEAT [ISA]
 *
 * Both files: little-endian float32 (or uint8 for binary metrics), C order, 2-d. The queries are
 * answered BATCH at a time by THREADS threads that share the rows; the best of REPEAT rounds
 * counts. Prints one line of JSON; `check` is a checksum over all ids and score bits, equal on
 * every instruction set and for every batch size and number of threads. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel/scan.h"

#define THREADS_MAX 64
#define BLOCK_ROWS 4096 /* rows given to a thread at a time, about */

struct matrix {
    const uint8_t *values;
    size_t rows;
    size_t columns;
};

struct work {
    pthread_t thread;
    const struct scan *scan;
    const struct matrix *rows;
    size_t from;
    size_t end;
    struct topk *topks;
    struct scan_scratch scratch;
};

static void fail(const char *what)
{
    fprintf(stderr, "kernel_bench: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct matrix load(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size < 128)
        fail(path);
    const uint8_t *bytes =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        fail(path);
    close(fd);
    const char *shape = memmem(bytes, 128, "'shape': (", 10);
    struct matrix matrix;
    if (shape == NULL || sscanf(shape + 10, "%zu, %zu", &matrix.rows, &matrix.columns) != 2)
        fail("expected a 2-d .npy file");
    matrix.values = bytes + 10 + bytes[8] + 256 * bytes[9];
    return matrix;
}

static void *run_thread(void *argument)
{
    struct work *work = argument;
    const size_t size = work->scan->row_size;
    for (size_t from = work->from; from < work->end; from += BLOCK_ROWS) {
        const size_t left = work->end - from;
        const struct scan_rows rows = {.rows = work->rows->values + from * size,
                                       .row_count = left < BLOCK_ROWS ? left : BLOCK_ROWS,
                                       .first_ordinal = from};
        scan_block(work->scan, &rows, &work->scratch, work->topks);
    }
    return NULL;
}

static void init_work(struct work *work, const struct scan *scan, size_t k)
{
    struct err err;
    work->scan = scan;
    work->topks = calloc(scan->query_count, sizeof *work->topks);
    if (work->topks == NULL || scan_scratch_init(&work->scratch, scan, &err) != ERR_OK)
        fail("out of memory");
    for (size_t q = 0; q < scan->query_count; q++)
        if (topk_init(&work->topks[q], k, false, &err) != ERR_OK)
            fail(err.msg);
}

static void release_work(struct work *work)
{
    for (size_t q = 0; q < work->scan->query_count; q++)
        topk_release(&work->topks[q]);
    free(work->topks);
    scan_scratch_release(&work->scratch);
}

static uint64_t checksum(uint64_t sum, const struct topk *topk)
{
    for (size_t i = 0; i < topk->count; i++) {
        uint32_t bits;
        memcpy(&bits, &topk->hits[i].key, sizeof bits);
        sum = (sum ^ topk->hits[i].ordinal) * UINT64_C(0x100000001b3);
        sum = (sum ^ bits) * UINT64_C(0x100000001b3);
    }
    return sum;
}

/* Answers one batch; returns the running checksum. */
static uint64_t answer(const struct scan_request *request, const struct matrix *rows, size_t k,
                       size_t threads, uint64_t sum)
{
    struct err err;
    struct scan scan;
    struct work works[THREADS_MAX];
    if (scan_init(&scan, request, &err) != ERR_OK)
        fail(err.msg);
    for (size_t t = 0; t < threads; t++) {
        init_work(&works[t], &scan, k);
        works[t].rows = rows;
        works[t].from = rows->rows * t / threads;
        works[t].end = rows->rows * (t + 1) / threads;
    }
    for (size_t t = 1; t < threads; t++)
        if (pthread_create(&works[t].thread, NULL, run_thread, &works[t]) != 0)
            fail("cannot start a thread");
    run_thread(&works[0]);
    for (size_t t = 1; t < threads; t++)
        pthread_join(works[t].thread, NULL);
    for (size_t q = 0; q < scan.query_count; q++) {
        for (size_t t = 1; t < threads; t++)
            topk_merge(&works[0].topks[q], &works[t].topks[q]);
        topk_finish(&works[0].topks[q]);
        sum = checksum(sum, &works[0].topks[q]);
    }
    for (size_t t = 0; t < threads; t++)
        release_work(&works[t]);
    scan_release(&scan);
    return sum;
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        fprintf(stderr, "usage: kernel_bench ROWS.npy QUERIES.npy METRIC K BATCH THREADS REPEAT "
                        "[ISA]\n");
        return 2;
    }
    struct err err;
    const struct matrix rows = load(argv[1]);
    const struct matrix queries = load(argv[2]);
    const enum metric_type metric = metric_from_name(argv[3]);
    const size_t k = strtoul(argv[4], NULL, 10);
    const size_t batch = strtoul(argv[5], NULL, 10);
    const size_t threads = strtoul(argv[6], NULL, 10);
    const size_t repeat = strtoul(argv[7], NULL, 10);
    const size_t dim = metric_is_binary(metric) ? rows.columns * 8 : rows.columns;
    const struct kernel *kernel;
    if (kernel_select(argc > 8 ? argv[8] : NULL, &kernel, &err) != ERR_OK)
        fail(err.msg);
    if (batch == 0 || threads == 0 || threads > THREADS_MAX || queries.columns != rows.columns)
        fail("wrong batch, threads or dimensions");
    double best = 1e300;
    double best_cpu = 0;
    uint64_t sum = 0;
    for (size_t r = 0; r < repeat; r++) {
        const double wall = seconds(CLOCK_MONOTONIC);
        const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        sum = 0;
        for (size_t q = 0; q < queries.rows; q += batch) {
            const size_t left = queries.rows - q < batch ? queries.rows - q : batch;
            const struct scan_request request = {
                kernel, metric, dim, queries.values + q * metric_row_size(metric, dim), left};
            sum = answer(&request, &rows, k, threads, sum);
        }
        const double taken = seconds(CLOCK_MONOTONIC) - wall;
        if (taken < best) {
            best = taken;
            best_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        }
    }
    const double scanned = (double)rows.rows * (double)metric_row_size(metric, dim);
    const double scans = (double)((queries.rows + batch - 1) / batch);
    printf("{\"queries\": %zu, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"qps\": %.2f, \"plan\": "
           "\"kernel %s\", \"gb_per_s\": %.2f, \"check\": \"%016" PRIx64 "\"}\n",
           queries.rows, best, best_cpu, (double)queries.rows / best, kernel->name,
           scanned * scans / best * 1e-9, sum);
    return 0;
}
