/* limits.c: see limits.h. Reading is a sum over vectors; arithmetic is ten sums side by side, so
 * that no instruction waits for the one before. */
#include "limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define ROUNDS 2
#define STEPS ((size_t)1 << 20)
#define SUMS 10

typedef uint64_t words __attribute__((vector_size(64)));

static volatile uint64_t sink;

double limits_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void
read_all(const words *from, size_t count)
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
    sink = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}

static double bytes_a_second(const void *memory, size_t size, size_t repeats)
{
    double best = 0.0;
    for (size_t r = 0; r < ROUNDS; r++) {
        const double start = limits_time();
        for (size_t i = 0; i < repeats; i++)
            read_all(memory, size / sizeof(words));
        const double rate = (double)size * (double)repeats / (limits_time() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

#ifdef __x86_64__
/* Ten sums of vectors, each step written out; `add` makes the next value of one. */
#define TEN_SUMS(type, zero, add)                                                                  \
    type s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero;                                    \
    type s5 = zero, s6 = zero, s7 = zero, s8 = zero, s9 = zero;                                    \
    for (size_t i = 0; i < STEPS; i++) {                                                           \
        s0 = add(s0);                                                                              \
        s1 = add(s1);                                                                              \
        s2 = add(s2);                                                                              \
        s3 = add(s3);                                                                              \
        s4 = add(s4);                                                                              \
        s5 = add(s5);                                                                              \
        s6 = add(s6);                                                                              \
        s7 = add(s7);                                                                              \
        s8 = add(s8);                                                                              \
        s9 = add(s9);                                                                              \
        __asm__ volatile(""                                                                        \
                         : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5), "+x"(s6),   \
                           "+x"(s7), "+x"(s8), "+x"(s9));                                          \
    }

#define ADD(s) _mm256_fmadd_ps(x, y, s)
__attribute__((target("avx2,fma"))) static void floats_avx2(void)
{
    const __m256 x = _mm256_set1_ps(1.0F);
    const __m256 y = _mm256_set1_ps(0.5F);
    TEN_SUMS(__m256, _mm256_setzero_ps(), ADD)
}
#undef ADD

#define ADD(s) _mm512_fmadd_ps(x, y, s)
__attribute__((target("avx512f"))) static void floats_avx512(void)
{
    const __m512 x = _mm512_set1_ps(1.0F);
    const __m512 y = _mm512_set1_ps(0.5F);
    TEN_SUMS(__m512, _mm512_setzero_ps(), ADD)
}
#undef ADD

#define ADD(s) _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones))
__attribute__((target("avx2"))) static void bytes_avx2(void)
{
    __m256i x = _mm256_set1_epi8(1);
    const __m256i y = _mm256_set1_epi8(2);
    const __m256i ones = _mm256_set1_epi16(1);
    __asm__ volatile("" : "+x"(x));
    TEN_SUMS(__m256i, _mm256_setzero_si256(), ADD)
}
#undef ADD

#define ADD(s) _mm512_dpbusd_epi32(s, x, y)
__attribute__((target("avx512f,avx512vnni"))) static void bytes_vnni(void)
{
    const __m512i x = _mm512_set1_epi8(1);
    const __m512i y = _mm512_set1_epi8(2);
    TEN_SUMS(__m512i, _mm512_setzero_si512(), ADD)
}
#undef ADD

/* `lanes`: multiply-adds of one sum's step. */
static double steps_a_second(void (*run)(void), double lanes)
{
    double best = 0.0;
    for (size_t r = 0; r < ROUNDS; r++) {
        const double start = limits_time();
        run();
        const double rate = SUMS * (double)STEPS * lanes / (limits_time() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static double floats_a_second(void)
{
    if (__builtin_cpu_supports("avx512f"))
        return steps_a_second(floats_avx512, 16.0);
    const bool has_it = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return has_it ? steps_a_second(floats_avx2, 8.0) : 0.0;
}

static double products_a_second(void)
{
    if (__builtin_cpu_supports("avx512vnni"))
        return steps_a_second(bytes_vnni, 64.0);
    return __builtin_cpu_supports("avx2") ? steps_a_second(bytes_avx2, 32.0) : 0.0;
}
#else
static double floats_a_second(void)
{
    return 0.0;
}

static double products_a_second(void)
{
    return 0.0;
}
#endif

double limits_measure(enum limit limit, const void *memory, size_t size)
{
    switch (limit) {
    case LIMIT_MEMORY:
        return bytes_a_second(memory, size, 1);
    case LIMIT_CACHE:
        return bytes_a_second(memory, LIMITS_CACHE_SIZE, 200);
    case LIMIT_FLOATS:
        return floats_a_second();
    case LIMIT_BYTES:
        return products_a_second();
    case LIMIT_COUNT:
        break;
    }
    return 0.0;
}
