/* bandwidth.c: how fast this machine reads memory, the yardstick for exact search.
 *
 *   bandwidth [MIB [ROUNDS [wall|cpu]]]          default 512 MiB, best of 9 rounds, wall clock
 *
 * Sums a buffer front to back with vector loads, as one thread and as two (each one half): no
 * search that looks at every vector can be faster. Prints one line of JSON, GB = 10^9 bytes. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t words __attribute__((vector_size(32)));

struct part {
    pthread_t thread;
    const words *from;
    size_t count;
    uint64_t sum;
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Four sums, so that additions never wait for each other. */
#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
static uint64_t
add_up(const words *from, size_t count)
{
    words a = {0};
    words b = a;
    words c = a;
    words d = a;
    for (size_t i = 0; i + 4 <= count; i += 4) {
        a += from[i];
        b += from[i + 1];
        c += from[i + 2];
        d += from[i + 3];
    }
    a += b + c + d;
    return a[0] + a[1] + a[2] + a[3];
}

static void *run(void *argument)
{
    struct part *part = argument;
    part->sum = add_up(part->from, part->count);
    return NULL;
}

/* Bytes a second over `size` bytes read by `threads` threads, the best of `rounds`. */
static double measure(const words *buffer, size_t size, size_t threads, size_t rounds,
                      clockid_t clock)
{
    const size_t count = size / sizeof *buffer;
    double best = 1e300;
    for (size_t r = 0; r < rounds; r++) {
        struct part parts[2];
        const double start = seconds(clock);
        for (size_t t = 0; t < threads; t++) {
            parts[t].from = buffer + count / threads * t;
            parts[t].count = count / threads;
            if (pthread_create(&parts[t].thread, NULL, run, &parts[t]) != 0)
                exit(1);
        }
        for (size_t t = 0; t < threads; t++)
            pthread_join(parts[t].thread, NULL);
        double taken = seconds(clock) - start;
        taken /= clock == CLOCK_MONOTONIC ? 1.0 : (double)threads;
        best = taken < best ? taken : best;
    }
    return (double)size / best;
}

int main(int argc, char **argv)
{
    const size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 512) << 20;
    const size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
    const bool is_cpu = argc > 3 && strcmp(argv[3], "cpu") == 0;
    const clockid_t clock = is_cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    words *buffer = aligned_alloc(64, size);
    if (buffer == NULL || size == 0) {
        fprintf(stderr, "bandwidth: cannot allocate %zu bytes\n", size);
        return 1;
    }
    memset(buffer, 1, size);
    const double one = measure(buffer, size, 1, rounds, clock);
    const double two = measure(buffer, size, 2, rounds, clock);
    printf("{\"threads_1_gb_per_s\": %.2f, \"threads_2_gb_per_s\": %.2f}\n", one * 1e-9,
           two * 1e-9);
    free(buffer);
    return 0;
}
